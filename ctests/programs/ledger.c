/*
 * Keeps a number in a section of a checkpoint and counts it up, through the
 * death and the return of its executive. What was acknowledged must never be
 * lost: whoever reads the section later, on any node, finds the last number
 * that was acknowledged or a later one.
 */
#include "common.h"
#include "ais_ckpt.h"

#include <signal.h>

static const char help[] =
	"-s SECTION [-w] [-t SECONDS]\n"
	"  -s SECTION  its id, at most 23 characters\n"
	"  -w          count up until SIGTERM, then print the last number that was\n"
	"              acknowledged; says so when it has begun and may be ended;\n"
	"              without it, print the number that is there\n"
	"  -t SECONDS  count no longer than that (default 3600)\n"
	"  -h          this text\n";

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 100000,
	.retentionDuration = 3600 * (SaTimeT)1000000000,
	.maxSections = 100,
	.maxSectionSize = 1000,
	.maxSectionIdSize = 24,
};

static volatile sig_atomic_t stopped;

static void on_term(int signal)
{
	(void)signal;
	stopped = 1;
}

static SaCkptSectionIdT section;
static SaCkptCheckpointHandleT handle;
static bool is_open;

/* Opens the checkpoint and sees to it that the section is there. */
static SaErrorT open_ledger(void)
{
	static SaCkptSectionCreationAttributesT creation = { &section, SA_TIME_END };
	SaNameT name = { 6, "ledger" };
	SaErrorT error;

	error = saCkptCheckpointOpen(&name, &attributes,
				     SA_CKPT_CHECKPOINT_READ |
					     SA_CKPT_CHECKPOINT_WRITE,
				     0, &handle);
	if (error != SA_OK)
		return error;
	is_open = true;
	error = saCkptSectionCreate(&handle, &creation, "0", 1);
	return error == SA_ERR_EXIST ? SA_OK : error;
}

static SaErrorT read_number(long long *number)
{
	char text[32] = "";
	SaCkptIOVectorElementT element = { section, text, sizeof(text) - 1, 0, 0 };
	SaErrorT error = saCkptCheckpointRead(&handle, &element, 1, NULL);

	*number = strtoll(text, NULL, 10);
	return error;
}

static SaErrorT write_number(long long number)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%lld", number);

	return saCkptSectionOverwrite(&handle, &section, (SaUint8T *)text, length);
}

static void close_ledger(void)
{
	if (is_open)
		saCkptCheckpointClose(&handle);
	is_open = false;
}

/* The errors of an executive that is not there, or not yet. Whether the call
 * took place is not known. */
static bool is_passing(SaErrorT error)
{
	return error == SA_ERR_TRY_AGAIN || error == SA_ERR_TIMEOUT ||
	       error == SA_ERR_LIBRARY || error == SA_ERR_BAD_HANDLE;
}

/* Opens and reads as often as it takes, until patience ends or SIGTERM comes. */
static bool reopen(long long *number)
{
	int64_t end = now_ns() + PATIENCE;
	SaErrorT error;

	for (;;) {
		close_ledger();
		error = open_ledger();
		if (error == SA_OK)
			error = read_number(number);
		if (stopped || !is_passing(error) || now_ns() >= end)
			break;
		sleep_ns(5 * NS_PER_MS);
	}
	return stopped || expect_quietly("open the ledger", error, SA_OK);
}

static void count_up(int64_t end)
{
	long long acknowledged = 0;
	long long next;
	long long held;
	long interruptions = 0;
	long writes = 0;
	/* Who cannot begin is not waited for until the end. */
	int64_t limit = now_ns() + PATIENCE;

	if (!reopen(&next))
		return;
	while (!stopped && now_ns() < limit) {
		SaErrorT error = write_number(++next);

		if (error == SA_OK) {
			acknowledged = next;
			if (writes++ == 0) {
				printf("counting\n");
				limit = end;
			}
			continue;
		}
		if (!is_passing(error)) {
			expect_quietly("count up", error, SA_OK);
			break;
		}
		interruptions++;
		if (error == SA_ERR_TRY_AGAIN)
			sleep_ns(NS_PER_MS);
		else if (!reopen(&held))
			break;
	}
	printf("acknowledged %lld, %ld writes, %ld interruptions\n",
	       acknowledged, writes, interruptions);
}

int main(int argc, char *argv[])
{
	int64_t seconds = 3600;
	bool writes = false;
	long long number;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "s:wt:h")) != -1) {
		if (letter == 's')
			section = (SaCkptSectionIdT){ (SaUint8T *)optarg,
						      strlen(optarg) };
		else if (letter == 'w')
			writes = true;
		else if (letter == 't')
			seconds = option_number(letter, optarg, 1, 86400);
		else
			usage(letter, help);
	}
	if (section.idLen == 0 || section.idLen > 23)
		usage('?', help);
	signal(SIGTERM, on_term);
	if (writes) {
		count_up(now_ns() + seconds * NS_PER_SEC);
	} else if (reopen(&number)) {
		printf("%lld\n", number);
	}
	close_ledger();
	return finish();
}
