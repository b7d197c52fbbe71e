/*
 * A component of conf/groups.conf: registers, does what it is told, answers
 * every callback, prints it, and checks that it was told legal things in a
 * legal order. Its own name, testamf1 to testamf6, says which one it plays.
 */
#include "common.h"
#include "ais_amf.h"

#include <ctype.h>
#include <signal.h>

static const char help[] =
	"[-n NAME] [-g GROUP] [-t SECONDS] [-u STATE] [-s] [-H N] [-q] [-T] [-x]\n"
	"  -n NAME     the component; testamf1 to 6 are comp_a_in_su_x,\n"
	"              comp_b_in_su_x, and so on for su_y and su_z\n"
	"  -g GROUP    the protection group it is in (pgA or pgB for those)\n"
	"  -t SECONDS  end after this time (default 10)\n"
	"  -u STATE    end when it is active, standby or quiesced; a failure\n"
	"              unless that comes true within -t\n"
	"  -s          go through unregister, register, ErrorReport and\n"
	"              ErrorCancelAll; a failure unless done within -t\n"
	"  -H N        print every Nth heartbeat (default 20)\n"
	"  -q          print no heartbeats\n"
	"  -T          print when it is called back, in us of CLOCK_MONOTONIC\n"
	"  -x          exit without unregistering, as a process that dies\n"
	"  -h          this text\n"
	"An interrupt (SIGINT, SIGTERM) ends it in order. SIGUSR1 makes it report\n"
	"an error of its own, SIGUSR2 cancel its errors.\n";

/* In the order testamf1 to testamf6. */
static const struct role {
	const char *component;
	const char *group;
} roles[] = {
	{ "comp_a_in_su_x", "pgA" }, { "comp_b_in_su_x", "pgB" },
	{ "comp_a_in_su_y", "pgA" }, { "comp_b_in_su_y", "pgB" },
	{ "comp_a_in_su_z", "pgA" }, { "comp_b_in_su_z", "pgB" },
};

enum { NO_HA_STATE = 0 };

/* What the framework has made of this component, as far as it was answered. */
static struct {
	bool registered;
	bool in_service;
	int ha_state; /* SaAmfHAStateT or NO_HA_STATE */
	bool terminated;
	unsigned long heartbeats;
} self;

static SaAmfHandleT handle;
static SaSelectionObjectT selection;
static SaNameT component;
static SaNameT group; /* of length 0: not known, not checked */
static long print_every = 20;
static int wanted_state = NO_HA_STATE;
static int64_t deadline;
static bool stamped;
static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t errs;
static volatile sig_atomic_t is_repaired;

static const char *ha_name(int state)
{
	static const char *const names[] = { "none", "ACTIVE", "STANDBY",
					     "QUIESCED" };

	return state >= 0 && state <= SA_AMF_QUIESCED ? names[state] :
							"no SaAmfHAStateT";
}

static const char *readiness_name(SaAmfReadinessStateT state)
{
	switch (state) {
	case SA_AMF_OUT_OF_SERVICE:
		return "OUT_OF_SERVICE";
	case SA_AMF_IN_SERVICE:
		return "IN_SERVICE";
	case SA_AMF_STOPPING:
		return "STOPPING";
	}
	return "no SaAmfReadinessStateT";
}

static const char *transition_name(SaAmfCSITransitionDescriptorT transition)
{
	switch (transition) {
	case SA_AMF_CSI_NEW_ASSIGN:
		return "new assignment";
	case SA_AMF_CSI_QUIESCED:
		return "former active quiesced";
	case SA_AMF_CSI_NOT_QUIESCED:
		return "former active not quiesced";
	case SA_AMF_CSI_STILL_ACTIVE:
		return "former active still active";
	}
	return "no SaAmfCSITransitionDescriptorT";
}

/* A callback that was under way when the component was unregistered may still
 * come; what it says no longer counts, and its answer has no addressee. */
static bool addressed(const SaNameT *name)
{
	check(same_name(name, &component),
	      "expected a callback for " NAME_FORMAT ", got one for " NAME_FORMAT,
	      NAME_ARGS(&component), NAME_ARGS(name));
	return self.registered;
}

