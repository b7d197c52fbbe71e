/* saAmfPendingOperationGet. */
#include "amf.h"

int main(void)
{
	SaAmfPendingOperationFlagsT flags;
	SaNameT unknown = name_of("not in groups.conf");
	SaNameT overlong = overlong_name();

	await_unregistered();
	PAINT(flags);
	CHECK_EQ(saAmfPendingOperationGet(NULL, &flags), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfPendingOperationGet(comp(AX), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfPendingOperationGet(NULL, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfPendingOperationGet(&overlong, &flags), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfPendingOperationGet(&unknown, &flags), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(flags);

	/* Nothing is pending; the programs of 2004 ask before they register. */
	CHECK_EQ(saAmfPendingOperationGet(comp(AX), &flags), SA_OK);
	CHECK_NUM(flags, 0);
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	PAINT(flags);
	CHECK_EQ(saAmfPendingOperationGet(comp(AX), &flags), SA_OK);
	CHECK_NUM(flags, 0);
	leave_clean();
	return done();
}
