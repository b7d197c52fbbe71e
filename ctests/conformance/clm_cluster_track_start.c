/* saClmClusterTrackStart, as far as a cluster of one node can show it. */
#include "check.h"

#include "ais_clm.h"

static struct {
	int calls;
	SaClmClusterNotificationT *buffer;
	SaUint32T items;
	SaUint32T members;
	SaUint64T view;
	SaErrorT error;
} seen;

static void tracked(SaClmClusterNotificationT *buffer, SaUint32T items, SaUint32T members, SaUint64T view,
		    SaErrorT error)
{
	seen.calls++;
	seen.buffer = buffer;
	seen.items = items;
	seen.members = members;
	seen.view = view;
	seen.error = error;
}

static const SaClmCallbacksT callbacks = { NULL, tracked };
static SaClmHandleT handle;
static SaSelectionObjectT fd;

/* What a CURRENT request on one node shows: this node, unchanged, in the
   caller's own buffer. */
static void check_current(SaClmClusterNotificationT *buffer, int calls)
{
	SaClmClusterNodeT self;

	CHECK(WAIT_FOR(seen.calls == calls, DISPATCH_STEP(saClmDispatch, &handle, fd)));
	CHECK_EQ(seen.error, SA_OK);
	CHECK_NUM(seen.items, 1);
	CHECK_NUM(seen.members, 1);
	CHECK(seen.buffer == buffer);
	CHECK_NUM(buffer[0].clusterChanges, SA_CLM_NODE_NO_CHANGE);
	NEED_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &self), SA_OK);
	CHECK_NUM(buffer[0].clusterNode.nodeId, self.nodeId);
	CHECK_NUM(buffer[0].clusterNode.member, SA_TRUE);
	CHECK_NUM(buffer[0].clusterNode.nodeName.length, self.nodeName.length);
	CHECK(!memcmp(buffer[0].clusterNode.nodeName.value, self.nodeName.value, self.nodeName.length));
	CHECK_NUM(buffer[0].clusterNode.bootTimestamp, self.bootTimestamp);
}

static void check_parameters(void)
{
	static const SaUint8T bad_flags[] = {
		0, SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY,
		SA_TRACK_CURRENT | SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY, 8, SA_TRACK_CURRENT | 8, 0x80, 0xff,
	};
	SaClmClusterNotificationT buffer[2];
	SaClmHandleT silent;
	size_t i;

	CHECK_EQ(saClmClusterTrackStart(NULL, SA_TRACK_CURRENT, buffer, 2), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, NULL, 2), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, NULL, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES, NULL, 2), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES_ONLY, buffer, 0), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(saClmClusterTrackStart(&bad_handles[i], SA_TRACK_CURRENT, buffer, 2), SA_ERR_BAD_HANDLE);
	for (i = 0; i < sizeof(bad_flags); i++)
		CHECK_EQ(saClmClusterTrackStart(&handle, bad_flags[i], buffer, 2), SA_ERR_BAD_FLAGS);

	/* Pointers, then the handle, then flags, then the callback. */
	CHECK_EQ(saClmClusterTrackStart(&bad_handles[0], 0, NULL, 2), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterTrackStart(&bad_handles[0], 0, buffer, 2), SA_ERR_BAD_HANDLE);
	NEED_EQ(saClmInitialize(&silent, NULL, &version_a11), SA_OK);
	CHECK_EQ(saClmClusterTrackStart(&silent, 0, buffer, 2), SA_ERR_BAD_FLAGS);
	CHECK_EQ(saClmClusterTrackStart(&silent, SA_TRACK_CURRENT, buffer, 2), SA_ERR_INIT);
	CHECK_EQ(saClmClusterTrackStart(&silent, SA_TRACK_CHANGES, buffer, 2), SA_ERR_INIT);
	CHECK_EQ(saClmFinalize(&silent), SA_OK);
	CHECK_EQ(saClmClusterTrackStart(&silent, SA_TRACK_CURRENT, buffer, 2), SA_ERR_BAD_HANDLE);

	/* None of these refused requests has asked for anything. */
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(seen.calls, 0);
}

static void check_current_requests(void)
{
	SaClmClusterNotificationT buffer[3];
	SaClmClusterNotificationT other[1];
	SaUint64T view;

	/* Room for two of which one is needed: the rest stays as it was. */
	PAINT(buffer);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 2), SA_OK);
	check_current(buffer, 1);
	CHECK_UNTOUCHED(buffer[1]);
	CHECK_UNTOUCHED(buffer[2]);
	view = seen.view;
	CHECK_EQ(saClmDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(seen.calls, 1);

	/* Exactly as much room as needed, another buffer, the same view. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, other, 1), SA_OK);
	check_current(other, 2);
	CHECK_NUM(seen.view, view);

	/* More room than memory can be had for is no reason to ask for memory. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, (SaUint32T)-1), SA_OK);
	check_current(buffer, 3);
}

static void check_subscriptions(void)
{
	SaClmClusterNotificationT buffer[4];
	SaClmClusterNotificationT other[4];

	/* Nothing changes on one node: nothing is delivered. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES, buffer, 4), SA_OK);
	CHECK_EQ(saClmDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(seen.calls, 3);

	/* A CURRENT request neither ends nor replaces the subscription. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, other, 4), SA_OK);
	check_current(other, 4);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);

	/* CURRENT together with a subscription; one kind replaces the other. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES, buffer, 4), SA_OK);
	check_current(buffer, 5);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES_ONLY, other, 4), SA_OK);
	check_current(other, 6);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES_ONLY, buffer, 4), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(seen.calls, 6);
}

/* Two handles track at the same time, in the same view. */
static void check_two_handles(void)
{
	SaClmClusterNotificationT buffer[1];
	SaClmHandleT first = handle;
	SaClmHandleT second;
	SaUint64T view = seen.view;
	SaSelectionObjectT first_fd = fd;

	NEED_EQ(saClmInitialize(&second, &callbacks, &version_a11), SA_OK);
	CHECK_EQ(saClmClusterTrackStart(&first, SA_TRACK_CHANGES, buffer, 1), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&second), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmClusterTrackStart(&second, SA_TRACK_CURRENT, buffer, 1), SA_OK);
	handle = second;
	CHECK_EQ(saClmSelectionObjectGet(&second, &fd), SA_OK);
	check_current(buffer, 7);
	CHECK_NUM(seen.view, view);
	CHECK_EQ(saClmFinalize(&second), SA_OK);
	handle = first;
	fd = first_fd;
	CHECK_EQ(saClmClusterTrackStop(&first), SA_OK);
}

/* Callbacks that were asked for once wait to be dispatched, and only so many. */
static void check_bound(void)
{
	SaClmClusterNotificationT buffer[1];
	int asked;

	for (asked = 0; asked < 1024; asked++)
		CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 1), SA_OK);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 1), SA_ERR_TRY_AGAIN);
	seen.calls = 0;
	CHECK(WAIT_FOR(seen.calls == 1024, DISPATCH_STEP(saClmDispatch, &handle, fd)));
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 1), SA_OK);
	check_current(buffer, 1025);
}

int main(void)
{
	NEED_EQ(saClmInitialize(&handle, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saClmSelectionObjectGet(&handle, &fd), SA_OK);
	check_parameters();
	check_current_requests();
	check_subscriptions();
	check_two_handles();
	check_bound();
	CHECK_EQ(saClmFinalize(&handle), SA_OK);
	return done();
}
