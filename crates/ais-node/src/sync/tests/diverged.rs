//! Members that come along from the same view, and were given something else there.

use super::bus::{Bus, Number};
use crate::sync::Message;

/// Three nodes with a checkpoint, in which the second one is given another text
/// than the others by the same message.
fn diverged() -> Bus {
    let mut bus = Bus::of(&[1, 2, 3]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.settle();
    bus.write(1, checkpoint, b"written");
    assert!(bus.order(1));
    bus.deliver_changed(2, |bytes| *bytes.last_mut().unwrap() ^= 1);
    while bus.step() {}
    assert_eq!(bus.read(1, "a").unwrap(), b"written");
    assert_ne!(bus.read(2, "a").unwrap(), b"written");
    bus.settle();
    bus
}

fn check_healed(bus: &mut Bus) {
    bus.settle();
    bus.check_synced();
    for number in [1, 2, 3] {
        assert_eq!(bus.read(number, "a").unwrap(), b"written", "node {number}");
    }
}

#[test]
fn who_was_given_something_else_is_a_side_of_its_own_in_the_next_view() {
    let mut bus = diverged();
    bus.together();
    check_healed(&mut bus);
    let told = |number| bus.members[&number].node.sync_status().divergences;
    assert_eq!([1, 2, 3].map(told), [1, 2, 1]);
}

#[test]
fn who_leaves_the_others_for_a_moment_is_a_side_of_its_own() {
    let mut bus = diverged();
    bus.comes_alone(2);
    bus.together();
    check_healed(&mut bus);
}

#[test]
fn whoever_was_given_the_same_is_not() {
    let mut bus = Bus::of(&[1, 2, 3]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.write(1, checkpoint, b"written");
    bus.order(1);
    bus.deliver(2);
    bus.together();
    check_healed(&mut bus);
    assert_eq!(bus.members[&1].node.sync_status().divergences, 0);
    assert_eq!(bus.members[&1].node.sync_status().attempt, 0, "nothing was sent");
}

/// Which of the members ask for a new view.
fn ask_for_a_view(bus: &mut Bus) -> Vec<Number> {
    let mut all: Vec<_> = bus.members.keys().copied().collect();
    all.retain(|number| bus.member(*number).node.external().wanted_view().is_some());
    all
}

#[test]
fn members_compare_what_they_were_given_and_the_view_ends_if_it_differs() {
    let mut bus = diverged();
    let mut compare = |seconds| {
        bus.pass(seconds);
        bus.settle();
        ask_for_a_view(&mut bus)
    };
    assert_eq!(compare(9), [], "it is not time");
    assert_eq!(compare(1), [], "it is not known yet");
    assert_eq!(compare(10), [2], "who differs from the lowest one");
    bus.together();
    check_healed(&mut bus);
}

/// Three sides meet, and a member that is to send the state of one is given something
/// else in the place of an announcement, which is then missing there: it makes no plan,
/// the others wait for its state, and nobody serves.
#[test]
fn members_compare_what_they_were_given_also_where_nobody_serves() {
    for deaf in [1, 2, 4] {
        let mut bus = Bus::of(&[1, 2, 3, 4]);
        bus.views(&[&[1], &[2, 3], &[4]]);
        bus.settle();
        bus.open(2, "a").unwrap();
        bus.together();
        for from in [1, 2, 3, 4] {
            assert!(bus.order(from));
            if from == deaf % 4 + 1 {
                // Of another view.
                bus.deliver_changed(deaf, |bytes| bytes[1] ^= 1);
            }
            while (1..=4).any(|number| bus.deliver(number)) {}
        }
        bus.settle();
        for number in [1, 2, 3, 4] {
            let phase = if number == deaf { "gathering" } else { "merging" };
            assert_eq!(bus.phase(number), phase, "node {number}, {deaf} is deaf");
        }
        for _ in 0..2 {
            assert_eq!(ask_for_a_view(&mut bus), []);
            bus.pass(10);
            bus.settle();
        }
        let others = if deaf == 1 { vec![2, 3, 4] } else { vec![deaf] };
        assert_eq!(ask_for_a_view(&mut bus), others, "who differs from the lowest one");
        bus.together();
        bus.settle();
        bus.check_synced();
    }
}

/// What one member was told of another in a view, it is told again in the next.
#[test]
fn who_a_member_is_shows_with_each_of_its_announcements() {
    let mut bus = Bus::default();
    bus.start(&[1, 2, 3]);
    bus.together();
    for from in [1, 2, 3] {
        assert!(bus.order(from));
    }
    while bus.deliver(1) || bus.deliver(3) {}
    assert!(bus.deliver(2) && bus.deliver(2));
    // When node 3 was booted.
    bus.deliver_changed(2, |bytes| *bytes.last_mut().unwrap() ^= 1);
    bus.settle();
    assert_ne!(bus.member(1).node.digest(), bus.member(2).node.digest());
    bus.together();
    bus.settle();
    bus.check_synced();
}

/// Lets everything happen; but of the parts of its state that `sender` sends, all
/// others are given another message in the place of one. How many there are.
fn give_another_part(bus: &mut Bus, sender: Number, place: usize, change: fn(&mut [u8])) -> usize {
    let numbers: Vec<_> = bus.members.keys().copied().collect();
    let mut parts: Vec<usize> = vec![0; numbers.len()];
    let mut is_busy = true;
    while is_busy {
        is_busy = false;
        for (number, parts) in numbers.iter().zip(&mut parts) {
            is_busy |= bus.order(*number);
            let next = bus.next(*number).map(|(from, bytes)| (from, bytes.to_vec()));
            let is_part = next.is_some_and(|(from, bytes)| {
                let part = bus.member(*number).node.sync().decode(&bytes);
                let is_part = matches!(
                    part,
                    Ok((_, Message::Chunk { .. } | Message::End { .. } | Message::Fill { .. }))
                );
                is_part && from == sender
            });
            *parts += usize::from(is_part);
            if is_part && *parts == place + 1 && *number != sender {
                bus.deliver_changed(*number, change);
                is_busy = true;
            } else {
                is_busy |= bus.deliver(*number);
            }
        }
    }
    bus.check_equal();
    parts.into_iter().max().unwrap()
}

/// What is checked where parts of a state are other ones for all but their sender.
fn check_other_parts(start: impl Fn() -> Bus, sender: Number) {
    // With another byte, and of another view.
    let changes: [fn(&mut [u8]); 2] =
        [|bytes| *bytes.last_mut().unwrap() ^= 1, |bytes| bytes[1] ^= 1];
    for (is_missing, change) in [false, true].into_iter().zip(changes) {
        for place in 0.. {
            let mut bus = start();
            let parts = give_another_part(&mut bus, sender, place, change);
            if place == parts {
                assert!(parts > 3, "{parts}");
                break;
            }
            let mut others: Vec<_> = bus.members.keys().copied().collect();
            others.retain(|number| *number != sender);
            // That an end is missing nobody can know, and who is sent the state waits.
            let asked = ask_for_a_view(&mut bus);
            let is_noticed = asked == others || is_missing && asked.is_empty();
            assert!(is_noticed, "part {place} of {parts}: {asked:?}");
            bus.together();
            bus.settle();
            bus.check_synced();
            let first = bus.read(1, "a").unwrap();
            assert_eq!(first.len(), 70_000);
            for number in others {
                assert_eq!(bus.read(number, "a").unwrap(), first, "part {place}");
            }
        }
    }
}

/// A member that has the state and one that is sent it are given the same part, and
/// their sender has sent another one.
#[test]
fn another_part_of_a_state_is_not_taken_by_who_joins() {
    let start = || {
        let mut bus = Bus::of(&[1, 2]);
        let checkpoint = bus.open(1, "a").unwrap();
        bus.write(1, checkpoint, &[1; 70_000]);
        bus.settle();
        bus.start(&[3]);
        bus.together();
        bus
    };
    check_other_parts(start, 1);
}

#[test]
fn another_part_of_a_state_is_not_taken_by_sides_that_meet() {
    for sender in [1, 2] {
        let start = || {
            let mut bus = Bus::of(&[1, 2, 3]);
            bus.views(&[&[1], &[2, 3]]);
            bus.settle();
            for number in [1, 2] {
                let checkpoint = bus.open(number, "a").unwrap();
                bus.write(number, checkpoint, &[number; 70_000]);
            }
            bus.settle();
            bus.together();
            bus
        };
        check_other_parts(start, sender);
    }
}
