/* saCkptCheckpointClose, and what it does to everything that hangs on the handle. */
#include "ckpt.h"

static SaCkptCheckpointHandleT shared;
static int closed, refused;

static void *close_in_thread(void *unused)
{
	SaErrorT error = saCkptCheckpointClose(&shared);

	(void)unused;
	if (error == SA_OK)
		__atomic_fetch_add(&closed, 1, __ATOMIC_RELAXED);
	else if (CHECK_EQ(error, SA_ERR_BAD_HANDLE))
		__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Every call that takes a checkpoint handle refuses a closed one. */
static void check_closed_handle(const SaCkptCheckpointHandleT *handle, const SaCkptHandleT *ckpt)
{
	SaCkptSectionIdT id = section("section");
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	SaCkptIOVectorElementT vector;
	SaCkptCheckpointStatusT status;
	SaCkptSectionIteratorT iterator;
	unsigned char byte = 0;

	vector = element(id, &byte, 1, 0);
	PAINT(status);
	PAINT(iterator);
	CHECK_EQ(saCkptCheckpointClose(handle), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(handle, 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptActiveCheckpointSet(handle), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointStatusGet(handle, &status), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionCreate(handle, &attributes, "x", 1), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionDelete(handle, &id), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionExpirationTimeSet(handle, &id, SA_TIME_END), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionIteratorInitialize(handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointWrite(handle, &vector, 1, NULL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptSectionOverwrite(handle, &id, &byte, 1), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointRead(handle, &vector, 1, NULL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointSynchronize(handle, 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(ckpt, 1, handle), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(status);
	CHECK_UNTOUCHED(iterator);
}

int main(void)
{
	SaNameT name = unique_name("close");
	SaCkptCheckpointHandleT first, second, copy, fresh;
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;
	SaCkptHandleT ckpt;
	pthread_t threads[4];
	int i;

	NEED_EQ(saCkptInitialize(&ckpt, NULL, &version_a11), SA_OK);
	CHECK_BAD_HANDLES(saCkptCheckpointClose(bad));

	first = open_checkpoint(&name, &all_replicas, READ | WRITE);
	second = open_checkpoint(&name, NULL, READ | WRITE);
	CHECK_EQ(create_section(&first, "section", "content"), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&first, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);

	/* A handle is its value: closing a copy closes the handle. */
	copy = first;
	CHECK_EQ(saCkptCheckpointClose(&copy), SA_OK);
	check_closed_handle(&first, &ckpt);
	PAINT(descriptor);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(descriptor);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_ERR_BAD_HANDLE);

	/* The other handle is not touched by it, and the value is not given out
	   again at once. */
	CHECK_CONTENT(&second, section("section"), "content");
	fresh = open_checkpoint(&name, NULL, READ);
	CHECK(fresh != first && fresh != second);
	CHECK_EQ(saCkptCheckpointClose(&fresh), SA_OK);

	/* Retention 0: gone with the last one. */
	CHECK_EQ(saCkptCheckpointClose(&second), SA_OK);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);

	shared = open_checkpoint(&name, &all_replicas, READ | WRITE);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, close_in_thread, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_NUM(closed, 1);
	CHECK_NUM(refused, 3);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptFinalize(&ckpt), SA_OK);
	return done();
}
