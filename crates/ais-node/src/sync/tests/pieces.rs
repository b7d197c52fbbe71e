//! Much that was held or logged is applied in pieces, and what comes meanwhile
//! waits in its place.

use super::bus::{Bus, NOW, Number, caller, node as node_id, open};
use crate::{Now, Pace};
use ais_group::Output as FromGroup;
use ais_proto::Request;

/// Smaller steps than usual: not so many messages go to the group at a time.
const PACE: Pace = Pace { messages: 64, checkpoints: 1024 };
/// More messages than a step applies.
const MANY: usize = 310;

/// Messages that overwrite the same section, the last one with `last`; none of
/// them was sent.
fn writes(bus: &mut Bus, number: Number, checkpoint: u32) -> Vec<Vec<u8>> {
    let texts = (0..MANY).map(|number| format!("{number}"));
    let keep_back = |text: String| {
        bus.write(number, checkpoint, text.as_bytes());
        bus.keep_back(number)
    };
    texts.map(keep_back).collect()
}

fn inject(bus: &mut Bus, from: Number, messages: &[Vec<u8>], to: &[Number]) {
    for message in messages {
        bus.inject(from, message.clone());
        for number in to {
            bus.deliver(*number);
        }
    }
}

fn is_busy(bus: &mut Bus, number: Number) -> bool {
    bus.member(number).node.has_tasks()
}

/// Two nodes in a new view that have held these messages, and come to know what
/// becomes of them.
fn with_much_held() -> (Bus, Vec<Vec<u8>>) {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let messages = writes(&mut bus, 1, checkpoint);
    bus.together();
    inject(&mut bus, 1, &messages, &[1, 2]);
    assert_eq!((bus.phase(1), bus.phase(2)), ("gathering", "gathering"));
    for number in [1, 2] {
        assert!(bus.order(number));
    }
    for _ in 0..2 {
        assert!(bus.deliver(1) && bus.deliver(2));
    }
    (bus, messages)
}

#[test]
fn what_was_held_is_applied_in_pieces_and_in_order() {
    let (mut bus, _) = with_much_held();
    let mut steps = 1;
    while is_busy(&mut bus, 1) {
        // It has its turn at once, and programs wait until it is done.
        assert_eq!(bus.member(1).node.poll_timeout(), Some(0));
        let node = &bus.member(1).node;
        assert!(node.is_congested(node.ledger().holder(caller().session)));
        bus.go_on(1);
        steps += 1;
    }
    assert_eq!(steps, 5, "64 messages at a time");
    assert!(is_busy(&mut bus, 2), "the other has not gone on");
    bus.rest();
    let node = &bus.member(1).node;
    assert!(!node.is_congested(node.ledger().holder(caller().session)));
    bus.check_synced();
    let last = format!("{}", MANY - 1).into_bytes();
    for number in [1, 2] {
        assert_eq!(bus.read(number, "a").unwrap(), last);
    }
}

#[test]
fn what_was_delivered_is_not_compared_before_all_of_it_is_done() {
    let (mut bus, _) = with_much_held();
    let later = Now { monotonic: 11_000_000_000, ..NOW };
    let node = &mut bus.member(1).node;
    let before = node.external().sent().len();
    while node.has_tasks() {
        assert_eq!(node.external().sent().len(), before);
        node.handle_timeout(later);
    }
    node.handle_timeout(later);
    assert_eq!(node.external().sent().len(), before + 1);
}

#[test]
fn what_comes_meanwhile_is_applied_after_that() {
    let (mut bus, messages) = with_much_held();
    inject(&mut bus, 1, &messages[7..8], &[1, 2]);
    assert!(is_busy(&mut bus, 1) && is_busy(&mut bus, 2));
    bus.rest();
    bus.check_synced();
    assert_eq!(bus.read(2, "a").unwrap(), b"7");
}

#[test]
fn what_comes_takes_twice_as_much_with_it_once_much_waits() {
    let (mut bus, messages) = with_much_held();
    let most = 4 * PACE.messages;
    inject(&mut bus, 1, &messages[..most], &[1, 2]);
    assert_eq!(bus.member(1).node.behind(), most, "time alone takes some");
    for _ in 0..4 {
        inject(&mut bus, 1, &messages, &[1, 2]);
    }
    let behind = bus.member(1).node.behind();
    assert!(behind <= most, "{behind}");
    bus.rest();
    bus.check_synced();
}

