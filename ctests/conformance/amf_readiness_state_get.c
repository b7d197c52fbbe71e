/* saAmfReadinessStateGet. */
#include "amf.h"

int main(void)
{
	SaAmfReadinessStateT state;
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();

	await_unregistered();
	PAINT(state);
	CHECK_EQ(saAmfReadinessStateGet(NULL, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfReadinessStateGet(comp(AX), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfReadinessStateGet(NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfReadinessStateGet(&overlong, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfReadinessStateGet(&unknown, &state), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(state);

	/* Configured, registered, in service, out of it again. */
	CHECK_EQ(saAmfReadinessStateGet(comp(AX), &state), SA_OK);
	CHECK_NUM(state, SA_AMF_OUT_OF_SERVICE);
	open_component(AX);
	register_component(AX);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	open_component(BX);
	register_component(BX);
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK_NUM(readiness_of(AX), SA_AMF_IN_SERVICE);
	CHECK_NUM(readiness_of(BX), SA_AMF_IN_SERVICE);
	CHECK_NUM(readiness_of(AY), SA_AMF_OUT_OF_SERVICE);
	close_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	CHECK_NUM(readiness_of(BX), SA_AMF_OUT_OF_SERVICE);
	leave_clean();
	return done();
}
