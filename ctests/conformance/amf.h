/*
 * Components for the AMF programs: the six of conf/groups.conf, each with a
 * record of what it was asked and a choice of what it answers. One thread
 * drives them all with pump(). A program leaves none registered: it ends with
 * leave_clean(), so that the next one finds the units unused.
 */
#ifndef CONFORMANCE_AMF_H
#define CONFORMANCE_AMF_H

#include "check.h"

#include "ais_amf.h"

/* Units raidA, raidB and raidC have two components each, in the protection
   groups pgA and pgB. */
enum { AX, BX, AY, BY, AZ, BZ, COMPONENTS };

enum answer {
	ANSWER_OK,
	ANSWER_FAILED,
	ANSWER_NONE
};

struct component {
	const char *name;
	const char *csi;
	/* Whether the program holds it, and on which handle. */
	int open;
	SaAmfHandleT handle;
	SaSelectionObjectT fd;
	/* What it answers. */
	enum answer readiness_answer;
	enum answer csi_answer;
	enum answer heartbeat_answer;
	/* What it was asked last, how often, and as which event of the program. */
	int readiness_calls;
	int readiness_event;
	SaAmfReadinessStateT readiness;
	SaInvocationT readiness_invocation;
	int csi_calls;
	int csi_event;
	SaAmfHAStateT ha_state;
	SaNameT csi_name;
	SaNameT active_name;
	SaAmfCSIFlagsT csi_flags;
	SaAmfCSITransitionDescriptorT transition;
	SaInvocationT csi_invocation;
	int heartbeats;
	/* When it began to answer the last one. */
	long long heartbeat_ms;
	SaInvocationT heartbeat_invocation;
};

static struct component components[COMPONENTS] = {
	{ .name = "comp_a_in_su_x", .csi = "pgA" }, { .name = "comp_b_in_su_x", .csi = "pgB" },
	{ .name = "comp_a_in_su_y", .csi = "pgA" }, { .name = "comp_b_in_su_y", .csi = "pgB" },
	{ .name = "comp_a_in_su_z", .csi = "pgA" }, { .name = "comp_b_in_su_z", .csi = "pgB" },
};
static int events;

static inline struct component *component_named(const SaNameT *name)
{
	int i;

	for (i = 0; i < COMPONENTS; i++)
		if (same_name(name, components[i].name))
			return &components[i];
	fprintf(stderr, "callback for a component of an unknown name\n");
	exit(1);
}

static inline void answer(enum answer how, SaInvocationT invocation)
{
	if (how != ANSWER_NONE)
		CHECK_EQ(saAmfResponse(invocation, how == ANSWER_OK ? SA_OK : SA_ERR_FAILED_OPERATION), SA_OK);
}

static inline void on_healthcheck(SaInvocationT invocation, const SaNameT *name, SaAmfHealthcheckT type)
{
	struct component *component = component_named(name);

	CHECK_NUM(type, SA_AMF_HEARTBEAT);
	component->heartbeats++;
	component->heartbeat_ms = mono_ms();
	component->heartbeat_invocation = invocation;
	answer(component->heartbeat_answer, invocation);
}

static inline void on_readiness(SaInvocationT invocation, const SaNameT *name, SaAmfReadinessStateT state)
{
	struct component *component = component_named(name);

	component->readiness_calls++;
	component->readiness_event = ++events;
	component->readiness = state;
	component->readiness_invocation = invocation;
	answer(component->readiness_answer, invocation);
}

static inline void on_csi_set(SaInvocationT invocation, const SaNameT *name, const SaNameT *csi, SaAmfCSIFlagsT flags,
			      SaAmfHAStateT *state, SaNameT *active, SaAmfCSITransitionDescriptorT transition)
{
	struct component *component = component_named(name);

	component->csi_calls++;
	component->csi_event = ++events;
	component->ha_state = *state;
	component->csi_name = *csi;
	component->csi_flags = flags;
	component->transition = transition;
	component->csi_invocation = invocation;
	memset(&component->active_name, 0, sizeof(component->active_name));
	if (active)
		component->active_name = *active;
	answer(component->csi_answer, invocation);
}

static const SaAmfCallbacksT component_callbacks = {
	.saAmfHealthcheckCallback = on_healthcheck,
	.saAmfReadinessStateSetCallback = on_readiness,
	.saAmfCSISetCallback = on_csi_set,
};

