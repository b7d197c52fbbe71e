/* saCkptCheckpointOpen. */
#include "ckpt.h"

static void check_parameters(void)
{
	static const SaCkptCheckpointOpenFlagsT bad_flags[] = {
		0, 8, COLOCATED | 8, READ | 8, 16, READ | WRITE | COLOCATED | 8, (SaCkptCheckpointOpenFlagsT)-1,
		READ | WIDE(1ULL << 32),
	};
	static const SaCkptCheckpointCreationFlagsT bad_creation[] = {
		8, 9, 15, 16, (SaCkptCheckpointCreationFlagsT)-1,
		SA_CKPT_WR_ALL_REPLICAS | WIDE(1ULL << 32),
	};
	SaCkptCheckpointCreationAttributesT attributes = all_replicas;
	SaCkptCheckpointHandleT handle;
	SaNameT name = unique_name("parameters");
	SaNameT overlong = overlong_name();
	size_t i;

	PAINT(handle);
	CHECK_EQ(saCkptCheckpointOpen(NULL, &all_replicas, READ, 0, &handle), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ, 0, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(NULL, NULL, 0, 0, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < sizeof(bad_flags) / sizeof(bad_flags[0]); i++) {
		CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, bad_flags[i], 0, &handle), SA_ERR_BAD_FLAGS);
		CHECK_EQ(saCkptCheckpointOpen(&name, NULL, bad_flags[i], 0, &handle), SA_ERR_BAD_FLAGS);
	}
	for (i = 0; i < sizeof(bad_creation) / sizeof(bad_creation[0]); i++) {
		attributes.creationFlags = bad_creation[i];
		CHECK_EQ(saCkptCheckpointOpen(&name, &attributes, READ, 0, &handle), SA_ERR_INVALID_PARAM);
	}
	CHECK_EQ(saCkptCheckpointOpen(&overlong, &all_replicas, READ, 0, &handle), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ, -1, &handle), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&name, NULL, READ, 0, &handle), SA_ERR_NOT_EXIST);

	/* Pointers before flags, flags before the name. */
	CHECK_EQ(saCkptCheckpointOpen(NULL, &all_replicas, 0, 0, &handle), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&overlong, &all_replicas, 0, 0, &handle), SA_ERR_BAD_FLAGS);
	CHECK_UNTOUCHED(handle);
}

static void check_flags_and_timeouts(void)
{
	static const SaCkptCheckpointOpenFlagsT flags[] = {
		READ, WRITE, READ | WRITE, COLOCATED, READ | COLOCATED, WRITE | COLOCATED, READ | WRITE | COLOCATED,
	};
	static const SaTimeT timeouts[] = { 0, MS_NS(5000), SA_TIME_END };
	const SaCkptCheckpointCreationAttributesT *attributes[] = { &all_replicas, &active_replica, &weak_replica };
	SaCkptCheckpointHandleT handle;
	SaNameT name = unique_name("flags");
	size_t i, j;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		for (j = 0; j < 3; j++)
			if (CHECK_EQ(saCkptCheckpointOpen(&name, attributes[j], flags[i], timeouts[j], &handle), SA_OK))
				CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

/* COLOCATED alone keeps a replica here, and nothing can be done with it. */
static void check_colocated_alone(void)
{
	SaNameT name = unique_name("alone");
	SaCkptIOVectorElementT element = { .dataBuffer = "x", .dataSize = 1 };
	SaCkptSectionIdT id = section("section");
	SaCkptCheckpointStatusT status;
	SaCkptCheckpointHandleT handle;

	PAINT(handle);
	CHECK_EQ(saCkptCheckpointOpen(&name, NULL, COLOCATED, 0, &handle), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(handle);
	handle = open_checkpoint(&name, &weak_replica, COLOCATED);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_ERR_ACCESS);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_ERR_ACCESS);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &id, SA_TIME_END), SA_ERR_ACCESS);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &default_section, (SaUint8T *)"x", 1), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointWrite(&handle, &element, 1, NULL), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointRead(&handle, &element, 1, NULL), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_ERR_ACCESS);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

/* creationFlags name no option, or several: the strongest counts. */
static void check_options(void)
{
	static const SaCkptCheckpointCreationFlagsT meaning[] = { 1, 1, 2, 1, 4, 1, 2, 1 };
	SaCkptCheckpointCreationAttributesT attributes = all_replicas;
	SaNameT name = unique_name("options");
	SaCkptCheckpointStatusT status;
	SaCkptCheckpointHandleT handle;
	size_t i;

	for (i = 0; i < sizeof(meaning) / sizeof(meaning[0]); i++) {
		attributes.creationFlags = i;
		handle = open_checkpoint(&name, &attributes, READ | WRITE);
		CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
		CHECK_NUM(status.checkpointCreationAttributes.creationFlags, meaning[i]);
		CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
		CHECK_CONTENT(&handle, section("section"), "content");
		CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	}
}

