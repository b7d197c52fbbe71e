/*
 * Three nodes with quorum:majority, of which two die: what changes something is
 * refused on the third, and what asks or gives something back goes on.
 *
 * The arguments are, for each node, the socket and the process number of its
 * daemon.
 */
#include "../everything.h"

int main(int argc, char **argv)
{
	SaClmClusterNotificationT members[3];

	if (argc != 7) {
		fprintf(stderr, "usage: no_quorum SOCKET PID SOCKET PID SOCKET PID\n");
		return 2;
	}
	setenv("AIS_SOCKET", argv[1], 1);
	open_everything();
	/* Three members, and room for two. */
	CHECK_EQ(saClmClusterTrackStart(&clm_handle, SA_TRACK_CURRENT, members, 2), SA_ERR_NO_SPACE);
	CHECK_EQ(saClmClusterTrackStart(&clm_handle, SA_TRACK_CURRENT, members, 3), SA_OK);
	CHECK(kill(atoi(argv[4]), SIGKILL) == 0);
	CHECK(kill(atoi(argv[6]), SIGKILL) == 0);
	/* A call that is under way then may end with SA_ERR_TIMEOUT. */
	CHECK(WAIT_FOR(call_retention_duration_set() == SA_ERR_TRY_AGAIN, nap(20)));

	CHECK_CALLS(changes_without_handle, SA_ERR_TRY_AGAIN, SA_ERR_TRY_AGAIN);
	CHECK_CALLS(changes_with_handle, SA_ERR_TRY_AGAIN, SA_ERR_TRY_AGAIN);

	CHECK_EQ(call_node_get(), SA_OK);
	CHECK_EQ(call_track_start(), SA_OK);
	CHECK_EQ(call_track_stop(), SA_OK);
	CHECK_EQ(call_group_track_start(), SA_OK);
	CHECK_EQ(call_group_track_stop(), SA_OK);
	CHECK_EQ(call_readiness_state_get(), SA_OK);
	CHECK_EQ(call_status_get(), SA_OK);
	CHECK_EQ(call_iterator_next(), SA_OK);
	CHECK_CONTENT(&checkpoint, section("section"), "content");
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	CHECK_EQ(saClmFinalize(&clm_handle), SA_OK);
	CHECK_EQ(saCkptFinalize(&ckpt_handle), SA_OK);
	CHECK_EQ(saAmfFinalize(&amf_handle), SA_OK);
	return done();
}
