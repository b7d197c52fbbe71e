//! What an operator sees of a whole node, and what probes hear.

mod inspect;
mod probes;
mod tracking;

use crate::amf::config;
use crate::{
    Body, Caller, Config, ConnectionId, Holder, Node, Now, Output, Pace, SessionId, UserId, ckpt,
};
use ais_proto::admin::{
    AdminState, AmfNode, Checkpoint, Component, Event, MAX_PROBE_MESSAGE, Operated, Operation,
    Page, Phase, Request, Started, State, Status, Target,
};
use ais_proto::amf::{HaState, Readiness};
use ais_proto::{AisError, Name, NodeId, Reader, ServiceId, Writer};
use ais_proto::{admin, amf};
use std::collections::BTreeMap;

const ME: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
const START: u64 = 1_000;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// One unit with so many components, in one group.
fn groups(components: usize) -> config::Groups {
    let component = |number| {
        let model = config::CapabilityModel::OneActiveOrOneStandby;
        config::Component::new(name(&format!("c{number}")), model)
    };
    let unit = config::Unit::new(name("unit"), (0..components).map(component).collect());
    let protection_group = config::ProtectionGroup {
        name: name("pg"),
        active_members: None,
        members: vec![name("c0")],
    };
    config::Groups {
        groups: vec![config::Group {
            name: name("group"),
            model: config::RedundancyModel::TwoN,
            active_units: 1,
            backup_units: None,
            units: vec![unit],
            protection_groups: vec![protection_group],
        }],
    }
}

struct Rig {
    node: Node,
    now: Now,
    last_id: u32,
    replies: BTreeMap<u32, (Result<(), AisError>, Vec<u8>)>,
    events: Vec<(ConnectionId, Event)>,
    /// Events of other services.
    others: Vec<(ConnectionId, ais_proto::Code, Vec<u8>)>,
    /// Connections whose event socket is full.
    full: Vec<ConnectionId>,
}

impl Rig {
    fn new() -> Self {
        let config = Config {
            node: ME,
            group: crate::group::Config::Alone { view: 7 },
            expected_nodes: None,
            configured: Vec::new(),
            node_name: name("one"),
            cluster_name: name("ais"),
            boot_timestamp: 0,
            ckpt: ckpt::Limits { memory: 1 << 20, ..ckpt::Limits::default() },
            groups: groups(300),
            pace: Pace::default(),
        };
        let now = Now { monotonic: START, wall: 0 };
        let node = Node::new(config, now);
        let (replies, events, full) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut rig = Self { node, now, last_id: 0, replies, events, others: Vec::new(), full };
        rig.take_outputs();
        rig
    }

    fn open(&mut self, number: u64, service: ServiceId) -> Caller {
        let (session, connection) = (SessionId(number), ConnectionId(number));
        let caller = Caller { session, connection, handle: Some((service, u32::MAX)) };
        self.node.handle_opened(&caller);
        caller
    }

    fn close(&mut self, caller: &Caller) {
        self.node.connection_closed(self.now, caller.connection);
        self.take_outputs();
    }

