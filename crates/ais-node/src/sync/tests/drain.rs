//! A node that leaves in order: when it may, whatever happens meanwhile.

use super::bus::{Bus, NOW, Number, handle, name};
use super::quorum;
use crate::amf::config::Groups;
use crate::{Node, Now};
use ais_proto::{Request, ServiceId, amf};

/// A component in each of two units, which never counts as hung by itself.
fn groups() -> Groups {
    let mut groups = quorum::groups(&["x", "y"]);
    let units = groups.groups.iter_mut().flat_map(|group| &mut group.units);
    for component in units.flat_map(|unit| &mut unit.components) {
        component.callback_timeout = 3_600_000;
    }
    groups
}

/// Three nodes, x active on the first, y standby on the second.
fn at_work() -> Bus {
    let mut bus = Bus::default();
    bus.groups.extend([1, 2, 3].map(|number| (number, groups())));
    bus.start(&[1, 2, 3]);
    bus.together();
    bus.settle();
    register(&mut bus, 1, "x");
    register(&mut bus, 2, "y");
    bus
}

fn register(bus: &mut Bus, number: Number, unit: &str) {
    let component = name(&format!("component {unit}"));
    let register = Request::Amf(amf::Request::Register { component, proxy: None });
    let id = bus.ask(number, &handle(ServiceId::Amf), &register);
    bus.settle();
    assert_eq!(bus.reply(number, id), Some(Ok(())));
    while answer(bus, number) {}
}

/// The component on a node answers what it was asked. False if it was asked
/// nothing.
fn answer(bus: &mut Bus, number: Number) -> bool {
    let asked = std::mem::take(&mut bus.member(number).demands);
    for invocation in &asked {
        let request = amf::Request::Response { invocation: *invocation, result: Ok(()) };
        bus.ask(number, &handle(ServiceId::Amf), &Request::Amf(request));
    }
    bus.settle();
    !asked.is_empty()
}

/// Does something with a node, and gives what it says about its drain then.
fn with(bus: &mut Bus, number: Number, act: impl FnOnce(&mut Node)) -> Option<bool> {
    let member = bus.member(number);
    act(&mut member.node);
    member.take_outputs();
    member.may_leave
}

fn drain(bus: &mut Bus, number: Number) -> Option<bool> {
    with(bus, number, |node| node.prepare_leave(NOW))
}

fn later(seconds: u64) -> Now {
    Now { monotonic: NOW.monotonic + seconds * 1_000_000_000, wall: NOW.wall }
}

#[test]
fn it_waits_until_its_components_have_let_go() {
    let mut bus = at_work();
    assert_eq!(drain(&mut bus, 1), None);
    bus.settle();
    assert_eq!(bus.member(2).demands, [0; 0], "nobody takes over yet");
    assert!(answer(&mut bus, 1));
    assert_eq!(bus.member(1).may_leave, None, "quiesced, and still in service");
    assert!(answer(&mut bus, 1));
    assert_eq!(bus.member(1).may_leave, Some(true));
    assert_eq!(bus.member(2).demands.len(), 1, "it is told to be active");
    // It says so once.
    bus.member(1).may_leave = None;
    assert_eq!(drain(&mut bus, 1), None);
    bus.settle();
    assert_eq!(bus.member(1).may_leave, None);
}

#[test]
fn one_that_nothing_works_on_may_leave_at_once() {
    let mut bus = at_work();
    assert_eq!(drain(&mut bus, 3), Some(true));
    bus.start(&[4]);
    assert_eq!(drain(&mut bus, 4), Some(true), "it has not even joined");
}

#[test]
fn one_that_is_alone_may_leave_at_once() {
    let mut bus = at_work();
    bus.views(&[&[1], &[2, 3]]);
    bus.settle();
    assert_eq!(drain(&mut bus, 1), Some(true));
}

#[test]
fn one_that_gets_alone_may_leave() {
    let mut bus = at_work();
    assert_eq!(drain(&mut bus, 1), None);
    bus.views(&[&[1], &[2, 3]]);
    assert_eq!(bus.member(1).may_leave, Some(true));
}

#[test]
fn a_component_that_does_not_answer_is_not_waited_for_for_ever() {
    let mut bus = at_work();
    assert_eq!(drain(&mut bus, 1), None);
    bus.settle();
    let end = bus.member(1).node.poll_timeout().unwrap();
    assert_eq!(end, later(8).monotonic);
    assert_eq!(with(&mut bus, 1, |node| node.handle_timeout(later(7))), None);
    assert_eq!(with(&mut bus, 1, |node| node.handle_timeout(later(8))), Some(false));
}

#[test]
fn views_that_come_and_go_do_not_end_it() {
    let mut bus = at_work();
    assert_eq!(drain(&mut bus, 1), None);
    // Not even if it comes before the others know.
    bus.views(&[&[1, 2]]);
    bus.start(&[3]);
    bus.together();
    bus.settle();
    assert_eq!(bus.member(1).may_leave, None);
    assert!(answer(&mut bus, 1) && answer(&mut bus, 1));
    assert_eq!(bus.member(1).may_leave, Some(true));
    assert!(answer(&mut bus, 2));
    bus.check_synced();
}

#[test]
fn sides_that_meet_do_not_end_it() {
    for parts in [[&[1, 3][..], &[2]], [&[2, 3][..], &[1]]] {
        let mut bus = at_work();
        bus.views(&parts);
        bus.settle();
        while answer(&mut bus, 2) {}
        bus.together();
        let may_leave = drain(&mut bus, 1);
        bus.settle();
        assert_eq!(may_leave, None);
        // Whatever the merge has it do first.
        while answer(&mut bus, 1) || answer(&mut bus, 2) {}
        assert_eq!(bus.member(1).may_leave, Some(true), "{parts:?}");
        bus.check_synced();
    }
}

#[test]
fn it_comes_back_as_if_nothing_had_been() {
    let mut bus = at_work();
    drain(&mut bus, 1);
    while answer(&mut bus, 1) || answer(&mut bus, 2) {}
    bus.views(&[&[2, 3]]);
    bus.start(&[1]);
    bus.together();
    bus.settle();
    register(&mut bus, 1, "x");
    // Standby, as y is active: it can be taken over from again.
    assert_eq!(drain(&mut bus, 2), None);
    while answer(&mut bus, 1) || answer(&mut bus, 2) {}
    assert_eq!(bus.member(2).may_leave, Some(true));
    bus.check_synced();
}
