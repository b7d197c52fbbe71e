/* saCkptSectionExpirationTimeSet. */
#include "ckpt.h"

#define LONG_AGO ((SaTimeT)1087516800 * 1000000000LL)

static SaCkptCheckpointHandleT handle, reader;

static SaErrorT set(const char *id, SaTimeT expiration)
{
	SaCkptSectionIdT section_id = section(id);

	return saCkptSectionExpirationTimeSet(&handle, &section_id, expiration);
}

static void check_parameters(void)
{
	SaCkptSectionIdT id = section("section");
	SaCkptSectionIdT null_with_length = { NULL, 7 };
	SaCkptSectionIdT id_without_length = { (SaUint8T *)"section", 0 };

	CHECK_BAD_HANDLES(saCkptSectionExpirationTimeSet(bad, &id, SA_TIME_END));
	CHECK_EQ(saCkptSectionExpirationTimeSet(&bad_handles[0], NULL, SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, NULL, SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &null_with_length, SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &id_without_length, SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(set("unknown", SA_TIME_END), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &default_section, SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &default_section, LONG_AGO), SA_ERR_INVALID_PARAM);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&reader, &id, LONG_AGO), SA_ERR_ACCESS);
	CHECK_CONTENT(&reader, id, "content");
}

/* The descriptor shows the time as it was given. */
static void check_shown(SaTimeT expiration)
{
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;

	CHECK_EQ(set("section", expiration), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&reader, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	if (CHECK_EQ(saCkptSectionIteratorNext(&iterator, &descriptor), SA_OK))
		CHECK_NUM(descriptor.expirationTime, expiration);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
}

int main(void)
{
	SaNameT name = unique_name("expiration");
	SaTimeT start, past;

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	check_parameters();

	check_shown(0);
	check_shown(0xFFAAAAAALL);
	check_shown(1);
	check_shown(0xFFFFFFFFLL);
	check_shown(SA_TIME_END);
	check_shown(now_ns() + MS_NS(3600000));
	check_shown(SA_TIME_END);

	/* The last value set is the one that counts. */
	past = now_ns() + MS_NS(1500);
	CHECK_EQ(create_expiring(&handle, "saved", "content", past), SA_OK);
	CHECK_EQ(set("saved", SA_TIME_END), SA_OK);
	start = now_ns();
	CHECK_EQ(create_section(&handle, "soon", "content"), SA_OK);
	CHECK_EQ(set("soon", start + MS_NS(200)), SA_OK);
	CHECK(WAIT_FOR(probe_section(&reader, "soon") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(now_ns() >= start + MS_NS(200));
	CHECK_EQ(set("soon", SA_TIME_END), SA_ERR_NOT_EXIST);

	/* Past: a second later. */
	CHECK_EQ(create_section(&handle, "past", "content"), SA_OK);
	CHECK_EQ(create_section(&handle, "before", "content"), SA_OK);
	start = now_ns();
	CHECK_EQ(set("past", LONG_AGO), SA_OK);
	CHECK_EQ(set("before", -1), SA_OK);
	CHECK(WAIT_FOR(probe_section(&reader, "past") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(now_ns() >= start + MS_NS(1000));
	CHECK(WAIT_FOR(probe_section(&reader, "before") == SA_ERR_NOT_EXIST, nap(10)));

	CHECK(WAIT_FOR(now_ns() > past + MS_NS(100), nap(10)));
	CHECK_CONTENT(&reader, section("saved"), "content");
	CHECK_CONTENT(&reader, section("section"), "content");

	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(set("section", SA_TIME_END), SA_ERR_BAD_HANDLE);
	return done();
}
