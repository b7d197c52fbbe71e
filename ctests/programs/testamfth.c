/*
 * A thread that dispatches for ever ends with SA_OK when another thread
 * finalizes the handle; twice, to see that the first time left nothing behind.
 */
#include "common.h"
#include "ais_amf.h"

#include <pthread.h>
#include <time.h>

#define BUFFER_ITEMS 64

static const char help[] =
	"[-n NAME] [-g GROUP]\n"
	"  -n NAME   the component to register (default comp_b_in_su_y)\n"
	"  -g GROUP  a protection group to track (default pgB)\n"
	"  -h        this text\n";

static SaNameT component;
static SaNameT group;
static SaAmfProtectionGroupNotificationT buffer[BUFFER_ITEMS];

/* Shared by the two threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool called_back;
static bool returned;

static void on_healthcheck(SaInvocationT invocation, const SaNameT *name,
			   SaAmfHealthcheckT type)
{
	(void)name;
	(void)type;
	saAmfResponse(invocation, SA_OK);
}

static void on_readiness(SaInvocationT invocation, const SaNameT *name,
			 SaAmfReadinessStateT state)
{
	printf(NAME_FORMAT ": readiness %d\n", NAME_ARGS(name), (int)state);
	saAmfResponse(invocation, SA_OK);
}

static void on_csi_set(SaInvocationT invocation, const SaNameT *name,
		       const SaNameT *csi, SaAmfCSIFlagsT flags,
		       SaAmfHAStateT *state, SaNameT *active,
		       SaAmfCSITransitionDescriptorT transition)
{
	(void)flags;
	(void)active;
	(void)transition;
	printf(NAME_FORMAT ": CSI " NAME_FORMAT " HA state %d\n",
	       NAME_ARGS(name), NAME_ARGS(csi), (int)*state);
	saAmfResponse(invocation, SA_OK);
}

static void announce(bool *flag)
{
	pthread_mutex_lock(&lock);
	*flag = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void on_track(const SaNameT *csi,
		     SaAmfProtectionGroupNotificationT *items,
		     SaUint32T item_count, SaUint32T member_count,
		     SaErrorT error)
{
	(void)csi;
	(void)items;
	(void)item_count;
	(void)member_count;
	expect("track callback in the dispatching thread", error, SA_OK);
	announce(&called_back);
}

/* True if another thread sets `flag` within ten seconds. */
static bool wait_for(const bool *flag)
{
	struct timespec until;
	bool set;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&lock);
	while (!*flag && result == 0)
		result = pthread_cond_timedwait(&changed, &lock, &until);
	set = *flag;
	pthread_mutex_unlock(&lock);
	return set;
}

static void *dispatch_for_ever(void *argument)
{
	const SaAmfHandleT *handle = argument;

	expect("Dispatch until finalized",
	       saAmfDispatch(handle, SA_DISPATCH_BLOCKING), SA_OK);
	announce(&returned);
	return NULL;
}

static void one_life(const SaAmfCallbacksT *callbacks)
{
	SaAmfHandleT handle;
	pthread_t thread;

	called_back = false;
	returned = false;
	must("Initialize", saAmfInitialize(&handle, callbacks, &ais_version),
	     SA_OK);
	must("Register", saAmfComponentRegister(&handle, &component, NULL),
	     SA_OK);
	if (!check(pthread_create(&thread, NULL, dispatch_for_ever, &handle) == 0,
		   "expected a thread"))
		return;

	/* A callback says that the thread has arrived in Dispatch. */
	expect("TrackStart, current",
	       saAmfProtectionGroupTrackStart(&handle, &group, SA_TRACK_CURRENT,
					      buffer, BUFFER_ITEMS),
	       SA_OK);
	check(wait_for(&called_back),
	      "expected a callback in the dispatching thread within 10 s");

	expect("Unregister", saAmfComponentUnregister(&handle, &component, NULL),
	       SA_OK);
	expect("Finalize under the dispatching thread", saAmfFinalize(&handle),
	       SA_OK);
	if (!check(wait_for(&returned),
		   "expected Dispatch to return within 10 s of Finalize"))
		exit(finish()); /* the thread may not end: it is not joined */
	pthread_join(thread, NULL);
	expect("Dispatch afterwards", saAmfDispatch(&handle, SA_DISPATCH_ALL),
	       SA_ERR_BAD_HANDLE);
}

int main(int argc, char *argv[])
{
	const SaAmfCallbacksT callbacks = {
		.saAmfHealthcheckCallback = on_healthcheck,
		.saAmfReadinessStateSetCallback = on_readiness,
		.saAmfCSISetCallback = on_csi_set,
		.saAmfProtectionGroupTrackCallback = on_track,
	};
	int letter;

	begin(argv[0]);
	component = name_of("comp_b_in_su_y");
	group = name_of("pgB");
	while ((letter = getopt(argc, argv, "n:g:h")) != -1) {
		if (letter == 'n')
			component = name_of(optarg);
		else if (letter == 'g')
			group = name_of(optarg);
		else
			usage(letter, help);
	}
	one_life(&callbacks);
	one_life(&callbacks);
	return finish();
}
