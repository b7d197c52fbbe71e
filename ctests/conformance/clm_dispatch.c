/* saClmDispatch. */
#include "dispatch_checks.h"

int main(void)
{
	check_dispatch(&clm_service);
	return done();
}
