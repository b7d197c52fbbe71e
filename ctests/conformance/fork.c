/* A forked child: the handles it inherited are no handles of its own, it may
   begin afresh, and the parent does not notice. */
#include "service.h"
#include "ckpt.h"

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static int handles[3];
static SaSelectionObjectT fds[3];
static SaCkptCheckpointHandleT checkpoint;
static SaCkptSectionIteratorT iterator;

static void check_inherited(void)
{
	SaCkptCheckpointStatusT status;
	SaCkptSectionDescriptorT descriptor;
	SaSelectionObjectT fd;
	int i;

	PAINT(fd);
	PAINT(status);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(services[i]->selection_object_get(&handles[i], &fd), SA_ERR_BAD_HANDLE);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_BLOCKING), SA_ERR_BAD_HANDLE);
		CHECK_EQ(services[i]->ask(&handles[i], 0), SA_ERR_BAD_HANDLE);
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_ERR_BAD_HANDLE);
	}
	CHECK_EQ(saCkptCheckpointStatusGet(&checkpoint, &status), SA_ERR_BAD_HANDLE);
	CHECK_EQ(write_section(&checkpoint, section("section"), "child", 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(fd);
	CHECK_UNTOUCHED(status);
}

/* What a new process does, a child may do. */
static void check_afresh(const SaNameT *name)
{
	SaCkptCheckpointHandleT own_checkpoint;
	SaClmClusterNodeT node;
	SaSelectionObjectT fd;
	int own[3];
	int i;

	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	for (i = 0; i < 3; i++) {
		int before = callbacks_so_far();

		fd = open_service(services[i], &own[i]);
		ask_and_wait(services[i], &own[i], fd, 0);
		CHECK_EQ(services[i]->dispatch(&own[i], SA_DISPATCH_ALL), SA_OK);
		CHECK_NUM(callbacks_so_far(), before + 1);
	}
	own_checkpoint = open_checkpoint(name, NULL, READ | WRITE);
	CHECK_CONTENT(&own_checkpoint, section("section"), "parent");
	CHECK_EQ(create_section(&own_checkpoint, "child", "was here"), SA_OK);
	/* Its own handles have not become those of the parent. */
	check_inherited();
	CHECK_EQ(saCkptCheckpointClose(&own_checkpoint), SA_OK);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&own[i]), SA_OK);
}

static void check_parent(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		int before = callbacks_so_far();

		CHECK_EQ(services[i]->ask(&handles[i], 0), SA_OK);
		CHECK(WAIT_FOR(callbacks_so_far() == before + 1,
			       DISPATCH_STEP(services[i]->dispatch, &handles[i], fds[i])));
	}
	CHECK_CONTENT(&checkpoint, section("section"), "parent");
}

int main(void)
{
	SaNameT name = unique_name("fork");
	SaCkptSectionDescriptorT descriptor;
	int failed;
	pid_t child;
	int i;

	for (i = 0; i < 3; i++)
		fds[i] = open_service(services[i], &handles[i]);
	checkpoint = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&checkpoint, "section", "parent"), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);

	/* With a callback pending, which belongs to the parent alone. */
	for (i = 0; i < 3; i++)
		ask_and_wait(services[i], &handles[i], fds[i], 0);
	failed = checks_failed;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		check_inherited();
		CHECK_NUM(callbacks_so_far(), 0);
		check_afresh(&name);
		child_done(failed);
	}
	CHECK_CHILD(child);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->dispatch(&handles[i], SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(callbacks_so_far(), 3);
	check_parent();
	CHECK_CONTENT(&checkpoint, section("child"), "was here");

	/* A child that ends without a word, and one that is killed. */
	child = fork();
	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
	check_parent();
	child = fork();
	if (child == 0) {
		SaCkptCheckpointHandleT own;

		saCkptCheckpointOpen(&name, NULL, READ, 0, &own);
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	check_parent();

	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	/* What the killed child had open is closed. */
	CHECK(WAIT_FOR(probe_checkpoint(&name) == SA_ERR_NOT_EXIST, nap(20)));
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	return done();
}
