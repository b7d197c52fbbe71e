/* saCkptSelectionObjectGet. */
#include "service_checks.h"

int main(void)
{
	check_selection_object_get(&ckpt_service);
	return done();
}
