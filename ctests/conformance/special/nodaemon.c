/* No daemon: everything that would need one asks to try again, nothing leaks, and
   wrong parameters are found all the same. */
#include "../everything.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ATTEMPTS 50

static int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void check_try_again(void)
{
	int before = open_descriptors();
	int attempt, handle;
	size_t i;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		for (i = 0; i < 3; i++) {
			PAINT(handle);
			CHECK_EQ(services[i]->initialize(&handle, CALLBACKS_ALL, &version_a11), SA_ERR_TRY_AGAIN);
			CHECK_UNTOUCHED(handle);
		}
		CHECK_CALLS(changes_without_handle, SA_ERR_TRY_AGAIN, SA_ERR_TRY_AGAIN);
		CHECK_CALLS(calls_without_handle, SA_ERR_TRY_AGAIN, SA_ERR_TRY_AGAIN);
	}
	CHECK_NUM(open_descriptors(), before);
}

/* What the library can see without a daemon comes first. */
static void check_parameters(void)
{
	SaVersionT wrong = { 'B', 1, 1 };
	SaCkptCheckpointHandleT opened;
	int handle;
	size_t i;

	PAINT(handle);
	PAINT(opened);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(services[i]->initialize(NULL, CALLBACKS_ALL, &version_a11), SA_ERR_INVALID_PARAM);
		CHECK_EQ(services[i]->initialize(&handle, CALLBACKS_ALL, &wrong), SA_ERR_VERSION);
		CHECK_EQ(services[i]->initialize(&handle, CALLBACKS_ALL, NULL), SA_ERR_VERSION);
		CHECK_EQ(services[i]->dispatch(&bad_handles[0], SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
	}
	CHECK_UNTOUCHED(handle);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(NULL, &all_replicas, READ, 0, &opened), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&checkpoint_name, &all_replicas, 0, 0, &opened), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saCkptCheckpointUnlink(NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointClose(&bad_handles[0]), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saAmfResponse(77, (SaErrorT)77), SA_ERR_INVALID_PARAM);
	CHECK_UNTOUCHED(opened);
}

/* In a child, so that each finds the library as a new process does. */
static void check_without(const char *socket_path)
{
	int failed = checks_failed;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		setenv("AIS_SOCKET", socket_path, 1);
		name_everything();
		check_parameters();
		check_try_again();
		check_parameters();
		child_done(failed);
	}
	CHECK_CHILD(child);
}

int main(void)
{
	char directory[] = "/tmp/nodaemonXXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!CHECK(mkdtemp(directory) != NULL) || !CHECK(listener >= 0))
		return done();
	/* No such file, no such directory; and what a daemon that was killed
	   leaves behind: a socket that nobody listens on. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	check_without(address.sun_path);
	check_without("/nonexistent/directory/socket");
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	close(listener);
	check_without(address.sun_path);
	unlink(address.sun_path);
	rmdir(directory);
	return done();
}
