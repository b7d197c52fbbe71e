//! What the callbacks of AMF are made of.

use super::{ExternalAction, HaState, Healthcheck, ProtectionGroupChange, Readiness, Transition};
use crate::{Code, DecodeError, Name, Reader, ServiceId, Subject, Telling, Writer};

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

/// What a callback of AMF is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `saAmfHealthcheckCallback`.
    Healthcheck {
        /// To be answered by `saAmfResponse`; so in all that have one.
        invocation: i32,
        /// The component; so in all that have one.
        component: Name,
        /// The kind of check.
        kind: Healthcheck,
    },
    /// `saAmfReadinessStateSetCallback`.
    ReadinessStateSet {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
        /// The state it shall have.
        state: Readiness,
    },
    /// `saAmfComponentTerminateCallback`.
    ComponentTerminate {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
    },
    /// `saAmfCSISetCallback`.
    CsiSet {
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
    },
    /// `saAmfCSIRemoveCallback`.
    CsiRemove {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
        /// The instance.
        csi: Name,
        /// `SaAmfCSIFlagsT`.
        flags: u32,
    },
    /// `saAmfProtectionGroupTrackCallback`.
    ProtectionGroupTrack {
        /// Which `TrackStart` asked for it.
        subscription: u32,
        /// The instance.
        csi: Name,
        /// How many members the group has.
        members: u32,
        /// The notifications.
        items: Vec<Member>,
    },
    /// `saAmfExternalComponentRestartCallback`.
    ExternalComponentRestart {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
    },
    /// `saAmfExternalComponentControlCallback`.
    ExternalComponentControl {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
        /// What to do to it.
        action: ExternalAction,
    },
    /// `saAmfPendingOperationConfirmCallback`.
    PendingOperationConfirm {
        /// See [`Event::Healthcheck`].
        invocation: i32,
        /// The component.
        component: Name,
        /// `SaAmfPendingOperationFlagsT`.
        flags: u32,
    },
    /// `saAmfPendingOperationExpiredCallback`; nothing to answer.
    PendingOperationExpired {
        /// The component.
        component: Name,
        /// `SaAmfPendingOperationFlagsT`.
        flags: u32,
    },
}

const EVENT_HEALTHCHECK: Code = Code(0x0281);
const EVENT_READINESS_STATE_SET: Code = Code(0x0282);
const EVENT_COMPONENT_TERMINATE: Code = Code(0x0283);
const EVENT_CSI_SET: Code = Code(0x0284);
const EVENT_CSI_REMOVE: Code = Code(0x0285);
const EVENT_PROTECTION_GROUP_TRACK: Code = Code(0x0286);
const EVENT_EXTERNAL_RESTART: Code = Code(0x0287);
const EVENT_EXTERNAL_CONTROL: Code = Code(0x0288);
const EVENT_PENDING_CONFIRM: Code = Code(0x0289);
const EVENT_PENDING_EXPIRED: Code = Code(0x028a);

