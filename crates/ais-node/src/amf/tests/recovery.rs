//! The recovery that an error report recommends, and what becomes of it.

use super::*;

const A_CAUSE: u8 = 5;
const NOT_RESPONDING: u8 = 30;

/// Two units at work: x active, y standby.
fn pair() -> Rig {
    pair_on(1)
}

/// The same, y on the last of these nodes.
fn pair_on(nodes: usize) -> Rig {
    let mut rig = Rig::new(nodes, vec![raid("xyz")]);
    for (component, node) in [("a_x", 0), ("b_x", 0), ("a_y", nodes - 1), ("b_y", nodes - 1)] {
        rig.start_on(node, component);
    }
    for program in ["a_x", "b_x", "a_y", "b_y"] {
        rig.seen(program);
    }
    rig
}

#[test]
fn one_that_has_helped_itself_goes_on() {
    let mut rig = pair();
    rig.report("b_x", Recovery::InternallyRecovered, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &[]);
    assert_eq!(rig.ha_state("b_x", "pgB"), Ok(HaState::Active));
}

#[test]
fn a_restart_is_a_termination_and_a_new_registration() {
    let mut rig = pair();
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &["Terminate"]);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
    assert_eq!(rig.unregister("b_x"), Err(AisError::NotExist));
    rig.kill("b_x");
    rig.start(&["b_x"]);
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
}

#[test]
fn a_restart_of_one_that_cannot_be_terminated_is_a_failover() {
    let mut rig = Rig::raid("xy");
    rig.start(&["a_x"]);
    rig.open("b_x", 0).callbacks = Callbacks::CSI_SET | Callbacks::READINESS_STATE_SET;
    rig.register("b_x").unwrap();
    rig.run();
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["InService", "pgB Active", "pgB Quiesced", "OutOfService"]);
}

/// Restarts b_x, which ends and registers anew.
fn restart(rig: &mut Rig) {
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["Terminate"]);
    rig.kill("b_x");
    rig.start(&["b_x"]);
    rig.seen("b_x");
}

#[test]
fn restarts_are_granted_so_often_in_a_time() {
    let mut rig = pair();
    (0..3).for_each(|_| restart(&mut rig));
    // Others have their own count.
    rig.report("b_y", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    assert!(rig.seen("b_y").contains(&"Terminate".to_string()));
    // Once more, and another takes over until the error is cancelled.
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    let seen = rig.seen("b_x");
    assert_eq!(seen.last().unwrap(), "OutOfService", "{seen:?}");
    assert!(!seen.contains(&"Terminate".to_string()), "{seen:?}");
    rig.cancel_errors("b_x").unwrap();
    rig.run();
    rig.seen("b_x");
    restart(&mut rig);
    // They count for a minute.
    restart(&mut rig);
    rig.advance(59_000);
    restart(&mut rig);
    rig.advance(1_500);
    restart(&mut rig);
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["Terminate"]);
}

