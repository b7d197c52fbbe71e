/* Signal handlers that call the library while their own thread is in it, at
   any moment: no call locks itself, fails for it, or is done by halves. */
#include "service.h"
#include "ckpt.h"
#include <sys/auxv.h>
#include <sys/mman.h>

#define SIGNALS 300
#define PROCESSES 60
/* Beside what the kernel needs. */
#define SMALL_STACK 6144
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static int handles[3];
static SaCkptCheckpointHandleT checkpoint;
static SaNameT name;
static volatile sig_atomic_t handled;
static SaClmClusterNotificationT tracked[16];

/* Calls of every kind, on the handles that the thread may be using. */
static void call_everything(int number)
{
	SaClmClusterNodeT node;
	SaSelectionObjectT fd;
	SaNameT component = name_of("nobody");
	int own;
	int i;

	(void)number;
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	CHECK_EQ(write_section(&checkpoint, default_section, "handler", 0), SA_OK);
	CHECK_EQ(saAmfResponse(-5, SA_OK), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saAmfErrorCancelAll(&component), SA_ERR_NOT_EXIST);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(services[i]->selection_object_get(&handles[i], &fd), SA_OK);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ONE), SA_OK);
	}
	CHECK_EQ(saClmClusterTrackStart(&handles[0], SA_TRACK_CURRENT, tracked, 16), SA_OK);
	if (handled % 8 == 0 && CHECK_EQ(clm_service.initialize(&own, CALLBACKS_ALL, &version_a11), SA_OK))
		CHECK_EQ(clm_service.finalize(&own), SA_OK);
	handled++;
}

static void one_round(void)
{
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;
	char text[16];
	SaSizeT size = 0;
	int own;
	int i;

	for (i = 0; i < 3; i++) {
		SaErrorT error = services[i]->ask(&handles[i], 0);

		CHECK(error == SA_OK);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ALL), SA_OK);
	}
	CHECK_EQ(saClmClusterTrackStart(&handles[0], SA_TRACK_CURRENT, tracked, 16), SA_OK);
	CHECK_EQ(write_section(&checkpoint, default_section, "program", 0), SA_OK);
	CHECK_EQ(read_section(&checkpoint, default_section, text, sizeof(text), &size), SA_OK);
	CHECK(size == 7 && (!memcmp(text, "program", 7) || !memcmp(text, "handler", 7)));
	CHECK_EQ(saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	if (CHECK_EQ(ckpt_service.initialize(&own, CALLBACKS_ALL, &version_a11), SA_OK))
		CHECK_EQ(ckpt_service.finalize(&own), SA_OK);
}

static pthread_t target;
static volatile int stop;

static void *signal_it(void *unused)
{
	unsigned seed = 1;

	(void)unused;
	while (!stop) {
		int before = handled;

		pthread_kill(target, handled % 2 ? SIGABRT : SIGUSR1);
		while (!stop && handled == before)
			sched_yield();
		poll(NULL, 0, 0);
		for (before = rand_r(&seed) % 20000; before > 0; before--)
			__asm__ volatile("");
	}
	return NULL;
}

static void open_all(void)
{
	int i;

	for (i = 0; i < 3; i++)
		open_service(services[i], &handles[i]);
	checkpoint = open_checkpoint(&name, &active_replica, READ | WRITE);
	CHECK_EQ(create_section(&checkpoint, "section", ""), SA_OK);
	CHECK_EQ(write_section(&checkpoint, default_section, "program", 0), SA_OK);
}

static void in_the_middle_of_calls(void)
{
	struct sigaction action = { .sa_handler = call_everything };
	pthread_t thread;

	open_all();
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGABRT, &action, NULL);
	target = pthread_self();
	pthread_create(&thread, NULL, signal_it, NULL);
	while (handled < SIGNALS && !checks_failed)
		one_round();
	stop = 1;
	pthread_join(thread, NULL);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
}

/* --- a handler that finalizes and exits, as many do --- */

static void finalize_and_exit(int number)
{
	int i;

	(void)number;
	saCkptCheckpointClose(&checkpoint);
	for (i = 0; i < 3; i++)
		services[i]->finalize(&handles[i]);
	exit(7);
}

static void be_ended(volatile int *ready, int kind)
{
	signal(SIGTERM, finalize_and_exit);
	signal(SIGABRT, finalize_and_exit);
	open_all();
	*ready = 1;
	for (;;) {
		if (kind == 0)
			one_round();
		else
			services[kind - 1]->dispatch(&handles[kind - 1], SA_DISPATCH_BLOCKING);
	}
}

static void at_the_end(void)
{
	volatile int *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 1;
	int i;

	for (i = 0; i < PROCESSES; i++) {
		int status = 0;
		pid_t child;

		*ready = 0;
		child = fork();
		if (child == 0)
			be_ended(ready, i % 4);
		CHECK(WAIT_FOR(*ready, sched_yield()));
		usleep(rand_r(&seed) % 2000);
		kill(child, i / 4 % 2 ? SIGABRT : SIGTERM);
		if (!CHECK(WAIT_FOR(waitpid(child, &status, WNOHANG) == child, nap(1)))) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
		}
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
}

/* --- the wait of a blocking dispatch may be left by any way --- */

static void leave(int number)
{
	(void)number;
	pthread_exit(&handles[0]);
}

static void *wait_for_ever(void *unused)
{
	(void)unused;
	saClmDispatch(&handles[0], SA_DISPATCH_BLOCKING);
	return NULL;
}

static void left_from_a_handler(void)
{
	pthread_t thread;
	void *result;

	signal(SIGUSR2, leave);
	pthread_create(&thread, NULL, wait_for_ever, NULL);
	nap(20);
	pthread_kill(thread, SIGUSR2);
	pthread_join(thread, &result);
	CHECK(result == &handles[0]);
}

/* --- a handler on a stack of its own, as small as it may be --- */

static void initialize_and_exit(int number)
{
	SaClmClusterNodeT node;
	int own;

	(void)number;
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	CHECK_EQ(clm_service.initialize(&own, CALLBACKS_ALL, &version_a11), SA_OK);
	CHECK_EQ(clm_service.finalize(&own), SA_OK);
	child_done(0);
}

static void on_a_small_stack(void)
{
	struct sigaction action = { .sa_handler = initialize_and_exit, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = getauxval(AT_MINSIGSTKSZ) + SMALL_STACK };
	pid_t child = fork();
	char *memory;

	if (child == 0) {
		/* The page below the stack is nobody's. */
		memory = mmap(NULL, 4096 + stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(memory, 4096, PROT_NONE);
		stack.ss_sp = memory + 4096;
		CHECK(sigaltstack(&stack, NULL) == 0);
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		_exit(1);
	}
	CHECK_CHILD(child);
}

int main(void)
{
	int i;

	name = unique_name("handlers");
	in_the_middle_of_calls();
	left_from_a_handler();
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	at_the_end();
	if (!under_tool())
		on_a_small_stack();
	return done();
}
