//! What holds for the model after every input, on every node: looked at
//! wherever broken assertions count, the simulator included.

use super::rules::Bounds;
use super::status::{Asked, ComponentStatus, Phase, Role};
use super::*;
use crate::amf::config::CapabilityModel;
use crate::amf::topology::CsiId;
#[cfg(test)]
use std::collections::BTreeMap;

impl Model {
    pub(in crate::amf) fn assert_sound(&self) {
        self.topology.groups.ids().for_each(|group| self.assert_group_sound(group));
        assert!(self.unsettled.is_empty() && self.unplanned.is_empty());
    }

    /// Checks the groups that the last input has changed: among many groups
    /// all would be most of the work there is.
    pub(in crate::amf) fn assert_changes_sound(&self) {
        let touched = self.outcome.touched.values();
        let groups: BTreeSet<_> = touched.map(|id| self.topology.group_of(*id)).collect();
        groups.into_iter().for_each(|group| self.assert_group_sound(group));
        assert!(self.unsettled.is_empty() && self.unplanned.is_empty());
    }

    fn assert_group_sound(&self, group: GroupId) {
        let group = &self.topology.groups[group];
        let holding = group.units.iter().filter(|unit| self.holds(**unit)).count();
        let bound = Bounds::of(group).actives;
        assert!(holding <= bound, "{} has {holding} active units", group.name);
        let mut instances = BTreeSet::new();
        for unit in &group.units {
            self.assert_unit_sound(*unit);
            for id in self.components(*unit) {
                let component = &self.topology.components[*id];
                self.status.component(*id).assert_within(component.config.model);
                instances.extend(component.instances.iter().copied());
            }
        }
        for csi in instances {
            let instance = &self.topology.instances[csi];
            let holding =
                instance.members.iter().filter(|id| self.status.component(**id).holds(csi));
            let most = instance.most_active.unwrap_or(usize::MAX);
            assert!(holding.count() <= most, "{} has too many actives", instance.name);
        }
    }

    #[cfg(test)]
    pub(in crate::amf) fn faults(&self) -> &BTreeMap<NodeId, ComponentId> {
        &self.status.faults
    }

    #[cfg(test)]
    pub(in crate::amf) fn proxied_count(&self, id: ComponentId) -> usize {
        self.proxied_by(id).len()
    }

    fn assert_unit_sound(&self, unit: UnitId) {
        let (phase, name) = (self.status.unit(unit).phase, &self.topology.units[unit].name);
        let is_active = phase.role() == Some(Role::Active);
        assert!(is_active || !self.holds(unit), "{name} works without a role");
        for id in self.components(unit) {
            let component = self.status.component(*id);
            let in_service = matches!(phase, Phase::InService(_));
            assert!(!in_service || component.is_healthy(), "{:?}", component);
            assert!(!in_service || self.status.has_quorum, "{name} works without quorum");
            assert!(component.registration.is_some() || component.asked.is_empty());
            let out = component.readiness == Readiness::OutOfService;
            assert!(phase != Phase::Out || out, "{:?}", component);
        }
    }

    fn holds(&self, unit: UnitId) -> bool {
        self.components(unit).iter().any(|id| self.status.component(*id).holds_any())
    }

    #[cfg(test)]
    /// Every component is registered, whole and answering, so everybody has
    /// all the work that the rules allow.
    pub(in crate::amf) fn assert_at_work(&self) {
        for group in self.topology.groups.ids().map(|group| &self.topology.groups[group]) {
            let units: Vec<_> =
                group.units.iter().map(|unit| self.status.unit(*unit).phase).collect();
            let count = |role| {
                let has = |phase: &&Phase| **phase == Phase::InService(Some(role));
                units.iter().filter(has).count()
            };
            let bounds = Bounds::of(group);
            let (actives, standbys) = (count(Role::Active), count(Role::Standby));
            if !group.is_shared {
                assert_eq!(actives, units.len().min(bounds.actives), "active in {}", group.name);
            }
            assert_eq!(standbys, bounds.standbys.min(units.len() - actives), "{}", group.name);
            assert!(units.iter().all(|phase| matches!(phase, Phase::InService(_))));
        }
        for component in self.status.components.values() {
            assert!(component.asked.is_empty(), "{:?}", component);
        }
        let mut again = self.clone();
        again.touch_all();
        again.settle();
        assert_eq!(again.outcome.demands, [], "there was something left to do");
    }
}

impl ComponentStatus {
    fn assert_within(&self, model: CapabilityModel) {
        if self.is_ending() {
            // Whatever else it was asked is not waited for.
            return;
        }
        let active = self.assignments.values().filter(|of| of.holds).count();
        let waits = |csi: &&CsiId| self.work_on(**csi) == Some(HaState::Standby);
        let standby = self.assignments.keys().filter(waits).count();
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
