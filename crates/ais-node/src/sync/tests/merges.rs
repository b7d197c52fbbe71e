//! Sides that both have state meet.

use super::bus::{Bus, Number, caller};
use crate::envelope::Envelope;
use ais_group::Message;
use ais_proto::ckpt::Request as Ckpt;
use ais_proto::{AisError, Request};
use ais_wire::Reader;

/// Sides that went on without each other, each with a checkpoint of its own
/// and one that all had changed.
fn divided(sides: &[&[Number]]) -> Bus {
    let mut bus = Bus::default();
    let all: Vec<_> = sides.concat();
    bus.start(&all);
    bus.together();
    bus.settle();
    bus.open(all[0], "common").unwrap();
    bus.settle();
    bus.views(sides);
    for side in sides {
        let first = side[0];
        let common = bus.open(first, "common").unwrap();
        bus.write(first, common, &vec![first; 70_000]);
        let own = bus.open(first, &format!("of {first}")).unwrap();
        bus.write(first, own, &[first]);
    }
    bus.settle();
    bus.check_synced();
    bus
}

fn check_merged(bus: &mut Bus, sides: &[&[Number]]) {
    bus.settle();
    bus.check_synced();
    for number in sides.concat() {
        assert_eq!(bus.read(number, "common").unwrap(), vec![sides[0][0]; 70_000]);
        for side in sides {
            assert_eq!(bus.read(number, &format!("of {}", side[0])).unwrap(), [side[0]]);
        }
    }
    bus.check_synced();
}

#[test]
fn two_sides_have_the_state_of_both_and_the_larger_one_stands() {
    let sides: [&[Number]; 2] = [&[2, 3], &[1]];
    let mut bus = divided(&sides);
    bus.together();
    check_merged(&mut bus, &sides);
}

#[test]
fn three_sides_and_a_fresh_node_have_the_state_of_all() {
    let sides: [&[Number]; 3] = [&[2, 3], &[1], &[4]];
    let mut bus = divided(&sides);
    bus.start(&[5]);
    bus.together();
    check_merged(&mut bus, &sides);
    assert_eq!(bus.read(5, "of 4").unwrap(), [4]);
}

#[test]
fn requests_wait_for_a_merge_and_are_done_after_it() {
    let sides: [&[Number]; 2] = [&[1, 2], &[3]];
    let mut bus = divided(&sides);
    let checkpoint = bus.open(3, "common").unwrap();
    bus.together();
    while bus.phase(3) != "merging" {
        assert!(bus.step());
    }
    let write = bus.write(3, checkpoint, b"after");
    while bus.phase(3) == "merging" {
        assert_eq!(bus.reply(3, write), None);
        let is_sync = |message: &Message| {
            let envelope = Envelope::take(&mut Reader::new(&message.bytes));
            matches!(envelope, Ok(Envelope::Sync { .. }))
        };
        assert!(bus.member(3).node.external().sent().all(is_sync), "it waits in the node");
        assert!(bus.step());
        bus.check_equal();
    }
    bus.settle();
    assert_eq!(bus.reply(3, write), Some(Ok(())));
    assert_eq!(bus.read(1, "common").unwrap(), b"after");
    bus.check_synced();
}

#[test]
fn what_was_sent_before_sides_met_is_done_after_it() {
    let sides: [&[Number]; 2] = [&[1, 2], &[3]];
    let mut bus = divided(&sides);
    // The same name, made on each side.
    bus.open(1, "twin").unwrap();
    let checkpoint = bus.open(3, "twin").unwrap();
    // It is in the queue of the group when the view changes.
    let write = bus.write(3, checkpoint, b"not lost with its side");
    bus.together();
    bus.settle();
    assert_eq!(bus.reply(3, write), Some(Ok(())));
    assert_eq!(bus.read(1, "twin").unwrap(), b"not lost with its side");
    bus.check_synced();
}

