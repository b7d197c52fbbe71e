//! The replicated part of AMF: one model of all groups, the same on every
//! node.
//!
//! Inputs (`inputs`, `recovery`, `operations`) are ordered messages and views;
//! after each one the touched units settle (`unit`): every unit goes as far
//! through its life as it can, then the redundancy model (`rules`) gives out
//! roles (`assign`). What the components have to be asked (`ask`) comes out as
//! [`Demand`]s, which the node of each component carries out. Nothing here
//! knows a client, a clock or an invocation.

mod ask;
mod assign;
#[cfg(any(test, debug_assertions))]
mod check;
mod displaced;
mod inputs;
mod merge;
mod operations;
mod queries;
mod recovery;
mod rules;
mod show;
mod snapshot;
mod unit;

use displaced::Displaced;
use operations::Pending;
pub(super) use queries::MemberState;
pub(super) use snapshot::Incoming;

use super::config::{self, Groups, RedundancyModel};
use super::message::RegistrationId;
use crate::message_id::NO_VIEW;
use ais_proto::admin::{AdminState, Operation};
use ais_proto::amf::{Callbacks, HaState, Readiness, Transition};
use ais_totem::ViewId;
use ais_wire::{Name, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A component, by its place in groups.conf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ComponentId(pub(super) usize);

/// A component service instance and its protection group, by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CsiId(pub(super) usize);

/// All groups and what has become of them.
#[derive(Debug, Clone)]
pub(super) struct Model {
    /// The view that messages are delivered in.
    view: ViewId,
    /// Whether that has quorum,
    view_has_quorum: bool,
    /// and whether what is done counts on it: only once this side and those it
    /// has met are one.
    has_quorum: bool,
    /// The members of the view.
    members: BTreeSet<NodeId>,
    groups: Vec<Group>,
    units: Vec<Unit>,
    components: Vec<Component>,
    instances: Vec<Instance>,
    component_names: BTreeMap<Name, ComponentId>,
    instance_names: BTreeMap<Name, CsiId>,
    registered: BTreeMap<RegistrationId, ComponentId>,
    /// Processes that are active as a component that another process has.
    displaced: BTreeMap<RegistrationId, Displaced>,
    /// The last operation number. Each is given once to a component, so an
    /// answer to an older one is known to be late.
    last_operation: u64,
    /// What an operator has said of nodes, unless that they are unlocked.
    locks: BTreeMap<NodeId, AdminState>,
    /// Nodes that are taken out, and the component whose error asked for it.
    faults: BTreeMap<NodeId, ComponentId>,
    /// Nodes that are about to leave.
    draining: BTreeSet<NodeId>,
    /// Which registered components speak for which others.
    proxied: BTreeSet<(ComponentId, ComponentId)>,
    outcome: Outcome,
    /// Units that something happened to.
    unsettled: BTreeSet<usize>,
    /// Groups whose units may get other roles.
    unplanned: BTreeSet<usize>,
    /// How many units were looked at. Not part of the replicated state.
    pub(super) work: u64,
}

/// What came of an input. Not part of the replicated state: whoever gave the
/// input takes it at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// What to ask, in this order.
    pub(super) demands: Vec<Demand>,
    /// What to tell those on whose answers nobody counts any more: they may
    /// live, and have to let go of what others do from now on.
    pub(super) given_up: Vec<(ComponentId, Vec<Question>)>,
    /// Whatever changed concerns these.
    pub(super) touched: BTreeSet<ComponentId>,
    /// Who is to begin anew, where that is allowed.
    pub(super) reset: Option<Reset>,
}

/// What somebody recommends to reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reset {
    Node(NodeId),
    Cluster,
}

#[derive(Debug, Clone)]
struct Group {
    name: Name,
    model: RedundancyModel,
    active_units: u32,
    backup_units: Option<u32>,
    units: Range<usize>,
    /// Some instance bounds its active members, so units share instances.
    is_shared: bool,
    /// What an operator has said of it.
    admin: AdminState,
    /// What waits for its components to confirm it.
    pending: Option<Pending>,
    /// What an operator has done to it last, for people.
    reason: String,
}

