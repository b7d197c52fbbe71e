//! What an operator has done to groups, units, components and nodes.

use super::*;
use Operation::{Lock, Repaired, Shutdown, SwitchOver, Unlock};
use ais_proto::amf::{PENDING_SHUTDOWN, PENDING_SWITCHOVER};

const A_CAUSE: u8 = 5;

fn group(text: &str) -> Target {
    Target::Group(name(text))
}

fn unit(text: &str) -> Target {
    Target::Unit(name(text))
}

fn at(number: usize) -> Target {
    Target::Node(node(number))
}

/// Units x on the first node and y on the second, x active; nobody is asked to
/// confirm anything.
fn pair() -> Rig {
    pair_with(Callbacks::all() - Callbacks::PENDING_OPERATION_CONFIRM)
}

fn pair_with(callbacks: Callbacks) -> Rig {
    let mut rig = Rig::new(2, vec![raid("xy")]);
    for (program, node) in [("a_x", 0), ("b_x", 0), ("a_y", 1), ("b_y", 1)] {
        rig.open(program, node).callbacks = callbacks;
        rig.register(program).unwrap();
        rig.run();
    }
    rig.look_away();
    rig
}

impl Rig {
    /// Whatever programs were asked so far does not matter.
    fn look_away(&mut self) {
        self.run();
        self.programs.values_mut().for_each(|program| program.seen.clear());
    }

    fn ha_state_on(&self, node: usize, component: &str, csi: &str) -> Result<HaState, AisError> {
        let model = &self.nodes[node].amf.model;
        let csi = model.find_instance(&name(csi)).unwrap();
        model.ha_state(model.find(&name(component)).unwrap(), csi)
    }

    fn accepted(&mut self, operation: Operation, target: Target) {
        let done = self.operate(operation, target.clone());
        assert!(done.is_ok(), "{operation:?} {target:?}: {done:?}");
    }

    #[track_caller]
    fn refused(&mut self, operation: Operation, target: Target, words: &str) {
        assert_eq!(self.operate(operation, target), Err(words.into()));
    }
}

#[test]
fn a_locked_unit_gives_its_work_to_another_and_stays_out() {
    let mut rig = pair();
    assert_eq!(rig.operate(Lock, unit("raid_x")), Ok("unit raid_x is locked".into()));
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    rig.kill("a_x");
    rig.start(&["a_x"]);
    rig.expect("a_x", &[]);
    rig.refused(Lock, unit("raid_x"), "unit raid_x is locked already");
    rig.refused(Shutdown, unit("raid_x"), "unit raid_x is locked already");
    assert_eq!(rig.operate(Unlock, unit("raid_x")), Ok("unit raid_x is unlocked".into()));
    rig.run();
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.refused(Unlock, unit("raid_x"), "unit raid_x is unlocked already");
}

