//! The bytes of one value at least of each message, as `golden.txt` has had them since the
//! values were written down: another field, another order or another width is another
//! protocol. Values of the same type in one message differ, so that they cannot change
//! places unseen.

use super::name;
use crate::track::TrackFlags;
use crate::*;
use std::fmt::{Debug, Write as _};

const GOLDEN: &str = include_str!("golden.txt");
const ONE: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
const TWO: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));
const VIEW: admin::ViewId = admin::ViewId { number: 0x0102_0304_0506_0708, representative: TWO };
const ATTRIBUTES: ckpt::Attributes = ckpt::Attributes {
    option: ckpt::UpdateOption::ActiveReplica,
    checkpoint_size: 0x1111,
    retention_duration: i64::MAX,
    max_sections: 0x2222,
    max_section_size: ckpt::NO_LIMIT,
    max_section_id_size: 0x3333,
};

/// A line of the table for each value: what it is, its name, its bytes.
#[derive(Default)]
struct Table(String);

impl Table {
    fn add(&mut self, kind: &str, name: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.0, "{kind} {name} 0x{hex}").unwrap();
    }

    fn requests(&mut self, requests: impl IntoIterator<Item = Request<'static>>) {
        for request in requests {
            let mut out = Writer::new();
            request.encode(&mut out);
            for piece in request.data() {
                out.raw(piece);
            }
            let (code, body) = (request.code(), out.into_bytes());
            assert_eq!(Request::decode(code, &body).as_ref(), Ok(&request));
            self.add(&format!("{:04x}", code.0), &word(&request, 1), &body);
        }
    }

    fn events<E: Into<Event>>(&mut self, events: impl IntoIterator<Item = E>) {
        for event in events.into_iter().map(Into::into) {
            let (code, body) = (event.code(), event.encode());
            assert_eq!(Event::decode(code, &body).as_ref(), Ok(&event));
            self.add(&format!("{:04x}", code.0), &word(&event, 1), &body);
        }
    }

    fn reply<T: Debug>(&mut self, value: &T, write: impl FnOnce(&T, &mut Writer)) {
        let mut out = Writer::new();
        write(value, &mut out);
        self.add("reply", &word(value, 0), &out.into_bytes());
    }
}

/// A word of how a value prints: 0 is the name of its type.
fn word(value: &impl Debug, place: usize) -> String {
    let text = format!("{value:?}");
    text.split(|of: char| !of.is_alphanumeric()).nth(place).unwrap().into()
}

fn handshake(table: &mut Table) {
    let cookie = *b"0123456789abcdef";
    let handle = Kind::Handle { cookie, service: ServiceId::Amf, callbacks: 0x3ff };
    for kind in [Kind::Session, Kind::Call(cookie), handle] {
        table.add("hello", &word(&kind, 0), &Hello { kind }.encode());
    }
    let welcome = Welcome { cookie, api_timeout_ms: 5000, busy_poll_us: 20, max_message: 1 << 24 };
    table.add("reply", "Welcome", &welcome.encode());
    let header = Header::new(Code(0x0301), 77, 1000).encode();
    for (name, mut frame) in
        [("Header", header.to_vec()), ("Event", event_frame(Code(0x0481), 3, b"body"))]
    {
        // What all else is does not depend on the minor version, which grows.
        assert_eq!(std::mem::replace(&mut frame[5], 3), MINOR);
        table.add("frame", name, &frame);
    }
}

fn clm(table: &mut Table) {
    use clm::{Change, Event, Node, Request};
    let flags = TrackFlags::CURRENT | TrackFlags::CHANGES_ONLY;
    let requests = [
        Request::TrackStart { flags, capacity: 64, subscription: 7 },
        Request::TrackStop,
        Request::NodeGet { node: 0xffff_ffff },
        Request::NodeGetAsync { node: 5, tag: 6 },
    ];
    table.requests(requests.map(crate::Request::Clm));
    let node = Node {
        id: ONE.to_api(),
        address: [10, 0, 0, 1],
        name: name("one"),
        cluster: name("ais"),
        member: true,
        boot_timestamp: -2,
    };
    let gone = Node { member: false, ..node.clone() };
    let items = vec![(node.clone(), Change::Joined), (gone, Change::Left)];
    table.events([
        Event::Track { subscription: 7, view: 8, members: 9, items },
        Event::NodeGet { tag: 6, result: Ok(node.clone()) },
        Event::NodeGet { tag: 6, result: Err(AisError::InvalidParam) },
    ]);
    table.reply(&node, Node::encode);
}

