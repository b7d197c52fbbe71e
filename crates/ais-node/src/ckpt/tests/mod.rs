//! CKPT as programs on two nodes see it: the rig delivers what either node
//! sends to both, in one order, and after every delivery both have the same
//! digest.

mod active;
mod bounds;
mod cluster;
mod data;
mod fill;
mod foreign;
mod messages;
mod model;
mod open;
mod sections;
mod sides;
mod time;

use super::*;
use crate::UserId;
use crate::body::{Body, ROOM_TO_FORWARD};
use crate::cursor::Cursor;
use crate::effects::Effect;
use crate::service::{Contents as _, ForeignState, Part, Replica as _, Side};
use crate::timers::Timers;
use ais_proto::AisError;
use ais_proto::ckpt::{Attributes, NO_LIMIT, OpenFlags, ReadElement, ReadReply, Request};
use ais_proto::ckpt::{Section as Listed, WriteElement};
use ais_proto::ckpt::{SectionsChosen, Status};
use ais_wire::{Name, Reader};
use std::collections::VecDeque;

const LOWEST: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
const OTHER: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));
const SECOND: i64 = 1_000_000_000;
/// The wall clock at the start of every test; beyond all that counts as never.
const START: i64 = 1_000 * SECOND;
const LIMITS: Limits = Limits {
    memory: 1 << 20,
    user_memory: u64::MAX,
    checkpoints: 1 << 16,
    sections: 1 << 20,
    max_message: 100_000,
    strict: false,
};
const ATTRIBUTES: Attributes = Attributes {
    option: UpdateOption::AllReplicas,
    checkpoint_size: 1000,
    retention_duration: 10 * SECOND,
    max_sections: 4,
    max_section_size: 500,
    max_section_id_size: 10,
};
const WEAK: Attributes = Attributes { option: UpdateOption::ActiveReplicaWeak, ..ATTRIBUTES };
const READ: OpenFlags = OpenFlags::READ;
const WRITE: OpenFlags = OpenFlags::WRITE;
const BOTH: OpenFlags = READ.union(WRITE);
const COLOCATED: OpenFlags = BOTH.union(OpenFlags::COLOCATED);

/// A thread of a program: where it runs, and its process and connection.
#[derive(Debug, Clone, Copy)]
struct Program {
    node: usize,
    session: SessionId,
    connection: ConnectionId,
    handle: Option<(ais_proto::ServiceId, u32)>,
}

const fn program(node: usize, number: u64) -> Program {
    let (session, connection) = (SessionId(number), ConnectionId(number));
    Program { node, session, connection, handle: None }
}

/// Two processes on the first node, and one on the other.
const ONE: Program = program(0, 1);
const TWO: Program = program(0, 2);
const FAR: Program = program(1, 3);
/// A library handle of the first process.
const HANDLE: Program =
    Program { connection: ConnectionId(11), handle: Some((ais_proto::ServiceId::Ckpt, 3)), ..ONE };

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    result: Result<(), AisError>,
    body: Vec<u8>,
    promise: Promise,
}

struct Replica {
    ckpt: Ckpt,
    fx: Effects,
    timers: Timers,
    replies: Vec<(ConnectionId, u32, Reply)>,
    events: Vec<(ConnectionId, ckpt::Event)>,
}

struct Rig {
    replicas: [Replica; 2],
    sent: VecDeque<(NodeId, Vec<u8>)>,
    /// Sent messages are not delivered for now.
    hold: bool,
    /// The digests are compared after every delivery.
    compare: bool,
    now: Now,
    view: u64,
    number: u64,
    id: u32,
}

impl Rig {
    fn new() -> Self {
        Self::with(LIMITS)
    }

    fn with(limits: Limits) -> Self {
        let mut rig = Self {
            replicas: [Replica::new(LOWEST, limits), Replica::new(OTHER, limits)],
            sent: VecDeque::new(),
            hold: false,
            compare: true,
            now: Now { monotonic: 0, wall: START },
            view: 0,
            number: 0,
            id: 0,
        };
        rig.view(&[LOWEST, OTHER], &[]);
        rig
    }

