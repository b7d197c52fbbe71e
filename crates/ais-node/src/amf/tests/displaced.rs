//! Processes whose component another one has after a merge, and who takes over
//! what they do.

use super::sides::spoken_for_elsewhere;
use super::*;

/// Units of one component each: x has a_x, and so on.
pub(super) fn lone(units: &str) -> Group {
    let mut group = raid(units);
    group.units.iter_mut().for_each(|unit| unit.components.truncate(1));
    group.protection_groups.truncate(1);
    group
}

/// The first node, with components of which a_x is at work, lost sight of the
/// others. There a_x@2 was registered, and does not answer. The sides are about
/// to meet, the first node as the last in rank, and a_x does not answer either.
fn parted(group: Group, first: &[&str]) -> Rig {
    let mut rig = Rig::new(3, vec![group]);
    rig.start(first);
    rig.part();
    first.iter().for_each(|program| drop(rig.seen(program)));
    rig
}

impl Rig {
    fn part(&mut self) {
        self.divide(&[&[1, 2], &[0]], false);
        self.open("a_x@2", 1).conduct = Conduct::Sleeps;
        assert_eq!(self.register("a_x@2"), Ok(()));
        self.run();
        self.program("a_x").conduct = Conduct::Sleeps;
    }

    /// A program begins to answer, what it was asked already, too.
    fn awake(&mut self, program: &str) {
        self.program(program).conduct = Conduct::Answers;
        self.run();
    }

    /// Nobody but a_x is active, and then a_y is.
    #[track_caller]
    fn expect_takeover(&mut self, let_go: impl FnOnce(&mut Self)) {
        self.expect("a_y", &WAITS);
        let_go(self);
        self.run();
        self.expect("a_y", &["pgA Active"]);
    }
}

const SIDES: &[&[usize]] = &[&[1, 2], &[0]];

fn displaced() -> Rig {
    let mut rig = parted(lone("xy"), &["a_x", "a_y"]);
    rig.heal(SIDES);
    rig.run();
    rig
}

/// What a_y is told as long as a_x does not answer.
const WAITS: [&str; 4] = ["pgA Quiesced", "OutOfService", "InService", "pgA Standby"];

#[test]
fn others_wait_until_it_has_answered_all() {
    let mut rig = displaced();
    rig.expect_takeover(|rig| {
        let invocation = rig.take("a_x").unwrap().invocation().unwrap();
        assert_eq!(rig.answer("a_x", invocation, Ok(())), Ok(()));
        rig.run();
        rig.expect("a_y", &[]);
        rig.awake("a_x");
    });
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.awake("a_x@2");
    rig.expect("a_x@2", &["InService", "pgA Standby a_y"]);
    rig.model().assert_at_work();
}

#[test]
fn a_refusal_is_an_answer() {
    displaced().expect_takeover(|rig| {
        rig.program("a_x").conduct = Conduct::Refuses;
    });
}

#[test]
fn others_take_over_when_it_has_died() {
    displaced().expect_takeover(|rig| rig.kill("a_x"));
}

#[test]
fn others_take_over_when_its_node_has_left() {
    let mut rig = parted(lone("xy"), &["a_x"]);
    rig.heal(SIDES);
    rig.start_on(2, "a_y");
    rig.expect("a_y", &["InService", "pgA Standby"]);
    rig.node_leaves(0);
    rig.run();
    rig.expect("a_y", &["pgA Active"]);
}

#[test]
fn one_that_sees_no_question_is_waited_for_as_long_as_any_component() {
    let mut rig = displaced();
    rig.advance(4_900);
    rig.expect("a_y", &WAITS);
    rig.advance(300);
    rig.expect("a_y", &["pgA Active"]);
    // What it was asked may be answered all the same.
    rig.awake("a_x");
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &[]);
}

#[test]
fn one_that_sees_it_has_no_longer_than_others_to_let_go() {
    let mut rig = displaced();
    rig.take("a_x");
    rig.advance(900);
    rig.expect("a_y", &WAITS);
    rig.advance(300);
    rig.expect("a_y", &["pgA Active"]);
}

