//! Requests, replies and events survive the way, and nothing shorter does.

use super::*;
use crate::ckpt::{Attributes, UpdateOption};
use crate::tests::golden;
use crate::{Code, DecodeError, Name, NodeId, Reader, Writer};

const ONE: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
const TWO: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));
const VIEW: ViewId = ViewId { number: 7, representative: ONE };

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn bytes(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::new();
    write(&mut out);
    out.into_bytes()
}

/// A value that comes back from its bytes, and from no part of them.
fn assert_round_trip<T: PartialEq + std::fmt::Debug>(
    value: &T,
    bytes: &[u8],
    decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) {
    assert_eq!(decode(&mut Reader::new(bytes)).as_ref(), Ok(value));
    for length in 0..bytes.len() {
        assert!(decode(&mut Reader::new(&bytes[..length])).is_err(), "{length} bytes of {value:?}");
    }
}

fn status() -> Status {
    Status { other_handles: Vec::new(), ..golden::status() }
}

#[test]
fn a_status_is_read_from_executives_of_each_minor_version() {
    let bare = Status { view: None, expected_nodes: None, lead: None, ..status() };
    for of in [status(), bare] {
        let bytes = bytes(|out| of.encode(out));
        let decode = |bytes: &[u8]| Status::decode(&mut Reader::new(bytes));
        assert_eq!(decode(&bytes), Ok(of.clone()));
        // A service that came later is counted at the end, if it has handles.
        let later = Status { other_handles: vec![(9, 7)], ..of.clone() };
        let more = self::bytes(|out| later.encode(out));
        assert_eq!(more[bytes.len()..], [1, 0, 0, 0, 9, 7, 0, 0, 0]);
        assert_eq!(decode(&more), Ok(later.clone()));
        assert_eq!(decode(&[&more[..], b"more"].concat()), Ok(later));
        // The count of the problems, and one of them.
        let without_problems = bytes.len() - (4 + 1 + 1 + 4 + 2 * (4 + 4));
        let older = Status { problems: Vec::new(), ..of.clone() };
        assert_eq!(decode(&bytes[..without_problems]), Ok(older.clone()));
        // The count of those that are configured, and two of them.
        let before_3 = without_problems - (4 + 2 * 5);
        let older = Status { configured: Vec::new(), ..older };
        assert_eq!(decode(&bytes[..before_3]), Ok(older));
        let whole = [before_3, without_problems];
        for length in (0..bytes.len()).filter(|length| !whole.contains(length)) {
            assert!(decode(&bytes[..length]).is_err(), "{length} bytes of {of:?}");
        }
        let newer = [&bytes[..], &[0; 4], b"more"].concat();
        assert_eq!(decode(&newer), Ok(of));
    }
}

