/* Nodes die: first the one with the active replica and the only opens, then the
   one that counts the time. It takes the daemons with it, so it runs last. */
#include "hands.h"

/* Longer than it takes to miss a node. */
#define RETENTION_MS 2500

static const SaCkptCheckpointCreationAttributesT retained = {
	SA_CKPT_WR_ALL_REPLICAS, 100000, MS_NS(3600000), 10, 10000, 32,
};

static SaNameT only_there, unlinked, active, kept, ended, timed;
static SaCkptCheckpointHandleT handle, timed_handle;
static SaTimeT expiry;

static void hold_all(void)
{
	open_checkpoint(&only_there, &all_replicas, READ | WRITE);
	open_checkpoint(&unlinked, &all_replicas, READ | WRITE);
	CHECK_EQ(saCkptCheckpointUnlink(&unlinked), SA_OK);
	handle = open_checkpoint(&active, &active_replica, READ | WRITE | COLOCATED);
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
	CHECK_EQ(create_section(&handle, "data", "stays"), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
}

static void see_all(void)
{
	SaCkptCheckpointHandleT refused;

	CHECK_EQ(probe_checkpoint(&only_there), SA_OK);
	CHECK_EQ(saCkptCheckpointOpen(&unlinked, &all_replicas, READ, 0, &refused), SA_ERR_INVALID_PARAM);
	handle = open_checkpoint(&active, NULL, READ | WRITE | COLOCATED);
	CHECK_CONTENT(&handle, section("data"), "stays");
}

/* What only that node had open is gone, and with it what kept a name away;
   another node has the active replica now. */
static void see_what_is_left(void)
{
	SaCkptCheckpointHandleT fresh;

	await_two();
	CHECK_EQ(probe_checkpoint(&only_there), SA_ERR_NOT_EXIST);
	fresh = open_checkpoint(&unlinked, &all_replicas, READ);
	CHECK_EQ(saCkptCheckpointClose(&fresh), SA_OK);
	CHECK_CONTENT(&handle, section("data"), "stays");
	CHECK_EQ(write_section(&handle, section("data"), "stays", 0), SA_OK);
}

static void take_over(void)
{
	CHECK_EQ(saCkptActiveCheckpointSet(&handle), SA_OK);
	CHECK_CONTENT(&handle, section("data"), "stays");
	CHECK_EQ(write_section(&handle, section("data"), "STAYS", 0), SA_OK);
	CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
}

static void see_taken_over(void)
{
	CHECK_CONTENT(&handle, section("data"), "STAYS");
}

/* Closed and retained, and a section that expires: node 1 keeps the time. */
static void leave_to_time(void)
{
	const SaNameT *names[] = { &kept, &ended };
	SaCkptCheckpointHandleT closed;
	int i;

	for (i = 0; i < 2; i++) {
		closed = open_checkpoint(names[i], &retained, READ | WRITE);
		CHECK_EQ(create_section(&closed, "data", "retained"), SA_OK);
		if (names[i] == &ended)
			CHECK_EQ(saCkptCheckpointRetentionDurationSet(&closed, MS_NS(RETENTION_MS)), SA_OK);
		CHECK_EQ(saCkptCheckpointClose(&closed), SA_OK);
	}
	timed_handle = open_checkpoint(&timed, &all_replicas, READ | WRITE);
	expiry = now_ns() + MS_NS(RETENTION_MS);
	CHECK_EQ(create_expiring(&timed_handle, "timed", "x", expiry), SA_OK);
}

static void see_time_go_on(void)
{
	SaCkptCheckpointHandleT reopened;

	CHECK(WAIT_FOR(count_members() == 1, nap(10)));
	reopened = open_checkpoint(&kept, NULL, READ);
	CHECK_CONTENT(&reopened, section("data"), "retained");
	CHECK(WAIT_FOR(probe_section(&timed_handle, "timed") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(now_ns() >= expiry);
	CHECK(WAIT_FOR(probe_checkpoint(&ended) == SA_ERR_NOT_EXIST, nap(2 * RETENTION_MS)));
	CHECK_CONTENT(&reopened, section("data"), "retained");
}

int main(int argc, char **argv)
{
	only_there = unique_name("only");
	unlinked = unique_name("unlinked");
	active = unique_name("active");
	kept = unique_name("kept");
	ended = unique_name("ended");
	timed = unique_name("timed");
	start_hands(argc, argv);
	ON(3, hold_all);
	ON(1, see_all);
	ON(2, see_all);
	kill_node(3);
	ON(1, see_what_is_left);
	ON(2, see_what_is_left);
	ON(2, take_over);
	ON(1, see_taken_over);
	ON(2, leave_to_time);
	kill_node(1);
	ON(2, see_time_go_on);
	return end_hands(__FILE__);
}
