//! The callbacks of AMF: from what the executive says to what C expects.

use super::super::dispatch::Dispatching;
use super::super::error;
use super::super::handles::WithCallbacks;
use super::super::place::Buffer;
use super::super::types::*;
use super::super::values::{mask, narrow, to_name, told};
use ais_client::AisError;
use ais_client::amf::{
    Amf, Callbacks, Event, ExternalAction, HaState, Healthcheck, Member, ProtectionGroupChange,
    Question, Readiness, Tracked, Transition,
};
use ais_client::dispatch::{Step, Turn};
use std::os::fd::{AsRawFd, RawFd};

/// Is the component well? Answer with saAmfResponse.
pub type SaAmfHealthcheckCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        compName: *const SaNameT,
        checkType: SaAmfHealthcheckT,
    ),
>;

/// The component shall take this readiness state. Answer with saAmfResponse,
/// SA_AMF_STOPPING with saAmfStoppingComplete.
pub type SaAmfReadinessStateSetCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        compName: *const SaNameT,
        readinessState: SaAmfReadinessStateT,
    ),
>;

/// The component shall end. Answer with saAmfResponse, then exit.
pub type SaAmfComponentTerminateCallbackT =
    Option<unsafe extern "C-unwind" fn(invocation: SaInvocationT, compName: *const SaNameT)>;

/// The component shall take this HA state for a component service instance.
/// Answer with saAmfResponse.
pub type SaAmfCSISetCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        compName: *const SaNameT,
        csiName: *const SaNameT,
        csiFlags: SaAmfCSIFlagsT,
        haState: *mut SaAmfHAStateT,
        activeCompName: *mut SaNameT,
        transitionDescriptor: SaAmfCSITransitionDescriptorT,
    ),
>;

/// The component shall let an instance go. Answer with saAmfResponse.
pub type SaAmfCSIRemoveCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        compName: *const SaNameT,
        csiName: *const SaNameT,
        csiFlags: *const SaAmfCSIFlagsT,
    ),
>;

/// The members of a protection group, or what changed; notificationBuffer is
/// the pointer that was given to saAmfProtectionGroupTrackStart. With
/// SA_ERR_NO_SPACE the buffer is too small: there are no items, and
/// numberOfMembers tells how many there are.
pub type SaAmfProtectionGroupTrackCallbackT = Option<
    unsafe extern "C-unwind" fn(
        csiName: *const SaNameT,
        notificationBuffer: *mut SaAmfProtectionGroupNotificationT,
        numberOfItems: SaUint32T,
        numberOfMembers: SaUint32T,
        error: SaErrorT,
    ),
>;

/// The external component shall be restarted. Answer with saAmfResponse.
pub type SaAmfExternalComponentRestartCallbackT = Option<
    unsafe extern "C-unwind" fn(invocation: SaInvocationT, externalCompName: *const SaNameT),
>;

/// Something shall be done to the external component. Answer with
/// saAmfResponse.
pub type SaAmfExternalComponentControlCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        externalCompName: *const SaNameT,
        controlAction: SaAmfExternalComponentActionT,
    ),
>;

/// May the operation be carried out? Answer with saAmfResponse.
pub type SaAmfPendingOperationConfirmCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        compName: *const SaNameT,
        pendingOperationFlags: SaAmfPendingOperationFlagsT,
    ),
>;

/// The operation is no longer pending; there is nothing to answer.
pub type SaAmfPendingOperationExpiredCallbackT = Option<
    unsafe extern "C-unwind" fn(
        compName: *const SaNameT,
        pendingOperationFlags: SaAmfPendingOperationFlagsT,
    ),
>;

/// The callbacks of the Availability Management Framework; each may be NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaAmfCallbacksT {
    pub saAmfHealthcheckCallback: SaAmfHealthcheckCallbackT,
    pub saAmfReadinessStateSetCallback: SaAmfReadinessStateSetCallbackT,
    pub saAmfComponentTerminateCallback: SaAmfComponentTerminateCallbackT,
    pub saAmfCSISetCallback: SaAmfCSISetCallbackT,
    pub saAmfCSIRemoveCallback: SaAmfCSIRemoveCallbackT,
    pub saAmfProtectionGroupTrackCallback: SaAmfProtectionGroupTrackCallbackT,
    pub saAmfExternalComponentRestartCallback: SaAmfExternalComponentRestartCallbackT,
    pub saAmfExternalComponentControlCallback: SaAmfExternalComponentControlCallbackT,
    pub saAmfPendingOperationConfirmCallback: SaAmfPendingOperationConfirmCallbackT,
    pub saAmfPendingOperationExpiredCallback: SaAmfPendingOperationExpiredCallbackT,
}

