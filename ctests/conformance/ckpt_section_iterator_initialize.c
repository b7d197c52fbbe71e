/* saCkptSectionIteratorInitialize: which sections each predicate chooses. */
#include "ckpt.h"

static SaCkptCheckpointHandleT handle;

/* The ids (one letter each) that an iterator shows, in its order. */
static const char *chosen(SaCkptSectionsChosenT predicate, SaTimeT expiration)
{
	static char letters[16];
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;
	SaErrorT error;
	size_t count = 0;

	if (!CHECK_EQ(saCkptSectionIteratorInitialize(&handle, predicate, expiration, &iterator), SA_OK))
		return "refused";
	while ((error = saCkptSectionIteratorNext(&iterator, &descriptor)) == SA_OK && count < sizeof(letters) - 1)
		letters[count++] = (char)(descriptor.sectionId.idLen == 1 ? descriptor.sectionId.id[0] : '?');
	letters[count] = 0;
	CHECK_EQ(error, SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	return letters;
}

static void check_chosen(int line, int predicate, SaTimeT expiration, const char *expected)
{
	const char *got = chosen((SaCkptSectionsChosenT)predicate, expiration);

	if (strcmp(got, expected))
		fprintf(stderr, "%s:%d: predicate %d: got sections '%s', expected '%s'\n", __FILE__, line, predicate,
			got, expected);
	check_count(!strcmp(got, expected));
}
#define CHECK_CHOSEN(predicate, expiration, expected) check_chosen(__LINE__, predicate, expiration, expected)

static void check_parameters(void)
{
	static const int bad_predicates[] = { 6, 77, -1, 0x7fffffff };
	SaCkptSectionIteratorT iterator;
	size_t i;

	PAINT(iterator);
	CHECK_BAD_HANDLES(saCkptSectionIteratorInitialize(bad, SA_CKPT_SECTIONS_ANY, 0, &iterator));
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionIteratorInitialize(&bad_handles[0], SA_CKPT_SECTIONS_ANY, 0, NULL),
		 SA_ERR_INVALID_PARAM);
	for (i = 0; i < sizeof(bad_predicates) / sizeof(bad_predicates[0]); i++) {
		SaCkptSectionsChosenT predicate = (SaCkptSectionsChosenT)bad_predicates[i];

		CHECK_EQ(saCkptSectionIteratorInitialize(&handle, predicate, 0, &iterator), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptSectionIteratorInitialize(&bad_handles[0], predicate, 0, &iterator),
			 SA_ERR_BAD_HANDLE);
	}
	CHECK_UNTOUCHED(iterator);
}

int main(void)
{
	SaNameT name = unique_name("choice");
	SaTimeT base = now_ns() + MS_NS(3600000);
	SaCkptSectionIteratorT first, second;

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	check_parameters();

	/* The default section is never listed. */
	CHECK_EQ(write_section(&handle, default_section, "content", 0), SA_OK);
	CHECK_CHOSEN(SA_CKPT_SECTIONS_ANY, 0, "");

	CHECK_EQ(create_expiring(&handle, "a", "", SA_TIME_END), SA_OK);
	CHECK_EQ(create_expiring(&handle, "b", "", base), SA_OK);
	CHECK_EQ(create_expiring(&handle, "c", "", base + 10), SA_OK);
	CHECK_EQ(create_expiring(&handle, "d", "", base + 20), SA_OK);
	CHECK_EQ(create_expiring(&handle, "e", "", SA_TIME_END), SA_OK);

	/* Newest first. */
	CHECK_CHOSEN(SA_CKPT_SECTIONS_ANY, 0, "edcba");
	CHECK_CHOSEN(0, 0, "edcba");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_FOREVER, 0, "ea");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME, base + 10, "cb");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME, base - 1, "");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, base + 10, "edca");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, base + 21, "ea");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_CORRUPTED, 0, "");

	/* The values that are never are later than all others. */
	CHECK_EQ(create_expiring(&handle, "f", "", 0), SA_OK);
	CHECK_EQ(create_expiring(&handle, "g", "", 0xFFFFFFFFLL), SA_OK);
	CHECK_CHOSEN(SA_CKPT_SECTIONS_FOREVER, 0, "gfea");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME, base + 20, "dcb");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, base + 21, "gfea");
	CHECK_CHOSEN(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, 0, "gfea");

	/* Any number of iterators, each with its own place. */
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &first), SA_OK);
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &second), SA_OK);
	CHECK(first != second);
	CHECK_EQ(saCkptSectionIteratorFinalize(&first), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&second), SA_OK);

	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &first), SA_ERR_BAD_HANDLE);
	return done();
}
