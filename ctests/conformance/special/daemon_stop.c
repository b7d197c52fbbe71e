/*
 * The daemon hangs: calls end with SA_ERR_TIMEOUT, after their own timeout or
 * after api-timeout (5 s), and when it goes on so does the program. What timed
 * out has left nothing behind.
 *
 *   daemon_stop PID
 */
#include "../everything.h"

/* Between these a call ended after its own timeout of 300 ms, long before
   api-timeout would have ended it. */
#define CHECK_SHORT(start) CHECK(mono_ms() - (start) >= 290 && mono_ms() - (start) < 4900)

static void check_short_timeouts(void)
{
	SaNameT late_name = unique_name("late");
	SaCkptCheckpointHandleT late;
	SaClmClusterNodeT node;
	long long start;

	PAINT(node);
	start = mono_ms();
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(300), &node), SA_ERR_TIMEOUT);
	CHECK_SHORT(start);
	CHECK_UNTOUCHED(node);

	PAINT(late);
	start = mono_ms();
	CHECK_EQ(saCkptCheckpointOpen(&late_name, &all_replicas, READ, MS_NS(300), &late), SA_ERR_TIMEOUT);
	CHECK_SHORT(start);
	CHECK_UNTOUCHED(late);

	start = mono_ms();
	CHECK_EQ(saCkptCheckpointSynchronize(&checkpoint, MS_NS(300)), SA_ERR_TIMEOUT);
	CHECK_SHORT(start);
}

static void check_default_timeout(void)
{
	char buffer[16];
	SaCkptIOVectorElementT vector = element(section("section"), buffer, sizeof(buffer), 0);
	long long start = mono_ms();

	PAINT(buffer);
	CHECK_EQ(saCkptCheckpointRead(&checkpoint, &vector, 1, NULL), SA_ERR_TIMEOUT);
	CHECK(mono_ms() - start >= 4900);
	CHECK_UNTOUCHED(buffer);
	CHECK_NUM(vector.readSize, 0x5a5a5a5a);
}

/* What needs no answer of the daemon does not wait for one: it would wait in
   vain. */
static void check_local_calls(void)
{
	SaSelectionObjectT fd;

	CHECK_EQ(saClmSelectionObjectGet(&clm_handle, &fd), SA_OK);
	CHECK_EQ(saClmDispatch(&clm_handle, SA_DISPATCH_ONE), SA_OK);
	CHECK_EQ(saClmDispatch(&clm_handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(saClmDispatch(&clm_handle, (SaDispatchFlagsT)77), SA_ERR_INVALID_PARAM);
}

#define FORKS 100
#define CONNECTIONS 8

static pid_t stopped;
static pid_t children[FORKS];
static volatile int forks;
static volatile int is_child;
static volatile int stop;

/* Threads to which no signal comes. */
static void start_threads(pthread_t *threads, int count, void *(*run)(void *))
{
	sigset_t all, before;
	int i;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void *call_in_vain(void *unused)
{
	SaClmClusterNodeT node;

	while (!stop)
		saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 1, &node);
	return unused;
}

static void fork_one(int number)
{
	pid_t child;

	if (is_child || forks == FORKS)
		return;
	child = fork();
	if (child == 0) {
		is_child = 1;
		signal(number, SIG_DFL);
		alarm(60);
	} else {
		children[forks++] = child;
	}
}

/* A handler forks in a wait, and the child goes back into the call: it fails
   there, and waits for no lock that is another thread's of the parent. */
static void check_forks(void)
{
	SaClmClusterNodeT node;
	pthread_t threads[3];
	int i;

	stop = 0;
	signal(SIGALRM, fork_one);
	start_threads(threads, 3, call_in_vain);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 5000 }, { 0, 5000 } }, NULL);
	while (forks < FORKS) {
		SaErrorT error = saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(1000), &node);

		if (is_child)
			_exit(error == SA_ERR_LIBRARY || error == SA_ERR_TIMEOUT ? 0 : 1);
		CHECK_EQ(error, SA_ERR_TIMEOUT);
	}
	interrupt_every(0);
	stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < FORKS; i++)
		CHECK_CHILD(children[i]);
}

static void *call_for_long(void *unused)
{
	SaClmClusterNodeT node;

	while (saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(60000), &node) == SA_ERR_TIMEOUT)
		;
	return unused;
}

static void wake(int number)
{
	(void)number;
	kill(stopped, SIGCONT);
}

/* All connections are busy, so a call waits for one of them, not for the
   daemon: the handler runs all the same. It is what lets the calls end. */
static void check_signal_in_the_queue(void)
{
	SaClmClusterNodeT node;
	pthread_t threads[CONNECTIONS];
	long long start = mono_ms();
	int i;

	start_threads(threads, CONNECTIONS, call_for_long);
	signal(SIGALRM, wake);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 500000 } }, NULL);
	/* Where a connection has still to be opened that fails after 5 s. */
	while (saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(60000), &node) == SA_ERR_TIMEOUT)
		;
	CHECK(mono_ms() - start < 40000);
	for (i = 0; i < CONNECTIONS; i++)
		pthread_join(threads[i], NULL);
}

static void check_awake(void)
{
	SaNameT late_name = unique_name("late");
	SaSelectionObjectT fd;
	size_t i;

	CHECK(WAIT_FOR(call_node_get() == SA_OK, nap(20)));
	CHECK_CONTENT(&checkpoint, section("section"), "content");
	CHECK_EQ(write_section(&checkpoint, section("section"), "CONTENT", 0), SA_OK);
	CHECK_CONTENT(&checkpoint, section("section"), "CONTENT");
	for (i = 0; i < 3; i++) {
		int *handle = i == 0 ? &clm_handle : i == 1 ? &ckpt_handle : &amf_handle;
		int before = callbacks_so_far();

		CHECK_EQ(services[i]->selection_object_get(handle, &fd), SA_OK);
		CHECK_EQ(services[i]->ask(handle, 0), SA_OK);
		CHECK(WAIT_FOR(callbacks_so_far() == before + 1, DISPATCH_STEP(services[i]->dispatch, handle, fd)));
	}
	/* The open that came too late is not one. */
	CHECK(WAIT_FOR(probe_checkpoint(&late_name) == SA_ERR_NOT_EXIST, nap(20)));
}

int main(int argc, char **argv)
{
	pid_t daemon = argc > 1 ? atoi(argv[1]) : 0;
	size_t i;

	if (daemon <= 1) {
		fprintf(stderr, "usage: daemon_stop PID\n");
		return 2;
	}
	open_everything();
	CHECK(kill(daemon, SIGSTOP) == 0);
	check_short_timeouts();
	check_default_timeout();
	check_local_calls();
	if (!under_tool())
		check_forks();
	stopped = daemon;
	check_signal_in_the_queue();
	check_awake();
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(i == 0 ? &clm_handle : i == 1 ? &ckpt_handle : &amf_handle), SA_OK);
	return done();
}
