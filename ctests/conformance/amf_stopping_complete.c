/* saAmfStoppingComplete. No program can have a unit stopped, only an operator: what
   can be seen is which answers it refuses, and that it answers a question which is
   pointless by now. */
#include "amf.h"

int main(void)
{
	static const SaInvocationT unknown[] = { 0, -1, 77, 0x20000001, 0x7fffffff, -0x7fffffff - 1 };
	static const int bad_errors[] = { 0, 30, 77, -1, 0x7fffffff };
	SaInvocationT invocation;
	size_t i;

	await_unregistered();
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		CHECK_EQ(saAmfStoppingComplete(unknown[i], SA_OK), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saAmfStoppingComplete(unknown[i], SA_ERR_FAILED_OPERATION), SA_ERR_INVALID_PARAM);
	}
	for (i = 0; i < sizeof(bad_errors) / sizeof(bad_errors[0]); i++)
		CHECK_EQ(saAmfStoppingComplete(77, (SaErrorT)bad_errors[i]), SA_ERR_INVALID_PARAM);

	/* The question IN_SERVICE is one for saAmfResponse. */
	open_component(AX);
	components[AX].readiness_answer = ANSWER_NONE;
	register_component(AX);
	open_component(BX);
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE));
	invocation = components[AX].readiness_invocation;
	CHECK_EQ(saAmfStoppingComplete(invocation, SA_OK), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfStoppingComplete(invocation, (SaErrorT)77), SA_ERR_INVALID_PARAM);
	components[AX].readiness_answer = ANSWER_OK;
	CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);
	close_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));

	/* IN_SERVICE is asked once more, and taken back unanswered. */
	components[AX].readiness_answer = ANSWER_NONE;
	open_component(BX);
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE));
	invocation = components[AX].readiness_invocation;
	close_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK_EQ(saAmfStoppingComplete(invocation, SA_OK), SA_OK);
	CHECK_EQ(saAmfStoppingComplete(invocation, SA_OK), SA_ERR_INVALID_PARAM);
	leave_clean();
	return done();
}
