//! The life of a unit: into service, to work, and out again.
//!
//! A unit that loses a component while it is in service is taken out whole,
//! even if the component is back before that is done; only then does it come
//! into service again.

use super::{
    Ask, Asked, ComponentId, CsiId, Demand, Instance, Model, Phase, Question, Role, rules,
};
use ais_proto::amf::{
    CSI_ADD_NEW_INSTANCE, CSI_ALL_INSTANCES, Callbacks, HaState, Readiness, Transition,
};
use ais_wire::Name;

impl Model {
    /// Brings every group that was touched to where it stays until the next
    /// input.
    pub(super) fn settle(&mut self) {
        while let Some(group) = self.unsettled.pop_first() {
            for unit in self.groups[group].units.clone() {
                self.progress(unit);
            }
            let units = self.groups[group].units.clone();
            let first = units.start;
            let standings: Vec<_> = units.map(|unit| self.standing(unit)).collect();
            for (unit, role) in rules::plan(&self.groups[group], &standings) {
                self.give_role(first + unit, role);
            }
        }
    }

    /// Takes a unit as far through its life as it can go without an answer.
    fn progress(&mut self, unit: usize) {
        loop {
            let is_healthy = self.has_quorum
                && self.components(unit).all(|id| self.components[id.0].is_healthy());
            let is_settled = self.is_settled(unit);
            let next = match self.units[unit].phase {
                Phase::Out if is_healthy => Phase::Entering,
                Phase::Entering if is_healthy && is_settled => Phase::InService(None),
                Phase::Entering if !is_healthy => Phase::Leaving(None),
                Phase::InService(Some(role)) if !is_healthy => Phase::Quiescing(role),
                Phase::InService(None) if !is_healthy => Phase::Leaving(None),
                Phase::Quiescing(role) if is_settled => Phase::Leaving(Some(role)),
                Phase::Leaving(_) if is_settled => Phase::Out,
                _ => return,
            };
            self.units[unit].phase = next;
            self.log_phase(unit);
            match next {
                Phase::Entering => self.demand_readiness(unit, Readiness::InService),
                Phase::Quiescing(_) => self.quiesce(unit),
                Phase::Leaving(_) => self.demand_readiness(unit, Readiness::OutOfService),
                Phase::Out | Phase::InService(_) => {}
            }
        }
    }

    fn demand_readiness(&mut self, unit: usize, state: Readiness) {
        for id in self.components(unit) {
            let component = &self.components[id.0];
            let is_in = component.readiness == Readiness::InService
                || component.is_asked(Ask::Readiness(Readiness::InService));
            // Who never was in service need not leave it.
            if state == Readiness::InService || is_in {
                self.ask(id, Ask::Readiness(state));
            }
        }
    }

    fn quiesce(&mut self, unit: usize) {
        for id in self.components(unit) {
            for csi in self.instances_of(id) {
                self.ask(id, Ask::Csi(csi, HaState::Quiesced));
            }
        }
    }

    fn give_role(&mut self, unit: usize, role: Role) {
        self.units[unit].phase = Phase::InService(Some(role));
        self.log_phase(unit);
        let state = match role {
            Role::Active => HaState::Active,
            Role::Standby => HaState::Standby,
        };
        for id in self.components(unit) {
            // One without an instance works as soon as its unit does.
            self.outcome.touched.insert(id);
            for csi in self.instances_of(id) {
                self.ask(id, Ask::Csi(csi, state));
            }
        }
    }

    /// Asks something in place of whatever of its kind is outstanding.
    pub(super) fn ask(&mut self, id: ComponentId, what: Ask) {
        self.outcome.touched.insert(id);
        let component = &mut self.components[id.0];
        let Some(registration) = component.registration.as_ref().map(|of| of.number) else {
            return;
        };
        if !component.is_reachable() {
            return;
        }
        component.asked.retain(|asked| !what.replaces(asked.what));
        if let Ask::Readiness(state) = what
            && !component.has_callback(Callbacks::READINESS_STATE_SET)
        {
            component.readiness = state;
            return;
        }
        self.last_operation += 1;
        let operation = self.last_operation;
        let question = match what {
            Ask::Readiness(state) => Question::Readiness(state),
            Ask::Csi(csi, state) => self.csi_set(id, csi, state),
            Ask::Terminate => Question::Terminate,
        };
        self.components[id.0].asked.push(Asked { operation, what });
        let demand = Demand { component: id, registration, operation, question };
        self.outcome.demands.push(demand);
    }

