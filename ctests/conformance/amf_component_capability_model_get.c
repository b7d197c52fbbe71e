/* saAmfComponentCapabilityModelGet. */
#include "amf.h"

int main(void)
{
	SaAmfComponentCapabilityModelT model;
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();

	await_unregistered();
	PAINT(model);
	CHECK_EQ(saAmfComponentCapabilityModelGet(NULL, &model), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AX), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentCapabilityModelGet(NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentCapabilityModelGet(&overlong, &model), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfComponentCapabilityModelGet(&unknown, &model), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AX), &model), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(model);

	open_component(AX);
	register_component(AX);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AX), &model), SA_OK);
	CHECK_NUM(model, SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE);
	PAINT(model);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfComponentCapabilityModelGet(comp(AX), &model), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(model);
	leave_clean();
	return done();
}