#[test]
fn a_locked_group_is_out_as_a_whole() {
    let mut rig = pair();
    rig.accepted(Lock, group("raid"));
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
    rig.accepted(Lock, unit("raid_y"));
    let but = "unit raid_y is unlocked, but group raid is locked";
    assert_eq!(rig.operate(Unlock, unit("raid_y")), Ok(but.into()));
    rig.run();
    rig.expect("a_y", &[]);
    rig.accepted(Unlock, group("raid"));
    rig.run();
    rig.expect("a_x", &["InService", "pgA Active"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x"]);
}

#[test]
fn nothing_is_in_service_on_a_locked_node() {
    let mut rig = pair();
    rig.accepted(Lock, at(0));
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    // A unit may move to another node, and is locked there no more.
    rig.kill("a_x");
    rig.start_on(1, "a_x");
    rig.expect("a_x", &[]);
    rig.kill("b_x");
    rig.start_on(1, "b_x");
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    // The lock outlives the node's absence.
    rig.node_leaves(0);
    rig.refused(Lock, at(0), "node 10.0.0.1 is locked already");
    assert_eq!(rig.operate(Unlock, at(0)), Ok("node 10.0.0.1 is unlocked".into()));
    rig.refused(Lock, at(0), "node 10.0.0.1 is no member of the cluster");
}

#[test]
fn a_unit_that_is_shut_down_finishes_its_work() {
    let mut rig = pair();
    let beats = rig.program("a_x").heartbeats;
    rig.program("a_x").conduct = Conduct::Sleeps;
    assert_eq!(rig.operate(Shutdown, unit("raid_x")), Ok("unit raid_x is shut down".into()));
    rig.run();
    rig.expect("b_x", &["Stopping"]);
    assert_eq!(rig.readiness("b_x"), Readiness::Stopping);
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Active));
    rig.expect("a_y", &[]);
    // It works meanwhile, and is looked after.
    rig.program("a_x").conduct = Conduct::Answers;
    let stopping = rig.take("a_x").unwrap().invocation().unwrap();
    rig.advance(30_000);
    assert!(rig.program("a_x").heartbeats > beats + 200);
    rig.expect("a_y", &[]);
    let request = Request::StoppingComplete { invocation: stopping, result: Ok(()) };
    assert_eq!(rig.call("a_x", request).0, Ok(()));
    rig.run();
    rig.expect("a_x", &["Stopping", "pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    rig.refused(Shutdown, unit("raid_x"), "unit raid_x is shut down already");
    rig.accepted(Unlock, unit("raid_x"));
    rig.run();
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
}

#[test]
fn who_has_no_work_is_shut_down_at_once() {
    let mut rig = pair();
    rig.accepted(Shutdown, unit("raid_y"));
    rig.run();
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
    // A group's standbys do not take over what its active unit finishes.
    rig.accepted(Unlock, unit("raid_y"));
    rig.look_away();
    rig.accepted(Shutdown, group("raid"));
    rig.run();
    rig.expect("a_x", &["Stopping", "pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
}

#[test]
fn a_node_is_shut_down_too() {
    let mut rig = pair();
    rig.accepted(Shutdown, at(0));
    rig.run();
    rig.expect("a_x", &["Stopping", "pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
}

#[test]
fn a_shutdown_may_be_cut_short() {
    for operation in [Lock, Unlock] {
        let mut rig = pair();
        rig.program("a_x").conduct = Conduct::Sleeps;
        rig.accepted(Shutdown, unit("raid_x"));
        rig.run();
        let stopping = rig.take("a_x").unwrap().invocation().unwrap();
        rig.program("a_x").conduct = Conduct::Answers;
        rig.accepted(operation, unit("raid_x"));
        rig.run();
        if operation == Lock {
            rig.expect("a_x", &["Stopping", "pgA Quiesced", "OutOfService"]);
        } else {
            rig.expect("a_x", &["Stopping"]);
        }
        let request = Request::StoppingComplete { invocation: stopping, result: Ok(()) };
        assert_eq!(rig.call("a_x", request).0, Ok(()));
        rig.run();
        if operation == Unlock {
            // It was on its way out, and comes back.
            let back = ["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_y"];
            rig.expect("a_x", &back);
        }
    }
}

#[test]
fn who_does_not_finish_in_time_is_quiesced() {
    let mut rig = pair();
    rig.accepted(Shutdown, unit("raid_x"));
    // Both are handed the question; one keeps it.
    let kept = rig.take("a_x").unwrap().invocation().unwrap();
    rig.run();
    rig.advance(59_000);
    rig.expect("a_y", &[]);
    rig.advance(2_000);
    rig.expect("a_x", &["Stopping", "pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    let late = Request::StoppingComplete { invocation: kept, result: Ok(()) };
    assert_eq!(rig.call("a_x", late).0, Ok(()));
    assert_eq!(rig.unregister("a_x"), Ok(()));
}

#[test]
fn who_refuses_to_stop_has_failed() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Refuses;
    rig.accepted(Shutdown, unit("raid_x"));
    rig.run();
    rig.accepted(Unlock, unit("raid_x"));
    rig.run();
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
}

#[test]
fn a_switch_over_is_a_change_of_roles() {
    for target in [unit("raid_x"), group("raid")] {
        let mut rig = pair();
        rig.accepted(SwitchOver, target);
        rig.run();
        rig.expect("a_x", &["pgA Quiesced", "pgA Standby a_y"]);
        rig.expect("a_y", &["pgA Active a_x Quiesced"]);
        rig.model().assert_at_work();
        // And back.
        rig.accepted(SwitchOver, unit("raid_y"));
        rig.run();
        rig.expect("a_x", &["pgA Active a_y Quiesced"]);
        rig.expect("a_y", &["pgA Quiesced", "pgA Standby a_x"]);
    }
}

#[test]
fn a_switch_over_needs_a_standby() {
    let mut rig = pair();
    rig.refused(SwitchOver, unit("raid_y"), "unit raid_y is not active");
    rig.kill("b_y");
    rig.run();
    let words = "no standby is ready to take over from unit raid_x";
    rig.refused(SwitchOver, unit("raid_x"), words);
    rig.expect("a_x", &[]);
    let alone = Group { model: RedundancyModel::NoRedundancy, ..raid("xy") };
    let mut rig = Rig::new(1, vec![alone]);
    rig.start(&["a_x", "b_x"]);
    let words = "unit raid_x has no standby: its units stand for themselves";
    rig.refused(SwitchOver, unit("raid_x"), words);
}

#[test]
fn a_standby_that_dies_in_a_switch_over_leaves_the_work_where_it_was() {
    let mut rig = pair();
    rig.accepted(SwitchOver, unit("raid_x"));
    rig.kill("a_y");
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "pgA Active"]);
}

#[test]
fn who_does_not_let_go_in_a_switch_over_is_taken_out() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Refuses;
    rig.accepted(SwitchOver, unit("raid_x"));
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
}

#[test]
fn what_is_switched_over_of_shared_work_goes_to_its_backup() {
    let mut rig = Rig::new(1, super::capabilities::shared(CapabilityModel::OneActiveOrYStandby));
    for program in ["one", "two", "back"] {
        rig.open(program, 0).callbacks -= Callbacks::PENDING_OPERATION_CONFIRM;
        rig.register(program).unwrap();
        rig.run();
    }
    rig.look_away();
    rig.accepted(SwitchOver, unit("unit_two"));
    rig.run();
    rig.expect("two", &["p2 Quiesced", "p2 Standby back"]);
    rig.expect("back", &["p1 Remove", "p2 Active two Quiesced flags 0"]);
    rig.expect("one", &[]);
    let words = "no standby is ready to take over from unit unit_one";
    rig.refused(SwitchOver, unit("unit_one"), words);
}

#[test]
fn components_at_work_confirm_what_is_pending() {
    let mut rig = pair_with(Callbacks::all());
    for (operation, flags) in [(SwitchOver, PENDING_SWITCHOVER), (Shutdown, PENDING_SHUTDOWN)] {
        let (active, other) = if operation == SwitchOver { ("x", "y") } else { ("y", "x") };
        let target = unit(&format!("raid_{active}"));
        let words = rig.operate(operation, target).unwrap();
        assert!(words.ends_with("waits for 2 components to confirm it"), "{words}");
        let pending = |rig: &mut Rig, component: &str| {
            let request = Request::PendingOperationGet { component: name(component) };
            let (result, body) = rig.call("a_x", request);
            result.map(|()| Reader::new(&body).u32().unwrap())
        };
        assert_eq!(pending(&mut rig, &format!("b_{active}")), Ok(flags));
        assert_eq!(pending(&mut rig, &format!("b_{other}")), Ok(0));
        let words = rig.operate(SwitchOver, group("raid")).unwrap_err();
        assert!(words.contains(&format!("unit raid_{active} to confirm it")), "{words}");
        rig.run();
        let seen = rig.seen(&format!("a_{active}"));
        assert_eq!(seen[0], format!("Confirm {flags}"));
        assert!(seen.contains(&"pgA Quiesced".into()), "{seen:?}");
        assert_eq!(pending(&mut rig, &format!("b_{active}")), Ok(0));
        rig.look_away();
    }
    assert_eq!(rig.ha_state("a_x", "pgA"), Ok(HaState::Active));
    assert_eq!(rig.readiness("a_y"), Readiness::OutOfService);
}

#[test]
fn what_is_not_confirmed_is_not_done() {
    for conduct in [Conduct::Refuses, Conduct::Sleeps] {
        let mut rig = pair_with(Callbacks::all() - Callbacks::HEALTHCHECK);
        rig.program("a_x").conduct = conduct;
        rig.accepted(SwitchOver, unit("raid_x"));
        rig.advance(10_000);
        rig.program("a_x").conduct = Conduct::Answers;
        rig.run();
        rig.expect("a_x", &["Confirm 1", "Expired 1"]);
        rig.expect("b_x", &["Confirm 1", "Expired 1"]);
        rig.expect("a_y", &[]);
        assert_eq!(rig.ha_state("a_x", "pgA"), Ok(HaState::Active));
        rig.accepted(SwitchOver, unit("raid_x"));
        rig.run();
        assert_eq!(rig.ha_state("a_y", "pgA"), Ok(HaState::Active));
    }
}

#[test]
fn what_cannot_be_done_any_more_when_it_is_confirmed_is_given_up() {
    let mut rig = pair_with(Callbacks::all());
    rig.accepted(SwitchOver, unit("raid_x"));
    rig.kill("a_y");
    rig.run();
    rig.expect("a_x", &["Confirm 1", "Expired 1"]);
    let shown = rig.nodes[0].amf.show(0, 1).items.remove(0);
    let words = "a switch-over of unit raid_x is given up: no standby is ready to take over from \
                 unit raid_x";
    assert_eq!((shown.pending, shown.group_reason.as_str()), (None, words));
}

#[test]
fn an_operator_may_take_back_what_is_pending_or_do_it_at_once() {
    let mut rig = pair_with(Callbacks::all());
    rig.accepted(Shutdown, unit("raid_x"));
    let words = "a shutdown of unit raid_x is given up";
    assert_eq!(rig.operate(Unlock, unit("raid_x")), Ok(words.into()));
    rig.run();
    rig.expect("a_x", &["Confirm 2", "Expired 2"]);
    rig.accepted(Shutdown, unit("raid_x"));
    rig.accepted(Lock, unit("raid_x"));
    rig.run();
    rig.expect("a_x", &["Confirm 2", "Expired 2", "pgA Quiesced", "OutOfService"]);
}

#[test]
fn one_that_dies_has_confirmed() {
    let mut rig = pair_with(Callbacks::all());
    rig.accepted(Shutdown, unit("raid_x"));
    rig.kill("a_x");
    rig.run();
    rig.expect("b_x", &["Confirm 2", "pgB Quiesced", "OutOfService"]);
    rig.start(&["a_x"]);
    rig.expect("a_x", &[]);
    rig.accepted(Unlock, unit("raid_x"));
}

#[test]
fn errors_are_repaired() {
    for target in [Target::Component(name("b_x")), unit("raid_x"), group("raid"), at(0)] {
        let mut rig = pair();
        rig.report("b_x", Recovery::NodeSwitchover, A_CAUSE).unwrap();
        rig.look_away();
        rig.accepted(Repaired, target);
        rig.run();
        rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let mut rig = pair();
    rig.refused(Lock, group("none"), "there is no group none in groups.conf");
    rig.refused(Lock, unit("none"), "there is no unit none in groups.conf");
    let none = Target::Component(name("none"));
    rig.refused(Repaired, none, "there is no component none in groups.conf");
    let component = Target::Component(name("a_x"));
    let words = "a component is in service with its unit; name unit raid_x";
    rig.refused(Lock, component, words);
    let words = "a switch-over is of a group or a unit; shut the node down";
    rig.refused(SwitchOver, at(0), words);
    rig.refused(Unlock, at(0), "node 10.0.0.1 is unlocked already");
    rig.refused(Lock, at(7), "node 10.0.0.8 is no member of the cluster");
}

#[test]
fn what_an_operator_said_lives_as_long_as_one_member() {
    let mut rig = Rig::new(3, vec![raid("xy")]);
    rig.start_on(1, "a_x");
    rig.accepted(Lock, unit("raid_x"));
    rig.accepted(Shutdown, group("raid"));
    rig.accepted(Lock, at(2));
    // A node that joins has it from the others.
    rig.restart(0);
    rig.node_leaves(1);
    rig.node_leaves(2);
    rig.refused(Lock, unit("raid_x"), "unit raid_x is locked already");
    rig.refused(Shutdown, group("raid"), "group raid is shut down already");
    rig.refused(Lock, at(2), "node 10.0.0.3 is locked already");
}

#[test]
fn where_sides_meet_the_first_one_has_said_it() {
    let mut rig = pair();
    rig.divide(&[&[0], &[1]], false);
    let id = rig.send_operation(1, Lock, unit("raid_y"));
    rig.run();
    assert!(rig.replies.contains_key(&id));
    // Of its own nodes each side knows better.
    rig.send_operation(1, Lock, at(1));
    rig.run();
    rig.accepted(Lock, unit("raid_x"));
    rig.run();
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.refused(Lock, unit("raid_x"), "unit raid_x is locked already");
    rig.refused(Unlock, unit("raid_y"), "unit raid_y is unlocked already");
    rig.refused(Lock, at(1), "node 10.0.0.2 is locked already");
}

#[test]
fn what_waits_on_a_side_that_gives_way_is_given_up() {
    let mut rig = pair_with(Callbacks::all());
    rig.divide(&[&[0], &[1]], false);
    rig.look_away();
    assert_eq!(rig.ha_state_on(1, "a_y", "pgA"), Ok(HaState::Active));
    rig.send_operation(1, Shutdown, unit("raid_y"));
    while rig.deliver() {}
    let kept = rig.take("a_y").unwrap().invocation().unwrap();
    rig.heal(&[&[0], &[1]]);
    rig.run();
    let back = ["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_x"];
    rig.expect("a_y", &[&["Confirm 2", "Expired 2"][..], &back].concat());
    assert_eq!(rig.answer("a_y", kept, Ok(())), Ok(()));
    rig.accepted(SwitchOver, unit("raid_x"));
}

#[test]
fn an_operator_sees_why() {
    let mut rig = pair();
    let shown = |rig: &Rig, place: usize| rig.nodes[0].amf.show(place, 1).items.remove(0);
    assert_eq!(shown(&rig, 0).reason, "it registers from 10.0.0.1");
    assert_eq!(shown(&rig, 0).unit_reason, "all its components are registered and fit");
    rig.accepted(Lock, unit("raid_x"));
    rig.run();
    assert_eq!(shown(&rig, 0).unit_reason, "unit raid_x is locked");
    assert_eq!(shown(&rig, 0).unit_admin, AdminState::Locked);
    rig.kill("b_y");
    rig.run();
    let gone = "it is no longer registered: its process or library handle is gone";
    assert_eq!(shown(&rig, 3).reason, gone);
    assert_eq!(shown(&rig, 2).unit_reason, format!("component b_y: {gone}"));
    rig.report("a_x", Recovery::NodeSwitchover, A_CAUSE).unwrap();
    let [node] = &rig.nodes[0].amf.show_nodes()[..] else { panic!("one node") };
    assert_eq!((node.admin, node.fault.as_ref()), (AdminState::Unlocked, Some(&name("a_x"))));
}
