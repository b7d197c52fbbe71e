/* saAmfProtectionGroupTrackStop. */
#include "track.h"

static SaAmfProtectionGroupNotificationT buffer[TRACK_ITEMS];

static SaErrorT stop(const SaAmfHandleT *handle, const char *csi)
{
	SaNameT name = name_of(csi);

	return saAmfProtectionGroupTrackStop(handle, &name);
}

static SaErrorT start(const char *csi, SaUint8T flags)
{
	SaNameT name = name_of(csi);

	return saAmfProtectionGroupTrackStart(&tracker, &name, flags, buffer, TRACK_ITEMS);
}

int main(void)
{
	SaNameT overlong = overlong_name();
	int i;

	await_unregistered();
	open_tracker();
	CHECK_EQ(stop(NULL, "pgA"), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfProtectionGroupTrackStop(&tracker, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfProtectionGroupTrackStop(&bad_handles[0], NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfProtectionGroupTrackStop(&tracker, &overlong), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++)
		CHECK_EQ(stop(&bad_handles[i], "pgA"), SA_ERR_BAD_HANDLE);
	CHECK_EQ(stop(&tracker, "no such group"), SA_ERR_NOT_EXIST);

	/* Never started; started for once only; started for another group. */
	CHECK_EQ(stop(&tracker, "pgA"), SA_ERR_NOT_EXIST);
	CHECK_EQ(start("pgA", SA_TRACK_CURRENT), SA_OK);
	TRACK_AWAIT(group_a.calls == 1);
	CHECK_EQ(stop(&tracker, "pgA"), SA_ERR_NOT_EXIST);
	CHECK_EQ(start("pgB", SA_TRACK_CHANGES), SA_OK);
	CHECK_EQ(stop(&tracker, "pgA"), SA_ERR_NOT_EXIST);
	CHECK_EQ(stop(&tracker, "pgB"), SA_OK);
	CHECK_EQ(stop(&tracker, "pgB"), SA_ERR_NOT_EXIST);

	/* Started twice is one subscription. */
	CHECK_EQ(start("pgA", SA_TRACK_CHANGES), SA_OK);
	CHECK_EQ(start("pgA", SA_TRACK_CHANGES_ONLY), SA_OK);
	CHECK_EQ(stop(&tracker, "pgA"), SA_OK);
	CHECK_EQ(stop(&tracker, "pgA"), SA_ERR_NOT_EXIST);

	/* A callback that is pending when tracking stops is never run, and its
	   buffer belongs to the program again. */
	CHECK_EQ(start("pgA", SA_TRACK_CURRENT | SA_TRACK_CHANGES), SA_OK);
	CHECK_READABLE(tracker_fd);
	PAINT(buffer);
	CHECK_EQ(stop(&tracker, "pgA"), SA_OK);
	CHECK_EQ(saAmfDispatch(&tracker, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(group_a.calls, 1);
	CHECK_UNTOUCHED(buffer);
	CHECK_QUIET(tracker_fd);

	/* Stopped is stopped: a unit comes, nobody is told. */
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	CHECK_EQ(saAmfDispatch(&tracker, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(group_a.calls, 1);
	CHECK_NUM(group_b.calls, 0);
	leave_clean();

	CHECK_EQ(start("pgA", SA_TRACK_CHANGES), SA_OK);
	CHECK_EQ(saAmfFinalize(&tracker), SA_OK);
	CHECK_EQ(stop(&tracker, "pgA"), SA_ERR_BAD_HANDLE);
	return done();
}
