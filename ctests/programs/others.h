/*
 * Other processes of this machine that are asked to take bytes and say so: what
 * it costs, with bare sockets, to have all nodes of a cluster know something.
 * The bytes go to each in UDP datagrams on 127.0.0.1; who has them all sends a
 * small one back. All of them sleep while they wait.
 */
#ifndef CTESTS_OTHERS_H
#define CTESTS_OTHERS_H

#include "../common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PIECE 1400 /* bytes of a datagram at most */
#define ANSWER 64
#define MOST_OTHERS 15
/* Datagrams sent at a time at most: so many have room in any socket. */
#define MOST_PIECES 40
/* Nothing is waited for longer: what got lost is sent again. */
#define PATIENCE_MS 100

struct others {
	long count;
	int fd;
	uint32_t call;
	struct sockaddr_in address[MOST_OTHERS];
	pid_t process[MOST_OTHERS];
};

/* In front of every datagram. */
struct piece {
	uint32_t call;
	uint32_t left; /* datagrams of this call to come */
};

static int others_socket(struct sockaddr_in *address)
{
	struct timeval patience = { .tv_usec = PATIENCE_MS * 1000 };
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!check(fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0 &&
			   getsockname(fd, (struct sockaddr *)address, &length) == 0,
		   "expected a socket on 127.0.0.1: %s", strerror(errno)))
		exit(finish());
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* What one of them does, as long as there is somebody to ask. */
static void others_answer(int fd, pid_t starter)
{
	static uint8_t datagram[PIECE];

	while (getppid() == starter) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		struct piece piece;

		if (recvfrom(fd, datagram, sizeof(datagram), 0,
			     (struct sockaddr *)&from, &length) < (ssize_t)sizeof(piece))
			continue;
		memcpy(&piece, datagram, sizeof(piece));
		if (piece.left == 0)
			sendto(fd, datagram, ANSWER, 0, (struct sockaddr *)&from, length);
	}
	_exit(0);
}

static void others_start(struct others *others, long count)
{
	const pid_t starter = getpid();
	struct sockaddr_in own;

	others->count = count;
	others->call = 0;
	for (long i = 0; i < count; i++) {
		int fd = others_socket(&others->address[i]);

		others->process[i] = fork();
		if (others->process[i] == 0)
			others_answer(fd, starter);
		check(others->process[i] > 0, "expected another process: %s",
		      strerror(errno));
		close(fd);
	}
	others->fd = others_socket(&own);
}

static void others_send(struct others *others, size_t bytes)
{
	static uint8_t datagram[PIECE];
	const size_t room = PIECE - sizeof(struct piece);
	struct piece piece = { ++others->call, (uint32_t)((bytes - 1) / room) };

	for (;; bytes -= room, piece.left--) {
		size_t size = sizeof(piece) + (bytes < room ? bytes : room);

		memcpy(datagram, &piece, sizeof(piece));
		for (long i = 0; i < others->count; i++)
			sendto(others->fd, datagram, size < ANSWER ? ANSWER : size, 0,
			       (struct sockaddr *)&others->address[i],
			       sizeof(others->address[i]));
		if (piece.left == 0)
			return;
	}
}

/* Sends so many bytes to all at once and waits until all have them. */
static void others_ask_part(struct others *others, size_t bytes)
{
	long missing = others->count;

	others_send(others, bytes);
	while (missing > 0) {
		struct piece piece;

		if (recv(others->fd, &piece, sizeof(piece), 0) == (ssize_t)sizeof(piece)) {
			missing -= piece.call == others->call;
		} else if (errno == EAGAIN) {
			missing = others->count;
			others_send(others, bytes);
		}
	}
}

/* The same of as many bytes as there may be. */
static void others_ask(struct others *others, size_t bytes)
{
	const size_t most = MOST_PIECES * (PIECE - sizeof(struct piece));

	for (; bytes > most; bytes -= most)
		others_ask_part(others, most);
	others_ask_part(others, bytes);
}

static void others_stop(struct others *others)
{
	for (long i = 0; i < others->count; i++) {
		if (others->process[i] > 0) {
			kill(others->process[i], SIGKILL);
			waitpid(others->process[i], NULL, 0);
		}
	}
	close(others->fd);
}

#endif
