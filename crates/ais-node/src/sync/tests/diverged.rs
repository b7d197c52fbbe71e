//! Members that come along from the same view, and were given something else there.

use super::bus::{Bus, Number};

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
    all.retain(|number| bus.member(*number).node.fake().is_anew);
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