fn amf_requests(table: &mut Table) {
    use amf::{ErrorReport, Recovery, Request};
    let (component, csi) = (name("comp_a"), name("pg"));
    let report = ErrorReport {
        reporting: name("comp_a"),
        erroneous: name("comp_b"),
        detection_time: -3,
        report_type: 1,
        probable_cause: 2,
        severity: 3,
        recovery: Recovery::NodeFailfast,
        additional: [None, Some(b"text"), Some(b"")],
    };
    let requests = [
        Request::Register { component: component.clone(), proxy: Some(name("proxy")) },
        Request::Unregister { component: component.clone(), proxy: None },
        Request::ComponentNameGet,
        Request::ReadinessStateGet { component: component.clone() },
        Request::HaStateGet { component: component.clone(), csi: csi.clone() },
        Request::CapabilityModelGet { component: component.clone() },
        Request::PendingOperationGet { component: component.clone() },
        Request::TrackStart {
            csi: csi.clone(),
            flags: TrackFlags::CHANGES,
            capacity: 64,
            subscription: 7,
        },
        Request::TrackStop { csi },
        Request::ErrorReport(report),
        Request::ErrorCancelAll { component },
        Request::StoppingComplete { invocation: -5, result: Ok(()) },
        Request::StoppingComplete { invocation: 5, result: Err(AisError::FailedOperation) },
        Request::Response { invocation: 6, result: Ok(()) },
        Request::Response { invocation: 6, result: Err(AisError::Library) },
    ];
    table.requests(requests.map(crate::Request::Amf));
}

fn amf_events(table: &mut Table) {
    use amf::*;
    let (invocation, component, csi) = (-4, name("comp_a"), name("pg"));
    let member = |readiness, ha_state, change| Member {
        component: name("comp_b"),
        readiness,
        ha_state,
        change,
    };
    table.events([
        Event::Healthcheck {
            invocation,
            component: component.clone(),
            kind: amf::Healthcheck::Level2,
        },
        Event::ReadinessStateSet {
            invocation,
            component: component.clone(),
            state: Readiness::Stopping,
        },
        Event::ComponentTerminate { invocation, component: component.clone() },
        Event::CsiSet {
            invocation,
            component: component.clone(),
            csi: csi.clone(),
            flags: CSI_ALL_INSTANCES,
            state: HaState::Quiesced,
            active: name("comp_c"),
            transition: Transition::StillActive,
        },
        Event::CsiRemove { invocation, component: component.clone(), csi: csi.clone(), flags: 1 },
        Event::ProtectionGroupTrack {
            subscription: 7,
            csi,
            members: 8,
            items: vec![
                member(Readiness::InService, HaState::Standby, ProtectionGroupChange::Removed),
                member(Readiness::Stopping, HaState::Active, ProtectionGroupChange::StateChange),
            ],
        },
        Event::ExternalComponentRestart { invocation, component: component.clone() },
        Event::ExternalComponentControl {
            invocation,
            component: component.clone(),
            action: ExternalAction::PowerOff,
        },
        Event::PendingOperationConfirm {
            invocation,
            component: component.clone(),
            flags: PENDING_SHUTDOWN,
        },
        Event::PendingOperationExpired { component, flags: PENDING_SWITCHOVER },
    ]);
}

fn ckpt_requests(table: &mut Table) {
    use ckpt::{Open, OpenFlags, ReadElement, Request, SectionsChosen, WriteElement};
    let (checkpoint, id, data) = (0x0a0b_0c0d, &b"section"[..], &b"data"[..]);
    let flags = OpenFlags::READ | OpenFlags::AMENDED;
    let open = Open { name: name("abra\0"), attributes: Some(ATTRIBUTES), flags };
    let only = Open { attributes: None, ..open.clone() };
    let requests = [
        Request::Open(open.clone()),
        Request::Open(only),
        Request::OpenAsync { tag: 9, open },
        Request::Close { checkpoint },
        Request::Unlink { name: name("abra") },
        Request::RetentionDurationSet { checkpoint, duration: 5 },
        Request::ActiveSet { checkpoint },
        Request::StatusGet { checkpoint },
        Request::SectionCreate { checkpoint, id: Some(id), expiration: -7, data },
        Request::SectionCreate { checkpoint, id: None, expiration: -7, data: b"" },
        Request::SectionDelete { checkpoint, id },
        Request::ExpirationTimeSet { checkpoint, id, expiration: 8 },
        Request::IteratorStart { checkpoint },
        Request::IteratorNext {
            checkpoint,
            chosen: SectionsChosen::GeqExpirationTime,
            expiration: 9,
            cursor: 10,
        },
        Request::Write {
            checkpoint,
            elements: vec![
                WriteElement { id, offset: 11, data },
                WriteElement { id: b"", offset: 12, data: b"more" },
            ],
        },
        Request::Overwrite { checkpoint, id, data },
        Request::Read {
            checkpoint,
            elements: vec![
                ReadElement { id, offset: 13, size: Some(14) },
                ReadElement { id: b"", offset: 15, size: None },
            ],
        },
        Request::Synchronize { checkpoint },
        Request::SynchronizeAsync { checkpoint, tag: 16 },
    ];
    table.requests(requests.map(crate::Request::Ckpt));
}

