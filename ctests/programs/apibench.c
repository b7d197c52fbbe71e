/*
 * What one call costs, beside what the bare sockets cost in the same run: the
 * floors are ping-pongs between two processes over a Unix stream socket, once
 * blocking and once polling the non-blocking socket before they sleep.
 */
#include "common.h"
#include "others.h"
#include "ais_amf.h"
#include "ais_ckpt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SMALL 64
#define LARGE 49001
#define POLL_BUDGET (20 * 1000) /* ns */
#define HEARTBEATS 20

/* Nothing that was asked of this process so far, nor will be soon. */
#define UNKNOWN_INVOCATION 0x7FFFFFFF

static const char help[] =
	"[-c CALLS] [-j] [-f BYTES [-n OTHERS]]\n"
	"  -c CALLS  how often each thing is done (default 20000)\n"
	"  -j        JSON, one object per line, instead of a table\n"
	"  -f BYTES  only the floor of a write of so many bytes: the median time\n"
	"            of a polling ping-pong, in us\n"
	"  -n OTHERS on so many nodes besides: the other process sleeps, and\n"
	"            answers when so many more have said that they have the bytes\n"
	"  -h        this text\n"
	"Answers to heartbeats are timed with comp_a_in_su_z and\n"
	"comp_b_in_su_z, if nobody else plays them.\n";

static long calls = 20000;
static bool as_json;
static long only_floor;
static long other_nodes;

/* Latencies of one thing that was done `count` times. */
struct samples {
	int64_t *ns;
	long count;
	int64_t total;
};

/* Mean times of the floors, in ns; what calls are compared with. Not medians:
 * a blocking ping-pong is either fast or slow, as the scheduler places the two
 * processes, and its median jumps between the two. */
static struct {
	double blocking;
	double polling;
	double polling_large;
} floor_ns;

static struct samples samples_new(long capacity)
{
	struct samples samples = { calloc((size_t)capacity, sizeof(int64_t)), 0, 0 };

	if (samples.ns == NULL) {
		fail("expected memory for %ld samples", capacity);
		exit(finish());
	}
	return samples;
}

