//! What Admin replies.

use super::{AdminState, Operation};
use crate::amf::{HaState, Readiness};
use crate::ckpt::UpdateOption;
use crate::numbers::numbered;
use crate::{DecodeError, Name, NodeId, Reader, Writer};
use ais_wire::{Form, ViewId, Wire, methods, record};

numbered! {
    /// How far a node is.
    pub enum State {
        /// It is in no view yet.
        Starting = 1,
        /// It does not have the state of the cluster yet, or brings it
        /// together with that of another side.
        Synchronising = 2,
        /// It has it.
        Serving = 3,
        /// It cannot read the state of the cluster, and serves nobody.
        Unable = 4,
    }
}

numbered! {
    /// How much a problem hurts.
    pub enum Severity {
        /// Programs of the node wait while it lasts.
        Blocking = 1,
        /// Something is not as it should be, and programs are served all the
        /// same.
        Degraded = 2,
        /// It may be as it should be.
        Notice = 3,
    }
}

record! {
    /// Something that is wrong, for people.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Problem {
        /// How much it hurts.
        pub severity: Severity,
        /// The node that it is about, if it is about one.
        pub node: Option<NodeId>,
        /// What is wrong.
        pub what: String,
        /// What can be done about it.
        pub advice: String,
    }
}

record! {
    /// A node in short.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Status {
        /// The version of the executive.
        pub version: String,
        /// The node.
        pub node: NodeId,
        /// `nodename`, or the dotted quad.
        pub name: Name,
        /// `clustername`.
        pub cluster: Name,
        /// How long it runs, in nanoseconds.
        pub uptime: u64,
        /// How far it is.
        pub state: State,
        /// Bytes of states that were sent and taken since the start.
        pub synchronised: u64,
        /// The view, if there is one.
        pub view: Option<ViewId>,
        /// How many nodes are in it.
        pub members: u32,
        /// How many of them are known to have the same state.
        pub synced: u32,
        /// How many there should be, if a majority of them is asked for
        /// (`expected-nodes`).
        pub expected_nodes: Option<u32>,
        /// Whether this side may change what the whole cluster has to agree on.
        pub has_quorum: bool,
        /// The member that proposes what time brings, if one may.
        pub lead: Option<NodeId>,
        /// Whether it takes part in AMF: its groups.conf is that of the cluster.
        pub has_amf: bool,
        /// How many checkpoints there are.
        pub checkpoints: u32,
        /// Bytes that they are taken to need.
        pub checkpoint_memory: u64,
        /// How many that may become (`checkpoint-memory`).
        pub checkpoint_memory_limit: u64,
        /// The programs that use this node.
        pub clients: Clients,
        /// The nodes that network.conf names (`member:`), lowest first, and whether
        /// each is in the view. Empty with multicast, and from an executive that
        /// speaks a minor version before 3.
        pub configured: Vec<(NodeId, bool)> as IfThere,
        /// What is wrong with the group, the gravest first. Empty from an executive
        /// that does not tell it.
        pub problems: Vec<Problem> as IfThere,
        /// How many library handles each service has that [`Clients`] does not count, by its
        /// number; only those that have some.
        pub other_handles: Vec<(u8, u32)> as IfAny,
    }
}

record! {
    /// The programs that use a node.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Clients {
        /// Processes with a library handle.
        pub processes: u32,
        /// Library handles of CLM.
        pub clm: u32,
        /// Library handles of AMF.
        pub amf: u32,
        /// Library handles of CKPT.
        pub ckpt: u32,
    }
}

record! {
    /// What the ring knows of itself.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Ring {
        /// `operational`, `gather`, `commit`, `recovery` or `left`.
        pub state: String,
        /// The last view, if there was one.
        pub view: Option<ViewId>,
        /// Its members, lowest first.
        pub members: Vec<NodeId>,
        /// Why it came about, for people.
        pub why: String,
        /// What was counted since the start, by name.
        pub counters: Vec<(String, u64)>,
    }
}

record! {
    /// With which keys this node and the other members seal what they send each other.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Keys {
        /// The names of the keys of this node, the one it seals with first; none: nothing is
        /// sealed.
        pub own: Vec<u32>,
        /// The other members of the view, lowest address first.
        pub others: Vec<KeyHolder>,
    }
}

record! {
    /// What is known of the keys of another member.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct KeyHolder {
        /// The member.
        pub node: NodeId,
        /// The key it was last heard to seal with; `None`: it was not heard lately.
        pub uses: Option<u32>,
        /// The keys it opens with.
        pub accepts: Vec<u32>,
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more after them.
    pub more: bool,
}

