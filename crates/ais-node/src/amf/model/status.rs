//! What has become of the groups while the cluster runs: all of AMF that is replicated.
//! It is the same on every node, it is what a snapshot has, and what sides merge.
//!
//! Of groups.conf a status knows nothing but the ids of its items, which do not depend on
//! the order of the file.

use crate::Digest;
use crate::amf::message::RegistrationId;
use crate::amf::topology::{ComponentId, CsiId, GroupId, Topology, UnitId};
use crate::message_id::NO_VIEW;
use ais_group::ViewId;
use ais_proto::admin::{AdminState, Operation};
use ais_proto::amf::{Callbacks, HaState, Readiness, Transition};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The status of all groups. Each item of the topology has an entry.
#[derive(Debug, Clone)]
pub(in crate::amf) struct Status {
    /// The view that messages are delivered in.
    pub(super) view: ViewId,
    /// Whether the view has quorum.
    pub(super) view_has_quorum: bool,
    /// Whether AMF acts on that quorum: only once this side and those that it has met
    /// are one.
    pub(super) has_quorum: bool,
    /// The last operation number. Each is given once to a component, so an
    /// answer to an older one is known to be late.
    pub(super) last_operation: u64,
    pub(super) groups: BTreeMap<GroupId, GroupStatus>,
    pub(super) units: BTreeMap<UnitId, UnitStatus>,
    pub(super) components: BTreeMap<ComponentId, ComponentStatus>,
    /// For each instance: the components that were active and have no successor yet, and
    /// how each let go.
    pub(super) vacated: BTreeMap<CsiId, Vec<(ComponentId, Transition)>>,
    pub(super) registered: BTreeMap<RegistrationId, ComponentId>,
    /// Which registered components speak for which others.
    pub(super) proxied: BTreeSet<(ComponentId, ComponentId)>,
    /// Processes that are active as a component that another process has.
    pub(super) displaced: BTreeMap<RegistrationId, Displaced>,
    /// What an operator has said of nodes, unless that they are unlocked.
    pub(super) locks: BTreeMap<NodeId, AdminState>,
    /// Nodes that are taken out, and the component whose error asked for it.
    pub(super) faults: BTreeMap<NodeId, ComponentId>,
    /// Nodes that are about to leave.
    pub(super) draining: BTreeSet<NodeId>,
}

/// The status of a group.
#[derive(Debug, Clone)]
pub(super) struct GroupStatus {
    /// What an operator has said of it.
    pub(super) admin: AdminState,
    /// The operation that waits for its components to confirm it.
    pub(super) pending: Option<Pending>,
    /// What an operator has done to it last, for people.
    pub(super) reason: String,
}

/// An operation that waits for confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) operation: Operation,
    pub(super) scope: Scope,
}

/// A group, or one unit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Group(GroupId),
    Unit(UnitId),
}

/// The status of a unit.
#[derive(Debug, Clone)]
pub(super) struct UnitStatus {
    pub(super) phase: Phase,
    /// What an operator has said of it.
    pub(super) admin: AdminState,
    /// Why it is where it is, for people.
    pub(super) reason: String,
}

/// Where a unit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Out of service.
    Out,
    /// `IN_SERVICE` was demanded of all its components.
    Entering,
    /// In service, with a role or as a spare.
    InService(Option<Role>),
    /// Active; `STOPPING` was demanded of all its components.
    Stopping,
    /// Active; `QUIESCED` was demanded of all its components, so that another
    /// unit can take over. It stays in service.
    Yielding,
    /// `QUIESCED` was demanded of those that live. The role counts as taken
    /// until the unit is out.
    Quiescing(Role),
    /// `OUT_OF_SERVICE` was demanded of those that live.
    Leaving(Option<Role>),
}

/// What a unit does for its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Active,
    Standby,
}

/// The status of a component.
#[derive(Debug, Clone)]
pub(super) struct ComponentStatus {
    pub(super) registration: Option<Registration>,
    pub(super) failure: Option<Failure>,
    /// As last answered.
    pub(super) readiness: Readiness,
    /// Each instance whose protection group it is in has an entry.
    pub(super) assignments: BTreeMap<CsiId, Assignment>,
    pub(super) asked: Vec<Asked>,
    /// When it was restarted lately, in nanoseconds since the epoch, on the
    /// clocks of those who asked for it.
    pub(super) restarts: Vec<i64>,
    /// What happened to it last, for people.
    pub(super) reason: String,
}

