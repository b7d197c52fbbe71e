/*
 * The rules of Dispatch, the same for the three services.
 */
#ifndef CONFORMANCE_DISPATCH_CHECKS_H
#define CONFORMANCE_DISPATCH_CHECKS_H

#include "service.h"

#include <sys/syscall.h>
#include <unistd.h>

/* One thread that blocks in Dispatch, and what it came back with. */
struct dispatcher {
	const struct service *service;
	int handle;
	int error;
	int returned;
	/* The thread as the kernel knows it; 0 before it runs. */
	long tid;
	pthread_t thread;
};

static inline void *dispatch_blocking(void *argument)
{
	struct dispatcher *dispatcher = argument;

	__atomic_store_n(&dispatcher->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	dispatcher->error = dispatcher->service->dispatch(&dispatcher->handle, SA_DISPATCH_BLOCKING);
	__atomic_store_n(&dispatcher->returned, 1, __ATOMIC_RELEASE);
	return NULL;
}

static inline void start_dispatcher(struct dispatcher *dispatcher, const struct service *service, int handle)
{
	memset(dispatcher, 0, sizeof(*dispatcher));
	dispatcher->service = service;
	dispatcher->handle = handle;
	pthread_create(&dispatcher->thread, NULL, dispatch_blocking, dispatcher);
}

/* Whether the thread waits for callbacks: it sleeps in poll. A thread that has
   not come so far finds a bad handle if the handle is finalised. */
static inline int waits_for_callbacks(struct dispatcher *dispatcher)
{
	long tid = __atomic_load_n(&dispatcher->tid, __ATOMIC_ACQUIRE);
	char path[64];
	FILE *file;
	long number = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/syscall", tid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	/* A thread that runs is "running", which is no number. */
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
#ifdef SYS_poll
	if (number == SYS_poll)
		return 1;
#endif
	return number == SYS_ppoll;
}

static inline void await_waiting(struct dispatcher *dispatcher)
{
	CHECK(WAIT_FOR(waits_for_callbacks(dispatcher), nap(1)));
}

/* A dispatcher that does not come back is reported, not waited for for ever. */
static inline void join_dispatcher(struct dispatcher *dispatcher, SaErrorT expected)
{
	if (!CHECK(WAIT_FOR(__atomic_load_n(&dispatcher->returned, __ATOMIC_ACQUIRE), nap(5))))
		exit(done());
	pthread_join(dispatcher->thread, NULL);
	CHECK_EQ(dispatcher->error, expected);
}

static int dispatched_inside;
static const struct service *dispatching_inside;

static inline void finalize_in_callback(void)
{
	CHECK_EQ(dispatching_inside->finalize(&dispatched_inside), SA_OK);
}

static inline void dispatch_in_callback(void)
{
	in_callback = NULL;
	CHECK_EQ(dispatching_inside->dispatch(&dispatched_inside, SA_DISPATCH_ALL), SA_OK);
}

static inline void check_dispatch_parameters(const struct service *service, int handle)
{
	static const int bad_flags[] = { 0, 4, 77, -1, 0x7fffffff };
	size_t flag;
	int i;

	CHECK_EQ(service->dispatch(NULL, SA_DISPATCH_ALL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(service->dispatch(NULL, (SaDispatchFlagsT)77), SA_ERR_INVALID_PARAM);
	for (flag = 0; flag < sizeof(bad_flags) / sizeof(bad_flags[0]); flag++) {
		CHECK_EQ(service->dispatch(&handle, (SaDispatchFlagsT)bad_flags[flag]), SA_ERR_INVALID_PARAM);
		/* The handle is looked at before the flags. */
		CHECK_EQ(service->dispatch(&bad_handles[0], (SaDispatchFlagsT)bad_flags[flag]), SA_ERR_BAD_HANDLE);
	}
	for (i = 0; i < BAD_HANDLES; i++) {
		CHECK_EQ(service->dispatch(&bad_handles[i], SA_DISPATCH_ONE), SA_ERR_BAD_HANDLE);
		CHECK_EQ(service->dispatch(&bad_handles[i], SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
		CHECK_EQ(service->dispatch(&bad_handles[i], SA_DISPATCH_BLOCKING), SA_ERR_BAD_HANDLE);
	}
}

static inline void check_dispatch_one_and_all(const struct service *service, int handle, SaSelectionObjectT fd)
{
	int before = callbacks_so_far();

	/* Nothing pending: both return at once. */
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ONE), SA_OK);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(callbacks_so_far(), before);

	/* ONE leaves the second callback for later. */
	CHECK_EQ(service->ask(&handle, 0), SA_OK);
	CHECK_EQ(service->ask(&handle, 1), SA_OK);
	CHECK_READABLE(fd);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ONE), SA_OK);
	CHECK_NUM(callbacks_so_far(), before + 1);
	CHECK_READABLE(fd);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ONE), SA_OK);
	CHECK_NUM(callbacks_so_far(), before + 2);
	CHECK_QUIET(fd);

	CHECK_EQ(service->ask(&handle, 0), SA_OK);
	CHECK_EQ(service->ask(&handle, 1), SA_OK);
	CHECK(WAIT_FOR(callbacks_so_far() == before + 4, DISPATCH_STEP(service->dispatch, &handle, fd)));
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(callbacks_so_far(), before + 4);
	CHECK_QUIET(fd);
}