/* Begins the line of a callback. */
static void print_head(void)
{
	if (stamped)
		printf("%lld ", (long long)(now_ns() / 1000));
	printf(NAME_FORMAT ": ", NAME_ARGS(&component));
}

static void answer(const char *what, SaInvocationT invocation)
{
	SaErrorT result = saAmfResponse(invocation, SA_OK);

	if (self.registered)
		expect_quietly(what, result, SA_OK);
}

static void on_healthcheck(SaInvocationT invocation, const SaNameT *name,
			   SaAmfHealthcheckT type)
{
	if (addressed(name)) {
		check(self.ha_state != NO_HA_STATE,
		      "expected no heartbeat before an HA state was answered");
		check(type == SA_AMF_HEARTBEAT,
		      "expected check type heartbeat (1), got %d", (int)type);
	}
	answer("answer to a heartbeat", invocation);
	self.heartbeats++;
	if (print_every > 0 && self.heartbeats % (unsigned long)print_every == 0)
		printf(NAME_FORMAT ": %lu heartbeats\n", NAME_ARGS(&component),
		       self.heartbeats);
}

static void on_readiness(SaInvocationT invocation, const SaNameT *name,
			 SaAmfReadinessStateT state)
{
	bool counts = addressed(name);

	print_head();
	printf("readiness %s\n", readiness_name(state));
	if (counts && state == SA_AMF_OUT_OF_SERVICE)
		check(self.ha_state != SA_AMF_ACTIVE &&
			      self.ha_state != SA_AMF_STANDBY,
		      "expected QUIESCED before OUT_OF_SERVICE, was %s",
		      ha_name(self.ha_state));
	check(state >= SA_AMF_OUT_OF_SERVICE && state <= SA_AMF_STOPPING,
	      "expected a readiness state from 1 to 3, got %d", (int)state);

	if (state == SA_AMF_STOPPING) {
		expect_quietly("StoppingComplete",
			       saAmfStoppingComplete(invocation, SA_OK), SA_OK);
		return;
	}
	self.in_service = counts && state == SA_AMF_IN_SERVICE;
	self.ha_state = NO_HA_STATE;
	answer("answer to a readiness state", invocation);
}

/* What is true of every assignment that this component may get now. */
static void check_assignment(const SaNameT *csi, SaAmfCSIFlagsT flags, int state,
			     const SaNameT *active,
			     SaAmfCSITransitionDescriptorT transition)
{
	check(group.length == 0 || same_name(csi, &group),
	      "expected CSI " NAME_FORMAT ", got " NAME_FORMAT,
	      NAME_ARGS(&group), NAME_ARGS(csi));
	check(flags == SA_AMF_CSI_ALL_INSTANCES,
	      "expected the flag all instances (2), got %lu",
	      (unsigned long)flags);
	check(state >= SA_AMF_ACTIVE && state <= SA_AMF_QUIESCED,
	      "expected an HA state from 1 to 3, got %d", state);
	check(transition >= SA_AMF_CSI_NEW_ASSIGN &&
		      transition <= SA_AMF_CSI_STILL_ACTIVE,
	      "expected a transition descriptor from 1 to 4, got %d",
	      (int)transition);
	check(self.in_service,
	      "expected %s only after IN_SERVICE was answered", ha_name(state));
	check(!(self.ha_state == SA_AMF_ACTIVE && state == SA_AMF_STANDBY),
	      "expected an active to be QUIESCED before it is STANDBY");
	if (state == SA_AMF_STANDBY)
		check(!same_name(active, &component),
		      "expected another component to be active, got the standby");
}

static void on_csi_set(SaInvocationT invocation, const SaNameT *name,
		       const SaNameT *csi, SaAmfCSIFlagsT flags,
		       SaAmfHAStateT *state, SaNameT *active,
		       SaAmfCSITransitionDescriptorT transition)
{
	bool counts = addressed(name);

	if (!check(csi != NULL && state != NULL && active != NULL,
		   "expected a CSI, an HA state and an active component, got "
		   "a null pointer"))
		return;
	print_head();
	printf("CSI " NAME_FORMAT " %s (%s", NAME_ARGS(csi), ha_name((int)*state),
	       transition_name(transition));
	if (active->length > 0)
		printf(", active: " NAME_FORMAT, NAME_ARGS(active));
	printf(")\n");
	if (counts) {
		check_assignment(csi, flags, (int)*state, active, transition);
		self.ha_state = (int)*state;
	}
	answer("answer to a CSI assignment", invocation);
}

