/* What a program does with its descriptors: it closes the first three, it
   closes all and opens its own, it has none left. */
#include "service.h"
#include "ckpt.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define OWN 60
#define ROUNDS 1500

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static int handles[3];
static SaCkptCheckpointHandleT checkpoint;

static void open_all(const char *suffix)
{
	SaNameT name = unique_name(suffix);
	int i;

	for (i = 0; i < 3; i++)
		open_service(services[i], &handles[i]);
	checkpoint = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&checkpoint, "section", "text"), SA_OK);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* The first three are the program's, also when they are closed. */
static void without_the_first_three(void)
{
	static const char text[] = "a line that the program prints, longer than a header\n";
	SaSelectionObjectT fd;
	int saved = dup(2);
	int i;

	fflush(NULL);
	close(0);
	close(1);
	close(2);
	open_all("first");
	for (i = 0; i < 3; i++) {
		CHECK(!is_open(i));
		CHECK(write(i, text, sizeof(text)) == -1);
		CHECK_EQ(services[i]->selection_object_get(&handles[i], &fd), SA_OK);
		CHECK_NUM(fcntl(fd, F_GETFD), FD_CLOEXEC);
		ask_and_wait(services[i], &handles[i], fd, 0);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ALL), SA_OK);
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	}
	CHECK_CONTENT(&checkpoint, section("section"), "text");
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	dup2(saved, 0);
	dup2(saved, 1);
	dup2(saved, 2);
	close(saved);
}

static volatile int stop;
static volatile int harmed;

static void *use_the_first_three(void *unused)
{
	char text[64] = "a line that the program prints, longer than a header\n";

	while (!stop)
		if (write(1, text, sizeof(text)) != -1 || read(0, text, sizeof(text)) != -1)
			harmed = 1;
	return unused;
}

/* They are not even for a moment the library's. */
static void while_the_first_three_are_used(void)
{
	int saved = dup(2);
	pthread_t thread;
	int i;

	fflush(NULL);
	signal(SIGPIPE, SIG_IGN);
	close(0);
	close(1);
	pthread_create(&thread, NULL, use_the_first_three, NULL);
	for (i = 0; i < ROUNDS; i++) {
		CHECK_EQ(services[i % 3]->initialize(&handles[0], CALLBACKS_ALL, &version_a11), SA_OK);
		CHECK_EQ(services[i % 3]->finalize(&handles[0]), SA_OK);
	}
	stop = 1;
	pthread_join(thread, NULL);
	CHECK(!harmed);
	dup2(saved, 0);
	dup2(saved, 1);
	close(saved);
}

static void close_all(void)
{
	int fd;

	for (fd = 3; fd < 100; fd++)
		close(fd);
}

static int own[OWN];

/* Files, pipes and sockets under the numbers that were the library's. */
static void open_own(void)
{
	int i;

	for (i = 0; i + 4 < OWN; i += 5) {
		char path[] = "/tmp/ais-descriptors-XXXXXX";

		own[i] = mkstemp(path);
		unlink(path);
		CHECK(write(own[i], "mine", 4) == 4 && lseek(own[i], 0, SEEK_SET) == 0);
		CHECK(pipe(&own[i + 1]) == 0 && write(own[i + 2], "mine", 4) == 4);
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, &own[i + 3]) == 0);
		CHECK(write(own[i + 3], "mine", 4) == 4 && write(own[i + 4], "mine", 4) == 4);
	}
}

static void check_own(void)
{
	char text[16];
	int i;

	for (i = 0; i + 4 < OWN; i += 5) {
		CHECK(read(own[i], text, sizeof(text)) == 4);
		CHECK(read(own[i + 1], text, sizeof(text)) == 4);
		CHECK(recv(own[i + 3], text, sizeof(text), MSG_DONTWAIT) == 4);
		CHECK(recv(own[i + 4], text, sizeof(text), MSG_DONTWAIT) == 4);
		CHECK(send(own[i + 3], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1);
	}
}

/* With `reuse` the program's own descriptors come where the library's were. */
static void all_closed(int reuse)
{
	static SaClmClusterNotificationT members[16];
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;
	SaClmClusterNodeT node;
	SaSelectionObjectT fd;
	int i;

	open_all("closed");
	CHECK_EQ(saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	close_all();
	if (reuse)
		open_own();
	for (i = 0; i < 3; i++) {
		PAINT(fd);
		CHECK_EQ(services[i]->selection_object_get(&handles[i], &fd), SA_ERR_LIBRARY);
		CHECK_UNTOUCHED(fd);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ALL), SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_BLOCKING), SA_ERR_LIBRARY);
		CHECK_EQ(services[i]->ask(&handles[i], 0), SA_ERR_LIBRARY);
	}
	CHECK_EQ(saClmClusterTrackStart(&handles[0], SA_TRACK_CHANGES, members, 16), SA_ERR_LIBRARY);
	CHECK_EQ(write_section(&checkpoint, section("section"), "lost", 0), SA_ERR_LIBRARY);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_LIBRARY);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	open_all("afresh");
	CHECK_CONTENT(&checkpoint, section("section"), "text");
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	if (reuse) {
		check_own();
		for (i = 0; i < OWN; i++)
			CHECK_NUM(close(own[i]), 0);
	}
}

