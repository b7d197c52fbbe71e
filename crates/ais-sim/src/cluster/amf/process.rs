//! A process with components, as it sees itself: what it was told, in order,
//! and whether that made sense.

use super::groups::{Place, Rules};
use ais_node::{Caller, ConnectionId};
use ais_proto::Name;
use ais_proto::amf::{CSI_ALL_INSTANCES, Callbacks, Event, HaState, Readiness};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A process.
#[derive(Debug)]
pub(in crate::cluster) struct Process {
    pub(super) caller: Caller,
    pub(super) callbacks: Callbacks,
    /// The process stands still.
    pub(super) silent: bool,
    /// The process stood still once, so that it may be late with anything.
    pub(super) was_silent: bool,
    /// The process answers the next callbacks with an error.
    pub(super) refuses: bool,
    pub(super) components: BTreeMap<Name, Played>,
    /// The calls that the only thread of the process waits for.
    pub(super) calls: BTreeSet<(ConnectionId, u32)>,
    /// The calls that it makes before it dispatches again.
    pub(super) series: Series,
    /// What the process was told and has not answered.
    pub(super) pending: VecDeque<Told>,
}

/// Calls that a thread makes one after the other, with nothing in between.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Series {
    /// How many calls are left.
    pub(super) left: u64,
    /// No call begins later.
    pub(super) until: u64,
}

/// A component that a process plays.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) proxy: Option<Name>,
    pub(super) registration: Registration,
    /// The component is about to be unregistered.
    pub(super) leaves: bool,
    pub(super) in_service: bool,
    /// What the component was told to be, by instance.
    pub(super) states: BTreeMap<Name, HaState>,
    /// The instances that it refused to work on when it was asked last.
    pub(super) refused: BTreeSet<Name>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Registration {
    #[default]
    None,
    Asked,
    Registered,
}

/// A callback on its way through a process.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) event: Event,
    /// The callback was obeyed; only the answer has to be given again.
    pub(super) obeyed: bool,
    /// The callback belongs to a registration that has ended.
    pub(super) stale: bool,
}

impl Series {
    /// Whether another call follows.
    pub(super) fn goes_on(self, now: u64) -> bool {
        self.left > 0 && now < self.until
    }
}

impl Process {
    /// A callback arrives.
    ///
    /// # Errors
    /// If it cannot be for this process.
    pub(super) fn accept(&self, event: &Event) -> Result<(), String> {
        let Some((component, callback)) = addressee(event) else { return Ok(()) };
        if !self.callbacks.contains(callback) {
            return Err(format!("addressee: {event:?} went to a process without that callback"));
        }
        let played = self.components.get(component);
        if played.is_none_or(|played| played.registration == Registration::None) {
            return Err(format!("addressee: {event:?} went to one that is not registered"));
        }
        let enters = |told: &Told| {
            !told.stale
                && matches!(&told.event, Event::ReadinessStateSet { component: of, .. }
                    if of == component)
        };
        if let Event::CsiSet { state: HaState::Active | HaState::Standby, .. } = event
            && !self.was_silent
            && self.pending.iter().any(enters)
        {
            return Err(format!("sense: {event:?} before it has answered whether it can work"));
        }
        let number = event.invocation();
        if self.pending.iter().any(|told| told.event.invocation() == number) {
            return Err(format!("invocations: {event:?} has the number of another"));
        }
        Ok(())
    }

