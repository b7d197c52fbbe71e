/* AIS A.01.01: Availability Management Framework. Generated from libais/src/ffi/amf/mod.rs. */

#ifndef AIS_AMF_H_DEFINED
#define AIS_AMF_H_DEFINED

#include "ais_types.h"

/**
 * Is the component well? Answer with saAmfResponse.
 */
typedef void (*SaAmfHealthcheckCallbackT)(SaInvocationT invocation,
                                          const SaNameT *compName,
                                          SaAmfHealthcheckT checkType);

/**
 * The component shall take this readiness state. Answer with saAmfResponse,
 * SA_AMF_STOPPING with saAmfStoppingComplete.
 */
typedef void (*SaAmfReadinessStateSetCallbackT)(SaInvocationT invocation,
                                                const SaNameT *compName,
                                                SaAmfReadinessStateT readinessState);

/**
 * The component shall end. Answer with saAmfResponse, then exit.
 */
typedef void (*SaAmfComponentTerminateCallbackT)(SaInvocationT invocation,
                                                 const SaNameT *compName);

/**
 * The component shall take this HA state for a component service instance.
 * Answer with saAmfResponse.
 */
typedef void (*SaAmfCSISetCallbackT)(SaInvocationT invocation,
                                     const SaNameT *compName,
                                     const SaNameT *csiName,
                                     SaAmfCSIFlagsT csiFlags,
                                     SaAmfHAStateT *haState,
                                     SaNameT *activeCompName,
                                     SaAmfCSITransitionDescriptorT transitionDescriptor);

/**
 * The component shall let an instance go. Answer with saAmfResponse.
 */
typedef void (*SaAmfCSIRemoveCallbackT)(SaInvocationT invocation,
                                        const SaNameT *compName,
                                        const SaNameT *csiName,
                                        const SaAmfCSIFlagsT *csiFlags);

/**
 * The members of a protection group, or what changed; notificationBuffer is
 * the pointer that was given to saAmfProtectionGroupTrackStart. With
 * SA_ERR_NO_SPACE the buffer is too small: there are no items, and
 * numberOfMembers tells how many there are.
 */
typedef void (*SaAmfProtectionGroupTrackCallbackT)(const SaNameT *csiName,
                                                   SaAmfProtectionGroupNotificationT *notificationBuffer,
                                                   SaUint32T numberOfItems,
                                                   SaUint32T numberOfMembers,
                                                   SaErrorT error);

/**
 * The external component shall be restarted. Answer with saAmfResponse.
 */
typedef void (*SaAmfExternalComponentRestartCallbackT)(SaInvocationT invocation,
                                                       const SaNameT *externalCompName);

/**
 * Something shall be done to the external component. Answer with
 * saAmfResponse.
 */
typedef void (*SaAmfExternalComponentControlCallbackT)(const SaInvocationT invocation,
                                                       const SaNameT *externalCompName,
                                                       SaAmfExternalComponentActionT controlAction);

/**
 * May the operation be carried out? Answer with saAmfResponse.
 */
typedef void (*SaAmfPendingOperationConfirmCallbackT)(const SaInvocationT invocation,
                                                      const SaNameT *compName,
                                                      SaAmfPendingOperationFlagsT pendingOperationFlags);

/**
 * The operation is no longer pending; there is nothing to answer.
 */
typedef void (*SaAmfPendingOperationExpiredCallbackT)(const SaNameT *compName,
                                                      SaAmfPendingOperationFlagsT pendingOperationFlags);

/**
 * The callbacks of the Availability Management Framework; each may be NULL.
 */
typedef struct {
    SaAmfHealthcheckCallbackT saAmfHealthcheckCallback;
    SaAmfReadinessStateSetCallbackT saAmfReadinessStateSetCallback;
    SaAmfComponentTerminateCallbackT saAmfComponentTerminateCallback;
    SaAmfCSISetCallbackT saAmfCSISetCallback;
    SaAmfCSIRemoveCallbackT saAmfCSIRemoveCallback;
    SaAmfProtectionGroupTrackCallbackT saAmfProtectionGroupTrackCallback;
    SaAmfExternalComponentRestartCallbackT saAmfExternalComponentRestartCallback;
    SaAmfExternalComponentControlCallbackT saAmfExternalComponentControlCallback;
    SaAmfPendingOperationConfirmCallbackT saAmfPendingOperationConfirmCallback;
    SaAmfPendingOperationExpiredCallbackT saAmfPendingOperationExpiredCallback;
} SaAmfCallbacksT;

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Opens a handle. Callbacks may be NULL.
 */
