/* saClmClusterTrackStop. */
#include "check.h"

#include "ais_clm.h"

static int calls;

static void tracked(SaClmClusterNotificationT *buffer, SaUint32T items, SaUint32T members, SaUint64T view,
		    SaErrorT error)
{
	(void)buffer, (void)items, (void)members, (void)view, (void)error;
	calls++;
}

int main(void)
{
	static const SaClmCallbacksT callbacks = { NULL, tracked };
	SaClmClusterNotificationT buffer[2];
	SaClmHandleT handle;
	SaSelectionObjectT fd;
	int i;

	CHECK_EQ(saClmClusterTrackStop(NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(saClmClusterTrackStop(&bad_handles[i]), SA_ERR_BAD_HANDLE);

	NEED_EQ(saClmInitialize(&handle, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saClmSelectionObjectGet(&handle, &fd), SA_OK);

	/* Never started, started for once only, stopped twice. */
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT, buffer, 2), SA_OK);
	CHECK(WAIT_FOR(calls == 1, DISPATCH_STEP(saClmDispatch, &handle, fd)));
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES, buffer, 2), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES_ONLY, buffer, 2), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_NOT_EXIST);

	/* A callback that is pending when tracking stops is never run, and its
	   buffer belongs to the program again. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES, buffer, 2), SA_OK);
	CHECK_READABLE(fd);
	PAINT(buffer);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);
	CHECK_EQ(saClmDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(calls, 1);
	CHECK_UNTOUCHED(buffer);
	CHECK_QUIET(fd);

	/* Starting again after a stop works. */
	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES_ONLY, buffer, 2), SA_OK);
	CHECK(WAIT_FOR(calls == 2, DISPATCH_STEP(saClmDispatch, &handle, fd)));
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_OK);

	CHECK_EQ(saClmClusterTrackStart(&handle, SA_TRACK_CHANGES, buffer, 2), SA_OK);
	CHECK_EQ(saClmFinalize(&handle), SA_OK);
	CHECK_EQ(saClmClusterTrackStop(&handle), SA_ERR_BAD_HANDLE);
	return done();
}
