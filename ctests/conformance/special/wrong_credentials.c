/* A user who is neither root, nor the daemon's own, nor of group ais. Needs root
   to become that user; without, it says so and checks nothing. */
#include "../everything.h"

#include <grp.h>

/* The one that belongs to nobody. */
#define NOBODY 65534

int main(void)
{
	int handle;
	size_t i;

	name_everything();
	if (getuid() != 0) {
		fprintf(stderr, "wrong_credentials: not root, nothing checked\n");
		return done();
	}
	if (!CHECK(setgroups(0, NULL) == 0) || !CHECK(setgid(NOBODY) == 0) || !CHECK(setuid(NOBODY) == 0))
		return done();
	for (i = 0; i < 3; i++) {
		PAINT(handle);
		CHECK_EQ(services[i]->initialize(&handle, CALLBACKS_ALL, &version_a11), SA_ERR_SECURITY);
		CHECK_UNTOUCHED(handle);
	}
	CHECK_CALLS(changes_without_handle, SA_ERR_SECURITY, SA_ERR_SECURITY);
	CHECK_CALLS(calls_without_handle, SA_ERR_SECURITY, SA_ERR_SECURITY);
	return done();
}
