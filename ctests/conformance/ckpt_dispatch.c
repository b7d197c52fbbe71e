/* saCkptDispatch. */
#include "dispatch_checks.h"

int main(void)
{
	check_dispatch(&ckpt_service);
	return done();
}
