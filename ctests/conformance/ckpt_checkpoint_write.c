/* saCkptCheckpointWrite. */
#include "ckpt.h"

static SaCkptCheckpointHandleT handle, reader, writer;

static SaErrorT write_one(SaCkptSectionIdT id, void *data, SaSizeT size, SaOffsetT offset, SaUint32T *index)
{
	SaCkptIOVectorElementT vector = element(id, data, size, offset);

	return saCkptCheckpointWrite(&handle, &vector, 1, index);
}

static void check_parameters(void)
{
	SaCkptIOVectorElementT vector = element(section("one"), "x", 1, 0);
	SaCkptSectionIdT null_with_length = { NULL, 3 };
	SaCkptSectionIdT id_without_length = { (SaUint8T *)"one", 0 };
	SaUint32T index;

	PAINT(index);
	CHECK_BAD_HANDLES(saCkptCheckpointWrite(bad, &vector, 1, &index));
	CHECK_EQ(saCkptCheckpointWrite(&handle, NULL, 1, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointWrite(&bad_handles[0], NULL, 1, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointWrite(&handle, NULL, 0, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointWrite(&handle, &vector, 0, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointWrite(&reader, &vector, 1, &index), SA_ERR_ACCESS);
	CHECK_EQ(write_one(section("one"), NULL, 1, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_one(section("one"), "x", -1, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_one(section("one"), "x", -0x7fffffff - 1, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_one(null_with_length, "x", 1, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_one(id_without_length, "x", 1, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_one(section("unknown"), "x", 1, 0, NULL), SA_ERR_NOT_EXIST);
	CHECK_CONTENT(&reader, section("one"), "first content");
}

static void check_contents(void)
{
	SaCkptSectionIdT default_id = default_section;
	SaUint32T index;

	PAINT(index);
	CHECK_EQ(write_one(section("one"), "FIRST", 5, 0, &index), SA_OK);
	CHECK_UNTOUCHED(index);
	CHECK_CONTENT(&reader, section("one"), "FIRST content");
	CHECK_EQ(write_one(section("one"), "CONTENT!", 8, 6, NULL), SA_OK);
	CHECK_CONTENT(&reader, section("one"), "FIRST CONTENT!");
	CHECK_EQ(write_one(section("one"), "+", 1, 14, NULL), SA_OK);
	CHECK_CONTENT(&reader, section("one"), "FIRST CONTENT!+");

	/* Nothing written, nothing changed; NULL will do as no data. */
	CHECK_EQ(write_one(section("one"), "x", 0, 0, NULL), SA_OK);
	CHECK_EQ(write_one(section("one"), NULL, 0, 0, NULL), SA_OK);
	CHECK_CONTENT(&reader, section("one"), "FIRST CONTENT!+");

	/* A hole is zeros. */
	CHECK_EQ(create_section(&handle, "hole", "ab"), SA_OK);
	CHECK_EQ(write_one(section("hole"), "z", 1, 5, NULL), SA_OK);
	check_content(__FILE__, __LINE__, &reader, section("hole"), "ab\0\0\0z", 6);

	CHECK_EQ(write_one(default_id, "default", 7, 0, NULL), SA_OK);
	CHECK_CONTENT(&reader, default_id, "default");

	/* A handle opened for writing only writes. */
	CHECK_EQ(write_section(&writer, section("one"), "w", 0), SA_OK);
	CHECK_CONTENT(&reader, section("one"), "wIRST CONTENT!+");
}

/* Elements are applied in order, all of them or none. */
static void check_vectors(void)
{
	SaCkptIOVectorElementT vector[4];
	SaUint32T index;

	CHECK_EQ(create_section(&handle, "v1", "11111"), SA_OK);
	CHECK_EQ(create_section(&handle, "v2", "22222"), SA_OK);
	vector[0] = element(section("v1"), "abc", 3, 0);
	vector[1] = element(section("v2"), "xy", 2, 5);
	vector[2] = element(section("v1"), "BC", 2, 1);
	vector[3] = element(default_section, "d", 1, 0);
	PAINT(index);
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, &index), SA_OK);
	CHECK_UNTOUCHED(index);
	CHECK_CONTENT(&reader, section("v1"), "aBC11");
	CHECK_CONTENT(&reader, section("v2"), "22222xy");
	CHECK_CONTENT(&reader, default_section, "default");

	vector[0] = element(section("v1"), "lost", 4, 0);
	vector[1] = element(section("unknown"), "lost", 4, 0);
	vector[2] = element(section("v2"), "lost", 4, 0);
	vector[3] = element(section("unknown too"), "lost", 4, 0);
	index = 77;
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, &index), SA_ERR_NOT_EXIST);
	CHECK_NUM(index, 1);
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, NULL), SA_ERR_NOT_EXIST);
	vector[1] = element(section("v2"), "lost", 4, 0);
	index = 77;
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, &index), SA_ERR_NOT_EXIST);
	CHECK_NUM(index, 3);
	vector[3] = element(section("v1"), NULL, 4, 0);
	index = 77;
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, &index), SA_ERR_INVALID_PARAM);
	CHECK_NUM(index, 3);
	vector[0] = element(section("v1"), "lost", -4, 0);
	index = 77;
	CHECK_EQ(saCkptCheckpointWrite(&handle, vector, 4, &index), SA_ERR_INVALID_PARAM);
	CHECK_NUM(index, 0);
	CHECK_CONTENT(&reader, section("v1"), "aBC11");
	CHECK_CONTENT(&reader, section("v2"), "22222xy");
}

