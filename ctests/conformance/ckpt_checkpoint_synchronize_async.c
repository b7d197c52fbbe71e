/* saCkptCheckpointSynchronizeAsync. */
#include "ckpt.h"

/* At most so many requests of one handle may be unanswered. */
#define OUTSTANDING 1024

static struct {
	int calls;
	SaInvocationT invocation;
	SaErrorT error;
} seen;

static void synchronized(SaInvocationT invocation, SaErrorT error)
{
	seen.calls++;
	seen.invocation = invocation;
	seen.error = error;
}

static const SaCkptCallbacksT callbacks = { NULL, synchronized };
static SaCkptHandleT ckpt;
static SaSelectionObjectT fd;

static void await(int calls)
{
	CHECK(WAIT_FOR(seen.calls >= calls, DISPATCH_STEP(saCkptDispatch, &ckpt, fd)));
	CHECK_NUM(seen.calls, calls);
}

/* What a request ends with: found out at once, or by the callback. */
static SaErrorT outcome(const SaCkptCheckpointHandleT *handle)
{
	SaErrorT error;

	seen.calls = 0;
	error = saCkptCheckpointSynchronizeAsync(&ckpt, 3, handle);
	if (error != SA_OK) {
		CHECK_EQ(saCkptDispatch(&ckpt, SA_DISPATCH_ALL), SA_OK);
		CHECK_NUM(seen.calls, 0);
		return error;
	}
	await(1);
	CHECK_NUM(seen.invocation, 3);
	return seen.error;
}

static void check_outstanding(const SaCkptCheckpointHandleT *handle)
{
	int i;

	seen.calls = 0;
	for (i = 0; i < OUTSTANDING; i++)
		if (!CHECK_EQ(saCkptCheckpointSynchronizeAsync(&ckpt, i, handle), SA_OK))
			break;
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&ckpt, i, handle), SA_ERR_TRY_AGAIN);
	await(i);
	CHECK_NUM(seen.invocation, i - 1);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&ckpt, i, handle), SA_OK);
	await(i + 1);
}

int main(void)
{
	SaNameT name = unique_name("synchronize.async");
	SaNameT everywhere = unique_name("synchronize.everywhere");
	SaCkptCheckpointHandleT handle, reader, all;
	SaCkptHandleT silent;

	NEED_EQ(saCkptInitialize(&ckpt, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saCkptSelectionObjectGet(&ckpt, &fd), SA_OK);
	handle = open_checkpoint(&name, &active_replica, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	all = open_checkpoint(&everywhere, &all_replicas, READ | WRITE);

	CHECK_BAD_HANDLES(saCkptCheckpointSynchronizeAsync(bad, 1, &handle));
	CHECK_BAD_HANDLES(saCkptCheckpointSynchronizeAsync(&ckpt, 1, bad));
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&bad_handles[0], 1, NULL), SA_ERR_INVALID_PARAM);
	NEED_EQ(saCkptInitialize(&silent, NULL, &version_a11), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&silent, 1, &handle), SA_ERR_INIT);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&silent, 1, &bad_handles[0]), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptFinalize(&silent), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&silent, 1, &handle), SA_ERR_BAD_HANDLE);

	CHECK_EQ(outcome(&reader), SA_ERR_ACCESS);
	CHECK_EQ(outcome(&all), SA_ERR_BAD_OPERATION);
	CHECK_EQ(outcome(&handle), SA_OK);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(outcome(&handle), SA_OK);
	check_outstanding(&handle);

	CHECK_EQ(saCkptCheckpointClose(&all), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&ckpt, 1, &handle), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptFinalize(&ckpt), SA_OK);
	return done();
}
