/* The code behind common.h. */
#include "common.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

const SaVersionT ais_version = { 'A', 1, 1 };

static const char *program = "?";
static pthread_mutex_t failures_lock = PTHREAD_MUTEX_INITIALIZER;
static int failure_count;

void begin(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	program = slash ? slash + 1 : argv0;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

SaNameT name_of(const char *text)
{
	SaNameT name;
	size_t length = strlen(text);

	if (length > sizeof(name.value)) {
		fprintf(stderr, "%s: a name has at most %zu bytes: %s\n",
			program, sizeof(name.value), text);
		exit(EXIT_USAGE);
	}
	memset(&name, 0, sizeof(name));
	name.length = (SaUint16T)length;
	memcpy(name.value, text, length);
	return name;
}

SaNameT own_name(const char *stem)
{
	char text[128];

	snprintf(text, sizeof(text), "%s.%ld", stem, (long)getpid());
	return name_of(text);
}

bool same_name(const SaNameT *a, const SaNameT *b)
{
	return a->length == b->length && a->length <= sizeof(a->value) &&
	       memcmp(a->value, b->value, a->length) == 0;
}

const char *error_name(SaErrorT error)
{
	static const char *const names[] = {
		[SA_OK] = "SA_OK",
		[SA_ERR_LIBRARY] = "SA_ERR_LIBRARY",
		[SA_ERR_VERSION] = "SA_ERR_VERSION",
		[SA_ERR_INIT] = "SA_ERR_INIT",
		[SA_ERR_TIMEOUT] = "SA_ERR_TIMEOUT",
		[SA_ERR_TRY_AGAIN] = "SA_ERR_TRY_AGAIN",
		[SA_ERR_INVALID_PARAM] = "SA_ERR_INVALID_PARAM",
		[SA_ERR_NO_MEMORY] = "SA_ERR_NO_MEMORY",
		[SA_ERR_BAD_HANDLE] = "SA_ERR_BAD_HANDLE",
		[SA_ERR_BUSY] = "SA_ERR_BUSY",
		[SA_ERR_ACCESS] = "SA_ERR_ACCESS",
		[SA_ERR_NOT_EXIST] = "SA_ERR_NOT_EXIST",
		[SA_ERR_NAME_TOO_LONG] = "SA_ERR_NAME_TOO_LONG",
		[SA_ERR_EXIST] = "SA_ERR_EXIST",
		[SA_ERR_NO_SPACE] = "SA_ERR_NO_SPACE",
		[SA_ERR_INTERRUPT] = "SA_ERR_INTERRUPT",
		[SA_ERR_SYSTEM] = "SA_ERR_SYSTEM",
		[SA_ERR_NAME_NOT_FOUND] = "SA_ERR_NAME_NOT_FOUND",
		[SA_ERR_NO_RESOURCES] = "SA_ERR_NO_RESOURCES",
		[SA_ERR_NOT_SUPPORTED] = "SA_ERR_NOT_SUPPORTED",
		[SA_ERR_BAD_OPERATION] = "SA_ERR_BAD_OPERATION",
		[SA_ERR_FAILED_OPERATION] = "SA_ERR_FAILED_OPERATION",
		[SA_ERR_MESSAGE_ERROR] = "SA_ERR_MESSAGE_ERROR",
		[SA_ERR_NO_MESSAGE] = "SA_ERR_NO_MESSAGE",
		[SA_ERR_QUEUE_FULL] = "SA_ERR_QUEUE_FULL",
		[SA_ERR_QUEUE_NOT_AVAILABLE] = "SA_ERR_QUEUE_NOT_AVAILABLE",
		[SA_ERR_BAD_CHECKPOINT] = "SA_ERR_BAD_CHECKPOINT",
		[SA_ERR_BAD_FLAGS] = "SA_ERR_BAD_FLAGS",
		[SA_ERR_SECURITY] = "SA_ERR_SECURITY",
	};
	unsigned int number = (unsigned int)error;

	if (number >= COUNT_OF(names) || names[number] == NULL)
		return "no SaErrorT";
	return names[number];
}

bool expect_at(const char *file, int line, const char *what, const char *call,
	       SaErrorT got, SaErrorT wanted, bool print_success)
{
	const char *hint = "";

	if (got == wanted) {
		if (print_success)
			printf("%s: %s\n", what, error_name(got));
		return true;
	}
	if (got == SA_ERR_TRY_AGAIN)
		hint = "; is aisexec running?";
	else if (got == SA_ERR_SECURITY)
		hint = "; is the user root or in group ais?";
	fail_at(file, line, "%s: expected %s (%d), got %s (%d) from %s%s", what,
		error_name(wanted), (int)wanted, error_name(got), (int)got, call,
		hint);
	return false;
}

void fail_at(const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	va_list arguments;

	pthread_mutex_lock(&failures_lock);
	failure_count++;
	printf("FAIL %s:%d: ", slash ? slash + 1 : file, line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	pthread_mutex_unlock(&failures_lock);
}

int failures(void)
{
	int count;

	pthread_mutex_lock(&failures_lock);
	count = failure_count;
	pthread_mutex_unlock(&failures_lock);
	return count;
}

int finish(void)
{
	int count = failures();

	if (count > 0) {
		printf("%s: %d failure%s\n", program, count,
		       count == 1 ? "" : "s");
		return EXIT_CHECK_FAILED;
	}
	printf("%s: passed\n", program);
	return EXIT_SUCCESS;
}

long option_number(int letter, const char *text, long low, long high)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end != '\0' || value < low || value > high) {
		fprintf(stderr, "%s: -%c %s: a number from %ld to %ld is wanted\n",
			program, letter, text, low, high);
		exit(EXIT_USAGE);
	}
	return value;
}

