/*
 * Fills a checkpoint with so many MiB, or looks whether all of them are there
 * as they were written: what a node that joins has to be sent.
 */
#include "common.h"
#include "ais_ckpt.h"

static const char help[] =
	"-m MIB [-v]\n"
	"  -m MIB  how many sections of 1 MiB\n"
	"  -v      only look whether they are there\n"
	"  -h      this text\n";

enum { SECTION_SIZE = 1 << 20 };

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 0x7fffffff,
	.retentionDuration = 3600 * (SaTimeT)1000000000,
	.maxSections = 100000,
	.maxSectionSize = SECTION_SIZE,
	.maxSectionIdSize = 24,
};

static unsigned char wanted[SECTION_SIZE];
static unsigned char found[SECTION_SIZE];

/* No two sections are alike, nor two parts of one. */
static void make(unsigned int number)
{
	unsigned int value = number * 2654435761u + 1;

	for (size_t i = 0; i < SECTION_SIZE; i++) {
		value = value * 1664525u + 1013904223u;
		wanted[i] = value >> 24;
	}
}

/* Repeats the call while the cluster is busy with itself. */
#define PATIENTLY(error, call)                         \
	while ((error = (call)) == SA_ERR_TRY_AGAIN) \
	sleep_ns(NS_PER_MS)

static SaErrorT put(SaCkptCheckpointHandleT *handle, SaCkptSectionIdT *id)
{
	SaCkptSectionCreationAttributesT creation = { id, SA_TIME_END };
	SaErrorT error;

	PATIENTLY(error, saCkptSectionCreate(handle, &creation,
					     (SaUint8T *)wanted, SECTION_SIZE));
	return error;
}

static SaErrorT look(SaCkptCheckpointHandleT *handle, SaCkptSectionIdT *id)
{
	SaCkptIOVectorElementT element = { *id, found, SECTION_SIZE, 0, 0 };
	SaErrorT error;

	PATIENTLY(error, saCkptCheckpointRead(handle, &element, 1, NULL));

	if (error == SA_OK && (element.readSize != SECTION_SIZE ||
			       memcmp(found, wanted, SECTION_SIZE) != 0))
		fail("section %.*s is not what was written", (int)id->idLen,
		     (char *)id->id);
	return error;
}

int main(int argc, char *argv[])
{
	SaNameT name = { 7, "ballast" };
	SaCkptCheckpointHandleT handle;
	int64_t mebibytes = 0;
	bool only_looks = false;
	SaErrorT error;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "m:vh")) != -1) {
		if (letter == 'm')
			mebibytes = option_number(letter, optarg, 1, 65536);
		else if (letter == 'v')
			only_looks = true;
		else
			usage(letter, help);
	}
	if (mebibytes == 0)
		usage('?', help);
	PATIENTLY(error, saCkptCheckpointOpen(&name, &attributes,
					      SA_CKPT_CHECKPOINT_READ |
						      SA_CKPT_CHECKPOINT_WRITE,
					      0, &handle));
	if (!expect_quietly("open", error, SA_OK))
		return finish();
	for (int64_t number = 0; number < mebibytes; number++) {
		char text[24];
		SaCkptSectionIdT id = { (SaUint8T *)text, 0 };

		id.idLen = snprintf(text, sizeof(text), "%d", (int)number);
		make(number);
		error = only_looks ? look(&handle, &id) : put(&handle, &id);
		if (!expect_quietly(only_looks ? "read" : "create", error,
				    SA_OK))
			break;
	}
	saCkptCheckpointClose(&handle);
	return finish();
}