#[derive(Debug, Clone)]
struct Unit {
    name: Name,
    group: usize,
    /// The only node that its components may register from.
    node: Option<Name>,
    components: Range<usize>,
    phase: Phase,
    /// What an operator has said of it.
    admin: AdminState,
    /// Why it is where it is, for people.
    reason: String,
}

/// Where a unit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
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

#[derive(Debug, Clone)]
struct Component {
    unit: usize,
    config: config::Component,
    registration: Option<Registration>,
    failure: Option<Failure>,
    /// As last answered.
    readiness: Readiness,
    assignments: Vec<Assignment>,
    asked: Vec<Asked>,
    /// When it was restarted lately, in nanoseconds since the epoch, on the
    /// clocks of those who asked for it.
    restarts: Vec<i64>,
    /// What happened to it last, for people.
    reason: String,
}

#[derive(Debug, Clone)]
struct Registration {
    number: RegistrationId,
    node: NodeId,
    callbacks: Callbacks,
    proxy: Option<ComponentId>,
}

/// Why a registered component is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Somebody reported an error.
    Reported,
    /// It answered with an error.
    Refused,
    /// It did not answer: it is asked nothing more.
    Silent,
}

/// What a component has to do with an instance.
#[derive(Debug, Clone)]
struct Assignment {
    csi: CsiId,
    /// As last answered; `None` if never since the registration.
    state: Option<HaState>,
    /// It was told to be active and has not let go since.
    holds: bool,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    operation: u64,
    what: Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Readiness(Readiness),
    Csi(CsiId, HaState),
    Remove(CsiId),
    Terminate,
    /// Of the proxy: to restart the component,
    Restart,
    /// or to reset it.
    Reset,
    /// That it is ready for this operation.
    Confirm(Operation),
}

#[derive(Debug, Clone)]
struct Instance {
    name: Name,
    members: Vec<ComponentId>,
    /// How many of them may be active; `None`: as many as have an active unit.
    most_active: Option<usize>,
    /// Who was active and has no successor yet, and how it let go.
    vacated: Vec<(ComponentId, Transition)>,
}

/// Something to ask of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) component: ComponentId,
    /// The number of the registration it is meant for.
    pub(super) registration: RegistrationId,
    /// Its own number.
    pub(super) operation: u64,
    pub(super) question: Question,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    Readiness(Readiness),
    CsiSet {
        csi: Name,
        flags: u32,
        state: HaState,
        active: Name,
        transition: Transition,
    },
    CsiRemove {
        csi: Name,
        flags: u32,
    },
    Terminate,
    Restart,
    Reset,
    /// `SaAmfPendingOperationFlagsT`.
    Confirm(u32),
    /// The same; there is nothing to answer.
    Expired(u32),
}

impl Question {
    /// Whether it ends the work of the component, so that others wait for the
    /// answer (`quiesce-timeout`).
    pub(super) fn ends_work(&self) -> bool {
        matches!(
            self,
            Self::Readiness(Readiness::OutOfService)
                | Self::CsiSet { state: HaState::Quiesced, .. }
        )
    }
}

impl Model {
    /// Nobody is registered.
    pub(super) fn new(groups: Groups) -> Self {
        let mut model = Self {
            view: NO_VIEW,
            view_has_quorum: true,
            has_quorum: true,
            members: BTreeSet::new(),
            groups: Vec::new(),
            units: Vec::new(),
            components: Vec::new(),
            instances: Vec::new(),
            component_names: BTreeMap::new(),
            instance_names: BTreeMap::new(),
            registered: BTreeMap::new(),
            displaced: BTreeMap::new(),
            last_operation: 0,
            locks: BTreeMap::new(),
            faults: BTreeMap::new(),
            draining: BTreeSet::new(),
            proxied: BTreeSet::new(),
            outcome: Outcome::default(),
            unsettled: BTreeSet::new(),
            unplanned: BTreeSet::new(),
            work: 0,
        };
        for group in groups.groups {
            model.add_group(group);
        }
        model
    }

