/* saAmfProtectionGroupTrackStart. */
#include "track.h"

static SaAmfProtectionGroupNotificationT buffer[TRACK_ITEMS + 1];
static SaAmfProtectionGroupNotificationT other[TRACK_ITEMS];
static SaAmfProtectionGroupNotificationT third[TRACK_ITEMS];

static SaErrorT start(const SaAmfHandleT *handle, const char *csi, SaUint8T flags,
		      const SaAmfProtectionGroupNotificationT *where, SaUint32T items)
{
	SaNameT name = name_of(csi);

	return saAmfProtectionGroupTrackStart(handle, &name, flags, where, items);
}

static void check_parameters(void)
{
	static const SaUint8T bad_flags[] = {
		0, SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY,
		SA_TRACK_CURRENT | SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY, 8, SA_TRACK_CURRENT | 8, 0xff,
	};
	SaNameT overlong = overlong_name();
	SaAmfHandleT silent;
	size_t i;
	int j;

	CHECK_EQ(start(NULL, "pgA", SA_TRACK_CURRENT, buffer, 8), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfProtectionGroupTrackStart(&tracker, NULL, SA_TRACK_CURRENT, buffer, 8), SA_ERR_INVALID_PARAM);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT, NULL, 8), SA_ERR_INVALID_PARAM);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CHANGES, NULL, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT, buffer, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CHANGES, buffer, 0), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfProtectionGroupTrackStart(&tracker, &overlong, SA_TRACK_CURRENT, buffer, 8),
		 SA_ERR_INVALID_PARAM);
	for (j = 0; j < BAD_HANDLES; j++)
		CHECK_EQ(start(&bad_handles[j], "pgA", SA_TRACK_CURRENT, buffer, 8), SA_ERR_BAD_HANDLE);
	for (i = 0; i < sizeof(bad_flags); i++) {
		CHECK_EQ(start(&tracker, "pgA", bad_flags[i], buffer, 8), SA_ERR_BAD_FLAGS);
		CHECK_EQ(start(&tracker, "no such group", bad_flags[i], buffer, 8), SA_ERR_BAD_FLAGS);
	}
	CHECK_EQ(start(&tracker, "no such group", SA_TRACK_CURRENT, buffer, 8), SA_ERR_NOT_EXIST);
	CHECK_EQ(start(&tracker, "raid", SA_TRACK_CHANGES, buffer, 8), SA_ERR_NOT_EXIST);
	CHECK_EQ(start(&tracker, "comp_a_in_su_x", SA_TRACK_CHANGES, buffer, 8), SA_ERR_NOT_EXIST);

	/* Pointers, handle, flags, name, callback. */
	CHECK_EQ(start(&bad_handles[0], "pgA", 0, NULL, 8), SA_ERR_INVALID_PARAM);
	CHECK_EQ(start(&bad_handles[0], "pgA", 0, buffer, 8), SA_ERR_BAD_HANDLE);
	NEED_EQ(saAmfInitialize(&silent, &component_callbacks, &version_a11), SA_OK);
	CHECK_EQ(start(&silent, "pgA", 0, buffer, 8), SA_ERR_BAD_FLAGS);
	CHECK_EQ(start(&silent, "no such group", SA_TRACK_CURRENT, buffer, 8), SA_ERR_NOT_EXIST);
	CHECK_EQ(start(&silent, "pgA", SA_TRACK_CURRENT, buffer, 8), SA_ERR_INIT);
	CHECK_EQ(start(&silent, "pgA", SA_TRACK_CHANGES, buffer, 8), SA_ERR_INIT);
	CHECK_EQ(saAmfFinalize(&silent), SA_OK);

	CHECK_EQ(saAmfDispatch(&tracker, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(group_a.calls + group_b.calls, 0);
}

/* CURRENT: every member once, unchanged, in the caller's own buffer. */
static void check_current(void)
{
	SaUint32T i;

	PAINT(buffer);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT, buffer, TRACK_ITEMS), SA_OK);
	TRACK_AWAIT(group_a.calls == 1);
	CHECK_EQ(group_a.error, SA_OK);
	CHECK(group_a.buffer == buffer);
	CHECK_NUM(group_a.members, group_a.items);
	CHECK(group_a.items >= 2 && group_a.items <= 3);
	for (i = 0; i < group_a.items && i < TRACK_ITEMS; i++)
		CHECK_NUM(buffer[i].change, SA_AMF_PROTECTION_GROUP_NO_CHANGE);
	for (; i <= TRACK_ITEMS; i++)
		CHECK_UNTOUCHED(buffer[i]);
	CHECK(shown_as(&group_a, AX, SA_AMF_ACTIVE));
	CHECK(shown_as(&group_a, AY, SA_AMF_STANDBY));
	CHECK(entry_of(&group_a, BX) == NULL);

	/* Less room than there are members. */
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT, buffer, 1), SA_ERR_NO_SPACE);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT | SA_TRACK_CHANGES, buffer, 1), SA_ERR_NO_SPACE);

	/* Two groups on one handle. */
	CHECK_EQ(start(&tracker, "pgB", SA_TRACK_CURRENT, other, TRACK_ITEMS), SA_OK);
	TRACK_AWAIT(group_b.calls == 1);
	CHECK(group_b.buffer == other);
	CHECK(shown_as(&group_b, BX, SA_AMF_ACTIVE));
	CHECK(shown_as(&group_b, BY, SA_AMF_STANDBY));
	CHECK_NUM(group_a.calls, 1);
}

