/* saAmfErrorCancelAll. */
#include "amf.h"

static const SaAmfErrorDescriptorT descriptor = {
	SA_AMF_PROCESSING_ERROR_ALARM_TYPE, SA_AMF_SOFTWARE_ERROR, SA_AMF_MAJOR, SA_AMF_NO_RECOMMENDATION,
};

static void report(int index)
{
	CHECK_EQ(saAmfErrorReport(comp(index), comp(index), 0, &descriptor, NULL), SA_OK);
}

int main(void)
{
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();

	await_unregistered();
	CHECK_EQ(saAmfErrorCancelAll(NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorCancelAll(&overlong), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorCancelAll(&unknown), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_ERR_BAD_OPERATION);

	/* An error keeps a unit from coming into service that is complete now. */
	open_component(AX);
	register_component(AX);
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	report(AX);
	open_component(BX);
	register_component(BX);
	pump_for(300);
	CHECK(!in_readiness(BX, SA_AMF_IN_SERVICE));
	CHECK_EQ(saAmfErrorCancelAll(comp(BX)), SA_OK);
	pump_for(300);
	CHECK(!in_readiness(BX, SA_AMF_IN_SERVICE));
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);

	/* Nothing to cancel: nothing happens. */
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	pump_for(200);
	CHECK(in_ha_state(AX, SA_AMF_ACTIVE) && in_readiness(AX, SA_AMF_IN_SERVICE));

	/* Both have failed: one is not enough, several errors are one cancel. */
	report(AX);
	report(AX);
	report(BX);
	await_unit_out(AX);
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_OK);
	pump_for(300);
	CHECK(in_readiness(AX, SA_AMF_OUT_OF_SERVICE) && in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	CHECK_EQ(saAmfErrorCancelAll(comp(BX)), SA_OK);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE) && in_readiness(BX, SA_AMF_IN_SERVICE));
	await_unit(AX, SA_AMF_ACTIVE);

	leave_clean();
	CHECK_EQ(saAmfErrorCancelAll(comp(AX)), SA_ERR_BAD_OPERATION);
	return done();
}
