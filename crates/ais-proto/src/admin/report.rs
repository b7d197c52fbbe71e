//! What Admin replies.

use super::{AdminState, Operation};
use crate::amf::{HaState, Readiness};
use crate::ckpt::UpdateOption;
use crate::numbers::numbered;
use crate::{DecodeError, Name, NodeId, Reader, Writer};

/// Which view of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewId {
    /// Grows with every view at every member.
    pub number: u64,
    /// The lowest member.
    pub representative: NodeId,
}

impl ViewId {
    pub(super) fn encode(self, out: &mut Writer) {
        out.u64(self.number).node(self.representative);
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: input.u64()?, representative: input.node()? })
    }
}

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

impl Problem {
    fn encode(&self, out: &mut Writer) {
        out.u8(self.severity as u8);
        out.option(self.node.as_ref(), |out, node| {
            out.node(*node);
        });
        out.bytes(self.what.as_bytes()).bytes(self.advice.as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            severity: Severity::decode(input)?,
            node: input.option(Reader::node)?,
            what: text(input)?,
            advice: text(input)?,
        })
    }
}

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
    pub configured: Vec<(NodeId, bool)>,
    /// What is wrong with the group, the gravest first. Empty from an executive
    /// that does not tell it.
    pub problems: Vec<Problem>,
    /// How many library handles each service has that [`Clients`] does not count, by its
    /// number; only those that have some.
    pub other_handles: Vec<(u8, u32)>,
}

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

impl Status {
    /// Appends the status.
    pub fn encode(&self, out: &mut Writer) {
        out.bytes(self.version.as_bytes()).node(self.node).name(&self.name).name(&self.cluster);
        out.u64(self.uptime).u8(self.state as u8).u64(self.synchronised);
        out.option(self.view.as_ref(), |out, view| view.encode(out));
        out.u32(self.members).u32(self.synced);
        out.option(self.expected_nodes.as_ref(), |out, nodes| {
            out.u32(*nodes);
        });
        out.bool(self.has_quorum);
        out.option(self.lead.as_ref(), |out, node| {
            out.node(*node);
        });
        out.bool(self.has_amf);
        out.u32(self.checkpoints).u64(self.checkpoint_memory).u64(self.checkpoint_memory_limit);
        let Clients { processes, clm, amf, ckpt } = self.clients;
        out.u32(processes).u32(clm).u32(amf).u32(ckpt);
        out.list(&self.configured, |out, (node, is_member)| {
            out.node(*node).bool(*is_member);
        });
        out.list(&self.problems, |out, problem| problem.encode(out));
        // A minor version that appends more has to write this list also where it is empty.
        if !self.other_handles.is_empty() {
            out.list(&self.other_handles, |out, (service, handles)| {
                out.u8(*service).u32(*handles);
            });
        }
    }

    /// Reads a status; bytes after it are ignored, a later minor version may
    /// say more.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: text(input)?,
            node: input.node()?,
            name: input.name()?,
            cluster: input.name()?,
            uptime: input.u64()?,
            state: State::decode(input)?,
            synchronised: input.u64()?,
            view: input.option(ViewId::decode)?,
            members: input.u32()?,
            synced: input.u32()?,
            expected_nodes: input.option(Reader::u32)?,
            has_quorum: input.bool()?,
            lead: input.option(Reader::node)?,
            has_amf: input.bool()?,
            checkpoints: input.u32()?,
            checkpoint_memory: input.u64()?,
            checkpoint_memory_limit: input.u64()?,
            clients: Clients {
                processes: input.u32()?,
                clm: input.u32()?,
                amf: input.u32()?,
                ckpt: input.u32()?,
            },
            configured: list_if_there(input, |input| Ok((input.node()?, input.bool()?)))?,
            problems: list_if_there(input, Problem::decode)?,
            other_handles: list_if_there(input, |input| Ok((input.u8()?, input.u32()?)))?,
        })
    }
}

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

