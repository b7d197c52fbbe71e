/* saCkptCheckpointRead. */
#include "ckpt.h"

static SaCkptCheckpointHandleT handle, reader, writer;

static void check_parameters(void)
{
	char buffer[8];
	SaCkptIOVectorElementT vector = element(section("ten"), buffer, sizeof(buffer), 0);
	SaCkptSectionIdT null_with_length = { NULL, 3 };
	SaCkptSectionIdT id_without_length = { (SaUint8T *)"ten", 0 };
	SaUint32T index;

	PAINT(buffer);
	PAINT(index);
	CHECK_BAD_HANDLES(saCkptCheckpointRead(bad, &vector, 1, &index));
	CHECK_EQ(saCkptCheckpointRead(&reader, NULL, 1, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRead(&bad_handles[0], NULL, 1, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRead(&reader, NULL, 0, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 0, &index), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRead(&writer, &vector, 1, &index), SA_ERR_ACCESS);
	CHECK_NUM(vector.readSize, 0x5a5a5a5a);
	vector.dataSize = -1;
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, NULL), SA_ERR_INVALID_PARAM);
	vector.dataSize = sizeof(buffer);
	vector.sectionId = null_with_length;
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, NULL), SA_ERR_INVALID_PARAM);
	vector.sectionId = id_without_length;
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, NULL), SA_ERR_INVALID_PARAM);
	vector.sectionId = section("unknown");
	CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, NULL), SA_ERR_NOT_EXIST);
	CHECK_NUM(vector.readSize, 0x5a5a5a5a);
	CHECK_UNTOUCHED(buffer);
}

/* Reads `size` bytes from `offset` of the section "ten", which is 0123456789. */
static void check_range(SaSizeT size, SaOffsetT offset, SaErrorT expected, const char *text)
{
	char buffer[32];
	SaCkptIOVectorElementT vector = element(section("ten"), buffer, size, offset);
	SaUint32T index;

	PAINT(buffer);
	PAINT(index);
	if (!CHECK_EQ(saCkptCheckpointRead(&reader, &vector, 1, &index), expected))
		return;
	if (expected == SA_OK) {
		CHECK_NUM(vector.readSize, strlen(text));
		CHECK(!memcmp(buffer, text, strlen(text)));
		/* Not a byte more than was read. */
		CHECK(all_bytes(buffer + strlen(text), sizeof(buffer) - strlen(text), 0x5a));
		CHECK_UNTOUCHED(index);
	} else {
		CHECK_NUM(vector.readSize, 0x5a5a5a5a);
		CHECK_UNTOUCHED(buffer);
		CHECK_NUM(index, 0);
	}
}

static void check_ranges(void)
{
	check_range(10, 0, SA_OK, "0123456789");
	check_range(4, 0, SA_OK, "0123");
	check_range(4, 3, SA_OK, "3456");
	/* The second half of a section with a small buffer, and with a large one. */
	check_range(2, 8, SA_OK, "89");
	check_range(32, 7, SA_OK, "789");
	check_range(32, 0, SA_OK, "0123456789");
	check_range(0, 0, SA_OK, "");
	check_range(32, 10, SA_OK, "");
	check_range(0, 10, SA_OK, "");
	check_range(1, 11, SA_ERR_INVALID_PARAM, "");
	check_range(0, 11, SA_ERR_INVALID_PARAM, "");
	check_range(1, WIDE(1ULL << 32), SA_ERR_INVALID_PARAM, "");
	check_range(32, (SaOffsetT)-1, SA_ERR_INVALID_PARAM, "");
}

static void check_vectors(void)
{
	char first[8], second[8];
	SaCkptIOVectorElementT vector[3];
	SaUint32T index;

	vector[0] = element(section("ten"), first, 4, 6);
	vector[1] = element(default_section, second, sizeof(second), 0);
	vector[2] = element(section("empty"), second, sizeof(second), 0);
	PAINT(index);
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 3, &index), SA_OK);
	CHECK_UNTOUCHED(index);
	CHECK_NUM(vector[0].readSize, 4);
	CHECK_NUM(vector[1].readSize, 7);
	CHECK_NUM(vector[2].readSize, 0);
	CHECK(!memcmp(first, "6789", 4));
	CHECK(!memcmp(second, "default", 7));

	/* The index is that of the first element at fault. */
	PAINT(first);
	PAINT(second);
	vector[0] = element(section("ten"), first, sizeof(first), 0);
	vector[1] = element(section("unknown"), second, sizeof(second), 0);
	vector[2] = element(section("ten"), second, sizeof(second), 99);
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 3, &index), SA_ERR_NOT_EXIST);
	CHECK_NUM(index, 1);
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 3, NULL), SA_ERR_NOT_EXIST);
	vector[1] = element(default_section, second, sizeof(second), 0);
	index = 77;
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 3, &index), SA_ERR_INVALID_PARAM);
	CHECK_NUM(index, 2);
	CHECK_NUM(vector[0].readSize, 0x5a5a5a5a);
	CHECK_UNTOUCHED(first);
	CHECK_UNTOUCHED(second);
}

/* Without a buffer the library allocates one, which the program frees. */
static void check_allocated(void)
{
	char buffer[8];
	SaCkptIOVectorElementT vector[2];

	vector[0] = element(section("ten"), NULL, 100, 2);
	vector[1] = element(section("ten"), buffer, sizeof(buffer), 0);
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 2, NULL), SA_OK);
	CHECK_NUM(vector[0].readSize, 8);
	if (CHECK(vector[0].dataBuffer != NULL))
		CHECK(!memcmp(vector[0].dataBuffer, "23456789", 8));
	free(vector[0].dataBuffer);
	CHECK(vector[1].dataBuffer == buffer);
	CHECK_NUM(vector[1].readSize, 8);

	/* On failure there is none to free. */
	vector[0] = element(section("ten"), NULL, 100, 0);
	vector[1] = element(section("unknown"), NULL, 100, 0);
	CHECK_EQ(saCkptCheckpointRead(&reader, vector, 2, NULL), SA_ERR_NOT_EXIST);
	CHECK(vector[0].dataBuffer == NULL && vector[1].dataBuffer == NULL);
}

/* A read sees every earlier write of the program, by whatever handle. */
static void check_own_writes(void)
{
	char text[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "content %03d", i);
		CHECK_EQ(write_section(i % 2 ? &handle : &writer, section("written"), text, 0), SA_OK);
		CHECK_CONTENT(&reader, section("written"), text);
	}
}

int main(void)
{
	SaNameT name = unique_name("read");
	char byte;
	SaSizeT size;

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	writer = open_checkpoint(&name, NULL, WRITE);
	CHECK_EQ(create_section(&handle, "ten", "0123456789"), SA_OK);
	CHECK_EQ(create_section(&handle, "empty", ""), SA_OK);
	CHECK_EQ(create_section(&handle, "written", ""), SA_OK);
	CHECK_EQ(write_section(&handle, default_section, "default", 0), SA_OK);
	check_parameters();
	check_ranges();
	check_vectors();
	check_allocated();
	check_own_writes();
	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(read_section(&reader, section("ten"), &byte, 1, &size), SA_ERR_BAD_HANDLE);
	return done();
}