/// The two sides, with a fresh node, meet, and after some steps divide as
/// `parts`; then all come together.
fn cut_short(sides: &[&[Number]], parts: &[&[Number]]) {
    let mut cut = 0;
    loop {
        let mut bus = divided(sides);
        let first = sides[0][0];
        let checkpoint = bus.open(first, "common").unwrap();
        bus.start(&[9]);
        bus.stable_lag = cut % 3;
        // One write is under way already, one waits.
        let sent = bus.write(first, checkpoint, &vec![first; 70_000]);
        bus.together();
        let waits = bus.write(first, checkpoint, &vec![first; 70_000]);
        let mut is_over = false;
        for _ in 0..cut {
            is_over |= !bus.step();
            bus.check_equal();
        }
        bus.views(parts);
        bus.check_equal();
        bus.step();
        bus.check_equal();
        bus.together();
        bus.check_equal();
        bus.settle();
        bus.check_synced();
        let living: Vec<_> = bus.members.keys().copied().collect();
        for number in living {
            assert_eq!(bus.read(number, "common").unwrap(), vec![first; 70_000], "cut at {cut}");
            for side in sides {
                let own = bus.read(number, &format!("of {}", side[0]));
                assert_eq!(own.unwrap(), [side[0]], "cut at {cut}");
            }
        }
        if let Some(part) = parts.iter().find(|part| part.contains(&first)) {
            let is_own_side = part.iter().all(|of| sides[0].contains(of));
            for write in [sent, waits] {
                let result = bus.reply(first, write);
                let is_unknown = result == Some(Err(AisError::Timeout)) && !is_own_side;
                assert!(result == Some(Ok(())) || is_unknown, "cut at {cut}: {result:?}");
            }
        }
        if is_over {
            break;
        }
        cut += 1;
    }
    assert!(cut > 5, "{cut}");
}

#[test]
fn a_merge_that_is_cut_short_at_any_point_leaves_the_sides_as_they_were() {
    cut_short(&[&[1, 2], &[3]], &[&[1, 2], &[3, 9]]);
}

#[test]
fn members_of_a_merge_may_part_in_any_way() {
    cut_short(&[&[1, 2, 4], &[3]], &[&[1, 3], &[2, 4, 9]]);
    cut_short(&[&[2, 3, 4], &[1, 5]], &[&[1, 2], &[3, 5, 9], &[4]]);
}

#[test]
fn who_sends_in_a_merge_may_be_gone() {
    cut_short(&[&[1, 2], &[3, 4]], &[&[2, 4, 9]]);
}

#[test]
fn a_view_may_come_again_without_a_change() {
    cut_short(&[&[1, 2], &[3]], &[&[1, 2, 3, 9]]);
}

#[test]
fn a_handle_of_the_losing_side_goes_on_with_the_copy_that_stands() {
    let sides: [&[Number]; 2] = [&[1, 2], &[3]];
    let mut bus = divided(&sides);
    let losing = bus.open(3, "common").unwrap();
    let sent = bus.write(3, losing, b"lost with its side");
    bus.settle();
    assert_eq!(bus.reply(3, sent), Some(Ok(())));
    bus.together();
    check_merged(&mut bus, &sides);
    let write = bus.write(3, losing, b"not lost");
    bus.settle();
    assert_eq!(bus.reply(3, write), Some(Ok(())));
    assert_eq!(bus.read(1, "common").unwrap(), b"not lost");
}

/// Two sides meet with changes of the second under way, and a view with all of them
/// comes before their states are brought together.
#[test]
fn what_only_the_losing_side_could_do_is_not_promised_where_the_merge_is_cut_short() {
    let mut bus = divided(&[&[1, 2], &[3]]);
    let losing = bus.open(3, "common").unwrap();
    let id: &[u8] = b"only here";
    let create =
        Ckpt::SectionCreate { checkpoint: losing, id: Some(id), expiration: i64::MAX, data: b"" };
    assert_eq!(bus.call(3, &Request::Ckpt(create)).0, Ok(()));
    let delete = Request::Ckpt(Ckpt::SectionDelete { checkpoint: losing, id });
    let delete = bus.ask(3, &caller(), &delete);
    bus.together();
    while bus.phase(3) != "merging" {
        assert_eq!(bus.reply(3, delete), None);
        assert!(bus.step());
    }
    bus.together();
    assert_eq!(bus.reply(3, delete), Some(Err(AisError::Timeout)));
    bus.settle();
    bus.check_synced();
}

