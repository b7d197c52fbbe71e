//! What holds for the model after every input, on every node: looked at
//! wherever broken assertions count, the simulator included.

use super::*;

impl Model {
    pub(in crate::amf) fn assert_sound(&self) {
        for group in &self.groups {
            let units = &self.units[group.units.clone()];
            let holding = units.iter().filter(|unit| self.holds(unit)).count();
            let bound = match group.model {
                RedundancyModel::NoRedundancy => usize::MAX,
                _ => group.active_units as usize,
            };
            assert!(holding <= bound, "{} has {holding} active units", group.name);
            for unit in units {
                self.assert_unit_sound(unit);
            }
        }
        assert!(self.unsettled.is_empty());
        assert!(self.components.iter().all(|component| component.asked.len() <= 2));
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
            let (actives, standbys) = match group.model {
                RedundancyModel::NoRedundancy => (units.len(), 0),
                _ => (
                    units.len().min(group.active_units as usize),
                    group.backup_units.map_or(units.len(), |number| number as usize),
                ),
            };
            assert_eq!(count(Role::Active), actives, "active units of {}", group.name);
            let standbys = standbys.min(units.len() - actives);
            assert_eq!(count(Role::Standby), standbys, "standby units of {}", group.name);
        }
        for component in &self.components {
            assert!(component.asked.is_empty(), "{:?}", component);
        }
    }
}
