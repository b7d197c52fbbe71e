/* Every border of what the CKPT calls take: names and ids of all lengths and
   bytes, offsets, sizes and counts, aliasing sections, few descriptors. */
#include "ckpt.h"

#include <sys/resource.h>

#define LARGEST 0x7fffffffL
#define MOST_ELEMENTS 4096

static SaCkptCheckpointHandleT handle;

/* A name is its bytes: each length and each byte makes another one. */
static void check_names(void)
{
	static SaCkptCheckpointHandleT handles[SA_MAX_NAME_LENGTH + 1];
	SaNameT name = unique_name("names");
	SaUint16T own = name.length;
	int length, byte;

	for (length = own; length <= SA_MAX_NAME_LENGTH; length++) {
		name.length = (SaUint16T)length;
		CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
		handles[length] = open_checkpoint(&name, &all_replicas, READ);
	}
	for (length = own; length <= SA_MAX_NAME_LENGTH; length++)
		CHECK_EQ(saCkptCheckpointClose(&handles[length]), SA_OK);
	for (byte = 0; byte < 256; byte++) {
		name.length = (SaUint16T)(own + 1);
		name.value[own] = (unsigned char)byte;
		CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
		handles[byte] = open_checkpoint(&name, &all_replicas, READ);
	}
	for (byte = 0; byte < 256; byte++)
		CHECK_EQ(saCkptCheckpointClose(&handles[byte]), SA_OK);
	for (length = SA_MAX_NAME_LENGTH + 1; length <= 0xffff; length += length < 300 ? 1 : 0x1fff) {
		name.length = (SaUint16T)length;
		CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ, 0, &handles[0]), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_INVALID_PARAM);
	}
	/* No bytes are a name too. */
	name.length = 0;
	handles[0] = open_checkpoint(&name, &all_replicas, READ);
	CHECK_EQ(saCkptCheckpointClose(&handles[0]), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_NOT_EXIST);
}

static SaErrorT create_id(const SaUint8T *bytes, SaUint32T length)
{
	SaCkptSectionIdT id = { (SaUint8T *)bytes, length };
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };

	return saCkptSectionCreate(&handle, &attributes, "x", 1);
}

static SaErrorT delete_id(const SaUint8T *bytes, SaUint32T length)
{
	SaCkptSectionIdT id = { (SaUint8T *)bytes, length };

	return saCkptSectionDelete(&handle, &id);
}

static void check_ids(void)
{
	static const SaUint32T lengths[] = { 1, 2, 3, 7, 8, 9, 255, 256, 257, 4095, 4096, 65534, 65535 };
	static const SaUint32T too_long[] = {
		65536, 65537, LARGEST, LARGEST + 1UL, 0xffffffff, WIDE(0x100000000), WIDE(0x100000001), (SaUint32T)-1,
	};
	static SaUint8T bytes[65536];
	SaUint8T byte;
	size_t i;
	int value;

	memset(bytes, 'i', sizeof(bytes));
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CHECK_EQ(create_id(bytes, lengths[i]), SA_OK);
		CHECK_EQ(create_id(bytes, lengths[i]), SA_ERR_EXIST);
	}
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		CHECK_EQ(delete_id(bytes, lengths[i]), SA_OK);
	for (i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
		CHECK_EQ(create_id(bytes, too_long[i]), SA_ERR_INVALID_PARAM);
		CHECK_EQ(delete_id(bytes, too_long[i]), SA_ERR_INVALID_PARAM);
	}
	for (value = 0; value < 256; value++) {
		byte = (SaUint8T)value;
		CHECK_EQ(create_id(&byte, 1), SA_OK);
	}
	for (value = 0; value < 256; value++) {
		byte = (SaUint8T)value;
		CHECK_EQ(delete_id(&byte, 1), SA_OK);
		CHECK_EQ(delete_id(&byte, 1), SA_ERR_NOT_EXIST);
	}
}

static SaErrorT write_at(SaOffsetT offset, const void *data, SaSizeT size)
{
	SaCkptIOVectorElementT vector = element(section("s"), (void *)data, size, offset);

	return saCkptCheckpointWrite(&handle, &vector, 1, NULL);
}

static SaErrorT read_at(SaOffsetT offset, SaSizeT size, SaSizeT *got)
{
	static char buffer[16];
	SaCkptIOVectorElementT vector = element(section("s"), buffer, size, offset);
	SaErrorT error = saCkptCheckpointRead(&handle, &vector, 1, NULL);

	*got = vector.readSize;
	return error;
}

