/*
 * Unit raidA is played on node 1, raidB on node 2; node 3 watches, asks,
 * reports errors and cancels them.
 */
#include "amf_hands.h"

static SaAmfProtectionGroupNotificationT group_buffer[TRACK_ITEMS];
static int calls_before;

static void play_a(void)
{
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	rest();
}

static void play_b(void)
{
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	CHECK(same_name(&components[AY].active_name, "comp_a_in_su_x"));
	rest();
}

/* Who is what, as node 3 sees it. */
static void see_active_a(void)
{
	SaAmfComponentCapabilityModelT model = 0;
	SaNameT group_b_name = name_of("pgB");
	SaAmfHAStateT state;

	SEEN(ha_state_of(AX) == SA_AMF_ACTIVE && ha_state_of(BX) == SA_AMF_ACTIVE);
	SEEN(ha_state_of(AY) == SA_AMF_STANDBY && ha_state_of(BY) == SA_AMF_STANDBY);
	CHECK_NUM(readiness_of(AX), SA_AMF_IN_SERVICE);
	CHECK_NUM(readiness_of(BY), SA_AMF_IN_SERVICE);
	CHECK_NUM(readiness_of(AZ), SA_AMF_OUT_OF_SERVICE);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AX), &model), SA_OK);
	CHECK_NUM(model, SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AZ), &model), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfHAStateGet(comp(AX), &group_b_name, &state), SA_ERR_NOT_EXIST);
}

static void track(void)
{
	SaNameT csi = name_of("pgA");

	open_tracker();
	CHECK_EQ(saAmfProtectionGroupTrackStart(&tracker, &csi, SA_TRACK_CURRENT | SA_TRACK_CHANGES, group_buffer,
						TRACK_ITEMS),
		 SA_OK);
	TRACK_AWAIT(group_a.calls > 0);
	CHECK_NUM(group_a.calls, 1);
	CHECK_NUM(group_a.members, 3);
	CHECK_NUM(group_a.items, 3);
	CHECK(shown_as(&group_a, AX, SA_AMF_ACTIVE));
	CHECK(shown_as(&group_a, AY, SA_AMF_STANDBY));
	CHECK(entry_of(&group_a, AZ) && entry_of(&group_a, AZ)->member.readinessState == SA_AMF_OUT_OF_SERVICE);
	calls_before = group_a.calls;
}

static void report_x(void)
{
	SaAmfErrorDescriptorT error = {
		.errorReportType = SA_AMF_PROCESSING_ERROR_ALARM_TYPE,
		.probableCause = SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE,
		.errorImpactAndSeverity = SA_AMF_MAJOR,
		.recommendedRecovery = SA_AMF_NO_RECOMMENDATION,
	};

	CHECK_EQ(saAmfErrorReport(comp(AZ), comp(AX), 0, &error, NULL), SA_OK);
	CHECK_EQ(saAmfErrorReport(comp(AZ), comp(AZ), 0, &error, NULL), SA_ERR_BAD_OPERATION);
	SEEN(ha_state_of(AX) == SA_AMF_QUIESCED && readiness_of(BX) == SA_AMF_OUT_OF_SERVICE);
	SEEN(ha_state_of(AY) == SA_AMF_ACTIVE && ha_state_of(BY) == SA_AMF_ACTIVE);
	/* Every change was told, and counts all members. */
	TRACK_AWAIT(shown_as(&group_a, AY, SA_AMF_ACTIVE));
	CHECK(group_a.calls > calls_before);
	CHECK_NUM(group_a.members, 3);
	CHECK_NUM(group_a.items, 3);
	CHECK_NUM(entry_of(&group_a, AY)->change, SA_AMF_PROTECTION_GROUP_STATE_CHANGE);
}

/* Both are asked while they were serving. */
static void is_out(void)
{
	wake();
	await_unit_out(AX);
	rest();
}

static void took_over(void)
{
	wake();
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK(same_name(&components[AY].active_name, "comp_a_in_su_x"));
	CHECK_NUM(components[AY].transition, SA_AMF_CSI_QUIESCED);
	rest();
}

static void cancel_x(void)
{
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	SEEN(ha_state_of(AX) == SA_AMF_STANDBY && ha_state_of(BX) == SA_AMF_STANDBY);
	CHECK_NUM(ha_state_of(AY), SA_AMF_ACTIVE);
}

static void is_standby(void)
{
	wake();
	await_unit(AX, SA_AMF_STANDBY);
	CHECK(same_name(&components[BX].active_name, "comp_b_in_su_y"));
	rest();
}

/* The process of raidB was killed on node 2. */
static void took_over_from_the_dead(void)
{
	wake();
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK(same_name(&components[AX].active_name, "comp_a_in_su_y"));
	CHECK_NUM(components[AX].transition, SA_AMF_CSI_NOT_QUIESCED);
	rest();
}

static void see_dead_b(void)
{
	SEEN(probe_component(AY) == SA_ERR_NOT_EXIST && probe_component(BY) == SA_ERR_NOT_EXIST);
	SEEN(ha_state_of(AX) == SA_AMF_ACTIVE);
	CHECK_NUM(readiness_of(AY), SA_AMF_OUT_OF_SERVICE);
	TRACK_AWAIT(shown_as(&group_a, AX, SA_AMF_ACTIVE));
	CHECK_NUM(group_a.members, 3);
}

static void end_a(void)
{
	wake();
	leave_clean();
}

static void see_nobody(void)
{
	await_unregistered();
	CHECK_EQ(saAmfFinalize(&tracker), SA_OK);
}

int main(int argc, char **argv)
{
	start_hands(argc, argv);
	ON(1, play_a);
	ON(2, play_b);
	ON(3, see_active_a);
	ON(3, track);
	ON(3, report_x);
	ON(1, is_out);
	ON(2, took_over);
	ON(3, cancel_x);
	ON(1, is_standby);
	kill_hand(2);
	ON(1, took_over_from_the_dead);
	ON(3, see_dead_b);
	ON(1, end_a);
	ON(3, see_nobody);
	return end_hands(__BASE_FILE__);
}
