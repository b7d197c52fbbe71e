/* saClmSelectionObjectGet. */
#include "service_checks.h"

int main(void)
{
	check_selection_object_get(&clm_service);
	return done();
}