fn ckpt_told(table: &mut Table) {
    use ckpt::{Event, ReadReply, Section, Status};
    table.events([
        Event::Open { tag: 9, result: Ok(0x0a0b_0c0d) },
        Event::Open { tag: 9, result: Err(AisError::NotExist) },
        Event::Synchronize { tag: 16, result: Ok(()) },
        Event::Synchronize { tag: 16, result: Err(AisError::TryAgain) },
    ]);
    let status = Status { attributes: ATTRIBUTES, sections: 17, memory_used: 18 };
    table.add("reply", "CkptStatus", &status.encode());
    assert_eq!(Status::decode(&status.encode()), Ok(status));
    table.add("reply", "Section", &section().encode());
    assert_eq!(Section::decode(&section().encode()), Ok(section()));
    let mut read = Writer::new();
    let counts = read.list(&[4_u32, 2], |out, count| {
        out.u32(*count);
    });
    counts.raw(b"ABCDEF");
    let read = read.into_bytes();
    let pieces: Vec<_> = ReadReply::decode(&read).unwrap().pieces().collect();
    assert_eq!(pieces, [&b"ABCD"[..], b"EF"]);
    table.add("reply", "ReadReply", &read);
}

fn section() -> ckpt::Section {
    ckpt::Section {
        number: 19,
        id: b"section".to_vec(),
        expiration: 20,
        size: 21,
        state: ckpt::SectionState::Corrupted,
        last_update: 22,
    }
}

fn admin_requests(table: &mut Table) {
    use admin::{Operation, Request, Target};
    let operate = |operation, target| Request::Operate { operation, target };
    let requests = [
        Request::Status,
        Request::Ring,
        Request::Checkpoints { after: Some(name("abra")), limit: 3 },
        Request::Checkpoints { after: None, limit: 3 },
        Request::Components { first: 4, limit: 5 },
        Request::Watch,
        Request::ProbeStart,
        Request::ProbeSend { messages: vec![b"one", b"", b"three"] },
        Request::AmfNodes,
        operate(Operation::Lock, Target::Group(name("raid"))),
        operate(Operation::Unlock, Target::Unit(name("raid_a"))),
        operate(Operation::SwitchOver, Target::Component(name("comp_a"))),
        operate(Operation::Repaired, Target::Node(ONE)),
        Request::Inspect { name: name("abra") },
        Request::InspectSections { first: 6 },
        Request::InspectBytes { section: 7, offset: 8 },
        Request::AskOpeners { name: name("abra") },
        Request::Keys,
    ];
    table.requests(requests.map(crate::Request::Admin));
}

fn admin_events(table: &mut Table) {
    use admin::{Delivered, Deliveries, Event, Opener, View};
    let mut deliveries = Deliveries::new(ONE, 3);
    assert!(deliveries.push(Delivered { from: TWO, probe: 4, message: b"one" }));
    assert!(deliveries.push(Delivered { from: ONE, probe: 3, message: b"" }));
    (deliveries.skipped, deliveries.own_skipped) = (5, 2);
    table.events([
        Event::View(View {
            id: VIEW,
            members: vec![ONE, TWO],
            joined: vec![TWO],
            left: vec![],
            why: "10.0.0.2 joined".into(),
            skipped: 3,
        }),
        Event::Deliveries(deliveries),
        Event::Openers {
            node: TWO,
            openers: vec![Opener { process: 4711, opens: 2 }, Opener { process: 0, opens: 3 }],
        },
    ]);
}

