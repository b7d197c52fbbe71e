/*
 * How many writes of a size one program gets done, for sizes from 1 byte to
 * 49 kB: one checkpoint, one section, one write at a time, a time window per
 * size. The window ends by SIGALRM, which interrupts system calls; no call of
 * the library may notice that.
 */
#include "common.h"
#include "ais_ckpt.h"

#include <signal.h>
#include <sys/time.h>

static const char help[] =
	"[-w SECONDS] [-m N | -s BYTES] [-r]\n"
	"  -w SECONDS  the window per size (default 1)\n"
	"  -m N        only the first N sizes\n"
	"  -s BYTES    only this size, at most 49001\n"
	"  -r          reads as well\n"
	"  -h          this text\n";

static const int sizes[] = {
	1,     1001,  2001,  3001,  4001,  5001,  7001,	 10001,
	15001, 20001, 25001, 30001, 35001, 40001, 45001, 49001,
};

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 100000,
	.retentionDuration = 0,
	.maxSections = 5,
	.maxSectionSize = 100000,
	.maxSectionIdSize = 10,
};

typedef SaErrorT (*transfer_fn)(const SaCkptCheckpointHandleT *handle,
				SaCkptIOVectorElementT *element);

static volatile sig_atomic_t window_over;

static void on_alarm(int signal)
{
	(void)signal;
	window_over = 1;
}

static void open_window(int64_t duration)
{
	struct itimerval timer;

	memset(&timer, 0, sizeof(timer));
	timer.it_value.tv_sec = (time_t)(duration / NS_PER_SEC);
	timer.it_value.tv_usec = (suseconds_t)(duration % NS_PER_SEC / 1000);
	window_over = 0;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static SaErrorT write_once(const SaCkptCheckpointHandleT *handle,
			   SaCkptIOVectorElementT *element)
{
	SaUint32T bad;

	return saCkptCheckpointWrite(handle, element, 1, &bad);
}

static SaErrorT read_once(const SaCkptCheckpointHandleT *handle,
			  SaCkptIOVectorElementT *element)
{
	SaUint32T bad;

	return saCkptCheckpointRead(handle, element, 1, &bad);
}

/* Transfers per second through one window; negative after a failure. */
static double measure(const SaCkptCheckpointHandleT *handle, const char *what,
		      transfer_fn transfer, SaCkptIOVectorElementT *element,
		      int64_t window)
{
	int64_t start = now_ns();
	long done = 0;

	open_window(window);
	do {
		if (!expect_quietly(what, transfer(handle, element), SA_OK))
			return -1;
		done++;
	} while (!window_over);
	return (double)done * (double)NS_PER_SEC / (double)(now_ns() - start);
}

/* One line of the table. False after a failure. */
static bool measure_size(const SaCkptCheckpointHandleT *handle,
			 SaCkptIOVectorElementT *element, int size,
			 int64_t window, bool reads)
{
	double per_second;

	element->dataSize = size;
	per_second = measure(handle, "write", write_once, element, window);
	if (per_second < 0)
		return false;
	printf("%6d %10.0f %8.1f", size, per_second, per_second * size / 1e6);
	if (reads) {
		per_second = measure(handle, "read", read_once, element, window);
		if (per_second < 0)
			return false;
		check(element->readSize == size,
		      "expected to read %d bytes, got %d", size,
		      (int)element->readSize);
		printf(" %10.0f %8.1f", per_second, per_second * size / 1e6);
	}
	printf("\n");
	return true;
}

int main(int argc, char *argv[])
{
	static uint8_t data[49001];
	const struct sigaction action = { .sa_handler = on_alarm };
	SaNameT name = own_name("ckptbench");
	SaCkptSectionIdT id = { (SaUint8T *)"bench", 5 };
	SaCkptSectionCreationAttributesT section = { &id, SA_TIME_END };
	SaCkptIOVectorElementT element = { id, data, 0, 0, 0 };
	SaCkptCheckpointHandleT handle;
	int64_t window = NS_PER_SEC;
	size_t size_count = COUNT_OF(sizes);
	const int *which = sizes;
	int only_size;
	bool reads = false;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "w:m:s:rh")) != -1) {
		if (letter == 'w')
			window = option_seconds(letter, optarg);
		else if (letter == 'm')
			size_count = (size_t)option_number(letter, optarg, 1,
							   (long)COUNT_OF(sizes));
		else if (letter == 's') {
			only_size = (int)option_number(letter, optarg, 1,
						       (long)sizeof(data));
			which = &only_size;
			size_count = 1;
		}
		else if (letter == 'r')
			reads = true;
		else
			usage(letter, help);
	}
	sigaction(SIGALRM, &action, NULL);
	memset(data, 'b', sizeof(data));

	must("open",
	     saCkptCheckpointOpen(&name, &attributes,
				  SA_CKPT_CHECKPOINT_READ |
					  SA_CKPT_CHECKPOINT_WRITE,
				  0, &handle),
	     SA_OK);
	must("create a section",
	     saCkptSectionCreate(&handle, &section, NULL, 0), SA_OK);
	printf(" bytes   writes/s     MB/s%s\n",
	       reads ? "    reads/s     MB/s" : "");
	for (size_t i = 0; i < size_count; i++)
		if (!measure_size(&handle, &element, which[i], window, reads))
			break;
	expect("close", saCkptCheckpointClose(&handle), SA_OK);
	return finish();
}