/// A second node starts while the first one that has is not known to all yet, once or in
/// two views one after the other.
#[test]
fn what_was_held_for_nodes_that_start_is_answered_when_more_of_them_come() {
    for twice in [false, true] {
        let mut bus = Bus::default();
        bus.start(&[2]);
        bus.together();
        bus.settle();
        let checkpoint = bus.open(2, "a").unwrap();
        let write = bus.write(2, checkpoint, b"text");
        bus.start(&[1]);
        bus.together();
        if twice {
            bus.together();
        }
        // The write, and what the first of them announces.
        assert!(bus.order(2));
        while bus.order(1) {}
        while [1, 2].into_iter().any(|number| bus.deliver(number)) {}
        assert_eq!((bus.phase(2), bus.reply(2, write)), ("gathering", None));
        bus.start(&[3]);
        bus.together();
        bus.settle();
        assert_eq!(bus.reply(2, write), Some(Ok(())), "{twice}");
        bus.check_synced();
    }
}

/// What was delivered on each side, and is not stable yet, when they meet: changes, and
/// something that is given back.
#[test]
fn what_was_held_over_into_a_merge_is_answered_when_it_is_known_which_side_stands() {
    let mut bus = divided(&[&[1, 2, 5], &[3, 4]]);
    let opened = [1, 3].map(|number| (number, bus.open(number, "common").unwrap()));
    let closed = bus.open(3, "common").unwrap();
    bus.settle();
    let [first, second] = opened.map(|(number, checkpoint)| {
        let write = bus.write(number, checkpoint, &[number]);
        assert!(bus.order(number) && bus.deliver(number));
        (number, write)
    });
    let close = Request::Ckpt(Ckpt::Close { checkpoint: closed });
    let close = (3, bus.ask(3, &caller(), &close));
    assert!(bus.order(3) && bus.deliver(3));
    bus.together();
    while bus.phase(1) != "serving" {
        for (number, asked) in [first, second, close] {
            assert_eq!(bus.reply(number, asked), None, "{number}, {}", bus.phase(number));
        }
        assert!(bus.step());
    }
    bus.settle();
    let replies = [first, second, close].map(|(number, asked)| bus.reply(number, asked));
    assert_eq!(replies, [Some(Ok(())), Some(Err(AisError::Timeout)), Some(Ok(()))]);
    bus.check_synced();
}

/// They met, were told so again, and part before they have one state.
#[test]
fn what_a_side_did_alone_is_answered_when_it_parts_again() {
    for twice in [false, true] {
        let sides: [&[Number]; 2] = [&[1, 2], &[3]];
        let mut bus = divided(&sides);
        let common = bus.open(1, "common").unwrap();
        let write = bus.write(1, common, b"text");
        bus.together();
        if twice {
            bus.together();
        }
        assert!(bus.order(1));
        while [1, 2, 3].into_iter().any(|number| bus.deliver(number)) {}
        assert_eq!((bus.phase(1), bus.reply(1, write)), ("gathering", None));
        bus.views(&sides);
        bus.settle();
        assert_eq!(bus.reply(1, write), Some(Ok(())), "{twice}");
    }
}

/// A node that has a part of the state does what the others do.
#[test]
fn what_was_held_beside_a_node_that_is_sent_contents_is_answered() {
    let mut bus = Bus::of(&[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let large = bus.write(1, checkpoint, &vec![7; 900_000]);
    bus.settle();
    assert_eq!(bus.reply(1, large), Some(Ok(())));
    bus.start(&[3]);
    bus.together();
    while bus.phase(3) != "filling" {
        assert!(bus.step());
    }
    let write = bus.write(1, checkpoint, b"text");
    bus.start(&[4]);
    bus.together();
    while bus.order(1) || bus.order(2) || bus.order(3) {}
    while [1, 2, 3].into_iter().any(|number| bus.deliver(number)) {}
    assert_eq!((bus.phase(1), bus.phase(3)), ("gathering", "gathering"));
    assert_eq!(bus.reply(1, write), None);
    bus.views(&[&[1, 2, 3]]);
    bus.settle();
    assert_eq!(bus.reply(1, write), Some(Ok(())));
    bus.check_synced();
}