/// The registration of a component by a process.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    pub(super) number: RegistrationId,
    pub(super) node: NodeId,
    pub(super) callbacks: Callbacks,
    pub(super) proxy: Option<ComponentId>,
}

/// Why a registered component is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Somebody reported an error.
    Reported,
    /// It answered with an error.
    Refused,
    /// It did not answer: it is asked nothing more.
    Silent,
}

/// What a component has to do with an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Assignment {
    /// As last answered; `None` if never since the registration.
    pub(super) state: Option<HaState>,
    /// It was told to be active and has not let go since.
    pub(super) holds: bool,
}

/// A question that a component has yet to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) operation: u64,
    pub(super) what: Ask,
}

/// What a component is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Readiness(Readiness),
    Csi(CsiId, HaState),
    Remove(CsiId),
    Terminate,
    /// Of the proxy: to restart the component.
    Restart,
    /// Of the proxy: to reset the component.
    Reset,
    /// To confirm that it is ready for this operation.
    Confirm(Operation),
}

/// A process that is active as a component that another process has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Displaced {
    pub(super) component: ComponentId,
    pub(super) node: NodeId,
}

impl Status {
    /// As it is in the beginning: nobody is registered.
    pub(in crate::amf) fn new(topology: &Topology) -> Self {
        let component = |id| (id, ComponentStatus::new(&topology.components[id].instances));
        Self {
            view: NO_VIEW,
            view_has_quorum: true,
            has_quorum: true,
            last_operation: 0,
            groups: topology.groups.ids().map(|id| (id, GroupStatus::default())).collect(),
            units: topology.units.ids().map(|id| (id, UnitStatus::default())).collect(),
            components: topology.components.ids().map(component).collect(),
            vacated: topology.instances.ids().map(|id| (id, Vec::new())).collect(),
            registered: BTreeMap::new(),
            proxied: BTreeSet::new(),
            displaced: BTreeMap::new(),
            locks: BTreeMap::new(),
            faults: BTreeMap::new(),
            draining: BTreeSet::new(),
        }
    }

    pub(super) fn group(&self, id: GroupId) -> &GroupStatus {
        &self.groups[&id]
    }

    pub(super) fn group_mut(&mut self, id: GroupId) -> &mut GroupStatus {
        self.groups.entry(id).or_default()
    }

    pub(super) fn unit(&self, id: UnitId) -> &UnitStatus {
        &self.units[&id]
    }

    pub(super) fn unit_mut(&mut self, id: UnitId) -> &mut UnitStatus {
        self.units.entry(id).or_default()
    }

    pub(super) fn component(&self, id: ComponentId) -> &ComponentStatus {
        &self.components[&id]
    }

    pub(super) fn component_mut(&mut self, id: ComponentId) -> &mut ComponentStatus {
        self.components.entry(id).or_insert_with(|| ComponentStatus::new(&[]))
    }

    pub(super) fn vacated_mut(&mut self, csi: CsiId) -> &mut Vec<(ComponentId, Transition)> {
        self.vacated.entry(csi).or_default()
    }

    /// Enters a registration that a component has from now on.
    pub(super) fn enter(
        &mut self,
        id: ComponentId,
        number: RegistrationId,
        proxy: Option<ComponentId>,
    ) {
        self.registered.insert(number, id);
        self.proxied.extend(proxy.map(|proxy| (proxy, id)));
    }

    /// Adds all of it to a digest.
    pub(in crate::amf) fn digest(&self, digest: &mut Digest) {
        let view = (self.view, self.view_has_quorum, self.has_quorum, self.last_operation);
        digest.bytes(format!("{view:?}").as_bytes());
        let marks = (&self.locks, &self.faults, &self.draining, &self.displaced);
        digest.bytes(format!("{marks:?}").as_bytes());
        for group in &self.groups {
            digest.bytes(format!("{group:?}").as_bytes());
        }
        for unit in &self.units {
            digest.bytes(format!("{unit:?}").as_bytes());
        }
        for component in &self.components {
            digest.bytes(format!("{component:?}").as_bytes());
        }
        for vacated in &self.vacated {
            digest.bytes(format!("{vacated:?}").as_bytes());
        }
    }
}