SaErrorT saAmfInitialize(SaAmfHandleT *amfHandle,
                         const SaAmfCallbacksT *amfCallbacks,
                         const SaVersionT *version);

/**
 * The descriptor that is readable when a callback is pending.
 */
SaErrorT saAmfSelectionObjectGet(const SaAmfHandleT *amfHandle,
                                 SaSelectionObjectT *selectionObject);

/**
 * Runs pending callbacks on the calling thread.
 */
SaErrorT saAmfDispatch(const SaAmfHandleT *amfHandle, SaDispatchFlagsT dispatchFlags);

/**
 * Closes a handle; its components are unregistered.
 */
SaErrorT saAmfFinalize(const SaAmfHandleT *amfHandle);

/**
 * Announces a component as ready. ProxyCompName is NULL for a component that
 * speaks for itself.
 */
SaErrorT saAmfComponentRegister(const SaAmfHandleT *amfHandle,
                                const SaNameT *compName,
                                const SaNameT *proxyCompName);

/**
 * Withdraws a component.
 */
SaErrorT saAmfComponentUnregister(const SaAmfHandleT *amfHandle,
                                  const SaNameT *compName,
                                  const SaNameT *proxyCompName);

/**
 * The component last registered through the handle, else what the
 * environment variable SA_AMF_COMPONENT_NAME says.
 */
SaErrorT saAmfCompNameGet(const SaAmfHandleT *amfHandle, SaNameT *compName);

/**
 * The readiness state of a component.
 */
SaErrorT saAmfReadinessStateGet(const SaNameT *compName,
                                SaAmfReadinessStateT *readinessState);

/**
 * Answers a readiness state callback that asked for SA_AMF_STOPPING.
 */
SaErrorT saAmfStoppingComplete(SaInvocationT invocation, SaErrorT error);

/**
 * The HA state of a component for a component service instance.
 */
SaErrorT saAmfHAStateGet(const SaNameT *compName,
                         const SaNameT *csiName,
                         SaAmfHAStateT *haState);

/**
 * Asks for the members of a protection group (SA_TRACK_CURRENT) and for
 * changes. The buffer is filled before each callback, in spite of the const,
 * and must stay valid until saAmfProtectionGroupTrackStop or saAmfFinalize.
 */
SaErrorT saAmfProtectionGroupTrackStart(const SaAmfHandleT *amfHandle,
                                        const SaNameT *csiName,
                                        SaUint8T trackFlags,
                                        const SaAmfProtectionGroupNotificationT *notificationBuffer,
                                        SaUint32T numberOfItems);

/**
 * Ends what saAmfProtectionGroupTrackStart began.
 */
SaErrorT saAmfProtectionGroupTrackStop(const SaAmfHandleT *amfHandle,
                                       const SaNameT *csiName);

/**
 * Reports that a component failed. ErrorDetectionTime is in nanoseconds
 * since the Unix epoch, 0 for now; additionalData may be NULL.
 */
SaErrorT saAmfErrorReport(const SaNameT *reportingComponent,
                          const SaNameT *erroneousComponent,
                          SaTimeT errorDetectionTime,
                          const SaAmfErrorDescriptorT *errorDescriptor,
                          const SaAmfAdditionalDataT *additionalData);

/**
 * Takes all errors of a component back.
 */
SaErrorT saAmfErrorCancelAll(const SaNameT *compName);

/**
 * The capability model of a component.
 */
SaErrorT saAmfComponentCapabilityModelGet(const SaNameT *compName,
                                          SaAmfComponentCapabilityModelT *componentCapabilityModel);

/**
 * The operations of a component that wait for a confirmation.
 */
SaErrorT saAmfPendingOperationGet(const SaNameT *compName,
                                  SaAmfPendingOperationFlagsT *pendingOperationFlags);

/**
 * Answers a callback: SA_OK or SA_ERR_FAILED_OPERATION. Any thread may
 * answer, in the callback or later.
 */
SaErrorT saAmfResponse(SaInvocationT invocation, SaErrorT error);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* AIS_AMF_H_DEFINED */