/* Counted bytes: a NUL inside counts, the longest name is usable in full. */
static void check_names(void)
{
	SaNameT shorter = unique_name("name");
	SaNameT with_nul = shorter;
	SaNameT longest = unique_name("longest");
	SaCkptCheckpointHandleT handle, other;

	with_nul.length++;
	handle = open_checkpoint(&shorter, &all_replicas, READ | WRITE);
	CHECK_EQ(probe_checkpoint(&with_nul), SA_ERR_NOT_EXIST);
	other = open_checkpoint(&with_nul, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&handle, "s", "shorter"), SA_OK);
	CHECK_EQ(create_section(&other, "s", "with NUL"), SA_OK);
	CHECK_CONTENT(&handle, section("s"), "shorter");
	CHECK_EQ(saCkptCheckpointClose(&other), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);

	longest.length = SA_MAX_NAME_LENGTH;
	handle = open_checkpoint(&longest, &all_replicas, READ);
	longest.value[SA_MAX_NAME_LENGTH - 1] ^= 1;
	CHECK_EQ(probe_checkpoint(&longest), SA_ERR_NOT_EXIST);
	longest.value[SA_MAX_NAME_LENGTH - 1] ^= 1;
	CHECK_EQ(probe_checkpoint(&longest), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

/* Opening what is there: other creation attributes are accepted and change
   nothing; each open gives a handle of its own. */
static void check_existing(void)
{
	SaCkptCheckpointCreationAttributesT other = { SA_CKPT_WR_ACTIVE_REPLICA, 5, MS_NS(1), 1, 5, 1 };
	SaNameT name = unique_name("existing");
	SaCkptCheckpointStatusT status;
	SaCkptCheckpointHandleT handles[8];
	int i, j;

	handles[0] = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&handles[0], "section", "content"), SA_OK);
	handles[1] = open_checkpoint(&name, &other, READ);
	handles[2] = open_checkpoint(&name, NULL, READ);
	for (i = 3; i < 8; i++)
		handles[i] = open_checkpoint(&name, &all_replicas, READ | WRITE);
	for (i = 0; i < 8; i++)
		for (j = 0; j < i; j++)
			CHECK(handles[i] != handles[j]);
	NEED_EQ(saCkptCheckpointStatusGet(&handles[1], &status), SA_OK);
	CHECK_NUM(status.checkpointCreationAttributes.creationFlags, all_replicas.creationFlags);
	CHECK_NUM(status.checkpointCreationAttributes.checkpointSize, all_replicas.checkpointSize);
	CHECK_NUM(status.checkpointCreationAttributes.maxSections, all_replicas.maxSections);
	for (i = 0; i < 8; i++)
		CHECK_CONTENT(&handles[i], section("section"), "content");
	for (i = 0; i < 8; i++)
		CHECK_EQ(saCkptCheckpointClose(&handles[i]), SA_OK);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
}

/* A name that is unlinked while it is open cannot be opened, with or without
   creation attributes, until the last one has closed it. */
static void check_unlinked(void)
{
	SaNameT name = unique_name("unlinked");
	SaCkptCheckpointHandleT handle, other;

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	PAINT(other);
	CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ | WRITE, 0, &other), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointOpen(&name, NULL, READ, 0, &other), SA_ERR_INVALID_PARAM);
	/* Flags come first here too. */
	CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, 0, 0, &other), SA_ERR_BAD_FLAGS);
	CHECK_UNTOUCHED(other);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointOpen(&name, NULL, READ, 0, &other), SA_ERR_NOT_EXIST);
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(probe_section(&handle, "section"), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

/* Open checkpoints cost no descriptors: more of them than a process may have. */
static void check_many(void)
{
	static SaCkptCheckpointHandleT handles[2000];
	SaNameT name = unique_name("many");
	int opened = 0;
	int i;

	while (opened < 2000 &&
	       CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ | WRITE, 0, &handles[opened]), SA_OK))
		opened++;
	for (i = 0; i < opened; i++)
		CHECK_EQ(saCkptCheckpointClose(&handles[i]), SA_OK);
}

int main(void)
{
	check_parameters();
	check_flags_and_timeouts();
	check_colocated_alone();
	check_options();
	check_names();
	check_existing();
	check_unlinked();
	check_many();
	return done();
}
