//! What groups.conf says, as the model uses it: groups, units, components and instances,
//! each by its id, in the order of the file.
//!
//! A topology never changes; another file makes another one. What becomes of its items
//! while the cluster runs is their status (`model/status.rs`), which knows them by their
//! ids alone. An id is a digest of a name, so it is the same wherever the item stands in
//! the file, on every node and in every snapshot.

use super::config::{self, Groups, RedundancyModel};
use crate::Digest;
use crate::service::Fingerprint;
use ais_wire::Name;
use std::collections::BTreeMap;
use std::ops::Index;

/// A service group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId(pub(super) u64);

/// A service unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnitId(pub(super) u64);

/// A component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ComponentId(pub(super) u64);

/// A component service instance and its protection group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CsiId(pub(super) u64);

/// Items by their place in the file.
pub(super) type InOrder<I> = BTreeMap<usize, I>;

/// All groups of the cluster.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) groups: Table<GroupId, Group>,
    pub(super) units: Table<UnitId, Unit>,
    pub(super) components: Table<ComponentId, Component>,
    pub(super) instances: Table<CsiId, Instance>,
    fingerprint: Fingerprint,
}

/// A service group: how its units share the work.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Name,
    pub(super) model: RedundancyModel,
    /// Only with a model that has a number of these.
    pub(super) active_units: u32,
    /// `None`: as many as the model allows.
    pub(super) backup_units: Option<u32>,
    /// The first is preferred.
    pub(super) units: Vec<UnitId>,
    /// Some instance bounds its active members, so units share instances.
    pub(super) is_shared: bool,
}

/// A service unit.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) name: Name,
    pub(super) group: GroupId,
    /// The only node that its components may register from.
    pub(super) node: Option<Name>,
    pub(super) components: Vec<ComponentId>,
}

/// A component.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) unit: UnitId,
    /// Its name, what it is able to do, and its times.
    pub(super) config: config::Component,
    /// The instances whose protection groups it is in.
    pub(super) instances: Vec<CsiId>,
}

/// A component service instance and its protection group.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: Name,
    /// The first is preferred.
    pub(super) members: Vec<ComponentId>,
    /// How many of them may be active; `None`: as many as have an active unit.
    pub(super) most_active: Option<usize>,
}

impl Topology {
    /// What this file says.
    pub(super) fn new(groups: Groups) -> Self {
        let parts = groups.groups.iter().take(Fingerprint::MAX_PARTS);
        let parts = parts.map(|group| (group.name.clone(), group.digest())).collect();
        let mut topology = Self {
            groups: Table::default(),
            units: Table::default(),
            components: Table::default(),
            instances: Table::default(),
            fingerprint: Fingerprint { all: groups.digest(), parts },
        };
        for group in groups.groups {
            topology.add_group(group);
        }
        topology
    }

    /// The version of the topology: equal for all files that mean the same.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The group of a component.
    pub(super) fn group_of(&self, id: ComponentId) -> GroupId {
        self.units[self.components[id].unit].group
    }

    fn add_group(&mut self, config: config::Group) {
        let group = self.groups.free_id(GroupId, &config.name);
        let units = config.units.into_iter().map(|unit| self.add_unit(group, unit)).collect();
        let item = Group {
            name: config.name.clone(),
            model: config.model,
            active_units: config.active_units,
            backup_units: config.backup_units,
            units,
            is_shared: config.protection_groups.iter().any(|of| of.active_members.is_some()),
        };
        self.groups.add(group, config.name, item);
        config.protection_groups.into_iter().for_each(|of| self.add_instance(of));
    }

    fn add_unit(&mut self, group: GroupId, config: config::Unit) -> UnitId {
        let unit = self.units.free_id(UnitId, &config.name);
        let components =
            config.components.into_iter().map(|of| self.add_component(unit, of)).collect();
        let (name, node) = (config.name.clone(), config.node);
        self.units.add(unit, config.name, Unit { name, group, node, components });
        unit
    }

    fn add_component(&mut self, unit: UnitId, config: config::Component) -> ComponentId {
        let id = self.components.free_id(ComponentId, &config.name);
        let name = config.name.clone();
        self.components.add(id, name, Component { unit, config, instances: Vec::new() });
        id
    }

    fn add_instance(&mut self, config: config::ProtectionGroup) {
        let csi = self.instances.free_id(CsiId, &config.name);
        let mut members = Vec::new();
        for name in &config.members {
            if let Some(id) = self.components.find(name)
                && !members.contains(&id)
                && let Some(component) = self.components.get_mut(id)
            {
                component.instances.push(csi);
                members.push(id);
            }
        }
        // No file has more members than that.
        let most_active = config.active_members.map(|most| most as usize);
        let item = Instance { name: config.name.clone(), members, most_active };
        self.instances.add(csi, config.name, item);
    }
}

/// Items of one kind, in the order of the file.
#[derive(Debug)]
pub(super) struct Table<I, T> {
    items: Vec<(I, T)>,
    places: BTreeMap<I, usize>,
    names: BTreeMap<Name, I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), places: BTreeMap::new(), names: BTreeMap::new() }
    }
}

impl<I: Copy + Ord, T> Table<I, T> {
    /// The id of the item with this name.
    pub(super) fn find(&self, name: &Name) -> Option<I> {
        self.names.get(name).copied()
    }

    /// All ids, in the order of the file.
    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = I> {
        self.items.iter().map(|(id, _)| *id)
    }

    /// Whether the file has an item with this id.
    pub(super) fn has(&self, id: I) -> bool {
        self.places.contains_key(&id)
    }

    /// The place of an item in the file, among its kind.
    pub(super) fn place(&self, id: I) -> usize {
        self.places[&id]
    }

    /// The id for an item of this name. Should the digests of two names of one file be
    /// the same, the second has the next number.
    fn free_id(&self, id: fn(u64) -> I, name: &Name) -> I {
        let mut digest = Digest::default();
        digest.bytes(name.as_bytes());
        let mut number = digest.value();
        while self.has(id(number)) {
            number = number.wrapping_add(1);
        }
        id(number)
    }

    fn add(&mut self, id: I, name: Name, item: T) {
        self.places.insert(id, self.items.len());
        self.names.insert(name, id);
        self.items.push((id, item));
    }

    fn get_mut(&mut self, id: I) -> Option<&mut T> {
        let place = *self.places.get(&id)?;
        self.items.get_mut(place).map(|(_, item)| item)
    }
}

/// Only ids of this topology have an item in it.
impl<I: Copy + Ord, T> Index<I> for Table<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.items[self.place(id)].1
    }
}
