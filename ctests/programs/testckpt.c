/*
 * One checkpoint from its creation to its end, and each thing that can be done
 * with one: what a program finds in a checkpoint is what was put there, no
 * longer than it was to be kept, and only if it was opened for that.
 */
#include "common.h"
#include "ais_ckpt.h"
#include "text_section.h"

static const char help[] =
	"\n"
	"  -h  this text\n"
	"Takes a few seconds: it waits for things to expire.\n";

#define READ_WRITE (SA_CKPT_CHECKPOINT_READ | SA_CKPT_CHECKPOINT_WRITE)

/* Longer than a busy machine takes; nothing here waits that long otherwise. */

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 100000,
	.retentionDuration = 60 * NS_PER_SEC,
	.maxSections = 5,
	.maxSectionSize = 20000,
	.maxSectionIdSize = 32,
};

static SaErrorT open_new(const SaNameT *name, SaCkptCheckpointHandleT *handle)
{
	return saCkptCheckpointOpen(name, &attributes, READ_WRITE, 0, handle);
}

static SaErrorT open_existing(const SaNameT *name, SaCkptCheckpointHandleT *handle)
{
	return saCkptCheckpointOpen(name, NULL, READ_WRITE, 0, handle);
}

static void expect_status(const SaCkptCheckpointHandleT *handle,
			  unsigned long sections, unsigned long memory)
{
	SaCkptCheckpointStatusT status;

	memset(&status, 0, sizeof(status));
	if (!expect_quietly("status", saCkptCheckpointStatusGet(handle, &status),
			    SA_OK))
		return;
	printf("status: %lu bytes in %lu sections\n",
	       (unsigned long)status.memoryUsed,
	       (unsigned long)status.numberOfSections);
	check(status.numberOfSections == sections && status.memoryUsed == memory,
	      "expected %lu bytes in %lu sections", memory, sections);
	check(status.checkpointCreationAttributes.maxSections ==
			      attributes.maxSections &&
		      status.checkpointCreationAttributes.checkpointSize ==
			      attributes.checkpointSize,
	      "expected the attributes of the creation");
}

/* An unlinked name is gone, its data is not before the last close. */
static void test_unlink(void)
{
	SaNameT name = own_name("testckpt.unlink");
	SaCkptCheckpointHandleT handle;
	SaCkptCheckpointHandleT refused;

	printf("-- open, unlink, close\n");
	expect("open what does not exist", open_existing(&name, &handle),
	       SA_ERR_NOT_EXIST);
	expect("unlink what does not exist", saCkptCheckpointUnlink(&name),
	       SA_ERR_NOT_EXIST);
	must("open and create", open_new(&name, &handle), SA_OK);
	expect("create a section", create(&handle, "kept", SA_TIME_END, "kept"),
	       SA_OK);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("unlink again", saCkptCheckpointUnlink(&name),
	       SA_ERR_INVALID_PARAM);
	expect("open while unlinked and still open", open_new(&name, &refused),
	       SA_ERR_INVALID_PARAM);
	expect_text(&handle, "kept", "kept");
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
	expect("close again", saCkptCheckpointClose(&handle), SA_ERR_BAD_HANDLE);

	must("open and create anew", open_new(&name, &handle), SA_OK);
	expect_status(&handle, 1, 0);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
	expect("open after unlink and close", open_existing(&name, &handle),
	       SA_ERR_NOT_EXIST);
}