    fn add_group(&mut self, config: config::Group) {
        let (group, first) = (self.groups.len(), self.units.len());
        for unit in config.units {
            let first = self.components.len();
            for component in unit.components {
                self.add_component(component);
            }
            let components = first..self.components.len();
            let (name, node) = (unit.name, unit.node);
            let (phase, admin, reason) = (Phase::Out, AdminState::Unlocked, String::new());
            self.units.push(Unit { name, group, node, components, phase, admin, reason });
        }
        self.groups.push(Group {
            name: config.name,
            model: config.model,
            active_units: config.active_units,
            backup_units: config.backup_units,
            units: first..self.units.len(),
            is_shared: config.protection_groups.iter().any(|of| of.active_members.is_some()),
            admin: AdminState::Unlocked,
            pending: None,
            reason: String::new(),
        });
        for protection_group in config.protection_groups {
            self.add_instance(protection_group);
        }
    }

    /// Adds a component to the unit that is about to be added.
    fn add_component(&mut self, config: config::Component) {
        self.component_names.insert(config.name.clone(), ComponentId(self.components.len()));
        self.components.push(Component {
            unit: self.units.len(),
            config,
            registration: None,
            failure: None,
            readiness: Readiness::OutOfService,
            assignments: Vec::new(),
            asked: Vec::new(),
            restarts: Vec::new(),
            reason: String::new(),
        });
    }

    fn add_instance(&mut self, config: config::ProtectionGroup) {
        let csi = CsiId(self.instances.len());
        let mut members = Vec::new();
        for name in config.members {
            if let Some(id) = self.component_names.get(&name)
                && !members.contains(id)
            {
                members.push(*id);
                let assignment = Assignment { csi, state: None, holds: false };
                self.components[id.0].assignments.push(assignment);
            }
        }
        self.instance_names.insert(config.name.clone(), csi);
        // No file has more members than that.
        let most_active = config.active_members.map(|most| most as usize);
        let (name, vacated) = (config.name, Vec::new());
        self.instances.push(Instance { name, members, most_active, vacated });
    }

    /// Takes what came of the last input.
    pub(super) fn take_outcome(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }
}

impl Component {
    /// Whether its unit can be in service as far as it goes.
    fn is_healthy(&self) -> bool {
        self.registration.is_some() && self.failure.is_none() && !self.is_ending()
    }

    /// Whether it can be asked anything.
    fn is_reachable(&self) -> bool {
        self.registration.is_some() && self.failure != Some(Failure::Silent) && !self.is_ending()
    }

    /// Whether it was asked to end, so that nothing else makes sense.
    fn is_ending(&self) -> bool {
        self.asked.iter().any(|asked| asked.what.ends())
    }

    fn proxy(&self) -> Option<ComponentId> {
        self.registration.as_ref().and_then(|registration| registration.proxy)
    }

    fn is_asked(&self, what: Ask) -> bool {
        self.asked.iter().any(|asked| asked.what == what)
    }

    /// What it does for an instance, or was told to do and not to end since.
    fn work_on(&self, csi: CsiId) -> Option<HaState> {
        let asked = self.asked.iter().find_map(|asked| match asked.what {
            Ask::Csi(of, state) if of == csi => Some(Some(state)),
            Ask::Remove(of) if of == csi => Some(None),
            _ => None,
        });
        let told = self.assignment(csi).and_then(|of| match of.holds {
            true => Some(HaState::Active),
            false => of.state,
        });
        asked.unwrap_or(told).filter(|state| *state != HaState::Quiesced)
    }

    fn has_callback(&self, callback: Callbacks) -> bool {
        self.registration
            .as_ref()
            .is_some_and(|registration| registration.callbacks.contains(callback))
    }

    /// Whether it was told to be active for an instance and has not let go.
    fn holds(&self, csi: CsiId) -> bool {
        self.assignment(csi).is_some_and(|assignment| assignment.holds)
    }

    /// Whether an answer about an instance is outstanding.
    fn is_asked_about(&self, csi: CsiId) -> bool {
        self.asked.iter().any(|asked| asked.what.csi() == Some(csi))
    }

    fn assignment(&self, csi: CsiId) -> Option<&Assignment> {
        self.assignments.iter().find(|assignment| assignment.csi == csi)
    }

    fn assignment_mut(&mut self, csi: CsiId) -> Option<&mut Assignment> {
        self.assignments.iter_mut().find(|assignment| assignment.csi == csi)
    }
}
