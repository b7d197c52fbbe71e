/*
 * Programs on several nodes that act in turn: what one does is seen by another.
 *
 * Each node has a hand: a process that uses the daemon of that node and does
 * what the main process asks it to. The hands are forked from the program, so
 * an order is a function of it; its variables are those of the hand and stay
 * from one order to the next. The main process itself uses no library.
 *
 * The arguments of a program are, for each node, the socket and the process
 * number of its daemon.
 */
#ifndef CONFORMANCE_HANDS_H
#define CONFORMANCE_HANDS_H

#include "../ckpt.h"

#include <sys/socket.h>

#include "ais_clm.h"

#define NODES 3

struct order {
	void (*work)(void);
	/* Who gives it, for messages. */
	long line;
};

struct outcome {
	int passed, failed;
};

static struct {
	const char *socket;
	pid_t daemon, hand;
	int fd;
} nodes[NODES + 1];

static inline void hand_main(int node, int fd)
{
	struct order order;
	int i;

	for (i = 1; i <= NODES; i++)
		if (i != node && nodes[i].hand)
			close(nodes[i].fd);
	setenv("AIS_SOCKET", nodes[node].socket, 1);
	while (read(fd, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		struct outcome outcome;

		checks_passed = checks_failed = 0;
		order.work();
		outcome.passed = checks_passed;
		outcome.failed = checks_failed;
		if (outcome.failed)
			fprintf(stderr, "... on node %d, asked for in line %ld\n", node, order.line);
		if (write(fd, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
			break;
	}
	fflush(NULL);
	_exit(0);
}

/** A new hand; the node has none. */
static inline void start_hand(int node)
{
	int fds[2];

	fflush(NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
		perror("socketpair");
		exit(2);
	}
	nodes[node].hand = fork();
	if (!nodes[node].hand) {
		close(fds[0]);
		nodes[node].hand = getpid();
		hand_main(node, fds[1]);
	}
	close(fds[1]);
	nodes[node].fd = fds[0];
}

/** Kills a hand as a program is killed. */
static inline void kill_hand(int node)
{
	kill(nodes[node].hand, SIGKILL);
	while (waitpid(nodes[node].hand, NULL, 0) < 0)
		;
	close(nodes[node].fd);
	nodes[node].hand = 0;
}

/** Kills a daemon, and with it goes the hand of its node. */
static inline void kill_node(int node)
{
	kill(nodes[node].daemon, SIGKILL);
	kill_hand(node);
}

/** Stops a daemon as an operator does. */
static inline void stop_node(int node)
{
	kill(nodes[node].daemon, SIGTERM);
}

static inline void give_order(int line, int node, void (*work)(void))
{
	struct order order = { work, line };

	if (write(nodes[node].fd, &order, sizeof(order)) != (ssize_t)sizeof(order))
		check_true(__FILE__, line, "the hand takes an order", 0);
}

static inline void await_outcome(const char *file, int line, int node)
{
	struct outcome outcome = { 0, 0 };
	ssize_t got = read(nodes[node].fd, &outcome, sizeof(outcome));

	checks_passed += outcome.passed;
	checks_failed += outcome.failed;
	if (!check_true(file, line, "the hand is still there", got == (ssize_t)sizeof(outcome)))
		exit(done());
}

/* Has the hand of a node do something, and waits until it is done. */
#define ON(node, work) \
	do { \
		give_order(__LINE__, node, work); \
		await_outcome(__FILE__, __LINE__, node); \
	} while (0)
/* The same in two steps: others do something meanwhile. */
#define BEGIN(node, work) give_order(__LINE__, node, work)
#define END(node) await_outcome(__FILE__, __LINE__, node)
/* All nodes that have a hand do the same, one after the other. */
#define ON_ALL(work) \
	do { \
		int on_all; \
		for (on_all = 1; on_all <= NODES; on_all++) \
			if (nodes[on_all].hand) \
				ON(on_all, work); \
	} while (0)

static SaUint32T members_seen;

static inline void on_members(SaClmClusterNotificationT *buffer, SaUint32T items, SaUint32T members, SaUint64T view,
			      SaErrorT error)
{
	(void)buffer, (void)items, (void)view;
	if (error == SA_OK)
		members_seen = members;
}

/* How many members the cluster has, as this node sees it. */
static inline SaUint32T count_members(void)
{
	static SaClmClusterNotificationT buffer[NODES];
	SaClmCallbacksT callbacks = { NULL, on_members };
	SaClmHandleT clm;

	members_seen = 0;
	NEED_EQ(saClmInitialize(&clm, &callbacks, &version_a11), SA_OK);
	CHECK_EQ(saClmClusterTrackStart(&clm, SA_TRACK_CURRENT, buffer, NODES), SA_OK);
	CHECK_EQ(saClmDispatch(&clm, SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(saClmFinalize(&clm), SA_OK);
	return members_seen;
}

static inline void await_three(void)
{
	CHECK(WAIT_FOR(count_members() == 3, nap(10)));
}

static inline void await_two(void)
{
	CHECK(WAIT_FOR(count_members() == 2, nap(10)));
}

/** The nodes of the command line, each with a hand, all together. */
static inline void start_hands(int argc, char **argv)
{
	int node;

	if (argc != 1 + 2 * NODES) {
		fprintf(stderr, "usage: %s SOCKET PID SOCKET PID SOCKET PID\n", argv[0]);
		exit(2);
	}
	signal(SIGPIPE, SIG_IGN);
	for (node = 1; node <= NODES; node++) {
		nodes[node].socket = argv[2 * node - 1];
		nodes[node].daemon = (pid_t)atol(argv[2 * node]);
	}
	for (node = 1; node <= NODES; node++)
		start_hand(node);
	ON_ALL(await_three);
}

/** Ends the hands; the exit status of the program. */
static inline int end_hands(const char *source)
{
	int node;

	for (node = 1; node <= NODES; node++) {
		if (!nodes[node].hand)
			continue;
		close(nodes[node].fd);
		CHECK_CHILD(nodes[node].hand);
	}
	return check_done(source);
}

#endif
