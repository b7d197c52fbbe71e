/* AIS A.01.01: the types. Generated from libais/src/ffi/types.rs. */

#ifndef AIS_TYPES_H_DEFINED
#define AIS_TYPES_H_DEFINED


/* A compiler that is not GNU's has no word for what goes beyond its dialect. */
#if !defined(__GNUC__) && !defined(__extension__)
#define __extension__
#endif

/* The end of time: never. The largest SaTimeT, without a constant of a kind
   that C89 does not have. */
#define SA_TIME_END ((SaTimeT)((SaUint64T)-1 >> 1))

/* The 2004 headers give two causes the same value. */
#define SA_AMF_LAN_ERROR SA_AMF_OUT_OF_MEMORY
/* The spelling that the next two names should have had. */
#define SA_AMF_REMOTE_NODE_TRANSMISSION_ERROR SA_AMF_REMOTE_NODE_TRNASMISSION_ERROR
#define SA_AMF_UNDERLYING_RESOURCE_UNAVAILABLE SA_AMF_UNDERLYING_REOUSRCE_UNAVAILABLE

/* Initializers of an SaCkptSectionIdT. */
#define SA_CKPT_DEFAULT_SECTION_ID {0, 0}
#define SA_CKPT_GENERATED_SECTION_ID {0, 0}

/**
 * The most bytes in a name.
 */
#define SA_MAX_NAME_LENGTH 256

/**
 * Track flag: one callback with everything there is now.
 */
#define SA_TRACK_CURRENT 1

/**
 * Track flag: on every change a callback with everything.
 */
#define SA_TRACK_CHANGES 2

/**
 * Track flag: on every change a callback with what changed.
 */
#define SA_TRACK_CHANGES_ONLY 4

/**
 * Names the node of the caller.
 */
#define SA_CLM_LOCAL_NODE_ID 0

/**
 * The most bytes in a node address.
 */
#define SA_CLM_MAX_ADDRESS_LENGTH 64

/**
 * CSI flag: one more instance. The spelling is that of the 2004 header.
 */
#define SA_AMF_CSI_ADD_NEW_ISTANCE 1

/**
 * CSI flag: one more instance.
 */
#define SA_AMF_CSI_ADD_NEW_INSTANCE 1

/**
 * CSI flag: all instances of the component.
 */
#define SA_AMF_CSI_ALL_INSTANCES 2

/**
 * Pending operation: a switchover.
 */
#define SA_AMF_SWITCHOVER_OPERATION 1

/**
 * Pending operation: a shutdown.
 */
#define SA_AMF_SHUTDOWN_OPERATION 2

/**
 * The most bytes in an SaAmfErrorBufferT.
 */
#define SA_AMF_OPAQUE_BUFFER_SIZE_MAX 512

/**
 * Update option: a write returns when all replicas have it.
 */
#define SA_CKPT_WR_ALL_REPLICAS 1

/**
 * Update option: a write returns when the active replica has it.
 */
#define SA_CKPT_WR_ACTIVE_REPLICA 2

/**
 * Update option: as SA_CKPT_WR_ACTIVE_REPLICA, and a write may be torn.
 */
#define SA_CKPT_WR_ACTIVE_REPLICA_WEAK 4

/**
 * Open flag: to read.
 */
#define SA_CKPT_CHECKPOINT_READ 1

/**
 * Open flag: to write.
 */
#define SA_CKPT_CHECKPOINT_WRITE 2

/**
 * Open flag: with a replica on this node.
 */
#define SA_CKPT_CHECKPOINT_COLOCATED 4

/**
 * A truth value.
 */
typedef enum {
    SA_FALSE = 0,
    SA_TRUE = 1
} SaBoolT;

/**
 * How many callbacks a Dispatch function runs.
 */
typedef enum {
    /**
     * At most one; it does not wait for one.
     */
    SA_DISPATCH_ONE = 1,
    /**
     * All that are pending.
     */
    SA_DISPATCH_ALL = 2,
    /**
     * All that come, until the handle is finalized.
     */
    SA_DISPATCH_BLOCKING = 3
} SaDispatchFlagsT;

/**
 * What every function returns.
 */
