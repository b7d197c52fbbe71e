/* saCkptActiveCheckpointSet. */
#include "ckpt.h"

static void check_usable(const SaCkptCheckpointHandleT *handle)
{
	SaCkptSectionIdT id = section("usable");
	SaCkptSectionIteratorT iterator;
	SaCkptCheckpointStatusT status;

	CHECK_EQ(create_section(handle, "usable", "content"), SA_OK);
	CHECK_EQ(write_section(handle, default_section, "content", 0), SA_OK);
	CHECK_EQ(saCkptSectionOverwrite(handle, &id, (SaUint8T *)"x", 1), SA_OK);
	CHECK_EQ(saCkptSectionExpirationTimeSet(handle, &id, SA_TIME_END), SA_OK);
	CHECK_CONTENT(handle, id, "x");
	CHECK_EQ(saCkptCheckpointSynchronize(handle, 0), SA_OK);
	CHECK_EQ(saCkptCheckpointStatusGet(handle, &status), SA_OK);
	CHECK_EQ(saCkptSectionIteratorInitialize(handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	CHECK_EQ(saCkptSectionDelete(handle, &id), SA_OK);
}

int main(void)
{
	SaNameT name = unique_name("active");
	SaNameT everywhere = unique_name("everywhere");
	SaNameT spread = unique_name("spread");
	SaCkptCheckpointHandleT handle, reader, far, elsewhere, all;

	CHECK_BAD_HANDLES(saCkptActiveCheckpointSet(bad));

	handle = open_checkpoint(&name, &active_replica, READ | WRITE | COLOCATED);
	reader = open_checkpoint(&name, NULL, READ | COLOCATED);
	far = open_checkpoint(&name, NULL, READ | WRITE);
	elsewhere = open_checkpoint(&spread, &active_replica, READ | WRITE);
	all = open_checkpoint(&everywhere, &all_replicas, READ | WRITE | COLOCATED);

	CHECK_EQ(saCkptActiveCheckpointSet(&reader), SA_ERR_ACCESS);
	/* Not collocated: this open, the checkpoint, any with all replicas. */
	CHECK_EQ(saCkptActiveCheckpointSet(&far), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saCkptActiveCheckpointSet(&elsewhere), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saCkptActiveCheckpointSet(&all), SA_ERR_BAD_OPERATION);

	/* Who made it has the active replica from the start. */
	check_usable(&handle);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
	CHECK_CONTENT(&reader, section("section"), "content");

	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_ERR_BAD_HANDLE);
	CHECK_EQ(saCkptCheckpointClose(&elsewhere), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&far), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&all), SA_OK);
	return done();
}
