//! What becomes of a unit that loses a component, and of the others.

use super::*;

const A_CAUSE: u8 = 5;
const NOT_RESPONDING: u8 = 30;

/// Two units at work: x active, y standby.
fn pair() -> Rig {
    let mut rig = Rig::raid("xyz");
    rig.start(&["a_x", "b_x", "a_y", "b_y"]);
    for program in ["a_x", "b_x", "a_y", "b_y"] {
        rig.seen(program);
    }
    rig
}

/// Two were active side by side, and died before those that take over answered.
#[test]
fn each_successor_of_two_is_told_whose_work_it_goes_on_with() {
    let mut rig = Rig::new(1, vec![Group { active_units: 2, ..displaced::lone("wxyz") }]);
    rig.start(&["a_w", "a_x"]);
    assert_eq!(rig.active("pgA"), ["a_w", "a_x"]);
    for program in ["a_y", "a_z"] {
        rig.open(program, 0).conduct = Conduct::Sleeps;
        rig.register(program).unwrap();
    }
    ["a_w", "a_x"].iter().for_each(|program| rig.kill(program));
    rig.run();
    ["a_y", "a_z"].iter().for_each(|program| rig.program(program).conduct = Conduct::Answers);
    rig.run();
    rig.expect("a_y", &["InService", "pgA Active a_w NotQuiesced"]);
    rig.expect("a_z", &["InService", "pgA Active a_x NotQuiesced"]);
}

#[test]
fn the_standby_waits_until_the_living_have_let_go() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.kill("a_x");
    rig.run();
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    rig.expect("a_y", &[]);
    rig.dispatch("b_x");
    rig.run();
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Quiesced));
    rig.expect("a_y", &[]);
    rig.dispatch("b_x");
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.expect("b_y", &["pgB Active b_x Quiesced"]);
}

#[test]
fn a_unit_that_dies_whole_is_followed_at_once() {
    let mut rig = pair();
    rig.kill("a_x");
    rig.kill("b_x");
    while rig.deliver() {}
    rig.run();
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
}

#[test]
fn a_process_loses_all_components_of_its_handle() {
    let mut rig = Rig::raid("xy");
    rig.open("a_x", 0);
    rig.register("a_x").unwrap();
    let both = Request::Register { component: name("b_x"), proxy: None };
    assert_eq!(rig.call("a_x", both).0, Ok(()));
    rig.run();
    rig.expect("a_x", &["InService", "InService", "pgA Active", "pgB Active"]);
    rig.start(&["a_y", "b_y"]);
    rig.kill("a_x");
    rig.run();
    assert_eq!(rig.ha_state("a_y", "pgA"), Ok(HaState::Active));
    assert_eq!(rig.ha_state("b_y", "pgB"), Ok(HaState::Active));
    for component in ["a_x", "b_x"] {
        rig.start(&[component]);
    }
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
}

#[test]
fn one_that_comes_back_early_waits_until_its_unit_is_out() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.unregister("a_x").unwrap();
    rig.register("a_x").unwrap();
    rig.run();
    rig.expect("a_x", &[]);
    rig.program("b_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService", "InService", "pgB Standby b_y"]);
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
}

#[test]
fn a_unit_without_work_goes_straight_out_of_service() {
    let mut rig = Rig::new(1, vec![Group { backup_units: Some(0), ..raid("xy") }]);
    rig.start(&["a_x", "b_x", "a_y", "b_y"]);
    rig.expect("a_y", &["InService"]);
    rig.kill("b_y");
    rig.run();
    rig.expect("a_y", &["OutOfService"]);
    rig.start(&["b_y"]);
    rig.expect("a_y", &["InService"]);
    rig.kill("b_x");
    rig.run();
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
}

#[test]
fn a_unit_on_its_way_in_turns_back() {
    let mut rig = Rig::raid("x");
    rig.start(&["a_x"]);
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.start(&["b_x"]);
    rig.kill("b_x");
    rig.run();
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_x", &["InService", "OutOfService"]);
}

#[test]
fn a_standby_that_is_lost_leaves_its_place_to_a_spare() {
    let mut rig = Rig::new(1, vec![Group { backup_units: Some(1), ..raid("xyz") }]);
    rig.start(&["a_x", "b_x", "a_y", "b_y", "a_z", "b_z"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x"]);
    rig.expect("a_z", &["InService"]);
    rig.kill("b_y");
    rig.run();
    rig.expect("a_z", &["pgA Standby a_x"]);
    rig.kill("b_x");
    rig.run();
    rig.expect("a_z", &["pgA Active a_x Quiesced"]);
}

#[test]
fn a_departed_node_takes_its_components_along() {
    let mut rig = Rig::new(3, vec![raid("xyz")]);
    rig.start_on(0, "a_x");
    rig.start_on(1, "b_x");
    rig.start_on(2, "a_y");
    rig.start_on(2, "b_y");
    rig.seen("a_x");
    rig.seen("a_y");
    rig.node_leaves(1);
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced"]);
    rig.start_on(0, "b_x");
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
}

#[test]
fn an_error_report_takes_the_unit_out_until_it_is_cancelled() {
    for recovery in [Recovery::NoRecommendation, Recovery::ComponentFailover] {
        let mut rig = pair();
        rig.report("b_x", recovery, A_CAUSE).unwrap();
        rig.run();
        rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
        rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
        rig.expect("a_y", &["pgA Active a_x Quiesced"]);
        // A second report, and a repair of the wrong one, change nothing.
        rig.report("b_x", recovery, A_CAUSE).unwrap();
        rig.cancel_errors("a_x").unwrap();
        rig.advance(10_000);
        rig.expect("a_x", &[]);
        rig.cancel_errors("b_x").unwrap();
        rig.run();
        rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    }
}

#[test]
fn registering_anew_ends_an_error_too() {
    let mut rig = pair();
    rig.report("b_x", Recovery::NoRecommendation, A_CAUSE).unwrap();
    rig.run();
    rig.unregister("b_x").unwrap();
    rig.register("b_x").unwrap();
    rig.run();
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Standby));
}

#[test]
fn nobody_waits_for_one_reported_as_not_responding() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.report("b_x", Recovery::NoRecommendation, NOT_RESPONDING).unwrap();
    rig.run();
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
    // If it lives, it knows.
    rig.program("b_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.cancel_errors("b_x").unwrap();
    rig.run();
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
}
