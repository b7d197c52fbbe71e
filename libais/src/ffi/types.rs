//! The types of `ais_types.h`, with the sizes that the 2004 headers have on
//! each platform (`tests/abi-lp64.txt` lists them for LP64).
//!
//! `tests/headers.rs` generates the header from this file. An enum that comes
//! from the program stands in a `MaybeUninit`: any number may arrive.

use std::ffi::{c_char, c_int, c_long, c_longlong, c_short, c_uchar, c_ulong, c_ulonglong};
use std::ffi::{c_ushort, c_void};
use std::mem::MaybeUninit;

/// A truth value.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaBoolT {
    SA_FALSE = 0,
    SA_TRUE = 1,
}

/// `char`: signed or not as the platform has it.
pub type SaInt8T = c_char;
/// 16 bits.
pub type SaInt16T = c_short;
/// `long`: 8 bytes on LP64.
pub type SaInt32T = c_long;
/// 64 bits.
pub type SaInt64T = c_longlong;
/// 8 bits.
pub type SaUint8T = c_uchar;
/// 16 bits.
pub type SaUint16T = c_ushort;
/// `unsigned long`: 8 bytes on LP64.
pub type SaUint32T = c_ulong;
/// 64 bits.
pub type SaUint64T = c_ulonglong;

/// Nanoseconds: a duration, or a time since the Unix epoch.
pub type SaTimeT = SaInt64T;

/// The most bytes in a name.
pub const SA_MAX_NAME_LENGTH: usize = 256;

/// A name: bytes that are counted, not terminated.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaNameT {
    pub length: SaUint16T,
    pub value: [c_uchar; SA_MAX_NAME_LENGTH],
}

/// A version of the API. This library serves 'A', 1, 1.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaVersionT {
    pub releaseCode: c_char,
    pub major: c_uchar,
    pub minor: c_uchar,
}

/// Track flag: one callback with everything there is now.
pub const SA_TRACK_CURRENT: c_int = 1;
/// Track flag: on every change a callback with everything.
pub const SA_TRACK_CHANGES: c_int = 2;
/// Track flag: on every change a callback with what changed.
pub const SA_TRACK_CHANGES_ONLY: c_int = 4;

/// Names the node of the caller.
pub const SA_CLM_LOCAL_NODE_ID: c_int = 0;

/// How many callbacks a Dispatch function runs.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaDispatchFlagsT {
    /// At most one; it does not wait for one.
    SA_DISPATCH_ONE = 1,
    /// All that are pending.
    SA_DISPATCH_ALL = 2,
    /// All that come, until the handle is finalized.
    SA_DISPATCH_BLOCKING = 3,
}

/// What every function returns.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaErrorT {
    SA_OK = 1,
    /// The connection to the executive is gone.
    SA_ERR_LIBRARY = 2,
    SA_ERR_VERSION = 3,
    /// The callback that the call needs was not given at Initialize.
    SA_ERR_INIT = 4,
    /// Whether the call took effect is not known.
    SA_ERR_TIMEOUT = 5,
    /// Nothing was done; try again later.
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
    /// The executive does not serve this user.
    SA_ERR_SECURITY = 29,
}

/// A node: its IPv4 address in network byte order, as a number.
pub type SaClmNodeIdT = SaUint32T;

/// A handle of the Cluster Membership service.
pub type SaClmHandleT = c_int;
/// A descriptor for poll and select: readable when a callback is pending.
pub type SaSelectionObjectT = c_int;
/// Ties a callback to the call that asked for it, or an answer to a callback.
pub type SaInvocationT = c_int;

/// The most bytes in a node address.
pub const SA_CLM_MAX_ADDRESS_LENGTH: usize = 64;

/// The address of a node: four octets for IPv4.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaClmNodeAddressT {
    pub length: SaUint8T,
    pub value: [c_uchar; SA_CLM_MAX_ADDRESS_LENGTH],
}

/// A node of the cluster.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaClmClusterNodeT {
    pub nodeId: SaClmNodeIdT,
    pub nodeAddress: SaClmNodeAddressT,
    pub nodeName: SaNameT,
    pub clusterName: SaNameT,
    pub member: SaBoolT,
    /// When its host was booted, in nanoseconds since the Unix epoch.
    pub bootTimestamp: SaTimeT,
}

