/*
 * What the programs share: results by name, checks that report the file and
 * the line, option numbers, and waiting on a selection object.
 *
 * Include it first: it asks the C library for POSIX on top of C99.
 */
#ifndef CTESTS_COMMON_H
#define CTESTS_COMMON_H

#define _XOPEN_SOURCE 700

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ais_types.h"

#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* How long a program waits for what must happen: what has not by then never
 * will, on a machine that does much else either. */
#define PATIENCE (60 * NS_PER_SEC)

/* Exit statuses: 1 for a failed check, 2 for a wrong command line. */
enum { EXIT_CHECK_FAILED = 1, EXIT_USAGE = 2 };

/* For printf: names are counted, not terminated. */
#define NAME_FORMAT "%.*s"
#define NAME_ARGS(name) (int)(name)->length, (const char *)(name)->value

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The version that every Initialize of these programs asks for: A.1.1. */
extern const SaVersionT ais_version;

/* To be called first in main: output goes out line by line, so that a
 * transcript is complete even when its writer is killed. */
void begin(const char *argv0);

/* A name of at most 256 bytes; a longer text ends the program. */
SaNameT name_of(const char *text);

/* `stem.<process id>`: programs that run side by side do not share objects. */
SaNameT own_name(const char *stem);

bool same_name(const SaNameT *a, const SaNameT *b);

/* "SA_OK", ... or "no SaErrorT" for a number that is none. */
const char *error_name(SaErrorT error);

/*
 * Makes a call that has to return `code` and prints what came of it. `what`
 * says in words what is done. A difference is a failure; it is reported with
 * file and line, and the program goes on. True if the call returned `code`.
 */
#define expect(what, call, code) \
	expect_at(__FILE__, __LINE__, (what), #call, (call), (code), true)

/* The same without a line for success: for calls in loops and callbacks. */
#define expect_quietly(what, call, code) \
	expect_at(__FILE__, __LINE__, (what), #call, (call), (code), false)

/* The same, and the program ends with a failure unless the call is right. */
#define must(what, call, code)                                            \
	do {                                                              \
		if (!expect_at(__FILE__, __LINE__, (what), #call, (call), \
			       (code), true))                             \
			exit(finish());                                   \
	} while (0)

bool expect_at(const char *file, int line, const char *what, const char *call,
	       SaErrorT got, SaErrorT wanted, bool print_success);

/* A condition that has to hold; the rest is a printf text that tells what was
 * expected and what came. The value is the condition. */
#define check(condition, ...) \
	((condition) ? true : (fail_at(__FILE__, __LINE__, __VA_ARGS__), false))

/* Counts a failure. Callable from every thread. */
void fail_at(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define fail(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* The number of failures so far. */
int failures(void);

/* Prints the verdict; its value is the exit status of the program. */
int finish(void);

/* The argument of option `letter` as a number between `low` and `high`, both
 * included; anything else ends the program with EXIT_USAGE. */
long option_number(int letter, const char *text, long low, long high);

/* The argument of option `letter` as a time in ns, given in seconds, with a
 * fraction if wanted, between 1 ms and one day. */
int64_t option_seconds(int letter, const char *text);

/* Prints `text` and ends the program: with success for `-h`, with EXIT_USAGE
 * for an option that does not exist. */
void usage(int letter, const char *text);

/* The monotonic clock, and the wall clock since the Unix epoch, in ns. */
int64_t now_ns(void);
SaTimeT wall_clock_ns(void);

/* Sleeps through signals. */
void sleep_ns(int64_t duration);

/* saClmDispatch, saAmfDispatch or saCkptDispatch: all their handles are int. */
typedef SaErrorT (*dispatch_fn)(const int *handle, SaDispatchFlagsT flags);

/*
 * Dispatches what arrives on `selection` until `done` or until the monotonic
 * clock reads `deadline`. True if done. A dispatch that fails is a failure and
 * ends the wait. A NULL `done` never is: wait out the deadline.
 */
bool dispatch_until(dispatch_fn dispatch, const int *handle,
		    SaSelectionObjectT selection, int64_t deadline,
		    bool (*done)(void));

#endif