static void add(struct samples *samples, int64_t ns)
{
	samples->ns[samples->count++] = ns;
	samples->total += ns;
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a;
	int64_t right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static double percentile(const struct samples *samples, int percent)
{
	return (double)samples->ns[(samples->count - 1) * percent / 100];
}

static void print_heading(void)
{
	if (!as_json)
		printf("%-34s %8s %9s %9s %10s %9s %9s\n", "", "calls",
		       "p50 us", "p99 us", "calls/s", "blocking", "polling");
}

static void print_ratio(double ns, double floor)
{
	if (floor > 0)
		printf(" %8.2fx", ns / floor);
	else
		printf(" %9s", "");
}

static void print_json_ratio(const char *name, double ns, double floor)
{
	if (floor > 0)
		printf(",\"%s\":%.3f", name, ns / floor);
}

/* One line; a floor of 0 is none to compare with. Frees the samples; its value
 * is their mean in ns. */
static double report(const char *name, struct samples *samples, double blocking,
		     double polling)
{
	double p50;
	double p99;
	double mean;

	if (samples->count == 0) {
		free(samples->ns);
		return 0;
	}
	qsort(samples->ns, (size_t)samples->count, sizeof(samples->ns[0]), compare);
	p50 = percentile(samples, 50);
	p99 = percentile(samples, 99);
	mean = (double)samples->total / (double)samples->count;
	if (as_json) {
		printf("{\"name\":\"%s\",\"calls\":%ld,\"p50_us\":%.3f,"
		       "\"p99_us\":%.3f,\"per_second\":%.0f",
		       name, samples->count, p50 / 1e3, p99 / 1e3, 1e9 / mean);
		print_json_ratio("to_blocking", mean, blocking);
		print_json_ratio("to_polling", mean, polling);
		printf("}\n");
	} else {
		printf("%-34s %8ld %9.2f %9.2f %10.0f", name, samples->count,
		       p50 / 1e3, p99 / 1e3, 1e9 / mean);
		print_ratio(mean, blocking);
		print_ratio(mean, polling);
		printf("\n");
	}
	free(samples->ns);
	return mean;
}

/* Looks for what arrives until POLL_BUDGET is used up, then sleeps. */
static void await(int fd, short events, int64_t *poll_until)
{
	struct pollfd waiting = { .fd = fd, .events = events };

	if (*poll_until == 0)
		*poll_until = now_ns() + POLL_BUDGET;
	else if (now_ns() >= *poll_until)
		poll(&waiting, 1, -1);
}

/* All `size` bytes in or out of `fd`, blocking or not. False at its end. */
static bool transfer(int fd, uint8_t *bytes, size_t size, bool out)
{
	int64_t poll_until = 0;
	size_t done = 0;

	while (done < size) {
		ssize_t n = out ? send(fd, bytes + done, size - done, MSG_NOSIGNAL) :
				  recv(fd, bytes + done, size - done, 0);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			await(fd, out ? POLLOUT : POLLIN, &poll_until);
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}

/* The other process: answers `there` bytes with SMALL ones, when the processes
 * of other nodes have them too. */
static void echo(int fd, uint8_t *bytes, size_t there)
{
	struct others others;

	others_start(&others, other_nodes);
	while (transfer(fd, bytes, there, false)) {
		others_ask(&others, there);
		if (!transfer(fd, bytes, SMALL, true))
			break;
	}
	others_stop(&others);
	_exit(0);
}

/* Times of `there` bytes to another process and SMALL bytes back. */
static struct samples ping_pong(size_t there, bool polling)
{
	struct samples samples = samples_new(calls);
	uint8_t *bytes = calloc(1, there < SMALL ? SMALL : there);
	int fds[2];
	pid_t child;

	if (!check(bytes != NULL, "expected memory for %zu bytes", there))
		exit(finish());
	if (!check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0,
		   "expected a socket pair: %s", strerror(errno)))
		exit(finish());
	/* Where several nodes share a machine their executives do not poll. */
	for (int i = 0; polling && i < (other_nodes > 0 ? 1 : 2); i++)
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		echo(fds[1], bytes, there);
	}
	close(fds[1]);
	check(child > 0, "expected another process: %s", strerror(errno));
	while (samples.count < calls) {
		int64_t start = now_ns();

		if (!check(transfer(fds[0], bytes, there, true) &&
				   transfer(fds[0], bytes, SMALL, false),
			   "expected the other process to answer"))
			break;
		add(&samples, now_ns() - start);
	}
	close(fds[0]);
	waitpid(child, NULL, 0);
	free(bytes);
	return samples;
}

/* A line of the table; the mean time in ns. */
static double report_ping_pong(const char *name, size_t there, bool polling)
{
	struct samples samples = ping_pong(there, polling);

	return report(name, &samples, 0, 0);
}

/* -f; the exit status. */
static int print_floor(void)
{
	struct samples samples = ping_pong((size_t)only_floor, true);

	qsort(samples.ns, (size_t)samples.count, sizeof(samples.ns[0]), compare);
	if (samples.count > 0)
		printf("%.3f\n", percentile(&samples, 50) / 1e3);
	free(samples.ns);
	return failures() > 0 ? finish() : EXIT_SUCCESS;
}

static void measure_floors(void)
{
	floor_ns.blocking = report_ping_pong("ping-pong, blocking, 64 B", SMALL, false);
	floor_ns.polling = report_ping_pong("ping-pong, polling, 64 B", SMALL, true);
	floor_ns.polling_large =
		report_ping_pong("ping-pong, polling, 49001 B one way", LARGE, true);
}

