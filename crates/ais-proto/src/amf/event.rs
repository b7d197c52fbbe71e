//! What the callbacks of AMF are made of.

use super::{ExternalAction, HaState, Healthcheck, ProtectionGroupChange, Readiness, Transition};
use crate::messages::events;
use crate::services::Telling;
use crate::{Name, ServiceId, Subject};
use ais_wire::record;

record! {
    /// A member of a protection group (`SaAmfProtectionGroupNotificationT`).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Member {
        /// The component.
        pub component: Name,
        /// Its readiness state.
        pub readiness: Readiness,
        /// Its HA state.
        pub ha_state: HaState,
        /// What happened to it.
        pub change: ProtectionGroupChange,
    }
}

events! {
    /// What a callback of AMF is made of.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Event {
        /// `saAmfHealthcheckCallback`.
        0x0281 Healthcheck {
            /// To be answered by `saAmfResponse`; so in all that have one.
            invocation: i32,
            /// The component; so in all that have one.
            component: Name,
            /// The kind of check.
            kind: Healthcheck,
        } => newest(1, component, None),
        /// `saAmfReadinessStateSetCallback`.
        0x0282 ReadinessStateSet {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
            /// The state it shall have.
            state: Readiness,
        } => newest(2, component, None),
        /// `saAmfComponentTerminateCallback`.
        0x0283 ComponentTerminate {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
        } => newest(4, component, None),
        /// `saAmfCSISetCallback`.
        0x0284 CsiSet {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
            /// The instance.
            csi: Name,
            /// `SaAmfCSIFlagsT`.
            flags: u32,
            /// The state it shall have for the instance.
            state: HaState,
            /// For ACTIVE who was active, for STANDBY who is; empty if nobody.
            active: Name,
            /// How the former active let go.
            transition: Transition,
        } => newest(3, component, Some(csi)),
        /// `saAmfCSIRemoveCallback`.
        0x0285 CsiRemove {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
            /// The instance.
            csi: Name,
            /// `SaAmfCSIFlagsT`.
            flags: u32,
        } => newest(3, component, Some(csi)),
        /// `saAmfProtectionGroupTrackCallback`. The node makes it when its program has room for
        /// it.
        0x0286 ProtectionGroupTrack {
            /// Which `TrackStart` asked for it.
            subscription: u32,
            /// The instance.
            csi: Name,
            /// How many members the group has.
            members: u32,
            /// The notifications.
            items: Vec<Member>,
        } => Telling::Each,
        /// `saAmfExternalComponentRestartCallback`.
        0x0287 ExternalComponentRestart {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
        } => newest(5, component, None),
        /// `saAmfExternalComponentControlCallback`.
        0x0288 ExternalComponentControl {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
            /// What to do to it.
            action: ExternalAction,
        } => newest(5, component, None),
        /// `saAmfPendingOperationConfirmCallback`.
        0x0289 PendingOperationConfirm {
            /// See [`Event::Healthcheck`].
            invocation: i32,
            /// The component.
            component: Name,
            /// `SaAmfPendingOperationFlagsT`.
            flags: u32,
        } => newest(6, component, None),
        /// `saAmfPendingOperationExpiredCallback`; nothing to answer.
        0x028a PendingOperationExpired {
            /// The component.
            component: Name,
            /// `SaAmfPendingOperationFlagsT`.
            flags: u32,
        } => newest(6, component, None),
    }
}

impl Event {
    /// The number that the program answers with, if it has to answer.
    #[must_use]
    pub fn invocation(&self) -> Option<i32> {
        match self {
            Self::Healthcheck { invocation, .. }
            | Self::ReadinessStateSet { invocation, .. }
            | Self::ComponentTerminate { invocation, .. }
            | Self::CsiSet { invocation, .. }
            | Self::CsiRemove { invocation, .. }
            | Self::ExternalComponentRestart { invocation, .. }
            | Self::ExternalComponentControl { invocation, .. }
            | Self::PendingOperationConfirm { invocation, .. } => Some(*invocation),
            Self::ProtectionGroupTrack { .. } | Self::PendingOperationExpired { .. } => None,
        }
    }
}

/// Of each kind of demand to a component, for an instance if it is about one, the newest is
/// told.
fn newest(kind: u8, component: &Name, csi: Option<&Name>) -> Telling {
    Telling::Newest(Subject::new(ServiceId::Amf, kind, |out| {
        out.name(component).option(csi, |out, csi| {
            out.name(csi);
        });
    }))
}