/* Before, at and after each border of an offset, in a section as large as one
   can be. */
static void check_offsets(void)
{
	static const SaSizeT bad_sizes[] = { -1, -2, -LARGEST, -LARGEST - 1 };
	static const SaOffsetT beyond[] = {
		LARGEST + 1UL, 0xfffffffe, 0xffffffff, WIDE(0x100000000), WIDE(0x7fffffffffffffff),
		(SaOffsetT)-16, (SaOffsetT)-1,
	};
	SaCkptSectionIdT id = section("s");
	SaSizeT got = 0;
	size_t i;

	CHECK_EQ(create_section(&handle, "s", ""), SA_OK);
	CHECK_EQ(write_at(LARGEST - 1, "z", 1), SA_OK);
	CHECK_EQ(write_at(LARGEST, "", 0), SA_OK);
	CHECK_EQ(write_at(LARGEST, "z", 1), SA_ERR_NO_SPACE);
	CHECK_EQ(write_at(LARGEST - 1, "zz", 2), SA_ERR_NO_SPACE);
	CHECK_EQ(read_at(LARGEST - 1, 16, &got), SA_OK);
	CHECK_NUM(got, 1);
	CHECK_EQ(read_at(LARGEST, 16, &got), SA_OK);
	CHECK_NUM(got, 0);
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		CHECK_EQ(write_at(beyond[i], "z", 1), SA_ERR_NO_SPACE);
		CHECK_EQ(read_at(beyond[i], 16, &got), SA_ERR_INVALID_PARAM);
		CHECK_EQ(read_at(beyond[i], 0, &got), SA_ERR_INVALID_PARAM);
	}
	for (i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
		CHECK_EQ(write_at(0, "z", bad_sizes[i]), SA_ERR_INVALID_PARAM);
		CHECK_EQ(read_at(0, bad_sizes[i], &got), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptSectionOverwrite(&handle, &id, (SaUint8T *)"z", bad_sizes[i]), SA_ERR_INVALID_PARAM);
	}
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
}

/* Counts and sizes that no memory has; nothing behind the pointers is read. */
static void check_huge(void)
{
	static const SaUint32T huge[] = { WIDE(0x100000000), WIDE(0x7fffffffffffffff), (SaUint32T)-1 };
	static char data[1];
	SaCkptSectionIdT id = section("huge");
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	SaCkptIOVectorElementT vector = element(default_section, data, 1, 0);
	size_t i;

	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		SaErrorT error = saCkptSectionCreate(&handle, &attributes, data, huge[i]);

		CHECK(error == SA_ERR_NO_SPACE || error == SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptCheckpointWrite(&handle, &vector, huge[i], NULL), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptCheckpointRead(&handle, &vector, huge[i], NULL), SA_ERR_INVALID_PARAM);
	}
	CHECK_EQ(probe_section(&handle, "huge"), SA_ERR_NOT_EXIST);
}

/* The same section many times in a vector: in order, the last one wins, and it
   grows once. */
static void check_aliasing(void)
{
	static SaCkptIOVectorElementT vector[MOST_ELEMENTS + 1];
	static char letters[MOST_ELEMENTS + 1], buffer[MOST_ELEMENTS + 1];
	SaCkptCheckpointStatusT status;
	int i;

	CHECK_EQ(create_section(&handle, "s", ""), SA_OK);
	for (i = 0; i <= MOST_ELEMENTS; i++) {
		letters[i] = (char)('a' + i % 26);
		/* Each overlaps the one before with all but a byte. */
		vector[i] = element(section("s"), letters + i, 1, (SaOffsetT)(i / 2));
	}
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, MOST_ELEMENTS, NULL), SA_OK);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_NUM(status.memoryUsed, MOST_ELEMENTS / 2);
	for (i = 0; i < MOST_ELEMENTS; i++)
		vector[i] = element(section("s"), buffer + i, 1, (SaOffsetT)(i / 2));
	CHECK_EQ(saCkptCheckpointRead(&handle, vector, MOST_ELEMENTS, NULL), SA_OK);
	for (i = 0; i < MOST_ELEMENTS; i++)
		CHECK(buffer[i] == letters[i | 1]);
	vector[MOST_ELEMENTS] = element(section("s"), buffer, 1, 0);
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, MOST_ELEMENTS + 1, NULL), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptCheckpointRead(&handle, vector, MOST_ELEMENTS + 1, NULL), SA_ERR_NO_SPACE);
	/* One that fails after others of the same section undoes them all. */
	vector[0] = element(section("s"), "?", 1, 0);
	vector[1] = element(section("s"), "?", 1, 100000);
	vector[2] = element(section("s"), "?", 1, LARGEST);
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 3, NULL), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_NUM(status.memoryUsed, MOST_ELEMENTS / 2);
	/* All elements may read to the same place, too. */
	for (i = 0; i < 3; i++)
		vector[i] = element(section("s"), buffer, 1, 0);
	CHECK_EQ(saCkptCheckpointRead(&handle, vector, 3, NULL), SA_OK);
	CHECK(buffer[0] == 'b');
}

