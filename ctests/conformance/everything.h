/*
 * One call of each function that needs no handle, and one of each that needs
 * one, in tables: for the programs that look at all of them while the daemon is
 * away.
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

static const struct call calls_without_handle[] = {
	{ "saClmClusterNodeGet", call_node_get },
	{ "saCkptCheckpointOpen", call_open },
	{ "saCkptCheckpointUnlink", call_unlink },
	{ "saAmfReadinessStateGet", call_readiness_state_get },
	{ "saAmfHAStateGet", call_ha_state_get },
	{ "saAmfErrorReport", call_error_report },
	{ "saAmfErrorCancelAll", call_error_cancel_all },
	{ "saAmfComponentCapabilityModelGet", call_capability_model_get },
	{ "saAmfPendingOperationGet", call_pending_operation_get },
	{ "saAmfResponse", call_response },
	{ "saAmfStoppingComplete", call_stopping_complete },
};
#define CALLS_WITHOUT_HANDLE (sizeof(calls_without_handle) / sizeof(calls_without_handle[0]))

/* --- with a handle that was opened while the daemon lived --- */

static inline SaErrorT call_track_start(void)
{
	static SaClmClusterNotificationT buffer[1];

	return saClmClusterTrackStart(&clm_handle, SA_TRACK_CHANGES, buffer, 1);
}

static inline SaErrorT call_register(void)
{
	return saAmfComponentRegister(&amf_handle, &component_name, NULL);
}

static inline SaErrorT call_group_track_start(void)
{
	static SaAmfProtectionGroupNotificationT buffer[8];

	return saAmfProtectionGroupTrackStart(&amf_handle, &csi_name, SA_TRACK_CHANGES, buffer, 8);
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

static inline SaErrorT call_iterator_next(void)
{
	SaCkptSectionDescriptorT descriptor;

	return saCkptSectionIteratorNext(&iterator, &descriptor);
}

static const struct call calls_with_handle[] = {
	{ "saClmClusterTrackStart", call_track_start },
	{ "saAmfComponentRegister", call_register },
	{ "saAmfProtectionGroupTrackStart", call_group_track_start },
	{ "saCkptCheckpointStatusGet", call_status_get },
	{ "saCkptCheckpointRetentionDurationSet", call_retention_duration_set },
	{ "saCkptSectionCreate", call_section_create },
	{ "saCkptSectionDelete", call_section_delete },
	{ "saCkptCheckpointWrite", call_write },
	{ "saCkptSectionOverwrite", call_overwrite },
	{ "saCkptCheckpointRead", call_read },
	{ "saCkptCheckpointSynchronize", call_synchronize },
	{ "saCkptSectionIteratorNext", call_iterator_next },
};
#define CALLS_WITH_HANDLE (sizeof(calls_with_handle) / sizeof(calls_with_handle[0]))

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

#endif
