/*
 * Shows the membership of the cluster and watches it change. Checks that the
 * local node and asynchronous queries are answered, and that what the track
 * callbacks report adds up to the number of members that they state.
 */
#include "common.h"
#include "ais_clm.h"

#include <arpa/inet.h>

/* 128 members at most, and as many that leave in the same change. */
#define BUFFER_ITEMS 256

static const char help[] =
	"[-t SECONDS] [-n N]\n"
	"  -t SECONDS  watch the membership that long\n"
	"  -n N        until the cluster has at least N members, which is a\n"
	"              failure unless it comes true within -t (default 30)\n"
	"  -h          this text\n"
	"Without -t and -n it ends when the current membership has been shown.\n";

struct query {
	SaInvocationT invocation;
	SaClmNodeIdT node_id;
	SaErrorT wanted;
	SaClmClusterNodeT node;
	int answers;
};

static SaClmClusterNodeT local_node;

/* No node has a multicast address: 224.0.0.1 in network byte order, which
 * main fills in. */
enum { UNKNOWN_NODE = 3 };
static struct query queries[] = {
	{ .invocation = 0x55, .node_id = SA_CLM_LOCAL_NODE_ID, .wanted = SA_OK },
	{ .invocation = 0x60, .node_id = SA_CLM_LOCAL_NODE_ID, .wanted = SA_OK },
	{ .invocation = 0x59, .node_id = SA_CLM_LOCAL_NODE_ID, .wanted = SA_OK },
	{ .invocation = 0x57, .wanted = SA_ERR_INVALID_PARAM },
};

static SaClmClusterNotificationT buffer[BUFFER_ITEMS];
static SaClmNodeIdT members[BUFFER_ITEMS];
static size_t member_count;
static size_t members_wanted;
static int track_callbacks;
static SaUint64T last_view;

static const char *change_name(SaClmClusterChangesT change)
{
	switch (change) {
	case SA_CLM_NODE_NO_CHANGE:
		return "no change";
	case SA_CLM_NODE_JOINED:
		return "joined";
	case SA_CLM_NODE_LEFT:
		return "left";
	}
	return "no SaClmClusterChangesT";
}

static void print_node(const char *title, const SaClmClusterNodeT *node)
{
	printf("%s: node " NAME_FORMAT " id %lx address ", title,
	       NAME_ARGS(&node->nodeName), (unsigned long)node->nodeId);
	for (int i = 0; i < node->nodeAddress.length && i < 4; i++)
		printf("%s%d", i ? "." : "", node->nodeAddress.value[i]);
	printf(" cluster " NAME_FORMAT " member %d booted %lld\n",
	       NAME_ARGS(&node->clusterName), (int)node->member,
	       (long long)(node->bootTimestamp / NS_PER_SEC));
}

/* What is true of every node record, whoever delivers it. */
static void check_node(const SaClmClusterNodeT *node)
{
	check(node->nodeId != 0, "expected a node id, got 0");
	check(node->nodeAddress.length == 4,
	      "expected an address of 4 bytes, got %d", node->nodeAddress.length);
	check(node->nodeName.length > 0 &&
		      node->nodeName.length <= SA_MAX_NAME_LENGTH,
	      "expected a node name of 1 to 256 bytes, got %d",
	      node->nodeName.length);
	check(node->clusterName.length > 0 &&
		      node->clusterName.length <= SA_MAX_NAME_LENGTH,
	      "expected a cluster name of 1 to 256 bytes, got %d",
	      node->clusterName.length);
	check(node->bootTimestamp > 0, "expected a boot time, got %lld ns",
	      (long long)node->bootTimestamp);
}

static void on_node_get(SaInvocationT invocation, SaClmClusterNodeT *node,
			SaErrorT error)
{
	char title[32];

	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		struct query *query = &queries[i];

		if (query->invocation != invocation)
			continue;
		query->answers++;
		check(query->answers == 1,
		      "expected one answer to invocation 0x%x, got %d",
		      (unsigned)invocation, query->answers);
		check(node == &query->node,
		      "invocation 0x%x: expected the caller's own structure",
		      (unsigned)invocation);
		snprintf(title, sizeof(title), "answer 0x%x", (unsigned)invocation);
		if (!expect(title, error, query->wanted) || error != SA_OK)
			return;
		print_node(title, &query->node);
		check_node(&query->node);
		check(query->node.nodeId == local_node.nodeId,
		      "expected the local node %lx, got %lx",
		      (unsigned long)local_node.nodeId,
		      (unsigned long)query->node.nodeId);
		return;
	}
	fail("expected an invocation that was asked, got 0x%x",
	     (unsigned)invocation);
}

static bool all_answered(void)
{
	for (size_t i = 0; i < COUNT_OF(queries); i++)
		if (queries[i].answers == 0)
			return false;
	return true;
}

static size_t member_index(SaClmNodeIdT id)
{
	size_t i;

	for (i = 0; i < member_count; i++)
		if (members[i] == id)
			break;
	return i;
}

/* Keeps `members` in step with what is reported. */
static void apply(const SaClmClusterNotificationT *item)
{
	SaClmNodeIdT id = item->clusterNode.nodeId;
	size_t at = member_index(id);

	if (item->clusterChanges == SA_CLM_NODE_LEFT) {
		if (check(at < member_count,
			  "expected only members to leave, got %lx",
			  (unsigned long)id))
			members[at] = members[--member_count];
	} else if (at == member_count && member_count < BUFFER_ITEMS) {
		members[member_count++] = id;
	}
}

