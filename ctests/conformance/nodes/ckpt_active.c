/* Colocated checkpoints with an active replica, and the calls that end later:
   set on one node, seen on the others. */
#include "hands.h"

static SaNameT name, weak_name;
static SaCkptCheckpointHandleT handle, weak;
static SaCkptHandleT ckpt;
static SaSelectionObjectT selection;

static void open_colocated(void)
{
	handle = open_checkpoint(&name, &active_replica, READ | WRITE | COLOCATED);
}

/* The node of the creating open has the active replica: nobody has to set it,
   on whichever node. */
static void see_active(void)
{
	SaCkptCheckpointStatusT status;
	SaCkptSectionIdT id = section("any");
	SaCkptSectionIteratorT iterator;

	CHECK_EQ(create_section(&handle, "any", "x"), SA_OK);
	CHECK_EQ(write_section(&handle, default_section, "x", 0), SA_OK);
	CHECK_EQ(probe_section(&handle, "any"), SA_OK);
	CHECK_EQ(saCkptSectionOverwrite(&handle, &id, (SaUint8T *)"x", 1), SA_OK);
	CHECK_EQ(saCkptSectionDelete(&handle, &id), SA_OK);
	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
	CHECK_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
}

static void set_active(void)
{
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
}

static void write_one(void)
{
	CHECK_EQ(create_section(&handle, "one", "one"), SA_OK);
	/* The caller sees what it wrote itself at once. */
	CHECK_CONTENT(&handle, section("one"), "one");
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
}

static void see_one(void)
{
	CHECK_CONTENT(&handle, section("one"), "one");
}

static void close_it(void)
{
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

/* Not for all checkpoints, nor for all handles. */
static void check_refusals(void)
{
	SaCkptCheckpointHandleT reader = open_checkpoint(&name, NULL, READ | COLOCATED);
	SaCkptCheckpointHandleT elsewhere = open_checkpoint(&name, NULL, READ | WRITE);

	CHECK_EQ(saCkptActiveCheckpointSet(&reader), SA_ERR_ACCESS);
	CHECK_EQ(saCkptActiveCheckpointSet(&elsewhere), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saCkptCheckpointSynchronize(&reader, 0), SA_ERR_ACCESS);
	CHECK_EQ(saCkptCheckpointClose(&reader), SA_OK);
	CHECK_EQ(saCkptCheckpointClose(&elsewhere), SA_OK);
}

/* What is written to a weak checkpoint is everywhere after Synchronize. */
static void open_weak(void)
{
	weak = open_checkpoint(&weak_name, &weak_replica, READ | WRITE);
}

static void write_weak(void)
{
	static int round;
	char text[32];

	snprintf(text, sizeof(text), "weak %d", ++round);
	CHECK_EQ(write_section(&weak, default_section, text, 0), SA_OK);
	CHECK_CONTENT(&weak, default_section, text);
	CHECK_EQ(saCkptCheckpointSynchronize(&weak, 0), SA_OK);
}

static void see_weak(void)
{
	static int round;
	char text[32];

	snprintf(text, sizeof(text), "weak %d", ++round);
	CHECK_CONTENT(&weak, default_section, text);
}

/* The same with callbacks. */
static SaInvocationT opened_as, synchronized_as;
static SaCkptCheckpointHandleT opened;
static SaErrorT opened_error, synchronized_error;

static void on_open(SaInvocationT invocation, const SaCkptCheckpointHandleT *checkpoint, SaErrorT error)
{
	opened_as = invocation;
	opened = *checkpoint;
	opened_error = error;
}

static void on_synchronize(SaInvocationT invocation, SaErrorT error)
{
	synchronized_as = invocation;
	synchronized_error = error;
}

static void open_async(void)
{
	SaCkptCallbacksT callbacks = { on_open, on_synchronize };

	NEED_EQ(saCkptInitialize(&ckpt, &callbacks, &version_a11), SA_OK);
	NEED_EQ(saCkptSelectionObjectGet(&ckpt, &selection), SA_OK);
	CHECK_EQ(saCkptCheckpointOpenAsync(&ckpt, 11, &weak_name, NULL, READ | WRITE), SA_OK);
	CHECK(WAIT_FOR(opened_as == 11, DISPATCH_STEP(saCkptDispatch, &ckpt, selection)));
	NEED_EQ(opened_error, SA_OK);
	CHECK_EQ(write_section(&opened, default_section, "async!!", 0), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronizeAsync(&ckpt, 12, &opened), SA_OK);
	CHECK(WAIT_FOR(synchronized_as == 12, DISPATCH_STEP(saCkptDispatch, &ckpt, selection)));
	CHECK_EQ(synchronized_error, SA_OK);
}

static void see_async(void)
{
	CHECK_CONTENT(&weak, default_section, "async!!");
	CHECK_EQ(saCkptCheckpointClose(&weak), SA_OK);
}

/* The open by callback is one as every other: it keeps the checkpoint. */
static void see_weak_alive(void)
{
	CHECK_EQ(probe_checkpoint(&weak_name), SA_OK);
}

static void close_opened(void)
{
	CHECK_EQ(saCkptCheckpointClose(&opened), SA_OK);
	CHECK_EQ(saCkptFinalize(&ckpt), SA_OK);
}

static void see_weak_gone(void)
{
	CHECK_EQ(probe_checkpoint(&weak_name), SA_ERR_NOT_EXIST);
}

int main(int argc, char **argv)
{
	int i;

	name = unique_name("active");
	weak_name = unique_name("weak");
	start_hands(argc, argv);
	ON(1, open_colocated);
	ON(3, open_colocated);
	ON(1, see_active);
	ON(3, see_active);
	ON(3, set_active);
	ON(1, write_one);
	ON(3, see_one);
	ON(1, check_refusals);
	ON(3, check_refusals);
	/* It moves, and the data stays. */
	ON(1, set_active);
	ON(3, see_one);
	ON(3, close_it);
	ON(1, see_one);
	ON(1, close_it);

	ON(1, open_weak);
	ON(3, open_weak);
	for (i = 0; i < 20; i++) {
		ON(1, write_weak);
		ON(3, see_weak);
	}
	ON(2, open_async);
	ON(1, see_async);
	ON(3, see_async);
	ON(1, see_weak_alive);
	ON(2, close_opened);
	ON_ALL(see_weak_gone);
	return end_hands(__FILE__);
}
