/* saAmfDispatch. */
#include "dispatch_checks.h"

int main(void)
{
	check_dispatch(&amf_service);
	return done();
}
