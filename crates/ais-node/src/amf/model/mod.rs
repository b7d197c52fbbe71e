//! The replicated part of AMF: one model of all groups, the same on every
//! node. What groups.conf says is its topology, which does not change; what has
//! become of that is its status.
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
mod status;
mod unit;

pub(super) use queries::MemberState;
pub(super) use snapshot::Incoming;
pub(super) use status::Status;

use super::message::RegistrationId;
use super::topology::{ComponentId, GroupId, InOrder, Topology, UnitId};
use ais_proto::amf::{HaState, Readiness, Transition};
use ais_wire::{Name, NodeId};
use std::collections::BTreeSet;
use std::rc::Rc;

/// All groups, and what has become of them.
#[derive(Debug, Clone)]
pub(super) struct Model {
    topology: Rc<Topology>,
    status: Status,
    /// The members of the view.
    members: BTreeSet<NodeId>,
    outcome: Outcome,
    /// Units that something happened to.
    unsettled: InOrder<UnitId>,
    /// Groups whose units may get other roles.
    unplanned: InOrder<GroupId>,
    /// How many units were looked at. Not part of the replicated state.
    pub(super) work: u64,
}

/// What came of an input. Not part of the replicated state: the caller that gave the
/// input takes it at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// What to ask, in this order.
    pub(super) demands: Vec<Demand>,
    /// What to tell components on whose answers nobody counts any more: they may
    /// live, and have to let go of what others do from now on.
    pub(super) given_up: Vec<(ComponentId, Vec<Question>)>,
    /// Whatever changed concerns these.
    pub(super) touched: InOrder<ComponentId>,
    /// What is to begin anew, where that is allowed.
    pub(super) reset: Option<Reset>,
}

/// What somebody recommends to reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reset {
    Node(NodeId),
    Cluster,
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
    pub(super) fn new(topology: Topology) -> Self {
        let status = Status::new(&topology);
        Self::with(Rc::new(topology), status)
    }

    fn with(topology: Rc<Topology>, status: Status) -> Self {
        Self {
            topology,
            status,
            members: BTreeSet::new(),
            outcome: Outcome::default(),
            unsettled: InOrder::new(),
            unplanned: InOrder::new(),
            work: 0,
        }
    }

    /// What groups.conf says.
    pub(super) fn topology(&self) -> &Rc<Topology> {
        &self.topology
    }

    /// What is replicated.
    pub(super) fn status(&self) -> &Status {
        &self.status
    }

    /// Takes what came of the last input.
    pub(super) fn take_outcome(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    /// Something changed for a component.
    fn mark(&mut self, id: ComponentId) {
        self.outcome.touched.insert(self.topology.components.place(id), id);
    }

    /// A group is to be looked at for roles that are free.
    fn mark_group(&mut self, group: GroupId) {
        self.unplanned.insert(self.topology.groups.place(group), group);
    }
}
