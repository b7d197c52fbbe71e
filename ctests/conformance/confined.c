/* A program that has initialized gives its rights and its view of the file
   system away; its threads need more connections after that, and get them. */
#include "service.h"
#include "ckpt.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define THREADS 6
#define CALLS 50

static SaCkptCheckpointHandleT checkpoint;
static pthread_barrier_t together;

static void *work(void *unused)
{
	SaCkptSectionIdT id = section("section");
	SaClmClusterNodeT node;
	SaSelectionObjectT fd;
	int handle;
	int i;

	(void)unused;
	/* All at once, so that one connection is not enough. */
	pthread_barrier_wait(&together);
	for (i = 0; i < CALLS; i++) {
		CHECK_EQ(saCkptSectionOverwrite(&checkpoint, &id, (SaUint8T *)"abc", 3), SA_OK);
		CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	}
	fd = open_service(&clm_service, &handle);
	CHECK_EQ(clm_service.ask(&handle, 0), SA_OK);
	CHECK_READABLE(fd);
	CHECK_EQ(clm_service.finalize(&handle), SA_OK);
	return NULL;
}

static void in_new_root(void)
{
	char jail[] = "/tmp/ais-confined-XXXXXX";

	CHECK(mkdtemp(jail) != NULL);
	CHECK_NUM(chroot(jail), 0);
	CHECK_NUM(chdir("/"), 0);
	CHECK_NUM(access(getenv("AIS_SOCKET"), F_OK), -1);
}

static void as_nobody(void)
{
	CHECK_NUM(setgroups(0, NULL), 0);
	CHECK_NUM(setgid(65534), 0);
	CHECK_NUM(setuid(65534), 0);
}

static void in_other_mounts(void)
{
	char directory[1024];

	strncpy(directory, getenv("AIS_SOCKET"), sizeof(directory) - 1);
	*strrchr(directory, '/') = '\0';
	CHECK_NUM(unshare(CLONE_NEWNS), 0);
	CHECK_NUM(mount("none", "/", "none", MS_REC | MS_PRIVATE, ""), 0);
	CHECK_NUM(mount("none", directory, "tmpfs", 0, ""), 0);
	CHECK_NUM(access(getenv("AIS_SOCKET"), F_OK), -1);
}

static void elsewhere(void)
{
	setenv("AIS_SOCKET", "/nowhere", 1);
}

/* The socket is named by a relative path, and the program goes away. */
static void enter_directory(void)
{
	char directory[1024];

	strncpy(directory, getenv("AIS_SOCKET"), sizeof(directory) - 1);
	*strrchr(directory, '/') = '\0';
	CHECK_NUM(chdir(directory), 0);
	setenv("AIS_SOCKET", "socket", 1);
}

static void leave_directory(void)
{
	CHECK_NUM(chdir("/"), 0);
}

static void confined(void (*before)(void), void (*confine)(void))
{
	SaNameT name = unique_name("confined");
	int failed = checks_failed;
	pthread_t threads[THREADS];
	pid_t child = fork();
	int handle;
	int i;

	if (child == 0) {
		if (before)
			before();
		open_service(&amf_service, &handle);
		checkpoint = open_checkpoint(&name, &active_replica, READ | WRITE);
		CHECK_EQ(create_section(&checkpoint, "section", "text"), SA_OK);
		confine();
		pthread_barrier_init(&together, NULL, THREADS);
		for (i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, work, NULL);
		for (i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		CHECK_EQ(amf_service.ask(&handle, 0), SA_OK);
		CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
		CHECK_EQ(amf_service.finalize(&handle), SA_OK);
		child_done(failed);
	}
	CHECK_CHILD(child);
}

int main(void)
{
	confined(NULL, elsewhere);
	confined(enter_directory, leave_directory);
	if (geteuid() == 0) {
		confined(NULL, in_new_root);
		confined(NULL, as_nobody);
		/* Where a container does not allow it, there is nothing to see. */
		if (unshare(CLONE_NEWNS) == 0)
			confined(NULL, in_other_mounts);
	}
	return done();
}
