/* What a program writes on node 1 is what another reads on node 3, as soon as
   the call has returned. */
#include "hands.h"

#define ROUNDS 50
#define PARTS 4

static SaNameT name;
static SaCkptCheckpointHandleT handle;
static SaCkptSectionIteratorT iterator;

static void create(void)
{
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&handle, "one", "first"), SA_OK);
	CHECK_EQ(create_section(&handle, "two", "second"), SA_OK);
	CHECK_EQ(write_section(&handle, default_section, "default", 0), SA_OK);
}

static void see_created(void)
{
	handle = open_checkpoint(&name, NULL, READ | WRITE);
	CHECK_CONTENT(&handle, section("one"), "first");
	CHECK_CONTENT(&handle, section("two"), "second");
	CHECK_CONTENT(&handle, default_section, "default");
	CHECK_EQ(create_section(&handle, "one", "again"), SA_ERR_EXIST);
}

/* A counter, written here and read there. */
static long counter;

static void write_counter(void)
{
	char text[32];

	snprintf(text, sizeof(text), "round %ld", ++counter);
	CHECK_EQ(write_section(&handle, section("one"), text, 0), SA_OK);
}

static void see_counter(void)
{
	char text[32];

	snprintf(text, sizeof(text), "round %ld", ++counter);
	CHECK_CONTENT(&handle, section("one"), text);
}

static void overwrite(void)
{
	SaCkptSectionIdT id = section("one");

	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, (SaUint8T *)"short", 5), SA_OK);
}

static void see_overwritten(void)
{
	CHECK_CONTENT(&handle, section("one"), "short");
}

/* A vector is applied whole or not at all. */
static void write_vectors(void)
{
	SaCkptIOVectorElementT good[] = {
		element(section("one"), "ABC", 3, 2),
		element(section("two"), "DEF", 3, 6),
		element(section("one"), "x", 1, 4),
	};
	SaCkptIOVectorElementT bad[] = {
		element(section("one"), "wrong", 5, 0),
		element(section("none"), "wrong", 5, 0),
	};
	SaUint32T index = 99;

	CHECK_EQ(saCkptCheckpointWrite(&handle, good, 3, NULL), SA_OK);
	CHECK_EQ(saCkptCheckpointWrite(&handle, bad, 2, &index), SA_ERR_NOT_EXIST);
	CHECK_NUM(index, 1);
}

static void see_vectors(void)
{
	char one[8], two[16];
	SaCkptIOVectorElementT vector[] = {
		element(section("one"), one, sizeof(one), 0),
		element(section("two"), two, sizeof(two), 1),
	};

	CHECK_EQ(saCkptCheckpointRead(&handle, vector, 2, NULL), SA_OK);
	CHECK(vector[0].readSize == 5 && !memcmp(one, "shABx", 5));
	CHECK(vector[1].readSize == 8 && !memcmp(two, "econdDEF", 8));
}

static void see_status(void)
{
	SaCkptCheckpointStatusT status;

	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_NUM(status.numberOfSections, 3);
	CHECK_NUM(status.memoryUsed, 5 + 9 + 7);
	CHECK_NUM(status.checkpointCreationAttributes.creationFlags, SA_CKPT_WR_ALL_REPLICAS);
	CHECK_NUM(status.checkpointCreationAttributes.maxSections, all_replicas.maxSections);
	CHECK_NUM(status.checkpointCreationAttributes.maxSectionIdSize, all_replicas.maxSectionIdSize);
}

/* Generated ids: no two nodes make the same. */
static unsigned char last_id[8];

static void generate(void)
{
	SaCkptSectionIdT id = SA_CKPT_GENERATED_SECTION_ID;
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };

	CHECK_EQ(saCkptSectionCreate(&handle, &attributes, "generated", 9), SA_OK);
	CHECK_NUM(id.idLen, 8);
	memcpy(last_id, id.id, 8);
}

/* The two newest sections are the generated ones, and in this order. */
static void see_generated(void)
{
	SaCkptSectionDescriptorT newer, older;

	NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &newer), SA_OK);
	CHECK_EQ(saCkptSectionIteratorNext(&iterator, &older), SA_OK);
	CHECK_NUM(newer.sectionId.idLen, 8);
	CHECK_NUM(older.sectionId.idLen, 8);
	CHECK(!memcmp(newer.sectionId.id, last_id, 8));
	CHECK(memcmp(older.sectionId.id, last_id, 8) < 0);
	CHECK_CONTENT(&handle, older.sectionId, "generated");
	CHECK_EQ(saCkptSectionDelete(&handle, &newer.sectionId), SA_OK);
	CHECK_EQ(saCkptSectionDelete(&handle, &older.sectionId), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
}