impl Default for GroupStatus {
    fn default() -> Self {
        Self { admin: AdminState::Unlocked, pending: None, reason: String::new() }
    }
}

impl Default for UnitStatus {
    fn default() -> Self {
        Self { phase: Phase::Out, admin: AdminState::Unlocked, reason: String::new() }
    }
}

impl ComponentStatus {
    /// A component with these instances that nobody has registered.
    fn new(instances: &[CsiId]) -> Self {
        Self {
            registration: None,
            failure: None,
            readiness: Readiness::OutOfService,
            assignments: instances.iter().map(|csi| (*csi, Assignment::default())).collect(),
            asked: Vec::new(),
            restarts: Vec::new(),
            reason: String::new(),
        }
    }

    /// Whether its unit can be in service as far as it goes.
    pub(super) fn is_healthy(&self) -> bool {
        self.registration.is_some() && self.failure.is_none() && !self.is_ending()
    }

    /// Whether it can be asked anything.
    pub(super) fn is_reachable(&self) -> bool {
        self.registration.is_some() && self.failure != Some(Failure::Silent) && !self.is_ending()
    }

    /// Whether it was asked to end, so that nothing else makes sense.
    pub(super) fn is_ending(&self) -> bool {
        self.asked.iter().any(|asked| asked.what.ends())
    }

    /// Whether it is in service, or was told to be.
    pub(super) fn is_in_service(&self) -> bool {
        !self.is_asked(Ask::Readiness(Readiness::OutOfService))
            && (self.readiness == Readiness::InService
                || self.is_asked(Ask::Readiness(Readiness::InService)))
    }

    pub(super) fn proxy(&self) -> Option<ComponentId> {
        self.registration.as_ref().and_then(|registration| registration.proxy)
    }

    pub(super) fn is_asked(&self, what: Ask) -> bool {
        self.asked.iter().any(|asked| asked.what == what)
    }

    /// What it does for an instance, or was told to do and not to end since.
    pub(super) fn work_on(&self, csi: CsiId) -> Option<HaState> {
        let asked = self.asked.iter().find_map(|asked| match asked.what {
            Ask::Csi(of, state) if of == csi => Some(Some(state)),
            Ask::Remove(of) if of == csi => Some(None),
            _ => None,
        });
        let told = self.assignments.get(&csi).and_then(|of| match of.holds {
            true => Some(HaState::Active),
            false => of.state,
        });
        asked.unwrap_or(told).filter(|state| *state != HaState::Quiesced)
    }

    pub(super) fn has_callback(&self, callback: Callbacks) -> bool {
        self.registration
            .as_ref()
            .is_some_and(|registration| registration.callbacks.contains(callback))
    }

    /// Whether it was told to be active for an instance and has not let go.
    pub(super) fn holds(&self, csi: CsiId) -> bool {
        self.assignments.get(&csi).is_some_and(|assignment| assignment.holds)
    }

    /// Whether it was told to be active for any instance and has not let go.
    pub(super) fn holds_any(&self) -> bool {
        self.assignments.values().any(|assignment| assignment.holds)
    }

    /// Whether an answer about an instance is outstanding.
    pub(super) fn is_asked_about(&self, csi: CsiId) -> bool {
        self.asked.iter().any(|asked| asked.what.csi() == Some(csi))
    }
}

impl Ask {
    /// Whether this makes an earlier demand pointless.
    pub(super) fn replaces(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Readiness(_), Self::Readiness(_)) | (Self::Confirm(_), Self::Confirm(_)) => true,
            _ if self.ends() => true,
            _ => self.csi().is_some() && self.csi() == earlier.csi(),
        }
    }

    /// The instance that it is about.
    pub(super) fn csi(self) -> Option<CsiId> {
        match self {
            Self::Csi(csi, _) | Self::Remove(csi) => Some(csi),
            Self::Readiness(_)
            | Self::Terminate
            | Self::Restart
            | Self::Reset
            | Self::Confirm(_) => None,
        }
    }

    /// Whether nothing that was asked before counts any more.
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::Terminate | Self::Restart | Self::Reset)
    }
}

impl Phase {
    /// The role that counts as taken.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Out | Self::Entering => None,
            Self::InService(role) | Self::Leaving(role) => role,
            Self::Stopping | Self::Yielding => Some(Role::Active),
            Self::Quiescing(role) => Some(role),
        }
    }
}
