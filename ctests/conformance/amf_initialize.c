/* saAmfInitialize. */
#include "service_checks.h"

int main(void)
{
	check_initialize(&amf_service);
	return done();
}
