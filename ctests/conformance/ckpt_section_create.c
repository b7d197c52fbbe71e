/* saCkptSectionCreate: parameters, ids given and generated, expiration. */
#include "ckpt.h"

/* 2004-06-18: long past. */
#define LONG_AGO ((SaTimeT)1087516800 * 1000000000LL)

static SaCkptCheckpointHandleT handle, reader;

static SaErrorT create(SaUint8T *id, SaUint32T length, const void *data, SaUint32T size)
{
	SaCkptSectionIdT section_id = { id, length };
	SaCkptSectionCreationAttributesT attributes = { &section_id, SA_TIME_END };

	return saCkptSectionCreate(&handle, &attributes, data, size);
}

static void check_parameters(void)
{
	SaCkptSectionIdT id = section("parameters");
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	SaCkptSectionCreationAttributesT without_id = { NULL, SA_TIME_END };
	SaCkptSectionIdT generated = SA_CKPT_GENERATED_SECTION_ID;
	SaCkptSectionCreationAttributesT generate = { &generated, SA_TIME_END };

	CHECK_BAD_HANDLES(saCkptSectionCreate(bad, &attributes, "x", 1));
	CHECK_EQ(saCkptSectionCreate(&handle, NULL, "x", 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionCreate(&handle, &without_id, "x", 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionCreate(&handle, &attributes, NULL, 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionCreate(&bad_handles[0], NULL, "x", 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(create(NULL, 3, "x", 1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(create((SaUint8T *)"id", 0, "x", 1), SA_ERR_INVALID_PARAM);

	CHECK_EQ(saCkptSectionCreate(&reader, &attributes, "x", 1), SA_ERR_ACCESS);
	CHECK_EQ(saCkptSectionCreate(&reader, &generate, "x", 1), SA_ERR_ACCESS);
	CHECK(generated.id == NULL && generated.idLen == 0);
	CHECK_EQ(probe_section(&handle, "parameters"), SA_ERR_NOT_EXIST);
}

static void check_given_ids(void)
{
	static SaUint8T binary[] = { 0, 1, 0, 255 };
	SaCkptSectionIdT binary_id = { binary, 4 };
	SaCkptSectionIdT shorter_id = { binary, 3 };

	CHECK_EQ(create_section(&handle, "given", "content"), SA_OK);
	CHECK_CONTENT(&handle, section("given"), "content");
	CHECK_CONTENT(&reader, section("given"), "content");
	CHECK_EQ(create_section(&handle, "given", "other content"), SA_ERR_EXIST);
	CHECK_CONTENT(&handle, section("given"), "content");

	/* No initial data is an empty section. */
	CHECK_EQ(create((SaUint8T *)"empty", 5, NULL, 0), SA_OK);
	CHECK_CONTENT(&handle, section("empty"), "");
	CHECK_EQ(create((SaUint8T *)"empty2", 6, "x", 0), SA_OK);
	CHECK_CONTENT(&handle, section("empty2"), "");

	/* Ids are counted bytes. */
	CHECK_EQ(create(binary, 4, "binary", 6), SA_OK);
	CHECK_EQ(create(binary, 3, "shorter", 7), SA_OK);
	CHECK_CONTENT(&handle, binary_id, "binary");
	CHECK_CONTENT(&handle, shorter_id, "shorter");

	/* The declared limits (10 sections, 10000 bytes, 32 bytes of id) do not
	   bind by default: the programs of 2004 exceed theirs. */
	static char large[20000];
	char id[] = "an id that is longer than thirty-two bytes";

	CHECK_EQ(create((SaUint8T *)id, strlen(id), large, sizeof(large)), SA_OK);
	id[0]++;
	CHECK_EQ(create((SaUint8T *)id, strlen(id), large, sizeof(large)), SA_OK);
	for (id[1] = '0'; id[1] < '9'; id[1]++)
		CHECK_EQ(create((SaUint8T *)id, strlen(id), large, sizeof(large)), SA_OK);
}

static unsigned long long number_of(const SaCkptSectionIdT *id)
{
	unsigned long long number = 0;
	SaUint32T i;

	for (i = 0; i < id->idLen; i++)
		number = number << 8 | id->id[i];
	return number;
}

static void generate(SaCkptSectionIdT *id)
{
	SaCkptSectionCreationAttributesT attributes = { id, SA_TIME_END };

	id->id = NULL;
	id->idLen = 0;
	NEED_EQ(saCkptSectionCreate(&handle, &attributes, "generated", 9), SA_OK);
	if (!CHECK(id->id != NULL) || !CHECK_NUM(id->idLen, 8))
		exit(done());
}

/* A generated id is the section's creation number, 8 bytes, highest first. */
static void check_generated_ids(void)
{
	SaCkptSectionIdT first, second, third, fourth;
	SaUint8T taken[8];
	unsigned long long number;
	int i;

	generate(&first);
	generate(&second);
	number = number_of(&second);
	CHECK(number == number_of(&first) + 1);

	/* A number that a program chose as an id of its own is skipped. The
	   program's section takes number + 1 itself. */
	for (i = 0; i < 8; i++)
		taken[i] = (SaUint8T)((number + 2) >> (8 * (7 - i)));
	CHECK_EQ(create(taken, 8, "taken", 5), SA_OK);
	generate(&third);
	CHECK(number_of(&third) > number + 2);
	generate(&fourth);
	CHECK(number_of(&fourth) > number_of(&third));

	/* A deleted number does not come back. */
	CHECK_EQ(saCkptSectionDelete(&handle, &fourth), SA_OK);
	number = number_of(&fourth);
	generate(&fourth);
	CHECK(number_of(&fourth) > number);

	/* The bytes are still those that were given out first. */
	CHECK(number_of(&second) == number_of(&first) + 1);
	CHECK_CONTENT(&reader, first, "generated");
	CHECK_CONTENT(&reader, second, "generated");
	CHECK_CONTENT(&reader, third, "generated");
	CHECK_CONTENT(&reader, fourth, "generated");
}

static void check_expiration(void)
{
	/* Never, as the programs of 2004 and as the header spell it. */
	static const SaTimeT never[] = { 0, 1, 0x7FFFFFFFLL, 0xFFAAAAAALL, 0xFFFFFFFFLL, SA_TIME_END };
	char id[] = "never 0";
	SaTimeT start;
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++, id[6]++)
		CHECK_EQ(create_expiring(&handle, id, "stays", never[i]), SA_OK);
	CHECK_EQ(create_expiring(&handle, "later", "stays", now_ns() + MS_NS(3600000)), SA_OK);

	/* Past: there for another second. */
	start = now_ns();
	CHECK_EQ(create_expiring(&handle, "past", "goes", LONG_AGO), SA_OK);
	CHECK_EQ(create_expiring(&handle, "just past", "goes", now_ns() - 1000), SA_OK);
	CHECK_EQ(create_expiring(&handle, "before", "goes", -1), SA_OK);
	CHECK_EQ(create_expiring(&handle, "nearest", "goes", 0x100000000LL), SA_OK);
	CHECK(WAIT_FOR(probe_section(&handle, "past") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(now_ns() >= start + MS_NS(1000));
	CHECK(WAIT_FOR(probe_section(&handle, "just past") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(WAIT_FOR(probe_section(&handle, "before") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(WAIT_FOR(probe_section(&handle, "nearest") == SA_ERR_NOT_EXIST, nap(10)));

	/* Soon: there until then, and gone soon after. */
	start = now_ns();
	CHECK_EQ(create_expiring(&handle, "soon", "goes", start + MS_NS(200)), SA_OK);
	CHECK(WAIT_FOR(probe_section(&reader, "soon") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(now_ns() >= start + MS_NS(200));
	CHECK_EQ(create_expiring(&handle, "soon", "again", SA_TIME_END), SA_OK);
	CHECK_CONTENT(&reader, section("soon"), "again");

	for (id[6] = '0', i = 0; i < sizeof(never) / sizeof(never[0]); i++, id[6]++)
		CHECK_CONTENT(&handle, section(id), "stays");
	CHECK_CONTENT(&handle, section("later"), "stays");
}

int main(void)
{
	SaNameT name = unique_name("create");

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	check_parameters();
	check_given_ids();
	check_generated_ids();
	check_expiration();
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(create_section(&handle, "closed", ""), SA_ERR_BAD_HANDLE);
	return done();
}