    /// The process does what it is told.
    ///
    /// # Errors
    /// If that makes no sense.
    pub(super) fn obey(&mut self, event: &Event, place: &Place) -> Result<(), String> {
        let Some((component, _)) = addressee(event) else { return Ok(()) };
        let is_told = self.callbacks.contains(Callbacks::READINESS_STATE_SET);
        let Some(played) = self.components.get_mut(component) else { return Ok(()) };
        let wrong = |why: &str| Err(format!("sense: {event:?}, though {why}"));
        match event {
            Event::ReadinessStateSet { state, .. } => {
                let works = |state: &HaState| *state != HaState::Quiesced;
                if *state == Readiness::OutOfService && played.states.values().any(works) {
                    return wrong("it works and was not quiesced");
                }
                if *state != Readiness::Stopping {
                    played.in_service = *state == Readiness::InService;
                    played.states.clear();
                }
            }
            Event::CsiSet { csi, flags, state, .. } => {
                if is_told && !played.in_service && *state != HaState::Quiesced {
                    return wrong("it is not in service");
                }
                for csi in meant(csi, *flags, place) {
                    // A component that refuses stays what it was.
                    if self.refuses && *state != HaState::Quiesced {
                        played.refused.insert(csi);
                        continue;
                    }
                    played.refused.remove(&csi);
                    let before = played.states.insert(csi, *state);
                    if (before, state) == (Some(HaState::Active), &HaState::Standby) {
                        return wrong("it is active and was not quiesced");
                    }
                }
            }
            Event::CsiRemove { csi, flags, .. } => {
                meant(csi, *flags, place).iter().for_each(|csi| {
                    played.states.remove(csi);
                });
            }
            // The component works no more, whether that succeeds or not.
            Event::ExternalComponentRestart { .. } | Event::ExternalComponentControl { .. } => {
                played.in_service = !is_told;
                played.states.clear();
            }
            _ => {}
        }
        Ok(())
    }

    /// Nobody works for more than it can, now that all is done that was told:
    /// instances change one after the other.
    ///
    /// # Errors
    /// If somebody does.
    pub(super) fn check_abilities(&self, rules: &Rules) -> Result<(), String> {
        for (component, played) in &self.components {
            let Some(place) = rules.of(component) else { continue };
            let count = |state| played.states.values().filter(|of| **of == state).count();
            let (active, standby) = (count(HaState::Active), count(HaState::Standby));
            let (actives, standbys, both) = place.abilities();
            if active > actives || standby > standbys || !both && active > 0 && standby > 0 {
                return Err(format!(
                    "capability: {component} is {:?} and works as {:?}",
                    place.model, played.states
                ));
            }
        }
        Ok(())
    }

    /// What the process was told of a component counts no more.
    pub(super) fn forget(&mut self, component: &Name) {
        for told in &mut self.pending {
            told.stale |= addressee(&told.event).is_some_and(|(of, _)| of == component);
        }
        if let Some(played) = self.components.get_mut(component) {
            *played = Played { proxy: played.proxy.take(), ..Played::default() };
        }
    }

    /// Whether the process owes no answer but to heartbeats.
    pub(super) fn is_idle(&self) -> bool {
        self.silent
            || self.pending.iter().all(|told| matches!(told.event, Event::Healthcheck { .. }))
    }
}

/// The instances a callback is about.
pub(super) fn meant(csi: &Name, flags: u32, place: &Place) -> Vec<Name> {
    let all = flags & CSI_ALL_INSTANCES != 0;
    if all { place.instances.clone() } else { vec![csi.clone()] }
}

/// The component that a callback goes to, and which callback it is.
pub(super) fn addressee(event: &Event) -> Option<(&Name, Callbacks)> {
    Some(match event {
        Event::Healthcheck { component, .. } => (component, Callbacks::HEALTHCHECK),
        Event::ReadinessStateSet { component, .. } => (component, Callbacks::READINESS_STATE_SET),
        Event::ComponentTerminate { component, .. } => (component, Callbacks::COMPONENT_TERMINATE),
        Event::CsiSet { component, .. } => (component, Callbacks::CSI_SET),
        Event::CsiRemove { component, .. } => (component, Callbacks::CSI_REMOVE),
        Event::ExternalComponentRestart { component, .. } => {
            (component, Callbacks::EXTERNAL_COMPONENT_RESTART)
        }
        Event::ExternalComponentControl { component, .. } => {
            (component, Callbacks::EXTERNAL_COMPONENT_CONTROL)
        }
        Event::PendingOperationConfirm { component, .. } => {
            (component, Callbacks::PENDING_OPERATION_CONFIRM)
        }
        Event::PendingOperationExpired { component, .. } => {
            (component, Callbacks::PENDING_OPERATION_EXPIRED)
        }
        Event::ProtectionGroupTrack { .. } => return None,
    })
}