#[test]
fn the_process_that_has_the_component_waits_too() {
    for model in [RedundancyModel::NPlusM, RedundancyModel::TwoN, RedundancyModel::NoRedundancy] {
        let mut rig = parted(Group { model, ..lone("x") }, &["a_x"]);
        rig.heal(SIDES);
        rig.awake("a_x@2");
        let told = rig.seen("a_x@2");
        assert!(!told.iter().any(|of| of.contains("Active")), "{told:?}");
        rig.awake("a_x");
        rig.expect("a_x@2", &["pgA Active"]);
        rig.model().assert_at_work();
    }
}

#[test]
fn nobody_waits_for_a_standby() {
    let mut rig = parted(lone("yx"), &["a_y", "a_x"]);
    rig.heal(SIDES);
    rig.run();
    rig.expect("a_y", &["pgA Quiesced", "OutOfService", "InService", "pgA Active"]);
    rig.awake("a_x");
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
}

#[test]
fn a_second_active_unit_has_room_beside_it() {
    let mut rig = parted(Group { active_units: 2, ..lone("xyz") }, &["a_x", "a_y", "a_z"]);
    rig.heal(SIDES);
    rig.run();
    assert_eq!(rig.model().displaced_on(node(0)).count(), 1);
    rig.expect("a_y", &["pgA Quiesced", "OutOfService", "InService", "pgA Active"]);
    let told = rig.seen("a_z");
    assert!(!told.iter().any(|of| of.contains("Active")), "{told:?}");
    rig.awake("a_x");
    rig.expect("a_z", &["pgA Active a_y StillActive"]);
}

#[test]
fn an_instance_has_no_room_beside_it() {
    let mut group = Group { active_units: 2, ..lone("xy") };
    group.protection_groups[0].active_members = Some(1);
    let mut rig = parted(group, &["a_x", "a_y"]);
    rig.heal(SIDES);
    rig.run();
    let told = rig.seen("a_y");
    assert!(!told.iter().any(|of| of.contains("Active")), "{told:?}");
    rig.awake("a_x");
    rig.expect("a_y", &["pgA Active"]);
}

/// a_x on the first node and a_x@3 on the second have lost a_x to a_x@2 on the
/// third, the only one that ranks before both.
#[test]
fn all_that_were_displaced_are_waited_for() {
    for first in ["a_x", "a_x@3"] {
        let mut rig = Rig::new(3, vec![lone("xy")]);
        rig.divide(&[&[2], &[1], &[0]], false);
        rig.open("a_x@2", 2).conduct = Conduct::Sleeps;
        rig.register("a_x@2").unwrap();
        for (number, program) in [(0, "a_x"), (1, "a_x@3")] {
            rig.start_on(number, program);
            rig.program(program).conduct = Conduct::Sleeps;
        }
        rig.start_on(1, "a_y");
        rig.heal(&[&[2], &[1], &[0]]);
        rig.run();
        assert_eq!(rig.active("pgA"), ["a_x", "a_x@3"], "as the programs have seen");
        assert!(!rig.seen("a_y").iter().any(|of| of.contains("Active")));
        rig.awake(first);
        assert!(!rig.seen("a_y").iter().any(|of| of.contains("Active")));
        ["a_x", "a_x@3"].iter().for_each(|program| rig.awake(program));
        rig.expect("a_y", &["pgA Active"]);
    }
}

#[test]
fn those_of_the_last_side_are_waited_for_while_others_are_taken_in() {
    let mut rig = Rig::new(3, vec![lone("xy")]);
    rig.divide(&[&[2], &[1], &[0]], false);
    rig.open("a_x@2", 2).conduct = Conduct::Sleeps;
    rig.register("a_x@2").unwrap();
    rig.start(&["a_x"]);
    rig.program("a_x").conduct = Conduct::Sleeps;
    // It was kept out of service, and need not be asked to come into it.
    rig.send_operation(1, Operation::Lock, Target::Unit(name("raid_y")));
    rig.open("a_y", 1).callbacks = Callbacks::CSI_SET;
    rig.register("a_y").unwrap();
    rig.run();
    rig.heal(&[&[2], &[1], &[0]]);
    rig.run();
    rig.expect("a_y", &["pgA Standby"]);
    rig.awake("a_x");
    rig.expect("a_y", &["pgA Active"]);
}

#[test]
fn the_end_that_it_was_asked_for_before_is_waited_for() {
    let mut rig = parted(lone("xy"), &["a_x", "a_y"]);
    rig.report("a_x", Recovery::ComponentRestart, 5).unwrap();
    rig.heal(SIDES);
    rig.run();
    rig.expect_takeover(|rig| rig.awake("a_x"));
    rig.expect("a_x", &["Terminate"]);
}