static void measure_overwrite(const char *name,
			      const SaCkptCheckpointHandleT *handle,
			      const SaCkptSectionIdT *id, int size,
			      double blocking, double polling)
{
	static uint8_t data[LARGE];
	struct samples samples = samples_new(calls);

	while (samples.count < calls) {
		int64_t start = now_ns();

		if (!expect_quietly("overwrite",
				    saCkptSectionOverwrite(handle, id, data, size),
				    SA_OK))
			break;
		add(&samples, now_ns() - start);
	}
	report(name, &samples, blocking, polling);
}

static void measure_read(const SaCkptCheckpointHandleT *handle,
			 const SaCkptSectionIdT *id)
{
	struct samples samples = samples_new(calls);
	uint8_t data[SMALL];
	SaCkptIOVectorElementT element = { *id, data, sizeof(data), 0, 0 };
	SaUint32T bad;

	while (samples.count < calls) {
		int64_t start = now_ns();

		if (!expect_quietly("read",
				    saCkptCheckpointRead(handle, &element, 1, &bad),
				    SA_OK))
			break;
		add(&samples, now_ns() - start);
	}
	report("saCkptCheckpointRead 64 B", &samples, floor_ns.blocking,
	       floor_ns.polling);
}

static void measure_checkpoint(void)
{
	const SaCkptCheckpointCreationAttributesT attributes = {
		.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
		.checkpointSize = 100000,
		.maxSections = 5,
		.maxSectionSize = 100000,
		.maxSectionIdSize = 10,
	};
	SaNameT name = own_name("apibench");
	SaCkptSectionIdT id = { (SaUint8T *)"bench", 5 };
	SaCkptSectionCreationAttributesT section = { &id, SA_TIME_END };
	SaCkptCheckpointHandleT handle;

	if (!expect_quietly("open",
			    saCkptCheckpointOpen(&name, &attributes,
						 SA_CKPT_CHECKPOINT_READ |
							 SA_CKPT_CHECKPOINT_WRITE,
						 0, &handle),
			    SA_OK) ||
	    !expect_quietly("create a section",
			    saCkptSectionCreate(&handle, &section, NULL, 0), SA_OK))
		return;
	measure_overwrite("saCkptSectionOverwrite 64 B", &handle, &id, SMALL,
			  floor_ns.blocking, floor_ns.polling);
	measure_read(&handle, &id);
	measure_overwrite("saCkptSectionOverwrite 49001 B", &handle, &id, LARGE,
			  0, floor_ns.polling_large);
	expect_quietly("close", saCkptCheckpointClose(&handle), SA_OK);
}

/* An answer that the daemon refuses takes the same way as one that it takes,
 * and there can be as many as wanted. */
static void measure_unknown_response(void)
{
	struct samples samples = samples_new(calls);

	while (samples.count < calls) {
		int64_t start = now_ns();

		if (!expect_quietly("answer to an unknown invocation",
				    saAmfResponse(UNKNOWN_INVOCATION, SA_OK),
				    SA_ERR_INVALID_PARAM))
			break;
		add(&samples, now_ns() - start);
	}
	report("saAmfResponse, unknown invocation", &samples, floor_ns.blocking,
	       floor_ns.polling);
}

static struct samples heartbeat_samples;

static void on_healthcheck(SaInvocationT invocation, const SaNameT *name,
			   SaAmfHealthcheckT type)
{
	int64_t start = now_ns();

	(void)name;
	(void)type;
	expect_quietly("answer to a heartbeat", saAmfResponse(invocation, SA_OK),
		       SA_OK);
	if (heartbeat_samples.count < HEARTBEATS)
		add(&heartbeat_samples, now_ns() - start);
}

static void on_readiness(SaInvocationT invocation, const SaNameT *name,
			 SaAmfReadinessStateT state)
{
	(void)name;
	(void)state;
	expect_quietly("answer to a readiness state",
		       saAmfResponse(invocation, SA_OK), SA_OK);
}

