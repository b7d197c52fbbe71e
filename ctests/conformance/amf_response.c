/* saAmfResponse: which invocations it takes, from whom, and what an answer does. */
#include "amf.h"

/* Registers both components of raidA; the first leaves its questions open. */
static SaInvocationT open_question(void)
{
	open_component(AX);
	components[AX].readiness_answer = ANSWER_NONE;
	register_component(AX);
	open_component(BX);
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE));
	return components[AX].readiness_invocation;
}

static void check_parameters(SaInvocationT invocation)
{
	static const int bad_errors[] = { 0, 30, 77, -1, 0x7fffffff };
	static const SaInvocationT unknown[] = { 0, -1, 77, 0x10000001, 0x40000001, 0x7fffffff, -0x7fffffff - 1 };
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (unknown[i] == invocation)
			continue;
		CHECK_EQ(saAmfResponse(unknown[i], SA_OK), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saAmfResponse(unknown[i], SA_ERR_FAILED_OPERATION), SA_ERR_INVALID_PARAM);
	}
	for (i = 0; i < sizeof(bad_errors) / sizeof(bad_errors[0]); i++)
		CHECK_EQ(saAmfResponse(invocation, (SaErrorT)bad_errors[i]), SA_ERR_INVALID_PARAM);
	/* Refused answers are no answers. */
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
}

static void *respond_in_thread(void *invocation)
{
	CHECK_EQ(saAmfResponse(*(SaInvocationT *)invocation, SA_OK), SA_OK);
	return NULL;
}

static void check_who_may_answer(void)
{
	SaInvocationT invocation = open_question();
	pthread_t thread;
	pid_t child;
	int failed;

	check_parameters(invocation);

	/* Not another process, though it knows the number. */
	failed = checks_failed;
	child = fork();
	if (child == 0) {
		CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_ERR_INVALID_PARAM);
		child_done(failed);
	}
	CHECK_CHILD(child);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);

	/* Any thread of this one; once. */
	components[AX].readiness_answer = ANSWER_OK;
	pthread_create(&thread, NULL, respond_in_thread, &invocation);
	pthread_join(thread, NULL);
	CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfResponse(invocation, SA_ERR_FAILED_OPERATION), SA_ERR_INVALID_PARAM);
	await_unit(AX, SA_AMF_ACTIVE);

	/* A heartbeat that was answered in its callback. */
	AWAIT(components[AX].heartbeats > 2);
	CHECK_EQ(saAmfResponse(components[AX].heartbeat_invocation, SA_OK), SA_ERR_INVALID_PARAM);
	leave_clean();
	CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_ERR_INVALID_PARAM);
}

/* A newer question replaces the one that is open; the late answer to that one
   is taken and changes nothing. */
static void check_superseded(void)
{
	SaInvocationT invocation = open_question();

	CHECK_EQ(saAmfComponentUnregister(&components[BX].handle, comp(BX), NULL), SA_OK);
	AWAIT(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK(components[AX].readiness_invocation != invocation);
	CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_OK);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	CHECK_EQ(saAmfResponse(components[AX].readiness_invocation, SA_OK), SA_OK);
	leave_clean();
}

/* The end of the handle that was asked ends its questions. */
static void check_finalized(void)
{
	SaInvocationT invocation = open_question();

	close_component(AX);
	CHECK_EQ(saAmfResponse(invocation, SA_OK), SA_ERR_INVALID_PARAM);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	leave_clean();
}

/* An answer that says it failed is a failure of the component: its sibling is
   taken out of service, until the error is cancelled. */
static void check_failed_readiness(void)
{
	open_component(AX);
	components[AX].readiness_answer = ANSWER_FAILED;
	register_component(AX);
	open_component(BX);
	register_component(BX);
	AWAIT(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	CHECK_NUM(components[AX].csi_calls, 0);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	components[AX].readiness_answer = ANSWER_OK;
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);
	leave_clean();
}

static void check_failed_csi_set(void)
{
	open_component(AX);
	components[AX].csi_answer = ANSWER_FAILED;
	register_component(AX);
	open_component(BX);
	register_component(BX);
	AWAIT(in_ha_state(BX, SA_AMF_QUIESCED));
	AWAIT(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	leave_clean();
}

static void check_failed_heartbeat(void)
{
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	components[AX].heartbeat_answer = ANSWER_FAILED;
	AWAIT(in_ha_state(BX, SA_AMF_QUIESCED));
	AWAIT(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	await_unit(AY, SA_AMF_ACTIVE);
	leave_clean();
}

int main(void)
{
	await_unregistered();
	CHECK_EQ(saAmfResponse(0, SA_OK), SA_ERR_INVALID_PARAM);
	check_who_may_answer();
	check_superseded();
	check_finalized();
	check_failed_readiness();
	check_failed_csi_set();
	check_failed_heartbeat();
	return done();
}
