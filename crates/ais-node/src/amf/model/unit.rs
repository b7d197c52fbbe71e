//! The life of a unit: into service, to work, and out again.
//!
//! A unit that loses a component while it is in service is taken out whole,
//! even if the component is back before that is done; only then does it come
//! into service again.

use super::recovery::bounded;
use super::status::{Ask, Asked, Phase, Role};
use super::{ComponentId, HaState, Model, NodeId, Readiness, UnitId, rules};
use ais_proto::admin::AdminState;

/// What a unit should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Be in service.
    Serve,
    /// Finish its work and go out of service.
    Finish,
    /// Go out of service.
    Leave,
}

impl Model {
    /// Brings everything that was touched to where it stays until the next
    /// input. Work is done for units that something happened to, and for
    /// groups in which a role may have become free.
    pub(super) fn settle(&mut self) {
        loop {
            if let Some((_, unit)) = self.unsettled.pop_first() {
                self.progress(unit);
            } else if let Some((_, group)) = self.unplanned.pop_first() {
                self.plan(group);
            } else {
                return;
            }
        }
    }

    /// Takes a unit as far through its life as it can go without an answer.
    fn progress(&mut self, unit: UnitId) {
        loop {
            self.count_work(1);
            let group = self.topology.units[unit].group;
            if self.status.group(group).pending.is_some() {
                self.mark_group(group);
            }
            let Some(next) = self.next_phase(unit) else {
                // A standby that has answered comes before one that has not,
                // and shared work may be more than it was.
                let is_standby =
                    self.status.unit(unit).phase == Phase::InService(Some(Role::Standby));
                if (is_standby || self.topology.groups[group].is_shared) && self.is_settled(unit) {
                    self.mark_group(group);
                }
                return;
            };
            if let Some(reason) = self.reason_for(unit, next) {
                self.status.unit_mut(unit).reason = bounded(reason);
            }
            self.status.unit_mut(unit).phase = next;
            self.mark_group(group);
            self.log_phase(unit);
            match next {
                Phase::Entering => self.demand_readiness(unit, Readiness::InService),
                Phase::Quiescing(_) => self.quiesce_unit(unit),
                Phase::Leaving(_) => self.demand_readiness(unit, Readiness::OutOfService),
                Phase::Stopping => self.demand_readiness(unit, Readiness::Stopping),
                Phase::Out | Phase::InService(_) | Phase::Yielding => {}
            }
        }
    }

    /// Where a unit goes on to, if it does.
    fn next_phase(&self, unit: UnitId) -> Option<Phase> {
        let wish = self.wish(unit);
        let is_wanted = wish == Wish::Serve;
        let is_settled = self.is_settled(unit);
        Some(match self.status.unit(unit).phase {
            Phase::Out if is_wanted => Phase::Entering,
            Phase::Entering | Phase::InService(None) if !is_wanted => Phase::Leaving(None),
            Phase::Entering | Phase::Yielding if is_wanted && is_settled => Phase::InService(None),
            Phase::InService(Some(Role::Active)) if wish == Wish::Finish => Phase::Stopping,
            Phase::InService(Some(role)) if !is_wanted => Phase::Quiescing(role),
            Phase::Stopping if wish == Wish::Leave || is_settled => Phase::Quiescing(Role::Active),
            Phase::Yielding if !is_wanted => Phase::Quiescing(Role::Active),
            Phase::Quiescing(role) if is_settled => Phase::Leaving(Some(role)),
            Phase::Leaving(_) if is_settled => Phase::Out,
            _ => return None,
        })
    }

    /// Has an active unit let go of its work and stay in service.
    pub(super) fn yield_work(&mut self, unit: UnitId) {
        self.status.unit_mut(unit).phase = Phase::Yielding;
        self.status.unit_mut(unit).reason = "it is switched over by an operator".into();
        self.log_phase(unit);
        self.quiesce_unit(unit);
        self.touch_unit(unit);
    }

    fn wish(&self, unit: UnitId) -> Wish {
        match self.lock(unit) {
            _ if !self.is_fit(unit) => Wish::Leave,
            AdminState::Unlocked => Wish::Serve,
            AdminState::ShuttingDown => Wish::Finish,
            AdminState::Locked => Wish::Leave,
        }
    }

    /// Whether a unit can be in service.
    fn is_fit(&self, unit: UnitId) -> bool {
        self.status.has_quorum && self.components(unit).iter().all(|id| self.is_well(*id))
    }

