/* saCkptInitialize. */
#include "service_checks.h"

int main(void)
{
	check_initialize(&ckpt_service);
	return done();
}