/// What happened to a node.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaClmClusterChangesT {
    SA_CLM_NODE_NO_CHANGE = 1,
    SA_CLM_NODE_JOINED = 2,
    SA_CLM_NODE_LEFT = 3,
}

/// A node and what happened to it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaClmClusterNotificationT {
    pub clusterNode: SaClmClusterNodeT,
    pub clusterChanges: SaClmClusterChangesT,
}

/// A handle of the Availability Management Framework.
pub type SaAmfHandleT = c_int;

/// The kind of a healthcheck.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfHealthcheckT {
    SA_AMF_HEARTBEAT = 1,
    SA_AMF_HEALTHCHECK_LEVEL1 = 2,
    SA_AMF_HEALTHCHECK_LEVEL2 = 3,
    SA_AMF_HEALTHCHECK_LEVEL3 = 4,
}

/// Whether a component may be given work.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfReadinessStateT {
    SA_AMF_OUT_OF_SERVICE = 1,
    SA_AMF_IN_SERVICE = 2,
    SA_AMF_STOPPING = 3,
}

/// The part of a component in a protection group.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfHAStateT {
    SA_AMF_ACTIVE = 1,
    SA_AMF_STANDBY = 2,
    SA_AMF_QUIESCED = 3,
}

/// How many instances a component can serve in which state.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfComponentCapabilityModelT {
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_AND_Y_STANDBY = 1,
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_OR_Y_STANDBY = 2,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_Y_STANDBY = 3,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_1_STANDBY = 4,
    SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE = 5,
    SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE = 6,
    SA_AMF_COMPONENT_CAPABILITY_NO_ACTIVE = 7,
}

/// CSI flag: one more instance. The spelling is that of the 2004 header.
pub const SA_AMF_CSI_ADD_NEW_ISTANCE: c_int = 1;
/// CSI flag: one more instance.
pub const SA_AMF_CSI_ADD_NEW_INSTANCE: c_int = 1;
/// CSI flag: all instances of the component.
pub const SA_AMF_CSI_ALL_INSTANCES: c_int = 2;

/// CSI flags.
pub type SaAmfCSIFlagsT = SaUint32T;

/// How the component that was active before let go.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfCSITransitionDescriptorT {
    SA_AMF_CSI_NEW_ASSIGN = 1,
    SA_AMF_CSI_QUIESCED = 2,
    SA_AMF_CSI_NOT_QUIESCED = 3,
    SA_AMF_CSI_STILL_ACTIVE = 4,
}

/// What to do to an external component.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfExternalComponentActionT {
    SA_AMF_RESET = 1,
    SA_AMF_REBOOT = 2,
    SA_AMF_POWER_ON = 3,
    SA_AMF_POWER_OFF = 4,
}

/// Pending operation: a switchover.
pub const SA_AMF_SWITCHOVER_OPERATION: c_int = 1;
/// Pending operation: a shutdown.
pub const SA_AMF_SHUTDOWN_OPERATION: c_int = 2;

/// Operations that wait for a confirmation.
pub type SaAmfPendingOperationFlagsT = SaUint32T;

/// A member of a protection group.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaAmfProtectionGroupMemberT {
    pub compName: SaNameT,
    pub readinessState: SaAmfReadinessStateT,
    pub haState: SaAmfHAStateT,
}

/// What happened to a member of a protection group.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfProtectionGroupChangesT {
    SA_AMF_PROTECTION_GROUP_NO_CHANGE = 1,
    SA_AMF_PROTECTION_GROUP_ADDED = 2,
    SA_AMF_PROTECTION_GROUP_REMOVED = 3,
    SA_AMF_PROTECTION_GROUP_STATE_CHANGE = 4,
}

/// A member of a protection group and what happened to it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaAmfProtectionGroupNotificationT {
    pub member: SaAmfProtectionGroupMemberT,
    pub change: SaAmfProtectionGroupChangesT,
}

/// The kind of an error.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfErrorReportTypeT {
    SA_AMF_COMMUNICATION_ALARM_TYPE = 1,
    SA_AMF_QUALITY_OF_SERVICE_ALARM_TYPE = 2,
    SA_AMF_PROCESSING_ERROR_ALARM_TYPE = 3,
    SA_AMF_EQUIPMENT_ALARM_TYPE = 4,
    SA_AMF_ENVIRONMENTAL_ALARM_TYPE = 5,
}

