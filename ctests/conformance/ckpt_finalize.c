/* saCkptFinalize. */
#include "service_checks.h"

int main(void)
{
	check_finalize(&ckpt_service);
	return done();
}