    fn view(&mut self, members: &[NodeId], left: &[NodeId]) {
        self.view += 1;
        let members = members.to_vec();
        let view = View {
            id: ais_group::ViewId { number: self.view, representative: LOWEST },
            joined: Vec::new(),
            left: left.to_vec(),
            came_with_me: members.clone(),
            why: String::new(),
            members,
        };
        for replica in &mut self.replicas {
            replica.ckpt.on_view(&view, true, &mut replica.fx);
            let leads = view.members.first() == Some(&replica.ckpt.me);
            replica.ckpt.on_lead(leads, &mut replica.fx);
            replica.go_on();
        }
        self.settle();
    }

    /// Asks without waiting. The id of the request.
    fn send(&mut self, program: Program, request: Request<'_>) -> u32 {
        self.try_send(program, request).unwrap()
    }

    fn try_send(&mut self, program: Program, request: Request<'_>) -> Result<u32, Malformed> {
        let Program { node, session, connection, handle } = program;
        self.id += 1;
        let caller = Caller { session, connection, handle };
        let asker = Asker { session, connection, id: self.id };
        let Replica { ckpt, fx, .. } = &mut self.replicas[node];
        hand_over(ckpt, self.now, &caller, asker, request, fx)?;
        self.settle();
        Ok(self.id)
    }

    /// Asks and takes the reply.
    fn ask(&mut self, program: Program, request: Request<'_>) -> Reply {
        let id = self.send(program, request);
        let replies = &mut self.replicas[program.node].replies;
        assert_eq!(replies.len(), 1, "{replies:?}");
        let (connection, of, reply) = replies.remove(0);
        assert_eq!((connection, of), (program.connection, id));
        reply
    }

    fn result(&mut self, program: Program, request: Request<'_>) -> Result<(), AisError> {
        self.ask(program, request).result
    }

    /// Does what the services want done until they want nothing more.
    fn settle(&mut self) {
        loop {
            for (index, replica) in self.replicas.iter_mut().enumerate() {
                replica.apply([LOWEST, OTHER][index], self.now, &mut self.sent);
            }
            if self.hold {
                return;
            }
            let Some((from, bytes)) = self.sent.pop_front() else {
                return;
            };
            self.deliver(from, &bytes);
        }
    }

    fn release(&mut self) {
        self.hold = false;
        self.settle();
    }

    fn deliver(&mut self, from: NodeId, bytes: &[u8]) {
        self.number += 1;
        for replica in &mut self.replicas {
            replica.deliver(from, self.number, bytes);
        }
        assert!(!self.compare || self.digest(0) == self.digest(1));
    }

    fn digest(&self, node: usize) -> u64 {
        self.replicas[node].digest()
    }

    /// Lets time pass on both clocks, every timer at its own time.
    fn wait(&mut self, nanoseconds: i64) {
        let end = self.now.monotonic + nanoseconds.cast_unsigned();
        loop {
            let next = self.replicas.iter().filter_map(|replica| replica.timers.next()).min();
            let to = next.unwrap_or(end).clamp(self.now.monotonic, end);
            self.now.wall += (to - self.now.monotonic).cast_signed();
            self.now.monotonic = to;
            if !self.fire() && to == end {
                return;
            }
        }
    }

    /// Fires the timers that have come.
    fn fire(&mut self) -> bool {
        let mut fired = false;
        for replica in &mut self.replicas {
            while let Some((_, timer)) = replica.timers.take_next(self.now.monotonic) {
                replica.ckpt.on_timer(self.now, timer, &mut replica.fx);
                fired = true;
            }
        }
        self.settle();
        fired
    }

    fn cancel(&mut self, program: Program, id: u32) {
        let Replica { ckpt, fx, .. } = &mut self.replicas[program.node];
        fx.askers.forget_call(program.connection, id);
        ckpt.on_cancel(program.connection, id, fx);
        self.settle();
    }

