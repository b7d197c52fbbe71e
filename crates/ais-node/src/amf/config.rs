//! What groups.conf says: groups of service units, their components, and the
//! protection groups. The same on every node; the parser checks the promises
//! made here, the services rely on them.

use crate::Digest;
use ais_wire::Name;

/// All groups of the cluster, in the order of the file. Names of groups, of
/// units, of components and of protection groups are each unique in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
}

impl Groups {
    /// The same for every file that means the same.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        for group in &self.groups {
            digest.number(group.digest());
        }
        digest.value()
    }
}

/// A service group: units that stand in for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name of the group.
    pub name: Name,
    /// How units share the work.
    pub model: RedundancyModel,
    /// How many units are active at most. `active-units`, 1 if absent.
    pub active_units: u32,
    /// How many units are standby at most; `None` is every further unit in
    /// service. `backup-units`.
    pub backup_units: Option<u32>,
    /// The units; the first is preferred.
    pub units: Vec<Unit>,
    /// The protection groups.
    pub protection_groups: Vec<ProtectionGroup>,
}

impl Group {
    pub(crate) fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.bytes(self.name.as_bytes());
        digest.number(self.model as u64);
        digest.number(self.active_units.into());
        digest.number(self.backup_units.map_or(u64::MAX, u64::from));
        digest.number(self.units.len() as u64);
        for unit in &self.units {
            digest.bytes(unit.name.as_bytes());
            digest.number(unit.components.len() as u64);
            for component in &unit.components {
                component.add_to(&mut digest);
            }
        }
        for group in &self.protection_groups {
            digest.bytes(group.name.as_bytes());
            digest.number(group.members.len() as u64);
            for member in &group.members {
                digest.bytes(member.as_bytes());
            }
        }
        digest.value()
    }
}

/// The redundancy model of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedundancyModel {
    /// `2n`: one active, one standby.
    #[default]
    TwoN,
    /// `nplusm`: N active, M standby.
    NPlusM,
    /// `noredundancy`: every unit stands for itself.
    NoRedundancy,
}

/// A service unit: components that come into service, and fail, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The name of the unit.
    pub name: Name,
    /// Its components; at least one.
    pub components: Vec<Component>,
}

/// A component: what a process registers as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The name it registers under.
    pub name: Name,
    /// What it is able to do.
    pub model: CapabilityModel,
    /// Milliseconds between healthchecks. `healthcheck-interval`, 100.
    pub healthcheck_interval: u32,
    /// Milliseconds that a healthcheck may stay unanswered.
    /// `healthcheck-timeout`, 1000.
    pub healthcheck_timeout: u32,
    /// Milliseconds that any other callback may stay unanswered, from its
    /// sending. `callback-timeout`, 5000, at least 2000.
    pub callback_timeout: u32,
    /// Milliseconds that QUIESCED and OUT_OF_SERVICE may stay unanswered, from
    /// when the program first saw the question. `quiesce-timeout`, 1000.
    pub quiesce_timeout: u32,
}

impl Component {
    fn add_to(&self, digest: &mut Digest) {
        digest.bytes(self.name.as_bytes());
        digest.number(self.model as u64);
        for milliseconds in [
            self.healthcheck_interval,
            self.healthcheck_timeout,
            self.callback_timeout,
            self.quiesce_timeout,
        ] {
            digest.number(milliseconds.into());
        }
    }
}

/// `SaAmfComponentCapabilityModelT`, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapabilityModel {
    /// `x_active_and_y_standby`
    XActiveAndYStandby = 1,
    /// `x_active_or_y_standby`
    XActiveOrYStandby = 2,
    /// `1_active_or_y_standby`
    OneActiveOrYStandby = 3,
    /// `1_active_or_1_standby`
    OneActiveOrOneStandby = 4,
    /// `x_active`
    XActive = 5,
    /// `1_active`
    OneActive = 6,
    /// `no_active`
    NoActive = 7,
}

/// A protection group, which has the name of its component service instance:
/// the components that can hold that instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionGroup {
    /// The name of the protection group and of the instance.
    pub name: Name,
    /// Components of the same group, in the order of the file.
    pub members: Vec<Name>,
}