static void on_csi_remove(SaInvocationT invocation, const SaNameT *name,
			  const SaNameT *csi, const SaAmfCSIFlagsT *flags)
{
	(void)flags;
	print_head();
	printf("CSI " NAME_FORMAT " removed\n", NAME_ARGS(csi));
	if (addressed(name))
		self.ha_state = NO_HA_STATE;
	answer("answer to a CSI removal", invocation);
}

static void on_terminate(SaInvocationT invocation, const SaNameT *name)
{
	print_head();
	printf("terminate\n");
	addressed(name);
	answer("answer to a termination", invocation);
	self.terminated = true;
}

static void on_pending_confirm(const SaInvocationT invocation,
			       const SaNameT *name,
			       SaAmfPendingOperationFlagsT operations)
{
	printf(NAME_FORMAT ": pending operation 0x%lx\n", NAME_ARGS(&component),
	       (unsigned long)operations);
	addressed(name);
	answer("answer to a pending operation", invocation);
}

static void on_pending_expired(const SaNameT *name,
			       SaAmfPendingOperationFlagsT operations)
{
	printf(NAME_FORMAT ": pending operation 0x%lx expired\n",
	       NAME_ARGS(&component), (unsigned long)operations);
	addressed(name);
}

static const SaAmfErrorDescriptorT own_error = {
	.errorReportType = SA_AMF_PROCESSING_ERROR_ALARM_TYPE,
	.probableCause = SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE,
	.errorImpactAndSeverity = SA_AMF_MAJOR,
	.recommendedRecovery = SA_AMF_NO_RECOMMENDATION,
};

static void report_error(void)
{
	expect("error report",
	       saAmfErrorReport(&component, &component, 0, &own_error, NULL), SA_OK);
}

static void cancel_errors(void)
{
	expect("cancel all errors", saAmfErrorCancelAll(&component), SA_OK);
}

/* Ends a wait early, whatever it waits for. Does first what signals want. */
static bool stopped(void)
{
	if (errs) {
		errs = 0;
		report_error();
	}
	if (is_repaired) {
		is_repaired = 0;
		cancel_errors();
	}
	return interrupted || self.terminated;
}

static bool reached_wanted_state(void)
{
	return stopped() ||
	       (wanted_state != NO_HA_STATE && self.ha_state == wanted_state);
}

static bool working(void)
{
	return stopped() || self.ha_state == SA_AMF_ACTIVE ||
	       self.ha_state == SA_AMF_STANDBY;
}

static bool beating(void)
{
	return stopped() || (working() && self.heartbeats >= 3);
}

static bool out_of_service(void)
{
	return stopped() || !self.in_service;
}

static bool until(const char *what, bool (*done)(void))
{
	bool reached = dispatch_until(saAmfDispatch, &handle, selection,
				      deadline, done);

	return check(reached && !stopped(),
		     "expected %s %s; was %s, HA state %s", what,
		     stopped() ? "before the end" : "in time",
		     self.in_service ? "in service" : "out of service",
		     ha_name(self.ha_state));
}

static void register_component(void)
{
	/* Callbacks may be waiting before the call returns. */
	memset(&self, 0, sizeof(self));
	self.registered = true;
	must("register", saAmfComponentRegister(&handle, &component, NULL), SA_OK);
}

static void unregister_component(void)
{
	print_head();
	printf("unregisters\n");
	expect("unregister", saAmfComponentUnregister(&handle, &component, NULL),
	       SA_OK);
	self.registered = false;
	self.in_service = false;
	self.ha_state = NO_HA_STATE;
	expect("dispatch what was under way",
	       saAmfDispatch(&handle, SA_DISPATCH_ALL), SA_OK);
}

/* The life of a component that fails and is repaired. After the second
 * registration it leaves callbacks lying for a second, as a busy program may. */
