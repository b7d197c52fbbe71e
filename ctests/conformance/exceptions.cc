/* C++ exceptions out of callbacks: they are caught around the dispatch, the
   objects on the way are destroyed, and the handle is as it was. */
#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ais_amf.h"
#include "ais_ckpt.h"
#include "ais_clm.h"

static int passed, failed;

static void check(bool holds, int line, const char *what)
{
	if (!holds)
		fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
	++(holds ? passed : failed);
}
#define CHECK(condition) check(condition, __LINE__, #condition)

static SaVersionT version = { 'A', 1, 1 };
static int alive;

struct Counted {
	Counted() { alive++; }
	~Counted() { alive--; }
};

static void got(SaInvocationT invocation, SaClmClusterNodeT *, SaErrorT)
{
	Counted here;

	throw (int)invocation;
}

static void opened(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT)
{
	saCkptCheckpointClose(checkpoint);
	throw (int)invocation;
}

static void tracked(const SaNameT *, SaAmfProtectionGroupNotificationT *, SaUint32T, SaUint32T, SaErrorT)
{
	throw 9;
}

template <typename Dispatch> static int caught(Dispatch dispatch, int handle, SaDispatchFlagsT flags, int fd)
{
	struct pollfd pollfd = { fd, POLLIN, 0 };
	Counted here;

	poll(&pollfd, 1, 10000);
	try {
		dispatch(&handle, flags);
	} catch (int value) {
		return value;
	}
	return -1;
}

static SaNameT name_of(const char *text)
{
	SaNameT name;

	memset(&name, 0, sizeof(name));
	name.length = strlen(text);
	memcpy(name.value, text, name.length);
	return name;
}

static void clm()
{
	SaClmCallbacksT callbacks = { got, NULL };
	SaClmClusterNodeT node;
	SaClmHandleT handle;
	SaSelectionObjectT fd;

	CHECK(saClmInitialize(&handle, &callbacks, &version) == SA_OK);
	CHECK(saClmSelectionObjectGet(&handle, &fd) == SA_OK);
	for (int i = 1; i <= 100; i++) {
		CHECK(saClmClusterNodeGetAsync(&handle, i, SA_CLM_LOCAL_NODE_ID, &node) == SA_OK);
		CHECK(caught(saClmDispatch, handle, (SaDispatchFlagsT)(1 + i % 3), fd) == i);
	}
	CHECK(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node) == SA_OK);
	CHECK(saClmFinalize(&handle) == SA_OK);
}

static void ckpt()
{
	SaCkptCallbacksT callbacks = { opened, NULL };
	SaCkptCheckpointCreationAttributesT attributes = { SA_CKPT_WR_ALL_REPLICAS, 1000, 0, 10, 100, 20 };
	SaNameT name = name_of("conformance.exceptions");
	SaCkptHandleT handle;
	SaSelectionObjectT fd;

	CHECK(saCkptInitialize(&handle, &callbacks, &version) == SA_OK);
	CHECK(saCkptSelectionObjectGet(&handle, &fd) == SA_OK);
	for (int i = 1; i <= 10; i++) {
		CHECK(saCkptCheckpointOpenAsync(&handle, i, &name, &attributes, SA_CKPT_CHECKPOINT_READ) == SA_OK);
		CHECK(caught(saCkptDispatch, handle, SA_DISPATCH_ALL, fd) == i);
	}
	CHECK(saCkptFinalize(&handle) == SA_OK);
}

static void amf()
{
	static SaAmfProtectionGroupNotificationT members[16];
	SaAmfCallbacksT callbacks;
	SaNameT csi = name_of("pgA");
	SaAmfHandleT handle;
	SaSelectionObjectT fd;

	memset(&callbacks, 0, sizeof(callbacks));
	callbacks.saAmfProtectionGroupTrackCallback = tracked;
	CHECK(saAmfInitialize(&handle, &callbacks, &version) == SA_OK);
	CHECK(saAmfSelectionObjectGet(&handle, &fd) == SA_OK);
	for (int i = 0; i < 10; i++) {
		CHECK(saAmfProtectionGroupTrackStart(&handle, &csi, SA_TRACK_CURRENT, members, 16) == SA_OK);
		CHECK(caught(saAmfDispatch, handle, SA_DISPATCH_BLOCKING, fd) == 9);
	}
	CHECK(saAmfFinalize(&handle) == SA_OK);
}

/* A cancelled thread destroys its objects as well. */
static SaClmHandleT waited_for;

static void *wait_for_ever(void *)
{
	Counted here;

	saClmDispatch(&waited_for, SA_DISPATCH_BLOCKING);
	return NULL;
}

static void cancelled()
{
	pthread_t thread;
	void *result;

	CHECK(saClmInitialize(&waited_for, NULL, &version) == SA_OK);
	CHECK(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	CHECK(result == PTHREAD_CANCELED);
	CHECK(saClmFinalize(&waited_for) == SA_OK);
}

int main()
{
	clm();
	ckpt();
	amf();
	cancelled();
	CHECK(alive == 0);
	printf("exceptions: %d passed, %d failed\n", passed, failed);
	return failed != 0;
}
