//! What components are asked, and what follows from asking it.

use super::operations::flags;
use super::status::{Ask, Asked};
use super::{ComponentId, Demand, Model, Question, rules};
use crate::amf::topology::CsiId;
use Transition::{NewAssign, StillActive};
use ais_proto::amf::{CSI_ADD_NEW_INSTANCE, CSI_ALL_INSTANCES, Callbacks, HaState, Transition};
use ais_wire::Name;

impl Model {
    /// Asks something in place of whatever of its kind is outstanding.
    pub(super) fn ask(&mut self, id: ComponentId, what: Ask) {
        self.mark(id);
        let component = self.status.component_mut(id);
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
        if let Ask::Remove(csi) = what
            && !component.has_callback(Callbacks::CSI_REMOVE)
        {
            return self.ask(id, Ask::Csi(csi, HaState::Quiesced));
        }
        self.status.last_operation += 1;
        let operation = self.status.last_operation;
        let question = match what {
            Ask::Readiness(state) => Question::Readiness(state),
            Ask::Csi(csi, state) => self.csi_set(id, csi, state),
            Ask::Remove(csi) => self.csi_remove(id, csi),
            Ask::Terminate => Question::Terminate,
            Ask::Restart => Question::Restart,
            Ask::Reset => Question::Reset,
            Ask::Confirm(operation) => Question::Confirm(flags(operation)),
        };
        self.status.component_mut(id).asked.push(Asked { operation, what });
        let demand = Demand { component: id, registration, operation, question };
        self.outcome.demands.push(demand);
    }

    /// What `CSISet` says, and what follows for the instance from saying it.
    fn csi_set(&mut self, id: ComponentId, csi: CsiId, state: HaState) -> Question {
        let (active, transition) = match state {
            HaState::Active => self.take_over(id, csi),
            HaState::Standby => (self.active_of(csi, None).unwrap_or_default(), NewAssign),
            HaState::Quiesced => return self.quiesced(id, csi),
        };
        let component = self.status.component_mut(id);
        let only_one = component.assignments.len() == 1;
        let mut flags = if only_one { CSI_ALL_INSTANCES } else { 0 };
        if let Some(assignment) = component.assignments.get_mut(&csi) {
            let had = matches!(assignment.state, Some(HaState::Active | HaState::Standby));
            if !only_one && !had {
                flags = CSI_ADD_NEW_INSTANCE;
            }
            assignment.holds |= state == HaState::Active;
        }
        let csi = self.topology.instances[csi].name.clone();
        Question::CsiSet { csi, flags, state, active, transition }
    }

    fn csi_remove(&self, id: ComponentId, csi: CsiId) -> Question {
        let flags = self.flags_to_end(id);
        Question::CsiRemove { csi: self.topology.instances[csi].name.clone(), flags }
    }

    fn flags_to_end(&self, id: ComponentId) -> u32 {
        let only_one = self.status.component(id).assignments.len() == 1;
        if only_one { CSI_ALL_INSTANCES } else { 0 }
    }

    /// `CSISet` that ends the work on an instance.
    pub(super) fn quiesced(&self, id: ComponentId, csi: CsiId) -> Question {
        let flags = self.flags_to_end(id);
        let (active, transition) = (Name::default(), Transition::NewAssign);
        let csi = self.topology.instances[csi].name.clone();
        Question::CsiSet { csi, flags, state: HaState::Quiesced, active, transition }
    }

    /// Whose work an instance's new active goes on with, and how that one let
    /// go of it.
    fn take_over(&mut self, id: ComponentId, csi: CsiId) -> (Name, Transition) {
        let vacated = self.status.vacated_mut(csi);
        // Coming back to one's own work is not a takeover.
        vacated.retain(|(former, _)| *former != id);
        if !vacated.is_empty() {
            let (former, transition) = vacated.remove(0);
            return (self.topology.components[former].config.name.clone(), transition);
        }
        let group = &self.topology.groups[self.topology.group_of(id)];
        let beside = self.active_of(csi, Some(id)).filter(|_| rules::takes_over(group));
        let transition = if beside.is_some() { StillActive } else { NewAssign };
        (beside.unwrap_or_default(), transition)
    }

    /// The first member that is active for an instance, this one left out.
    fn active_of(&self, csi: CsiId, not: Option<ComponentId>) -> Option<Name> {
        let members = self.topology.instances[csi].members.iter();
        let is_it = |id: &&ComponentId| self.status.component(**id).holds(csi) && Some(**id) != not;
        let mut active = members.filter(is_it);
        active.next().map(|id| self.topology.components[*id].config.name.clone())
    }

    /// A component lets go of an instance.
    pub(super) fn let_go(&mut self, id: ComponentId, csi: CsiId, transition: Transition) {
        let takes_over = rules::takes_over(&self.topology.groups[self.topology.group_of(id)]);
        let component = self.status.component_mut(id);
        let Some(assignment) = component.assignments.get_mut(&csi) else { return };
        assignment.state = Some(HaState::Quiesced);
        if std::mem::take(&mut assignment.holds) && takes_over {
            let vacated = self.status.vacated_mut(csi);
            vacated.retain(|(former, _)| *former != id);
            vacated.push((id, transition));
        }
    }
}
