//! A node that is about to leave gives its work away first.

use super::*;

impl Rig {
    /// A node says that it is about to leave.
    pub(super) fn drain(&mut self, number: usize) {
        let replica = &mut self.nodes[number];
        replica.amf.drain(&mut replica.fx);
        self.apply(number);
    }

    pub(super) fn at_work(&self, number: usize) -> Vec<String> {
        self.nodes[number].amf.at_work().map(ToString::to_string).collect()
    }
}

/// Units x, y and z on a node each, x active.
fn three() -> Rig {
    let mut rig = Rig::new(3, vec![raid("xyz")]);
    for (node, unit) in ["x", "y", "z"].into_iter().enumerate() {
        ["a", "b"].iter().for_each(|of| rig.start_on(node, &format!("{of}_{unit}")));
    }
    for program in ["a_x", "b_x", "a_y", "b_y", "a_z", "b_z"] {
        rig.seen(program);
    }
    rig
}

#[test]
fn others_take_over_when_all_have_let_go() {
    let mut rig = three();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.drain(0);
    rig.run();
    rig.expect("a_x", &["pgA Quiesced"]);
    rig.expect("a_y", &[]);
    assert_eq!(rig.at_work(0), ["a_x", "b_x"]);
    rig.program("b_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_x", &["OutOfService"]);
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    assert_eq!(rig.at_work(0), [""; 0]);
    let reason = &rig.nodes[2].amf.show(0, 1).items[0].unit_reason;
    assert_eq!(reason, "node 10.0.0.1 is about to leave");
    // It says so once more, and an operator repairs what there is.
    rig.drain(0);
    rig.operate(Operation::Repaired, Target::Node(node(0))).unwrap();
    rig.cancel_errors("a_x").unwrap();
    rig.run();
    // Nothing comes into service there, not even what registers anew.
    rig.kill("b_x");
    rig.start_on(0, "b_x");
    rig.expect("b_x", &[]);
    rig.expect("a_x", &[]);
}

#[test]
fn a_standby_and_a_spare_leave_in_order_too() {
    let mut rig = three();
    rig.drain(1);
    rig.run();
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
    rig.kill("a_x");
    rig.run();
    rig.expect("a_y", &[]);
    rig.expect("a_z", &["pgA Active a_x NotQuiesced"]);
}

#[test]
fn one_that_does_not_answer_is_not_waited_for() {
    let mut rig = three();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.drain(0);
    rig.advance(4_900);
    rig.expect("a_y", &[]);
    rig.advance(300);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    assert_eq!(rig.at_work(0), [""; 0]);
}

#[test]
fn a_node_that_comes_back_is_in_service_again() {
    let mut rig = three();
    rig.drain(0);
    rig.run();
    rig.restart(0);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.model().assert_at_work();
}

#[test]
fn a_crash_in_the_middle_ends_it() {
    let mut rig = three();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.drain(0);
    rig.run();
    rig.restart(0);
    rig.run();
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
}

#[test]
fn sides_that_meet_know_who_is_about_to_leave() {
    for ranked in [[&[0][..], &[1, 2]], [&[1, 2][..], &[0]]] {
        let mut rig = three();
        rig.divide(&[&[0], &[1, 2]], false);
        rig.run();
        rig.drain(0);
        rig.run();
        rig.seen("a_x");
        rig.heal(&ranked);
        rig.run();
        rig.expect("a_x", &[]);
        assert_eq!(rig.at_work(0), [""; 0]);
    }
}

#[test]
fn who_is_no_member_drains_nothing() {
    let mut rig = three();
    rig.drain(0);
    rig.node_leaves(0);
    let left = rig.model().clone();
    rig.nodes[1].amf.model.drain(node(0));
    assert_eq!(format!("{:?}", rig.nodes[1].amf.model), format!("{left:?}"));
}
