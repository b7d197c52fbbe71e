/* saClmClusterNodeGet. */
#include "check.h"

#include "ais_clm.h"

/* What later releases of the interface call the local node. */
#define LOCAL_NODE_ID_B 0xFFFFFFFFUL

static void check_self(const SaClmClusterNodeT *self)
{
	SaClmNodeIdT address = 0;
	SaTimeT now = now_ns();

	CHECK_NUM(self->member, SA_TRUE);
	/* The address is IPv4 in network order, and the id is its four bytes as
	   they lie in memory. */
	CHECK_NUM(self->nodeAddress.length, 4);
	memcpy(&address, self->nodeAddress.value, 4);
	CHECK(self->nodeId == address);
	CHECK(self->nodeId != SA_CLM_LOCAL_NODE_ID && self->nodeId != LOCAL_NODE_ID_B);
	CHECK(self->nodeName.length > 0 && self->nodeName.length <= SA_MAX_NAME_LENGTH);
	CHECK(self->clusterName.length > 0 && self->clusterName.length <= SA_MAX_NAME_LENGTH);
	CHECK(self->bootTimestamp > 0);
	CHECK(self->bootTimestamp <= now);
}

static void check_same(const SaClmClusterNodeT *a, const SaClmClusterNodeT *b)
{
	CHECK(a->nodeId == b->nodeId);
	CHECK(a->nodeName.length == b->nodeName.length);
	CHECK(!memcmp(a->nodeName.value, b->nodeName.value, a->nodeName.length));
	CHECK(a->bootTimestamp == b->bootTimestamp);
	CHECK(a->member == b->member);
}

int main(void)
{
	SaClmClusterNodeT self, again, node;
	SaClmNodeIdT unknown;
	SaErrorT error;

	/* No handle is needed: this is the program's first call. */
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(5000), NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, -1, NULL), SA_ERR_INVALID_PARAM);
	PAINT(self);
	NEED_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, MS_NS(5000), &self), SA_OK);
	check_self(&self);

	CHECK_EQ(saClmClusterNodeGet(LOCAL_NODE_ID_B, MS_NS(5000), &again), SA_OK);
	check_same(&self, &again);
	CHECK_EQ(saClmClusterNodeGet(self.nodeId, MS_NS(5000), &again), SA_OK);
	check_same(&self, &again);

	PAINT(node);
	unknown = self.nodeId ^ 0x01000000UL;
	CHECK_EQ(saClmClusterNodeGet(unknown, 0, &node), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterNodeGet(0xFFFFFFFEUL, 0, &node), SA_ERR_INVALID_PARAM);
	/* Where the type is 8 bytes wide a number above 32 bits is not cut down to
	   one that exists. */
	if (sizeof(SaClmNodeIdT) == 8) {
		CHECK_EQ(saClmClusterNodeGet((SaClmNodeIdT)(self.nodeId | 1ULL << 32), 0, &node), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saClmClusterNodeGet((SaClmNodeIdT)(1ULL << 32), 0, &node), SA_ERR_INVALID_PARAM);
		CHECK_EQ(saClmClusterNodeGet((SaClmNodeIdT)-1, 0, &node), SA_ERR_INVALID_PARAM);
	}

	/* Timeouts: negative is wrong, 0 is the default, any other is a duration. */
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, -1, &node), SA_ERR_INVALID_PARAM);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, -SA_TIME_END, &node), SA_ERR_INVALID_PARAM);
	CHECK_UNTOUCHED(node);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &again), SA_OK);
	CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, SA_TIME_END, &again), SA_OK);
	check_same(&self, &again);
	/* Nobody promises an answer within 1 ns, nor that there is none. */
	error = saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 1, &node);
	CHECK(error == SA_OK || error == SA_ERR_TIMEOUT);
	if (error == SA_ERR_TIMEOUT)
		CHECK_UNTOUCHED(node);
	/* A call that ran out of time does not disturb the next one. */
	CHECK_EQ(saClmClusterNodeGet(self.nodeId, 0, &again), SA_OK);
	check_same(&self, &again);
	return done();
}
