//! Messages: what is encoded is decoded, and what nobody encoded harms nobody.

use super::message::{Expiry, Opener};
use super::room::Room;
use super::*;
use crate::golden::assert_golden;

const CHECKPOINT: CheckpointId =
    CheckpointId { view: ais_group::ViewId { number: 3, representative: OTHER }, number: u64::MAX };
const ROOM: Room = Room::of(&Limits { user_memory: 1 << 40, ..LIMITS }, UserId(1000));
const STAMP: Stamp = Stamp { strict: true, now: -5, room: ROOM };
const OPENER: Opener = Opener { strict: false, owner: UserId(1000), room: ROOM };
const STRICT: Opener = Opener { strict: true, owner: UserId::ROOT, room: ROOM };

fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut out = Writer::new();
    message.put(&mut out);
    out.into_bytes()
}

fn all() -> Vec<Message<'static>> {
    let (id, data) = (&b"id"[..], &b"data"[..]);
    let element = WriteElement { id, offset: u64::MAX, data };
    let elements = vec![element, WriteElement { id: b"", offset: 0, data: b"" }];
    let checkpoint = u32::MAX;
    let changes = [
        Request::RetentionDurationSet { checkpoint, duration: i64::MAX },
        Request::ActiveSet { checkpoint },
        Request::SectionCreate { checkpoint, id: None, expiration: i64::MIN, data },
        Request::SectionCreate { checkpoint, id: Some(b""), expiration: 0, data: b"" },
        Request::SectionDelete { checkpoint, id },
        Request::ExpirationTimeSet { checkpoint, id, expiration: i64::MAX },
        Request::Write { checkpoint, elements },
        Request::Overwrite { checkpoint, id, data },
        Request::Synchronize { checkpoint },
        Request::SynchronizeAsync { checkpoint, tag: u32::MAX },
    ];
    let open = |attributes| to_open("name", COLOCATED, attributes);
    let expiry = Expiry { at: START, checkpoint: CHECKPOINT, section: 8 };
    let mut messages = vec![
        Message::Open { open: open(None), opener: OPENER, tag: Some(9) },
        Message::Open { open: open(Some(WEAK)), opener: STRICT, tag: None },
        Message::Close { checkpoint: CHECKPOINT, count: u32::MAX },
        Message::Unlink { name: Name::try_from("name").unwrap() },
        Message::Expire { sections: vec![expiry, expiry] },
        Message::Retire { checkpoint: CHECKPOINT, version: 7 },
        Message::Retain { checkpoint: CHECKPOINT, version: 7, remaining: u64::MAX },
    ];
    messages.extend(changes.map(change));
    messages
}

fn change(request: Request<'_>) -> Message<'_> {
    Message::Change { checkpoint: CHECKPOINT, stamp: STAMP, request }
}

#[test]
fn messages_come_back() {
    for message in all() {
        let bytes = encode(&message);
        assert_eq!(Message::take_all(&bytes).as_ref(), Ok(&message));
        // Names, attributes and requests apart, nothing is longer than was said.
        let length = match message {
            Message::Open { .. } | Message::Unlink { .. } => continue,
            Message::Change { checkpoint, stamp, ref request } => {
                let mut head = Writer::new();
                message::put_head(checkpoint, stamp, request.code(), &mut head);
                head.into_bytes().len()
            }
            _ => bytes.len(),
        };
        assert!(length <= message.length(), "{message:?}");
    }
}

#[test]
fn bytes_are_as_they_were() {
    let name = |message: &Message<'_>| match message {
        Message::Change { request, .. } => format!("{request:?}"),
        message => format!("{message:?}"),
    };
    let all = all();
    assert_golden("ckpt", all.iter().map(|message| (name(message), encode(message))));
}

#[test]
fn a_negative_duration_does_not_decode() {
    let negative = Attributes { retention_duration: -1, ..ATTRIBUTES };
    let open = to_open("name", BOTH, Some(negative));
    let open = Message::Open { open, opener: OPENER, tag: None };
    assert!(Message::take_all(&encode(&open)).is_err());
}

#[test]
fn requests_that_ask_for_no_change_are_none_when_they_are_delivered() {
    let requests = [
        Request::RetentionDurationSet { checkpoint: 1, duration: -1 },
        Request::StatusGet { checkpoint: 1 },
        Request::Read { checkpoint: 1, elements: Vec::new() },
        Request::Unlink { name: Name::try_from("name").unwrap() },
    ];
    let mut rig = rig();
    let before = rig.digest(0);
    for request in requests {
        assert_eq!(Change::of(request.clone()), None);
        deliver(&mut rig, &encode(&change(request)));
    }
    let mut other = Writer::new();
    message::put_head(CHECKPOINT, STAMP, ais_proto::Code(0x0101), &mut other);
    assert!(Message::take_all(&other.into_bytes()).is_err());
    assert_eq!(rig.digest(0), before);
}

/// A state in which the messages that the other tests damage find something.
fn rig() -> Rig {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "name", BOTH);
    rig.create(checkpoint, b"id", START + SECOND, b"x").unwrap();
    rig
}

fn deliver(rig: &mut Rig, message: &[u8]) {
    let mut bytes = vec![ais_proto::ServiceId::Ckpt as u8];
    bytes.extend([0; 8]);
    bytes.extend(message);
    rig.deliver(OTHER, &bytes);
    rig.settle();
}

#[test]
fn what_does_not_decode_changes_nothing() {
    let mut rig = rig();
    let before = rig.digest(0);
    for message in all() {
        let bytes = encode(&message);
        // A message that ends in data is a message without it too.
        let data = match &message {
            Message::Change { request: Request::Write { .. }, .. } => 0,
            Message::Change { request, .. } => request.data().map(<[u8]>::len).sum(),
            _ => 0,
        };
        for length in 0..bytes.len() - data {
            assert!(Message::take_all(&bytes[..length]).is_err(), "{message:?}");
            deliver(&mut rig, &bytes[..length]);
        }
    }
    deliver(&mut rig, &[0]);
    deliver(&mut rig, &[200; 100]);
    assert_eq!(rig.digest(0), before);
}

#[test]
fn damaged_messages_do_no_harm() {
    let mut rig = rig();
    let view = ais_group::ViewId { number: 1, representative: LOWEST };
    let checkpoint = CheckpointId { view, number: 1 };
    let messages: Vec<_> = all()
        .into_iter()
        .map(|message| match message {
            Message::Change { stamp, request, .. } => {
                Message::Change { checkpoint, stamp, request }
            }
            message => message,
        })
        .collect();
    for message in messages {
        let bytes = encode(&message);
        for (place, value) in (0..bytes.len()).flat_map(|place| [(place, 0xff), (place, 0x7f)]) {
            let mut damaged = bytes.clone();
            damaged[place] ^= value;
            deliver(&mut rig, &damaged);
        }
    }
    assert_eq!(rig.digest(0), rig.digest(1));
}

#[test]
fn messages_about_what_is_gone_change_nothing() {
    let mut rig = rig();
    let before = rig.digest(0);
    for message in all() {
        if !matches!(message, Message::Open { .. } | Message::Unlink { .. }) {
            deliver(&mut rig, &encode(&message));
        }
    }
    assert_eq!(rig.digest(0), before);
}