static void check_attributes(void)
{
	SaNameT name = unique_name("attributes");
	SaCkptCheckpointCreationAttributesT attributes;
	SaCkptCheckpointStatusT status;
	SaCkptCheckpointHandleT made;
	int i;

	/* A negative one is no limit. */
	for (i = 0; i < 3; i++) {
		attributes = all_replicas;
		if (i == 0)
			attributes.checkpointSize = -1;
		else if (i == 1)
			attributes.maxSectionSize = -LARGEST - 1;
		else
			attributes.retentionDuration = -1;
		made = open_checkpoint(&name, &attributes, READ | WRITE);
		CHECK_EQ(create_section(&made, "section", "content"), SA_OK);
		CHECK_EQ(saCkptCheckpointStatusGet(&made, &status), SA_OK);
		CHECK_NUM(status.checkpointCreationAttributes.checkpointSize, i == 0 ? -1 : all_replicas.checkpointSize);
		CHECK_NUM(status.checkpointCreationAttributes.maxSectionSize, i == 1 ? -1 : all_replicas.maxSectionSize);
		CHECK(status.checkpointCreationAttributes.retentionDuration ==
		      (i == 2 ? SA_TIME_END : all_replicas.retentionDuration));
		CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
		CHECK_EQ(saCkptCheckpointClose(&made), SA_OK);
	}
	attributes = all_replicas;
	attributes.checkpointSize = attributes.maxSectionSize = LARGEST;
	attributes.maxSections = attributes.maxSectionIdSize = (SaUint32T)-1;
	made = open_checkpoint(&name, &attributes, READ);
	CHECK_EQ(saCkptCheckpointStatusGet(&made, &status), SA_OK);
	CHECK_NUM(status.checkpointCreationAttributes.checkpointSize, LARGEST);
	CHECK(status.checkpointCreationAttributes.maxSections == (SaUint32T)-1);
	CHECK(status.checkpointCreationAttributes.maxSectionIdSize == (SaUint32T)-1);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&made, -1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&made, -0x7fffffffffffffff - 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&made, SA_TIME_END), SA_OK);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&made, 0), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&made), SA_OK);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
}

/* More checkpoints and iterators than a process may have descriptors. */
static void check_descriptors(void)
{
	enum { NAMES = 100, OPENS = 2000 };
	static SaCkptCheckpointHandleT handles[OPENS];
	static SaCkptSectionIteratorT iterators[OPENS];
	struct rlimit before, few = { 64, 64 };
	SaNameT names[NAMES];
	char text[16];
	int i;

	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	for (i = 0; i < NAMES; i++) {
		snprintf(text, sizeof(text), "few.%d", i);
		names[i] = unique_name(text);
	}
	for (i = 0; i < OPENS; i++) {
		handles[i] = open_checkpoint(&names[i % NAMES], &all_replicas, READ | WRITE);
		NEED_EQ(saCkptSectionIteratorInitialize(&handles[i], SA_CKPT_SECTIONS_ANY, 0, &iterators[i]), SA_OK);
	}
	for (i = 0; i < OPENS; i += 97) {
		CHECK_EQ(write_section(&handles[i], default_section, "still works", 0), SA_OK);
		CHECK_CONTENT(&handles[i], default_section, "still works");
	}
	for (i = 0; i < OPENS; i++)
		CHECK_EQ(saCkptCheckpointClose(&handles[i]), SA_OK);
	for (i = 0; i < NAMES; i++)
		CHECK_EQ(probe_checkpoint(&names[i]), SA_ERR_NOT_EXIST);
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
	SaNameT name = unique_name("borders");

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	check_names();
	check_ids();
	check_offsets();
	check_huge();
	check_aliasing();
	check_attributes();
	check_descriptors();
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return done();
}
