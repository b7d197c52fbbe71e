//! Nodes that start, and join those that have state.

use super::bus::{Bus, NOW, caller, node, open};
use ais_proto::{AisError, Request};

#[test]
fn nodes_that_start_together_serve_with_an_empty_state() {
    let mut bus = Bus::default();
    bus.start(&[1, 2, 3]);
    for number in [1, 2, 3] {
        assert!(!bus.member(number).node.is_serving());
        let id = bus.ask(number, &caller(), &Request::Ckpt(open("a")));
        assert_eq!(bus.reply(number, id), Some(Err(AisError::TryAgain)));
    }
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.member(2).node.sync_status().lead, Some(node(1)));
    let checkpoint = bus.open(2, "a").unwrap();
    bus.write(2, checkpoint, b"text");
    assert_eq!(bus.read(3, "a").unwrap(), b"text");
    bus.check_synced();
}

#[test]
fn a_node_that_joins_gets_everything_while_others_write() {
    let mut bus = Bus::of(&[2, 3]);
    let names = ["a", "b", "c", "d", "e", "f"];
    let open: Vec<_> = names.iter().map(|name| bus.open(3, name).unwrap()).collect();
    for checkpoint in &open {
        bus.write(3, *checkpoint, &[7; 200_000]);
    }
    bus.settle();
    bus.start(&[1]);
    bus.together();
    let mut writes = Vec::new();
    let mut round = 0_u8;
    while !bus.member(1).node.is_serving() {
        round += 1;
        let checkpoint = open[usize::from(round) % open.len()];
        writes.push(bus.write(3, checkpoint, &[round; 10]));
        assert!(round < 200, "it does not come to an end");
        for _ in 0..3 {
            bus.step();
            bus.check_equal();
        }
    }
    assert!(round > 5, "it took {round} rounds");
    let answered = writes.iter().filter(|id| bus.reply(3, **id).is_some()).count();
    assert!(answered > 5, "writers go on while a node joins: {answered} answered");
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.member(3).node.sync_status().lead, Some(node(1)));
    for id in writes {
        assert_eq!(bus.reply(3, id), Some(Ok(())));
    }
    let last = bus.read(3, names[usize::from(round) % names.len()]).unwrap();
    assert_eq!(last, [round; 10]);
    assert_eq!(bus.read(1, names[usize::from(round) % names.len()]).unwrap(), last);
}

#[test]
fn what_is_under_way_is_bounded() {
    let mut bus = Bus::of(&[1]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.write(1, checkpoint, &[7; 1_000_000]);
    bus.settle();
    bus.start(&[2]);
    bus.together();
    // Both announce themselves, and the plan is made.
    for number in [1, 2, 1, 2] {
        bus.order(number);
        while bus.deliver(number) {}
    }
    while bus.deliver(1) || bus.deliver(2) {}
    assert_eq!(bus.phase(2), "receiving");
    while bus.order(1) {}
    let mut under_way = 0;
    while bus.deliver(2) {
        under_way += 1;
    }
    assert!((1..10).contains(&under_way), "{under_way}");
    bus.settle();
    bus.check_synced();
}

#[test]
fn a_log_that_gets_too_long_begins_the_heads_anew() {
    let mut bus = Bus::of(&[1, 2]);
    let (big, busy) = (bus.open(1, "big").unwrap(), bus.open(2, "busy").unwrap());
    bus.write(1, big, &[7; 500_000]);
    // So that the heads come in several chunks.
    for number in 0..2_000 {
        bus.ask(1, &caller(), &Request::Ckpt(open(&format!("{number}"))));
    }
    bus.settle();
    bus.start(&[3]);
    for number in [1, 2, 3] {
        bus.member(number).node.sync().log_limit = 1_000;
    }
    bus.together();
    let mut attempts = 0;
    for round in 0..60 {
        bus.write(2, busy, &vec![round; 2_000]);
        // What counts how often it was done.
        bus.ask(2, &caller(), &Request::Ckpt(open("busy")));
        bus.step();
        bus.check_equal();
        let attempt = bus.member(1).node.sync_status().attempt;
        assert!(attempt >= attempts || attempt == 0);
        attempts = attempts.max(attempt);
    }
    assert!(attempts > 2, "{attempts}");
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(3, "busy").unwrap(), [59; 2_000]);
}

