//! Roles of units, and what they mean for each instance of their components.

use super::status::{Ask, Phase, Role};
use super::{ComponentId, GroupId, HaState, Model, UnitId, rules};
use crate::amf::topology::{CsiId, Instance};
use std::rc::Rc;

impl Model {
    /// Gives out the roles of a group that are free.
    pub(super) fn plan(&mut self, group: GroupId) {
        self.resolve_pending(group);
        let units = self.topology.groups[group].units.clone();
        self.count_work(units.len());
        let standings: Vec<_> = units.iter().map(|unit| self.standing(*unit)).collect();
        let displaced = self.units_with_displaced(group);
        let bounds = self.bounds_beside(group, &displaced);
        let standbys = rules::plan(bounds, &standings, |unit| {
            !displaced.contains(&units[unit]) && self.promote(units[unit])
        });
        for unit in standbys {
            self.give_role(units[unit], Role::Standby);
        }
        if self.topology.groups[group].is_shared {
            self.share_rest(group);
        }
    }

    /// Makes a unit active, if one of its components can be so for something.
    fn promote(&mut self, unit: UnitId) -> bool {
        let is_able = self.can_be_active(unit);
        if is_able {
            self.give_role(unit, Role::Active);
        }
        is_able
    }

    fn can_be_active(&self, unit: UnitId) -> bool {
        let mut has_instance = false;
        let mut has_room = false;
        for id in self.components(unit) {
            let component = &self.topology.components[*id];
            if component.config.model.most_active() == 0 {
                return false;
            }
            has_instance |= !component.instances.is_empty();
            has_room = has_room || component.instances.iter().any(|csi| self.has_room(*csi));
        }
        has_room || !has_instance
    }

    /// Whether an instance may have one more active component.
    fn has_room(&self, csi: CsiId) -> bool {
        let Instance { members, most_active, .. } = &self.topology.instances[csi];
        let holds = |id: &&ComponentId| self.status.component(**id).holds(csi);
        let active = || members.iter().filter(holds).count() + self.displaced_from(csi);
        most_active.is_none_or(|most| active() < most)
    }

    fn give_role(&mut self, unit: UnitId, role: Role) {
        let status = self.status.unit_mut(unit);
        let before = std::mem::replace(&mut status.phase, Phase::InService(Some(role)));
        if before == Phase::InService(Some(Role::Standby)) {
            status.reason = "it takes over".into();
        }
        self.log_phase(unit);
        let topology = Rc::clone(&self.topology);
        for id in topology.units[unit].components.iter().copied() {
            // One without an instance works as soon as its unit does.
            self.mark(id);
            for csi in topology.components[id].instances.iter().copied() {
                let work = self.status.component(id).work_on(csi);
                match self.share(id, csi, role) {
                    share if share == work => {}
                    Some(state) => self.ask(id, Ask::Csi(csi, state)),
                    None => self.ask(id, Ask::Remove(csi)),
                }
            }
        }
    }

    fn share(&self, id: ComponentId, csi: CsiId, role: Role) -> Option<HaState> {
        let component = self.status.component(id);
        let mut load = rules::Load::default();
        for (other, assignment) in component.assignments.iter().filter(|(other, _)| **other != csi)
        {
            match component.work_on(*other) {
                _ if assignment.holds => load.active += 1,
                Some(HaState::Standby) => load.standby += 1,
                _ => {}
            }
        }
        rules::share(role, self.config(id).model, load, self.has_room(csi))
    }

    /// Gives out what units with a role can take on beside what they have: an
    /// instance whose component could not be replaced by a unit of its own.
    fn share_rest(&mut self, group: GroupId) {
        let topology = Rc::clone(&self.topology);
        let units = &topology.groups[group].units;
        let is_gone_soon = |unit: &UnitId| {
            let phase = self.status.unit(*unit).phase;
            let stays = matches!(phase, Phase::InService(_) | Phase::Stopping);
            phase.role() == Some(Role::Active) && !stays
        };
        // Whose unit is on its way out is followed by a standby first.
        if units.iter().any(is_gone_soon) {
            return;
        }
        self.count_work(units.len());
        for unit in units {
            let Phase::InService(Some(role)) = self.status.unit(*unit).phase else { continue };
            for id in topology.units[*unit].components.iter().copied() {
                for csi in topology.components[id].instances.iter().copied() {
                    let component = self.status.component(id);
                    let work = component.work_on(csi);
                    if component.holds(csi) || component.is_asked_about(csi) {
                        continue;
                    }
                    let share = self.share(id, csi, role);
                    if let Some(state) = share.filter(|_| share != work) {
                        self.ask(id, Ask::Csi(csi, state));
                    }
                }
            }
        }
    }
}
