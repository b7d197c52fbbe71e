/* saAmfErrorReport. */
#include "amf.h"

static SaAmfErrorDescriptorT descriptor = {
	SA_AMF_PROCESSING_ERROR_ALARM_TYPE, SA_AMF_SOFTWARE_ERROR, SA_AMF_MAJOR, SA_AMF_NO_RECOMMENDATION,
};

static SaErrorT report(int index, const SaAmfErrorDescriptorT *what)
{
	return saAmfErrorReport(comp(index), comp(index), 0, what, NULL);
}

static void check_parameters(void)
{
	static const int bad_causes[] = { 0, 31, 77, -1, 0x7fffffff };
	SaAmfErrorDescriptorT wrong = descriptor;
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();
	size_t i;

	CHECK_EQ(saAmfErrorReport(NULL, comp(AX), 0, &descriptor, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorReport(comp(AX), NULL, 0, &descriptor, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorReport(comp(AX), comp(AX), 0, NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorReport(comp(AX), &overlong, 0, &descriptor, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorReport(&overlong, comp(AX), 0, &descriptor, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < sizeof(bad_causes) / sizeof(bad_causes[0]); i++) {
		wrong.probableCause = (SaAmfProbableCauseT)bad_causes[i];
		CHECK_EQ(report(AX, &wrong), SA_ERR_INVALID_PARAM);
		/* Enums are looked at before the name. */
		CHECK_EQ(saAmfErrorReport(&unknown, &unknown, 0, &wrong, NULL), SA_ERR_INVALID_PARAM);
	}
	CHECK_EQ(saAmfErrorReport(comp(AX), &unknown, 0, &descriptor, NULL), SA_ERR_NOT_EXIST);
	CHECK_EQ(report(AX, &descriptor), SA_ERR_BAD_OPERATION);
}

/* Only the cause is looked at: the programs of 2004 leave the rest of the
   descriptor as it was on the stack. The unit goes out of service, the
   component that reported included, and stays there until ErrorCancelAll. */
static void check_unit_out(int cause, int others)
{
	SaAmfErrorDescriptorT what;

	what.probableCause = (SaAmfProbableCauseT)cause;
	what.errorReportType = (SaAmfErrorReportTypeT)others;
	what.errorImpactAndSeverity = (SaAmfErrorImpactAndSeverityT)others;
	what.recommendedRecovery = (SaAmfRecommendedRecoveryT)others;
	CHECK_EQ(report(BX, &what), SA_OK);
	await_unit_out(AX);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	CHECK_NUM(readiness_of(BX), SA_AMF_OUT_OF_SERVICE);
	CHECK_EQ(probe_component(BX), SA_OK);
	pump_for(200);
	CHECK(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK_EQ(saAmfErrorCancelAll(comp(BX)), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);
}

static void check_additional_data(void)
{
	char bytes[SA_AMF_OPAQUE_BUFFER_SIZE_MAX];
	SaAmfErrorBufferT problem = { bytes, sizeof(bytes) };
	SaAmfErrorBufferT text = { bytes, 1 };
	SaAmfErrorBufferT empty = { NULL, 0 };
	SaAmfAdditionalDataT all = { &problem, &text, &empty };
	SaAmfAdditionalDataT none = { NULL, NULL, NULL };

	memset(bytes, 'd', sizeof(bytes));
	CHECK_EQ(saAmfErrorReport(comp(AX), comp(AX), 0, &descriptor, &none), SA_OK);
	await_unit_out(AX);
	CHECK_EQ(saAmfErrorReport(comp(BX), comp(AX), now_ns(), &descriptor, &all), SA_OK);
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);
}

/* The standby of the group takes over when the unit is out. */
static void check_takeover(void)
{
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	/* A component may report another, of whatever unit. */
	CHECK_EQ(saAmfErrorReport(comp(AY), comp(AX), now_ns(), &descriptor, NULL), SA_OK);
	await_unit_out(AX);
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK(components[AY].csi_event > components[AX].readiness_event);
	CHECK(components[AY].csi_event > components[BX].readiness_event);
	CHECK_NUM(components[AY].transition, SA_AMF_CSI_QUIESCED);
	CHECK(same_name(&components[AY].active_name, components[AX].name));
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	await_unit(AX, SA_AMF_STANDBY);
}

int main(void)
{
	await_unregistered();
	check_parameters();
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	check_unit_out(SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE, 0);
	check_unit_out(SA_AMF_APPLICATION_SUBSYSTEM_FAILURE, -1);
	check_unit_out(SA_AMF_LAN_ERROR, 77);
	check_additional_data();
	check_takeover();
	leave_clean();
	CHECK_EQ(report(AX, &descriptor), SA_ERR_BAD_OPERATION);
	return done();
}
