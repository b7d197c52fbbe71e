/*
 * What every conformance program needs: checks that count and say where they
 * failed, waiting for a condition with a deadline, names that no other program
 * uses. Include it before every other header.
 *
 * A program is one `main` that ends with `return done();`. Checks may be made
 * from any thread.
 */
#ifndef CONFORMANCE_CHECK_H
#define CONFORMANCE_CHECK_H

#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ais_types.h"

/* How long a program waits for something that must happen, in ms: what has not
   happened by then never will, on a machine that does much else either. */
#define DEADLINE_MS 60000

/* Handle values that no Initialize ever returned: the one that is never valid,
   and some far from those in use. */
static const int bad_handles[] = { -1, 0x7fffffff, 0x7ffffff0, -0x7fffffff - 1 };
#define BAD_HANDLES ((int)(sizeof(bad_handles) / sizeof(bad_handles[0])))

static const SaVersionT version_a11 = { 'A', 1, 1 };

static int checks_passed;
static int checks_failed;

/** The name of an error code, as the headers spell it. */
static inline const char *error_name(int error)
{
	static const char *const names[] = {
		"0 (no error code)", "SA_OK", "SA_ERR_LIBRARY", "SA_ERR_VERSION", "SA_ERR_INIT",
		"SA_ERR_TIMEOUT", "SA_ERR_TRY_AGAIN", "SA_ERR_INVALID_PARAM", "SA_ERR_NO_MEMORY",
		"SA_ERR_BAD_HANDLE", "SA_ERR_BUSY", "SA_ERR_ACCESS", "SA_ERR_NOT_EXIST",
		"SA_ERR_NAME_TOO_LONG", "SA_ERR_EXIST", "SA_ERR_NO_SPACE", "SA_ERR_INTERRUPT",
		"SA_ERR_SYSTEM", "SA_ERR_NAME_NOT_FOUND", "SA_ERR_NO_RESOURCES",
		"SA_ERR_NOT_SUPPORTED", "SA_ERR_BAD_OPERATION", "SA_ERR_FAILED_OPERATION",
		"SA_ERR_MESSAGE_ERROR", "SA_ERR_NO_MESSAGE", "SA_ERR_QUEUE_FULL",
		"SA_ERR_QUEUE_NOT_AVAILABLE", "SA_ERR_BAD_CHECKPOINT", "SA_ERR_BAD_FLAGS",
		"SA_ERR_SECURITY",
	};

	if (error < 0 || error >= (int)(sizeof(names) / sizeof(names[0])))
		return "not an error code";
	return names[error];
}

static inline int check_count(int passed)
{
	__atomic_fetch_add(passed ? &checks_passed : &checks_failed, 1, __ATOMIC_RELAXED);
	return passed;
}

static inline int check_result(const char *file, int line, const char *expression, int got, int expected)
{
	if (got != expected)
		fprintf(stderr, "%s:%d: %s: got %s (%d), expected %s (%d)\n", file, line, expression,
			error_name(got), got, error_name(expected), expected);
	return check_count(got == expected);
}

static inline int check_number(const char *file, int line, const char *expression, long long got, long long expected)
{
	if (got != expected)
		fprintf(stderr, "%s:%d: %s: got %lld, expected %lld\n", file, line, expression, got, expected);
	return check_count(got == expected);
}

static inline int check_true(const char *file, int line, const char *expression, int truth)
{
	if (!truth)
		fprintf(stderr, "%s:%d: %s: got false, expected true\n", file, line, expression);
	return check_count(truth);
}

