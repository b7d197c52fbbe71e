/* saCkptCheckpointRetentionDurationSet, and retention itself. */
#include "ckpt.h"

#define SHORT_MS 200

int main(void)
{
	SaCkptCheckpointCreationAttributesT briefly = all_replicas;
	SaNameT name = unique_name("retention");
	SaCkptCheckpointHandleT handle, second;

	CHECK_BAD_HANDLES(saCkptCheckpointRetentionDurationSet(bad, MS_NS(1)));
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(NULL, -1), SA_ERR_INVALID_PARAM);

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, -1), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, -SA_TIME_END), SA_ERR_INVALID_PARAM);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);

	/* A long one: the checkpoint outlives its last close ... */
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, MS_NS(60000)), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	handle = open_checkpoint(&name, NULL, READ | WRITE);
	CHECK_CONTENT(&handle, section("section"), "content");
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, SA_TIME_END), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	handle = open_checkpoint(&name, NULL, READ | WRITE);
	CHECK_CONTENT(&handle, section("section"), "content");

	/* ... a short one: no longer than that, counted from the last close. */
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, MS_NS(SHORT_MS)), SA_OK);
	second = open_checkpoint(&name, NULL, READ);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	nap(2 * SHORT_MS);
	CHECK_CONTENT(&second, section("section"), "content");
	CHECK_EQ(saCkptCheckpointClose(&second), SA_OK);
	nap(2 * SHORT_MS);
	CHECK(WAIT_FOR(probe_checkpoint(&name) == SA_ERR_NOT_EXIST, nap(4 * SHORT_MS)));

	/* Given at creation; an open in time saves the checkpoint, an end of
	   the duration while it is open does not end it. */
	briefly.retentionDuration = MS_NS(SHORT_MS);
	handle = open_checkpoint(&name, &briefly, READ | WRITE);
	CHECK_EQ(create_section(&handle, "section", "content"), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	handle = open_checkpoint(&name, &briefly, READ | WRITE);
	nap(2 * SHORT_MS);
	CHECK_EQ(probe_checkpoint(&name), SA_OK);

	/* 0: deleted at the last close. */
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, 0), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);

	/* Unlinked: there is nothing left to retain. */
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, MS_NS(60000)), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
	return done();
}
