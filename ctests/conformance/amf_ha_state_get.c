/* saAmfHAStateGet. */
#include "amf.h"

static SaErrorT get(int index, const char *csi)
{
	SaNameT name = name_of(csi);
	SaAmfHAStateT state;
	SaErrorT error;

	PAINT(state);
	error = saAmfHAStateGet(comp(index), &name, &state);
	if (error != SA_OK)
		CHECK_UNTOUCHED(state);
	return error;
}

int main(void)
{
	SaNameT csi = name_of("pgA");
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();
	SaAmfHAStateT state;

	await_unregistered();
	PAINT(state);
	CHECK_EQ(saAmfHAStateGet(NULL, &csi, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfHAStateGet(comp(AX), NULL, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfHAStateGet(comp(AX), &csi, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfHAStateGet(&overlong, &csi, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfHAStateGet(comp(AX), &overlong, &state), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfHAStateGet(&unknown, &csi, &state), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfHAStateGet(comp(AX), &unknown, &state), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(state);

	/* Not registered; registered without an assignment. */
	CHECK_EQ(get(AX, "pgA"), SA_ERR_NOT_EXIST);
	open_component(AX);
	register_component(AX);
	CHECK_EQ(get(AX, "pgA"), SA_ERR_NOT_EXIST);

	/* Each component has its own state, in its own group only. */
	open_component(BX);
	register_component(BX);
	await_unit(AX, SA_AMF_ACTIVE);
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	CHECK_EQ(get(AX, "pgA"), SA_OK);
	CHECK_NUM(ha_state_of(AX), SA_AMF_ACTIVE);
	CHECK_NUM(ha_state_of(BX), SA_AMF_ACTIVE);
	CHECK_NUM(ha_state_of(AY), SA_AMF_STANDBY);
	CHECK_NUM(ha_state_of(BY), SA_AMF_STANDBY);
	CHECK_EQ(get(AX, "pgB"), SA_ERR_NOT_EXIST);
	CHECK_EQ(get(BX, "pgA"), SA_ERR_NOT_EXIST);
	CHECK_EQ(get(AZ, "pgA"), SA_ERR_NOT_EXIST);

	close_component(BX);
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK_NUM(ha_state_of(AY), SA_AMF_ACTIVE);
	CHECK_EQ(get(BX, "pgB"), SA_ERR_NOT_EXIST);
	leave_clean();
	return done();
}
