/*
 * How many writes several threads of one program get done together, each with
 * a checkpoint of its own and one write outstanding.
 */
#include "common.h"
#include "ais_ckpt.h"

#include <pthread.h>

#define MAX_THREADS 256
#define MAX_COUNTS 32

static const char help[] =
	"[-t N,N,...] [-s BYTES] [-w SECONDS]\n"
	"  -t N,N,...  how many threads (default 1,2,4,16,40)\n"
	"  -s BYTES    of each write (default 1000)\n"
	"  -w SECONDS  the window per number of threads (default 1)\n"
	"  -h          this text\n";

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 100000,
	.retentionDuration = 0,
	.maxSections = 5,
	.maxSectionSize = 100000,
	.maxSectionIdSize = 10,
};

struct worker {
	pthread_t thread;
	SaCkptCheckpointHandleT handle;
	long writes;
	long retries;
	int64_t started; /* monotonic, ns */
	int64_t ended;
};

static long size = 1000;
static int64_t window = NS_PER_SEC;
static uint8_t *data; /* read by all threads, written by none */
static struct worker workers[MAX_THREADS];
static pthread_barrier_t start_line;

static SaCkptSectionIdT section_id(void)
{
	SaCkptSectionIdT id = { (SaUint8T *)"bench", 5 };

	return id;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	SaCkptIOVectorElementT element = { section_id(), data, (SaSizeT)size, 0,
					   0 };
	SaUint32T bad;

	pthread_barrier_wait(&start_line);
	worker->started = now_ns();
	do {
		SaErrorT result = saCkptCheckpointWrite(&worker->handle,
							&element, 1, &bad);

		if (result == SA_ERR_TRY_AGAIN) {
			worker->retries++;
			sleep_ns(NS_PER_MS);
		} else if (expect_quietly("write", result, SA_OK)) {
			worker->writes++;
		} else {
			break;
		}
		worker->ended = now_ns();
	} while (worker->ended < worker->started + window);
	return NULL;
}

static void open_checkpoint(struct worker *worker, int number)
{
	SaCkptSectionIdT id = section_id();
	SaCkptSectionCreationAttributesT section = { &id, SA_TIME_END };
	SaNameT name;
	char stem[32];

	snprintf(stem, sizeof(stem), "ckptbenchth.%d", number);
	name = own_name(stem);
	if (!expect_quietly("open",
			    saCkptCheckpointOpen(&name, &attributes,
						 SA_CKPT_CHECKPOINT_READ |
							 SA_CKPT_CHECKPOINT_WRITE,
						 0, &worker->handle),
			    SA_OK) ||
	    !expect_quietly("create a section",
			    saCkptSectionCreate(&worker->handle, &section, NULL, 0),
			    SA_OK))
		exit(finish());
}

/* One line of the table. */
static void measure(long threads)
{
	long writes = 0;
	long retries = 0;
	int64_t started = INT64_MAX;
	int64_t ended = 0;
	double seconds;

	for (int i = 0; i < threads; i++) {
		memset(&workers[i], 0, sizeof(workers[i]));
		open_checkpoint(&workers[i], i);
	}
	pthread_barrier_init(&start_line, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
			fail("expected thread %d to start", i);
			exit(finish());
		}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start_line);

	for (int i = 0; i < threads; i++) {
		check(workers[i].writes > 0,
		      "expected thread %d of %ld to write at least once", i,
		      threads);
		writes += workers[i].writes;
		retries += workers[i].retries;
		if (workers[i].started < started)
			started = workers[i].started;
		if (workers[i].ended > ended)
			ended = workers[i].ended;
		expect_quietly("close", saCkptCheckpointClose(&workers[i].handle),
			       SA_OK);
	}
	seconds = (double)(ended - started) / (double)NS_PER_SEC;
	printf("%7ld %10.0f %8.1f", threads, (double)writes / seconds,
	       (double)writes * (double)size / 1e6 / seconds);
	if (retries > 0)
		printf("  (told to try again %ld times)", retries);
	printf("\n");
}

/* "1,2,4" into counts; their number. */
static size_t take_counts(char *text, long *counts)
{
	size_t n = 0;

	for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
		if (n == MAX_COUNTS)
			usage('?', help);
		counts[n++] = option_number('t', part, 1, MAX_THREADS);
	}
	return n;
}

int main(int argc, char *argv[])
{
	long counts[MAX_COUNTS] = { 1, 2, 4, 16, 40 };
	size_t count = 5;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "t:s:w:h")) != -1) {
		if (letter == 't')
			count = take_counts(optarg, counts);
		else if (letter == 's')
			size = option_number(letter, optarg, 1, 16000000);
		else if (letter == 'w')
			window = option_seconds(letter, optarg);
		else
			usage(letter, help);
	}
	data = calloc(1, (size_t)size);
	if (data == NULL) {
		fail("expected memory for %ld bytes", size);
		return finish();
	}
	printf("writes of %ld bytes\nthreads   writes/s     MB/s\n", size);
	for (size_t i = 0; i < count && failures() == 0; i++)
		measure(counts[i]);
	free(data);
	return finish();
}