typedef enum {
    SA_OK = 1,
    /**
     * The connection to the executive is gone.
     */
    SA_ERR_LIBRARY = 2,
    SA_ERR_VERSION = 3,
    /**
     * The callback that the call needs was not given at Initialize.
     */
    SA_ERR_INIT = 4,
    /**
     * Whether the call took effect is not known.
     */
    SA_ERR_TIMEOUT = 5,
    /**
     * Nothing was done; try again later.
     */
    SA_ERR_TRY_AGAIN = 6,
    SA_ERR_INVALID_PARAM = 7,
    SA_ERR_NO_MEMORY = 8,
    SA_ERR_BAD_HANDLE = 9,
    SA_ERR_BUSY = 10,
    SA_ERR_ACCESS = 11,
    SA_ERR_NOT_EXIST = 12,
    SA_ERR_NAME_TOO_LONG = 13,
    SA_ERR_EXIST = 14,
    SA_ERR_NO_SPACE = 15,
    SA_ERR_INTERRUPT = 16,
    SA_ERR_SYSTEM = 17,
    SA_ERR_NAME_NOT_FOUND = 18,
    SA_ERR_NO_RESOURCES = 19,
    SA_ERR_NOT_SUPPORTED = 20,
    SA_ERR_BAD_OPERATION = 21,
    SA_ERR_FAILED_OPERATION = 22,
    SA_ERR_MESSAGE_ERROR = 23,
    SA_ERR_NO_MESSAGE = 24,
    SA_ERR_QUEUE_FULL = 25,
    SA_ERR_QUEUE_NOT_AVAILABLE = 26,
    SA_ERR_BAD_CHECKPOINT = 27,
    SA_ERR_BAD_FLAGS = 28,
    /**
     * The executive does not serve this user.
     */
    SA_ERR_SECURITY = 29
} SaErrorT;

/**
 * What happened to a node.
 */
typedef enum {
    SA_CLM_NODE_NO_CHANGE = 1,
    SA_CLM_NODE_JOINED = 2,
    SA_CLM_NODE_LEFT = 3
} SaClmClusterChangesT;

/**
 * The kind of a healthcheck.
 */
typedef enum {
    SA_AMF_HEARTBEAT = 1,
    SA_AMF_HEALTHCHECK_LEVEL1 = 2,
    SA_AMF_HEALTHCHECK_LEVEL2 = 3,
    SA_AMF_HEALTHCHECK_LEVEL3 = 4
} SaAmfHealthcheckT;

/**
 * Whether a component may be given work.
 */
typedef enum {
    SA_AMF_OUT_OF_SERVICE = 1,
    SA_AMF_IN_SERVICE = 2,
    SA_AMF_STOPPING = 3
} SaAmfReadinessStateT;

/**
 * The part of a component in a protection group.
 */
typedef enum {
    SA_AMF_ACTIVE = 1,
    SA_AMF_STANDBY = 2,
    SA_AMF_QUIESCED = 3
} SaAmfHAStateT;

/**
 * How many instances a component can serve in which state.
 */
typedef enum {
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_AND_Y_STANDBY = 1,
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_OR_Y_STANDBY = 2,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_Y_STANDBY = 3,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_1_STANDBY = 4,
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE = 5,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE = 6,
    SA_AMF_COMPONENT_CAPABILITY_NO_ACTIVE = 7
} SaAmfComponentCapabilityModelT;

/**
 * How the component that was active before let go.
 */
typedef enum {
    SA_AMF_CSI_NEW_ASSIGN = 1,
    SA_AMF_CSI_QUIESCED = 2,
    SA_AMF_CSI_NOT_QUIESCED = 3,
    SA_AMF_CSI_STILL_ACTIVE = 4
} SaAmfCSITransitionDescriptorT;

/**
 * What to do to an external component.
 */
typedef enum {
    SA_AMF_RESET = 1,
    SA_AMF_REBOOT = 2,
    SA_AMF_POWER_ON = 3,
    SA_AMF_POWER_OFF = 4
} SaAmfExternalComponentActionT;

/**
 * What happened to a member of a protection group.
 */
typedef enum {
    SA_AMF_PROTECTION_GROUP_NO_CHANGE = 1,
    SA_AMF_PROTECTION_GROUP_ADDED = 2,
    SA_AMF_PROTECTION_GROUP_REMOVED = 3,
    SA_AMF_PROTECTION_GROUP_STATE_CHANGE = 4
} SaAmfProtectionGroupChangesT;