#[test]
fn replies_round_trip() {
    let ring = Ring {
        state: "operational".into(),
        view: Some(VIEW),
        members: vec![ONE, TWO],
        why: "10.0.0.2 joined".into(),
        counters: vec![("tokens".into(), u64::MAX)],
    };
    assert_round_trip(&ring, &bytes(|out| ring.encode(out)), Ring::decode);
    let checkpoint = Checkpoint {
        name: name("abra\0"),
        sections: 2,
        bytes: 3,
        unlinked: true,
        retention: i64::MAX,
        option: UpdateOption::ActiveReplicaWeak,
        references: vec![(ONE, 1), (TWO, 4)],
    };
    let inspected = Inspected {
        checkpoint: checkpoint.clone(),
        attributes: Attributes {
            option: UpdateOption::ActiveReplica,
            checkpoint_size: 1,
            retention_duration: 2,
            max_sections: 3,
            max_section_size: 4,
            max_section_id_size: 5,
        },
        colocated: true,
        active: Some(TWO),
        remaining: Some(6),
    };
    assert_round_trip(&inspected, &bytes(|out| inspected.encode(out)), Inspected::decode);
    let openers = vec![Opener { process: 7, opens: 8 }];
    let event = Event::Openers { node: TWO, openers };
    assert_eq!(Event::decode(event.code(), &event.encode()), Ok(event));
    let piece = Piece { offset: 9, bytes: b"data".to_vec() };
    assert_round_trip(&piece, &bytes(|out| piece.encode(out)), Piece::decode);
    let none = Piece { offset: 9, bytes: Vec::new() };
    let none = bytes(|out| none.encode(out));
    assert_eq!(Piece::decode(&mut Reader::new(&none)), Err(DecodeError::Invalid));
    let page = Page { items: vec![checkpoint], more: true };
    let encoded = bytes(|out| page.encode(out, |out, item| item.encode(out)));
    assert_round_trip(&page, &encoded, |input| Page::decode(input, Checkpoint::decode));
    let page = Page { items: vec![golden::component()], more: false };
    let encoded = bytes(|out| page.encode(out, |out, item| item.encode(out)));
    assert_round_trip(&page, &encoded, |input| Page::decode(input, Component::decode));
    let node = AmfNode { node: ONE, admin: AdminState::Locked, fault: Some(name("comp_a")) };
    assert_round_trip(&node, &bytes(|out| node.encode(out)), AmfNode::decode);
    let operated = Operated { is_accepted: true, words: "group raid is locked".into() };
    assert_round_trip(&operated, &bytes(|out| operated.encode(out)), Operated::decode);
    let holder = KeyHolder { node: ONE, uses: Some(7), accepts: vec![7, 8] };
    let keys = Keys { own: vec![8, 7], others: vec![holder] };
    assert_round_trip(&keys, &bytes(|out| keys.encode(out)), Keys::decode);
    let started = Started { node: ONE, probe: 9 };
    assert_round_trip(&started, &bytes(|out| started.encode(out)), Started::decode);
}

#[test]
fn requests_round_trip_and_short_ones_are_refused() {
    for request in [
        Request::Status,
        Request::Ring,
        Request::Checkpoints { after: None, limit: 1 },
        Request::Checkpoints { after: Some(name("abra")), limit: u32::MAX },
        Request::Components { first: 3, limit: 0 },
        Request::AmfNodes,
        Request::Operate { operation: Operation::Lock, target: Target::Group(name("raid")) },
        Request::Operate { operation: Operation::Unlock, target: Target::Unit(name("raidA")) },
        Request::Operate { operation: Operation::Shutdown, target: Target::Node(ONE) },
        Request::Operate { operation: Operation::Repaired, target: Target::Component(name("a")) },
        Request::Watch,
        Request::ProbeStart,
        Request::ProbeSend { messages: vec![b"one", b"", b"three"] },
        Request::Inspect { name: name("abra") },
        Request::InspectSections { first: u64::MAX },
        Request::InspectBytes { section: 5, offset: 6 },
        Request::AskOpeners { name: name("abra") },
        Request::Keys,
    ] {
        let body = bytes(|out| request.encode(out));
        let wrapped = crate::Request::Admin(request);
        assert_eq!(crate::Request::decode(wrapped.code(), &body), Ok(wrapped.clone()));
        for length in 0..body.len() {
            assert!(crate::Request::decode(wrapped.code(), &body[..length]).is_err());
        }
    }
    assert!(crate::Request::decode(Code(0x0499), &[]).is_err());
}

#[test]
fn messages_of_a_probe_are_bounded() {
    let decode = |messages: Vec<&[u8]>| {
        let request = Request::ProbeSend { messages };
        let body = bytes(|out| request.encode(out));
        crate::Request::decode(request.code(), &body).is_ok()
    };
    let longest = vec![0; MAX_PROBE_MESSAGE];
    assert!(decode(vec![&longest]));
    assert!(!decode(vec![&longest, &longest]));
    assert!(!decode(vec![&[longest.as_slice(), &[0]].concat()]));
    assert!(!decode(vec![]));
    assert!(!decode(vec![b""; MAX_PROBE_REQUEST / 4]));
}

#[test]
fn views_round_trip() {
    let view = Event::View(View {
        id: VIEW,
        members: vec![ONE, TWO],
        joined: vec![TWO],
        left: vec![],
        why: "10.0.0.2 joined".into(),
        skipped: 3,
    });
    let body = view.encode();
    assert_eq!(Event::decode(view.code(), &body), Ok(view.clone()));
    for length in 0..body.len() {
        assert!(Event::decode(view.code(), &body[..length]).is_err());
    }
}