    fn try_ask<'a>(&mut self, caller: &Caller, request: impl Into<Ask<'a>>) -> Option<Vec<u8>> {
        let (result, body) = self.answer(caller, request)?;
        assert_eq!(result, Ok(()));
        Some(body)
    }

    fn error<'a>(&mut self, caller: &Caller, request: impl Into<Ask<'a>>) -> AisError {
        self.answer(caller, request).expect("it is served").0.unwrap_err()
    }

    fn answer<'a>(
        &mut self,
        caller: &Caller,
        request: impl Into<Ask<'a>>,
    ) -> Option<(Result<(), AisError>, Vec<u8>)> {
        let Ask(request) = request.into();
        self.last_id += 1;
        let mut body = Writer::new();
        request.encode(&mut body);
        for piece in request.data() {
            body.raw(piece);
        }
        let (code, body) = (request.code(), body.into_bytes());
        self.node.request(self.now, caller, self.last_id, code, Body::from(&body)).ok()?;
        self.take_outputs();
        Some(self.replies.remove(&self.last_id).expect("an answer"))
    }

    fn ask<'a>(&mut self, caller: &Caller, request: impl Into<Ask<'a>>) -> Vec<u8> {
        self.try_ask(caller, request).expect("it is served")
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Reply { id, result, body, .. } => {
                    self.replies.insert(id, (result, body));
                }
                Output::Event { connection, code, body } => {
                    self.take_event(connection, code, body);
                    if self.full.contains(&connection) {
                        self.node.events_blocked(connection);
                    }
                }
                _ => {}
            }
        }
    }

    fn take_event(&mut self, connection: ConnectionId, code: ais_proto::Code, body: Vec<u8>) {
        if code.service() == Some(ServiceId::Admin) {
            self.events.push((connection, Event::decode(code, &body).unwrap()));
        } else {
            self.others.push((connection, code, body));
        }
    }

    /// The program has read all, and all that waited.
    fn read_on(&mut self, connection: ConnectionId) {
        self.full.retain(|full| *full != connection);
        while let Some((code, body)) = self.node.next_event(connection) {
            self.take_event(connection, code, body);
        }
    }

    /// As long as something is due, one step after the other. How many events
    /// there were in each.
    fn go_on(&mut self) -> Vec<usize> {
        let mut steps = Vec::new();
        while self.node.poll_timeout().is_some_and(|at| at <= self.now.monotonic) {
            let before = self.events.len() + self.others.len();
            self.node.handle_timeout(self.now);
            self.take_outputs();
            steps.push(self.events.len() + self.others.len() - before);
        }
        steps
    }

    /// What a probe has heard since the last time, all events in one.
    fn heard(&mut self, probe: ConnectionId) -> (u64, u64, Vec<(u64, Vec<u8>)>) {
        let (mut own, mut skipped, mut items) = (0, 0, Vec::new());
        for (connection, event) in std::mem::take(&mut self.events) {
            match event {
                Event::Deliveries(of) if connection == probe => {
                    let messages = of.iter().inspect(|item| assert_eq!(item.from, ME));
                    items.extend(messages.map(|item| (item.probe, item.message.to_vec())));
                    own += of.own();
                    skipped += of.skipped;
                }
                _ => {}
            }
        }
        (own, skipped, items)
    }
}

struct Ask<'a>(ais_proto::Request<'a>);

impl<'a> From<Request<'a>> for Ask<'a> {
    fn from(request: Request<'a>) -> Self {
        Self(ais_proto::Request::Admin(request))
    }
}

impl<'a> From<ais_proto::ckpt::Request<'a>> for Ask<'a> {
    fn from(request: ais_proto::ckpt::Request<'a>) -> Self {
        Self(ais_proto::Request::Ckpt(request))
    }
}

impl<'a> From<amf::Request<'a>> for Ask<'a> {
    fn from(request: amf::Request<'a>) -> Self {
        Self(ais_proto::Request::Amf(request))
    }
}

/// A connection for calls.
const CALLS: Caller = Caller { session: SessionId(99), connection: ConnectionId(99), handle: None };

#[test]
fn status_is_that_of_the_whole_node() {
    let mut rig = Rig::new();
    let ckpt = rig.open(1, ServiceId::Ckpt);
    let _amf = rig.open(2, ServiceId::Amf);
    rig.open(3, ServiceId::Admin);
    rig.now.monotonic += 5;
    let status = Status::decode(&mut Reader::new(&rig.ask(&CALLS, Request::Status))).unwrap();
    assert_eq!((status.node, status.name, status.cluster), (ME, name("one"), name("ais")));
    assert_eq!((status.state, status.uptime, status.members), (State::Serving, 5, 1));
    assert_eq!((status.has_quorum, status.lead), (true, Some(ME)));
    assert_eq!((status.synced, status.has_amf), (1, true));
    assert_eq!(status.view, Some(admin::ViewId { number: 7, representative: ME }));
    // Who only looks is no client.
    assert_eq!(status.clients, admin::Clients { processes: 2, clm: 0, amf: 1, ckpt: 1 });
    assert_eq!((status.checkpoints, status.checkpoint_memory), (0, 0));
    open_checkpoint(&mut rig, &ckpt, "a");
    rig.close(&ckpt);
    let status = Status::decode(&mut Reader::new(&rig.ask(&CALLS, Request::Status))).unwrap();
    assert_eq!((status.checkpoints, status.checkpoint_memory_limit), (1, 1 << 20));
    assert!(status.checkpoint_memory > 0);
    assert_eq!(status.clients.processes, 1);
}