/* Dispatch inside a callback runs what is pending, nested. */
static inline void check_dispatch_in_callback(const struct service *service, int handle, SaSelectionObjectT fd)
{
	int before = callbacks_so_far();

	dispatching_inside = service;
	dispatched_inside = handle;
	in_callback = dispatch_in_callback;
	CHECK_EQ(service->ask(&handle, 0), SA_OK);
	CHECK_EQ(service->ask(&handle, 1), SA_OK);
	CHECK(WAIT_FOR(callbacks_so_far() == before + 2, DISPATCH_STEP(service->dispatch, &handle, fd)));
	in_callback = NULL;
}

static inline void check_dispatch_blocking(const struct service *service)
{
	struct dispatcher dispatcher;
	int handle;
	int before = callbacks_so_far();
	int i;

	/* Runs callbacks as they come, until another thread finalises the handle. */
	open_service(service, &handle);
	start_dispatcher(&dispatcher, service, handle);
	await_waiting(&dispatcher);
	for (i = 0; i < 6; i++) {
		CHECK_EQ(service->ask(&handle, i % 2), SA_OK);
		CHECK(WAIT_FOR(callbacks_so_far() == before + i + 1, nap(1)));
	}
	CHECK(!__atomic_load_n(&dispatcher.returned, __ATOMIC_ACQUIRE));
	CHECK_EQ(service->finalize(&handle), SA_OK);
	join_dispatcher(&dispatcher, SA_OK);

	/* Until a callback finalises it. */
	open_service(service, &handle);
	dispatching_inside = service;
	dispatched_inside = handle;
	in_callback = finalize_in_callback;
	start_dispatcher(&dispatcher, service, handle);
	CHECK_EQ(service->ask(&handle, 0), SA_OK);
	join_dispatcher(&dispatcher, SA_OK);
	in_callback = NULL;
	CHECK_NUM(callbacks_so_far(), before + 7);
	CHECK_EQ(service->finalize(&handle), SA_ERR_BAD_HANDLE);

	/* Signals do not end it. */
	open_service(service, &handle);
	start_dispatcher(&dispatcher, service, handle);
	catch_signal(SIGUSR1);
	for (i = 0; i < 20; i++) {
		await_waiting(&dispatcher);
		pthread_kill(dispatcher.thread, SIGUSR1);
	}
	await_waiting(&dispatcher);
	CHECK(!__atomic_load_n(&dispatcher.returned, __ATOMIC_ACQUIRE));
	CHECK_EQ(service->finalize(&handle), SA_OK);
	join_dispatcher(&dispatcher, SA_OK);
}

/* Several threads dispatch one handle: each callback runs once, and the end of
   the handle ends them all. */
static inline void check_dispatch_threads(const struct service *service)
{
	struct dispatcher dispatchers[4];
	int handle;
	int before = callbacks_so_far();
	int asked = 0;
	int i;

	open_service(service, &handle);
	for (i = 0; i < 4; i++)
		start_dispatcher(&dispatchers[i], service, handle);
	for (i = 0; i < 4; i++)
		await_waiting(&dispatchers[i]);
	while (asked < ASKABLE) {
		for (i = 0; i < service->askable && asked < ASKABLE; i++, asked++)
			CHECK_EQ(service->ask(&handle, i), SA_OK);
		if (!CHECK(WAIT_FOR(callbacks_so_far() == before + asked, nap(1))))
			break;
	}
	CHECK_EQ(service->finalize(&handle), SA_OK);
	for (i = 0; i < 4; i++)
		join_dispatcher(&dispatchers[i], SA_OK);
	CHECK_NUM(callbacks_so_far(), before + asked);
}

static inline void check_dispatch(const struct service *service)
{
	SaSelectionObjectT fd;
	int handle;

	fd = open_service(service, &handle);
	check_dispatch_parameters(service, handle);
	check_dispatch_one_and_all(service, handle, fd);
	check_dispatch_in_callback(service, handle, fd);
	CHECK_EQ(service->finalize(&handle), SA_OK);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ONE), SA_ERR_BAD_HANDLE);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_BLOCKING), SA_ERR_BAD_HANDLE);
	check_dispatch_blocking(service);
	check_dispatch_threads(service);
}

#endif
