//! Answers: late, repeated, foreign, and those that say no.

use super::*;

/// The unit x with a_x asleep, and the first question it was asked.
fn asked() -> (Rig, i32) {
    let mut rig = Rig::raid("x");
    rig.start(&["a_x"]);
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.start(&["b_x"]);
    let invocation = rig.take("a_x").unwrap().invocation().unwrap();
    (rig, invocation)
}

#[test]
fn an_answer_counts_once_and_from_the_process_that_was_asked() {
    let (mut rig, invocation) = asked();
    assert!(invocation > 0);
    assert_eq!(rig.answer("b_x", invocation, Ok(())), Err(AisError::InvalidParam));
    for unknown in [0, -1, invocation + 1, i32::MAX, i32::MIN] {
        assert_eq!(rig.answer("a_x", unknown, Ok(())), Err(AisError::InvalidParam));
    }
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    assert_eq!(rig.answer("a_x", invocation, Ok(())), Ok(()));
    assert_eq!(rig.readiness("a_x"), Readiness::InService);
    assert_eq!(rig.answer("a_x", invocation, Ok(())), Err(AisError::InvalidParam));
}

#[test]
fn an_answer_may_come_on_any_connection_of_the_process() {
    let (mut rig, invocation) = asked();
    let session = rig.program("a_x").session;
    rig.open("another thread", 0).session = session;
    assert_eq!(rig.answer("another thread", invocation, Ok(())), Ok(()));
    assert_eq!(rig.readiness("a_x"), Readiness::InService);
}

#[test]
fn two_answers_under_way_are_one() {
    let (mut rig, invocation) = asked();
    let response = || Request::Response { invocation, result: Ok(()) };
    let (first, second) = (rig.send("a_x", response()), rig.send("a_x", response()));
    rig.run();
    assert_eq!(rig.replies[&first].0, Ok(()));
    assert_eq!(rig.replies[&second].0, Err(AisError::InvalidParam));
}

#[test]
fn an_answer_to_a_superseded_question_changes_nothing() {
    let (mut rig, invocation) = asked();
    rig.unregister("b_x").unwrap();
    rig.run();
    assert_eq!(rig.answer("a_x", invocation, Ok(())), Ok(()));
    assert_eq!(rig.answer("a_x", invocation, Ok(())), Err(AisError::InvalidParam));
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    rig.dispatch("a_x");
    rig.run();
    rig.start(&["b_x"]);
    rig.dispatch("a_x");
    rig.run();
    rig.expect("a_x", &["InService", "OutOfService", "InService"]);
    assert_eq!(rig.readiness("a_x"), Readiness::InService);
}

#[test]
fn an_answer_to_an_earlier_registration_changes_nothing() {
    let (mut rig, invocation) = asked();
    rig.unregister("a_x").unwrap();
    rig.register("a_x").unwrap();
    rig.run();
    assert_eq!(rig.answer("a_x", invocation, Err(AisError::FailedOperation)), Ok(()));
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    assert_eq!(rig.ha_state("a_x", "pgA"), Ok(HaState::Active));
}

#[test]
fn an_answer_that_was_overtaken_by_a_newer_question_is_accepted() {
    let (mut rig, invocation) = asked();
    let unregister = Request::Unregister { component: name("b_x"), proxy: None };
    rig.send("b_x", unregister);
    let answer = rig.send("a_x", Request::Response { invocation, result: Ok(()) });
    rig.run();
    assert_eq!(rig.replies[&answer].0, Ok(()));
    // The newer question still waits.
    rig.start(&["b_x"]);
    rig.expect("b_x", &[]);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_x", &["InService", "pgB Active"]);
}

#[test]
fn what_a_program_leaves_unanswered_is_bounded() {
    let (mut rig, oldest) = asked();
    for _ in 0..100 {
        rig.unregister("b_x").unwrap();
        rig.run();
        rig.program("a_x").conduct = Conduct::Answers;
        let of = rig.program("a_x");
        let newest = of.inbox.pop_back().unwrap();
        of.inbox.clear();
        of.inbox.push_back(newest);
        rig.run();
        rig.program("a_x").conduct = Conduct::Sleeps;
        rig.register("b_x").unwrap();
        rig.run();
    }
    assert_eq!(rig.answer("a_x", oldest, Ok(())), Err(AisError::InvalidParam));
    assert!(format!("{:?}", rig.nodes[0].amf.local).len() < 20_000);
    rig.kill("a_x");
    rig.kill("b_x");
    rig.run();
    assert_eq!(
        format!("{:?}", rig.nodes[0].amf.local).split("last").next(),
        format!("{:?}", Local::default()).split("last").next(),
        "nothing is left of processes that are gone"
    );
}

#[test]
fn who_refuses_to_come_into_service_stays_out() {
    let (mut rig, invocation) = asked();
    assert_eq!(rig.answer("a_x", invocation, Err(AisError::FailedOperation)), Ok(()));
    rig.run();
    rig.expect("b_x", &["InService", "OutOfService"]);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.cancel_errors("a_x").unwrap();
    rig.run();
    rig.expect("b_x", &["InService", "pgB Active"]);
}

#[test]
fn who_refuses_an_assignment_is_taken_out() {
    let (mut rig, invocation) = asked();
    rig.answer("a_x", invocation, Ok(())).unwrap();
    rig.run();
    rig.program("a_x").conduct = Conduct::Refuses;
    rig.dispatch("a_x");
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_x", &["InService", "pgA Active", "pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &["InService", "pgB Active", "pgB Quiesced", "OutOfService"]);
}

#[test]
fn who_refuses_to_let_go_is_not_waited_for() {
    let mut rig = Rig::raid("xy");
    rig.start(&["a_x", "b_x", "a_y", "b_y"]);
    rig.program("b_x").conduct = Conduct::Refuses;
    rig.unregister("a_x").unwrap();
    rig.run();
    rig.expect("b_x", &["InService", "pgB Active", "pgB Quiesced", "OutOfService"]);
    rig.expect("b_y", &["InService", "pgB Standby b_x", "pgB Active b_x NotQuiesced"]);
}

#[test]
fn nothing_is_asked_that_stopping_complete_answers() {
    let (mut rig, invocation) = asked();
    for invocation in [invocation, invocation + 1] {
        let request = Request::StoppingComplete { invocation, result: Ok(()) };
        assert_eq!(rig.call("a_x", request).0, Err(AisError::InvalidParam));
    }
    assert_eq!(rig.answer("a_x", invocation, Ok(())), Ok(()), "it is still to be answered");
}
