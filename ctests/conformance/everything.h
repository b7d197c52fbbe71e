/*
 * One call of each function that needs no handle, and one of each that needs
 * one, in tables: for the programs that look at all of them while the daemon is
 * away, or has no quorum.
 */
#ifndef CONFORMANCE_EVERYTHING_H
#define CONFORMANCE_EVERYTHING_H

#include "ckpt.h"
#include "service.h"

static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };

struct call {
	const char *name;
	SaErrorT (*call)(void);
};

static SaNameT component_name, csi_name, checkpoint_name;
static int clm_handle, ckpt_handle, amf_handle;
static SaCkptCheckpointHandleT checkpoint;
static SaCkptSectionIteratorT iterator;

static inline void name_everything(void)
{
	component_name = name_of("comp_a_in_su_x");
	csi_name = name_of("pgA");
	checkpoint_name = unique_name("everything");
}

/* --- without a handle --- */

static inline SaErrorT call_node_get(void)
{
	SaClmClusterNodeT node;

	return saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node);
}

static inline SaErrorT call_open(void)
{
	SaCkptCheckpointHandleT handle;

	return saCkptCheckpointOpen(&checkpoint_name, &active_replica, READ, 0, &handle);
}

static inline SaErrorT call_unlink(void)
{
	return saCkptCheckpointUnlink(&checkpoint_name);
}

static inline SaErrorT call_readiness_state_get(void)
{
	SaAmfReadinessStateT state;

	return saAmfReadinessStateGet(&component_name, &state);
}

static inline SaErrorT call_ha_state_get(void)
{
	SaAmfHAStateT state;

	return saAmfHAStateGet(&component_name, &csi_name, &state);
}

static inline SaErrorT call_error_report(void)
{
	SaAmfErrorDescriptorT descriptor = {
		SA_AMF_PROCESSING_ERROR_ALARM_TYPE, SA_AMF_SOFTWARE_ERROR, SA_AMF_MAJOR, SA_AMF_NO_RECOMMENDATION,
	};

	return saAmfErrorReport(&component_name, &component_name, 0, &descriptor, NULL);
}

static inline SaErrorT call_error_cancel_all(void)
{
	return saAmfErrorCancelAll(&component_name);
}

static inline SaErrorT call_capability_model_get(void)
{
	SaAmfComponentCapabilityModelT model;

	return saAmfComponentCapabilityModelGet(&component_name, &model);
}

static inline SaErrorT call_pending_operation_get(void)
{
	SaAmfPendingOperationFlagsT flags;

	return saAmfPendingOperationGet(&component_name, &flags);
}

static inline SaErrorT call_response(void)
{
	return saAmfResponse(77, SA_OK);
}

static inline SaErrorT call_stopping_complete(void)
{
	return saAmfStoppingComplete(77, SA_OK);
}

static const struct call changes_without_handle[] = {
	{ "saCkptCheckpointOpen", call_open },
	{ "saCkptCheckpointUnlink", call_unlink },
	{ "saAmfErrorReport", call_error_report },
	{ "saAmfErrorCancelAll", call_error_cancel_all },
};

static const struct call calls_without_handle[] = {
	{ "saClmClusterNodeGet", call_node_get },
	{ "saAmfReadinessStateGet", call_readiness_state_get },
	{ "saAmfHAStateGet", call_ha_state_get },
	{ "saAmfComponentCapabilityModelGet", call_capability_model_get },
	{ "saAmfPendingOperationGet", call_pending_operation_get },
	{ "saAmfResponse", call_response },
	{ "saAmfStoppingComplete", call_stopping_complete },
};

/* --- with a handle that was opened while the daemon lived --- */

static inline SaErrorT call_track_start(void)
{
	static SaClmClusterNotificationT buffer[1];

	return saClmClusterTrackStart(&clm_handle, SA_TRACK_CHANGES, buffer, 1);
}

static inline SaErrorT call_track_stop(void)
{
	return saClmClusterTrackStop(&clm_handle);
}

