/* saCkptCheckpointOpenAsync. */
#include "ckpt.h"

static struct {
	int calls;
	SaInvocationT invocation;
	SaCkptCheckpointHandleT handle;
	SaErrorT error;
} seen;

static void opened(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT error)
{
	seen.calls++;
	seen.invocation = invocation;
	seen.error = error;
	if (error == SA_OK)
		seen.handle = *checkpoint;
}

static const SaCkptCallbacksT callbacks = { opened, NULL };
static SaCkptHandleT handle;
static SaSelectionObjectT fd;

static void await(SaInvocationT invocation, SaErrorT error)
{
	CHECK(WAIT_FOR(seen.calls > 0, DISPATCH_STEP(saCkptDispatch, &handle, fd)));
	CHECK_NUM(seen.calls, 1);
	CHECK_NUM(seen.invocation, invocation);
	CHECK_EQ(seen.error, error);
	seen.calls = 0;
}

static void check_parameters(void)
{
	SaNameT name = unique_name("parameters");
	SaNameT overlong = overlong_name();
	SaCkptCheckpointCreationAttributesT wrong = all_replicas;
	SaCkptHandleT silent;

	CHECK_BAD_HANDLES(saCkptCheckpointOpenAsync(bad, 1, &name, &all_replicas, READ));
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, NULL, &all_replicas, READ), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpenAsync(&bad_handles[0], 1, NULL, &all_replicas, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpenAsync(&bad_handles[0], 1, &name, &all_replicas, 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, &name, &all_replicas, 0), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, &name, &all_replicas, READ | 8), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, &overlong, &all_replicas, 0), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, &overlong, &all_replicas, READ), SA_ERR_INVALID_PARAM);
	wrong.creationFlags = 8;
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 1, &name, &wrong, READ), SA_ERR_INVALID_PARAM);

	NEED_EQ(saCkptInitialize(&silent, NULL, &version_a11), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&silent, 1, &name, &all_replicas, READ), SA_ERR_INIT);
	CHECK_EQ(saCkptCheckpointOpenAsync(&silent, 1, &name, &all_replicas, 0), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saCkptFinalize(&silent), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&silent, 1, &name, &all_replicas, READ), SA_ERR_BAD_HANDLE);

	/* What was refused at once is not answered once more by a callback. */
	CHECK_EQ(saCkptDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(seen.calls, 0);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
}

static void check_answers(void)
{
	SaNameT name = unique_name("async");
	SaCkptCheckpointCreationAttributesT odd = all_replicas;
	SaCkptCheckpointHandleT writer, reader;
	SaCkptCheckpointStatusT status;

	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 5, &name, NULL, READ), SA_OK);
	await(5, SA_ERR_NOT_EXIST);

	/* To keep a replica, and with creation flags of several options. */
	odd.creationFlags = 6;
	odd.checkpointSize = -1;
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 6, &name, &odd, COLOCATED), SA_OK);
	await(6, SA_OK);
	CHECK_EQ(saCkptCheckpointStatusGet(&seen.handle, &status), SA_OK);
	CHECK_NUM(status.checkpointCreationAttributes.creationFlags, SA_CKPT_WR_ACTIVE_REPLICA);
	CHECK_EQ(create_section(&seen.handle, "section", "content"), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointClose(&seen.handle), SA_OK);

	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, -1, &name, &all_replicas, READ | WRITE), SA_OK);
	await(-1, SA_OK);
	writer = seen.handle;
	CHECK_EQ(create_section(&writer, "section", "content"), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 0, &name, NULL, READ), SA_OK);
	await(0, SA_OK);
	reader = seen.handle;
	CHECK(reader != writer);
	CHECK_CONTENT(&reader, section("section"), "content");
	CHECK_EQ(create_section(&reader, "other", ""), SA_ERR_ACCESS);

	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&handle, 6, &name, &all_replicas, READ), SA_OK);
	await(6, SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
}

/* An open whose callback is never run does not keep the checkpoint open. */
static void check_abandoned(void)
{
	SaNameT name = unique_name("abandoned");
	SaCkptHandleT abandoned;
	SaSelectionObjectT abandoned_fd;

	NEED_EQ(saCkptInitialize(&abandoned, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saCkptSelectionObjectGet(&abandoned, &abandoned_fd), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&abandoned, 1, &name, &all_replicas, READ), SA_OK);
	CHECK_READABLE(abandoned_fd);
	CHECK_EQ(saCkptFinalize(&abandoned), SA_OK);
	CHECK(WAIT_FOR(probe_checkpoint(&name) == SA_ERR_NOT_EXIST, nap(20)));
	CHECK_NUM(seen.calls, 0);
}

int main(void)
{
	NEED_EQ(saCkptInitialize(&handle, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saCkptSelectionObjectGet(&handle, &fd), SA_OK);
	check_parameters();
	check_answers();
	check_abandoned();
	CHECK_EQ(saCkptFinalize(&handle), SA_OK);
	return done();
}