    fn kill(&mut self, program: Program) {
        let Replica { ckpt, fx, .. } = &mut self.replicas[program.node];
        fx.askers.forget_connection(program.connection);
        ckpt.on_handle_gone(program.connection, fx);
        ckpt.on_session_gone(program.session, fx);
        self.settle();
    }

    fn open(&mut self, program: Program, name: &str, flags: OpenFlags) -> u32 {
        self.open_with(program, name, flags, Some(ATTRIBUTES)).unwrap()
    }

    fn open_with(
        &mut self,
        program: Program,
        name: &str,
        flags: OpenFlags,
        attributes: Option<Attributes>,
    ) -> Result<u32, AisError> {
        let reply = self.ask(program, Request::Open(to_open(name, flags, attributes)));
        reply.result.map(|()| Reader::new(&reply.body).u32().unwrap())
    }

    fn close(&mut self, program: Program, checkpoint: u32) -> Result<(), AisError> {
        self.result(program, Request::Close { checkpoint })
    }

    fn unlink(&mut self, name: &str) -> Result<(), AisError> {
        self.result(TWO, Request::Unlink { name: Name::try_from(name).unwrap() })
    }

    /// Whether there is a checkpoint with this name. (A look changes the
    /// version and so begins the retention again.)
    fn exists(&mut self, name: &str) -> bool {
        let name = Name::try_from(name).unwrap();
        self.replicas[0].ckpt.state.has_name(&name)
    }

    fn create(
        &mut self,
        checkpoint: u32,
        id: &[u8],
        expiration: i64,
        data: &[u8],
    ) -> Result<(), AisError> {
        let id = Some(id);
        self.result(ONE, Request::SectionCreate { checkpoint, id, expiration, data })
    }

    fn overwrite(&mut self, checkpoint: u32, id: &[u8], data: &[u8]) -> Result<(), AisError> {
        self.result(ONE, Request::Overwrite { checkpoint, id, data })
    }

    /// Writes; the error and the element to blame.
    fn write(
        &mut self,
        checkpoint: u32,
        elements: &[(&[u8], u64, &[u8])],
    ) -> Result<(), (AisError, Option<u32>)> {
        let elements = elements.iter();
        let elements = elements.map(|&(id, offset, data)| WriteElement { id, offset, data });
        let elements = elements.collect();
        let reply = self.ask(ONE, Request::Write { checkpoint, elements });
        reply.result.map_err(|error| (error, Reader::new(&reply.body).u32().ok()))
    }

    fn read(
        &mut self,
        program: Program,
        checkpoint: u32,
        elements: &[(&[u8], u64, Option<u32>)],
    ) -> Result<Vec<Vec<u8>>, (AisError, Option<u32>)> {
        let elements = elements.iter();
        let elements = elements.map(|&(id, offset, size)| ReadElement { id, offset, size });
        let elements = elements.collect();
        let reply = self.ask(program, Request::Read { checkpoint, elements });
        reply.result.map_err(|error| (error, Reader::new(&reply.body).u32().ok()))?;
        let reply = ReadReply::decode(&reply.body).unwrap();
        Ok(reply.pieces().map(<[u8]>::to_vec).collect())
    }

    /// All that a section holds.
    fn contents(&mut self, checkpoint: u32, id: &[u8]) -> Result<Vec<u8>, AisError> {
        match self.read(ONE, checkpoint, &[(id, 0, None)]) {
            Ok(mut pieces) => Ok(pieces.remove(0)),
            Err((error, element)) => {
                assert_eq!(element, Some(0));
                Err(error)
            }
        }
    }

    fn status(&mut self, checkpoint: u32) -> Result<Status, AisError> {
        let reply = self.ask(ONE, Request::StatusGet { checkpoint });
        reply.result.map(|()| Status::decode(&reply.body).unwrap())
    }

