//! Nobody waits for a state for ever, even where all were given the same.

use super::bus::{Bus, Number};

/// Lets everything happen but what this node has to send, which is lost.
fn silence(bus: &mut Bus, number: Number) {
    loop {
        while bus.member(number).node.external().take_sent().is_some() {}
        if !bus.step() {
            break;
        }
    }
}

/// These are in these phases, and nothing comes from `silent` any more: those of them
/// that wait ask for a new view after a while, and that brings all together.
fn check(mut bus: Bus, silent: Number, phases: &[(Number, &str)]) {
    silence(&mut bus, silent);
    for (number, phase) in phases {
        assert_eq!(bus.phase(*number), *phase, "node {number}");
    }
    let ask = |bus: &mut Bus| {
        let asks = |number: &Number| bus.member(*number).node.external().wanted_view().is_some();
        phases.iter().map(|(number, _)| *number).filter(asks).collect::<Vec<_>>()
    };
    for seconds in [10, 10, 4] {
        bus.pass(seconds);
        silence(&mut bus, silent);
    }
    assert_eq!(ask(&mut bus), [], "it may still come: {phases:?}");
    bus.pass(1);
    let waiting = phases.iter().filter(|(_, phase)| *phase != "serving");
    assert_eq!(ask(&mut bus), waiting.map(|(number, _)| *number).collect::<Vec<_>>());
    bus.together();
    bus.settle();
    bus.check_synced();
}

/// Two nodes with much state, and one that starts, when that is in this phase.
fn joining(phase: &str) -> Bus {
    let mut bus = Bus::of(&[1, 2]);
    let checkpoint = bus.open(1, "a").unwrap();
    bus.write(1, checkpoint, &[1; 600_000]);
    bus.settle();
    bus.start(&[3]);
    bus.together();
    while bus.phase(3) != phase {
        assert!(bus.step());
    }
    bus
}

#[test]
fn for_an_announcement() {
    let mut bus = Bus::of(&[1, 2]);
    bus.start(&[3]);
    bus.together();
    check(bus, 3, &[(1, "gathering"), (2, "gathering"), (3, "gathering")]);
}

#[test]
fn for_the_heads_of_a_state() {
    check(joining("receiving"), 1, &[(1, "serving"), (2, "serving"), (3, "receiving")]);
}

#[test]
fn for_what_sections_hold_and_for_those_that_are_sent_that() {
    let mut bus = joining("filling");
    bus.start(&[4]);
    bus.together();
    while bus.phase(4) != "waiting" {
        assert!(bus.step());
    }
    check(bus, 1, &[(1, "serving"), (2, "serving"), (3, "filling"), (4, "waiting")]);
}

#[test]
fn for_the_state_of_another_side() {
    let mut bus = Bus::of(&[1, 2, 3]);
    bus.views(&[&[1], &[2, 3]]);
    bus.settle();
    bus.together();
    while bus.phase(1) != "merging" {
        assert!(bus.step());
    }
    check(bus, 2, &[(1, "merging"), (2, "merging"), (3, "merging")]);
}

#[test]
fn not_as_long_as_something_comes() {
    let mut bus = joining("filling");
    let mut waited = 0;
    while bus.phase(3) == "filling" {
        // The sender rests between two pieces, so that one comes every second time.
        bus.pass(10);
        for _ in 0..3 {
            bus.step();
        }
        waited += 10;
        let wanted = bus.member(3).node.external().wanted_view();
        assert_eq!(wanted, None, "after {waited} s");
    }
    assert!(waited > 60, "{waited} s");
    bus.check_synced();
}
