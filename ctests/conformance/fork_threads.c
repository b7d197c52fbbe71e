/* A program forks while its other threads are in the library, also in a signal
   handler: no child has a socket of the library, each may begin afresh, and
   nobody waits for a lock. */
#include "service.h"
#include "ckpt.h"
#include <spawn.h>
#include <sys/stat.h>

#define CHILDREN 100
#define THREADS 6

extern char **environ;

static volatile int stop;

static void *call(void *unused)
{
	SaNameT name = unique_name("fork_threads");
	SaCkptCheckpointHandleT checkpoint;
	SaClmClusterNodeT node;
	int handle;

	(void)unused;
	while (!stop) {
		if (CHECK_EQ(clm_service.initialize(&handle, CALLBACKS_ALL, &version_a11), SA_OK))
			CHECK_EQ(clm_service.finalize(&handle), SA_OK);
		CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
		if (CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, WRITE, 0, &checkpoint), SA_OK))
			CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	}
	return NULL;
}

static int sockets(void)
{
	struct stat status;
	int count = 0;
	int fd;

	for (fd = 3; fd < 200; fd++)
		count += fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
	return count;
}

/* What may be called in the child of a process with threads, and the library. */
static void be_child(void)
{
	SaClmClusterNodeT node;

	alarm(60);
	if (sockets())
		_exit(3);
	_exit(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node) == SA_OK ? 0 : 4);
}

static volatile pid_t forked;

static void fork_in_handler(int number)
{
	pid_t child = fork();

	(void)number;
	if (child == 0)
		be_child();
	forked = child;
}

/* A program that is executed has none either: this one, told to count. */
static void executed(const char *self)
{
	char *arguments[] = { (char *)self, "sockets", NULL };
	pid_t child = -1;

	CHECK_NUM(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0);
	CHECK_CHILD(child);
	child = vfork();
	if (child == 0) {
		execv(self, arguments);
		_exit(5);
	}
	CHECK_CHILD(child);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = fork_in_handler };
	pthread_t threads[THREADS];
	SaClmClusterNodeT node;
	int i;

	if (argc > 1)
		return sockets() != 0;
	if (under_tool())
		return done();
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call, NULL);
	for (i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0)
			be_child();
		CHECK_CHILD(child);
		if (i % 10 == 0)
			executed(argv[0]);
	}
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < CHILDREN / 4; i++) {
		forked = 0;
		/* Some of them while this thread is in the library itself. */
		if (i % 2) {
			raise(SIGUSR1);
		} else {
			pthread_kill(pthread_self(), SIGUSR1);
			CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
		}
		CHECK(forked > 0);
		CHECK_CHILD(forked);
	}
	stop = 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return done();
}
