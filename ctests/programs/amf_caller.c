/*
 * A component with one thread: it dispatches, and makes a call between, again
 * and again, as long as it works. Whatever keeps the call waiting keeps its
 * heartbeats unanswered. Prints when it is called back as testamf1 -q -T does,
 * and at its end its longest call.
 */
#include "common.h"
#include "ais_amf.h"
#include "ais_ckpt.h"

#include <poll.h>
#include <signal.h>

static const char help[] =
	"-n NAME -c CALL\n"
	"  -n NAME  the component\n"
	"  -c CALL  write, overwrite, section, open, unlink, synchronize,\n"
	"           retention, report or state\n"
	"  -h       this text\n"
	"An interrupt (SIGINT, SIGTERM) ends it.\n";

static SaAmfHandleT handle;
static SaNameT component;
static SaNameT checkpoint_name; /* of its checkpoint */
static SaCkptCheckpointHandleT checkpoint;
static bool works;
static volatile sig_atomic_t interrupted;

static char section_name[] = "s";
static SaCkptSectionIdT section = { (SaUint8T *)section_name, 1 };

static const SaCkptCheckpointCreationAttributesT attributes = {
	.creationFlags = SA_CKPT_WR_ALL_REPLICAS,
	.checkpointSize = 4096,
	.retentionDuration = 0,
	.maxSections = 4,
	.maxSectionSize = 1024,
	.maxSectionIdSize = 8,
};

static SaErrorT open_it(SaCkptCheckpointHandleT *opened)
{
	return saCkptCheckpointOpen(&checkpoint_name, &attributes,
				    SA_CKPT_CHECKPOINT_READ |
					    SA_CKPT_CHECKPOINT_WRITE,
				    0, opened);
}

static SaErrorT call_write(void)
{
	SaCkptIOVectorElementT element = { section, "data", 4, 0, 0 };

	return saCkptCheckpointWrite(&checkpoint, &element, 1, NULL);
}

static SaErrorT call_overwrite(void)
{
	return saCkptSectionOverwrite(&checkpoint, &section, (SaUint8T *)"data",
				      4);
}

static SaErrorT call_section(void)
{
	SaCkptSectionIdT other = { (SaUint8T *)"t", 1 };
	SaCkptSectionCreationAttributesT creation = { &other, SA_TIME_END };
	SaErrorT error = saCkptSectionCreate(&checkpoint, &creation,
					     (SaUint8T *)"data", 4);

	return error == SA_OK || error == SA_ERR_EXIST ?
		       saCkptSectionDelete(&checkpoint, &other) :
		       error;
}

static SaErrorT call_open(void)
{
	SaCkptCheckpointHandleT again;
	SaErrorT error = open_it(&again);

	return error == SA_OK ? saCkptCheckpointClose(&again) : error;
}

static SaErrorT call_unlink(void)
{
	SaErrorT error = saCkptCheckpointUnlink(&checkpoint_name);

	if (error == SA_OK)
		error = saCkptCheckpointClose(&checkpoint);
	return error == SA_OK ? open_it(&checkpoint) : error;
}

static SaErrorT call_synchronize(void)
{
	return saCkptCheckpointSynchronize(&checkpoint, 0);
}

static SaErrorT call_retention(void)
{
	return saCkptCheckpointRetentionDurationSet(&checkpoint, 1);
}

static SaErrorT call_report(void)
{
	const SaAmfErrorDescriptorT error = {
		.errorReportType = SA_AMF_PROCESSING_ERROR_ALARM_TYPE,
		.probableCause = SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE,
		.errorImpactAndSeverity = SA_AMF_MINOR,
		.recommendedRecovery = SA_AMF_INTERNALLY_RECOVERED,
	};

	return saAmfErrorReport(&component, &component, 0, &error, NULL);
}

static SaErrorT call_state(void)
{
	SaAmfReadinessStateT state;

	return saAmfReadinessStateGet(&component, &state);
}

static const struct {
	const char *name;
	SaErrorT (*make)(void);
} calls[] = {
	{ "write", call_write },	     { "overwrite", call_overwrite },
	{ "section", call_section },	     { "open", call_open },
	{ "unlink", call_unlink },	     { "synchronize", call_synchronize },
	{ "retention", call_retention },     { "report", call_report },
	{ "state", call_state },
};

