/* saAmfComponentUnregister. */
#include "amf.h"

static void check_parameters(void)
{
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();
	int i;

	open_component(AX);
	CHECK_EQ(saAmfComponentUnregister(NULL, comp(AX), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentUnregister(&bad_handles[0], NULL, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(saAmfComponentUnregister(&bad_handles[i], comp(AX), NULL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, &overlong, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, &unknown, NULL), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_NOT_EXIST);
	close_component(AX);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_BAD_HANDLE);
}

static void check_lone_component(void)
{
	open_component(AX);
	open_component(AY);
	register_component(AX);
	/* Registered by another handle. */
	CHECK_EQ(saAmfComponentUnregister(&components[AY].handle, comp(AX), NULL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(probe_component(AX), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(probe_component(AX), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_NOT_EXIST);
	/* And again, by any handle. */
	CHECK_EQ(saAmfComponentRegister(&components[AY].handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(&components[AY].handle, comp(AX), NULL), SA_OK);
	leave_clean();
}

static void check_proxies(void)
{
	SaNameT unknown = name_of("not in groups.conf");
	const SaAmfHandleT *handle = &components[AX].handle;

	open_component(AX);
	open_component(AY);
	register_component(AX);
	register_component(AY);
	CHECK_EQ(saAmfComponentRegister(handle, comp(BX), comp(AX)), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(BX), &unknown), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(BX), comp(AZ)), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(BX), comp(AY)), SA_ERR_BAD_OPERATION);
	/* A proxy does not leave before those it stands for. */
	CHECK_EQ(saAmfComponentUnregister(handle, comp(AX), NULL), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(BX), comp(AX)), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(BX), comp(AX)), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(handle, comp(AX), NULL), SA_OK);
	leave_clean();
}

/* For a unit in service it is a failure: the other component is quiesced and
   taken out of service, and comes back when its sibling does. */
static void check_unit(void)
{
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK_EQ(saAmfComponentUnregister(&components[BX].handle, comp(BX), NULL), SA_OK);
	AWAIT(in_ha_state(AX, SA_AMF_QUIESCED));
	AWAIT(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));
	CHECK(components[AX].readiness_event > components[AX].csi_event);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);
	pump_for(200);
	CHECK(in_readiness(AX, SA_AMF_OUT_OF_SERVICE));

	/* On the same handle as before. */
	register_component(BX);
	AWAIT(in_readiness(AX, SA_AMF_IN_SERVICE) && in_readiness(BX, SA_AMF_IN_SERVICE));
	await_unit(AX, SA_AMF_ACTIVE);
	leave_clean();
}

int main(void)
{
	await_unregistered();
	check_parameters();
	check_lone_component();
	check_proxies();
	check_unit();
	return done();
}