#[test]
fn a_node_without_a_network_has_no_ring() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(&CALLS, Request::Ring), [0]);
}

#[test]
fn a_process_that_is_gone_is_not_known_any_more() {
    let mut rig = Rig::new();
    for number in 1..=2 {
        rig.node.session_opened(SessionId(number), Holder { user: UserId(1), process: 7 });
    }
    rig.node.session_closed(rig.now, SessionId(1));
    assert_eq!(rig.node.known_processes(), 1);
}

#[test]
fn what_the_driver_counts_is_kept_as_it_was_told() {
    let mut rig = Rig::new();
    assert_eq!(rig.node.counters(), []);
    for count in 1..=2 {
        rig.node.tell_counters(vec![("rounds", count), ("steps", 3)]);
    }
    assert_eq!(rig.node.counters(), [("rounds", 2), ("steps", 3)]);
}

fn open_checkpoint(rig: &mut Rig, caller: &Caller, text: &str) -> u32 {
    let attributes = ais_proto::ckpt::Attributes {
        option: ais_proto::ckpt::UpdateOption::ActiveReplica,
        checkpoint_size: 1000,
        retention_duration: 77,
        max_sections: 5,
        max_section_size: 100,
        max_section_id_size: 10,
    };
    let flags = ais_proto::ckpt::OpenFlags::READ | ais_proto::ckpt::OpenFlags::WRITE;
    let open = ais_proto::ckpt::Open { name: name(text), attributes: Some(attributes), flags };
    let body = rig.ask(caller, ais_proto::ckpt::Request::Open(open));
    Reader::new(&body).u32().unwrap()
}

#[test]
fn checkpoints_come_in_pages_by_name() {
    let mut rig = Rig::new();
    let ckpt = rig.open(1, ServiceId::Ckpt);
    for text in ["c", "a", "b", "b"] {
        open_checkpoint(&mut rig, &ckpt, text);
    }
    rig.ask(&ckpt, ais_proto::ckpt::Request::Unlink { name: name("b") });
    let mut page = |after, limit| {
        let body = rig.ask(&CALLS, Request::Checkpoints { after, limit });
        Page::decode(&mut Reader::new(&body), Checkpoint::decode).unwrap()
    };
    let first = page(None, 2);
    assert!(first.more);
    let [a, b] = first.items.as_slice() else { panic!("two, not {:?}", first.items) };
    assert_eq!((&a.name, a.unlinked, &a.references), (&name("a"), false, &vec![(ME, 1)]));
    assert_eq!((&b.name, b.unlinked, &b.references), (&name("b"), true, &vec![(ME, 2)]));
    assert_eq!((a.sections, a.bytes, a.retention), (1, 0, 77));
    let second = page(Some(name("b")), 2);
    assert_eq!((second.more, &second.items[0].name), (false, &name("c")));
    assert!(page(Some(name("c")), 2).items.is_empty());
    // A page has a bound of its own, and is never empty without need.
    assert_eq!(page(None, u32::MAX).items.len(), 3);
    assert_eq!(page(None, 0).items.len(), 1);
}

