/* saCkptCheckpointUnlink. */
#include "ckpt.h"

int main(void)
{
	SaCkptCheckpointCreationAttributesT kept = all_replicas;
	SaNameT name = unique_name("unlink");
	SaNameT overlong = overlong_name();
	SaCkptCheckpointHandleT handle, second;

	CHECK_EQ(saCkptCheckpointUnlink(NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointUnlink(&overlong), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_NOT_EXIST);

	/* Open: the name goes at once, the content with the last close. */
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	second = open_checkpoint(&name, NULL, READ);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_INVALID_PARAM);
	CHECK_EQ(write_section(&handle, section("section"), "changed", 0), SA_OK);
	CHECK_EQ(create_section(&handle, "another", "one"), SA_OK);
	CHECK_CONTENT(&second, section("section"), "changed");
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_INVALID_PARAM);
	CHECK_CONTENT(&second, section("another"), "one");
	CHECK_EQ(saCkptCheckpointClose(&second), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_NOT_EXIST);

	/* Then the name is free for another, empty checkpoint. */
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(probe_section(&handle, "section"), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_NOT_EXIST);

	/* Not open but retained: gone at once. */
	kept.retentionDuration = MS_NS(60000);
	handle = open_checkpoint(&name, &kept, READ | WRITE);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_NOT_EXIST);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);

	/* Retention does not save what is unlinked. */
	handle = open_checkpoint(&name, &kept, READ | WRITE);
	CHECK_EQ(probe_section(&handle, "section"), SA_ERR_NOT_EXIST);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
	return done();
}