/* The first callback is CURRENT, every later one tells a change. */
static void check_change(const SaClmClusterNotificationT *item)
{
	bool first = track_callbacks == 1;
	bool unchanged = item->clusterChanges == SA_CLM_NODE_NO_CHANGE;
	bool left = item->clusterChanges == SA_CLM_NODE_LEFT;

	check(unchanged == first, "expected %s, got: %s",
	      first ? "no change in the first callback" : "joined or left",
	      change_name(item->clusterChanges));
	check((item->clusterNode.member == SA_TRUE) == !left,
	      "node " NAME_FORMAT " %s: got member %d",
	      NAME_ARGS(&item->clusterNode.nodeName),
	      change_name(item->clusterChanges), (int)item->clusterNode.member);
}

static void on_track(SaClmClusterNotificationT *items, SaUint32T item_count,
		     SaUint32T stated_members, SaUint64T view, SaErrorT error)
{
	track_callbacks++;
	if (!expect_quietly("track callback", error, SA_OK))
		return;
	if (!check(items == buffer && item_count <= BUFFER_ITEMS,
		   "expected at most %d items in the caller's buffer, got %lu%s",
		   BUFFER_ITEMS, (unsigned long)item_count,
		   items == buffer ? "" : " elsewhere"))
		return;
	printf("view %llu: %lu members\n", (unsigned long long)view,
	       (unsigned long)stated_members);
	check(view >= last_view, "expected a view number from %llu on, got %llu",
	      (unsigned long long)last_view, (unsigned long long)view);
	last_view = view;

	/* Leavers first: a node that restarted may be reported as both. */
	for (size_t i = 0; i < item_count; i++) {
		print_node(change_name(items[i].clusterChanges),
			   &items[i].clusterNode);
		check_node(&items[i].clusterNode);
		check_change(&items[i]);
		if (items[i].clusterChanges == SA_CLM_NODE_LEFT)
			apply(&items[i]);
	}
	for (size_t i = 0; i < item_count; i++)
		if (items[i].clusterChanges != SA_CLM_NODE_LEFT)
			apply(&items[i]);
	check(member_count == stated_members,
	      "expected %zu members after these changes, got %lu", member_count,
	      (unsigned long)stated_members);
	check(member_index(local_node.nodeId) < member_count,
	      "expected the local node among the members");
}

static bool current_seen(void)
{
	return track_callbacks > 0;
}

static bool enough_members(void)
{
	return track_callbacks > 0 && member_count >= members_wanted;
}

static void query_nodes(const SaClmHandleT *handle, SaSelectionObjectT selection)
{
	must("NodeGet of the local node",
	     saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &local_node), SA_OK);
	print_node("local", &local_node);
	check_node(&local_node);
	check(local_node.member == SA_TRUE,
	      "expected the local node to be a member, got %d",
	      (int)local_node.member);

	queries[UNKNOWN_NODE].node_id = htonl(0xE0000001);
	for (size_t i = 0; i < COUNT_OF(queries); i++)
		must("NodeGetAsync",
		     saClmClusterNodeGetAsync(handle, queries[i].invocation,
					      queries[i].node_id,
					      &queries[i].node),
		     SA_OK);
	check(dispatch_until(saClmDispatch, handle, selection,
			     now_ns() + PATIENCE, all_answered),
	      "expected an answer to each NodeGetAsync");
}

static void watch(const SaClmHandleT *handle, SaSelectionObjectT selection,
		  int64_t duration)
{
	int64_t start = now_ns();

	must("TrackStart, current and changes only",
	     saClmClusterTrackStart(handle,
				    SA_TRACK_CURRENT | SA_TRACK_CHANGES_ONLY,
				    buffer, BUFFER_ITEMS),
	     SA_OK);
	check(dispatch_until(saClmDispatch, handle, selection,
			     start + PATIENCE, current_seen),
	      "expected the current membership");
	if (members_wanted > 0)
		check(dispatch_until(saClmDispatch, handle, selection,
				     start + duration, enough_members),
		      "expected %zu members within %.1f s, got %zu",
		      members_wanted, (double)duration / (double)NS_PER_SEC,
		      member_count);
	else
		dispatch_until(saClmDispatch, handle, selection,
			       start + duration, NULL);
	expect("TrackStop", saClmClusterTrackStop(handle), SA_OK);
	expect("TrackStop again", saClmClusterTrackStop(handle),
	       SA_ERR_NOT_EXIST);
}

int main(int argc, char *argv[])
{
	const SaClmCallbacksT callbacks = { on_node_get, on_track };
	SaSelectionObjectT selection;
	SaClmHandleT handle;
	int64_t duration = 0;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "t:n:h")) != -1) {
		if (letter == 't')
			duration = option_seconds(letter, optarg);
		else if (letter == 'n')
			members_wanted = (size_t)option_number(letter, optarg, 1, 128);
		else
			usage(letter, help);
	}
	if (members_wanted > 0 && duration == 0)
		duration = 30 * NS_PER_SEC;

	must("Initialize", saClmInitialize(&handle, &callbacks, &ais_version),
	     SA_OK);
	must("SelectionObjectGet", saClmSelectionObjectGet(&handle, &selection),
	     SA_OK);
	query_nodes(&handle, selection);
	watch(&handle, selection, duration);
	expect("Finalize", saClmFinalize(&handle), SA_OK);
	expect("Finalize again", saClmFinalize(&handle), SA_ERR_BAD_HANDLE);
	return finish();
}