/// What probably caused an error. SA_AMF_LAN_ERROR has the same value as
/// SA_AMF_OUT_OF_MEMORY, as in the 2004 header.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfProbableCauseT {
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
    /// The spelling is that of the 2004 header.
    SA_AMF_REMOTE_NODE_TRNASMISSION_ERROR = 17,
    SA_AMF_RESOURCE_AT_OR_NEARING_CAPACITY = 18,
    SA_AMF_RESPONSE_TIME_EXCESSIVE = 19,
    SA_AMF_RETRANSMISSION_RATE_EXCESSIVE = 20,
    SA_AMF_SOFTWARE_ERROR = 21,
    SA_AMF_SOFTWARE_PROGRAM_ABNORMALLY_TERMINATED = 22,
    SA_AMF_SOFTWARE_PROGRAM_ERROR = 23,
    SA_AMF_STORAGE_CAPACITY_PROBLEM = 24,
    SA_AMF_TIMING_PROBLEM = 25,
    /// The spelling is that of the 2004 header.
    SA_AMF_UNDERLYING_REOUSRCE_UNAVAILABLE = 26,
    SA_AMF_INTERNAL_ERROR = 27,
    SA_AMF_NO_SERVICE_ERROR = 28,
    SA_AMF_SOFTWARE_LIBRARY_ERROR = 29,
    SA_AMF_NOT_RESPONDING = 30,
}

/// How bad an error is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfErrorImpactAndSeverityT {
    SA_AMF_CLEARED = 1,
    SA_AMF_NO_IMPACT = 2,
    SA_AMF_INDETERMINATE = 3,
    SA_AMF_CRITICAL = 4,
    SA_AMF_MAJOR = 5,
    SA_AMF_WEDGED_COMPONENT_FAILURE = 6,
    SA_AMF_COMPONENT_TERMINATED_FAILURE = 7,
    SA_AMF_NODE_FAILURE = 8,
    SA_AMF_MINOR = 9,
    SA_AMF_WARNING = 10,
}

/// What the reporter of an error asks for.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaAmfRecommendedRecoveryT {
    SA_AMF_NO_RECOMMENDATION = 1,
    SA_AMF_INTERNALLY_RECOVERED = 2,
    SA_AMF_COMPONENT_RESTART = 3,
    SA_AMF_COMPONENT_FAILOVER = 4,
    SA_AMF_NODE_SWITCHOVER = 5,
    SA_AMF_NODE_FAILOVER = 6,
    SA_AMF_NODE_FAILFAST = 7,
    SA_AMF_CLUSTER_RESET = 8,
}

/// An error. Only probableCause must hold a valid value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SaAmfErrorDescriptorT {
    pub errorReportType: MaybeUninit<SaAmfErrorReportTypeT>,
    pub probableCause: MaybeUninit<SaAmfProbableCauseT>,
    pub errorImpactAndSeverity: MaybeUninit<SaAmfErrorImpactAndSeverityT>,
    pub recommendedRecovery: MaybeUninit<SaAmfRecommendedRecoveryT>,
}

/// A number of bytes.
pub type SaSizeT = c_int;

/// The most bytes in an SaAmfErrorBufferT.
pub const SA_AMF_OPAQUE_BUFFER_SIZE_MAX: c_int = 512;

/// Bytes that describe an error.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaAmfErrorBufferT {
    pub buffer: *mut c_char,
    pub size: SaSizeT,
}

/// What else there is to say about an error; each part may be NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaAmfAdditionalDataT {
    pub specificProblem: *mut SaAmfErrorBufferT,
    pub additionalText: *mut SaAmfErrorBufferT,
    pub additionalInformation: *mut SaAmfErrorBufferT,
}

/// A handle of the Checkpoint service.
pub type SaCkptHandleT = c_int;
/// An open checkpoint.
pub type SaCkptCheckpointHandleT = c_int;
/// An iterator over the sections of a checkpoint.
pub type SaCkptSectionIteratorT = c_int;