/// A handle of AMF, with what the program wants to be told and where.
pub(super) type AmfHandle =
    WithCallbacks<Amf<Buffer<SaAmfProtectionGroupNotificationT>>, SaAmfCallbacksT>;

pub(super) const NO_CALLBACKS: SaAmfCallbacksT = SaAmfCallbacksT {
    saAmfHealthcheckCallback: None,
    saAmfReadinessStateSetCallback: None,
    saAmfComponentTerminateCallback: None,
    saAmfCSISetCallback: None,
    saAmfCSIRemoveCallback: None,
    saAmfProtectionGroupTrackCallback: None,
    saAmfExternalComponentRestartCallback: None,
    saAmfExternalComponentControlCallback: None,
    saAmfPendingOperationConfirmCallback: None,
    saAmfPendingOperationExpiredCallback: None,
};

impl SaAmfCallbacksT {
    /// Which callbacks there are.
    pub(super) fn present(&self) -> Callbacks {
        Callbacks::from_bits_truncate(mask([
            self.saAmfHealthcheckCallback.is_some(),
            self.saAmfReadinessStateSetCallback.is_some(),
            self.saAmfComponentTerminateCallback.is_some(),
            self.saAmfCSISetCallback.is_some(),
            self.saAmfCSIRemoveCallback.is_some(),
            self.saAmfProtectionGroupTrackCallback.is_some(),
            self.saAmfExternalComponentRestartCallback.is_some(),
            self.saAmfExternalComponentControlCallback.is_some(),
            self.saAmfPendingOperationConfirmCallback.is_some(),
            self.saAmfPendingOperationExpiredCallback.is_some(),
        ]))
    }
}

/// A callback and what it is told.
#[expect(clippy::large_enum_variant, reason = "nothing of it may be on the heap")]
#[derive(Clone, Copy)]
pub(in crate::ffi) enum Call {
    Healthcheck(SaAmfHealthcheckCallbackT, SaInvocationT, SaNameT, SaAmfHealthcheckT),
    ReadinessStateSet(
        SaAmfReadinessStateSetCallbackT,
        SaInvocationT,
        SaNameT,
        SaAmfReadinessStateT,
    ),
    ComponentTerminate(SaAmfComponentTerminateCallbackT, SaInvocationT, SaNameT),
    CsiSet(SaAmfCSISetCallbackT, CsiSet),
    CsiRemove(SaAmfCSIRemoveCallbackT, SaInvocationT, [SaNameT; 2], SaAmfCSIFlagsT),
    Track(
        SaAmfProtectionGroupTrackCallbackT,
        SaNameT,
        Buffer<SaAmfProtectionGroupNotificationT>,
        [SaUint32T; 2],
        SaErrorT,
    ),
    ExternalComponentRestart(SaAmfExternalComponentRestartCallbackT, SaInvocationT, SaNameT),
    ExternalComponentControl(
        SaAmfExternalComponentControlCallbackT,
        SaInvocationT,
        SaNameT,
        SaAmfExternalComponentActionT,
    ),
    PendingOperationConfirm(
        SaAmfPendingOperationConfirmCallbackT,
        SaInvocationT,
        SaNameT,
        SaAmfPendingOperationFlagsT,
    ),
    PendingOperationExpired(
        SaAmfPendingOperationExpiredCallbackT,
        SaNameT,
        SaAmfPendingOperationFlagsT,
    ),
}

/// The arguments of saAmfCSISetCallback.
#[derive(Clone, Copy)]
pub(in crate::ffi) struct CsiSet {
    invocation: SaInvocationT,
    component: SaNameT,
    csi: SaNameT,
    flags: SaAmfCSIFlagsT,
    state: SaAmfHAStateT,
    active: SaNameT,
    transition: SaAmfCSITransitionDescriptorT,
}

impl Call {
    /// Makes it, if the program gave one.
    pub(super) unsafe fn run(self) {
        // SAFETY: a callback that the program gave for this; what the pointers
        // point to lives until it returns.
        let _ = unsafe { self.run_given() };
    }