/**
 * The kind of an error.
 */
typedef enum {
    SA_AMF_COMMUNICATION_ALARM_TYPE = 1,
    SA_AMF_QUALITY_OF_SERVICE_ALARM_TYPE = 2,
    SA_AMF_PROCESSING_ERROR_ALARM_TYPE = 3,
    SA_AMF_EQUIPMENT_ALARM_TYPE = 4,
    SA_AMF_ENVIRONMENTAL_ALARM_TYPE = 5
} SaAmfErrorReportTypeT;

/**
 * What probably caused an error. SA_AMF_LAN_ERROR has the same value as
 * SA_AMF_OUT_OF_MEMORY, as in the 2004 header.
 */
typedef enum {
    SA_AMF_APPLICATION_SUBSYSTEM_FAILURE = 1,
    SA_AMF_BANDWIDTH_REDUCED = 2,
    SA_AMF_CALL_ESTABLISHMENT_ERROR = 3,
    SA_AMF_COMMUNICATION_PROTOCOL_ERROR = 4,
    SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE = 5,
    SA_AMF_CONFIGURATION_ERROR = 6,
    SA_AMF_CONGESTION = 7,
    SA_AMF_CORRUPT_DATA = 8,
    SA_AMF_CPU_CYCLES_LIMIT_EXCEEDED = 9,
    SA_AMF_EQUIPMENT_MALFUNCTION = 10,
    SA_AMF_FILE_ERROR = 11,
    SA_AMF_IO_DEVICE_ERROR = 12,
    SA_AMF_OUT_OF_MEMORY = 13,
    SA_AMF_PERFORMANCE_DEGRADED = 14,
    SA_AMF_PROCESSOR_PROBLEM = 15,
    SA_AMF_RECEIVE_FAILURE = 16,
    /**
     * The spelling is that of the 2004 header.
     */
    SA_AMF_REMOTE_NODE_TRNASMISSION_ERROR = 17,
    SA_AMF_RESOURCE_AT_OR_NEARING_CAPACITY = 18,
    SA_AMF_RESPONSE_TIME_EXCESSIVE = 19,
    SA_AMF_RETRANSMISSION_RATE_EXCESSIVE = 20,
    SA_AMF_SOFTWARE_ERROR = 21,
    SA_AMF_SOFTWARE_PROGRAM_ABNORMALLY_TERMINATED = 22,
    SA_AMF_SOFTWARE_PROGRAM_ERROR = 23,
    SA_AMF_STORAGE_CAPACITY_PROBLEM = 24,
    SA_AMF_TIMING_PROBLEM = 25,
    /**
     * The spelling is that of the 2004 header.
     */
    SA_AMF_UNDERLYING_REOUSRCE_UNAVAILABLE = 26,
    SA_AMF_INTERNAL_ERROR = 27,
    SA_AMF_NO_SERVICE_ERROR = 28,
    SA_AMF_SOFTWARE_LIBRARY_ERROR = 29,
    SA_AMF_NOT_RESPONDING = 30
} SaAmfProbableCauseT;

/**
 * How bad an error is.
 */
typedef enum {
    SA_AMF_CLEARED = 1,
    SA_AMF_NO_IMPACT = 2,
    SA_AMF_INDETERMINATE = 3,
    SA_AMF_CRITICAL = 4,
    SA_AMF_MAJOR = 5,
    SA_AMF_WEDGED_COMPONENT_FAILURE = 6,
    SA_AMF_COMPONENT_TERMINATED_FAILURE = 7,
    SA_AMF_NODE_FAILURE = 8,
    SA_AMF_MINOR = 9,
    SA_AMF_WARNING = 10
} SaAmfErrorImpactAndSeverityT;

/**
 * What the reporter of an error asks for.
 */
typedef enum {
    SA_AMF_NO_RECOMMENDATION = 1,
    SA_AMF_INTERNALLY_RECOVERED = 2,
    SA_AMF_COMPONENT_RESTART = 3,
    SA_AMF_COMPONENT_FAILOVER = 4,
    SA_AMF_NODE_SWITCHOVER = 5,
    SA_AMF_NODE_FAILOVER = 6,
    SA_AMF_NODE_FAILFAST = 7,
    SA_AMF_CLUSTER_RESET = 8
} SaAmfRecommendedRecoveryT;