static void print_head(void)
{
	printf("%lld " NAME_FORMAT ": ", (long long)(now_ns() / 1000),
	       NAME_ARGS(&component));
}

static void on_healthcheck(SaInvocationT invocation, const SaNameT *name,
			   SaAmfHealthcheckT type)
{
	(void)name;
	(void)type;
	saAmfResponse(invocation, SA_OK);
}

static void on_readiness(SaInvocationT invocation, const SaNameT *name,
			 SaAmfReadinessStateT state)
{
	(void)name;
	print_head();
	printf("readiness %s\n", state == SA_AMF_IN_SERVICE ? "IN_SERVICE" :
				 state == SA_AMF_STOPPING   ? "STOPPING" :
							      "OUT_OF_SERVICE");
	if (state == SA_AMF_STOPPING)
		saAmfStoppingComplete(invocation, SA_OK);
	else
		saAmfResponse(invocation, SA_OK);
}

static void on_csi_set(SaInvocationT invocation, const SaNameT *name,
		       const SaNameT *csi, SaAmfCSIFlagsT flags,
		       SaAmfHAStateT *state, SaNameT *active,
		       SaAmfCSITransitionDescriptorT transition)
{
	(void)name;
	(void)flags;
	(void)active;
	(void)transition;
	works = *state != SA_AMF_QUIESCED;
	print_head();
	printf("CSI " NAME_FORMAT " %s\n", NAME_ARGS(csi),
	       *state == SA_AMF_ACTIVE	? "ACTIVE" :
	       *state == SA_AMF_STANDBY ? "STANDBY" :
					  "QUIESCED");
	saAmfResponse(invocation, SA_OK);
}

static void on_terminate(SaInvocationT invocation, const SaNameT *name)
{
	(void)name;
	saAmfResponse(invocation, SA_OK);
	interrupted = 1;
}

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* Calls and dispatches in turn until it is interrupted. */
static void play(SaErrorT (*call)(void), SaSelectionObjectT selection)
{
	int64_t longest = 0;
	unsigned long done = 0;

	while (!interrupted) {
		struct pollfd ready = { selection, POLLIN, 0 };
		int64_t start, took;

		poll(&ready, 1, 5);
		must("dispatch", saAmfDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
		if (!works)
			continue;
		start = now_ns();
		done += call() == SA_OK;
		took = now_ns() - start;
		longest = took > longest ? took : longest;
	}
	printf("calls %lu longest %lld ms\n", done,
	       (long long)(longest / NS_PER_MS));
}

int main(int argc, char *argv[])
{
	const SaAmfCallbacksT callbacks = {
		.saAmfHealthcheckCallback = on_healthcheck,
		.saAmfReadinessStateSetCallback = on_readiness,
		.saAmfComponentTerminateCallback = on_terminate,
		.saAmfCSISetCallback = on_csi_set,
	};
	const struct sigaction action = { .sa_handler = on_signal };
	SaCkptSectionCreationAttributesT creation = { &section, SA_TIME_END };
	SaErrorT (*call)(void) = NULL;
	SaSelectionObjectT selection;
	int letter;

	begin(argv[0]);
	while ((letter = getopt(argc, argv, "n:c:h")) != -1) {
		if (letter == 'n')
			component = checkpoint_name = name_of(optarg);
		else if (letter != 'c')
			usage(letter, help);
		for (size_t i = 0; letter == 'c' && i < COUNT_OF(calls); i++)
			if (strcmp(calls[i].name, optarg) == 0)
				call = calls[i].make;
	}
	if (component.length == 0 || call == NULL)
		usage('?', help);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	must("initialize", saAmfInitialize(&handle, &callbacks, &ais_version),
	     SA_OK);
	must("selection object", saAmfSelectionObjectGet(&handle, &selection),
	     SA_OK);
	must("open", open_it(&checkpoint), SA_OK);
	must("create a section",
	     saCkptSectionCreate(&checkpoint, &creation, (SaUint8T *)"data", 4),
	     SA_OK);
	must("register", saAmfComponentRegister(&handle, &component, NULL), SA_OK);
	play(call, selection);
	expect("finalize", saAmfFinalize(&handle), SA_OK);
	return finish();
}
