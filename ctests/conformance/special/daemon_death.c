/*
 * The daemon is killed: every call on what was open says SA_ERR_LIBRARY, and so
 * does a thread that blocks in Dispatch, soon. After a restart a new Initialize
 * works, old handles do not.
 *
 *   daemon_death PID [COMMAND]    COMMAND starts the daemon again
 */
#include "../dispatch_checks.h"
#include "../everything.h"

static int *const handles[] = { &clm_handle, &ckpt_handle, &amf_handle };

static void check_dead_handles(void)
{
	SaSelectionObjectT fd;
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(services[i]->dispatch(handles[i], SA_DISPATCH_ONE), SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->dispatch(handles[i], SA_DISPATCH_ALL), SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->dispatch(handles[i], SA_DISPATCH_BLOCKING), SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->ask(handles[i], 0), SA_ERR_LIBRARY);
		/* A program that sleeps on it wakes up. */
		if (services[i]->selection_object_get(handles[i], &fd) == SA_OK) {
			struct pollfd pollfd = { .fd = fd, .events = POLLIN };

			CHECK_NUM(poll(&pollfd, 1, DEADLINE_MS), 1);
		}
	}
	CHECK_CALLS(changes_with_handle, SA_ERR_LIBRARY, SA_ERR_LIBRARY);
	CHECK_CALLS(calls_with_handle, SA_ERR_LIBRARY, SA_ERR_LIBRARY);
}

/* Handles of a daemon that is gone can be put away, once. */
static void check_ends(void)
{
	SaErrorT error;
	size_t i;

	error = saCkptSectionIteratorFinalize(&iterator);
	CHECK(error == SA_OK || error == SA_ERR_LIBRARY);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_ERR_BAD_HANDLE);
	error = saCkptCheckpointClose(&checkpoint);
	CHECK(error == SA_OK || error == SA_ERR_LIBRARY);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_ERR_BAD_HANDLE);
	for (i = 0; i < 3; i++) {
		error = services[i]->finalize(handles[i]);
		CHECK(error == SA_OK || error == SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->finalize(handles[i]), SA_ERR_BAD_HANDLE);
		CHECK_EQ(services[i]->dispatch(handles[i], SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
	}
}

static void check_restarted(const char *command)
{
	SaSelectionObjectT fd;
	int handle = -1;
	size_t i;

	CHECK_NUM(system(command), 0);
	CHECK(WAIT_FOR(call_node_get() == SA_OK, nap(50)));
	for (i = 0; i < 3; i++) {
		int before = callbacks_so_far();

		CHECK(WAIT_FOR(services[i]->initialize(&handle, CALLBACKS_ALL, &version_a11) == SA_OK, nap(50)));
		CHECK_EQ(services[i]->selection_object_get(&handle, &fd), SA_OK);
		CHECK_EQ(services[i]->ask(&handle, 0), SA_OK);
		CHECK(WAIT_FOR(callbacks_so_far() == before + 1, DISPATCH_STEP(services[i]->dispatch, &handle, fd)));
		CHECK_EQ(services[i]->finalize(&handle), SA_OK);
	}
	/* The old ones stay dead. */
	check_dead_handles();
	CHECK_EQ(probe_checkpoint(&checkpoint_name), SA_ERR_NOT_EXIST);
}

int main(int argc, char **argv)
{
	struct dispatcher dispatchers[3];
	pid_t daemon = argc > 1 ? atoi(argv[1]) : 0;
	size_t i;

	if (daemon <= 1) {
		fprintf(stderr, "usage: daemon_death PID [COMMAND]\n");
		return 2;
	}
	open_everything();
	for (i = 0; i < 3; i++)
		start_dispatcher(&dispatchers[i], services[i], *handles[i]);
	/* Connections that calls without a handle use are open too. */
	CHECK_EQ(call_node_get(), SA_OK);

	NEED_EQ(kill(daemon, SIGKILL) == 0 ? SA_OK : SA_ERR_LIBRARY, SA_OK);
	for (i = 0; i < 3; i++)
		join_dispatcher(&dispatchers[i], SA_ERR_LIBRARY);
	check_dead_handles();
	/* What needs no handle finds either a connection that died or none. */
	CHECK_CALLS(changes_without_handle, SA_ERR_LIBRARY, SA_ERR_TRY_AGAIN);
	CHECK_CALLS(calls_without_handle, SA_ERR_LIBRARY, SA_ERR_TRY_AGAIN);
	if (argc > 2)
		check_restarted(argv[2]);
	check_ends();
	return done();
}