/**
 * Whether a section can be read.
 */
typedef enum {
    SA_CKPT_SECTION_VALID = 1,
    SA_CKPT_SECTION_CORRUPTED = 2
} SaCkptSectionStateT;

/**
 * Which sections an iterator lists.
 */
typedef enum {
    SA_CKPT_SECTIONS_FOREVER = 1,
    SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME = 2,
    SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME = 3,
    SA_CKPT_SECTIONS_CORRUPTED = 4,
    SA_CKPT_SECTIONS_ANY = 5
} SaCkptSectionsChosenT;

/**
 * `char`: signed or not as the platform has it.
 */
typedef char SaInt8T;

/**
 * 16 bits.
 */
typedef short SaInt16T;

/**
 * `long`: 8 bytes on LP64.
 */
typedef long SaInt32T;

/**
 * 64 bits.
 */
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wlong-long"
#endif
__extension__ typedef long long SaInt64T;
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic pop
#endif

/**
 * 8 bits.
 */
typedef unsigned char SaUint8T;

/**
 * 16 bits.
 */
typedef unsigned short SaUint16T;

/**
 * `unsigned long`: 8 bytes on LP64.
 */
typedef unsigned long SaUint32T;

/**
 * 64 bits.
 */
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wlong-long"
#endif
__extension__ typedef unsigned long long SaUint64T;
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic pop
#endif

/**
 * Nanoseconds: a duration, or a time since the Unix epoch.
 */
typedef SaInt64T SaTimeT;

/**
 * A name: bytes that are counted, not terminated.
 */
typedef struct {
    SaUint16T length;
    unsigned char value[SA_MAX_NAME_LENGTH];
} SaNameT;

/**
 * A version of the API. This library serves 'A', 1, 1.
 */
typedef struct {
    char releaseCode;
    unsigned char major;
    unsigned char minor;
} SaVersionT;

/**
 * A node: its IPv4 address in network byte order, as a number.
 */
typedef SaUint32T SaClmNodeIdT;

/**
 * A handle of the Cluster Membership service.
 */
typedef int SaClmHandleT;

/**
 * A descriptor for poll and select: readable when a callback is pending.
 */
typedef int SaSelectionObjectT;

/**
 * Ties a callback to the call that asked for it, or an answer to a callback.
 */
typedef int SaInvocationT;

/**
 * The address of a node: four octets for IPv4.
 */
typedef struct {
    SaUint8T length;
    unsigned char value[SA_CLM_MAX_ADDRESS_LENGTH];
} SaClmNodeAddressT;

/**
 * A node of the cluster.
 */
typedef struct {
    SaClmNodeIdT nodeId;
    SaClmNodeAddressT nodeAddress;
    SaNameT nodeName;
    SaNameT clusterName;
    SaBoolT member;
    /**
     * When its host was booted, in nanoseconds since the Unix epoch.
     */
    SaTimeT bootTimestamp;
} SaClmClusterNodeT;

/**
 * A node and what happened to it.
 */
typedef struct {
    SaClmClusterNodeT clusterNode;
    SaClmClusterChangesT clusterChanges;
} SaClmClusterNotificationT;

/**
 * A handle of the Availability Management Framework.
 */
typedef int SaAmfHandleT;

/**
 * CSI flags.
 */
typedef SaUint32T SaAmfCSIFlagsT;

/**
 * Operations that wait for a confirmation.
 */
typedef SaUint32T SaAmfPendingOperationFlagsT;

/**
 * A member of a protection group.
 */
typedef struct {
    SaNameT compName;
    SaAmfReadinessStateT readinessState;
    SaAmfHAStateT haState;
} SaAmfProtectionGroupMemberT;

/**
 * A member of a protection group and what happened to it.
 */
typedef struct {
    SaAmfProtectionGroupMemberT member;
    SaAmfProtectionGroupChangesT change;
} SaAmfProtectionGroupNotificationT;

/**
 * An error. Only probableCause must hold a valid value.
 */
typedef struct {
    SaAmfErrorReportTypeT errorReportType;
    SaAmfProbableCauseT probableCause;
    SaAmfErrorImpactAndSeverityT errorImpactAndSeverity;
    SaAmfRecommendedRecoveryT recommendedRecovery;
} SaAmfErrorDescriptorT;