    /// What `CSISet` says, and what follows for the instance from saying it.
    fn csi_set(&mut self, id: ComponentId, csi: CsiId, state: HaState) -> Question {
        let (active, transition) = match state {
            HaState::Active => self.take_over(id, csi),
            HaState::Standby => (self.active_of(csi), Transition::NewAssign),
            HaState::Quiesced => return self.quiesced(id, csi),
        };
        let component = &mut self.components[id.0];
        let only_one = component.assignments.len() == 1;
        let mut flags = if only_one { CSI_ALL_INSTANCES } else { 0 };
        if let Some(assignment) = component.assignment_mut(csi) {
            let had = matches!(assignment.state, Some(HaState::Active | HaState::Standby));
            if !only_one && !had {
                flags = CSI_ADD_NEW_INSTANCE;
            }
            assignment.holds |= state == HaState::Active;
        }
        let csi = self.instances[csi.0].name.clone();
        Question::CsiSet { csi, flags, state, active, transition }
    }

    /// `CSISet` that ends the work on an instance.
    pub(super) fn quiesced(&self, id: ComponentId, csi: CsiId) -> Question {
        let only_one = self.components[id.0].assignments.len() == 1;
        let flags = if only_one { CSI_ALL_INSTANCES } else { 0 };
        let (active, transition) = (Name::default(), Transition::NewAssign);
        let csi = self.instances[csi.0].name.clone();
        Question::CsiSet { csi, flags, state: HaState::Quiesced, active, transition }
    }

    /// Whose work an instance's new active goes on with, and how that one let
    /// go of it.
    fn take_over(&mut self, id: ComponentId, csi: CsiId) -> (Name, Transition) {
        let vacated = &mut self.instances[csi.0].vacated;
        // Coming back to one's own work is not a takeover.
        vacated.retain(|(former, _)| *former != id);
        if vacated.is_empty() {
            return (Name::default(), Transition::NewAssign);
        }
        let (former, transition) = vacated.remove(0);
        (self.components[former.0].config.name.clone(), transition)
    }

    fn active_of(&self, csi: CsiId) -> Name {
        let holds = |id: &&ComponentId| {
            let component = &self.components[id.0];
            component.assignment(csi).is_some_and(|assignment| assignment.holds)
        };
        let active = self.instances[csi.0].members.iter().find(holds);
        active.map(|id| self.components[id.0].config.name.clone()).unwrap_or_default()
    }

    /// A component lets go of an instance.
    pub(super) fn let_go(&mut self, id: ComponentId, csi: CsiId, transition: Transition) {
        let group = &self.groups[self.units[self.components[id.0].unit].group];
        let takes_over = rules::takes_over(group);
        let Some(assignment) = self.components[id.0].assignment_mut(csi) else { return };
        assignment.state = Some(HaState::Quiesced);
        if std::mem::take(&mut assignment.holds) && takes_over {
            let Instance { vacated, .. } = &mut self.instances[csi.0];
            vacated.retain(|(former, _)| *former != id);
            vacated.push((id, transition));
        }
    }

    pub(super) fn instances_of(&self, id: ComponentId) -> Vec<CsiId> {
        self.components[id.0].assignments.iter().map(|assignment| assignment.csi).collect()
    }

    fn components(&self, unit: usize) -> impl Iterator<Item = ComponentId> + use<> {
        self.units[unit].components.clone().map(ComponentId)
    }

    fn is_settled(&self, unit: usize) -> bool {
        self.components(unit).all(|id| self.components[id.0].asked.is_empty())
    }

    fn standing(&self, unit: usize) -> rules::Standing {
        rules::Standing { phase: self.units[unit].phase, is_settled: self.is_settled(unit) }
    }

    fn log_phase(&self, unit: usize) {
        let unit = &self.units[unit];
        let what = match unit.phase {
            Phase::Out => "is out of service",
            Phase::Entering => "comes into service",
            Phase::InService(None) => "is in service, without an assignment",
            Phase::InService(Some(Role::Active)) => "becomes active",
            Phase::InService(Some(Role::Standby)) => "becomes standby",
            Phase::Quiescing(_) => "is quiesced",
            Phase::Leaving(_) => "goes out of service",
        };
        log::info!("unit {} of group {} {what}", unit.name, self.groups[unit.group].name);
    }
}

impl Ask {
    /// Whether this makes an earlier demand pointless.
    fn replaces(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Terminate, _) | (Self::Readiness(_), Self::Readiness(_)) => true,
            (Self::Csi(csi, _), Self::Csi(earlier, _)) => csi == earlier,
            _ => false,
        }
    }
}
