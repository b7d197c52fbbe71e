//! Members that come along from the same view, and were given something else there.

use super::bus::{Bus, NOW};
use crate::Now;

/// Three nodes with a checkpoint, in which the second one is given another text
/// than the others by the same message.
fn diverged() -> Bus {
    let mut bus = Bus::of(&[1, 2, 3]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.settle();
    bus.write(1, checkpoint, b"written");
    assert!(bus.order(1));
    bus.deliver_changed(2);
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

#[test]
fn members_compare_what_they_were_given_and_the_view_ends_if_it_differs() {
    let later = |seconds: u64| Now { monotonic: seconds * 1_000_000_000, ..NOW };
    let mut bus = diverged();
    let anew = |bus: &mut Bus| [1, 2, 3].map(|number| bus.member(number).node.fake().is_anew);
    let compare = |bus: &mut Bus, now| {
        for number in [1, 2, 3] {
            bus.member(number).node.handle_timeout(now);
        }
        bus.settle();
    };
    compare(&mut bus, later(9));
    assert_eq!(anew(&mut bus), [false; 3], "it is not time");
    compare(&mut bus, later(10));
    assert_eq!(anew(&mut bus), [false; 3], "it is not known yet");
    compare(&mut bus, later(20));
    assert_eq!(anew(&mut bus), [false, true, false], "who differs from the lowest one");
    bus.together();
    check_healed(&mut bus);
}