#[test]
fn a_join_that_is_cut_short_at_any_point_begins_again() {
    let mut cut = 0;
    loop {
        let mut bus = Bus::of(&[2, 3]);
        let checkpoint = bus.open(2, "a").unwrap();
        bus.write(2, checkpoint, &[1; 100_000]);
        bus.settle();
        bus.start(&[1]);
        bus.together();
        let write = bus.write(3, 99, b"no such checkpoint");
        let mut is_over = false;
        for _ in 0..cut {
            is_over |= !bus.step();
        }
        // The one that sends it is gone.
        bus.views(&[&[1, 3]]);
        bus.check_equal();
        let others = bus.open(3, "b").unwrap();
        bus.write(3, others, b"later");
        bus.settle();
        bus.check_synced();
        assert_eq!(bus.reply(3, write), Some(Err(AisError::BadHandle)));
        assert_eq!(bus.read(1, "a").unwrap(), [1; 100_000], "cut at {cut}");
        assert_eq!(bus.read(1, "b").unwrap(), b"later");
        if is_over {
            break;
        }
        cut += 1;
    }
    assert!(cut > 5, "{cut}");
}

/// Nodes 2 to 4 have a state of about so many bytes, in two checkpoints; 1 is
/// about to be sent it.
fn filling(bytes: usize) -> Bus {
    let mut bus = Bus::of(&[2, 3, 4]);
    for name in ["a", "b"] {
        let checkpoint = bus.open(2, name).unwrap();
        bus.write(2, checkpoint, &vec![1; bytes / 2]);
    }
    bus.settle();
    bus.start(&[1]);
    bus.together();
    while bus.phase(1) != "filling" {
        assert!(bus.step());
    }
    bus
}

#[test]
fn what_was_sent_is_not_sent_again_when_members_come_and_go() {
    let mut cut = 0;
    loop {
        let mut bus = filling(400_000);
        for _ in 0..cut {
            bus.step();
        }
        if bus.phase(1) == "serving" {
            break;
        }
        // The one that sends it is gone, and another one starts.
        bus.start(&[5]);
        bus.views(&[&[1, 3, 4, 5]]);
        bus.check_equal();
        let checkpoint = bus.open(3, "later").unwrap();
        for _ in 0..cut % 7 {
            bus.step();
        }
        bus.write(3, checkpoint, b"text");
        bus.views(&[&[1, 3, 4, 5]]);
        bus.settle();
        bus.check_synced();
        let moved = bus.member(1).node.sync_status().bytes_moved;
        assert_eq!(bus.read(1, "a").unwrap(), [1; 200_000], "cut at {cut}");
        assert_eq!(bus.read(5, "later").unwrap(), b"text");
        // Once for 1, once for 5, and what was under way twice.
        assert!((800_000..800_000 + 65_536).contains(&moved), "cut at {cut}: {moved}");
        cut += 1;
    }
    assert!(cut > 5, "{cut}");
}

#[test]
fn who_starts_later_waits_and_is_served_after() {
    let mut bus = filling(400_000);
    bus.start(&[5]);
    bus.together();
    let mut phases = std::collections::BTreeSet::new();
    while bus.phase(5) != "serving" {
        let is_served = bus.phase(1) == "serving";
        phases.insert((bus.phase(5), is_served));
        let checkpoint = 1 + phases.len() as u32 % 2;
        bus.write(2, checkpoint, &[phases.len() as u8; 3_000]);
        assert!(bus.step());
        bus.check_equal();
    }
    for seen in [("waiting", false), ("receiving", true), ("filling", true)] {
        assert!(phases.contains(&seen), "{seen:?} {phases:?}");
    }
    assert!(!phases.contains(&("filling", false)), "{phases:?}");
    bus.settle();
    bus.check_synced();
}