/* CHANGES shows all members at each change, CHANGES_ONLY those that changed. */
static void check_changes(void)
{
	int a, b;

	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT | SA_TRACK_CHANGES, buffer, TRACK_ITEMS), SA_OK);
	CHECK_EQ(start(&tracker, "pgB", SA_TRACK_CHANGES_ONLY, other, TRACK_ITEMS), SA_OK);
	TRACK_AWAIT(group_a.calls == 2);
	/* Looking at the members in between does not end the subscription. */
	CHECK_EQ(start(&tracker, "pgB", SA_TRACK_CURRENT, third, TRACK_ITEMS), SA_OK);
	TRACK_AWAIT(group_b.calls == 2);
	CHECK(group_b.buffer == third);
	a = group_a.calls;
	b = group_b.calls;

	/* A member gets an assignment. */
	start_unit(AZ);
	TRACK_AWAIT(group_a.calls > a && shown_as(&group_a, AZ, SA_AMF_STANDBY));
	TRACK_AWAIT(group_b.calls > b && shown_as(&group_b, BZ, SA_AMF_STANDBY));
	CHECK(shown_as(&group_a, AX, SA_AMF_ACTIVE));
	CHECK(shown_as(&group_a, AY, SA_AMF_STANDBY));
	if (!entry_of(&group_a, AZ) || !entry_of(&group_a, AX) || !entry_of(&group_b, BZ))
		return;
	CHECK(entry_of(&group_a, AZ)->change != SA_AMF_PROTECTION_GROUP_NO_CHANGE);
	CHECK_NUM(entry_of(&group_a, AX)->change, SA_AMF_PROTECTION_GROUP_NO_CHANGE);
	CHECK_NUM(group_a.members, 3);
	CHECK_NUM(group_a.items, 3);
	CHECK(entry_of(&group_b, BX) == NULL);
	CHECK(entry_of(&group_b, BZ)->change != SA_AMF_PROTECTION_GROUP_NO_CHANGE);
	CHECK_NUM(group_b.items, 1);
	CHECK_NUM(group_b.members, 3);
	CHECK(group_a.buffer == buffer);

	/* A takeover. */
	close_component(AX);
	TRACK_AWAIT(shown_as(&group_a, AY, SA_AMF_ACTIVE));
	TRACK_AWAIT(shown_as(&group_b, BY, SA_AMF_ACTIVE));
	CHECK(shown_as(&group_a, AZ, SA_AMF_STANDBY));
}

/* Callbacks that were asked for once wait to be dispatched, and only so many. */
static void check_bound(void)
{
	SaAmfHandleT handle;
	int asked;

	NEED_EQ(saAmfInitialize(&handle, &track_callbacks, &version_a11), SA_OK);
	for (asked = 0; asked < 1024; asked++)
		CHECK_EQ(start(&handle, "pgA", SA_TRACK_CURRENT, buffer, TRACK_ITEMS), SA_OK);
	CHECK_EQ(start(&handle, "pgA", SA_TRACK_CURRENT, buffer, TRACK_ITEMS), SA_ERR_TRY_AGAIN);
	CHECK_EQ(saAmfFinalize(&handle), SA_OK);
}

int main(void)
{
	await_unregistered();
	open_tracker();
	check_parameters();
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	check_current();
	check_changes();
	check_bound();
	CHECK_EQ(saAmfFinalize(&tracker), SA_OK);
	CHECK_EQ(start(&tracker, "pgA", SA_TRACK_CURRENT, buffer, 8), SA_ERR_BAD_HANDLE);
	leave_clean();
	return done();
}
