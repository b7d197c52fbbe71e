//! A groups.conf that a seed decides, and what it allows.

use crate::Rng;
use ais_node::amf::config::{
    CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel, Unit,
};
use ais_proto::Name;
use ais_proto::admin::Target;
use std::collections::BTreeMap;

/// One to three groups of one to four units of one to three components.
pub(super) fn random(rng: &mut Rng) -> Groups {
    let groups = rng.between(1, 3);
    Groups { groups: (0..groups).map(|number| group(rng, number)).collect() }
}

fn group(rng: &mut Rng, number: u64) -> Group {
    let model = *rng.pick(&[
        RedundancyModel::TwoN,
        RedundancyModel::NPlusM,
        RedundancyModel::NPlusM,
        RedundancyModel::NoRedundancy,
    ]);
    let (units, components) = (rng.between(1, 4), rng.between(1, 3));
    let units: Vec<Unit> = (0..units)
        .map(|unit| {
            let named = (0..components).map(|of| component_name(number, unit, of));
            let of_unit = named.map(|name| component(rng, name)).collect();
            Unit::new(name(&format!("unit{number}{unit}")), of_unit)
        })
        .collect();
    let mut protection_groups: Vec<_> =
        (0..components).map(|of| protection_group(number, of, of, units.len())).collect();
    // One is there for two instances, and one for none.
    if rng.once_in(2) {
        protection_groups.push(protection_group(number, components, 0, units.len()));
    }
    if components > 1 && rng.once_in(4) {
        protection_groups.remove(1);
    }
    let several = model == RedundancyModel::NPlusM;
    Group {
        name: name(&format!("group{number}")),
        model,
        active_units: if several { rng.between(1, 3) as u32 } else { 1 },
        backup_units: *rng.pick(&[None, Some(1), if several { Some(0) } else { None }, Some(1)]),
        units,
        protection_groups,
    }
}

fn component(rng: &mut Rng, name: Name) -> Component {
    use CapabilityModel::*;
    let rare = if rng.once_in(4) { NoActive } else { XActive };
    let model = *rng.pick(&[
        XActive,
        XActive,
        XActiveAndYStandby,
        XActiveOrYStandby,
        OneActiveOrYStandby,
        OneActiveOrOneStandby,
        OneActive,
        rare,
    ]);
    Component {
        healthcheck_interval: *rng.pick(&[200, 1000]),
        healthcheck_timeout: 1000,
        quiesce_timeout: 1000,
        callback_timeout: *rng.pick(&[2000, 5000]),
        stopping_timeout: *rng.pick(&[2000, 5000]),
        restart_max: *rng.pick(&[0, 1, 3]),
        restart_probation: *rng.pick(&[1000, 60_000]),
        ..Component::new(name, model)
    }
}

fn protection_group(group: u64, number: u64, of: u64, units: usize) -> ProtectionGroup {
    ProtectionGroup {
        name: name(&format!("pg{group}{number}")),
        active_members: None,
        members: (0..units as u64).map(|unit| component_name(group, unit, of)).collect(),
    }
}

fn component_name(group: u64, unit: u64, of: u64) -> Name {
    name(&format!("comp{group}{unit}{of}"))
}

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap_or_default()
}

/// What groups.conf says of a component.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) group: usize,
    pub(super) unit: usize,
    pub(super) model: CapabilityModel,
    pub(super) instances: Vec<Name>,
}

/// What groups.conf allows.
#[derive(Debug)]
pub(super) struct Rules {
    places: BTreeMap<Name, Place>,
    /// How many units of each group may be active.
    actives: Vec<usize>,
    standbys: Vec<usize>,
    /// Groups and units, for an operator.
    pub(super) targets: Vec<Target>,
}

impl Rules {
    pub(super) fn new(groups: &Groups) -> Self {
        let (mut places, mut targets) = (BTreeMap::new(), Vec::new());
        for (number, group) in groups.groups.iter().enumerate() {
            targets.push(Target::Group(group.name.clone()));
            for (unit, of) in group.units.iter().enumerate() {
                targets.push(Target::Unit(of.name.clone()));
                for component in &of.components {
                    let has = |of: &&ProtectionGroup| of.members.contains(&component.name);
                    let instances = group.protection_groups.iter().filter(has);
                    let instances = instances.map(|of| of.name.clone()).collect();
                    let model = component.model;
                    let place = Place { group: number, unit, model, instances };
                    places.insert(component.name.clone(), place);
                }
            }
        }
        let bound = |group: &Group| match group.model {
            RedundancyModel::NoRedundancy => (usize::MAX, 0),
            RedundancyModel::TwoN => (1, 1),
            RedundancyModel::NPlusM => (
                group.active_units as usize,
                group.backup_units.map_or(usize::MAX, |number| number as usize),
            ),
        };
        let (actives, standbys) = groups.groups.iter().map(bound).unzip();
        Self { places, actives, standbys, targets }
    }

    pub(super) fn components(&self) -> Vec<Name> {
        self.places.keys().cloned().collect()
    }

    pub(super) fn of(&self, component: &Name) -> Option<&Place> {
        self.places.get(component)
    }

    /// Units of the group that may be active, and standby.
    pub(super) fn bounds(&self, group: usize) -> (usize, usize) {
        (self.actives[group], self.standbys[group])
    }
}

impl Place {
    /// How many instances it may be active for, how many standby, and whether
    /// at the same time.
    pub(super) fn abilities(&self) -> (usize, usize, bool) {
        (self.model.most_active(), self.model.most_standby(), self.model.can_be_both())
    }
}
