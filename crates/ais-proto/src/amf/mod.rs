//! AMF: requests, replies and events (A.01.01 section AMF).

mod event;
mod request;

pub use event::{Event, Member};
pub use request::{ErrorReport, Request};

use crate::numbers::{flags, numbered};

bitflags::bitflags! {
    /// Which callbacks a program gave to `saAmfInitialize`, in the order of
    /// `SaAmfCallbacksT`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Callbacks: u32 {
        /// `saAmfHealthcheckCallback`
        const HEALTHCHECK = 1;
        /// `saAmfReadinessStateSetCallback`
        const READINESS_STATE_SET = 1 << 1;
        /// `saAmfComponentTerminateCallback`
        const COMPONENT_TERMINATE = 1 << 2;
        /// `saAmfCSISetCallback`
        const CSI_SET = 1 << 3;
        /// `saAmfCSIRemoveCallback`
        const CSI_REMOVE = 1 << 4;
        /// `saAmfProtectionGroupTrackCallback`
        const PROTECTION_GROUP_TRACK = 1 << 5;
        /// `saAmfExternalComponentRestartCallback`
        const EXTERNAL_COMPONENT_RESTART = 1 << 6;
        /// `saAmfExternalComponentControlCallback`
        const EXTERNAL_COMPONENT_CONTROL = 1 << 7;
        /// `saAmfPendingOperationConfirmCallback`
        const PENDING_OPERATION_CONFIRM = 1 << 8;
        /// `saAmfPendingOperationExpiredCallback`
        const PENDING_OPERATION_EXPIRED = 1 << 9;
    }
}

flags!(Callbacks: u32, Callbacks::from_bits);

numbered! {
    /// `SaAmfReadinessStateT`.
    pub enum Readiness {
        /// Not to be used.
        OutOfService = 1,
        /// Ready for work.
        InService = 2,
        /// Finishing its work.
        Stopping = 3,
    }
}

numbered! {
    /// `SaAmfHAStateT`.
    pub enum HaState {
        /// Does the work.
        Active = 1,
        /// Ready to take the work over.
        Standby = 2,
        /// Has let the work go.
        Quiesced = 3,
    }
}

numbered! {
    /// `SaAmfHealthcheckT`.
    pub enum Healthcheck {
        /// A sign of life.
        Heartbeat = 1,
        /// A short check.
        Level1 = 2,
        /// A longer check.
        Level2 = 3,
        /// A thorough check.
        Level3 = 4,
    }
}

numbered! {
    /// `SaAmfCSITransitionDescriptorT`.
    pub enum Transition {
        /// Nobody had the instance before.
        NewAssign = 1,
        /// The component that had it has let it go in order.
        Quiesced = 2,
        /// The component that had it has not let it go in order.
        NotQuiesced = 3,
        /// The component that had it still has it.
        StillActive = 4,
    }
}

numbered! {
    /// `SaAmfProtectionGroupChangesT`.
    pub enum ProtectionGroupChange {
        /// Nothing happened to the member.
        NoChange = 1,
        /// It came into the group.
        Added = 2,
        /// It went out of the group.
        Removed = 3,
        /// Its readiness or HA state changed.
        StateChange = 4,
    }
}

numbered! {
    /// `SaAmfRecommendedRecoveryT`.
    pub enum Recovery {
        /// The framework decides.
        NoRecommendation = 1,
        /// The component has helped itself.
        InternallyRecovered = 2,
        /// Restart the component.
        ComponentRestart = 3,
        /// Have another component take over.
        ComponentFailover = 4,
        /// Move the node's work elsewhere in order.
        NodeSwitchover = 5,
        /// Move the node's work elsewhere at once.
        NodeFailover = 6,
        /// Stop the node at once.
        NodeFailfast = 7,
        /// Restart the cluster.
        ClusterReset = 8,
    }
}

numbered! {
    /// `SaAmfExternalComponentActionT`.
    pub enum ExternalAction {
        /// Reset it.
        Reset = 1,
        /// Reboot it.
        Reboot = 2,
        /// Switch it on.
        PowerOn = 3,
        /// Switch it off.
        PowerOff = 4,
    }
}

/// The longest of the three buffers of `SaAmfAdditionalDataT`, in bytes.
pub const OPAQUE_BUFFER_SIZE_MAX: usize = 512;
/// The flags of `CSISet` and `CSIRemove` for all instances at once
/// (`SA_AMF_CSI_ALL_INSTANCES`).
pub const CSI_ALL_INSTANCES: u32 = 2;
/// A switch-over waits for confirmation (`SA_AMF_SWITCHOVER_OPERATION`).
pub const PENDING_SWITCHOVER: u32 = 1;
/// A shutdown waits for confirmation (`SA_AMF_SHUTDOWN_OPERATION`).
pub const PENDING_SHUTDOWN: u32 = 2;
/// The flag of `CSISet` for one more instance
/// (`SA_AMF_CSI_ADD_NEW_INSTANCE`).
pub const CSI_ADD_NEW_INSTANCE: u32 = 1;
