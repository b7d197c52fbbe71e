//! The life of a unit: into service, to work, and out again.
//!
//! A unit that loses a component while it is in service is taken out whole,
//! even if the component is back before that is done; only then does it come
//! into service again.

use super::recovery::bounded;
use super::{
    AdminState, Ask, Asked, ComponentId, CsiId, HaState, Model, NodeId, Phase, Readiness, Role,
    rules,
};

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
            if let Some(unit) = self.unsettled.pop_first() {
                self.progress(unit);
            } else if let Some(group) = self.unplanned.pop_first() {
                self.plan(group);
            } else {
                return;
            }
        }
    }

    /// Takes a unit as far through its life as it can go without an answer.
    fn progress(&mut self, unit: usize) {
        loop {
            self.count_work(1);
            let group = self.units[unit].group;
            if self.groups[group].pending.is_some() {
                self.unplanned.insert(group);
            }
            let Some(next) = self.next_phase(unit) else {
                // A standby that has answered comes before one that has not,
                // and shared work may be more than it was.
                let is_standby = self.units[unit].phase == Phase::InService(Some(Role::Standby));
                if (is_standby || self.groups[group].is_shared) && self.is_settled(unit) {
                    self.unplanned.insert(group);
                }
                return;
            };
            if let Some(reason) = self.reason_for(unit, next) {
                self.units[unit].reason = bounded(reason);
            }
            self.units[unit].phase = next;
            self.unplanned.insert(group);
            self.log_phase(unit);
            match next {
                Phase::Entering => self.demand_readiness(unit, Readiness::InService),
                Phase::Quiescing(_) => self.components(unit).for_each(|id| self.quiesce(id)),
                Phase::Leaving(_) => self.demand_readiness(unit, Readiness::OutOfService),
                Phase::Stopping => self.demand_readiness(unit, Readiness::Stopping),
                Phase::Out | Phase::InService(_) | Phase::Yielding => {}
            }
        }
    }

    /// Where a unit goes on to, if it does.
    fn next_phase(&self, unit: usize) -> Option<Phase> {
        let wish = self.wish(unit);
        let is_wanted = wish == Wish::Serve;
        let is_settled = self.is_settled(unit);
        Some(match self.units[unit].phase {
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
    pub(super) fn yield_work(&mut self, unit: usize) {
        self.units[unit].phase = Phase::Yielding;
        self.units[unit].reason = "it is switched over by an operator".into();
        self.log_phase(unit);
        self.components(unit).for_each(|id| self.quiesce(id));
        self.touch_unit(unit);
    }

    fn wish(&self, unit: usize) -> Wish {
        match self.lock(unit) {
            _ if !self.is_fit(unit) => Wish::Leave,
            AdminState::Unlocked => Wish::Serve,
            AdminState::ShuttingDown => Wish::Finish,
            AdminState::Locked => Wish::Leave,
        }
    }

    /// Whether a unit can be in service.
    fn is_fit(&self, unit: usize) -> bool {
        self.has_quorum && self.components(unit).all(|id| self.is_well(id))
    }

    /// Whether a component is fit, and its node is.
    fn is_well(&self, id: ComponentId) -> bool {
        let is_taken_out =
            |node: NodeId| self.faults.contains_key(&node) || self.draining.contains(&node);
        self.components[id.0].is_healthy() && !self.node_of(id).is_some_and(is_taken_out)
    }

    /// Why a unit comes into service or goes out of it, if it does now.
    fn reason_for(&self, unit: usize, next: Phase) -> Option<String> {
        let begins_to_leave = match (self.units[unit].phase, next) {
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
        if !self.has_quorum {
            return Some("this side of the cluster has no quorum".into());
        }
        let Some(id) = self.components(unit).find(|id| !self.is_well(*id)) else {
            return (self.lock(unit) != AdminState::Unlocked).then(|| self.lock_reason(unit));
        };
        let component = &self.components[id.0];
        let name = &component.config.name;
        Some(match self.node_of(id) {
            Some(node) if component.is_healthy() && self.draining.contains(&node) => {
                format!("node {node} is about to leave")
            }
            Some(node) if component.is_healthy() => format!("node {node} is taken out"),
            _ => format!("component {name}: {}", component.reason),
        })
    }

    fn demand_readiness(&mut self, unit: usize, state: Readiness) {
        for id in self.components(unit) {
            let component = &self.components[id.0];
            let is_in = component.readiness != Readiness::OutOfService
                || component.is_asked(Ask::Readiness(Readiness::InService));
            // Who never was in service need not leave it.
            if state != Readiness::OutOfService || is_in {
                self.ask(id, Ask::Readiness(state));
            }
        }
    }

    /// Asks a component to let go of all it works on, finished or not.
    pub(super) fn quiesce(&mut self, id: ComponentId) {
        let stopping = Ask::Readiness(Readiness::Stopping);
        self.components[id.0].asked.retain(|asked| asked.what != stopping);
        for csi in self.instances_of(id) {
            if self.components[id.0].work_on(csi).is_some() {
                self.ask(id, Ask::Csi(csi, HaState::Quiesced));
            }
        }
    }

    pub(super) fn instances_of(&self, id: ComponentId) -> Vec<CsiId> {
        self.components[id.0].assignments.iter().map(|assignment| assignment.csi).collect()
    }

    pub(super) fn components(&self, unit: usize) -> impl Iterator<Item = ComponentId> + use<> {
        self.units[unit].components.clone().map(ComponentId)
    }

    /// Whether all its components have answered what they were asked to do.
    pub(super) fn is_settled(&self, unit: usize) -> bool {
        let is_done = |asked: &Asked| matches!(asked.what, Ask::Confirm(_));
        self.components(unit).all(|id| self.components[id.0].asked.iter().all(is_done))
    }

    pub(super) fn standing(&self, unit: usize) -> rules::Standing {
        let phase = self.units[unit].phase;
        // Of others nobody asks.
        let counts = phase == Phase::InService(Some(Role::Standby));
        rules::Standing { phase, is_settled: counts && self.is_settled(unit) }
    }

    /// So many units are looked at.
    pub(super) fn count_work(&mut self, units: usize) {
        self.work += units as u64;
    }

    pub(super) fn log_phase(&self, unit: usize) {
        let unit = &self.units[unit];
        let what = match unit.phase {
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
        log::info!("unit {} of group {} {what}", unit.name, self.groups[unit.group].name);
    }
}
