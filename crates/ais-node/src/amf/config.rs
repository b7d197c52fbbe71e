//! What groups.conf says: groups of service units, their components, and the
//! protection groups. The same on every node; the parser checks the promises
//! made here, the services rely on them.

use ais_wire::Name;

/// All groups of the cluster, in the order of the file. Names of groups, of
/// units, of components and of protection groups are each unique in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
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
