/*
 * Helpers of the checkpoint programs: short forms of the calls whose results a
 * program does not itself examine.
 */
#ifndef CONFORMANCE_CKPT_H
#define CONFORMANCE_CKPT_H

#include "check.h"

#include "ais_ckpt.h"

#define READ SA_CKPT_CHECKPOINT_READ
#define WRITE SA_CKPT_CHECKPOINT_WRITE
#define COLOCATED SA_CKPT_CHECKPOINT_COLOCATED

/* A number of 64 bits as an SaUint32T; where that has 32, the largest there is. */
#define WIDE(number) ((SaUint32T)((number) > (SaUint32T)-1 ? (SaUint32T)-1 : (number)))

/* {creationFlags, checkpointSize, retentionDuration, maxSections, maxSectionSize, maxSectionIdSize} */
static const SaCkptCheckpointCreationAttributesT all_replicas = {
	SA_CKPT_WR_ALL_REPLICAS, 100000, 0, 10, 10000, 32,
};
static const SaCkptCheckpointCreationAttributesT active_replica = {
	SA_CKPT_WR_ACTIVE_REPLICA, 100000, 0, 10, 10000, 32,
};
static const SaCkptCheckpointCreationAttributesT weak_replica = {
	SA_CKPT_WR_ACTIVE_REPLICA_WEAK, 100000, 0, 10, 10000, 32,
};

/* The section that every checkpoint has. */
static const SaCkptSectionIdT default_section = SA_CKPT_DEFAULT_SECTION_ID;

static inline SaCkptSectionIdT section(const char *id)
{
	SaCkptSectionIdT section_id = { (SaUint8T *)id, strlen(id) };

	return section_id;
}

/** A handle on a checkpoint, which is created if need be. */
static inline SaCkptCheckpointHandleT open_checkpoint(const SaNameT *name,
						       const SaCkptCheckpointCreationAttributesT *attributes,
						       SaCkptCheckpointOpenFlagsT flags)
{
	SaCkptCheckpointHandleT handle = -1;

	NEED_EQ(saCkptCheckpointOpen(name, attributes, flags, 0, &handle), SA_OK);
	return handle;
}

static inline SaErrorT create_expiring(const SaCkptCheckpointHandleT *handle, const char *id, const char *data,
				       SaTimeT expiration)
{
	SaCkptSectionIdT section_id = section(id);
	SaCkptSectionCreationAttributesT attributes = { &section_id, expiration };

	return saCkptSectionCreate(handle, &attributes, data, strlen(data));
}

static inline SaErrorT create_section(const SaCkptCheckpointHandleT *handle, const char *id, const char *data)
{
	return create_expiring(handle, id, data, SA_TIME_END);
}

static inline SaCkptIOVectorElementT element(SaCkptSectionIdT id, void *buffer, SaSizeT size, SaOffsetT offset)
{
	SaCkptIOVectorElementT vector = { id, buffer, size, offset, 0x5a5a5a5a };

	return vector;
}

/** Reads up to `size` bytes from the start of a section. */
static inline SaErrorT read_section(const SaCkptCheckpointHandleT *handle, SaCkptSectionIdT id, void *buffer,
				    SaSizeT size, SaSizeT *read_size)
{
	SaCkptIOVectorElementT vector = element(id, buffer, size, 0);
	SaErrorT error = saCkptCheckpointRead(handle, &vector, 1, NULL);

	if (error == SA_OK)
		*read_size = vector.readSize;
	return error;
}

static inline SaErrorT write_section(const SaCkptCheckpointHandleT *handle, SaCkptSectionIdT id, const char *data,
				     SaOffsetT offset)
{
	SaCkptIOVectorElementT vector = element(id, (void *)data, (SaSizeT)strlen(data), offset);

	return saCkptCheckpointWrite(handle, &vector, 1, NULL);
}

static inline void check_content(const char *file, int line, const SaCkptCheckpointHandleT *handle,
				 SaCkptSectionIdT id, const void *bytes, SaSizeT size)
{
	char buffer[1024];
	SaSizeT read_size = -1;

	if (!check_result(file, line, "read of a section", read_section(handle, id, buffer, sizeof(buffer), &read_size),
			  SA_OK))
		return;
	if (check_number(file, line, "size of a section", read_size, size))
		check_true(file, line, "the section has the bytes that were written", !memcmp(buffer, bytes, size));
}

/* The section consists of exactly this text. */
#define CHECK_CONTENT(handle, id, text) \
	check_content(__FILE__, __LINE__, handle, id, text, (SaSizeT)strlen(text))

/** Whether a section is there. */
static inline SaErrorT probe_section(const SaCkptCheckpointHandleT *handle, const char *id)
{
	char byte;
	SaSizeT read_size;

	return read_section(handle, section(id), &byte, 0, &read_size);
}

/** SA_OK if the checkpoint exists. Opening keeps it alive, and closing starts
    its retention again: leave more than that between two probes. */
static inline SaErrorT probe_checkpoint(const SaNameT *name)
{
	SaCkptCheckpointHandleT handle;
	SaErrorT error = saCkptCheckpointOpen(name, NULL, READ, 0, &handle);

	if (error == SA_OK)
		CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return error;
}

/* The call gives BAD_HANDLE for every handle that never was, INVALID_PARAM for
   a NULL one. `call` uses `bad` as the handle pointer. */
#define CHECK_BAD_HANDLES(call) \
	do { \
		const int *bad = NULL; \
		int bad_index; \
		CHECK_EQ(call, SA_ERR_INVALID_PARAM); \
		for (bad_index = 0; bad_index < BAD_HANDLES; bad_index++) { \
			bad = &bad_handles[bad_index]; \
			CHECK_EQ(call, SA_ERR_BAD_HANDLE); \
		} \
	} while (0)

#endif