/**
 * A number of bytes.
 */
typedef int SaSizeT;

/**
 * Bytes that describe an error.
 */
typedef struct {
    char *buffer;
    SaSizeT size;
} SaAmfErrorBufferT;

/**
 * What else there is to say about an error; each part may be NULL.
 */
typedef struct {
    SaAmfErrorBufferT *specificProblem;
    SaAmfErrorBufferT *additionalText;
    SaAmfErrorBufferT *additionalInformation;
} SaAmfAdditionalDataT;

/**
 * A handle of the Checkpoint service.
 */
typedef int SaCkptHandleT;

/**
 * An open checkpoint.
 */
typedef int SaCkptCheckpointHandleT;

/**
 * An iterator over the sections of a checkpoint.
 */
typedef int SaCkptSectionIteratorT;

/**
 * One update option; 0 is SA_CKPT_WR_ALL_REPLICAS.
 */
typedef SaUint32T SaCkptCheckpointCreationFlagsT;

/**
 * What a checkpoint is created with.
 */
typedef struct {
    SaCkptCheckpointCreationFlagsT creationFlags;
    SaSizeT checkpointSize;
    /**
     * How long it outlives its last close, in nanoseconds.
     */
    SaTimeT retentionDuration;
    SaUint32T maxSections;
    SaSizeT maxSectionSize;
    SaUint32T maxSectionIdSize;
} SaCkptCheckpointCreationAttributesT;

/**
 * Open flags.
 */
typedef SaUint32T SaCkptCheckpointOpenFlagsT;

/**
 * The id of a section.
 */
typedef struct {
    SaUint8T *id;
    SaUint32T idLen;
} SaCkptSectionIdT;

/**
 * What a section is created with.
 */
typedef struct {
    /**
     * SA_CKPT_GENERATED_SECTION_ID is replaced by the id that was generated;
     * its bytes stay valid until the checkpoint handle is closed.
     */
    SaCkptSectionIdT *sectionId;
    /**
     * Nanoseconds since the Unix epoch; SA_TIME_END and 0 are never.
     */
    SaTimeT expirationTime;
} SaCkptSectionCreationAttributesT;

/**
 * What an iterator tells about a section.
 */
typedef struct {
    /**
     * Its bytes stay valid until the iterator is finalized.
     */
    SaCkptSectionIdT sectionId;
    SaTimeT expirationTime;
    SaSizeT sectionSize;
    SaCkptSectionStateT sectionState;
    SaTimeT lastUpdate;
} SaCkptSectionDescriptorT;

/**
 * A number of bytes from the start of a section.
 */
typedef SaUint32T SaOffsetT;

/**
 * One element of a vector read or write.
 */
typedef struct {
    SaCkptSectionIdT sectionId;
    /**
     * NULL in a read: the library allocates it, the caller frees it.
     */
    void *dataBuffer;
    SaSizeT dataSize;
    SaOffsetT dataOffset;
    /**
     * Set by a read.
     */
    SaSizeT readSize;
} SaCkptIOVectorElementT;

/**
 * What a checkpoint is like.
 */
typedef struct {
    SaCkptCheckpointCreationAttributesT checkpointCreationAttributes;
    SaUint32T numberOfSections;
    SaUint32T memoryUsed;
} SaCkptCheckpointStatusT;

/**
 * The end of saCkptCheckpointOpenAsync. The handle is valid if error is
 * SA_OK.
 */
typedef void (*SaCkptCheckpointOpenCallbackT)(SaInvocationT invocation,
                                              const SaCkptCheckpointHandleT *checkpointHandle,
                                              SaErrorT error);

/**
 * The end of saCkptCheckpointSynchronizeAsync.
 */
typedef void (*SaCkptCheckpointSynchronizeCallbackT)(SaInvocationT invocation,
                                                     SaErrorT error);

/**
 * The callbacks of the Checkpoint service; each may be NULL.
 */
typedef struct {
    SaCkptCheckpointOpenCallbackT saCkptCheckpointOpenCallback;
    SaCkptCheckpointSynchronizeCallbackT saCkptCheckpointSynchronizeCallback;
} SaCkptCallbacksT;

#endif  /* AIS_TYPES_H_DEFINED */
