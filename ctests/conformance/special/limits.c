/*
 * An executive with small limits: max-checkpoints:2, max-sections:2,
 * checkpoint-memory:1m and max-message:256k. What goes beyond one of them is
 * SA_ERR_NO_SPACE, and changes nothing.
 */
#include "../ckpt.h"

/* More than one message carries, and more than all checkpoints may have. */
#define TOO_LONG (300 << 10)
#define MOST (1 << 20)

static void on_open(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT error)
{
	(void)invocation, (void)checkpoint, (void)error;
	CHECK(!"a callback of an open that was refused");
}

static SaErrorT try_open(const char *suffix)
{
	SaNameT name = unique_name(suffix);
	SaCkptCheckpointHandleT handle;
	SaErrorT error = saCkptCheckpointOpen(&name, &all_replicas, READ, 0, &handle);

	if (error == SA_OK)
		CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return error;
}

static void check_checkpoints(void)
{
	SaCkptCallbacksT callbacks = { on_open, NULL };
	SaNameT third = unique_name("third");
	SaNameT second = unique_name("second");
	SaCkptCheckpointHandleT handle = open_checkpoint(&second, &all_replicas, READ);
	SaCkptHandleT ckpt;

	CHECK_EQ(try_open("third"), SA_ERR_NO_SPACE);
	CHECK_EQ(try_open("second"), SA_OK);
	NEED_EQ(saCkptInitialize(&ckpt, &callbacks, &version_a11), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&ckpt, 1, &third, &all_replicas, READ), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptDispatch(&ckpt, SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(saCkptFinalize(&ckpt), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	/* It had no retention. */
	CHECK(WAIT_FOR(try_open("third") == SA_OK, nap(10)));
}

static void check_sections(const SaCkptCheckpointHandleT *handle)
{
	static char data[TOO_LONG];
	SaCkptSectionIdT id = section("section");
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	SaCkptIOVectorElementT vector = element(id, data, TOO_LONG, 0);
	SaUint32T index = 77;

	CHECK_EQ(saCkptSectionCreate(handle, &attributes, data, TOO_LONG), SA_ERR_NO_SPACE);
	CHECK_EQ(create_section(handle, "section", "content"), SA_OK);
	CHECK_EQ(create_section(handle, "second", "content"), SA_OK);
	CHECK_EQ(create_section(handle, "third", "content"), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptSectionOverwrite(handle, &id, (SaUint8T *)data, TOO_LONG), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptCheckpointWrite(handle, &vector, 1, &index), SA_ERR_NO_SPACE);
	CHECK_CONTENT(handle, id, "content");
}

static void check_memory(const SaCkptCheckpointHandleT *handle)
{
	static char data[100 << 10];
	SaCkptSectionIdT id = section("section");
	SaCkptIOVectorElementT vector = element(id, data, sizeof(data), 0);
	SaCkptIOVectorElementT all = element(id, NULL, 0, 0);
	SaCkptCheckpointStatusT before, after;
	int pieces = 0;
	SaErrorT error;

	while ((error = saCkptCheckpointWrite(handle, &vector, 1, NULL)) == SA_OK && pieces++ < 20)
		vector.dataOffset += sizeof(data);
	CHECK_EQ(error, SA_ERR_NO_SPACE);
	CHECK(pieces >= 5 && pieces <= MOST / (int)sizeof(data));
	CHECK_EQ(saCkptCheckpointStatusGet(handle, &before), SA_OK);
	CHECK_EQ(saCkptCheckpointWrite(handle, &vector, 1, NULL), SA_ERR_NO_SPACE);
	CHECK_EQ(saCkptCheckpointStatusGet(handle, &after), SA_OK);
	CHECK_NUM(after.memoryUsed, before.memoryUsed);
	/* A reply is a message as well. */
	CHECK_EQ(saCkptCheckpointRead(handle, &all, 1, NULL), SA_ERR_NO_SPACE);
}

int main(void)
{
	SaNameT name = unique_name("first");
	SaCkptCheckpointHandleT handle = open_checkpoint(&name, &all_replicas, READ | WRITE);

	check_checkpoints();
	check_sections(&handle);
	check_memory(&handle);
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return done();
}
