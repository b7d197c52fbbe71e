//! Roles of units, and what they mean for each instance of their components.

use super::{Ask, ComponentId, CsiId, HaState, Instance, Model, Phase, Role, rules};

impl Model {
    /// Gives out the roles of a group that are free.
    pub(super) fn plan(&mut self, group: usize) {
        self.resolve_pending(group);
        let units = self.groups[group].units.clone();
        let first = units.start;
        self.count_work(units.len());
        let standings: Vec<_> = units.map(|unit| self.standing(unit)).collect();
        let displaced = self.units_with_displaced(group);
        let bounds = self.bounds_beside(group, &displaced);
        let standbys = rules::plan(bounds, &standings, |unit| {
            !displaced.contains(&(first + unit)) && self.promote(first + unit)
        });
        for unit in standbys {
            self.give_role(first + unit, Role::Standby);
        }
        if self.groups[group].is_shared {
            self.share_rest(group);
        }
    }

    /// Makes a unit active, if one of its components can be so for something.
    fn promote(&mut self, unit: usize) -> bool {
        let is_able = self.can_be_active(unit);
        if is_able {
            self.give_role(unit, Role::Active);
        }
        is_able
    }

    fn can_be_active(&self, unit: usize) -> bool {
        let mut has_instance = false;
        let mut has_room = false;
        for id in self.components(unit) {
            let component = &self.components[id.0];
            if component.config.model.most_active() == 0 {
                return false;
            }
            has_instance |= !component.assignments.is_empty();
            has_room = has_room || component.assignments.iter().any(|of| self.has_room(of.csi));
        }
        has_room || !has_instance
    }

    /// Whether an instance may have one more active component.
    fn has_room(&self, csi: CsiId) -> bool {
        let Instance { members, most_active, .. } = &self.instances[csi.0];
        let holds = |id: &&ComponentId| self.components[id.0].holds(csi);
        let active = || members.iter().filter(holds).count() + self.displaced_from(csi);
        most_active.is_none_or(|most| active() < most)
    }

    fn give_role(&mut self, unit: usize, role: Role) {
        let before = std::mem::replace(&mut self.units[unit].phase, Phase::InService(Some(role)));
        if before == Phase::InService(Some(Role::Standby)) {
            self.units[unit].reason = "it takes over".into();
        }
        self.log_phase(unit);
        for id in self.components(unit) {
            // One without an instance works as soon as its unit does.
            self.outcome.touched.insert(id);
            for csi in self.instances_of(id) {
                let work = self.components[id.0].work_on(csi);
                match self.share(id, csi, role) {
                    share if share == work => {}
                    Some(state) => self.ask(id, Ask::Csi(csi, state)),
                    None => self.ask(id, Ask::Remove(csi)),
                }
            }
        }
    }

    fn share(&self, id: ComponentId, csi: CsiId, role: Role) -> Option<HaState> {
        let component = &self.components[id.0];
        let mut load = rules::Load::default();
        for other in component.assignments.iter().filter(|other| other.csi != csi) {
            match component.work_on(other.csi) {
                _ if other.holds => load.active += 1,
                Some(HaState::Standby) => load.standby += 1,
                _ => {}
            }
        }
        rules::share(role, component.config.model, load, self.has_room(csi))
    }

    /// Gives out what units with a role can take on beside what they have: an
    /// instance whose component could not be replaced by a unit of its own.
    fn share_rest(&mut self, group: usize) {
        let units = self.groups[group].units.clone();
        let is_gone_soon = |unit: usize| {
            let phase = self.units[unit].phase;
            let stays = matches!(phase, Phase::InService(_) | Phase::Stopping);
            phase.role() == Some(Role::Active) && !stays
        };
        // Whose unit is on its way out is followed by a standby first.
        if units.clone().any(is_gone_soon) {
            return;
        }
        self.count_work(units.len());
        for unit in units {
            let Phase::InService(Some(role)) = self.units[unit].phase else { continue };
            for id in self.components(unit) {
                for csi in self.instances_of(id) {
                    let component = &self.components[id.0];
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