impl Event {
    /// The code of the event.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Healthcheck { .. } => EVENT_HEALTHCHECK,
            Self::ReadinessStateSet { .. } => EVENT_READINESS_STATE_SET,
            Self::ComponentTerminate { .. } => EVENT_COMPONENT_TERMINATE,
            Self::CsiSet { .. } => EVENT_CSI_SET,
            Self::CsiRemove { .. } => EVENT_CSI_REMOVE,
            Self::ProtectionGroupTrack { .. } => EVENT_PROTECTION_GROUP_TRACK,
            Self::ExternalComponentRestart { .. } => EVENT_EXTERNAL_RESTART,
            Self::ExternalComponentControl { .. } => EVENT_EXTERNAL_CONTROL,
            Self::PendingOperationConfirm { .. } => EVENT_PENDING_CONFIRM,
            Self::PendingOperationExpired { .. } => EVENT_PENDING_EXPIRED,
        }
    }

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

    /// The body of the event.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Healthcheck { invocation, component, kind } => {
                out.i32(*invocation).name(component).u8(*kind as u8);
            }
            Self::ReadinessStateSet { invocation, component, state } => {
                out.i32(*invocation).name(component).u8(*state as u8);
            }
            Self::ComponentTerminate { invocation, component }
            | Self::ExternalComponentRestart { invocation, component } => {
                out.i32(*invocation).name(component);
            }
            Self::CsiSet { invocation, component, csi, flags, state, active, transition } => {
                out.i32(*invocation).name(component).name(csi).u32(*flags);
                out.u8(*state as u8).name(active).u8(*transition as u8);
            }
            Self::CsiRemove { invocation, component, csi, flags } => {
                out.i32(*invocation).name(component).name(csi).u32(*flags);
            }
            Self::ProtectionGroupTrack { subscription, csi, members, items } => {
                out.u32(*subscription).name(csi).u32(*members).list(items, |out, member| {
                    out.name(&member.component).u8(member.readiness as u8);
                    out.u8(member.ha_state as u8).u8(member.change as u8);
                });
            }
            Self::ExternalComponentControl { invocation, component, action } => {
                out.i32(*invocation).name(component).u8(*action as u8);
            }
            Self::PendingOperationConfirm { invocation, component, flags } => {
                out.i32(*invocation).name(component).u32(*flags);
            }
            Self::PendingOperationExpired { component, flags } => {
                out.name(component).u32(*flags);
            }
        }
        out.into_bytes()
    }

    /// Reads an event.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(code: Code, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let input = &mut reader;
        let event = match code {
            EVENT_PROTECTION_GROUP_TRACK => Self::ProtectionGroupTrack {
                subscription: input.u32()?,
                csi: input.name()?,
                members: input.u32()?,
                items: input.list(decode_member)?,
            },
            EVENT_PENDING_EXPIRED => {
                Self::PendingOperationExpired { component: input.name()?, flags: input.u32()? }
            }
            _ => Self::decode_asking(code, input)?,
        };
        reader.finish()?;
        Ok(event)
    }

    /// Reads an event that wants an answer.
    fn decode_asking(code: Code, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let invocation = input.i32()?;
        let component = input.name()?;
        Ok(match code {
            EVENT_HEALTHCHECK => {
                Self::Healthcheck { invocation, component, kind: Healthcheck::decode(input)? }
            }
            EVENT_READINESS_STATE_SET => {
                Self::ReadinessStateSet { invocation, component, state: Readiness::decode(input)? }
            }
            EVENT_COMPONENT_TERMINATE => Self::ComponentTerminate { invocation, component },
            EVENT_CSI_SET => Self::CsiSet {
                invocation,
                component,
                csi: input.name()?,
                flags: input.u32()?,
                state: HaState::decode(input)?,
                active: input.name()?,
                transition: Transition::decode(input)?,
            },
            EVENT_CSI_REMOVE => {
                Self::CsiRemove { invocation, component, csi: input.name()?, flags: input.u32()? }
            }
            EVENT_EXTERNAL_RESTART => Self::ExternalComponentRestart { invocation, component },
            EVENT_EXTERNAL_CONTROL => Self::ExternalComponentControl {
                invocation,
                component,
                action: ExternalAction::decode(input)?,
            },
            EVENT_PENDING_CONFIRM => {
                Self::PendingOperationConfirm { invocation, component, flags: input.u32()? }
            }
            _ => return Err(DecodeError::Invalid),
        })
    }
}

fn decode_member(input: &mut Reader<'_>) -> Result<Member, DecodeError> {
    Ok(Member {
        component: input.name()?,
        readiness: Readiness::decode(input)?,
        ha_state: HaState::decode(input)?,
        change: ProtectionGroupChange::decode(input)?,
    })
}

impl Event {
    /// Which events about the same are told: of each kind of demand to a component, for an
    /// instance if it is about one, the newest. The node makes those of tracking when
    /// their program has room for them.
    pub(crate) fn telling(&self) -> Telling {
        let (kind, component, csi) = match self {
            Self::Healthcheck { component, .. } => (1, component, None),
            Self::ReadinessStateSet { component, .. } => (2, component, None),
            Self::CsiSet { component, csi, .. } | Self::CsiRemove { component, csi, .. } => {
                (3, component, Some(csi))
            }
            Self::ComponentTerminate { component, .. } => (4, component, None),
            Self::ExternalComponentRestart { component, .. }
            | Self::ExternalComponentControl { component, .. } => (5, component, None),
            Self::PendingOperationConfirm { component, .. }
            | Self::PendingOperationExpired { component, .. } => (6, component, None),
            Self::ProtectionGroupTrack { .. } => return Telling::Each,
        };
        Telling::Newest(Subject::new(ServiceId::Amf, kind, |out| {
            out.name(component).option(csi, |out, csi| {
                out.name(csi);
            });
        }))
    }
}