#[test]
fn all_that_comes_at_one_time_is_one_step() {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let messages = writes(&mut bus, 1, checkpoint);
    let pace = PACE.messages;
    let (now, node) = (Now { monotonic: 1, ..NOW }, &mut bus.member(2).node);
    let applied = node.behind();
    assert_eq!(applied, 0);
    for (place, messages) in messages[..2 * pace].chunks(10).enumerate() {
        node.with_external(now, |external| {
            for (index, bytes) in messages.iter().enumerate() {
                let (number, from) = ((100 + 10 * place + index) as u64, node_id(1));
                let bytes = bytes.clone();
                external.bring(FromGroup::Deliver { number, from, bytes });
            }
        });
    }
    assert_eq!(node.behind(), pace);
    // Nor has it more time because it is called again later.
    node.with_external(Now { monotonic: 2, ..NOW }, |_| {});
    assert_eq!(node.behind(), pace);
    node.handle_timeout(Now { monotonic: 2, ..NOW });
    assert_eq!(node.behind(), 0);
}

#[test]
fn a_view_waits_for_what_was_delivered_before() {
    for parts in [&[&[1, 2][..]][..], &[&[1], &[2]]] {
        let (mut bus, _) = with_much_held();
        bus.views(parts);
        bus.settle();
        assert!(is_busy(&mut bus, 1));
        bus.rest();
        bus.check_synced();
        bus.together();
        bus.rest();
        bus.check_synced();
        let last = format!("{}", MANY - 1).into_bytes();
        assert_eq!(bus.read(2, "a").unwrap(), last);
    }
}

#[test]
fn a_view_in_the_middle_has_what_was_held_applied_in_pieces() {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let messages = writes(&mut bus, 1, checkpoint);
    bus.together();
    inject(&mut bus, 1, &messages, &[1, 2]);
    bus.together();
    assert!(is_busy(&mut bus, 1) && is_busy(&mut bus, 2));
    bus.rest();
    bus.check_synced();
    assert_eq!(bus.read(2, "a").unwrap(), format!("{}", MANY - 1).into_bytes());
}

/// Node 3 is joining, and much comes that it has to log.
fn with_a_long_log() -> Bus {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let messages = writes(&mut bus, 1, checkpoint);
    bus.start(&[3]);
    bus.together();
    while bus.phase(3) != "receiving" {
        assert!(bus.step());
    }
    inject(&mut bus, 1, &messages, &[1, 2, 3]);
    bus
}

#[test]
fn a_node_that_joins_applies_its_log_in_pieces() {
    let mut bus = with_a_long_log();
    bus.settle();
    assert!(is_busy(&mut bus, 3) && !is_busy(&mut bus, 1));
    assert_eq!(bus.member(3).serving, 0, "it does not serve before");
    bus.rest();
    bus.check_synced();
    assert_eq!(bus.read(3, "a").unwrap(), format!("{}", MANY - 1).into_bytes());
}

#[test]
fn a_node_that_joins_and_loses_its_log_begins_anew() {
    let mut bus = with_a_long_log();
    bus.together();
    assert!(is_busy(&mut bus, 3));
    bus.rest();
    bus.check_synced();
    assert_eq!(bus.read(3, "a").unwrap(), format!("{}", MANY - 1).into_bytes());
}

#[test]
fn sides_that_meet_apply_what_they_held_in_pieces() {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.views(&[&[1], &[2]]);
    bus.settle();
    let messages = writes(&mut bus, 1, checkpoint);
    bus.together();
    inject(&mut bus, 1, &messages, &[1, 2]);
    bus.settle();
    assert!(is_busy(&mut bus, 1) && is_busy(&mut bus, 2));
    bus.rest();
    bus.check_synced();
    assert_eq!(bus.read(2, "a").unwrap(), format!("{}", MANY - 1).into_bytes());
}

#[test]
fn a_node_goes_through_many_checkpoints_before_it_does_anything_else() {
    let mut bus = Bus::at_pace(PACE, &[1, 2]);
    for number in 0..5000 {
        bus.ask(1, &caller(), &Request::Ckpt(open(&format!("{number}"))));
        bus.order(1);
        bus.deliver(1);
        bus.deliver(2);
    }
    bus.settle();
    bus.views(&[&[2]]);
    assert!(is_busy(&mut bus, 2));
    bus.start(&[3]);
    bus.together();
    bus.settle();
    assert!(is_busy(&mut bus, 2));
    bus.rest();
    bus.check_synced();
    bus.views(&[&[2], &[3]]);
    bus.rest();
    bus.together();
    bus.rest();
    bus.check_synced();
}
