//! Messages: what is encoded is decoded, and what nobody encoded harms nobody.

use super::message::{Expiry, Opener};
use super::state::Room;
use super::*;
use crate::golden::assert_golden;

const CHECKPOINT: CheckpointId =
    CheckpointId { view: ais_totem::ViewId { number: 3, representative: OTHER }, number: u64::MAX };
const ROOM: Room = Room::of(&Limits { user_memory: 1 << 40, ..LIMITS }, UserId(1000));
const STAMP: Stamp = Stamp { strict: true, now: -5, room: ROOM };
const OPENER: Opener = Opener { strict: false, owner: UserId(1000), room: ROOM };
const STRICT: Opener = Opener { strict: true, owner: UserId::ROOT, room: ROOM };

fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut out = Writer::new();
    message.encode(&mut out);
    out.into_bytes()
}

fn all() -> Vec<Message<'static>> {
    let (id, data) = (&b"id"[..], &b"data"[..]);
    let element = WriteElement { id, offset: u64::MAX, data };
    let changes = [
        Change::SetRetention(i64::MAX),
        Change::SetActive,
        Change::CreateSection { id: None, expiration: i64::MIN, data },
        Change::CreateSection { id: Some(b""), expiration: 0, data: b"" },
        Change::DeleteSection { id },
        Change::SetExpiration { id, expiration: i64::MAX },
        Change::Write(vec![element, WriteElement { id: b"", offset: 0, data: b"" }]),
        Change::Overwrite { id, data },
        Change::Synchronize { tag: None },
        Change::Synchronize { tag: Some(u32::MAX) },
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
    messages.extend(changes.into_iter().map(|change| Message::Change {
        checkpoint: CHECKPOINT,
        stamp: STAMP,
        change,
    }));
    messages
}

#[test]
fn messages_come_back() {
    for message in all() {
        let bytes = encode(&message);
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
        // Names and attributes apart, nothing is longer than was said.
        if !matches!(message, Message::Open { .. } | Message::Unlink { .. }) {
            assert!(bytes.len() <= message.length(), "{message:?}");
        }
    }
}

#[test]
fn bytes_are_as_they_were() {
    let name = |message: &Message<'_>| match message {
        Message::Change { change, .. } => format!("{change:?}"),
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
    let change = Change::SetRetention(-1);
    let set = Message::Change { checkpoint: CHECKPOINT, stamp: STAMP, change };
    for message in [open, set] {
        assert!(Message::decode(&encode(&message)).is_err());
    }
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
            Message::Change { change: Change::Write(_), .. } => 0,
            Message::Change { change, .. } => change.data_length(),
            _ => 0,
        };
        for length in 0..bytes.len() - data {
            assert!(Message::decode(&bytes[..length]).is_err(), "{message:?}");
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
    let view = ais_totem::ViewId { number: 1, representative: LOWEST };
    let checkpoint = CheckpointId { view, number: 1 };
    let messages: Vec<_> = all()
        .into_iter()
        .map(|message| match message {
            Message::Change { stamp, change, .. } => Message::Change { checkpoint, stamp, change },
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