#[test]
fn components_come_in_pages_as_groups_conf_has_them() {
    let mut rig = Rig::new();
    let amf = rig.open(1, ServiceId::Amf);
    rig.ask(&amf, amf::Request::Register { component: name("c0"), proxy: None });
    let mut page = |first, limit| {
        let body = rig.ask(&CALLS, Request::Components { first, limit });
        Page::decode(&mut Reader::new(&body), Component::decode).unwrap()
    };
    let all = page(0, u32::MAX);
    assert_eq!((all.items.len(), all.more), (256, true));
    let rest = page(256, u32::MAX);
    assert_eq!((rest.items.len(), rest.more), (44, false));
    assert!(page(300, 1).items.is_empty());
    assert!(page(u32::MAX, u32::MAX).items.is_empty());
    let component = &all.items[0];
    assert_eq!((&component.group, &component.unit), (&name("group"), &name("unit")));
    assert_eq!((component.node, component.phase), (Some(ME), Phase::Out));
    assert_eq!(component.readiness, Readiness::OutOfService);
    assert_eq!(component.instances, [(name("pg"), None::<HaState>)]);
    assert_eq!(all.items[1].node, None);
}

#[test]
fn an_operator_has_something_done_to_amf() {
    let mut rig = Rig::new();
    let mut operate = |operation, target| {
        let body = rig.ask(&CALLS, Request::Operate { operation, target });
        Operated::decode(&mut Reader::new(&body)).unwrap()
    };
    let done = operate(Operation::Lock, Target::Node(ME));
    assert_eq!((done.is_accepted, done.words), (true, "node 10.0.0.1 is locked".into()));
    let done = operate(Operation::Lock, Target::Group(name("none")));
    assert_eq!((done.is_accepted, done.words.contains("no group none")), (false, true));
    let body = rig.ask(&CALLS, Request::AmfNodes);
    let nodes = Reader::new(&body).list(AmfNode::decode).unwrap();
    assert_eq!(nodes, [AmfNode { node: ME, admin: AdminState::Locked, fault: None }]);
}

#[test]
fn who_watches_is_told_the_present_view_at_once() {
    let mut rig = Rig::new();
    let watcher = rig.open(1, ServiceId::Admin);
    rig.ask(&watcher, Request::Watch);
    let [(ConnectionId(1), Event::View(view))] = rig.events.as_slice() else {
        panic!("{:?}", rig.events)
    };
    assert_eq!((view.id.number, &view.members, view.skipped), (7, &vec![ME], 0));
}

#[test]
fn probes_hear_all_messages_in_order() {
    let mut rig = Rig::new();
    let (one, two) = (rig.open(1, ServiceId::Admin), rig.open(2, ServiceId::Admin));
    for (caller, number) in [(&one, 1), (&two, 2)] {
        let body = rig.ask(caller, Request::ProbeStart);
        let started = Started::decode(&mut Reader::new(&body));
        assert_eq!(started, Ok(Started { node: ME, probe: number }));
    }
    rig.ask(&one, Request::ProbeSend { messages: vec![b"a", b"bb"] });
    rig.ask(&two, Request::ProbeSend { messages: vec![b""] });
    let expected = vec![(1, b"a".to_vec()), (1, b"bb".to_vec()), (2, b"".to_vec())];
    let kept = rig.events.clone();
    assert_eq!(rig.heard(one.connection), (2, 0, expected.clone()));
    rig.events = kept;
    assert_eq!(rig.heard(two.connection), (1, 0, expected));
    // Who has gone hears no more, and nobody keeps it for him.
    rig.close(&two);
    rig.ask(&one, Request::ProbeSend { messages: vec![b"c"] });
    assert_eq!(rig.events.len(), 1);
}

#[test]
fn what_makes_no_sense_there_is_malformed() {
    let mut rig = Rig::new();
    let handle = rig.open(1, ServiceId::Admin);
    let clm = rig.open(2, ServiceId::Clm);
    let send = || Request::ProbeSend { messages: vec![b"a".as_slice()] };
    assert_eq!(rig.try_ask(&handle, send()), None);
    for caller in [&CALLS, &clm] {
        for request in [Request::Watch, Request::ProbeStart, send()] {
            assert_eq!(rig.try_ask(caller, request), None);
        }
    }
}
