/*
 * What the three services have in common (Initialize, SelectionObjectGet,
 * Dispatch, Finalize) behind one table, so that the same rules are checked for
 * each of them.
 */
#ifndef CONFORMANCE_SERVICE_H
#define CONFORMANCE_SERVICE_H

#include "check.h"

#include "ais_amf.h"
#include "ais_ckpt.h"
#include "ais_clm.h"

/* Which callbacks a handle gets. */
enum callbacks {
	CALLBACKS_ALL,
	CALLBACKS_MEMBERS_NULL,
	CALLBACKS_NULL
};

struct service {
	const char *name;
	SaErrorT (*initialize)(int *handle, enum callbacks callbacks, const SaVersionT *version);
	SaErrorT (*selection_object_get)(const int *handle, SaSelectionObjectT *fd);
	SaErrorT (*dispatch)(const int *handle, SaDispatchFlagsT flags);
	SaErrorT (*finalize)(int *handle);
	/* Makes exactly one callback pending; `number` is below `askable`. */
	SaErrorT (*ask)(const int *handle, int number);
	/* How many callbacks may be asked for before the first is dispatched. */
	int askable;
};

#define ASKABLE 64

/* Counts every callback of every service; any thread may run them. */
static int callbacks_run;
/* If set, what a callback does after it was counted. */
static void (*in_callback)(void);

static inline int callbacks_so_far(void)
{
	return __atomic_load_n(&callbacks_run, __ATOMIC_ACQUIRE);
}

static inline void callback_ran(void)
{
	__atomic_fetch_add(&callbacks_run, 1, __ATOMIC_ACQ_REL);
	if (in_callback)
		in_callback();
}

/* --- CLM --- */

static inline void clm_node_got(SaInvocationT invocation, SaClmClusterNodeT *node, SaErrorT error)
{
	(void)invocation;
	CHECK_EQ(error, SA_OK);
	CHECK(node != NULL);
	callback_ran();
}

static inline void clm_tracked(SaClmClusterNotificationT *buffer, SaUint32T items, SaUint32T members,
			       SaUint64T view, SaErrorT error)
{
	(void)buffer, (void)items, (void)members, (void)view;
	CHECK_EQ(error, SA_OK);
	callback_ran();
}

static inline SaErrorT clm_initialize(int *handle, enum callbacks which, const SaVersionT *version)
{
	SaClmCallbacksT callbacks = { clm_node_got, clm_tracked };

	if (which == CALLBACKS_NULL)
		return saClmInitialize(handle, NULL, version);
	if (which == CALLBACKS_MEMBERS_NULL)
		memset(&callbacks, 0, sizeof(callbacks));
	return saClmInitialize(handle, &callbacks, version);
}

static inline SaErrorT clm_ask(const int *handle, int number)
{
	static SaClmClusterNodeT nodes[ASKABLE];

	return saClmClusterNodeGetAsync(handle, number, SA_CLM_LOCAL_NODE_ID, &nodes[number]);
}

static const struct service clm_service = {
	"CLM", clm_initialize, saClmSelectionObjectGet, saClmDispatch, saClmFinalize, clm_ask, ASKABLE,
};

/* --- CKPT --- */

static inline void ckpt_opened(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT error)
{
	(void)invocation;
	if (CHECK_EQ(error, SA_OK))
		CHECK_EQ(saCkptCheckpointClose(checkpoint), SA_OK);
	callback_ran();
}

static inline void ckpt_synchronized(SaInvocationT invocation, SaErrorT error)
{
	(void)invocation;
	CHECK_EQ(error, SA_OK);
	callback_ran();
}

static inline SaErrorT ckpt_initialize(int *handle, enum callbacks which, const SaVersionT *version)
{
	SaCkptCallbacksT callbacks = { ckpt_opened, ckpt_synchronized };

	if (which == CALLBACKS_NULL)
		return saCkptInitialize(handle, NULL, version);
	if (which == CALLBACKS_MEMBERS_NULL)
		memset(&callbacks, 0, sizeof(callbacks));
	return saCkptInitialize(handle, &callbacks, version);
}

static inline SaErrorT ckpt_finalize(int *handle)
{
	return saCkptFinalize(handle);
}

static inline SaErrorT ckpt_ask(const int *handle, int number)
{
	SaCkptCheckpointCreationAttributesT attributes = { SA_CKPT_WR_ALL_REPLICAS, 1000, 0, 10, 100, 20 };
	SaNameT name = unique_name("ask");

	return saCkptCheckpointOpenAsync(handle, number, &name, &attributes, SA_CKPT_CHECKPOINT_READ);
}

static const struct service ckpt_service = {
	"CKPT", ckpt_initialize, saCkptSelectionObjectGet, saCkptDispatch, ckpt_finalize, ckpt_ask, ASKABLE,
};

/* --- AMF --- */

static inline void amf_tracked(const SaNameT *csi, SaAmfProtectionGroupNotificationT *buffer,
			       SaUint32T items, SaUint32T members, SaErrorT error)
{
	(void)csi, (void)buffer, (void)items, (void)members;
	CHECK_EQ(error, SA_OK);
	callback_ran();
}

static inline SaErrorT amf_initialize(int *handle, enum callbacks which, const SaVersionT *version)
{
	SaAmfCallbacksT callbacks;

	memset(&callbacks, 0, sizeof(callbacks));
	if (which == CALLBACKS_ALL)
		callbacks.saAmfProtectionGroupTrackCallback = amf_tracked;
	return saAmfInitialize(handle, which == CALLBACKS_NULL ? NULL : &callbacks, version);
}

static inline SaErrorT amf_finalize(int *handle)
{
	return saAmfFinalize(handle);
}

/* Tracking shows a group's newest state once, however often it was asked for:
   two callbacks at a time need two groups. */
static inline SaErrorT amf_ask(const int *handle, int number)
{
	static SaAmfProtectionGroupNotificationT members[2][16];
	SaNameT csi = name_of(number ? "pgB" : "pgA");

	return saAmfProtectionGroupTrackStart(handle, &csi, SA_TRACK_CURRENT, members[number], 16);
}

static const struct service amf_service = {
	"AMF", amf_initialize, saAmfSelectionObjectGet, saAmfDispatch, amf_finalize, amf_ask, 2,
};

/* --- shared steps --- */

/** A handle with its selection object. */
static inline SaSelectionObjectT open_service(const struct service *service, int *handle)
{
	SaSelectionObjectT fd = -1;

	if (!CHECK_EQ(service->initialize(handle, CALLBACKS_ALL, &version_a11), SA_OK) ||
	    !CHECK_EQ(service->selection_object_get(handle, &fd), SA_OK)) {
		fprintf(stderr, "%s: no handle, giving up\n", service->name);
		exit(1);
	}
	return fd;
}

/** Makes one callback pending and waits until the selection object shows it. */
static inline void ask_and_wait(const struct service *service, const int *handle, SaSelectionObjectT fd, int number)
{
	CHECK_EQ(service->ask(handle, number), SA_OK);
	CHECK_READABLE(fd);
}

#endif
