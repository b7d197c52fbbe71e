/* Checkpoints and sections come and go for all nodes: opens that are counted
   over nodes, unlink while open, retention, expiry, a program that dies. */
#include "hands.h"

/* A section lives so long: other nodes find it in time. */
#define SHORT_MS 3000
/* A checkpoint is retained so long before somebody waits for its end. */
#define RETENTION_MS 300

static const SaCkptCheckpointCreationAttributesT retained = {
	SA_CKPT_WR_ALL_REPLICAS, 100000, MS_NS(3600000), 10, 10000, 32,
};

static SaNameT name, other;
static SaCkptCheckpointHandleT handle;

static void open_both_ways(void)
{
	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
}

static void open_what_is(void)
{
	handle = open_checkpoint(&name, NULL, READ | WRITE);
}

static void close_it(void)
{
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

static void put_section(void)
{
	CHECK_EQ(create_section(&handle, "old", "old"), SA_OK);
}

static void see_it(void)
{
	CHECK_EQ(probe_checkpoint(&name), SA_OK);
}

static void see_none(void)
{
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_NOT_EXIST);
}

static void unlink_it(void)
{
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
}

static void see_unlinked(void)
{
	SaCkptCheckpointHandleT refused;

	CHECK_EQ(saCkptCheckpointOpen(&name, &all_replicas, READ, 0, &refused), SA_ERR_INVALID_PARAM);
	CHECK_EQ(probe_checkpoint(&name), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_ERR_INVALID_PARAM);
}

/* Who has it open does not notice that its name is gone. */
static void use_unlinked(void)
{
	CHECK_CONTENT(&handle, section("old"), "old");
	CHECK_EQ(write_section(&handle, section("old"), "new", 0), SA_OK);
	CHECK_CONTENT(&handle, section("old"), "new");
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, 0), SA_ERR_BAD_OPERATION);
}

static void see_section(void)
{
	CHECK_CONTENT(&handle, section("old"), "old");
}

static void see_fresh(void)
{
	CHECK_EQ(probe_section(&handle, "old"), SA_ERR_NOT_EXIST);
}

static void open_retained(void)
{
	handle = open_checkpoint(&name, &retained, READ | WRITE);
}

/* Between two looks passes more than the retention, which each begins anew. */
static void await_end_of_retention(void)
{
	CHECK(WAIT_FOR(probe_checkpoint(&name) == SA_ERR_NOT_EXIST, nap(2 * RETENTION_MS)));
}

static void keep_shortly(void)
{
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, MS_NS(RETENTION_MS)), SA_OK);
}

static void keep_nothing(void)
{
	CHECK_EQ(saCkptCheckpointRetentionDurationSet(&handle, 0), SA_OK);
}

static void see_retention_zero(void)
{
	SaCkptCheckpointStatusT status;

	CHECK_EQ(saCkptCheckpointStatusGet(&handle, &status), SA_OK);
	CHECK_NUM(status.checkpointCreationAttributes.retentionDuration, 0);
}

/* Sections that expire: one, one whose time is changed on another node, one
   that is late already. */
static void create_expiring_sections(void)
{
	SaTimeT soon = now_ns() + MS_NS(SHORT_MS);

	CHECK_EQ(create_expiring(&handle, "soon", "x", soon), SA_OK);
	CHECK_EQ(create_expiring(&handle, "later", "x", soon), SA_OK);
	CHECK_EQ(create_expiring(&handle, "sooner", "x", SA_TIME_END), SA_OK);
	CHECK_EQ(create_expiring(&handle, "32 bits", "x", 0xFFAAAAAALL), SA_OK);
	CHECK_EQ(create_expiring(&handle, "late", "x", now_ns() - MS_NS(1)), SA_OK);
}

static void change_expiry(void)
{
	SaCkptSectionIdT later = section("later"), sooner = section("sooner");

	CHECK_EQ(probe_section(&handle, "soon"), SA_OK);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &later, SA_TIME_END), SA_OK);
	CHECK_EQ(saCkptSectionExpirationTimeSet(&handle, &sooner, now_ns() + MS_NS(SHORT_MS)), SA_OK);
}

static void await_expiry(void)
{
	CHECK(WAIT_FOR(probe_section(&handle, "soon") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(WAIT_FOR(probe_section(&handle, "sooner") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK(WAIT_FOR(probe_section(&handle, "late") == SA_ERR_NOT_EXIST, nap(10)));
	CHECK_EQ(probe_section(&handle, "later"), SA_OK);
	CHECK_EQ(probe_section(&handle, "32 bits"), SA_OK);
}

static void unlink_and_close(void)
{
	CHECK_EQ(saCkptCheckpointUnlink(&name), SA_OK);
	close_it();
}

static void open_other(void)
{
	SaCkptCheckpointHandleT first = open_checkpoint(&other, &all_replicas, READ | WRITE);
	SaCkptCheckpointHandleT second = open_checkpoint(&other, NULL, READ);

	CHECK(first != second);
}

static void see_other(void)
{
	CHECK_EQ(probe_checkpoint(&other), SA_OK);
}

static void await_end_of_other(void)
{
	CHECK(WAIT_FOR(probe_checkpoint(&other) == SA_ERR_NOT_EXIST, nap(5)));
}

int main(int argc, char **argv)
{
	name = unique_name("life");
	other = unique_name("other");
	start_hands(argc, argv);

	/* It lives until the last close, wherever that is. */
	ON(1, open_both_ways);
	ON(1, put_section);
	ON(3, open_what_is);
	ON(1, close_it);
	ON(2, see_it);
	ON(2, unlink_it);
	ON(1, see_unlinked);
	ON(2, see_unlinked);
	ON(3, use_unlinked);
	ON(3, close_it);
	ON_ALL(see_none);
	ON(2, open_both_ways);
	ON(3, open_what_is);
	ON(3, see_fresh);
	ON(3, close_it);
	ON(2, close_it);
	ON_ALL(see_none);

	/* Retention: an open on another node ends it, the next close begins it. */
	ON(1, open_retained);
	ON(1, put_section);
	ON(1, close_it);
	ON(3, open_what_is);
	ON(3, see_section);
	ON(3, keep_shortly);
	ON(3, close_it);
	ON(2, await_end_of_retention);
	ON_ALL(see_none);
	ON(1, open_retained);
	ON(3, open_what_is);
	ON(3, keep_nothing);
	ON(1, see_retention_zero);
	ON(3, close_it);
	ON(2, see_it);
	ON(1, close_it);
	ON_ALL(see_none);

	ON(1, open_both_ways);
	ON(3, open_what_is);
	ON(1, create_expiring_sections);
	ON(3, change_expiry);
	ON(1, await_expiry);
	ON(3, await_expiry);
	ON(1, close_it);
	ON(3, unlink_and_close);
	ON_ALL(see_none);

	/* A program that is killed has nothing open any more. */
	ON(3, open_other);
	ON(1, see_other);
	kill_hand(3);
	ON(1, await_end_of_other);
	ON(2, await_end_of_other);
	start_hand(3);
	ON(3, await_end_of_other);
	return end_hands(__FILE__);
}
