/*
 * A handle that tracks protection groups, and the last callback of each.
 */
#ifndef CONFORMANCE_TRACK_H
#define CONFORMANCE_TRACK_H

#include "amf.h"

#define TRACK_ITEMS 8

struct tracked_group {
	int calls;
	SaAmfProtectionGroupNotificationT *buffer;
	SaUint32T items;
	SaUint32T members;
	SaErrorT error;
};

static struct tracked_group group_a, group_b;
static SaAmfHandleT tracker;
static SaSelectionObjectT tracker_fd;

static inline void on_track(const SaNameT *csi, SaAmfProtectionGroupNotificationT *buffer, SaUint32T items,
			    SaUint32T members, SaErrorT error)
{
	struct tracked_group *group = same_name(csi, "pgA") ? &group_a : &group_b;

	CHECK(same_name(csi, "pgA") || same_name(csi, "pgB"));
	group->calls++;
	group->buffer = buffer;
	group->items = items;
	group->members = members;
	group->error = error;
}

static const SaAmfCallbacksT track_callbacks = { .saAmfProtectionGroupTrackCallback = on_track };

static inline void open_tracker(void)
{
	NEED_EQ(saAmfInitialize(&tracker, &track_callbacks, &version_a11), SA_OK);
	NEED_EQ(saAmfSelectionObjectGet(&tracker, &tracker_fd), SA_OK);
}

/** Serves the components and the tracker. */
static inline void track_pump(void)
{
	pump();
	CHECK_EQ(saAmfDispatch(&tracker, SA_DISPATCH_ALL), SA_OK);
}
#define TRACK_AWAIT(condition) CHECK(WAIT_FOR(condition, track_pump()))

/** The entry of a component in the last callback of a group, or NULL. */
static inline const SaAmfProtectionGroupNotificationT *entry_of(const struct tracked_group *group, int index)
{
	SaUint32T i;

	if (!group->calls || group->error != SA_OK)
		return NULL;
	for (i = 0; i < group->items; i++)
		if (same_name(&group->buffer[i].member.compName, components[index].name))
			return &group->buffer[i];
	return NULL;
}

static inline int shown_as(const struct tracked_group *group, int index, SaAmfHAStateT state)
{
	const SaAmfProtectionGroupNotificationT *entry = entry_of(group, index);

	return entry && entry->member.haState == state && entry->member.readinessState == SA_AMF_IN_SERVICE;
}

#endif