fn delivered(number: u64, message: &[u8]) -> Delivered<'_> {
    Delivered { from: TWO, probe: number, message }
}

#[test]
fn deliveries_round_trip() {
    let mut deliveries = Deliveries::new(TWO, 2);
    assert!(deliveries.push(delivered(1, b"one")));
    assert!(deliveries.push(delivered(2, b"")));
    assert_eq!(deliveries.own(), 1);
    (deliveries.skipped, deliveries.own_skipped) = (5, 2);
    assert_eq!(deliveries.own(), 3);
    let event = Event::Deliveries(deliveries.clone());
    let body = event.encode();
    assert_eq!(Event::decode(event.code(), &body), Ok(event.clone()));
    assert!(deliveries.iter().eq([delivered(1, b"one"), delivered(2, b"")]));
    // Shorter bodies end in the middle of an item, or between two.
    let is_shorter = |length| Event::decode(event.code(), &body[..length]) != Ok(event.clone());
    assert!((0..body.len()).all(is_shorter));
    assert!(Event::decode(event.code(), &body[..body.len() - 1]).is_err());
}

/// A piece with one message of a probe.
fn piece(probe: u64, message: &[u8]) -> Deliveries {
    let mut piece = Deliveries::new(TWO, 7);
    assert!(piece.push(delivered(probe, message)));
    piece
}

#[test]
fn as_much_goes_into_one_event_as_a_packet_holds() {
    let large = vec![7; MAX_PROBE_MESSAGE];
    let sizes = [0, large.len(), 3, large.len(), large.len(), 5];
    let mut event = Deliveries::new(TWO, 7);
    assert!(event.is_empty());
    let added = (0..).zip(sizes).map(|(number, size)| event.append(&piece(number, &large[..size])));
    assert_eq!(added.collect::<Vec<_>>(), [true, true, true, true, false, true]);
    let items: Vec<_> = event.iter().map(|item| (item.probe, item.message.len())).collect();
    assert_eq!(items, [(0, 0), (1, large.len()), (2, 3), (3, large.len()), (5, 5)]);
    let body = Event::Deliveries(event.clone()).encode();
    assert!(crate::HEADER_LENGTH + body.len() <= crate::MAX_EVENT);
    let mut full = Deliveries::new(TWO, 7);
    while full.push(delivered(1, b"")) {}
    let left = crate::MAX_EVENT - crate::HEADER_LENGTH - Event::Deliveries(full).encode().len();
    assert!(left < 16, "there was room for one more");
    let mut missed = Deliveries::new(TWO, 7);
    missed.skipped = 1;
    assert!(!missed.is_empty() && !event.is_empty());
}

/// Whatever one byte is, what is read is a value or an error, and a value that
/// is read is written as it was.
#[test]
fn wrong_bytes_are_values_or_errors() {
    let status = status();
    let mut deliveries = Deliveries::new(TWO, 7);
    assert!(deliveries.push(delivered(1, b"one")));
    let view = Event::View(View {
        id: VIEW,
        members: vec![ONE, TWO],
        joined: vec![TWO],
        left: vec![ONE],
        // A reason that is no text would come back as one.
        why: String::new(),
        skipped: 0,
    });
    for event in [view, Event::Deliveries(deliveries)] {
        for body in spoilt(&event.encode()) {
            if let Ok(read) = Event::decode(event.code(), &body) {
                assert_eq!(read.encode(), body);
            }
        }
    }
    for body in spoilt(&bytes(|out| status.encode(out))) {
        let _ = Status::decode(&mut Reader::new(&body));
    }
    let request = Request::ProbeSend { messages: vec![b"one", b"two"] };
    for body in spoilt(&bytes(|out| request.encode(out))) {
        if let Ok(crate::Request::Admin(read)) = crate::Request::decode(request.code(), &body) {
            assert_eq!(bytes(|out| read.encode(out)), body);
        }
    }
}

/// The bytes with each of them replaced by some others.
fn spoilt(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for place in 0..bytes.len() {
        for value in [0, 1, 127, 128, 255] {
            let mut body = bytes.to_vec();
            body[place] = value;
            all.push(body);
        }
    }
    all
}