static void play_sequence(void)
{
	SaAmfReadinessStateT readiness = 0;

	if (!until("an HA state and three heartbeats", beating))
		return;
	unregister_component();
	if (expect("readiness state while not registered",
		   saAmfReadinessStateGet(&component, &readiness), SA_OK))
		check(readiness == SA_AMF_OUT_OF_SERVICE,
		      "expected OUT_OF_SERVICE, got %s",
		      readiness_name(readiness));
	expect("error report while not registered",
	       saAmfErrorReport(&component, &component, 0, &own_error, NULL),
	       SA_ERR_BAD_OPERATION);
	register_component();
	sleep_ns(NS_PER_SEC);
	if (!until("an HA state after the second registration", working))
		return;
	report_error();
	if (!until("OUT_OF_SERVICE after the error report", out_of_service))
		return;
	sleep_ns(NS_PER_SEC);
	cancel_errors();
	until("an HA state after the errors are cancelled", working);
}

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		errs = 1;
	else if (signal == SIGUSR2)
		is_repaired = 1;
	else
		interrupted = 1;
}

/* testamf3 plays the third role. */
static void take_role(const char *argv0)
{
	size_t length = strlen(argv0);
	int digit = length > 0 ? (unsigned char)argv0[length - 1] : 0;

	if (isdigit(digit) && digit >= '1' && digit <= '6') {
		component = name_of(roles[digit - '1'].component);
		group = name_of(roles[digit - '1'].group);
	}
}

static void take_name(const char *text)
{
	component = name_of(text);
	group = name_of("");
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (strcmp(roles[i].component, text) == 0)
			group = name_of(roles[i].group);
}

static int ha_state_option(const char *text)
{
	if (strcmp(text, "active") == 0)
		return SA_AMF_ACTIVE;
	if (strcmp(text, "standby") == 0)
		return SA_AMF_STANDBY;
	if (strcmp(text, "quiesced") == 0)
		return SA_AMF_QUIESCED;
	fprintf(stderr, "-u %s: active, standby or quiesced is wanted\n", text);
	exit(EXIT_USAGE);
}

struct options {
	bool sequence;
	bool die;
};

static struct options take_options(int argc, char *argv[])
{
	struct options options = { false, false };
	int64_t duration = 10 * NS_PER_SEC;
	const char *group_text = NULL;
	int letter;

	take_role(argv[0]);
	while ((letter = getopt(argc, argv, "n:g:t:u:sH:qTxh")) != -1) {
		if (letter == 'n')
			take_name(optarg);
		else if (letter == 'g')
			group_text = optarg;
		else if (letter == 't')
			duration = option_seconds(letter, optarg);
		else if (letter == 'u')
			wanted_state = ha_state_option(optarg);
		else if (letter == 's')
			options.sequence = true;
		else if (letter == 'H')
			print_every = option_number(letter, optarg, 1, 1000000);
		else if (letter == 'q')
			print_every = 0;
		else if (letter == 'T')
			stamped = true;
		else if (letter == 'x')
			options.die = true;
		else
			usage(letter, help);
	}
	if (component.length == 0)
		usage('?', help);
	if (group_text != NULL)
		group = name_of(group_text);
	deadline = now_ns() + duration;
	return options;
}

int main(int argc, char *argv[])
{
	const SaAmfCallbacksT callbacks = {
		.saAmfHealthcheckCallback = on_healthcheck,
		.saAmfReadinessStateSetCallback = on_readiness,
		.saAmfComponentTerminateCallback = on_terminate,
		.saAmfCSISetCallback = on_csi_set,
		.saAmfCSIRemoveCallback = on_csi_remove,
		.saAmfPendingOperationConfirmCallback = on_pending_confirm,
		.saAmfPendingOperationExpiredCallback = on_pending_expired,
	};
	const struct sigaction action = { .sa_handler = on_signal };
	struct options options;

	begin(argv[0]);
	options = take_options(argc, argv);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);

	must("initialize", saAmfInitialize(&handle, &callbacks, &ais_version),
	     SA_OK);
	must("selection object", saAmfSelectionObjectGet(&handle, &selection),
	     SA_OK);
	register_component();
	if (options.sequence)
		play_sequence();
	else if (wanted_state != NO_HA_STATE)
		until(ha_name(wanted_state), reached_wanted_state);
	else
		dispatch_until(saAmfDispatch, &handle, selection, deadline,
			       stopped);
	if (options.die)
		_exit(finish());
	if (!self.terminated)
		unregister_component();
	expect("finalize", saAmfFinalize(&handle), SA_OK);
	return finish();
}