    /// None if the program gave none.
    unsafe fn run_given(self) -> Option<()> {
        // SAFETY: see `run`, the only caller.
        unsafe {
            match self {
                Self::Healthcheck(callback, invocation, component, kind) => {
                    callback?(invocation, &raw const component, kind);
                }
                Self::ReadinessStateSet(callback, invocation, component, state) => {
                    callback?(invocation, &raw const component, state);
                }
                Self::ComponentTerminate(callback, invocation, component) => {
                    callback?(invocation, &raw const component);
                }
                Self::CsiSet(callback, mut told) => callback?(
                    told.invocation,
                    &raw const told.component,
                    &raw const told.csi,
                    told.flags,
                    &raw mut told.state,
                    &raw mut told.active,
                    told.transition,
                ),
                Self::CsiRemove(callback, invocation, [component, csi], flags) => {
                    let [component, csi] = [&raw const component, &raw const csi];
                    callback?(invocation, component, csi, &raw const flags);
                }
                Self::Track(callback, csi, buffer, [items, members], error) => {
                    callback?(&raw const csi, buffer.pointer(), items, members, error);
                }
                Self::ExternalComponentRestart(callback, invocation, component) => {
                    callback?(invocation, &raw const component);
                }
                Self::ExternalComponentControl(callback, invocation, component, action) => {
                    callback?(invocation, &raw const component, action);
                }
                Self::PendingOperationConfirm(callback, invocation, component, flags) => {
                    callback?(invocation, &raw const component, flags);
                }
                Self::PendingOperationExpired(callback, component, flags) => {
                    callback?(&raw const component, flags);
                }
            }
        }
        Some(())
    }

    /// The callback of an event, its memory filled.
    fn of(
        callbacks: &SaAmfCallbacksT,
        event: Event<'_, Buffer<SaAmfProtectionGroupNotificationT>>,
    ) -> Option<Self> {
        match event {
            Event::Track(buffer, Tracked { csi, members, items }) => {
                // SAFETY: the buffer is the program's promise until it stops
                // tracking, which waits for this.
                let result = unsafe { buffer.fill(items.iter().map(to_notification)) };
                let told = told(items.len(), members, result);
                let callback = callbacks.saAmfProtectionGroupTrackCallback;
                Some(Self::Track(callback, to_name(&csi), *buffer, told, error::to_c(result)))
            }
            Event::Asked(question) => Self::asked(callbacks, &question),
        }
    }

    /// The callback of a question.
    fn asked(callbacks: &SaAmfCallbacksT, question: &Question) -> Option<Self> {
        Some(match question {
            Question::Healthcheck { invocation, component, kind } => Self::Healthcheck(
                callbacks.saAmfHealthcheckCallback,
                *invocation,
                to_name(component),
                to_healthcheck(*kind),
            ),
            Question::ReadinessStateSet { invocation, component, state } => {
                Self::ReadinessStateSet(
                    callbacks.saAmfReadinessStateSetCallback,
                    *invocation,
                    to_name(component),
                    to_readiness(*state),
                )
            }
            Question::ComponentTerminate { invocation, component } => Self::ComponentTerminate(
                callbacks.saAmfComponentTerminateCallback,
                *invocation,
                to_name(component),
            ),
            Question::CsiSet { invocation, component, csi, flags, state, active, transition } => {
                let told = CsiSet {
                    invocation: *invocation,
                    component: to_name(component),
                    csi: to_name(csi),
                    flags: narrow(u64::from(*flags)),
                    state: to_ha_state(*state),
                    active: to_name(active),
                    transition: to_transition(*transition),
                };
                Self::CsiSet(callbacks.saAmfCSISetCallback, told)
            }
            Question::CsiRemove { invocation, component, csi, flags } => Self::CsiRemove(
                callbacks.saAmfCSIRemoveCallback,
                *invocation,
                [to_name(component), to_name(csi)],
                narrow(u64::from(*flags)),
            ),
            Question::ExternalComponentRestart { invocation, component } => {
                Self::ExternalComponentRestart(
                    callbacks.saAmfExternalComponentRestartCallback,
                    *invocation,
                    to_name(component),
                )
            }
            Question::ExternalComponentControl { invocation, component, action } => {
                Self::ExternalComponentControl(
                    callbacks.saAmfExternalComponentControlCallback,
                    *invocation,
                    to_name(component),
                    to_action(*action),
                )
            }
            Question::PendingOperationConfirm { invocation, component, flags } => {
                Self::PendingOperationConfirm(
                    callbacks.saAmfPendingOperationConfirmCallback,
                    *invocation,
                    to_name(component),
                    narrow(u64::from(*flags)),
                )
            }
            Question::PendingOperationExpired { component, flags } => {
                Self::PendingOperationExpired(
                    callbacks.saAmfPendingOperationExpiredCallback,
                    to_name(component),
                    narrow(u64::from(*flags)),
                )
            }
            // It comes as `Event::Track`.
            Question::ProtectionGroupTrack { .. } => return None,
        })
    }
}

