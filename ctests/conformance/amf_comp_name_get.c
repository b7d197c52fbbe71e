/* saAmfCompNameGet. */
#include "amf.h"

int main(void)
{
	SaAmfHandleT handle;
	SaNameT name;
	int i;

	await_unregistered();
	unsetenv("SA_AMF_COMPONENT_NAME");
	NEED_EQ(saAmfInitialize(&handle, &component_callbacks, &version_a11), SA_OK);
	PAINT(name);
	CHECK_EQ(saAmfCompNameGet(NULL, &name), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfCompNameGet(&handle, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfCompNameGet(&bad_handles[0], NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(saAmfCompNameGet(&bad_handles[i], &name), SA_ERR_BAD_HANDLE);

	/* No name yet; and asking in vain does not spoil the handle. */
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_UNTOUCHED(name);

	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_OK);
	CHECK(same_name(&name, components[AX].name));
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);
	PAINT(name);
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(name);
	await_unregistered();

	/* Before registration the environment tells; what is registered comes
	   before the environment. */
	setenv("SA_AMF_COMPONENT_NAME", "comp_b_in_su_x", 1);
	NEED_EQ(saAmfInitialize(&handle, &component_callbacks, &version_a11), SA_OK);
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_OK);
	CHECK(same_name(&name, "comp_b_in_su_x"));
	CHECK_EQ(saAmfComponentRegister(&handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfCompNameGet(&handle, &name), SA_OK);
	CHECK(same_name(&name, components[AX].name));
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);
	await_unregistered();
	return done();
}
