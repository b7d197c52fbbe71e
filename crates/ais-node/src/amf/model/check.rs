//! What holds for the model after every input, on every node: looked at
//! wherever broken assertions count, the simulator included.

use super::*;

impl Model {
    pub(in crate::amf) fn assert_sound(&self) {
        self.groups.iter().for_each(|group| self.assert_group_sound(group));
        assert!(self.unsettled.is_empty() && self.unplanned.is_empty());
    }

    /// The same for groups that the last input has changed: among many groups
    /// all would be most of the work there is.
    pub(in crate::amf) fn assert_changes_sound(&self) {
        let group_of = |id: &ComponentId| self.units[self.components[id.0].unit].group;
        let groups: BTreeSet<usize> = self.outcome.touched.iter().map(group_of).collect();
        groups.into_iter().for_each(|group| self.assert_group_sound(&self.groups[group]));
        assert!(self.unsettled.is_empty() && self.unplanned.is_empty());
    }

    fn assert_group_sound(&self, group: &Group) {
        let units = &self.units[group.units.clone()];
        let holding = units.iter().filter(|unit| self.holds(unit)).count();
        let bound = rules::Bounds::of(group).actives;
        assert!(holding <= bound, "{} has {holding} active units", group.name);
        let mut instances = BTreeSet::new();
        for unit in units {
            self.assert_unit_sound(unit);
            for component in &self.components[unit.components.clone()] {
                component.assert_within_its_model();
                instances.extend(component.assignments.iter().map(|of| of.csi));
            }
        }
        for csi in instances {
            let instance = &self.instances[csi.0];
            let holding = instance.members.iter().filter(|id| self.components[id.0].holds(csi));
            let most = instance.most_active.unwrap_or(usize::MAX);
            assert!(holding.count() <= most, "{} has too many actives", instance.name);
        }
    }

    #[cfg(test)]
    pub(in crate::amf) fn faults(&self) -> &BTreeMap<NodeId, ComponentId> {
        &self.faults
    }

    #[cfg(test)]
    pub(in crate::amf) fn proxied_count(&self, id: ComponentId) -> usize {
        self.proxied_by(id).len()
    }

    fn assert_unit_sound(&self, unit: &Unit) {
        let is_active = unit.phase.role() == Some(Role::Active);
        assert!(is_active || !self.holds(unit), "{} works without a role", unit.name);
        for component in &self.components[unit.components.clone()] {
            let in_service = matches!(unit.phase, Phase::InService(_));
            assert!(!in_service || component.is_healthy(), "{:?}", component);
            assert!(!in_service || self.has_quorum, "{} works without quorum", unit.name);
            assert!(component.registration.is_some() || component.asked.is_empty());
            let out = component.readiness == Readiness::OutOfService;
            assert!(unit.phase != Phase::Out || out, "{:?}", component);
        }
    }

    fn holds(&self, unit: &Unit) -> bool {
        self.components[unit.components.clone()]
            .iter()
            .any(|component| component.assignments.iter().any(|assignment| assignment.holds))
    }

    #[cfg(test)]
    /// Every component is registered, whole and answering, so everybody has
    /// all the work that the rules allow.
    pub(in crate::amf) fn assert_at_work(&self) {
        for group in &self.groups {
            let units = &self.units[group.units.clone()];
            let count = |role| {
                let has = |unit: &&Unit| unit.phase == Phase::InService(Some(role));
                units.iter().filter(has).count()
            };
            let bounds = rules::Bounds::of(group);
            let (actives, standbys) = (count(Role::Active), count(Role::Standby));
            if !group.is_shared {
                assert_eq!(actives, units.len().min(bounds.actives), "active in {}", group.name);
            }
            assert_eq!(standbys, bounds.standbys.min(units.len() - actives), "{}", group.name);
            assert!(units.iter().all(|unit| matches!(unit.phase, Phase::InService(_))));
        }
        for component in &self.components {
            assert!(component.asked.is_empty(), "{:?}", component);
        }
        let mut again = self.clone();
        again.touch_all();
        again.settle();
        assert_eq!(again.outcome.demands, [], "there was something left to do");
    }
}

impl Component {
    fn assert_within_its_model(&self) {
        if self.is_ending() {
            // Whatever else it was asked is not waited for.
            return;
        }
        let model = self.config.model;
        let active = self.assignments.iter().filter(|of| of.holds).count();
        let waits = |of: &&Assignment| self.work_on(of.csi) == Some(HaState::Standby);
        let standby = self.assignments.iter().filter(waits).count();
        assert!(active <= model.most_active(), "{self:?}");
        assert!(standby <= model.most_standby(), "{self:?}");
        assert!(active == 0 || standby == 0 || model.can_be_both(), "{self:?}");
        // At most one question of each kind.
        for (index, asked) in self.asked.iter().enumerate() {
            let other = |other: &Asked| asked.what.replaces(other.what);
            assert!(!self.asked[..index].iter().any(other), "{self:?}");
        }
    }
}