    /// Whether a component is fit, and its node is.
    fn is_well(&self, id: ComponentId) -> bool {
        let is_taken_out = |node: NodeId| {
            self.status.faults.contains_key(&node) || self.status.draining.contains(&node)
        };
        self.status.component(id).is_healthy() && !self.node_of(id).is_some_and(is_taken_out)
    }

    /// Why a unit comes into service or goes out of it, if it does now.
    fn reason_for(&self, unit: UnitId, next: Phase) -> Option<String> {
        let begins_to_leave = match (self.status.unit(unit).phase, next) {
            (_, Phase::Entering) => {
                return Some("all its components are registered and fit".into());
            }
            (Phase::Quiescing(_) | Phase::Leaving(_), _) => false,
            (_, Phase::Quiescing(_) | Phase::Leaving(_) | Phase::Stopping) => true,
            _ => false,
        };
        if !begins_to_leave {
            return None;
        }
        if !self.status.has_quorum {
            return Some("this side of the cluster has no quorum".into());
        }
        let Some(id) = self.components(unit).iter().copied().find(|id| !self.is_well(*id)) else {
            return (self.lock(unit) != AdminState::Unlocked).then(|| self.lock_reason(unit));
        };
        let component = self.status.component(id);
        let name = &self.topology.components[id].config.name;
        Some(match self.node_of(id) {
            Some(node) if component.is_healthy() && self.status.draining.contains(&node) => {
                format!("node {node} is about to leave")
            }
            Some(node) if component.is_healthy() => format!("node {node} is taken out"),
            _ => format!("component {name}: {}", component.reason),
        })
    }

    fn demand_readiness(&mut self, unit: UnitId, state: Readiness) {
        for id in self.components(unit).to_vec() {
            let component = self.status.component(id);
            let is_in = component.readiness != Readiness::OutOfService
                || component.is_asked(Ask::Readiness(Readiness::InService));
            // One that never was in service need not leave it.
            if state != Readiness::OutOfService || is_in {
                self.ask(id, Ask::Readiness(state));
            }
        }
    }

    fn quiesce_unit(&mut self, unit: UnitId) {
        self.components(unit).to_vec().into_iter().for_each(|id| self.quiesce(id));
    }

    /// Asks a component to let go of all it works on, finished or not.
    pub(super) fn quiesce(&mut self, id: ComponentId) {
        let stopping = Ask::Readiness(Readiness::Stopping);
        self.status.component_mut(id).asked.retain(|asked| asked.what != stopping);
        for csi in self.instances_of(id).to_vec() {
            if self.status.component(id).work_on(csi).is_some() {
                self.ask(id, Ask::Csi(csi, HaState::Quiesced));
            }
        }
    }

    /// The components of a unit.
    pub(super) fn components(&self, unit: UnitId) -> &[ComponentId] {
        &self.topology.units[unit].components
    }

    /// Whether all its components have answered what they were asked to do.
    pub(super) fn is_settled(&self, unit: UnitId) -> bool {
        let is_done = |asked: &Asked| matches!(asked.what, Ask::Confirm(_));
        self.components(unit).iter().all(|id| self.status.component(*id).asked.iter().all(is_done))
    }

    pub(super) fn standing(&self, unit: UnitId) -> rules::Standing {
        let phase = self.status.unit(unit).phase;
        // Of others nobody asks.
        let counts = phase == Phase::InService(Some(Role::Standby));
        rules::Standing { phase, is_settled: counts && self.is_settled(unit) }
    }

    /// Counts units that are looked at.
    pub(super) fn count_work(&mut self, units: usize) {
        self.work += units as u64;
    }

    pub(super) fn log_phase(&self, unit: UnitId) {
        let what = match self.status.unit(unit).phase {
            Phase::Out => "is out of service",
            Phase::Entering => "comes into service",
            Phase::InService(None) => "is in service, without an assignment",
            Phase::InService(Some(Role::Active)) => "becomes active",
            Phase::InService(Some(Role::Standby)) => "becomes standby",
            Phase::Stopping => "finishes its work",
            Phase::Yielding => "gives its work to another",
            Phase::Quiescing(_) => "is quiesced",
            Phase::Leaving(_) => "goes out of service",
        };
        let unit = &self.topology.units[unit];
        log::info!("unit {} of group {} {what}", unit.name, self.topology.groups[unit.group].name);
    }
}