static inline SaErrorT call_node_get_async(void)
{
	static SaClmClusterNodeT node;

	return saClmClusterNodeGetAsync(&clm_handle, 1, SA_CLM_LOCAL_NODE_ID, &node);
}

static inline SaErrorT call_register(void)
{
	return saAmfComponentRegister(&amf_handle, &component_name, NULL);
}

static inline SaErrorT call_unregister(void)
{
	return saAmfComponentUnregister(&amf_handle, &component_name, NULL);
}

static inline SaErrorT call_comp_name_get(void)
{
	SaNameT name;

	return saAmfCompNameGet(&amf_handle, &name);
}

static inline SaErrorT call_group_track_start(void)
{
	static SaAmfProtectionGroupNotificationT buffer[8];

	return saAmfProtectionGroupTrackStart(&amf_handle, &csi_name, SA_TRACK_CHANGES, buffer, 8);
}

static inline SaErrorT call_group_track_stop(void)
{
	return saAmfProtectionGroupTrackStop(&amf_handle, &csi_name);
}

static inline SaErrorT call_open_async(void)
{
	return saCkptCheckpointOpenAsync(&ckpt_handle, 1, &checkpoint_name, &active_replica, READ);
}

static inline SaErrorT call_synchronize_async(void)
{
	return saCkptCheckpointSynchronizeAsync(&ckpt_handle, 1, &checkpoint);
}

static inline SaErrorT call_active_set(void)
{
	return saCkptActiveCheckpointSet(&checkpoint);
}

static inline SaErrorT call_status_get(void)
{
	SaCkptCheckpointStatusT status;

	return saCkptCheckpointStatusGet(&checkpoint, &status);
}

static inline SaErrorT call_retention_duration_set(void)
{
	return saCkptCheckpointRetentionDurationSet(&checkpoint, 0);
}

static inline SaErrorT call_section_create(void)
{
	return create_section(&checkpoint, "created", "content");
}

static inline SaErrorT call_section_delete(void)
{
	SaCkptSectionIdT id = section("created");

	return saCkptSectionDelete(&checkpoint, &id);
}

static inline SaErrorT call_expiration_time_set(void)
{
	SaCkptSectionIdT id = section("section");

	return saCkptSectionExpirationTimeSet(&checkpoint, &id, SA_TIME_END);
}

static inline SaErrorT call_write(void)
{
	return write_section(&checkpoint, default_section, "content", 0);
}

static inline SaErrorT call_overwrite(void)
{
	return saCkptSectionOverwrite(&checkpoint, &default_section, (SaUint8T *)"content", 7);
}

static inline SaErrorT call_read(void)
{
	char buffer[8];
	SaSizeT size;

	return read_section(&checkpoint, default_section, buffer, sizeof(buffer), &size);
}

static inline SaErrorT call_synchronize(void)
{
	return saCkptCheckpointSynchronize(&checkpoint, 0);
}

static inline SaErrorT call_iterator_initialize(void)
{
	SaCkptSectionIteratorT other;

	return saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &other);
}

static inline SaErrorT call_iterator_next(void)
{
	SaCkptSectionDescriptorT descriptor;

	return saCkptSectionIteratorNext(&iterator, &descriptor);
}

/* Those that change what the cluster has agreed on, so that they need a quorum. */
static const struct call changes_with_handle[] = {
	{ "saAmfComponentRegister", call_register },
	{ "saCkptCheckpointOpenAsync", call_open_async },
	{ "saCkptCheckpointRetentionDurationSet", call_retention_duration_set },
	{ "saCkptActiveCheckpointSet", call_active_set },
	{ "saCkptSectionCreate", call_section_create },
	{ "saCkptSectionDelete", call_section_delete },
	{ "saCkptSectionExpirationTimeSet", call_expiration_time_set },
	{ "saCkptCheckpointWrite", call_write },
	{ "saCkptSectionOverwrite", call_overwrite },
};

