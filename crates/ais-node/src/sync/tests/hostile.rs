//! Messages about states that no node sends in its right mind.

use super::bus::{Bus, Number};
use crate::services::SERVICES;
use crate::sync::Message;
use crate::sync::message::Announce;
use crate::sync::transfer::Sent;
use ais_group::ViewId;
use ais_proto::ServiceId;

impl Bus {
    /// Sends a message as if this node had.
    fn forge(&mut self, number: Number, bytes: Vec<u8>) {
        self.inject(number, bytes);
        self.run(number);
    }

    fn forge_in_view(&mut self, number: Number, message: &Message<'_>) {
        let view = self.view_id(number);
        self.forge(number, message.encode(view));
    }

    fn view_id(&mut self, number: Number) -> ViewId {
        self.member(number).node.sync().view_id().unwrap()
    }
}

/// The first part of a state.
fn chunk(attempt: u32, service: ServiceId, bytes: &[u8]) -> Message<'_> {
    Message::Chunk { attempt, sent: Sent::default().chunk(service, bytes), service, bytes }
}

/// The end of a state of which nothing was sent.
fn end(attempt: u32) -> Message<'static> {
    Message::End { attempt, sent: Sent::default().all() }
}

/// Two nodes of which one has much state, and one that joins and is just about
/// to be sent it.
fn joining() -> Bus {
    let mut bus = Bus::of(&[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.write(1, checkpoint, &[1; 300_000]);
    bus.settle();
    bus.start(&[3]);
    bus.together();
    while bus.phase(3) != "receiving" {
        assert!(bus.step());
    }
    bus
}

#[test]
fn nonsense_is_dropped() {
    let mut bus = joining();
    let view = bus.view_id(1);
    let other = ViewId { number: view.number + 1, ..view };
    let junk = [
        vec![],
        vec![0],
        vec![0, 1, 2],
        vec![9; 100],
        vec![3],
        Message::Unable { attempt: 1 }.encode(other),
        Message::Unable { attempt: 9 }.encode(view),
        chunk(1, ServiceId::Ckpt, b"?").encode(other),
        // Of one that sends no state, of another attempt, or twice.
        chunk(1, ServiceId::Ckpt, b"?").encode(view),
        end(1).encode(view),
        Message::Announce(&Announce::default().encode()).encode(view),
    ];
    for bytes in junk {
        bus.forge(2, bytes);
    }
    bus.forge_in_view(1, &chunk(9, ServiceId::Ckpt, b"?"));
    bus.forge_in_view(1, &end(9));
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(3, "a").unwrap(), [1; 300_000]);
}

#[test]
fn a_state_that_cannot_be_read_leaves_the_joiner_out_until_the_next_view() {
    let of_no_replica = chunk(1, ServiceId::Clm, b"");
    let of_each_service = SERVICES.iter().map(|id| chunk(1, *id, b"?"));
    for message in of_each_service.chain([of_no_replica]) {
        let mut bus = joining();
        bus.forge_in_view(1, &message);
        bus.settle();
        assert_eq!(bus.phase(3), "out", "{message:?}");
        assert!(!bus.member(3).node.is_serving());
        let status = bus.member(1).node.sync_status();
        assert_eq!(status.synced.len(), 2, "{message:?}");
        assert!(bus.open(2, "b").is_ok());
        bus.check_equal();
        bus.together();
        bus.settle();
        bus.check_synced();
        assert_eq!(bus.read(3, "a").unwrap(), [1; 300_000]);
    }
}

/// Two sides that are sending each other their states.
fn merging() -> Bus {
    let mut bus = Bus::of(&[1, 2, 3]);
    bus.views(&[&[1], &[2, 3]]);
    for number in [1, 2] {
        bus.settle();
        let checkpoint = bus.open(number, "a").unwrap();
        bus.write(number, checkpoint, &[number; 300_000]);
        bus.open(number, &format!("of {number}")).unwrap();
    }
    bus.start(&[4]);
    bus.together();
    while bus.phase(1) != "merging" {
        assert!(bus.step());
    }
    bus
}

#[test]
fn a_merge_that_cannot_be_read_is_given_up_for_the_first_side() {
    let bad = chunk(1, ServiceId::Ckpt, b"?");
    for from in [1, 2] {
        let mut bus = merging();
        bus.forge_in_view(from, &bad);
        bus.settle();
        bus.check_synced();
        for number in [1, 2, 3, 4] {
            assert_eq!(bus.read(number, "a").unwrap(), [2; 300_000]);
        }
        let read = bus.read(1, "of 1").unwrap();
        assert_eq!(read, b"", "made anew by the open");
    }
}

#[test]
fn who_cannot_read_when_it_is_too_late_is_left_out() {
    let mut bus = merging();
    let view = bus.view_id(1);
    // All ends are ordered before anybody can say that one is wrong.
    let bad = chunk(1, ServiceId::Ckpt, b"?");
    let Message::Chunk { sent, .. } = bad else { panic!("{bad:?}") };
    for from in [2, 1] {
        bus.forge(from, bad.encode(view));
        bus.forge(from, Message::End { attempt: 1, sent }.encode(view));
    }
    bus.settle();
    for number in [1, 2, 3, 4] {
        assert_eq!(bus.phase(number), "out");
    }
    bus.together();
    bus.settle();
    bus.check_equal();
}

#[test]
fn a_member_that_cannot_announce_itself_is_taken_for_fresh() {
    let mut bus = Bus::of(&[1, 2]);
    bus.open(1, "a").unwrap();
    bus.start(&[3]);
    bus.together();
    let mut bytes = Message::Announce(&Announce::default().encode()).encode(bus.view_id(3));
    bytes.truncate(bytes.len() - 1);
    bus.forge(3, bytes);
    bus.settle();
    bus.check_synced();
}
