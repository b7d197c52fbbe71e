/* AIS A.01.01: Cluster Membership. Generated from libais/src/ffi/clm.rs. */

#ifndef AIS_CLM_H_DEFINED
#define AIS_CLM_H_DEFINED

#include "ais_types.h"

/**
 * The end of saClmClusterNodeGetAsync; clusterNode is the pointer that was
 * given there.
 */
typedef void (*SaClmClusterNodeGetCallbackT)(SaInvocationT invocation,
                                             SaClmClusterNodeT *clusterNode,
                                             SaErrorT error);

/**
 * The members, or what changed; notificationBuffer is the pointer that was
 * given to saClmClusterTrackStart. With SA_ERR_NO_SPACE the buffer is too
 * small: there are no items, and numberOfMembers tells how many there are.
 */
typedef void (*SaClmClusterTrackCallbackT)(SaClmClusterNotificationT *notificationBuffer,
                                           SaUint32T numberOfItems,
                                           SaUint32T numberOfMembers,
                                           SaUint64T viewNumber,
                                           SaErrorT error);

/**
 * The callbacks of Cluster Membership; each may be NULL.
 */
typedef struct {
    SaClmClusterNodeGetCallbackT saClmClusterNodeGetCallback;
    SaClmClusterTrackCallbackT saClmClusterTrackCallback;
} SaClmCallbacksT;

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Opens a handle. Callbacks may be NULL.
 */
SaErrorT saClmInitialize(SaClmHandleT *clmHandle,
                         const SaClmCallbacksT *clmCallbacks,
                         const SaVersionT *version);

/**
 * The descriptor that is readable when a callback is pending.
 */
SaErrorT saClmSelectionObjectGet(const SaClmHandleT *clmHandle,
                                 SaSelectionObjectT *selectionObject);

/**
 * Runs pending callbacks on the calling thread.
 */
SaErrorT saClmDispatch(const SaClmHandleT *clmHandle, SaDispatchFlagsT dispatchFlags);

/**
 * Closes a handle.
 */
SaErrorT saClmFinalize(SaClmHandleT *clmHandle);

/**
 * Asks for the members (SA_TRACK_CURRENT) and for changes. The buffer is
 * filled before each callback and must stay valid until
 * saClmClusterTrackStop or saClmFinalize.
 */
SaErrorT saClmClusterTrackStart(const SaClmHandleT *clmHandle,
                                SaUint8T trackFlags,
                                SaClmClusterNotificationT *notificationBuffer,
                                SaUint32T numberOfItems);

/**
 * Ends what saClmClusterTrackStart began.
 */
SaErrorT saClmClusterTrackStop(const SaClmHandleT *clmHandle);

/**
 * Looks a node up. Timeout: nanoseconds, 0 for the executive's default.
 */
SaErrorT saClmClusterNodeGet(SaClmNodeIdT nodeId,
                             SaTimeT timeout,
                             SaClmClusterNodeT *clusterNode);

/**
 * Looks a node up; clusterNode is filled before the callback and must stay
 * valid until then.
 */
SaErrorT saClmClusterNodeGetAsync(const SaClmHandleT *clmHandle,
                                  SaInvocationT invocation,
                                  SaClmNodeIdT nodeId,
                                  SaClmClusterNodeT *clusterNode);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* AIS_CLM_H_DEFINED */