/* The call returns the expected SaErrorT. Like the two below: 1 if it holds. */
#define CHECK_EQ(call, expected) check_result(__FILE__, __LINE__, #call, (int)(call), (int)(expected))
/* The integer expression has the expected value. */
#define CHECK_NUM(expression, expected) \
	check_number(__FILE__, __LINE__, #expression, (long long)(expression), (long long)(expected))
/* The condition holds. */
#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, !!(condition))
/* Nothing after this line makes sense without: give up if it fails. */
#define NEED_EQ(call, expected) \
	do { \
		if (!CHECK_EQ(call, expected)) \
			exit(done()); \
	} while (0)

static inline int check_done(const char *source)
{
	const char *name = strrchr(source, '/');
	int length;

	name = name ? name + 1 : source;
	length = (int)strcspn(name, ".");
	printf("%.*s: %d passed, %d failed\n", length, name, checks_passed, checks_failed);
	fflush(stdout);
	return checks_failed ? 1 : 0;
}

/* Prints the program's result; its value is the exit status. */
#define done() check_done(__BASE_FILE__)

/** Milliseconds of a clock that nobody sets. */
static inline long long mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/** Wall clock in ns since the epoch, as SaTimeT counts. */
static inline SaTimeT now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

#define MS_NS(ms) ((SaTimeT)(ms) * 1000000LL)

/** Pauses between two looks at something that another process changes. */
static inline void nap(int ms)
{
	long long end = mono_ms() + ms;
	long long left;

	/* poll, not nanosleep: it may be cut short by the signals of eintr.c. Time
	   is read once, for poll waits for ever if what is left is below 0. */
	while ((left = end - mono_ms()) > 0)
		poll(NULL, 0, (int)left + 1);
}

/* Repeats `step` until `condition` holds: 1, or 0 when that is out of the
   question. */
#define WAIT_FOR(condition, step) \
	({ \
		long long wait_end = mono_ms() + DEADLINE_MS; \
		int wait_reached; \
		while (!(wait_reached = !!(condition)) && mono_ms() < wait_end) { \
			step; \
		} \
		wait_reached; \
	})

/** Whether the selection object says that a callback is pending, waiting up to
    `ms` for it. */
static inline int readable_within(SaSelectionObjectT fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	long long end = mono_ms() + ms;

	do {
		if (poll(&pollfd, 1, ms) > 0)
			return (pollfd.revents & POLLIN) != 0;
		ms = (int)(end - mono_ms());
	} while (ms > 0);
	return 0;
}

#define CHECK_READABLE(fd) CHECK(readable_within(fd, DEADLINE_MS))
#define CHECK_QUIET(fd) CHECK(!readable_within(fd, 0))

/* A step for WAIT_FOR: sleeps until the selection object is readable, for
   50 ms at most, and dispatches everything. */
#define DISPATCH_STEP(dispatch, handle, fd) \
	do { \
		readable_within(fd, 50); \
		CHECK_EQ(dispatch(handle, SA_DISPATCH_ALL), SA_OK); \
	} while (0)

/** A name of these bytes. */
static inline SaNameT name_of(const char *text)
{
	SaNameT name;

	memset(&name, 0, sizeof(name));
	name.length = (SaUint16T)strlen(text);
	memcpy(name.value, text, name.length);
	return name;
}

/** A name that no other running program uses. */
static inline SaNameT unique_name(const char *suffix)
{
	char text[64];

	snprintf(text, sizeof(text), "conformance.%ld.%s", (long)getpid(), suffix);
	return name_of(text);
}

/** A name that says it is longer than a name may be. */
static inline SaNameT overlong_name(void)
{
	SaNameT name = name_of("x");

	memset(name.value, 'x', sizeof(name.value));
	name.length = SA_MAX_NAME_LENGTH + 1;
	return name;
}

static inline int same_name(const SaNameT *name, const char *text)
{
	return name->length == strlen(text) && !memcmp(name->value, text, name->length);
}

/** Whether all bytes are still what the program filled them with. */
static inline int all_bytes(const void *memory, size_t size, unsigned char byte)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte)
			return 0;
	return 1;
}

/* Fill an out parameter, and look later whether a failing call left it alone. */
#define PAINT(object) memset(&(object), 0x5a, sizeof(object))
#define CHECK_UNTOUCHED(object) CHECK(all_bytes(&(object), sizeof(object), 0x5a))

/** Waits for a child; its checks count as one. */
static inline void check_child(const char *file, int line, pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0)
		;
	check_number(file, line, "exit status of the child", status, 0);
}
#define CHECK_CHILD(child) check_child(__FILE__, __LINE__, child)

/** Ends a forked child; only its own failures count. */
static inline void child_done(int failed_before)
{
	fflush(NULL);
	_exit(checks_failed > failed_before ? 1 : 0);
}

/** Whether the program runs under valgrind, which has its own idea of
    descriptors, addresses and of how a thread is cancelled. */
static inline int under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload") != NULL;
}

/** Whether the program runs under valgrind or AddressSanitizer. Frames on the
    stack are larger there, and the child of a process with threads may do no more
    than execute another program: valgrind calls lost what those threads have, and
    AddressSanitizer's allocator stays locked if one of them was in it. */
static inline int under_tool(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 1;
#else
	return under_valgrind();
#endif
}

static inline void ignore_signal(int number)
{
	(void)number;
}

/** Lets a signal interrupt system calls (no SA_RESTART) and do nothing else. */
static inline void catch_signal(int number)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	sigaction(number, &action, NULL);
}

/** Interrupts system calls every `ms` (below 1000); 0 stops it. */
static inline void interrupt_every(int ms)
{
	struct itimerval timer = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	catch_signal(SIGALRM);
	setitimer(ITIMER_REAL, &timer, NULL);
}

#endif
