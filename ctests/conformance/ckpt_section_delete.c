/* saCkptSectionDelete. */
#include "ckpt.h"

int main(void)
{
	SaNameT name = unique_name("delete");
	SaCkptCheckpointHandleT handle, reader, writer;
	SaCkptSectionIdT id = section("section");
	SaCkptSectionIdT unknown = section("unknown");
	SaCkptSectionIdT null_with_length = { NULL, 7 };
	SaCkptSectionIdT id_without_length = { (SaUint8T *)"section", 0 };

	CHECK_BAD_HANDLES(saCkptSectionDelete(bad, &id));
	CHECK_EQ(saCkptSectionDelete(&bad_handles[0], NULL), SA_ERR_INVALID_PARAM);

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	writer = open_checkpoint(&name, NULL, WRITE);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);

	CHECK_EQ(saCkptSectionDelete(&handle, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionDelete(&handle, &null_with_length), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionDelete(&handle, &id_without_length), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionDelete(&handle, &unknown), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionDelete(&handle, &default_section), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionDelete(&reader, &id), SA_ERR_ACCESS);
	CHECK_CONTENT(&reader, id, "content");

	CHECK_EQ(saCkptSectionDelete(&writer, &id), SA_OK);
	CHECK_EQ(probe_section(&reader, "section"), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_ERR_NOT_EXIST);

	/* The id is free again. */
	CHECK_EQ(create_section(&handle, "section", "new"), SA_OK);
	CHECK_CONTENT(&reader, id, "new");
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);

	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_ERR_BAD_HANDLE);
	return done();
}