/* The child of a fork closes what it inherits of the library, not what has
   come in its place. */
static void forked_after_closing(void)
{
	int failed = checks_failed;
	pid_t child;
	int i;

	open_all("forked");
	close_all();
	open_own();
	child = fork();
	if (child == 0) {
		for (i = 0; i < OWN; i++)
			CHECK(is_open(own[i]));
		CHECK_EQ(services[0]->finalize(&handles[0]), SA_ERR_BAD_HANDLE);
		check_own();
		child_done(failed);
	}
	CHECK_CHILD(child);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	for (i = 0; i < OWN; i++)
		CHECK_NUM(close(own[i]), 0);
}

/** Opens handles until that fails, and closes them again. */
static int fill(const struct service *service)
{
	int some[100];
	SaErrorT error = SA_OK;
	int count = 0;
	int opened;

	while (count < 100 && (error = service->initialize(&some[count], CALLBACKS_ALL, &version_a11)) == SA_OK)
		count++;
	CHECK_EQ(error, SA_ERR_NO_RESOURCES);
	CHECK_EQ(service->initialize(&some[count], CALLBACKS_ALL, &version_a11), SA_ERR_NO_RESOURCES);
	opened = count;
	while (count > 0)
		CHECK_EQ(service->finalize(&some[--count]), SA_OK);
	return opened;
}

/* Whichever descriptor is the first for which there is no number: nothing of
   what was begun stays, and all goes on when there are numbers again. */
static void with_few(int more)
{
	SaNameT name = unique_name("few");
	SaClmClusterNodeT node;
	struct rlimit before, limit;
	SaErrorT error;
	int first = dup(0);
	int opened;

	close(first);
	getrlimit(RLIMIT_NOFILE, &before);
	limit = before;
	limit.rlim_cur = first + more;
	setrlimit(RLIMIT_NOFILE, &limit);
	opened = fill(services[more % 3]);
	CHECK_NUM(fill(services[more % 3]), opened);
	error = saCkptCheckpointOpen(&name, &all_replicas, READ, 0, &checkpoint);
	if (error == SA_OK)
		CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	else
		CHECK_EQ(error, SA_ERR_NO_RESOURCES);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	CHECK_EQ(services[more % 3]->initialize(&handles[0], CALLBACKS_ALL, &version_a11), SA_OK);
	CHECK_EQ(services[more % 3]->finalize(&handles[0]), SA_OK);
}

/* An Initialize that has failed for want of a second descriptor gives the
   first one back. */
static void with_one(void)
{
	struct rlimit limit;
	int last = dup(0);
	int own;

	close(last);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = last + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK_EQ(clm_service.initialize(&own, CALLBACKS_ALL, &version_a11), SA_ERR_NO_RESOURCES);
	CHECK_NUM(dup(0), last);
}

static void too_few(void)
{
	int failed = checks_failed;
	pid_t child;
	int more;

	for (more = 0; more < 16; more++) {
		child = fork();
		if (child == 0) {
			with_few(more);
			child_done(failed);
		}
		CHECK_CHILD(child);
	}
	failed = checks_failed;
	child = fork();
	if (child == 0) {
		with_one();
		child_done(failed);
	}
	CHECK_CHILD(child);
}

int main(void)
{
	without_the_first_three();
	while_the_first_three_are_used();
	all_closed(0);
	all_closed(1);
	forked_after_closing();
	close_all();
	if (!under_valgrind())
		too_few();
	return done();
}