int64_t option_seconds(int letter, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	/* The comparison is written so that NaN fails it. */
	if (end == text || *end != '\0' ||
	    !(seconds >= 0.001 && seconds <= 86400.0)) {
		fprintf(stderr,
			"%s: -%c %s: seconds from 0.001 to 86400 are wanted\n",
			program, letter, text);
		exit(EXIT_USAGE);
	}
	return (int64_t)(seconds * (double)NS_PER_SEC);
}

void usage(int letter, const char *text)
{
	FILE *out = letter == 'h' ? stdout : stderr;

	fprintf(out, "usage: %s %s", program, text);
	exit(letter == 'h' ? EXIT_SUCCESS : EXIT_USAGE);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * NS_PER_SEC + time.tv_nsec;
}

int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

SaTimeT wall_clock_ns(void)
{
	return (SaTimeT)clock_ns(CLOCK_REALTIME);
}

void sleep_ns(int64_t duration)
{
	struct timespec left = {
		.tv_sec = (time_t)(duration / NS_PER_SEC),
		.tv_nsec = (long)(duration % NS_PER_SEC),
	};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

bool dispatch_until(dispatch_fn dispatch, const int *handle,
		    SaSelectionObjectT selection, int64_t deadline,
		    bool (*done)(void))
{
	struct pollfd waiting = { .fd = selection, .events = POLLIN };

	while (done == NULL || !done()) {
		int64_t left = deadline - now_ns();
		int64_t left_ms = (left + NS_PER_MS - 1) / NS_PER_MS;
		int ready;

		if (left <= 0)
			return false;
		/* Not longer at once: a signal that changes what `done` says
		 * may come just before the poll. */
		ready = poll(&waiting, 1, left_ms > 500 ? 500 : (int)left_ms);
		if (ready < 0 && errno != EINTR) {
			fail("poll on the selection object: %s", strerror(errno));
			return false;
		}
		if (ready > 0 &&
		    !expect_quietly("dispatch", dispatch(handle, SA_DISPATCH_ALL),
				    SA_OK))
			return false;
	}
	return true;
}
