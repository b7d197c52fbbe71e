/*
 * The daemon hangs: every call that asks it ends with SA_ERR_TIMEOUT after
 * api-timeout, also one that gives something back or waits for a connection.
 * What only the library has to do is done. When the daemon goes on so does the
 * program.
 *
 *   api_timeout PID
 */
#include "../everything.h"

static void check_hanging(void)
{
	SaSelectionObjectT fd;
	int handle;
	size_t i;

	PAINT(handle);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->initialize(&handle, CALLBACKS_ALL, &version_a11), SA_ERR_TIMEOUT);
	CHECK_UNTOUCHED(handle);
	CHECK_CALLS_AT_ONCE(changes_without_handle, SA_ERR_TIMEOUT);
	CHECK_CALLS_AT_ONCE(calls_without_handle, SA_ERR_TIMEOUT);
	CHECK_CALLS_AT_ONCE(changes_with_handle, SA_ERR_TIMEOUT);
	CHECK_CALLS_AT_ONCE(calls_with_handle, SA_ERR_TIMEOUT);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_ERR_TIMEOUT);

	CHECK_EQ(saClmSelectionObjectGet(&clm_handle, &fd), SA_OK);
	CHECK_EQ(saClmDispatch(&clm_handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
}

int main(int argc, char **argv)
{
	pid_t daemon = argc > 1 ? atoi(argv[1]) : 0;

	if (daemon <= 1) {
		fprintf(stderr, "usage: api_timeout PID\n");
		return 2;
	}
	open_everything();
	/* So that a connection is there for the calls without a handle. */
	CHECK_EQ(call_node_get(), SA_OK);
	CHECK(kill(daemon, SIGSTOP) == 0);
	check_hanging();
	CHECK(kill(daemon, SIGCONT) == 0);
	CHECK(WAIT_FOR(call_node_get() == SA_OK, nap(20)));
	/* What it gave up is none of its changes; the checkpoint is open still. */
	CHECK(WAIT_FOR(saCkptCheckpointClose(&checkpoint) == SA_OK, nap(20)));
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saClmFinalize(&clm_handle), SA_OK);
	CHECK_EQ(saCkptFinalize(&ckpt_handle), SA_OK);
	CHECK_EQ(saAmfFinalize(&amf_handle), SA_OK);
	return done();
}
