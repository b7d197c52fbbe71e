/* saClmClusterNodeGetAsync. */
#include "check.h"

#include "ais_clm.h"

/* At most so many requests of one handle may be unanswered. */
#define OUTSTANDING 1024

static struct {
	int calls;
	SaInvocationT invocation;
	SaClmClusterNodeT *node;
	SaErrorT error;
	int out_of_order;
} seen;

static void got(SaInvocationT invocation, SaClmClusterNodeT *node, SaErrorT error)
{
	if (seen.calls && invocation != seen.invocation + 1)
		seen.out_of_order++;
	seen.calls++;
	seen.invocation = invocation;
	seen.node = node;
	seen.error = error;
}

static const SaClmCallbacksT callbacks = { got, NULL };
static SaClmHandleT handle;
static SaSelectionObjectT fd;

static void await(int calls)
{
	CHECK(WAIT_FOR(seen.calls >= calls, DISPATCH_STEP(saClmDispatch, &handle, fd)));
	CHECK_NUM(seen.calls, calls);
}

static void check_parameters(void)
{
	SaClmClusterNodeT node;
	SaClmHandleT silent;
	int i;

	CHECK_EQ(saClmClusterNodeGetAsync(NULL, 1, SA_CLM_LOCAL_NODE_ID, &node), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterNodeGetAsync(&handle, 1, SA_CLM_LOCAL_NODE_ID, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++) {
		CHECK_EQ(saClmClusterNodeGetAsync(&bad_handles[i], 1, SA_CLM_LOCAL_NODE_ID, &node),
			 SA_ERR_BAD_HANDLE);
		CHECK_EQ(saClmClusterNodeGetAsync(&bad_handles[i], 1, SA_CLM_LOCAL_NODE_ID, NULL),
			 SA_ERR_INVALID_PARAM);
	}
	NEED_EQ(saClmInitialize(&silent, NULL, &version_a11), SA_OK);
	CHECK_EQ(saClmClusterNodeGetAsync(&silent, 1, SA_CLM_LOCAL_NODE_ID, &node), SA_ERR_INIT);
	CHECK_EQ(saClmFinalize(&silent), SA_OK);
	CHECK_EQ(saClmClusterNodeGetAsync(&silent, 1, SA_CLM_LOCAL_NODE_ID, &node), SA_ERR_BAD_HANDLE);
}

static void check_answers(void)
{
	static const SaInvocationT invocations[] = { 0, 1, -1, 0x7fffffff, -0x7fffffff - 1, 0x55 };
	SaClmClusterNodeT self, node;
	size_t i;

	NEED_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &self), SA_OK);
	for (i = 0; i < sizeof(invocations) / sizeof(invocations[0]); i++) {
		memset(&seen, 0, sizeof(seen));
		PAINT(node);
		CHECK_EQ(saClmClusterNodeGetAsync(&handle, invocations[i], i % 2 ? self.nodeId : SA_CLM_LOCAL_NODE_ID,
						  &node), SA_OK);
		await(1);
		CHECK_NUM(seen.invocation, invocations[i]);
		CHECK_EQ(seen.error, SA_OK);
		CHECK(seen.node == &node);
		CHECK(node.nodeId == self.nodeId);
		CHECK_NUM(node.member, SA_TRUE);
		CHECK(node.bootTimestamp == self.bootTimestamp);
	}

	/* An unknown node: the answer comes by the callback, with the caller's
	   own pointer. */
	memset(&seen, 0, sizeof(seen));
	PAINT(node);
	CHECK_EQ(saClmClusterNodeGetAsync(&handle, 77, self.nodeId ^ 0x01000000UL, &node), SA_OK);
	await(1);
	CHECK_NUM(seen.invocation, 77);
	CHECK_EQ(seen.error, SA_ERR_INVALID_PARAM);
	CHECK(seen.node == &node);
	CHECK_UNTOUCHED(node);
}

/* One handle may leave 1024 requests undispatched; that costs other handles
   nothing, and is over when they are dispatched. */
static void check_outstanding(void)
{
	static SaClmClusterNodeT nodes[OUTSTANDING + 1];
	SaClmHandleT other;
	int i;

	memset(&seen, 0, sizeof(seen));
	for (i = 0; i < OUTSTANDING; i++)
		if (!CHECK_EQ(saClmClusterNodeGetAsync(&handle, i, SA_CLM_LOCAL_NODE_ID, &nodes[i]), SA_OK))
			break;
	CHECK_EQ(saClmClusterNodeGetAsync(&handle, i, SA_CLM_LOCAL_NODE_ID, &nodes[i]), SA_ERR_TRY_AGAIN);
	CHECK_NUM(seen.calls, 0);

	NEED_EQ(saClmInitialize(&other, &callbacks, &version_a11), SA_OK);
	CHECK_EQ(saClmClusterNodeGetAsync(&other, 0, SA_CLM_LOCAL_NODE_ID, &nodes[OUTSTANDING]), SA_OK);
	CHECK_EQ(saClmFinalize(&other), SA_OK);

	/* Every answer comes, in the order of the requests. */
	await(i);
	CHECK_NUM(seen.out_of_order, 0);
	CHECK_NUM(seen.invocation, i - 1);
	CHECK_EQ(saClmClusterNodeGetAsync(&handle, i, SA_CLM_LOCAL_NODE_ID, &nodes[0]), SA_OK);
	await(i + 1);
}

int main(void)
{
	NEED_EQ(saClmInitialize(&handle, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saClmSelectionObjectGet(&handle, &fd), SA_OK);
	check_parameters();
	check_answers();
	check_outstanding();
	CHECK_EQ(saClmFinalize(&handle), SA_OK);
	return done();
}
