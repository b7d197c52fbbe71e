/* saClmFinalize. */
#include "service_checks.h"

int main(void)
{
	check_finalize(&clm_service);
	return done();
}
