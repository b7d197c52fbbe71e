/* saAmfComponentRegister. */
#include "amf.h"

static void set_csi(SaInvocationT invocation, const SaNameT *name, const SaNameT *csi, SaAmfCSIFlagsT flags,
		    SaAmfHAStateT *state, SaNameT *active, SaAmfCSITransitionDescriptorT transition)
{
	(void)invocation, (void)name, (void)csi, (void)flags, (void)state, (void)active, (void)transition;
}

static void check_callbacks_needed(void)
{
	static const SaAmfCallbacksT only_csi_set = { .saAmfCSISetCallback = set_csi };
	SaAmfCallbacksT all_but_csi_set = component_callbacks;
	SaNameT unknown = name_of("not in groups.conf");
	SaAmfHandleT handle;

	NEED_EQ(saAmfInitialize(&handle, NULL, &version_a11), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_ERR_INIT);
	/* The name and the state are looked at before the callbacks. */
	CHECK_EQ(saAmfComponentRegister(&handle, &unknown, NULL), SA_ERR_NOT_EXIST);
	open_component(BX);
	register_component(BX);
	CHECK_EQ(saAmfComponentRegister(&handle, comp(BX), NULL), SA_ERR_EXIST);
	close_component(BX);
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);

	all_but_csi_set.saAmfCSISetCallback = NULL;
	NEED_EQ(saAmfInitialize(&handle, &all_but_csi_set, &version_a11), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_ERR_INIT);
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);
	await_unregistered();

	/* No other callback is needed. */
	NEED_EQ(saAmfInitialize(&handle, &only_csi_set, &version_a11), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_ERR_BAD_HANDLE);
	await_unregistered();
}

static void check_parameters(void)
{
	SaNameT unknown = name_of("comp_a_in_su_");
	SaNameT overlong = overlong_name();
	SaNameT with_nul = *comp(AX);
	int i;

	with_nul.length++;
	open_component(AX);
	CHECK_EQ(saAmfComponentRegister(NULL, comp(AX), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentRegister(&bad_handles[0], NULL, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(saAmfComponentRegister(&bad_handles[i], comp(AX), NULL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &overlong, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &unknown, NULL), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &with_nul, NULL), SA_ERR_NOT_EXIST);
	/* Neither a protection group nor a unit is a component. */
	unknown = name_of("pgA");
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &unknown, NULL), SA_ERR_NOT_EXIST);
	unknown = name_of("raidA");
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &unknown, NULL), SA_ERR_NOT_EXIST);
	CHECK_EQ(probe_component(AX), SA_ERR_NOT_EXIST);
	close_component(AX);
}

static void check_registered(void)
{
	open_component(AX);
	open_component(AY);
	register_component(AX);
	CHECK_EQ(probe_component(AX), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AX), NULL), SA_ERR_EXIST);
	CHECK_EQ(saAmfComponentRegister(&components[AY].handle, comp(AX), NULL), SA_ERR_EXIST);

	/* One of two: its unit does not come into service. */
	pump_for(200);
	CHECK_NUM(components[AX].readiness_calls, 0);
	CHECK_NUM(components[AX].csi_calls, 0);
	CHECK_NUM(readiness_of(AX), SA_AMF_OUT_OF_SERVICE);

	forget_component(BX);
	/* A handle may register several components; each is told by its name. */
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(BX), NULL), SA_OK);
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK_EQ(saAmfComponentRegister(&components[AY].handle, comp(BX), NULL), SA_ERR_EXIST);
	leave_clean();
}

static void check_proxies(void)
{
	SaNameT unknown = name_of("not in groups.conf");

	open_component(AX);
	open_component(AY);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(BX), &unknown), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(BX), comp(AX)), SA_ERR_NOT_EXIST);
	register_component(AX);
	register_component(AY);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, &unknown, comp(AX)), SA_ERR_NOT_EXIST);
	forget_component(BX);
	/* Only the proxy's own handle registers for it. */
	CHECK_EQ(saAmfComponentRegister(&components[AY].handle, comp(BX), comp(AX)), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(BX), comp(AX)), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(BX), comp(AX)), SA_ERR_EXIST);
	/* The proxy is asked in the name of the component. */
	await_unit(AX, SA_AMF_ACTIVE);
	leave_clean();
}

int main(void)
{
	await_unregistered();
	check_parameters();
	check_callbacks_needed();
	check_registered();
	check_proxies();
	return done();
}