impl Dispatching for AmfHandle {
    type Call = Call;

    fn step(&self, turn: &mut Turn) -> Result<Step<Call>, AisError> {
        let step = self.handle.step(turn, |event| Call::of(&self.callbacks, event))?;
        step.try_map(|call| call.ok_or(AisError::Library))
    }

    fn selection_object(&self) -> Result<RawFd, AisError> {
        Ok(self.handle.selection_object()?.as_raw_fd())
    }
}

fn to_notification(member: &Member) -> SaAmfProtectionGroupNotificationT {
    use SaAmfProtectionGroupChangesT::*;
    SaAmfProtectionGroupNotificationT {
        member: SaAmfProtectionGroupMemberT {
            compName: to_name(&member.component),
            readinessState: to_readiness(member.readiness),
            haState: to_ha_state(member.ha_state),
        },
        change: match member.change {
            ProtectionGroupChange::NoChange => SA_AMF_PROTECTION_GROUP_NO_CHANGE,
            ProtectionGroupChange::Added => SA_AMF_PROTECTION_GROUP_ADDED,
            ProtectionGroupChange::Removed => SA_AMF_PROTECTION_GROUP_REMOVED,
            ProtectionGroupChange::StateChange => SA_AMF_PROTECTION_GROUP_STATE_CHANGE,
        },
    }
}

fn to_healthcheck(kind: Healthcheck) -> SaAmfHealthcheckT {
    match kind {
        Healthcheck::Heartbeat => SaAmfHealthcheckT::SA_AMF_HEARTBEAT,
        Healthcheck::Level1 => SaAmfHealthcheckT::SA_AMF_HEALTHCHECK_LEVEL1,
        Healthcheck::Level2 => SaAmfHealthcheckT::SA_AMF_HEALTHCHECK_LEVEL2,
        Healthcheck::Level3 => SaAmfHealthcheckT::SA_AMF_HEALTHCHECK_LEVEL3,
    }
}

pub(super) fn to_readiness(state: Readiness) -> SaAmfReadinessStateT {
    match state {
        Readiness::OutOfService => SaAmfReadinessStateT::SA_AMF_OUT_OF_SERVICE,
        Readiness::InService => SaAmfReadinessStateT::SA_AMF_IN_SERVICE,
        Readiness::Stopping => SaAmfReadinessStateT::SA_AMF_STOPPING,
    }
}

pub(super) fn to_ha_state(state: HaState) -> SaAmfHAStateT {
    match state {
        HaState::Active => SaAmfHAStateT::SA_AMF_ACTIVE,
        HaState::Standby => SaAmfHAStateT::SA_AMF_STANDBY,
        HaState::Quiesced => SaAmfHAStateT::SA_AMF_QUIESCED,
    }
}

fn to_transition(transition: Transition) -> SaAmfCSITransitionDescriptorT {
    match transition {
        Transition::NewAssign => SaAmfCSITransitionDescriptorT::SA_AMF_CSI_NEW_ASSIGN,
        Transition::Quiesced => SaAmfCSITransitionDescriptorT::SA_AMF_CSI_QUIESCED,
        Transition::NotQuiesced => SaAmfCSITransitionDescriptorT::SA_AMF_CSI_NOT_QUIESCED,
        Transition::StillActive => SaAmfCSITransitionDescriptorT::SA_AMF_CSI_STILL_ACTIVE,
    }
}

fn to_action(action: ExternalAction) -> SaAmfExternalComponentActionT {
    match action {
        ExternalAction::Reset => SaAmfExternalComponentActionT::SA_AMF_RESET,
        ExternalAction::Reboot => SaAmfExternalComponentActionT::SA_AMF_REBOOT,
        ExternalAction::PowerOn => SaAmfExternalComponentActionT::SA_AMF_POWER_ON,
        ExternalAction::PowerOff => SaAmfExternalComponentActionT::SA_AMF_POWER_OFF,
    }
}
