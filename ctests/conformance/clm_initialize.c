/* saClmInitialize. */
#include "service_checks.h"

int main(void)
{
	check_initialize(&clm_service);
	return done();
}
