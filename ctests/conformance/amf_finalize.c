/* saAmfFinalize. */
#include "service_checks.h"

int main(void)
{
	check_finalize(&amf_service);
	return done();
}