/* Those that ask, wait, or give something back. */
static const struct call calls_with_handle[] = {
	{ "saClmClusterTrackStart", call_track_start },
	{ "saClmClusterTrackStop", call_track_stop },
	{ "saClmClusterNodeGetAsync", call_node_get_async },
	{ "saAmfComponentUnregister", call_unregister },
	{ "saAmfCompNameGet", call_comp_name_get },
	{ "saAmfProtectionGroupTrackStart", call_group_track_start },
	{ "saAmfProtectionGroupTrackStop", call_group_track_stop },
	{ "saCkptCheckpointStatusGet", call_status_get },
	{ "saCkptCheckpointRead", call_read },
	{ "saCkptCheckpointSynchronize", call_synchronize },
	{ "saCkptCheckpointSynchronizeAsync", call_synchronize_async },
	{ "saCkptSectionIteratorInitialize", call_iterator_initialize },
	{ "saCkptSectionIteratorNext", call_iterator_next },
};

static inline void set_csi(SaInvocationT invocation, const SaNameT *name, const SaNameT *csi, SaAmfCSIFlagsT flags,
			   SaAmfHAStateT *state, SaNameT *active, SaAmfCSITransitionDescriptorT transition)
{
	(void)invocation, (void)name, (void)csi, (void)flags, (void)state, (void)active, (void)transition;
}

/** Opens the handles that calls_with_handle use. */
static inline void open_everything(void)
{
	static const SaAmfCallbacksT amf_callbacks = {
		.saAmfCSISetCallback = set_csi,
		.saAmfProtectionGroupTrackCallback = amf_tracked,
	};

	name_everything();
	NEED_EQ(clm_initialize(&clm_handle, CALLBACKS_ALL, &version_a11), SA_OK);
	NEED_EQ(ckpt_initialize(&ckpt_handle, CALLBACKS_ALL, &version_a11), SA_OK);
	NEED_EQ(saAmfInitialize(&amf_handle, &amf_callbacks, &version_a11), SA_OK);
	checkpoint = open_checkpoint(&checkpoint_name, &active_replica, READ | WRITE);
	CHECK_EQ(create_section(&checkpoint, "section", "content"), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &iterator), SA_OK);
}

static inline void check_call(const struct call *call, SaErrorT first, SaErrorT second)
{
	long long start = mono_ms();
	SaErrorT error = call->call();

	if (error != first && error != second)
		fprintf(stderr, "%s: got %s, expected %s or %s\n", call->name, error_name(error), error_name(first),
			error_name(second));
	check_count(error == first || error == second);
	if (mono_ms() - start > DEADLINE_MS)
		fprintf(stderr, "%s: took %lld ms\n", call->name, mono_ms() - start);
	check_count(mono_ms() - start <= DEADLINE_MS);
}

/* Each call of a table returns one of two codes, in no more time than a deadline. */
#define CHECK_CALLS(table, first, second) \
	do { \
		size_t call_index; \
		for (call_index = 0; call_index < sizeof(table) / sizeof(table[0]); call_index++) \
			check_call(&table[call_index], first, second); \
	} while (0)

/* A call in a thread of its own. */
struct calling {
	const struct call *call;
	SaErrorT expected;
	pthread_t thread;
};

static inline void *call_in_thread(void *argument)
{
	struct calling *calling = argument;

	check_call(calling->call, calling->expected, calling->expected);
	return NULL;
}

/* The calls of a table, all at the same time, return the same code. */
#define CHECK_CALLS_AT_ONCE(table, code) \
	do { \
		struct calling callings[sizeof(table) / sizeof(table[0])]; \
		size_t call_index; \
		for (call_index = 0; call_index < sizeof(table) / sizeof(table[0]); call_index++) { \
			struct calling *calling = &callings[call_index]; \
			calling->call = &table[call_index]; \
			calling->expected = code; \
			pthread_create(&calling->thread, NULL, call_in_thread, calling); \
		} \
		for (call_index = 0; call_index < sizeof(table) / sizeof(table[0]); call_index++) \
			pthread_join(callings[call_index].thread, NULL); \
	} while (0)

#endif