impl<T> Page<T> {
    /// Appends the page, each entry by `write`.
    pub fn encode(&self, out: &mut Writer, write: impl FnMut(&mut Writer, &T)) {
        out.list(&self.items, write);
        out.bool(self.more);
    }

    /// Reads a page, each entry by `read`.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode<'a>(
        input: &mut Reader<'a>,
        read: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<Self, DecodeError> {
        Ok(Self { items: input.list(read)?, more: input.bool()? })
    }
}

record! {
    /// A checkpoint in short.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Checkpoint {
        /// Its name.
        pub name: Name,
        /// How many sections it has, the default section included.
        pub sections: u64,
        /// Bytes that they hold.
        pub bytes: u64,
        /// Whether its name is taken away and its last close is its end.
        pub unlinked: bool,
        /// Nanoseconds that it outlives its last close.
        pub retention: i64,
        /// The update option.
        pub option: UpdateOption,
        /// How many times each node has it open, lowest node first.
        pub references: Vec<(NodeId, u32)>,
    }
}

numbered! {
    /// The redundancy model of a group.
    pub enum Redundancy {
        /// One active unit, one standby.
        TwoN = 1,
        /// N active units, M standby.
        NPlusM = 2,
        /// Every unit for itself.
        NoRedundancy = 3,
    }
}

numbered! {
    /// Where a unit is in its life.
    pub enum Phase {
        /// Out of service.
        Out = 1,
        /// Its components are asked to come into service.
        Entering = 2,
        /// In service, without a role.
        Spare = 3,
        /// It does the work.
        Active = 4,
        /// It is ready to take the work over.
        Standby = 5,
        /// It is asked to let the work go.
        Quiescing = 6,
        /// Its components are asked to go out of service.
        Leaving = 7,
        /// Active, and asked to finish its work.
        Stopping = 8,
        /// Active, and asked to let the work go to another unit.
        SwitchingOver = 9,
    }
}

numbered! {
    /// Why a registered component is not used.
    pub enum Failure {
        /// An error was reported of it.
        Reported = 1,
        /// It answered with an error.
        Refused = 2,
        /// It did not answer.
        Silent = 3,
    }
}

record! {
    /// A component, and the unit and group that it stands in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Component {
        /// The group.
        pub group: Name,
        /// How its units share the work.
        pub redundancy: Redundancy,
        /// What an operator has said of the group.
        pub group_admin: AdminState,
        /// The operation that waits for the components of the group to confirm it.
        pub pending: Option<Operation>,
        /// What an operator has done to the group last, for people.
        pub group_reason: String,
        /// The unit.
        pub unit: Name,
        /// The only node it may be on.
        pub place: Option<Name>,
        /// Where that is in its life.
        pub phase: Phase,
        /// What an operator has said of the unit.
        pub unit_admin: AdminState,
        /// Why it is in service or out of it, for people.
        pub unit_reason: String,
        /// The component.
        pub name: Name,
        /// What happened to it last, for people.
        pub reason: String,
        /// The node it is registered on, if it is.
        pub node: Option<NodeId>,
        /// As last answered.
        pub readiness: Readiness,
        /// Why it is not used, if it is registered and not used.
        pub failure: Option<Failure>,
        /// Its component service instances, each with the state it answered for
        /// last, if ever.
        pub instances: Vec<(Name, Option<HaState>)>,
    }
}

record! {
    /// What a probe is told when it starts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Started {
        /// The own node.
        pub node: NodeId,
        /// The number of the probe on that node.
        pub probe: u64,
    }
}

methods!(pub Status, Ring, Keys, Checkpoint, Component, Started);

/// A list that an older executive does not send.
enum IfThere {}

impl<'a, T: Wire<'a>> Form<'a, Vec<T>> for IfThere {
    fn put(value: &Vec<T>, out: &mut Writer) {
        value.put(out);
    }

    fn take(input: &mut Reader<'a>) -> Result<Vec<T>, DecodeError> {
        if input.remaining() == 0 { Ok(Vec::new()) } else { Wire::take(input) }
    }
}

/// A list at the end that is not sent if it is empty. A minor version that appends more has
/// to send it then too.
enum IfAny {}

impl<'a, T: Wire<'a>> Form<'a, Vec<T>> for IfAny {
    fn put(value: &Vec<T>, out: &mut Writer) {
        if !value.is_empty() {
            value.put(out);
        }
    }

    fn take(input: &mut Reader<'a>) -> Result<Vec<T>, DecodeError> {
        IfThere::take(input)
    }
}
