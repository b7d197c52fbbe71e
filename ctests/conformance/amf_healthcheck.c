/* A heartbeat that stays unanswered for healthcheck-timeout (3 s) is a failure
   of the component, which stays registered until its error is cancelled. */
#include "amf.h"

int main(void)
{
	long long start;

	await_unregistered();
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	AWAIT(components[AX].heartbeats > 5);

	/* The next heartbeat is sent after the answer to this one. */
	start = components[AX].heartbeat_ms;
	components[AX].heartbeat_answer = ANSWER_NONE;
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK(mono_ms() - start >= 2900);
	CHECK(in_ha_state(BX, SA_AMF_QUIESCED));
	CHECK(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	CHECK(same_name(&components[AY].active_name, components[AX].name));
	CHECK_EQ(probe_component(AX), SA_OK);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);

	/* Answering again is not enough; cancelling the error is. */
	components[AX].heartbeat_answer = ANSWER_OK;
	saAmfResponse(components[AX].heartbeat_invocation, SA_OK);
	pump_for(300);
	CHECK(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	await_unit(AX, SA_AMF_STANDBY);
	leave_clean();
	return done();
}
