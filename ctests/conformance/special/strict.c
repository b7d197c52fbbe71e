/* An executive with checkpoint-limits:strict: what the specification does not
   allow is refused, and programs set the active replica. */
#include "../ckpt.h"

static SaErrorT try_open(const SaCkptCheckpointCreationAttributesT *attributes, SaCkptCheckpointOpenFlagsT flags)
{
	SaNameT name = unique_name("strict");
	SaCkptCheckpointHandleT handle;
	SaErrorT error = saCkptCheckpointOpen(&name, attributes, flags, 0, &handle);

	if (error == SA_OK)
		CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return error;
}

static void on_open(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT error)
{
	(void)invocation, (void)checkpoint, (void)error;
}

static SaErrorT try_async(const SaCkptCheckpointCreationAttributesT *attributes, SaCkptCheckpointOpenFlagsT flags)
{
	SaCkptCallbacksT callbacks = { on_open, NULL };
	SaNameT name = unique_name("strict");
	SaCkptHandleT ckpt;
	SaErrorT error;

	NEED_EQ(saCkptInitialize(&ckpt, &callbacks, &version_a11), SA_OK);
	error = saCkptCheckpointOpenAsync(&ckpt, 1, &name, attributes, flags);
	CHECK_EQ(saCkptFinalize(&ckpt), SA_OK);
	return error;
}

/* Refused by both opens, and so much as this of it is to blame. */
static void check_refused(const SaCkptCheckpointCreationAttributesT *attributes, SaCkptCheckpointOpenFlagsT flags,
			  SaErrorT error)
{
	CHECK_EQ(try_open(attributes, flags), error);
	CHECK_EQ(try_async(attributes, flags), error);
}

static void check_opens(void)
{
	SaCkptCheckpointCreationAttributesT attributes;
	SaCkptCheckpointCreationFlagsT creation;

	CHECK_EQ(try_open(&all_replicas, READ | WRITE), SA_OK);
	CHECK_EQ(try_open(&weak_replica, READ | COLOCATED), SA_OK);
	check_refused(&all_replicas, COLOCATED, SA_ERR_BAD_FLAGS);
	check_refused(NULL, COLOCATED, SA_ERR_BAD_FLAGS);
	check_refused(&all_replicas, 0, SA_ERR_BAD_FLAGS);
	for (creation = 0; creation < 10; creation++) {
		attributes = all_replicas;
		attributes.creationFlags = creation;
		if (creation == 1 || creation == 2 || creation == 4)
			CHECK_EQ(try_open(&attributes, READ), SA_OK);
		else
			check_refused(&attributes, READ, SA_ERR_INVALID_PARAM);
	}
	attributes = all_replicas;
	attributes.checkpointSize = -1;
	check_refused(&attributes, READ, SA_ERR_INVALID_PARAM);
	attributes = all_replicas;
	attributes.maxSectionSize = -1;
	check_refused(&attributes, READ, SA_ERR_INVALID_PARAM);
	attributes = all_replicas;
	attributes.retentionDuration = -1;
	check_refused(&attributes, READ, SA_ERR_INVALID_PARAM);
}

/* An open names the attributes of what is there, but for the retention; and what
   a section may be, the attributes say. */
static void check_attributes(void)
{
	/* 100 bytes in two sections of 60, with ids of 8. */
	SaCkptCheckpointCreationAttributesT small = { SA_CKPT_WR_ALL_REPLICAS, 100, 0, 2, 60, 8 };
	SaCkptCheckpointCreationAttributesT other = small;
	SaCkptCheckpointCreationAttributesT alone = { SA_CKPT_WR_ALL_REPLICAS, 60, 0, 1, 60, 8 };
	SaNameT name = unique_name("attributes");
	SaNameT alone_name = unique_name("alone");
	SaCkptCheckpointHandleT handle = open_checkpoint(&name, &small, READ | WRITE);
	SaCkptCheckpointHandleT opened = open_checkpoint(&alone_name, &alone, READ | WRITE);
	SaUint8T data[61] = { 0 };
	SaCkptSectionIdT id = section("a");

	CHECK_EQ(create_section(&opened, "section", ""), SA_ERR_EXIST);
	CHECK_EQ(saCkptCheckpointClose(&opened), SA_OK);
	PAINT(opened);
	other.maxSections = 3;
	CHECK_EQ(saCkptCheckpointOpen(&name, &other, READ, 0, &opened), SA_ERR_EXIST);
	/* More than all sections may hold together. */
	other.checkpointSize = 181;
	CHECK_EQ(saCkptCheckpointOpen(&name, &other, READ, 0, &opened), SA_ERR_INVALID_PARAM);
	CHECK_UNTOUCHED(opened);
	other = small;
	other.retentionDuration = 1;
	CHECK_EQ(saCkptCheckpointOpen(&name, &other, READ, 0, &opened), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&opened), SA_OK);

	CHECK_EQ(create_section(&handle, "123456789", ""), SA_ERR_INVALID_PARAM);
	CHECK_EQ(create_section(&handle, "a", "0123456789"), SA_OK);
	CHECK_EQ(create_section(&handle, "b", ""), SA_OK);
	CHECK_EQ(create_section(&handle, "c", ""), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, data, 61), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, data, 60), SA_OK);
	id = section("b");
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, data, 41), SA_ERR_NO_SPACE);
	CHECK_EQ(write_section(&handle, id, "x", 40), SA_ERR_NO_SPACE);
	CHECK_EQ(write_section(&handle, id, "x", 60), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_section(&handle, id, "x", 39), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

static void check_active(void)
{
	SaNameT name = unique_name("active");
	SaCkptCheckpointHandleT handle = open_checkpoint(&name, &active_replica, READ | WRITE | COLOCATED);
	SaCkptSectionIdT id = section("section");
	SaCkptSectionIteratorT iterator;
	SaCkptCheckpointStatusT status;

	CHECK_EQ(create_section(&handle, "section", "content"), SA_ERR_NOT_EXIST);
	CHECK_EQ(write_section(&handle, default_section, "content", 0), SA_ERR_NOT_EXIST);
	CHECK_EQ(probe_section(&handle, "section"), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &default_section, (SaUint8T *)"x", 1), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &id, SA_TIME_END), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_CONTENT(&handle, id, "content");
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

int main(void)
{
	check_opens();
	check_attributes();
	check_active();
	return done();
}
