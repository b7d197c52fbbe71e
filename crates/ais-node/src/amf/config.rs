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
    /// A digest that is equal for all files that mean the same.
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
    /// How many units are active at most. `active-units`, 1 if absent. Without
    /// redundancy it does not count.
    pub active_units: u32,
    /// How many units are standby at most. `backup-units`; `None` is one with
    /// `2n`, else every further unit in service. Without redundancy it does
    /// not count.
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
            digest.number(unit.node.is_some().into());
            digest.bytes(unit.node.as_ref().map_or(&[], |node| node.as_bytes()));
            digest.number(unit.components.len() as u64);
            for component in &unit.components {
                component.add_to(&mut digest);
            }
        }
        for group in &self.protection_groups {
            digest.bytes(group.name.as_bytes());
            digest.number(group.active_members.map_or(u64::MAX, u64::from));
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
    /// `2n`: one active unit, one standby, the rest spares.
    TwoN,
    /// `nplusm`: N active units, M standby, the rest spares. What a file of
    /// 2004 means, whatever model it names or leaves out.
    #[default]
    NPlusM,
    /// `noredundancy`: every unit in service is active, for itself.
    NoRedundancy,
}

/// A service unit: components that come into service, and fail, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The name of the unit.
    pub name: Name,
    /// The only node from which its components may register, by its address
    /// as a dotted quad or by its name; `None` is any. `node`.
    pub node: Option<Name>,
    /// Its components; at least one.
    pub components: Vec<Component>,
}

impl Unit {
    /// A unit that may be on any node.
    #[must_use]
    pub fn new(name: Name, components: Vec<Component>) -> Self {
        Self { name, node: None, components }
    }
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
    /// `healthcheck-timeout`, 3000.
    pub healthcheck_timeout: u32,
    /// Milliseconds that any other callback may stay unanswered, from its
    /// sending. `callback-timeout`, 5000, at least 2000.
    pub callback_timeout: u32,
    /// Milliseconds that QUIESCED and OUT_OF_SERVICE may stay unanswered, from
    /// when the program first saw the question. `quiesce-timeout`, 3000.
    pub quiesce_timeout: u32,
    /// Milliseconds that it may take to finish its work when it is asked to
    /// stop. `stopping-timeout`, 60000.
    pub stopping_timeout: u32,
    /// How many restarts it is granted within `restart_probation`; one more is
    /// a failover. `component-restart-max`, 3.
    pub restart_max: u32,
    /// Milliseconds that a restart counts.
    /// `component-restart-probation`, 60000.
    pub restart_probation: u32,
}

impl Component {
    /// A component with the defaults of groups.conf.
    #[must_use]
    pub fn new(name: Name, model: CapabilityModel) -> Self {
        Self {
            name,
            model,
            healthcheck_interval: 100,
            healthcheck_timeout: 3000,
            callback_timeout: 5000,
            quiesce_timeout: 3000,
            stopping_timeout: 60_000,
            restart_max: 3,
            restart_probation: 60_000,
        }
    }

    fn add_to(&self, digest: &mut Digest) {
        digest.bytes(self.name.as_bytes());
        digest.number(self.model as u64);
        for number in [
            self.healthcheck_interval,
            self.healthcheck_timeout,
            self.callback_timeout,
            self.quiesce_timeout,
            self.stopping_timeout,
            self.restart_max,
            self.restart_probation,
        ] {
            digest.number(number.into());
        }
    }
}

/// `SaAmfComponentCapabilityModelT`, with its numbers: for how many instances
/// a component can be active, and for how many standby.
///
/// A component works for its unit, which is active or standby, so no model but
/// the first has it be both. The executive of 2004 made every component
/// standby, and its programs have `x_active` and expect that; so `x_active` and
/// `1_active` say nothing of being standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapabilityModel {
    /// `x_active_and_y_standby`: any number, both at the same time.
    XActiveAndYStandby = 1,
    /// `x_active_or_y_standby`: any number of the one or of the other.
    XActiveOrYStandby = 2,
    /// `1_active_or_y_standby`: active for one, or standby for any number.
    OneActiveOrYStandby = 3,
    /// `1_active_or_1_standby`: active for one, or standby for one.
    OneActiveOrOneStandby = 4,
    /// `x_active`: active for any number.
    XActive = 5,
    /// `1_active`: active for one.
    OneActive = 6,
    /// `no_active`: standby for any number.
    NoActive = 7,
}

impl CapabilityModel {
    /// For how many instances it can be active at the same time.
    #[must_use]
    pub fn most_active(self) -> usize {
        match self {
            Self::XActiveAndYStandby | Self::XActiveOrYStandby | Self::XActive => usize::MAX,
            Self::OneActiveOrYStandby | Self::OneActiveOrOneStandby | Self::OneActive => 1,
            Self::NoActive => 0,
        }
    }

    /// For how many instances it can be standby at the same time.
    #[must_use]
    pub fn most_standby(self) -> usize {
        if self == Self::OneActiveOrOneStandby { 1 } else { usize::MAX }
    }

    /// Whether it can be standby for one instance while it is active for
    /// another.
    #[must_use]
    pub fn can_be_both(self) -> bool {
        self == Self::XActiveAndYStandby
    }
}

/// A protection group, which has the name of its component service instance:
/// the components that can hold that instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionGroup {
    /// The name of the protection group and of the instance.
    pub name: Name,
    /// How many members are active at most; `None` is as many as there are
    /// active units. `active-members`.
    pub active_members: Option<u32>,
    /// Components of the same group, in the order of the file.
    pub members: Vec<Name>,
}