    fn list(&mut self, checkpoint: u32, chosen: SectionsChosen, expiration: i64) -> Vec<Listed> {
        let reply = self.ask(ONE, Request::IteratorStart { checkpoint });
        assert_eq!(reply.result, Ok(()));
        let mut cursor = Reader::new(&reply.body).u64().unwrap();
        let mut sections = Vec::new();
        loop {
            let next = Request::IteratorNext { checkpoint, chosen, expiration, cursor };
            let reply = self.ask(ONE, next);
            if reply.result.is_err() {
                assert_eq!(reply.result, Err(AisError::NotExist));
                return sections;
            }
            let section = Listed::decode(&reply.body).unwrap();
            cursor = section.number;
            sections.push(section);
        }
    }
}

impl Replica {
    fn new(me: NodeId, limits: Limits) -> Self {
        let mut fx = Effects::new();
        fx.service = ais_proto::ServiceId::Ckpt;
        let (ckpt, timers) = (Ckpt::new(me, limits, Pace::default()), Timers::default());
        Self { ckpt, fx, timers, replies: Vec::new(), events: Vec::new() }
    }

    fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        self.ckpt.digest(&mut digest);
        digest.value()
    }

    /// Delivers a message as the node sent it.
    fn deliver(&mut self, from: NodeId, number: u64, bytes: &[u8]) {
        let mut input = Reader::new(bytes);
        assert_eq!(input.u8().unwrap(), ais_proto::ServiceId::Ckpt as u8);
        let (origin, message) = (input.u64().unwrap(), input.rest());
        let asker = if from == self.ckpt.me { self.fx.askers.take(origin) } else { None };
        self.fx.delivery = number;
        self.ckpt.on_deliver(Delivery { from, number, asker, message }, &mut self.fx);
    }

    /// Goes on with what a view or a merge has begun. How many pieces there were.
    fn go_on(&mut self) -> usize {
        let mut pieces = 0;
        while self.ckpt.has_more() {
            self.ckpt.go_on(&mut self.fx);
            pieces += 1;
        }
        pieces
    }

    fn apply(&mut self, me: NodeId, now: Now, sent: &mut VecDeque<(NodeId, Vec<u8>)>) {
        let of = ais_proto::ServiceId::Ckpt;
        for effect in self.fx.list.drain(..) {
            match effect {
                Effect::Multicast { bytes, .. } => sent.push_back((me, bytes)),
                Effect::Reply { asker, after, result, body } => {
                    let promise = after.map_or(Promise::Delivered, |_| Promise::Stable);
                    let reply = Reply { result, body, promise };
                    self.replies.push((asker.connection, asker.id, reply));
                }
                Effect::Event { connection, event: Event::Ckpt(event), .. } => {
                    self.events.push((connection, event));
                }
                Effect::Event { event, .. } => panic!("{event:?}"),
                Effect::Tell { due, .. } => panic!("{due:?}"),
                Effect::SetTimer(timer, after) => {
                    self.timers.set(of, timer, now.monotonic.saturating_add(after));
                }
                Effect::CancelTimer(timer) => self.timers.cancel(of, timer),
                Effect::SetTimerFor(..) => panic!("CKPT waits for no process"),
                Effect::Reset => panic!("CKPT resets nothing"),
            }
        }
    }
}

/// Hands a request over as the node does.
fn hand_over(
    ckpt: &mut Ckpt,
    now: Now,
    caller: &Caller,
    asker: Asker,
    request: Request<'_>,
    fx: &mut Effects,
) -> Result<(), Malformed> {
    let mut body = Writer::new();
    request.encode(&mut body);
    for piece in request.data() {
        body.raw(piece);
    }
    ckpt.on_request(now, caller, asker, ais_proto::Request::Ckpt(request), fx)?;
    fx.send_forwarded(Body::from(&body.into_bytes()));
    Ok(())
}

fn to_open(name: &str, flags: OpenFlags, attributes: Option<Attributes>) -> ckpt::Open {
    ckpt::Open { name: Name::try_from(name).unwrap(), attributes, flags }
}
