/*
 * Many threads, on shared handles and on handles of their own. One round of
 * everything, or as many as fit: threads [SECONDS]
 */
#include "service.h"
#include "ckpt.h"

#define THREADS 40
#define ROUNDS 20

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static SaCkptCheckpointHandleT shared;
static SaNameT shared_name;
static pthread_barrier_t barrier;

static void start_together(void)
{
	pthread_barrier_wait(&barrier);
}

/* Everyone has a section of the shared checkpoint, and sees its own writes. */
static void *use_shared_checkpoint(void *number)
{
	char id[16], text[64];
	int i;

	snprintf(id, sizeof(id), "section %ld", (long)number);
	start_together();
	for (i = 0; i < ROUNDS; i++) {
		SaCkptSectionIdT section_id = section(id);

		snprintf(text, sizeof(text), "round %d of thread %ld", i, (long)number);
		CHECK_EQ(create_section(&shared, id, ""), SA_OK);
		CHECK_EQ(write_section(&shared, section_id, text, 0), SA_OK);
		CHECK_CONTENT(&shared, section_id, text);
		CHECK_EQ(saCkptSectionDelete(&shared, &section_id), SA_OK);
	}
	return NULL;
}

/* All write all of one section: what is read is one writer's in full. */
static void *use_shared_section(void *number)
{
	char mine[512], seen[512];
	SaCkptSectionIdT id = section("shared");
	SaSizeT size = 0;
	int i;

	memset(mine, 'A' + (int)(long)number, sizeof(mine));
	start_together();
	for (i = 0; i < ROUNDS; i++) {
		CHECK_EQ(saCkptSectionOverwrite(&shared, &id, (SaUint8T *)mine, sizeof(mine)), SA_OK);
		CHECK_EQ(read_section(&shared, id, seen, sizeof(seen), &size), SA_OK);
		CHECK_NUM(size, sizeof(seen));
		CHECK(all_bytes(seen, sizeof(seen), (unsigned char)seen[0]));
	}
	return NULL;
}

static void *use_own_checkpoints(void *number)
{
	char suffix[16];
	SaNameT name;
	int i;

	snprintf(suffix, sizeof(suffix), "own.%ld", (long)number);
	name = unique_name(suffix);
	start_together();
	for (i = 0; i < ROUNDS; i++) {
		SaCkptCheckpointHandleT own = open_checkpoint(&name, &all_replicas, READ | WRITE);
		SaCkptCheckpointHandleT common = open_checkpoint(&shared_name, NULL, READ);

		CHECK_EQ(create_section(&own, "section", suffix), SA_OK);
		CHECK_CONTENT(&own, section("section"), suffix);
		CHECK_EQ(saCkptCheckpointClose(&common), SA_OK);
		CHECK_EQ(saCkptCheckpointClose(&own), SA_OK);
		CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
	}
	return NULL;
}

static void *use_own_handles(void *number)
{
	const struct service *service = services[(long)number % 3];
	SaClmClusterNodeT node;
	SaSelectionObjectT fd;
	int handle;
	int i;

	start_together();
	for (i = 0; i < ROUNDS; i++) {
		fd = open_service(service, &handle);
		if (service == &clm_service)
			CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
		CHECK_QUIET(fd);
		CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_OK);
		CHECK_EQ(service->finalize(&handle), SA_OK);
	}
	return NULL;
}

/* One finalises while the others use: either it still works, or the handle is
   a bad one by then. */
static int doomed;

static void *use_doomed_handle(void *number)
{
	static SaClmClusterNodeT nodes[THREADS];
	SaErrorT error = SA_OK;

	start_together();
	if ((long)number == 0) {
		nap(5);
		CHECK_EQ(saClmFinalize(&doomed), SA_OK);
		return NULL;
	}
	while (error == SA_OK || error == SA_ERR_TRY_AGAIN) {
		error = saClmClusterNodeGetAsync(&doomed, (SaInvocationT)(long)number, SA_CLM_LOCAL_NODE_ID,
						 &nodes[(long)number]);
		if (error == SA_OK || error == SA_ERR_TRY_AGAIN)
			error = saClmDispatch(&doomed, SA_DISPATCH_ALL);
	}
	CHECK_EQ(error, SA_ERR_BAD_HANDLE);
	return NULL;
}

static void run(void *(*work)(void *))
{
	pthread_t threads[THREADS];
	long i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	long long end = mono_ms() + (argc > 1 ? atoi(argv[1]) : 0) * 1000LL;
	SaCkptCheckpointStatusT status;

	pthread_barrier_init(&barrier, NULL, THREADS);
	shared_name = unique_name("threads");
	shared = open_checkpoint(&shared_name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&shared, "shared", ""), SA_OK);
	do {
		run(use_shared_checkpoint);
		run(use_shared_section);
		run(use_own_checkpoints);
		run(use_own_handles);
		open_service(&clm_service, &doomed);
		run(use_doomed_handle);
	} while (mono_ms() < end);
	NEED_EQ(saCkptCheckpointStatusGet(&shared, &status), SA_OK);
	CHECK_NUM(status.numberOfSections, 2);
	CHECK_NUM(status.memoryUsed, 512);
	CHECK_EQ(saCkptCheckpointClose(&shared), SA_OK);
	CHECK_EQ(probe_checkpoint(&shared_name), SA_ERR_NOT_EXIST);
	pthread_barrier_destroy(&barrier);
	return done();
}