/* A checkpoint outlives its last close by its retention duration. */
static void test_retention(void)
{
	SaNameT name = own_name("testckpt.retention");
	SaCkptCheckpointHandleT handle;
	int64_t give_up = now_ns() + PATIENCE;
	int64_t pause = NS_PER_SEC / 2;
	SaErrorT result;

	printf("-- retention\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	expect("create a section", create(&handle, "data", SA_TIME_END, "data"),
	       SA_OK);
	expect("negative retention duration",
	       saCkptCheckpointRetentionDurationSet(&handle, -1),
	       SA_ERR_INVALID_PARAM);
	expect("close, retained for 60 s", saCkptCheckpointClose(&handle), SA_OK);
	must("open again", open_existing(&name, &handle), SA_OK);
	expect_text(&handle, "data", "data");

	expect("retain for 100 ms",
	       saCkptCheckpointRetentionDurationSet(&handle, 100 * NS_PER_MS),
	       SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
	/* To open it is to retain it again, so each look waits longer. */
	do {
		sleep_ns(pause);
		pause *= 2;
		result = open_existing(&name, &handle);
		if (result == SA_OK)
			expect_quietly("close", saCkptCheckpointClose(&handle),
				       SA_OK);
	} while (result == SA_OK && now_ns() < give_up);
	expect("open when that time is over", result, SA_ERR_NOT_EXIST);

	must("open and create anew", open_new(&name, &handle), SA_OK);
	expect("retain not at all",
	       saCkptCheckpointRetentionDurationSet(&handle, 0), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
	expect("open after that", open_existing(&name, &handle),
	       SA_ERR_NOT_EXIST);
}

static void expect_next(SaCkptSectionIteratorT *iterator, const char *id,
			SaTimeT expiration, int size)
{
	SaCkptSectionDescriptorT descriptor;

	if (!expect_quietly("next section",
			    saCkptSectionIteratorNext(iterator, &descriptor),
			    SA_OK))
		return;
	printf("section '%.*s': expires %llx, %d bytes, state %d\n",
	       (int)descriptor.sectionId.idLen,
	       (const char *)descriptor.sectionId.id,
	       (unsigned long long)descriptor.expirationTime,
	       (int)descriptor.sectionSize, (int)descriptor.sectionState);
	check(descriptor.sectionId.idLen == strlen(id) &&
		      memcmp(descriptor.sectionId.id, id, strlen(id)) == 0,
	      "expected section '%s'", id);
	check(descriptor.expirationTime == expiration,
	      "expected it to expire %llx", (unsigned long long)expiration);
	check(descriptor.sectionSize == size, "expected %d bytes", size);
	check(descriptor.sectionState == SA_CKPT_SECTION_VALID,
	      "expected it to be valid (1)");
	check(descriptor.lastUpdate > 0 &&
		      descriptor.lastUpdate <= wall_clock_ns() + NS_PER_SEC,
	      "expected an update in the past, got %lld",
	      (long long)descriptor.lastUpdate);
}

/* Newest first, without the default section. */
static void iterate(const SaCkptCheckpointHandleT *handle)
{
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;

	must("iterate over all sections",
	     saCkptSectionIteratorInitialize(handle, SA_CKPT_SECTIONS_ANY, 0,
					     &iterator),
	     SA_OK);
	expect_next(&iterator, "section ID #2", 0xFFFFFFFF, 15);
	expect_next(&iterator, "section ID #1", 0xFFAAAAAA, 17);
	expect("next after the last",
	       saCkptSectionIteratorNext(&iterator, &descriptor),
	       SA_ERR_NOT_EXIST);
	expect("end of the iteration",
	       saCkptSectionIteratorFinalize(&iterator), SA_OK);
	expect("end of it again", saCkptSectionIteratorFinalize(&iterator),
	       SA_ERR_BAD_HANDLE);
}

static void test_sections(void)
{
	SaNameT name = own_name("testckpt.sections");
	SaCkptCheckpointHandleT handle;

	printf("-- sections\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	expect_status(&handle, 1, 0);
	expect("create #1",
	       create(&handle, "section ID #1", 0xFFFFFFFF, "Initial Data #1"),
	       SA_OK);
	expect("create #1 again",
	       create(&handle, "section ID #1", SA_TIME_END, "other"),
	       SA_ERR_EXIST);
	expect("let it expire at a time that means never",
	       set_expiration(&handle, "section ID #1", 0xFFAAAAAA), SA_OK);
	expect("overwrite #1",
	       overwrite(&handle, "section ID #1", "Overwritten now 1"), SA_OK);
	expect("create #2",
	       create(&handle, "section ID #2", 0xFFFFFFFF, "Initial Data #2"),
	       SA_OK);
	expect_text(&handle, "section ID #1", "Overwritten now 1");
	expect_text(&handle, "section ID #2", "Initial Data #2");
	expect_status(&handle, 3, 17 + 15);
	iterate(&handle);

	expect("overwrite what does not exist", overwrite(&handle, "none", "x"),
	       SA_ERR_NOT_EXIST);
	expect("delete what does not exist", delete(&handle, "none"),
	       SA_ERR_NOT_EXIST);
	expect("delete #2", delete(&handle, "section ID #2"), SA_OK);
	expect("read #2", read_section(&handle, "section ID #2"),
	       SA_ERR_NOT_EXIST);
	expect_status(&handle, 2, 17);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
}

/* The section without an id is always there and never listed. */
static void test_default_section(void)
{
	SaNameT name = own_name("testckpt.default");
	SaCkptSectionIdT default_id = SA_CKPT_DEFAULT_SECTION_ID;
	SaCkptCheckpointHandleT handle;
	char data[16];
	SaCkptIOVectorElementT element = { default_id, data, sizeof(data), 0, 0 };

	printf("-- default section\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	expect("overwrite it",
	       saCkptSectionOverwrite(&handle, &default_id,
				      (SaUint8T *)"default", 7),
	       SA_OK);
	expect("read it", saCkptCheckpointRead(&handle, &element, 1, NULL),
	       SA_OK);
	check(element.readSize == 7 && memcmp(data, "default", 7) == 0,
	      "expected 'default', got %d bytes", (int)element.readSize);
	expect("delete it", saCkptSectionDelete(&handle, &default_id),
	       SA_ERR_INVALID_PARAM);
	expect("let it expire",
	       saCkptSectionExpirationTimeSet(&handle, &default_id, SA_TIME_END),
	       SA_ERR_INVALID_PARAM);
	expect_status(&handle, 1, 7);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
}

/* Reads until the section is gone. */
static void await_expiry(const SaCkptCheckpointHandleT *handle, const char *id)
{
	int64_t give_up = now_ns() + PATIENCE;
	SaErrorT result;

	while ((result = read_section(handle, id)) == SA_OK && now_ns() < give_up)
		sleep_ns(10 * NS_PER_MS);
	expect("read until it has expired", result, SA_ERR_NOT_EXIST);
}

static void test_expiry(void)
{
	SaNameT name = own_name("testckpt.expiry");
	SaCkptCheckpointHandleT handle;
	SaTimeT expiration;

	printf("-- expiry\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	expiration = wall_clock_ns() + NS_PER_SEC;
	expect("create one that expires in 1 s",
	       create(&handle, "short", expiration, "short"), SA_OK);
	expect("create another", create(&handle, "saved", expiration, "saved"),
	       SA_OK);
	expect("let that never expire",
	       set_expiration(&handle, "saved", SA_TIME_END), SA_OK);
	await_expiry(&handle, "short");
	printf("expired %lld ms late\n",
	       (long long)((wall_clock_ns() - expiration) / NS_PER_MS));
	/* By the clock of the member that proposes it, which may be another. */
	check(wall_clock_ns() >= expiration - 100 * NS_PER_MS,
	      "expected it to live until it expires");
	expect_text(&handle, "saved", "saved");

	expect("let it expire in the past",
	       set_expiration(&handle, "saved", wall_clock_ns() - NS_PER_SEC),
	       SA_OK);
	await_expiry(&handle, "saved");
	expect_status(&handle, 1, 0);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
}

/* A write is done whole or not at all. */
static void test_vectors(void)
{
	SaNameT name = own_name("testckpt.vectors");
	SaCkptCheckpointHandleT handle;
	SaUint32T bad = 99;
	SaCkptIOVectorElementT vector[] = {
		{ id_of("one"), "ONE", 3, 0, 0 },
		{ id_of("two"), "TWO", 3, 5, 0 },
		{ id_of("none"), "XXX", 3, 0, 0 },
	};
	SaCkptIOVectorElementT whole = { id_of("two"), NULL, 64, 0, 0 };
	SaCkptIOVectorElementT beyond = { id_of("one"), NULL, 1, 4, 0 };

	printf("-- vectors\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	expect("create one", create(&handle, "one", SA_TIME_END, "one"), SA_OK);
	expect("create two", create(&handle, "two", SA_TIME_END, "two"), SA_OK);

	expect("write with one bad element of three",
	       saCkptCheckpointWrite(&handle, vector, 3, &bad),
	       SA_ERR_NOT_EXIST);
	check(bad == 2, "expected element 2 to be named, got %lu",
	      (unsigned long)bad);
	expect_text(&handle, "one", "one");
	expect_text(&handle, "two", "two");

	bad = 99;
	expect("write the good two",
	       saCkptCheckpointWrite(&handle, vector, 2, &bad), SA_OK);
	check(bad == 99, "expected the index to stay as it was, got %lu",
	      (unsigned long)bad);
	expect_text(&handle, "one", "ONE");

	expect("read into memory of the library",
	       saCkptCheckpointRead(&handle, &whole, 1, NULL), SA_OK);
	check(whole.readSize == 8 && whole.dataBuffer != NULL &&
		      memcmp(whole.dataBuffer, "two\0\0TWO", 8) == 0,
	      "expected 'two', two zeros, 'TWO'; got %d bytes",
	      (int)whole.readSize);
	free(whole.dataBuffer);

	bad = 99;
	expect("read beyond the end",
	       saCkptCheckpointRead(&handle, &beyond, 1, &bad),
	       SA_ERR_INVALID_PARAM);
	check(bad == 0, "expected element 0 to be named, got %lu",
	      (unsigned long)bad);
	expect("write no element", saCkptCheckpointWrite(&handle, vector, 0, &bad),
	       SA_ERR_INVALID_PARAM);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
}

/* A handle allows what it was opened for. */
static void test_access(void)
{
	SaNameT name = own_name("testckpt.access");
	SaCkptCheckpointHandleT writer;
	SaCkptCheckpointHandleT reader;

	printf("-- access\n");
	must("open to write only",
	     saCkptCheckpointOpen(&name, &attributes, SA_CKPT_CHECKPOINT_WRITE,
				  0, &writer),
	     SA_OK);
	must("open to read only",
	     saCkptCheckpointOpen(&name, NULL, SA_CKPT_CHECKPOINT_READ, 0,
				  &reader),
	     SA_OK);
	expect("create by the reader", create(&reader, "id", SA_TIME_END, "data"),
	       SA_ERR_ACCESS);
	expect("create by the writer", create(&writer, "id", SA_TIME_END, "data"),
	       SA_OK);
	expect("overwrite by the reader", overwrite(&reader, "id", "other"),
	       SA_ERR_ACCESS);
	expect("delete by the reader", delete(&reader, "id"), SA_ERR_ACCESS);
	expect("read by the writer", read_section(&writer, "id"), SA_ERR_ACCESS);
	expect_text(&reader, "id", "data");
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close the reader", saCkptCheckpointClose(&reader), SA_OK);
	expect("close the writer", saCkptCheckpointClose(&writer), SA_OK);
}

/* The service invents ids, writes them back, and never the same again. */
static void test_generated_ids(void)
{
	SaNameT name = own_name("testckpt.generated");
	SaCkptSectionIdT ids[2] = { SA_CKPT_GENERATED_SECTION_ID,
				    SA_CKPT_GENERATED_SECTION_ID };
	SaCkptCheckpointHandleT handle;

	printf("-- generated ids\n");
	must("open and create", open_new(&name, &handle), SA_OK);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		SaCkptSectionCreationAttributesT section = { &ids[i],
							     SA_TIME_END };

		if (!expect("create without an id",
			    saCkptSectionCreate(&handle, &section, "generated", 9),
			    SA_OK))
			return;
		check(ids[i].id != NULL && ids[i].idLen == 8,
		      "expected an id of 8 bytes, got %lu",
		      (unsigned long)ids[i].idLen);
	}
	check(memcmp(ids[0].id, ids[1].id, 8) != 0, "expected different ids");
	expect_status(&handle, 3, 18);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		expect("delete by such an id",
		       saCkptSectionDelete(&handle, &ids[i]), SA_OK);
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
}

enum { OPEN_INVOCATION = 41, ABSENT_INVOCATION = 42, SYNC_INVOCATION = 43 };

static SaCkptCheckpointHandleT opened;
static int open_answers;
static int synchronize_answers;

static void on_open(SaInvocationT invocation,
		    const SaCkptCheckpointHandleT *handle, SaErrorT error)
{
	open_answers++;
	if (invocation == OPEN_INVOCATION) {
		if (expect("callback of the open", error, SA_OK))
			opened = *handle;
	} else {
		check(invocation == ABSENT_INVOCATION,
		      "expected invocation 41 or 42, got %d", (int)invocation);
		expect("callback of the open of nothing", error,
		       SA_ERR_NOT_EXIST);
	}
}

static void on_synchronize(SaInvocationT invocation, SaErrorT error)
{
	synchronize_answers++;
	check(invocation == SYNC_INVOCATION, "expected invocation 43, got %d",
	      (int)invocation);
	expect("callback of the synchronization", error, SA_OK);
}

static bool opens_answered(void)
{
	return open_answers >= 2;
}

static bool synchronize_answered(void)
{
	return synchronize_answers >= 1;
}

static void test_async(void)
{
	const SaCkptCallbacksT callbacks = { on_open, on_synchronize };
	SaCkptCheckpointCreationAttributesT active = attributes;
	SaNameT name = own_name("testckpt.async");
	SaNameT absent = own_name("testckpt.absent");
	SaSelectionObjectT selection;
	SaCkptHandleT library;

	printf("-- asynchronous calls\n");
	/* To synchronize means nothing where every write waits for all. */
	active.creationFlags = SA_CKPT_WR_ACTIVE_REPLICA;
	must("Initialize", saCkptInitialize(&library, &callbacks, &ais_version),
	     SA_OK);
	must("SelectionObjectGet",
	     saCkptSelectionObjectGet(&library, &selection), SA_OK);
	must("OpenAsync",
	     saCkptCheckpointOpenAsync(&library, OPEN_INVOCATION, &name, &active,
				       READ_WRITE),
	     SA_OK);
	must("OpenAsync of nothing",
	     saCkptCheckpointOpenAsync(&library, ABSENT_INVOCATION, &absent,
				       NULL, READ_WRITE),
	     SA_OK);
	if (!check(dispatch_until(saCkptDispatch, &library, selection,
				  now_ns() + PATIENCE, opens_answered),
		   "expected both callbacks in time, got %d", open_answers))
		return;
	expect("create in what was opened",
	       create(&opened, "async", SA_TIME_END, "async"), SA_OK);
	expect_text(&opened, "async", "async");

	expect("Synchronize", saCkptCheckpointSynchronize(&opened, 0), SA_OK);
	must("SynchronizeAsync",
	     saCkptCheckpointSynchronizeAsync(&library, SYNC_INVOCATION, &opened),
	     SA_OK);
	check(dispatch_until(saCkptDispatch, &library, selection,
			     now_ns() + PATIENCE, synchronize_answered),
	      "expected its callback in time");
	expect("dispatch with nothing pending",
	       saCkptDispatch(&library, SA_DISPATCH_ONE), SA_OK);
	expect("Finalize with a checkpoint open", saCkptFinalize(&library), SA_OK);
	expect_text(&opened, "async", "async");
	expect("unlink", saCkptCheckpointUnlink(&name), SA_OK);
	expect("close", saCkptCheckpointClose(&opened), SA_OK);
}

int main(int argc, char *argv[])
{
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "h")) != -1)
		usage(letter, help);
	test_unlink();
	test_sections();
	test_default_section();
	test_vectors();
	test_access();
	test_generated_ids();
	test_async();
	test_expiry();
	test_retention();
	return finish();
}
