/* Threads that are ended inside the library, by pthread_cancel or by
   pthread_exit in a callback, and callbacks that are left by longjmp: nothing
   stays locked, nothing is lost, and the program goes on. */
#include "service.h"
#include "ckpt.h"
#include <dirent.h>
#include <setjmp.h>

#define ROUNDS 20
#define ASYNCHRONOUS_ROUNDS 1000

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static const SaDispatchFlagsT ways[] = { SA_DISPATCH_ONE, SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING };

static const struct service *service;
static int handle;
static SaDispatchFlagsT way;

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/** The library serves this process as ever, on this handle and without one. */
static void check_serves(SaSelectionObjectT fd)
{
	SaClmClusterNodeT node;
	int before = callbacks_so_far();

	in_callback = NULL;
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	ask_and_wait(service, &handle, fd, 0);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(callbacks_so_far(), before + 1);
}

static void *dispatch(void *unused)
{
	(void)unused;
	service->dispatch(&handle, way);
	return NULL;
}

static void *run_and_join(void *(*run)(void *), int cancel)
{
	pthread_t thread;
	void *result = NULL;

	pthread_create(&thread, NULL, run, NULL);
	if (cancel) {
		nap(5);
		pthread_cancel(thread);
	}
	pthread_join(thread, &result);
	return result;
}

static void leave_thread(void)
{
	pthread_exit(&handle);
}

static jmp_buf back;

static void jump(void)
{
	longjmp(back, 1);
}

/* In the callback of one handle another one is dispatched, and left there. */
static int inner;

static void dispatch_inner(void)
{
	static __thread int depth;

	if (depth++ == 0)
		service->dispatch(&inner, SA_DISPATCH_ALL);
	else
		jump();
	depth--;
}

static void *wait_for_ever(void *unused)
{
	(void)unused;
	service->dispatch(&handle, SA_DISPATCH_BLOCKING);
	return NULL;
}

static void *wait_asynchronously(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	return wait_for_ever(unused);
}

static void in_nested_dispatch(SaSelectionObjectT fd)
{
	SaSelectionObjectT inner_fd = open_service(service, &inner);

	ask_and_wait(service, &handle, fd, 0);
	ask_and_wait(service, &inner, inner_fd, 0);
	in_callback = dispatch_inner;
	if (!setjmp(back)) {
		service->dispatch(&handle, SA_DISPATCH_ALL);
		CHECK(!"the callback jumped over this");
	}
	CHECK_EQ(service->finalize(&inner), SA_OK);
	check_serves(fd);
}

static void in_dispatch(SaSelectionObjectT fd)
{
	int i, n;

	for (n = 0; n < ROUNDS; n++) {
		CHECK(run_and_join(wait_for_ever, 1) == PTHREAD_CANCELED);
		if (!under_valgrind())
			CHECK(run_and_join(wait_asynchronously, 1) == PTHREAD_CANCELED);
	}
	check_serves(fd);
	for (i = 0; i < 3; i++) {
		way = ways[i];
		in_callback = leave_thread;
		ask_and_wait(service, &handle, fd, 0);
		CHECK(run_and_join(dispatch, 0) == &handle);
		check_serves(fd);
		in_callback = jump;
		ask_and_wait(service, &handle, fd, 0);
		if (!setjmp(back)) {
			service->dispatch(&handle, way);
			CHECK(!"the callback jumped over this");
		}
		check_serves(fd);
	}
	in_nested_dispatch(fd);
}

static SaNameT name;

/* A loop of calls, none of which waits for long: one of them is where it ends. */
static void *open_and_close(void *unused)
{
	SaCkptCheckpointHandleT checkpoint;

	(void)unused;
	for (;;)
		if (saCkptCheckpointOpen(&name, &all_replicas, WRITE, 0, &checkpoint) == SA_OK) {
			write_section(&checkpoint, default_section, "text", 0);
			saCkptCheckpointClose(&checkpoint);
		}
	return NULL;
}

static void *open_and_finalize(void *unused)
{
	int own;

	(void)unused;
	for (;;)
		if (service->initialize(&own, CALLBACKS_ALL, &version_a11) == SA_OK)
			service->finalize(&own);
	return NULL;
}

/* Quick calls without end, which a cancellation may hit at any instruction. */
static void *call_asynchronously(void *unused)
{
	SaSelectionObjectT fd;
	SaClmClusterNodeT node;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;) {
		service->selection_object_get(&handle, &fd);
		saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node);
	}
	return unused;
}

static void at_any_instruction(void)
{
	unsigned seed = 1;
	int n;

	for (n = 0; n < ASYNCHRONOUS_ROUNDS; n++) {
		pthread_t thread;
		void *result = NULL;

		pthread_create(&thread, NULL, call_asynchronously, NULL);
		usleep(rand_r(&seed) % 300);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		CHECK(result == PTHREAD_CANCELED);
	}
}

int main(void)
{
	SaSelectionObjectT fd;
	int before;
	int i, n;

#ifdef __SANITIZE_ADDRESS__
	/* It takes what an ended thread has left on its stack for alive. */
	return done();
#endif
	name = unique_name("unwinding");
	for (i = 0; i < 3; i++) {
		service = services[i];
		fd = open_service(service, &handle);
		check_serves(fd);
		before = descriptors();
		in_dispatch(fd);
		for (n = 0; n < ROUNDS; n++)
			CHECK(run_and_join(open_and_close, 1) == PTHREAD_CANCELED);
		for (n = 0; n < ROUNDS; n++)
			CHECK(run_and_join(open_and_finalize, 1) == PTHREAD_CANCELED);
		if (!under_valgrind())
			at_any_instruction();
		check_serves(fd);
		/* A handle may have been opened and its thread ended before it closed
		   it, and some connections for calls may have been made. */
		CHECK(descriptors() <= before + 2 * ROUNDS + 8);
		CHECK_EQ(service->finalize(&handle), SA_OK);
	}
	return done();
}