pub(crate) fn status() -> admin::Status {
    use admin::{Clients, Problem, Severity, State, Status};
    Status {
        version: "0.1.0".into(),
        node: ONE,
        name: name("one"),
        cluster: name("ais"),
        uptime: 5,
        state: State::Synchronising,
        synchronised: 1 << 40,
        view: Some(VIEW),
        members: 2,
        synced: 1,
        expected_nodes: Some(3),
        has_quorum: true,
        lead: Some(TWO),
        has_amf: false,
        checkpoints: 4,
        checkpoint_memory: 5,
        checkpoint_memory_limit: 6,
        clients: Clients { processes: 1, clm: 2, amf: 3, ckpt: 4 },
        configured: vec![(ONE, true), (TWO, false)],
        problems: vec![Problem {
            severity: Severity::Degraded,
            node: Some(TWO),
            what: "slow".into(),
            advice: "wait".into(),
        }],
        other_handles: vec![(5, 9)],
    }
}

pub(crate) fn component() -> admin::Component {
    use admin::{AdminState, Component, Failure, Operation, Phase, Redundancy};
    use amf::{HaState, Readiness};
    Component {
        group: name("raid"),
        redundancy: Redundancy::NPlusM,
        group_admin: AdminState::ShuttingDown,
        pending: Some(Operation::SwitchOver),
        group_reason: "shut down".into(),
        unit: name("raid_a"),
        place: Some(name("one")),
        phase: Phase::Active,
        unit_admin: AdminState::Locked,
        unit_reason: "locked".into(),
        name: name("comp_a"),
        reason: "it registers".into(),
        node: Some(TWO),
        readiness: Readiness::InService,
        failure: Some(Failure::Silent),
        instances: vec![(name("pg_a"), Some(HaState::Active)), (name("pg_b"), None)],
    }
}

fn checkpoint() -> admin::Checkpoint {
    admin::Checkpoint {
        name: name("abra"),
        sections: 2,
        bytes: 3,
        unlinked: true,
        retention: 4,
        option: ckpt::UpdateOption::ActiveReplicaWeak,
        references: vec![(ONE, 1), (TWO, 4)],
    }
}

fn admin_replies(table: &mut Table) {
    use admin::*;
    let bare = Status {
        view: None,
        expected_nodes: None,
        lead: None,
        problems: Vec::new(),
        other_handles: Vec::new(),
        ..status()
    };
    for status in [status(), bare] {
        table.reply(&status, Status::encode);
    }
    let ring = Ring {
        state: "operational".into(),
        view: Some(VIEW),
        members: vec![ONE, TWO],
        why: "10.0.0.2 joined".into(),
        counters: vec![("tokens".into(), 5), ("packets".into(), u64::MAX)],
    };
    table.reply(&ring, Ring::encode);
    let page = Page { items: vec![checkpoint()], more: true };
    table.reply(&page, |page, out| page.encode(out, |out, item| item.encode(out)));
    let page = Page { items: vec![component()], more: false };
    table.reply(&page, |page, out| page.encode(out, |out, item| item.encode(out)));
    let sections = Page { items: vec![section()], more: true };
    table.reply(&sections, |page, out| {
        page.encode(out, |out, section| {
            out.bytes(&section.encode());
        });
    });
    let node = AmfNode { node: ONE, admin: AdminState::Locked, fault: Some(name("comp_a")) };
    table.reply(&node, AmfNode::encode);
    let operated = Operated { is_accepted: true, words: "group raid is locked".into() };
    table.reply(&operated, Operated::encode);
    table.reply(&Started { node: ONE, probe: 9 }, Started::encode);
    let inspected = Inspected {
        checkpoint: checkpoint(),
        attributes: ATTRIBUTES,
        colocated: true,
        active: Some(TWO),
        remaining: Some(6),
    };
    table.reply(&inspected, Inspected::encode);
    table.reply(&Piece { offset: 9, bytes: b"data".to_vec() }, Piece::encode);
}

#[test]
fn bytes_are_as_they_were() {
    let mut table = Table::default();
    handshake(&mut table);
    clm(&mut table);
    amf_requests(&mut table);
    amf_events(&mut table);
    ckpt_requests(&mut table);
    ckpt_told(&mut table);
    admin_requests(&mut table);
    admin_events(&mut table);
    admin_replies(&mut table);
    for (line, golden) in table.0.lines().zip(GOLDEN.lines()) {
        assert_eq!(line, golden);
    }
    assert_eq!(table.0.lines().count(), GOLDEN.lines().count(), "{}", table.0);
}
