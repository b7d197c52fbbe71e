/* saCkptSectionOverwrite. */
#include "ckpt.h"

static SaCkptCheckpointHandleT handle, reader, writer;

static SaErrorT overwrite(const char *id, const char *data)
{
	SaCkptSectionIdT section_id = section(id);

	return saCkptSectionOverwrite(&handle, &section_id, (SaUint8T *)data, (SaSizeT)strlen(data));
}

int main(void)
{
	SaNameT name = unique_name("overwrite");
	SaCkptSectionIdT id = section("section");
	SaCkptSectionIdT null_with_length = { NULL, 7 };
	SaCkptSectionIdT id_without_length = { (SaUint8T *)"section", 0 };
	SaUint8T data[] = "data";
	SaSizeT too_large = 17 * 1024 * 1024;
	SaUint8T *large;

	CHECK_BAD_HANDLES(saCkptSectionOverwrite(bad, &id, data, 4));
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	reader = open_checkpoint(&name, NULL, READ);
	writer = open_checkpoint(&name, NULL, WRITE);
	CHECK_EQ(create_section(&handle, "section", "the first content"), SA_OK);

	CHECK_EQ(saCkptSectionOverwrite(&handle, NULL, data, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, NULL, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&bad_handles[0], NULL, data, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&bad_handles[0], &id, NULL, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, data, -1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &null_with_length, data, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id_without_length, data, 4), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptSectionOverwrite(&reader, &id, data, 4), SA_ERR_ACCESS);
	CHECK_EQ(overwrite("unknown", "x"), SA_ERR_NOT_EXIST);
	large = calloc(1, (size_t)too_large);
	if (CHECK(large != NULL))
		CHECK_EQ(saCkptSectionOverwrite(&handle, &id, large, too_large), SA_ERR_NO_SPACE);
	free(large);
	CHECK_CONTENT(&reader, id, "the first content");

	/* Contents and size are replaced: shorter, longer, empty. */
	CHECK_EQ(overwrite("section", "short"), SA_OK);
	CHECK_CONTENT(&reader, id, "short");
	CHECK_EQ(overwrite("section", "a content that is longer than before"), SA_OK);
	CHECK_CONTENT(&reader, id, "a content that is longer than before");
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, data, 0), SA_OK);
	CHECK_CONTENT(&reader, id, "");
	CHECK_EQ(saCkptSectionOverwrite(&writer, &id, data, 4), SA_OK);
	CHECK_CONTENT(&reader, id, "data");

	/* The default section may be overwritten too. */
	CHECK_EQ(saCkptSectionOverwrite(&handle, &default_section, data, 4), SA_OK);
	CHECK_CONTENT(&reader, default_section, "data");
	CHECK_EQ(saCkptSectionOverwrite(&handle, &default_section, data, 2), SA_OK);
	CHECK_CONTENT(&reader, default_section, "da");

	CHECK_EQ(saCkptCheckpointClose(&writer), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(overwrite("section", "x"), SA_ERR_BAD_HANDLE);
	return done();
}