/// Update option: a write returns when all replicas have it.
pub const SA_CKPT_WR_ALL_REPLICAS: c_int = 1;
/// Update option: a write returns when the active replica has it.
pub const SA_CKPT_WR_ACTIVE_REPLICA: c_int = 2;
/// Update option: as SA_CKPT_WR_ACTIVE_REPLICA, and a write may be torn.
pub const SA_CKPT_WR_ACTIVE_REPLICA_WEAK: c_int = 4;

/// One update option; 0 is SA_CKPT_WR_ALL_REPLICAS.
pub type SaCkptCheckpointCreationFlagsT = SaUint32T;

/// What a checkpoint is created with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptCheckpointCreationAttributesT {
    pub creationFlags: SaCkptCheckpointCreationFlagsT,
    pub checkpointSize: SaSizeT,
    /// How long it outlives its last close, in nanoseconds.
    pub retentionDuration: SaTimeT,
    pub maxSections: SaUint32T,
    pub maxSectionSize: SaSizeT,
    pub maxSectionIdSize: SaUint32T,
}

/// Open flag: to read.
pub const SA_CKPT_CHECKPOINT_READ: c_int = 1;
/// Open flag: to write.
pub const SA_CKPT_CHECKPOINT_WRITE: c_int = 2;
/// Open flag: with a replica on this node.
pub const SA_CKPT_CHECKPOINT_COLOCATED: c_int = 4;

/// Open flags.
pub type SaCkptCheckpointOpenFlagsT = SaUint32T;

/// The id of a section.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptSectionIdT {
    pub id: *mut SaUint8T,
    pub idLen: SaUint32T,
}

/// What a section is created with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptSectionCreationAttributesT {
    /// SA_CKPT_GENERATED_SECTION_ID is replaced by the id that was generated;
    /// its bytes stay valid until the checkpoint handle is closed.
    pub sectionId: *mut SaCkptSectionIdT,
    /// Nanoseconds since the Unix epoch; SA_TIME_END and 0 are never.
    pub expirationTime: SaTimeT,
}

/// Whether a section can be read.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaCkptSectionStateT {
    SA_CKPT_SECTION_VALID = 1,
    SA_CKPT_SECTION_CORRUPTED = 2,
}

/// What an iterator tells about a section.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptSectionDescriptorT {
    /// Its bytes stay valid until the iterator is finalized.
    pub sectionId: SaCkptSectionIdT,
    pub expirationTime: SaTimeT,
    pub sectionSize: SaSizeT,
    pub sectionState: SaCkptSectionStateT,
    pub lastUpdate: SaTimeT,
}

/// Which sections an iterator lists.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaCkptSectionsChosenT {
    SA_CKPT_SECTIONS_FOREVER = 1,
    SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME = 2,
    SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME = 3,
    SA_CKPT_SECTIONS_CORRUPTED = 4,
    SA_CKPT_SECTIONS_ANY = 5,
}

/// A number of bytes from the start of a section.
pub type SaOffsetT = SaUint32T;

/// One element of a vector read or write.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptIOVectorElementT {
    pub sectionId: SaCkptSectionIdT,
    /// NULL in a read: the library allocates it, the caller frees it.
    pub dataBuffer: *mut c_void,
    pub dataSize: SaSizeT,
    pub dataOffset: SaOffsetT,
    /// Set by a read.
    pub readSize: SaSizeT,
}

/// What a checkpoint is like.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptCheckpointStatusT {
    pub checkpointCreationAttributes: SaCkptCheckpointCreationAttributesT,
    pub numberOfSections: SaUint32T,
    pub memoryUsed: SaUint32T,
}

/// The end of saCkptCheckpointOpenAsync. The handle is valid if error is
/// SA_OK.
pub type SaCkptCheckpointOpenCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        checkpointHandle: *const SaCkptCheckpointHandleT,
        error: SaErrorT,
    ),
>;

/// The end of saCkptCheckpointSynchronizeAsync.
pub type SaCkptCheckpointSynchronizeCallbackT =
    Option<unsafe extern "C-unwind" fn(invocation: SaInvocationT, error: SaErrorT)>;

/// The callbacks of the Checkpoint service; each may be NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaCkptCallbacksT {
    pub saCkptCheckpointOpenCallback: SaCkptCheckpointOpenCallbackT,
    pub saCkptCheckpointSynchronizeCallback: SaCkptCheckpointSynchronizeCallbackT,
}
