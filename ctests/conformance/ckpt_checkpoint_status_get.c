/* saCkptCheckpointStatusGet. */
#include "ckpt.h"

static void check_status(const SaCkptCheckpointHandleT *handle, int sections, int memory)
{
	SaCkptCheckpointStatusT status;

	PAINT(status);
	NEED_EQ(saCkptCheckpointStatusGet(handle, &status), SA_OK);
	CHECK_NUM(status.numberOfSections, sections);
	CHECK_NUM(status.memoryUsed, memory);
	CHECK_NUM(status.checkpointCreationAttributes.creationFlags, SA_CKPT_WR_ACTIVE_REPLICA);
	CHECK_NUM(status.checkpointCreationAttributes.checkpointSize, 100000);
	CHECK_NUM(status.checkpointCreationAttributes.retentionDuration, 0);
	CHECK_NUM(status.checkpointCreationAttributes.maxSections, 10);
	CHECK_NUM(status.checkpointCreationAttributes.maxSectionSize, 10000);
	CHECK_NUM(status.checkpointCreationAttributes.maxSectionIdSize, 32);
}

int main(void)
{
	SaNameT name = unique_name("status");
	SaCkptCheckpointHandleT handle, reader, writer;
	SaCkptSectionIdT id = section("second");
	SaCkptCheckpointStatusT status;

	CHECK_BAD_HANDLES(saCkptCheckpointStatusGet(bad, &status));
	CHECK_EQ(saCkptCheckpointStatusGet(&bad_handles[0], NULL), SA_ERR_INVALID_PARAM);

	handle = open_checkpoint(&name, &active_replica, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	writer = open_checkpoint(&name, NULL, WRITE);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointStatusGet(NULL, NULL), SA_ERR_INVALID_PARAM);

	/* The default section is counted from the start. */
	check_status(&handle, 1, 0);
	CHECK_EQ(create_section(&handle, "first", "12345"), SA_OK);
	CHECK_EQ(create_section(&handle, "second", "1234567"), SA_OK);
	check_status(&reader, 3, 12);
	CHECK_EQ(write_section(&handle, default_section, "123", 0), SA_OK);
	check_status(&writer, 3, 15);
	CHECK_EQ(write_section(&handle, section("first"), "1", 9), SA_OK);
	check_status(&handle, 3, 20);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, (SaUint8T *)"x", 1), SA_OK);
	check_status(&handle, 3, 14);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
	check_status(&handle, 2, 13);

	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	check_status(&handle, 2, 13);
	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	PAINT(status);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(status);
	return done();
}