/** The name of a component, as the calls want it. */
static inline const SaNameT *comp(int index)
{
	static SaNameT names[COMPONENTS];

	names[index] = name_of(components[index].name);
	return &names[index];
}

static inline SaErrorT probe_component(int index)
{
	SaAmfComponentCapabilityModelT model;

	return saAmfComponentCapabilityModelGet(comp(index), &model);
}

/** Waits until no component is registered, by whichever program. */
static inline void await_unregistered(void)
{
	int i;

	for (i = 0; i < COMPONENTS; i++)
		CHECK(WAIT_FOR(probe_component(i) == SA_ERR_NOT_EXIST, nap(10)));
}

/** Empties the record of a component; it answers everything with SA_OK again. */
static inline void forget_component(int index)
{
	struct component blank = { .name = components[index].name, .csi = components[index].csi };

	components[index] = blank;
}

/** Gives the component a handle of its own. */
static inline void open_component(int index)
{
	struct component *component = &components[index];

	forget_component(index);
	NEED_EQ(saAmfInitialize(&component->handle, &component_callbacks, &version_a11), SA_OK);
	NEED_EQ(saAmfSelectionObjectGet(&component->handle, &component->fd), SA_OK);
	component->open = 1;
}

static inline void register_component(int index)
{
	NEED_EQ(saAmfComponentRegister(&components[index].handle, comp(index), NULL), SA_OK);
}

/** Both components of a unit, named by its first. */
static inline void start_unit(int first)
{
	int i;

	for (i = first; i < first + 2; i++) {
		open_component(i);
		register_component(i);
	}
}

static inline void close_component(int index)
{
	CHECK_EQ(saAmfFinalize(&components[index].handle), SA_OK);
	components[index].open = 0;
}

/** Runs what the components are asked, for up to 20 ms. */
static inline void pump(void)
{
	struct pollfd fds[COMPONENTS];
	int count = 0;
	int i;

	for (i = 0; i < COMPONENTS; i++)
		if (components[i].open)
			fds[count++] = (struct pollfd){ .fd = components[i].fd, .events = POLLIN };
	poll(fds, (nfds_t)count, 20);
	for (i = 0; i < COMPONENTS; i++)
		if (components[i].open)
			CHECK_EQ(saAmfDispatch(&components[i].handle, SA_DISPATCH_ALL), SA_OK);
}

/** Keeps the components served for a while in which nothing should happen. */
static inline void pump_for(int ms)
{
	long long end = mono_ms() + ms;

	while (mono_ms() < end)
		pump();
}

/* Serves the components until the condition holds. */
#define AWAIT(condition) CHECK(WAIT_FOR(condition, pump()))

static inline int in_ha_state(int index, SaAmfHAStateT state)
{
	return components[index].csi_calls > 0 && components[index].ha_state == state;
}

static inline int in_readiness(int index, SaAmfReadinessStateT state)
{
	return components[index].readiness_calls > 0 && components[index].readiness == state;
}

/** Waits until both components of a unit were given this HA state. */
static inline void await_unit(int first, SaAmfHAStateT state)
{
	AWAIT(in_ha_state(first, state) && in_ha_state(first + 1, state));
}

/** Waits until both were quiesced and then taken out of service. */
static inline void await_unit_out(int first)
{
	int i;

	await_unit(first, SA_AMF_QUIESCED);
	AWAIT(in_readiness(first, SA_AMF_OUT_OF_SERVICE) && in_readiness(first + 1, SA_AMF_OUT_OF_SERVICE));
	for (i = first; i < first + 2; i++)
		CHECK(components[i].readiness_event > components[i].csi_event);
}

static inline SaAmfHAStateT ha_state_of(int index)
{
	SaNameT csi = name_of(components[index].csi);
	SaAmfHAStateT state = 0;

	return saAmfHAStateGet(comp(index), &csi, &state) == SA_OK ? state : 0;
}

static inline SaAmfReadinessStateT readiness_of(int index)
{
	SaAmfReadinessStateT state = 0;

	return saAmfReadinessStateGet(comp(index), &state) == SA_OK ? state : 0;
}

/** Ends every component and waits until the daemon knows. */
static inline void leave_clean(void)
{
	int i;

	for (i = 0; i < COMPONENTS; i++)
		if (components[i].open)
			saAmfErrorCancelAll(comp(i));
	for (i = 0; i < COMPONENTS; i++)
		if (components[i].open)
			close_component(i);
	await_unregistered();
}

#endif