#[test]
fn no_restart_may_be_granted() {
    let mut group = raid("xy");
    group.units[0].components[1].restart_max = 0;
    let mut rig = Rig::new(1, vec![group]);
    rig.start(&["a_x", "b_x"]);
    rig.seen("b_x");
    rig.report("b_x", Recovery::ComponentRestart, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
}

/// One that has a proxy, which is in a group of its own.
fn with_proxy() -> Rig {
    let mut other = raid("p");
    other.name = name("proxies");
    other.units[0].components.pop();
    other.protection_groups = vec![protection_group("pgP", vec![name("a_p")])];
    let mut rig = Rig::new(1, vec![raid("xy"), other]);
    rig.start(&["a_p", "a_x", "a_y", "b_y"]);
    rig.seen("a_p");
    let request = Request::Register { component: name("b_x"), proxy: Some(name("a_p")) };
    assert_eq!(rig.call("a_p", request).0, Ok(()));
    rig.run();
    rig.expect("a_p", &["InService", "pgB Standby b_y"]);
    rig
}

/// The proxy reports that b_x shall be restarted.
fn report_proxied(rig: &mut Rig) {
    let report = ErrorReport {
        reporting: name("a_p"),
        erroneous: name("b_x"),
        detection_time: 0,
        report_type: 1,
        probable_cause: A_CAUSE,
        severity: 1,
        recovery: Recovery::ComponentRestart,
        additional: [None; 3],
    };
    assert_eq!(rig.call("a_p", Request::ErrorReport(report)).0, Ok(()));
}

#[test]
fn a_proxy_restarts_whom_it_speaks_for() {
    let mut rig = with_proxy();
    report_proxied(&mut rig);
    rig.run();
    rig.expect("a_p", &["Restart b_x", "InService", "pgB Standby b_y"]);
    // It cannot, so it shall reset it.
    report_proxied(&mut rig);
    let invocation = rig.take("a_p").unwrap().invocation().unwrap();
    assert_eq!(rig.answer("a_p", invocation, Err(AisError::FailedOperation)), Ok(()));
    rig.run();
    rig.expect("a_p", &["Restart b_x", "Reset b_x", "InService", "pgB Standby b_y"]);
    // Nor that.
    report_proxied(&mut rig);
    rig.program("a_p").conduct = Conduct::Refuses;
    rig.run();
    rig.program("a_p").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_p", &["Restart b_x", "Reset b_x", "pgB Quiesced", "OutOfService"]);
    assert_eq!(rig.readiness("b_x"), Readiness::OutOfService);
    assert_eq!(rig.ha_state("a_p", "pgP"), Ok(HaState::Active), "the proxy goes on");
    let request = Request::ErrorCancelAll { component: name("b_x") };
    assert_eq!(rig.call("a_p", request).0, Ok(()));
    rig.run();
    rig.expect("a_p", &["InService", "pgB Standby b_y"]);
}

#[test]
fn a_proxy_that_does_not_restart_is_not_waited_for() {
    let mut rig = with_proxy();
    report_proxied(&mut rig);
    rig.expect("a_p", &[]);
    rig.program("a_p").conduct = Conduct::Sleeps;
    rig.advance(10_000);
    assert_eq!(rig.readiness("b_x"), Readiness::OutOfService);
    // The late answer is of no use to anybody.
    rig.program("a_p").conduct = Conduct::Answers;
    rig.run();
    assert_eq!(rig.readiness("b_x"), Readiness::OutOfService);
}

#[test]
fn a_switchover_moves_the_work_of_the_node() {
    let mut groups = vec![raid("xy")];
    let mut other = raid("pq");
    other.name = name("other");
    for group in &mut other.protection_groups {
        group.name = name(&format!("other_{}", group.name));
    }
    groups.push(other);
    let mut rig = Rig::new(2, groups);
    for unit in ["x", "p", "y", "q"] {
        let node = usize::from(["y", "q"].contains(&unit));
        rig.start_on(node, &format!("a_{unit}"));
        rig.start_on(node, &format!("b_{unit}"));
    }
    ["b_x", "b_p", "b_q"].iter().for_each(|program| drop(rig.seen(program)));
    rig.report("a_x", Recovery::NodeSwitchover, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("b_p", &["other_pgB Quiesced", "OutOfService"]);
    rig.expect("b_q", &["other_pgB Active b_p Quiesced"]);
    // Nothing comes into service there, not even what registers anew.
    rig.kill("b_p");
    rig.start_on(0, "b_p");
    rig.expect("b_p", &[]);
    // Nor does the repair of another component help.
    rig.cancel_errors("b_p").unwrap();
    rig.run();
    rig.expect("b_p", &[]);
    rig.cancel_errors("a_x").unwrap();
    rig.run();
    rig.expect("b_p", &["InService", "other_pgB Standby b_q"]);
    rig.model().assert_at_work();
}

#[test]
fn a_node_that_starts_anew_is_repaired() {
    let mut rig = pair_on(2);
    rig.report("a_x", Recovery::NodeSwitchover, A_CAUSE).unwrap();
    rig.run();
    rig.node_leaves(0);
    assert!(rig.model().faults().is_empty());
}

#[test]
fn a_failover_of_the_node_terminates_its_components() {
    for recovery in [Recovery::NodeFailover, Recovery::NodeFailfast, Recovery::ClusterReset] {
        let mut rig = pair_on(2);
        rig.report("a_x", recovery, A_CAUSE).unwrap();
        rig.run();
        rig.expect("a_x", &["Terminate"]);
        rig.expect("b_x", &["Terminate"]);
        rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
        let resets: &[usize] = match recovery {
            Recovery::NodeFailover => &[],
            Recovery::NodeFailfast => &[0],
            _ => &[0, 1],
        };
        assert_eq!(rig.resets, resets);
        for component in ["a_x", "b_x"] {
            rig.kill(component);
            rig.start(&[component]);
        }
        rig.expect("b_x", &[]);
        rig.cancel_errors("a_x").unwrap();
        rig.run();
        rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    }
}

#[test]
fn who_cannot_be_terminated_is_quiesced() {
    let mut rig = Rig::raid("x");
    rig.start(&["a_x"]);
    rig.open("b_x", 0).callbacks -= Callbacks::COMPONENT_TERMINATE;
    rig.register("b_x").unwrap();
    rig.run();
    rig.seen("b_x");
    rig.report("a_x", Recovery::NodeFailover, A_CAUSE).unwrap();
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
}

/// The original testamf2 leaves all but the cause as it found it in memory.
#[test]
fn a_report_that_is_not_filled_in_does_not_take_a_node_out() {
    for (report_type, severity) in [(0, 1), (1, 0)] {
        let mut rig = pair_on(2);
        let report = ErrorReport {
            reporting: name("a_y"),
            erroneous: name("a_y"),
            detection_time: 0,
            report_type,
            probable_cause: A_CAUSE,
            severity,
            recovery: Recovery::NodeFailfast,
            additional: [None; 3],
        };
        assert_eq!(rig.call("a_y", Request::ErrorReport(report)).0, Ok(()));
        rig.run();
        rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
        assert_eq!(rig.resets, [0; 0]);
        assert!(rig.model().faults().is_empty());
    }
}

#[test]
fn one_that_does_not_respond_cannot_be_restarted() {
    let mut rig = pair();
    rig.report("b_x", Recovery::ComponentRestart, NOT_RESPONDING).unwrap();
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("b_y", &["pgB Active b_x NotQuiesced"]);
}
