//! Heartbeats, and answers that never come. Each is waited for 120 ms longer
//! than its time.

use super::*;

fn pair() -> Rig {
    let mut rig = Rig::raid("xy");
    rig.start(&["a_x", "b_x", "a_y", "b_y"]);
    for program in ["a_x", "b_x", "a_y", "b_y"] {
        rig.seen(program);
    }
    rig
}

#[test]
fn heartbeats_run_from_the_answered_assignment_until_the_unit_goes_out() {
    let mut rig = Rig::raid("x");
    rig.start(&["a_x"]);
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.start(&["b_x"]);
    rig.dispatch("a_x");
    rig.advance(1000);
    assert_eq!(rig.program("a_x").inbox.len(), 1, "the assignment is not answered yet");
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.advance(99);
    assert_eq!(rig.program("a_x").heartbeats, 0);
    rig.advance(1);
    assert_eq!(rig.program("a_x").heartbeats, 1);
    rig.advance(900);
    assert_eq!(rig.program("a_x").heartbeats, 10);
    assert_eq!(rig.program("b_x").heartbeats, 20);
    rig.unregister("b_x").unwrap();
    rig.advance(5000);
    assert_eq!((rig.program("a_x").heartbeats, rig.program("b_x").heartbeats), (10, 20));
    assert_eq!(rig.next_timer(), None);
}

#[test]
fn times_are_those_of_the_component() {
    let mut group = raid("x");
    group.units[0].components[0].healthcheck_interval = 250;
    group.units[0].components[0].healthcheck_timeout = 700;
    let mut rig = Rig::new(1, vec![group]);
    rig.start(&["a_x", "b_x"]);
    rig.advance(1000);
    assert_eq!((rig.program("a_x").heartbeats, rig.program("b_x").heartbeats), (4, 10));
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(1069);
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Active));
    rig.advance(1);
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Quiesced));
}

#[test]
fn one_heartbeat_at_a_time() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(1000);
    assert_eq!(rig.program("a_x").inbox.len(), 1);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.advance(5000);
    rig.expect("b_x", &[]);
}

#[test]
fn a_hung_component_is_not_used_until_it_is_repaired() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(1219);
    rig.expect("b_x", &[]);
    rig.advance(1);
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    assert_eq!(rig.ha_state("a_x", "pgA"), Ok(HaState::Quiesced));
    assert_eq!(rig.register("a_x"), Err(AisError::Exist), "it stays registered");

    // It comes back to life, and answers the heartbeat that it never saw.
    rig.program("a_x").conduct = Conduct::Answers;
    rig.advance(10_000);
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &[]);
    assert_eq!(rig.program("a_x").heartbeats, 1);
    rig.cancel_errors("a_x").unwrap();
    rig.advance(350);
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    assert_eq!(rig.program("a_x").heartbeats, 4);
}

#[test]
fn a_hung_component_may_register_anew() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(2000);
    rig.unregister("a_x").unwrap();
    rig.register("a_x").unwrap();
    rig.program("a_x").conduct = Conduct::Answers;
    rig.advance(350);
    rig.expect("a_x", &["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_y"]);
    assert_eq!(rig.program("a_x").heartbeats, 4, "the late one and three of its new life");
}

#[test]
fn a_refused_heartbeat_is_a_failure() {
    let mut rig = pair();
    rig.program("a_x").conduct = Conduct::Refuses;
    rig.advance(100);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.advance(5000);
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
}

#[test]
fn an_assignment_that_is_never_answered_is_a_failure() {
    for asleep_at in ["InService", "Active"] {
        let mut rig = Rig::raid("xy");
        rig.start(&["a_x"]);
        rig.program("a_x").conduct = Conduct::Sleeps;
        rig.start(&["b_x"]);
        if asleep_at == "Active" {
            rig.dispatch("a_x");
            rig.run();
        }
        rig.advance(5119);
        assert_eq!(rig.readiness("b_x"), Readiness::InService);
        rig.advance(1);
        assert_eq!(rig.readiness("b_x"), Readiness::OutOfService);
        rig.start(&["a_y", "b_y"]);
        let former = if asleep_at == "Active" { " a_x NotQuiesced" } else { "" };
        rig.expect("a_y", &["InService", &format!("pgA Active{former}")]);
        // Its answer is late.
        rig.dispatch("a_x");
        rig.advance(10_000);
        assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
    }
}

#[test]
fn who_does_not_let_go_in_time_is_passed_over() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.unregister("a_x").unwrap();
    rig.run();
    rig.advance(3000);
    // Sleeping is no crime; being handed the question and not answering is.
    let quiesced = rig.take("b_x").unwrap();
    rig.advance(1119);
    rig.expect("b_y", &[]);
    rig.advance(1);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
    assert_eq!(rig.answer("b_x", quiesced.invocation().unwrap(), Ok(())), Ok(()));
    rig.program("b_x").conduct = Conduct::Answers;
    rig.advance(10_000);
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
}

#[test]
fn who_never_sees_the_question_is_passed_over_too() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.unregister("a_x").unwrap();
    rig.advance(5119);
    rig.expect("b_y", &[]);
    rig.advance(1);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
}

#[test]
fn who_does_not_leave_in_time_is_passed_over() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.unregister("a_x").unwrap();
    rig.run();
    rig.dispatch("b_x");
    rig.run();
    rig.take("b_x").unwrap();
    rig.advance(1119);
    rig.expect("b_y", &[]);
    rig.advance(1);
    // It had let go in order.
    rig.expect("b_y", &["pgB Active b_x Quiesced"]);
}

#[test]
fn other_questions_may_be_answered_long_after_they_were_dispatched() {
    let mut rig = Rig::raid("x");
    rig.start(&["a_x"]);
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.start(&["b_x"]);
    let event = rig.take("a_x").unwrap();
    rig.advance(4000);
    rig.answer("a_x", event.invocation().unwrap(), Ok(())).unwrap();
    rig.program("a_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_x", &["InService", "pgA Active"]);
    rig.advance(10_000);
    rig.expect("a_x", &[]);
}

#[test]
fn a_daemon_that_was_held_up_condemns_nobody() {
    let mut rig = pair();
    rig.advance(100);
    // The heartbeat and its answer are under way while the daemon stands.
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(100);
    rig.now += 3_000_000_000;
    rig.advance(0);
    rig.program("a_x").conduct = Conduct::Answers;
    rig.advance(5000);
    rig.expect("b_x", &[]);

    // So it may be with a question that two timers are about.
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.unregister("a_x").unwrap();
    let quiesced = rig.take("b_x").unwrap();
    rig.now += 10_000_000_000;
    rig.advance(0);
    rig.answer("b_x", quiesced.invocation().unwrap(), Ok(())).unwrap();
    rig.program("b_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_y", &["pgB Active b_x Quiesced"]);
}

#[test]
fn who_does_not_end_when_it_shall_be_restarted_is_passed_over() {
    let mut rig = pair();
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.report("b_x", Recovery::ComponentRestart, 5).unwrap();
    rig.advance(5119);
    rig.expect("b_y", &[]);
    rig.advance(1);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
    assert_eq!(rig.register("b_x"), Err(AisError::Exist));
}
