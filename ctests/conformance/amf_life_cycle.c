/* The callbacks of a group from its first registration to a takeover and back:
   saAmfReadinessStateSetCallback, saAmfCSISetCallback, saAmfHealthcheckCallback. */
#include "amf.h"

/* What a component is told when its unit gets its first assignment. */
static void check_assignment(int index, SaAmfHAStateT state)
{
	const struct component *component = &components[index];

	CHECK_NUM(component->readiness_calls, 1);
	CHECK_NUM(component->readiness, SA_AMF_IN_SERVICE);
	CHECK_NUM(component->csi_calls, 1);
	CHECK_NUM(component->ha_state, state);
	CHECK(component->csi_event > component->readiness_event);
	CHECK(same_name(&component->csi_name, component->csi));
	CHECK_NUM(component->csi_flags, SA_AMF_CSI_ALL_INSTANCES);
	CHECK_NUM(readiness_of(index), SA_AMF_IN_SERVICE);
	CHECK_NUM(ha_state_of(index), state);
}

static void check_first_active(void)
{
	open_component(AX);
	register_component(AX);
	pump_for(200);
	CHECK_NUM(components[AX].readiness_calls, 0);
	open_component(BX);
	components[BX].readiness_answer = ANSWER_NONE;
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE) && in_readiness(BX, SA_AMF_IN_SERVICE));

	/* No assignment before all have answered; no heartbeat before the
	   assignment is answered. */
	pump_for(200);
	CHECK_NUM(components[AX].csi_calls, 0);
	CHECK_NUM(components[AX].heartbeats, 0);
	components[AX].csi_answer = ANSWER_NONE;
	CHECK_EQ(saAmfResponse(components[BX].readiness_invocation, SA_OK), SA_OK);
	components[BX].readiness_answer = ANSWER_OK;
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK_NUM(components[AX].transition, SA_AMF_CSI_NEW_ASSIGN);
	CHECK_NUM(components[BX].transition, SA_AMF_CSI_NEW_ASSIGN);
	AWAIT(components[BX].heartbeats > 2);
	CHECK_NUM(components[AX].heartbeats, 0);
	CHECK_EQ(saAmfResponse(components[AX].csi_invocation, SA_OK), SA_OK);
	components[AX].csi_answer = ANSWER_OK;
	AWAIT(components[AX].heartbeats > 2);
	check_assignment(AX, SA_AMF_ACTIVE);
	check_assignment(BX, SA_AMF_ACTIVE);
}

static void check_standbys(void)
{
	int i;

	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	start_unit(AZ);
	await_unit(AZ, SA_AMF_STANDBY);
	for (i = AY; i <= BZ; i++) {
		check_assignment(i, SA_AMF_STANDBY);
		/* Of whom it is the standby. */
		CHECK(same_name(&components[i].active_name, components[i % 2 ? BX : AX].name));
	}
	AWAIT(components[AY].heartbeats > 2 && components[BZ].heartbeats > 2);
	/* The one that is active has heard nothing new. */
	CHECK_NUM(components[AX].csi_calls, 1);
	CHECK_NUM(components[AX].readiness_calls, 1);
}

/* The active unit loses a component: the other one is quiesced, then taken out
   of service, then the first standby in groups.conf becomes active. */
static void check_takeover(void)
{
	CHECK_EQ(saAmfComponentUnregister(&components[BX].handle, comp(BX), NULL), SA_OK);
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK(in_ha_state(AX, SA_AMF_QUIESCED));
	CHECK(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK(components[AX].readiness_event > components[AX].csi_event);
	CHECK(components[AY].csi_event > components[AX].readiness_event);
	CHECK(components[BY].csi_event > components[AX].readiness_event);
	CHECK_NUM(components[AY].transition, SA_AMF_CSI_QUIESCED);
	CHECK(same_name(&components[AY].active_name, components[AX].name));
	CHECK(same_name(&components[BY].active_name, components[BX].name));
	CHECK(in_ha_state(AZ, SA_AMF_STANDBY) && in_ha_state(BZ, SA_AMF_STANDBY));
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	CHECK_NUM(ha_state_of(AY), SA_AMF_ACTIVE);
}

/* What is out of service gets no heartbeats; what comes back is a standby. */
static void check_return(void)
{
	int before = components[AX].heartbeats;

	pump_for(300);
	CHECK_NUM(components[AX].heartbeats, before);
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE) && in_readiness(BX, SA_AMF_IN_SERVICE));
	await_unit(AX, SA_AMF_STANDBY);
	CHECK(same_name(&components[AX].active_name, components[AY].name));
	AWAIT(components[AX].heartbeats > before + 2);
	CHECK(in_ha_state(AY, SA_AMF_ACTIVE));
}

/* The end of a standby disturbs nobody else's assignment. */
static void check_standby_ends(void)
{
	close_component(BZ);
	AWAIT(in_ha_state(AZ, SA_AMF_QUIESCED));
	AWAIT(in_readiness(AZ, SA_AMF_OUT_OF_SERVICE));
	pump_for(200);
	CHECK(in_ha_state(AY, SA_AMF_ACTIVE) && in_ha_state(BY, SA_AMF_ACTIVE));
	CHECK(in_ha_state(AX, SA_AMF_STANDBY) && in_ha_state(BX, SA_AMF_STANDBY));
}

/* The active handle is finalised: as good as its process ending. */
static void check_finalize_of_active(void)
{
	close_component(AY);
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK(in_ha_state(BY, SA_AMF_QUIESCED));
	CHECK(in_readiness(BY, SA_AMF_OUT_OF_SERVICE));
	CHECK(components[AX].csi_event > components[BY].readiness_event);
	CHECK_EQ(probe_component(AY), SA_ERR_NOT_EXIST);
}

int main(void)
{
	await_unregistered();
	check_first_active();
	check_standbys();
	check_takeover();
	check_return();
	check_standby_ends();
	check_finalize_of_active();
	leave_clean();
	return done();
}
