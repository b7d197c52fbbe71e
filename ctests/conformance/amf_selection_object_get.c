/* saAmfSelectionObjectGet. */
#include "service_checks.h"

int main(void)
{
	check_selection_object_get(&amf_service);
	return done();
}