#[test]
fn a_part_of_a_state_is_given_up_when_nobody_has_the_rest() {
    let mut bus = filling(400_000);
    bus.start(&[5]);
    bus.views(&[&[1, 5]]);
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(1, "a").unwrap(), b"", "made anew by the open");
    let mut bus = filling(400_000);
    bus.start(&[5]);
    bus.views(&[&[1, 5], &[2, 3, 4]]);
    bus.settle();
    bus.open(5, "b").unwrap();
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(1, "a").unwrap(), [1; 200_000]);
}

#[test]
fn programs_of_the_node_that_sends_keep_their_share_and_no_more() {
    let mut bus = filling(2_000_000);
    let writes: Vec<_> = (0..100).map(|n| bus.write(2, 1, &[n; 20_000])).collect();
    let mut steps = 0;
    while bus.phase(1) != "serving" {
        assert!(bus.member(2).node.external().sent().len() < 30, "the rest waits in the node");
        bus.step();
        steps += 1;
    }
    let answered = writes.iter().filter(|id| bus.reply(2, **id).is_some()).count();
    assert!(answered > 30, "{answered} of 100 in {steps} steps");
    bus.settle();
    assert!(writes.into_iter().all(|id| bus.reply(2, id) == Some(Ok(()))));
    bus.check_synced();
}

#[test]
fn nodes_that_leave_take_their_opens_along_and_nothing_else() {
    let mut bus = Bus::of(&[1, 2, 3]);
    let checkpoint = bus.open(3, "a").unwrap();
    bus.write(3, checkpoint, b"of three");
    bus.settle();
    bus.views(&[&[1, 2]]);
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(2, "a").unwrap(), b"of three");
    bus.start(&[3]);
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(3, "a").unwrap(), b"of three");
}

#[test]
fn a_reply_waits_until_all_have_it_also_over_a_view() {
    let mut bus = Bus::of(&[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    for _ in 0..20 {
        bus.write(1, checkpoint, b"so that high numbers are stable");
    }
    bus.settle();
    bus.together();
    bus.settle();
    let write = bus.write(1, checkpoint, b"text");
    bus.order(1);
    bus.deliver(1);
    assert_eq!(bus.reply(1, write), None, "the other does not have it yet");
    bus.deliver(2);
    bus.settle();
    assert_eq!(bus.reply(1, write), Some(Ok(())));
    let write = bus.write(1, checkpoint, b"other text");
    bus.order(1);
    bus.deliver(1);
    assert_eq!(bus.reply(1, write), None);
    bus.views(&[&[1], &[2]]);
    assert_eq!(bus.reply(1, write), None, "members of the new view may not have entered it");
    bus.settle();
    assert_eq!(bus.reply(1, write), Some(Ok(())), "all of the new view have it");
}

/// Two nodes, and a write of the first that is in the queue of the group when
/// the view changes. It is ordered, with what both announce.
fn written_before_a_view() -> (Bus, u32) {
    let mut bus = Bus::of(&[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    let write = bus.write(1, checkpoint, b"text");
    bus.together();
    bus.order(1);
    bus.order(1);
    bus.order(2);
    (bus, write)
}

#[test]
fn what_was_held_and_is_stable_already_is_answered_at_once() {
    let (mut bus, write) = written_before_a_view();
    for number in [1, 1, 2, 2, 2] {
        bus.deliver(number);
    }
    assert_eq!(bus.reply(1, write), None, "the other is not known to have announced itself");
    bus.deliver(1);
    assert_eq!(bus.reply(1, write), Some(Ok(())));
}

#[test]
fn what_another_still_holds_is_not_answered() {
    let (mut bus, write) = written_before_a_view();
    for number in [1, 1, 2, 1] {
        bus.deliver(number);
    }
    assert_eq!(bus.phase(1), "serving");
    assert_eq!(bus.reply(1, write), None, "the other has it, but does not know the plan yet");
    bus.settle();
    assert_eq!(bus.reply(1, write), Some(Ok(())));
}

#[test]
fn a_node_with_the_state_takes_no_time_from_who_drives_it() {
    let mut bus = Bus::default();
    bus.start(&[1]);
    assert_eq!(bus.member(1).node.poll_timeout(), None);
    bus.member(1).node.handle_timeout(NOW);
    assert!(!bus.step());
}