static void on_csi_set(SaInvocationT invocation, const SaNameT *name,
		       const SaNameT *csi, SaAmfCSIFlagsT flags,
		       SaAmfHAStateT *state, SaNameT *active,
		       SaAmfCSITransitionDescriptorT transition)
{
	(void)name;
	(void)csi;
	(void)flags;
	(void)state;
	(void)active;
	(void)transition;
	expect_quietly("answer to a CSI assignment",
		       saAmfResponse(invocation, SA_OK), SA_OK);
}

static bool enough_heartbeats(void)
{
	return heartbeat_samples.count >= HEARTBEATS;
}

/* Both components of a unit, so that it comes into service. */
static bool register_unit(const SaAmfHandleT *handle)
{
	const char *const names[] = { "comp_a_in_su_z", "comp_b_in_su_z" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		SaNameT name = name_of(names[i]);
		SaErrorT result = saAmfComponentRegister(handle, &name, NULL);

		if (result != SA_OK) {
			fprintf(stderr, "no answers to heartbeats: %s cannot be "
				"registered: %s\n", names[i], error_name(result));
			return false;
		}
	}
	return true;
}

static void measure_heartbeat_response(void)
{
	const SaAmfCallbacksT callbacks = {
		.saAmfHealthcheckCallback = on_healthcheck,
		.saAmfReadinessStateSetCallback = on_readiness,
		.saAmfCSISetCallback = on_csi_set,
	};
	SaAmfHandleT handle;
	SaSelectionObjectT selection;

	heartbeat_samples = samples_new(HEARTBEATS);
	if (!expect_quietly("Initialize",
			    saAmfInitialize(&handle, &callbacks, &ais_version),
			    SA_OK))
		return;
	if (expect_quietly("SelectionObjectGet",
			   saAmfSelectionObjectGet(&handle, &selection), SA_OK) &&
	    register_unit(&handle))
		check(dispatch_until(saAmfDispatch, &handle, selection,
				     now_ns() + PATIENCE,
				     enough_heartbeats),
		      "expected %d heartbeats, got %ld", HEARTBEATS,
		      heartbeat_samples.count);
	expect_quietly("Finalize", saAmfFinalize(&handle), SA_OK);
	report("saAmfResponse to a heartbeat", &heartbeat_samples,
	       floor_ns.blocking, floor_ns.polling);
}

static void measure_initialize(void)
{
	long pairs = calls < 2000 ? calls : 2000;
	struct samples samples = samples_new(pairs);

	while (samples.count < pairs) {
		SaCkptHandleT handle;
		int64_t start = now_ns();

		if (!expect_quietly("Initialize",
				    saCkptInitialize(&handle, NULL, &ais_version),
				    SA_OK) ||
		    !expect_quietly("Finalize", saCkptFinalize(&handle), SA_OK))
			break;
		add(&samples, now_ns() - start);
	}
	report("saCkptInitialize + saCkptFinalize", &samples, floor_ns.blocking,
	       floor_ns.polling);
}

int main(int argc, char *argv[])
{
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "c:jf:n:h")) != -1) {
		if (letter == 'c')
			calls = option_number(letter, optarg, 1, 100000000);
		else if (letter == 'j')
			as_json = true;
		else if (letter == 'f')
			only_floor = option_number(letter, optarg, 1, 16000000);
		else if (letter == 'n')
			other_nodes = option_number(letter, optarg, 1, MOST_OTHERS);
		else
			usage(letter, help);
	}
	if (only_floor > 0)
		return print_floor();
	if (other_nodes > 0)
		usage('n', help);
	print_heading();
	/* First: the other processes inherit nothing of the library. */
	measure_floors();
	measure_checkpoint();
	measure_unknown_response();
	measure_heartbeat_response();
	measure_initialize();
	if (as_json)
		return failures() > 0 ? finish() : EXIT_SUCCESS;
	printf("The last columns are the mean time over that of the ping-pongs "
	       "of this run, of\n64 B, or of 49001 B where so much is sent. An "
	       "answer to an unknown invocation\nis a whole round trip, refused "
	       "with SA_ERR_INVALID_PARAM.\n");
	return finish();
}
