//! The callbacks of AMF: from what the executive says to what C expects.

use super::super::types::*;
use super::super::{error, mask, narrow, place, to_name};
use super::SaAmfCallbacksT;
use crate::amf::{Program, Tracked};
use crate::track::Buffer;
use ais_proto::AisError;
use ais_proto::amf::{
    Callbacks, Event, ExternalAction, HaState, Healthcheck, Member, ProtectionGroupChange,
    Readiness, Transition,
};
use std::ptr;

impl Program for SaAmfCallbacksT {
    fn callbacks(&self) -> Callbacks {
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

    fn fill(&self, buffer: Buffer, items: &[Member]) {
        for (index, member) in items.iter().enumerate() {
            let notification = to_notification(member);
            // SAFETY: the notifications fit, and the buffer is the program's
            // promise until it stops tracking, which waits for this.
            unsafe { ptr::write_unaligned(place(buffer.address, index), notification) };
        }
    }

    fn track(&self, buffer: Buffer, tracked: &Tracked, result: Result<(), AisError>) {
        let Some(callback) = self.saAmfProtectionGroupTrackCallback else { return };
        let csi = to_name(&tracked.csi);
        let items = if result.is_ok() { tracked.items as u64 } else { 0 };
        // With an error the members are what the program needs room for.
        let members = match result {
            Ok(()) => u64::from(tracked.members),
            Err(_) => u64::from(tracked.members).max(tracked.items as u64),
        };
        // SAFETY: a callback that the program gave for this.
        unsafe {
            callback(
                &raw const csi,
                place(buffer.address, 0),
                narrow(items),
                narrow(members),
                error::to_c(result),
            );
        }
    }

    fn call_back(&self, event: &Event) {
        // SAFETY: callbacks that the program gave for this; what the pointers
        // point to lives until they return.
        let _ = unsafe { call_back(self, event) };
    }
}

/// None if the program gave no such callback.
unsafe fn call_back(callbacks: &SaAmfCallbacksT, event: &Event) -> Option<()> {
    // SAFETY: see `Program::call_back`, the only caller.
    unsafe {
        match event {
            Event::Healthcheck { invocation, component, kind } => callbacks
                .saAmfHealthcheckCallback?(
                *invocation,
                &to_name(component),
                to_healthcheck(*kind),
            ),
            Event::ReadinessStateSet { invocation, component, state } => callbacks
                .saAmfReadinessStateSetCallback?(
                *invocation,
                &to_name(component),
                to_readiness(*state),
            ),
            Event::ComponentTerminate { invocation, component } => {
                callbacks.saAmfComponentTerminateCallback?(*invocation, &to_name(component));
            }
            Event::CsiSet { invocation, component, csi, flags, state, active, transition } => {
                callbacks.saAmfCSISetCallback?(
                    *invocation,
                    &to_name(component),
                    &to_name(csi),
                    narrow(u64::from(*flags)),
                    &mut to_ha_state(*state),
                    &mut to_name(active),
                    to_transition(*transition),
                );
            }
            Event::CsiRemove { invocation, component, csi, flags } => {
                callbacks.saAmfCSIRemoveCallback?(
                    *invocation,
                    &to_name(component),
                    &to_name(csi),
                    &narrow(u64::from(*flags)),
                );
            }
            Event::ExternalComponentRestart { invocation, component } => {
                callbacks.saAmfExternalComponentRestartCallback?(*invocation, &to_name(component));
            }
            Event::ExternalComponentControl { invocation, component, action } => callbacks
                .saAmfExternalComponentControlCallback?(
                *invocation,
                &to_name(component),
                to_action(*action),
            ),
            Event::PendingOperationConfirm { invocation, component, flags } => callbacks
                .saAmfPendingOperationConfirmCallback?(
                *invocation,
                &to_name(component),
                narrow(u64::from(*flags)),
            ),
            Event::PendingOperationExpired { component, flags } => callbacks
                .saAmfPendingOperationExpiredCallback?(
                &to_name(component),
                narrow(u64::from(*flags)),
            ),
            // The track callback needs the program's buffer and has its own way.
            Event::ProtectionGroupTrack { .. } => {}
        }
    }
    Some(())
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
