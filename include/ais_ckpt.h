/* AIS A.01.01: Checkpoint. Generated from libais/src/ffi/ckpt/mod.rs. */

#ifndef AIS_CKPT_H_DEFINED
#define AIS_CKPT_H_DEFINED

#include "ais_types.h"

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Opens a handle. Callbacks may be NULL.
 */
SaErrorT saCkptInitialize(SaCkptHandleT *ckptHandle,
                          const SaCkptCallbacksT *callbacks,
                          const SaVersionT *version);

/**
 * The descriptor that is readable when a callback is pending.
 */
SaErrorT saCkptSelectionObjectGet(const SaCkptHandleT *ckptHandle,
                                  SaSelectionObjectT *selectionObject);

/**
 * Runs pending callbacks on the calling thread.
 */
SaErrorT saCkptDispatch(const SaCkptHandleT *ckptHandle, SaDispatchFlagsT dispatchFlags);

/**
 * Closes a handle. Open checkpoints stay open.
 */
SaErrorT saCkptFinalize(const SaCkptHandleT *ckptHandle);

/**
 * Opens a checkpoint; creates it if it is not there, unless
 * checkpointCreationAttributes is NULL. Timeout: nanoseconds, 0 for the
 * executive's default.
 */
SaErrorT saCkptCheckpointOpen(const SaNameT *checkpointName,
                              const SaCkptCheckpointCreationAttributesT *checkpointCreationAttributes,
                              SaCkptCheckpointOpenFlagsT checkpointOpenFlags,
                              SaTimeT timeout,
                              SaCkptCheckpointHandleT *checkpointHandle);

/**
 * As saCkptCheckpointOpen; the handle comes with the callback.
 */
SaErrorT saCkptCheckpointOpenAsync(const SaCkptHandleT *ckptHandle,
                                   SaInvocationT invocation,
                                   const SaNameT *checkpointName,
                                   const SaCkptCheckpointCreationAttributesT *checkpointCreationAttributes,
                                   SaCkptCheckpointOpenFlagsT checkpointOpenFlags);

/**
 * Closes a checkpoint; its iterators end.
 */
SaErrorT saCkptCheckpointClose(const SaCkptCheckpointHandleT *checkpointHandle);

/**
 * Removes the name of a checkpoint. The data lives until the last close.
 */
SaErrorT saCkptCheckpointUnlink(const SaNameT *checkpointName);

/**
 * Sets how long a checkpoint outlives its last close, in nanoseconds.
 */
SaErrorT saCkptCheckpointRetentionDurationSet(const SaCkptCheckpointHandleT *checkpointHandle,
                                              SaTimeT retentionDuration);

/**
 * Makes the replica of this node the active one.
 */
SaErrorT saCkptActiveCheckpointSet(const SaCkptCheckpointHandleT *checkpointHandle);

/**
 * What a checkpoint is like.
 */
SaErrorT saCkptCheckpointStatusGet(const SaCkptCheckpointHandleT *checkpointHandle,
                                   SaCkptCheckpointStatusT *checkpointStatus);

/**
 * Creates a section with its first data.
 */
SaErrorT saCkptSectionCreate(const SaCkptCheckpointHandleT *checkpointHandle,
                             SaCkptSectionCreationAttributesT *sectionCreationAttributes,
                             const void *initialData,
                             SaUint32T initialDataSize);

/**
 * Deletes a section.
 */
SaErrorT saCkptSectionDelete(const SaCkptCheckpointHandleT *checkpointHandle,
                             const SaCkptSectionIdT *sectionId);

/**
 * Sets when a section expires, in nanoseconds since the Unix epoch.
 */
SaErrorT saCkptSectionExpirationTimeSet(const SaCkptCheckpointHandleT *checkpointHandle,
                                        const SaCkptSectionIdT *sectionId,
                                        SaTimeT expirationTime);

/**
 * Begins to list sections. SectionsChosen may be 0 for SA_CKPT_SECTIONS_ANY.
 */
SaErrorT saCkptSectionIteratorInitialize(const SaCkptCheckpointHandleT *checkpointHandle,
                                         SaCkptSectionsChosenT sectionsChosen,
                                         SaTimeT expirationTime,
                                         SaCkptSectionIteratorT *sectionIterator);

/**
 * The next section; SA_ERR_NOT_EXIST at the end.
 */
SaErrorT saCkptSectionIteratorNext(SaCkptSectionIteratorT *sectionIterator,
                                   SaCkptSectionDescriptorT *sectionDescriptor);

/**
 * Ends an iterator.
 */
SaErrorT saCkptSectionIteratorFinalize(SaCkptSectionIteratorT *sectionIterator);

/**
 * Writes all elements or none. ErroneousVectorIndex may be NULL; it is set
 * only if an element is to blame for an error.
 */
SaErrorT saCkptCheckpointWrite(const SaCkptCheckpointHandleT *checkpointHandle,
                               const SaCkptIOVectorElementT *ioVector,
                               SaUint32T numberOfElements,
                               SaUint32T *erroneousVectorIndex);

/**
 * Replaces all that a section holds.
 */
SaErrorT saCkptSectionOverwrite(const SaCkptCheckpointHandleT *checkpointHandle,
                                const SaCkptSectionIdT *sectionId,
                                SaUint8T *dataBuffer,
                                SaSizeT dataSize);

/**
 * Reads. Where dataBuffer is NULL the library allocates it with malloc and the
 * caller frees it; a dataSize of 0 then asks for the rest of the section.
 */
SaErrorT saCkptCheckpointRead(const SaCkptCheckpointHandleT *checkpointHandle,
                              SaCkptIOVectorElementT *ioVector,
                              SaUint32T numberOfElements,
                              SaUint32T *erroneousVectorIndex);

/**
 * Waits until all replicas have all that was written before. Timeout:
 * nanoseconds, 0 for the executive's default.
 */
SaErrorT saCkptCheckpointSynchronize(const SaCkptCheckpointHandleT *checkpointHandle,
                                     SaTimeT timeout);

/**
 * As saCkptCheckpointSynchronize; the end is told by the callback.
 */
SaErrorT saCkptCheckpointSynchronizeAsync(const SaCkptHandleT *ckptHandle,
                                          SaInvocationT invocation,
                                          const SaCkptCheckpointHandleT *checkpointHandle);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* AIS_CKPT_H_DEFINED */