#[test]
fn an_answer_under_way_when_sides_met_is_one() {
    for kept in [true, false] {
        let mut rig = Rig::new(3, vec![lone("xy")]);
        rig.open("a_x", 0).callbacks = Callbacks::CSI_SET;
        rig.register("a_x").unwrap();
        rig.run();
        rig.part();
        rig.seen("a_x");
        rig.report("a_x", Recovery::NoRecommendation, 5).unwrap();
        let invocation = rig.take("a_x").unwrap().invocation().unwrap();
        if !kept {
            rig.send("a_x", Request::Response { invocation, result: Ok(()) });
        }
        rig.heal(SIDES);
        rig.start_on(2, "a_y");
        rig.expect("a_x", &["pgA Quiesced"]);
        if kept {
            rig.expect("a_y", &["InService", "pgA Standby"]);
            assert_eq!(rig.answer("a_x", invocation, Ok(())), Ok(()));
            rig.run();
        }
        assert!(rig.seen("a_y").contains(&"pgA Active".to_owned()));
    }
}

#[test]
fn whom_it_speaks_for_is_waited_for_too() {
    let mut rig = spoken_for_elsewhere();
    rig.program("a_x@2").conduct = Conduct::Sleeps;
    rig.heal(&[&[0], &[1]]);
    rig.start(&["b_x"]);
    rig.seen("b_x");
    (0..3).for_each(|_| rig.dispatch("a_x@2"));
    rig.run();
    rig.expect("b_x", &[]);
    rig.awake("a_x@2");
    rig.expect("b_x", &["pgB Active"]);
}

#[test]
fn who_parts_and_meets_again_or_joins_waits_on() {
    let mut rig = displaced();
    rig.divide(&[&[1, 2], &[0]], false);
    rig.run();
    rig.heal(SIDES);
    rig.restart(2);
    rig.run();
    assert!(!rig.seen("a_y").iter().any(|of| of.contains("Active")));
    rig.awake("a_x");
    rig.expect("a_y", &["pgA Active"]);
}

#[test]
fn it_may_have_the_component_again_before_it_has_let_go() {
    let mut rig = displaced();
    rig.kill("a_x@2");
    assert_eq!(rig.register("a_x"), Ok(()));
    rig.run();
    rig.expect("a_y", &WAITS);
    rig.awake("a_x");
    rig.expect("a_x", &["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_y"]);
    rig.model().assert_at_work();
}

/// Each time the sides part, another process has a_x on the first node, which is
/// alone then, and loses it when they meet.
#[test]
fn a_component_has_one_displaced_process_on_a_node_at_most() {
    let mut rig = displaced();
    for other in ["a_x@3", "a_x@4", "a_x@5"] {
        rig.divide(&[&[1, 2], &[0]], false);
        rig.start(&[other]);
        rig.program(other).conduct = Conduct::Sleeps;
        rig.heal(SIDES);
        rig.run();

        assert_eq!(rig.model().displaced_on(node(0)).count(), 1);
        assert_eq!(rig.active("pgA"), ["a_x"]);
    }
    rig.seen("a_y");
    rig.awake("a_x");
    rig.expect("a_y", &["pgA Active"]);
}

#[test]
fn the_end_of_another_handle_of_its_process_is_not_its_own() {
    let mut rig = displaced();
    rig.kill("a_x@2");
    let session = rig.program("a_x").session;
    let other = rig.open("a_x@3", 0);
    (other.session, other.conduct) = (session, Conduct::Sleeps);
    assert_eq!(rig.register("a_x@3"), Ok(()));
    let connection = rig.program("a_x@3").connection;
    let replica = &mut rig.nodes[0];
    replica.amf.on_handle_gone(connection, &mut replica.fx);
    rig.apply(0);
    rig.run();
    rig.expect_takeover(|rig| rig.awake("a_x"));
}

#[test]
fn a_node_that_is_about_to_leave_waits_for_it() {
    let mut rig = parted(lone("xy"), &["a_x"]);
    rig.heal(SIDES);
    rig.drain(0);
    rig.run();
    assert_eq!(rig.at_work(0), ["a_x"]);
    rig.awake("a_x");
    assert_eq!(rig.at_work(0), [""; 0]);
}
