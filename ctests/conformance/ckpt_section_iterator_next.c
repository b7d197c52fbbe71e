/* saCkptSectionIteratorNext. */
#include "ckpt.h"

static SaCkptCheckpointHandleT handle, reader;
static SaCkptSectionIteratorT iterator;

static void check_next(const char *id, SaTimeT expiration, int size, SaTimeT not_before)
{
	SaCkptSectionDescriptorT descriptor;

	PAINT(descriptor);
	if (!CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_OK))
		return;
	CHECK_NUM(descriptor.sectionId.idLen, strlen(id));
	CHECK(!memcmp(descriptor.sectionId.id, id, strlen(id)));
	CHECK_NUM(descriptor.expirationTime, expiration);
	CHECK_NUM(descriptor.sectionSize, size);
	CHECK_NUM(descriptor.sectionState, SA_CKPT_SECTION_VALID);
	/* The service's clock is the same one, if perhaps read a little earlier. */
	CHECK(descriptor.lastUpdate >= not_before - MS_NS(1000));
	CHECK(descriptor.lastUpdate <= now_ns());
}

static void check_end(void)
{
	SaCkptSectionDescriptorT descriptor;

	PAINT(descriptor);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(descriptor);
}

static void start(void)
{
	NEED_EQ(saCkptSectionIteratorInitialize(&reader, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
}

static void stop(void)
{
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
}

static void check_parameters(void)
{
	SaCkptSectionDescriptorT descriptor;
	SaCkptSectionIteratorT copy;
	int i;

	PAINT(descriptor);
	start();
	CHECK_EQ(saCkptSectionIteratorNext(NULL, &descriptor), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++) {
		copy = bad_handles[i];
		CHECK_EQ(saCkptSectionIteratorNext(&copy, &descriptor), SA_ERR_BAD_HANDLE);
		CHECK_EQ(saCkptSectionIteratorNext(&copy, NULL), SA_ERR_INVALID_PARAM);
	}
	CHECK_UNTOUCHED(descriptor);
	/* A checkpoint with nothing but its default section. */
	check_end();
	stop();
}

/* Sections made, deleted and changed while an iterator walks. */
static void check_changes_while_walking(void)
{
	SaCkptSectionIdT id;
	SaTimeT before = now_ns() - MS_NS(60000);

	start();
	CHECK_EQ(create_section(&handle, "4", "made later"), SA_OK);
	check_next("3", SA_TIME_END, 3, before);
	id = section("3");
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
	id = section("2");
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
	CHECK_EQ(write_section(&handle, section("1"), "longer now", 0), SA_OK);
	check_next("1", 0xFFFFFFFFLL, 10, before);
	check_end();
	stop();
	start();
	check_next("4", SA_TIME_END, 10, before);
	check_next("1", 0xFFFFFFFFLL, 10, before);
	check_end();
	stop();
}

/* The bytes of an id stay where they are until the iterator is finalised. */
static void check_id_memory(void)
{
	SaCkptSectionDescriptorT descriptors[20];
	char id[] = "id 00";
	int count = 0;
	int i;

	for (i = 0; i < 18; i++) {
		id[3] = (char)('0' + i / 10);
		id[4] = (char)('0' + i % 10);
		CHECK_EQ(create_section(&handle, id, ""), SA_OK);
	}
	start();
	while (count < 20 && saCkptSectionIteratorNext(&iterator, &descriptors[count]) == SA_OK)
		count++;
	CHECK_NUM(count, 20);
	check_end();
	for (i = 0; i < 18 && i < count; i++) {
		id[3] = (char)('0' + (17 - i) / 10);
		id[4] = (char)('0' + (17 - i) % 10);
		CHECK_NUM(descriptors[i].sectionId.idLen, 5);
		CHECK(!memcmp(descriptors[i].sectionId.id, id, 5));
	}
	stop();
}

int main(void)
{
	SaNameT name = unique_name("next");
	SaTimeT times[4], expiry = now_ns() + MS_NS(3600000);

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	check_parameters();

	/* Newest first, the default section never. */
	times[1] = now_ns();
	CHECK_EQ(create_expiring(&handle, "1", "1", 0xFFFFFFFFLL), SA_OK);
	times[2] = now_ns();
	CHECK_EQ(create_expiring(&handle, "2", "12", expiry), SA_OK);
	times[3] = now_ns();
	CHECK_EQ(create_section(&handle, "3", "123"), SA_OK);
	CHECK_EQ(write_section(&handle, default_section, "default", 0), SA_OK);
	start();
	check_next("3", SA_TIME_END, 3, times[3]);
	check_next("2", expiry, 2, times[2]);
	check_next("1", 0xFFFFFFFFLL, 1, times[1]);
	check_end();
	stop();

	/* A change moves lastUpdate and the size, not the place. */
	times[1] = now_ns();
	CHECK_EQ(write_section(&handle, section("1"), "1", 5), SA_OK);
	start();
	check_next("3", SA_TIME_END, 3, times[3]);
	check_next("2", expiry, 2, times[2]);
	check_next("1", 0xFFFFFFFFLL, 6, times[1]);
	check_end();
	stop();

	check_changes_while_walking();
	check_id_memory();

	/* Neither survives the close of the handle it was made on. */
	start();
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	{
		SaCkptSectionDescriptorT descriptor;

		CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_BAD_HANDLE);
	}
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return done();
}
