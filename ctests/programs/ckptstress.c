/*
 * Many threads write large sections at once, each into a checkpoint of its own
 * and all into sections of a shared one, and read back what they wrote.
 */
#include "common.h"
#include "ais_ckpt.h"

#include <pthread.h>

#define MAX_THREADS 256

static const char help[] =
	"[-t THREADS] [-n WRITES] [-s BYTES] [-v N]\n"
	"  -t THREADS  that write at once, 1 to 256 (default 8)\n"
	"  -n WRITES   of each thread (default 200)\n"
	"  -s BYTES    of each write (default 250000)\n"
	"  -v N        read back and compare every Nth write (default 10)\n"
	"  -h          this text\n";

static long writes = 200;
static long size = 250000;
static long verify_every = 10;

/* Declares less than is written, as the programs of 2004 do: by default the
 * limits of a checkpoint are not enforced. */
static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 100000,
	.retentionDuration = 0,
	.maxSections = 5,
	.maxSectionSize = 20000,
	.maxSectionIdSize = 10,
};

/* One thread, and its section: a checkpoint of its own, or the shared one. */
struct worker {
	pthread_t thread;
	int number;
	SaCkptCheckpointHandleT own;
	SaCkptCheckpointHandleT shared;
	char id[24];
	uint8_t *data;
	uint8_t *read_back;
};

/* Every byte depends on who wrote it, when, and where in the section it is. */
static void fill(uint8_t *data, int worker, long write)
{
	uint32_t state = (uint32_t)worker * 2654435761u + (uint32_t)write + 1;

	for (long i = 0; i < size; i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = (uint8_t)(state >> 24);
	}
}

static SaCkptSectionIdT section_of(struct worker *worker)
{
	SaCkptSectionIdT id = { (SaUint8T *)worker->id, strlen(worker->id) };

	return id;
}

static bool write_section(struct worker *worker, const SaCkptCheckpointHandleT *to)
{
	SaCkptIOVectorElementT element = { section_of(worker), worker->data,
					   (SaSizeT)size, 0, 0 };
	SaUint32T bad;

	return expect_quietly("write",
			      saCkptCheckpointWrite(to, &element, 1, &bad),
			      SA_OK);
}

static bool verify(struct worker *worker, const SaCkptCheckpointHandleT *from,
		   long write)
{
	SaCkptIOVectorElementT element = { section_of(worker),
					   worker->read_back, (SaSizeT)size, 0,
					   0 };
	SaUint32T bad;

	memset(worker->read_back, 0, (size_t)size);
	if (!expect_quietly("read",
			    saCkptCheckpointRead(from, &element, 1, &bad),
			    SA_OK))
		return false;
	return check(element.readSize == size &&
			     memcmp(worker->read_back, worker->data,
				    (size_t)size) == 0,
		     "thread %d, write %ld: expected its %ld bytes, got %d%s",
		     worker->number, write, size, (int)element.readSize,
		     element.readSize == size ? " others" : "");
}

/* A thread gives up at its first failure: the rest would only repeat it. */
static void *work(void *argument)
{
	struct worker *worker = argument;

	for (long i = 1; i <= writes; i++) {
		const SaCkptCheckpointHandleT *to =
			i % 2 ? &worker->own : &worker->shared;

		fill(worker->data, worker->number, i);
		if (!write_section(worker, to))
			break;
		if ((i % verify_every == 0 || i == writes) &&
		    !verify(worker, to, i))
			break;
	}
	return NULL;
}

static void open_with_section(const SaNameT *name, struct worker *worker,
			      SaCkptCheckpointHandleT *handle)
{
	SaCkptSectionIdT id = section_of(worker);
	SaCkptSectionCreationAttributesT section = { &id, SA_TIME_END };

	if (!expect_quietly("open",
			    saCkptCheckpointOpen(name, &attributes,
						 SA_CKPT_CHECKPOINT_READ |
							 SA_CKPT_CHECKPOINT_WRITE,
						 0, handle),
			    SA_OK) ||
	    !expect_quietly("create a section",
			    saCkptSectionCreate(handle, &section, NULL, 0), SA_OK))
		exit(finish());
}

static void prepare(struct worker *worker, int number)
{
	SaNameT own_checkpoint;
	SaNameT shared_checkpoint = own_name("ckptstress.shared");
	char stem[32];

	worker->number = number;
	snprintf(worker->id, sizeof(worker->id), "thread %d", number);
	snprintf(stem, sizeof(stem), "ckptstress.%d", number);
	own_checkpoint = own_name(stem);
	worker->data = malloc((size_t)size);
	worker->read_back = malloc((size_t)size);
	if (worker->data == NULL || worker->read_back == NULL) {
		fail("expected memory for %ld bytes twice", size);
		exit(finish());
	}
	open_with_section(&own_checkpoint, worker, &worker->own);
	open_with_section(&shared_checkpoint, worker, &worker->shared);
}

static void conclude(struct worker *worker)
{
	expect_quietly("close", saCkptCheckpointClose(&worker->own), SA_OK);
	expect_quietly("close", saCkptCheckpointClose(&worker->shared), SA_OK);
	free(worker->data);
	free(worker->read_back);
}

int main(int argc, char *argv[])
{
	static struct worker workers[MAX_THREADS];
	long threads = 8;
	int64_t start;
	double seconds;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "t:n:s:v:h")) != -1) {
		if (letter == 't')
			threads = option_number(letter, optarg, 1, MAX_THREADS);
		else if (letter == 'n')
			writes = option_number(letter, optarg, 1, 100000000);
		else if (letter == 's')
			size = option_number(letter, optarg, 1, 16000000);
		else if (letter == 'v')
			verify_every = option_number(letter, optarg, 1, 100000000);
		else
			usage(letter, help);
	}
	for (int i = 0; i < threads; i++)
		prepare(&workers[i], i);
	start = now_ns();
	for (int i = 0; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
			fail("expected thread %d to start", i);
			return finish();
		}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	seconds = (double)(now_ns() - start) / (double)NS_PER_SEC;
	for (int i = 0; i < threads; i++)
		conclude(&workers[i]);
	if (failures() == 0)
		printf("%ld threads, %ld writes of %ld bytes each: %.1f s, "
		       "%.0f writes/s, %.1f MB/s\n",
		       threads, writes, size, seconds,
		       (double)(threads * writes) / seconds,
		       (double)(threads * writes) * (double)size / 1e6 / seconds);
	return finish();
}