/* Beyond what the daemon keeps or takes in one message. */
static void check_bounds(void)
{
	static char large[250000];
	SaCkptIOVectorElementT vector;
	SaCkptCheckpointStatusT status;
	SaSizeT too_large = 17 * 1024 * 1024;
	char *data;

	/* What the programs of 2004 write goes through. */
	memset(large, 'L', sizeof(large));
	CHECK_EQ(create_section(&handle, "large", ""), SA_OK);
	CHECK_EQ(write_one(section("large"), large, sizeof(large), 0, NULL), SA_OK);
	memset(large, 0, sizeof(large));
	vector = element(section("large"), large, sizeof(large), 0);
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, NULL), SA_OK);
	CHECK_NUM(vector.readSize, sizeof(large));
	CHECK(all_bytes(large, sizeof(large), 'L'));

	data = calloc(1, (size_t)too_large);
	if (CHECK(data != NULL))
		CHECK_EQ(write_one(section("one"), data, too_large, 0, NULL), SA_ERR_NO_SPACE);
	free(data);
	/* More than a section's size can be, and more than an offset can be. */
	CHECK_EQ(write_one(section("one"), "x", 1, WIDE(1ULL << 50), NULL), SA_ERR_NO_SPACE);
	CHECK_EQ(write_one(section("one"), "xyz", 3, (SaOffsetT)-2, NULL), SA_ERR_NO_SPACE);
	CHECK_CONTENT(&reader, section("one"), "wIRST CONTENT!+");
	NEED_EQ(saCkptCheckpointStatusGet(&reader, &status), SA_OK);
	CHECK_NUM(status.memoryUsed, 15 + 6 + 7 + 5 + 7 + sizeof(large));
}

static void check_replica_options(void)
{
	const SaCkptCheckpointCreationAttributesT *options[] = { &active_replica, &weak_replica };
	SaNameT name = unique_name("write.option");
	SaCkptCheckpointHandleT other;
	int i;

	for (i = 0; i < 2; i++) {
		other = open_checkpoint(&name, options[i], READ | WRITE);
		CHECK_EQ(create_section(&other, "section", "before"), SA_OK);
		CHECK_EQ(write_section(&other, section("section"), "after!", 0), SA_OK);
		CHECK_CONTENT(&other, section("section"), "after!");
		CHECK_EQ(saCkptCheckpointClose(&other), SA_OK);
	}
}

int main(void)
{
	SaNameT name = unique_name("write");

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	writer = open_checkpoint(&name, NULL, WRITE);
	CHECK_EQ(create_section(&handle, "one", "first content"), SA_OK);
	check_parameters();
	check_contents();
	check_vectors();
	check_bounds();
	check_replica_options();
	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(write_one(section("one"), "x", 1, 0, NULL), SA_ERR_BAD_HANDLE);
	return done();
}
