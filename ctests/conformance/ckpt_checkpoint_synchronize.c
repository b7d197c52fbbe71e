/* saCkptCheckpointSynchronize. */
#include "ckpt.h"

int main(void)
{
	const SaCkptCheckpointCreationAttributesT *options[] = { &active_replica, &weak_replica };
	SaNameT name = unique_name("synchronize");
	SaNameT everywhere = unique_name("synchronize.all");
	SaCkptCheckpointHandleT handle, reader, all;
	int i;

	CHECK_BAD_HANDLES(saCkptCheckpointSynchronize(bad, 0));

	all = open_checkpoint(&everywhere, &all_replicas, READ | WRITE);
	/* There is never anything to wait for. */
	CHECK_EQ(saCkptCheckpointSynchronize(&all, 0), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saCkptCheckpointSynchronize(&all, -1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointClose(&all), SA_OK);

	for (i = 0; i < 2; i++) {
		handle = open_checkpoint(&name, options[i], READ | WRITE);
		reader = open_checkpoint(&name, NULL, READ);
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
		CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, MS_NS(5000)), SA_OK);
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, SA_TIME_END), SA_OK);
		CHECK_CONTENT(&reader, section("section"), "content");
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, -1), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, -SA_TIME_END), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saCkptCheckpointSynchronize(&reader, MS_NS(5000)), SA_ERR_ACCESS);
		CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
		CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_ERR_BAD_HANDLE);
	}
	return done();
}