static void check_next(const char *id)
{
	SaCkptSectionDescriptorT descriptor;

	if (!id)
		CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_ERR_NOT_EXIST);
	else if (CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_OK))
		CHECK(descriptor.sectionId.idLen == strlen(id) && !memcmp(descriptor.sectionId.id, id, strlen(id)));
}

/* An iterator on node 3 while sections come and go on node 1. */
static void iterate_first(void)
{
	CHECK_EQ(create_section(&handle, "three", ""), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	check_next("three");
}

static void change_meanwhile(void)
{
	SaCkptSectionIdT id = section("two");

	CHECK_EQ(create_section(&handle, "four", ""), SA_OK);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_ERR_NOT_EXIST);
}

static void iterate_rest(void)
{
	check_next("one");
	check_next(NULL);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	CHECK_EQ(probe_section(&handle, "two"), SA_ERR_NOT_EXIST);
	CHECK_EQ(probe_section(&handle, "four"), SA_OK);
}

/* As much as a call may carry, in a vector: nobody sees a part of it. Valgrind has
   to copy it within the time that a call waits, on a machine that may be busy. */
static SaSizeT large_size(void)
{
	return under_valgrind() ? 1 << 16 : 4 << 20;
}

static SaNameT large_name;
static unsigned char *part;
static const char *const large_ids[PARTS] = { "a", "b", "c", "d" };

static void create_large(void)
{
	static SaCkptCheckpointHandleT large;
	int i;

	large = open_checkpoint(&large_name, &all_replicas, READ | WRITE);
	for (i = 0; i < PARTS; i++)
		CHECK_EQ(create_section(&large, large_ids[i], "0"), SA_OK);
}

static void write_large(void)
{
	SaCkptCheckpointHandleT large = open_checkpoint(&large_name, NULL, READ | WRITE);
	SaCkptIOVectorElementT vector[PARTS];
	int i;

	part = malloc(large_size());
	memset(part, '1', large_size());
	for (i = 0; i < PARTS; i++)
		vector[i] = element(section(large_ids[i]), part, large_size(), 0);
	CHECK_EQ(saCkptCheckpointWrite(&large, vector, PARTS, NULL), SA_OK);
	free(part);
	CHECK_EQ(saCkptCheckpointClose(&large), SA_OK);
}

static int read_large(const SaCkptCheckpointHandleT *large)
{
	char firsts[PARTS];
	SaCkptIOVectorElementT vector[PARTS];
	int i;

	for (i = 0; i < PARTS; i++)
		vector[i] = element(section(large_ids[i]), &firsts[i], 1, 0);
	CHECK_EQ(saCkptCheckpointRead(large, vector, PARTS, NULL), SA_OK);
	for (i = 1; i < PARTS; i++)
		CHECK(firsts[i] == firsts[0]);
	return firsts[0] == '1';
}

static void watch_large(void)
{
	SaCkptCheckpointHandleT large = open_checkpoint(&large_name, NULL, READ);
	SaCkptIOVectorElementT last = element(section("d"), NULL, 0, large_size() - 1);

	CHECK(WAIT_FOR(read_large(&large), nap(1)));
	CHECK_EQ(saCkptCheckpointRead(&large, &last, 1, NULL), SA_OK);
	if (CHECK_NUM(last.readSize, 1))
		CHECK(*(char *)last.dataBuffer == '1');
	free(last.dataBuffer);
	CHECK_EQ(saCkptCheckpointClose(&large), SA_OK);
}

int main(int argc, char **argv)
{
	int i;

	name = unique_name("data");
	large_name = unique_name("large");
	start_hands(argc, argv);
	ON(1, create);
	ON(3, see_created);
	for (i = 0; i < ROUNDS; i++) {
		ON(1, write_counter);
		ON(3, see_counter);
	}
	ON(1, overwrite);
	ON(3, see_overwritten);
	ON(1, write_vectors);
	ON(3, see_vectors);
	ON(1, see_status);
	ON(3, see_status);
	ON(1, generate);
	ON(3, generate);
	ON(3, see_generated);
	ON(3, iterate_first);
	ON(1, change_meanwhile);
	ON(3, iterate_rest);
	ON(1, create_large);
	BEGIN(1, write_large);
	ON(3, watch_large);
	END(1);
	return end_hands(__FILE__);
}