impl Ring {
    /// Appends the ring.
    pub fn encode(&self, out: &mut Writer) {
        out.bytes(self.state.as_bytes());
        out.option(self.view.as_ref(), |out, view| view.encode(out));
        nodes(out, &self.members);
        out.bytes(self.why.as_bytes());
        out.list(&self.counters, |out, (name, value)| {
            out.bytes(name.as_bytes()).u64(*value);
        });
    }

    /// Reads a ring; bytes after it are ignored.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            state: text(input)?,
            view: input.option(ViewId::decode)?,
            members: input.list(Reader::node)?,
            why: text(input)?,
            counters: input.list(|input| Ok((text(input)?, input.u64()?)))?,
        })
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

impl Checkpoint {
    /// Appends the checkpoint.
    pub fn encode(&self, out: &mut Writer) {
        out.name(&self.name).u64(self.sections).u64(self.bytes).bool(self.unlinked);
        out.i64(self.retention).u8(self.option as u8);
        out.list(&self.references, |out, (node, count)| {
            out.node(*node).u32(*count);
        });
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: input.name()?,
            sections: input.u64()?,
            bytes: input.u64()?,
            unlinked: input.bool()?,
            retention: input.i64()?,
            option: UpdateOption::decode(input)?,
            references: input.list(|input| Ok((input.node()?, input.u32()?)))?,
        })
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

impl Component {
    /// Appends the component.
    pub fn encode(&self, out: &mut Writer) {
        out.name(&self.group).u8(self.redundancy as u8).u8(self.group_admin as u8);
        out.option(self.pending.as_ref(), |out, operation| {
            out.u8(*operation as u8);
        });
        out.bytes(self.group_reason.as_bytes()).name(&self.unit);
        out.option(self.place.as_ref(), |out, place| {
            out.name(place);
        });
        out.u8(self.phase as u8).u8(self.unit_admin as u8).bytes(self.unit_reason.as_bytes());
        out.name(&self.name).bytes(self.reason.as_bytes());
        out.option(self.node.as_ref(), |out, node| {
            out.node(*node);
        });
        out.u8(self.readiness as u8);
        out.option(self.failure.as_ref(), |out, failure| {
            out.u8(*failure as u8);
        });
        out.list(&self.instances, |out, (name, state)| {
            out.name(name).option(state.as_ref(), |out, state| {
                out.u8(*state as u8);
            });
        });
    }

    /// Reads a component.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: input.name()?,
            redundancy: Redundancy::decode(input)?,
            group_admin: AdminState::decode(input)?,
            pending: input.option(Operation::decode)?,
            group_reason: text(input)?,
            unit: input.name()?,
            place: input.option(Reader::name)?,
            phase: Phase::decode(input)?,
            unit_admin: AdminState::decode(input)?,
            unit_reason: text(input)?,
            name: input.name()?,
            reason: text(input)?,
            node: input.option(Reader::node)?,
            readiness: Readiness::decode(input)?,
            failure: input.option(Failure::decode)?,
            instances: input.list(|input| Ok((input.name()?, input.option(HaState::decode)?)))?,
        })
    }
}

/// What a probe is told when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The own node.
    pub node: NodeId,
    /// The number of the probe on that node.
    pub probe: u64,
}

impl Started {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.node(self.node).u64(self.probe);
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { node: input.node()?, probe: input.u64()? })
    }
}

pub(super) fn nodes(out: &mut Writer, nodes: &[NodeId]) {
    out.list(nodes, |out, node| {
        out.node(*node);
    });
}

/// A list that an older executive does not send.
fn list_if_there<'a, T>(
    input: &mut Reader<'a>,
    read: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    if input.remaining() == 0 { Ok(Vec::new()) } else { input.list(read) }
}

/// A text for people. Bytes that are none print as such.
pub(super) fn text(input: &mut Reader<'_>) -> Result<String, DecodeError> {
    Ok(String::from_utf8_lossy(input.bytes()?).into_owned())
}
