//! The sequences that the guide of 2004 describes, callback by callback.

use super::*;

/// `SA_AMF_COMMUNICATION_SUBSYSTEM_FAILURE`, as the original testamf2 gives.
const CAUSE: u8 = 5;

/// With the sleeps of testamf2.
#[test]
fn testamf1_and_2_alone() {
    let mut rig = Rig::raid("xyz");
    rig.start(&["a_x"]);
    rig.advance(500);
    rig.expect("a_x", &[]);
    rig.start(&["b_x"]);
    rig.expect("a_x", &["InService", "pgA Active"]);
    rig.expect("b_x", &["InService", "pgB Active"]);
    rig.advance(350);
    assert_eq!(rig.program("b_x").heartbeats, 3);

    rig.unregister("b_x").unwrap();
    rig.advance(1000);
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &[]);

    // It registers and then sleeps.
    rig.program("b_x").conduct = Conduct::Sleeps;
    rig.register("b_x").unwrap();
    rig.advance(1000);
    rig.expect("a_x", &["InService"]);
    rig.dispatch("b_x");
    rig.report("b_x", Recovery::NoRecommendation, CAUSE).unwrap();
    rig.run();
    rig.expect("a_x", &["pgA Active", "pgA Quiesced"]);
    // Both demands were sent, and both are dispatched.
    rig.dispatch("b_x");
    rig.dispatch("b_x");
    rig.expect("b_x", &["InService", "pgB Active", "pgB Quiesced"]);
    rig.advance(1000);
    rig.expect("a_x", &["OutOfService"]);

    rig.cancel_errors("b_x").unwrap();
    rig.expect("b_x", &[]);
    rig.program("b_x").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_x", &["OutOfService", "InService", "pgB Active"]);
    rig.expect("a_x", &["InService", "pgA Active"]);
    rig.advance(10_000);
    rig.expect("a_x", &[]);
    rig.expect("b_x", &[]);
}

#[test]
fn testamf1_and_2_beside_an_active_unit() {
    let mut rig = Rig::new(2, vec![raid("xyz")]);
    rig.start_on(0, "a_x");
    rig.start_on(1, "a_y");
    rig.start_on(1, "b_y");
    rig.expect("a_y", &["InService", "pgA Active"]);
    rig.expect("b_y", &["InService", "pgB Active"]);
    rig.start_on(0, "b_x");
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    rig.unregister("b_x").unwrap();
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.register("b_x").unwrap();
    rig.run();
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    rig.report("b_x", Recovery::NoRecommendation, CAUSE).unwrap();
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.cancel_errors("b_x").unwrap();
    rig.run();
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("b_x", &["InService", "pgB Standby b_y"]);
    rig.expect("a_y", &[]);
    rig.expect("b_y", &[]);
}

#[test]
fn all_six_on_three_nodes_with_kills() {
    let mut rig = Rig::new(3, vec![raid("xyz")]);
    for (node, unit) in ["x", "y", "z"].into_iter().enumerate() {
        rig.start_on(node, &format!("a_{unit}"));
        rig.start_on(node, &format!("b_{unit}"));
    }
    rig.expect("b_x", &["InService", "pgB Active"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x"]);
    rig.expect("b_z", &["InService", "pgB Standby b_x"]);
    rig.seen("a_x");
    rig.seen("b_y");
    rig.seen("a_z");

    rig.kill("a_x");
    rig.run();
    rig.expect("b_x", &["pgB Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.expect("b_y", &["pgB Active b_x Quiesced"]);
    rig.expect("a_z", &[]);

    rig.kill("b_y");
    rig.run();
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_z", &["pgA Active a_y Quiesced"]);
    rig.expect("b_z", &["pgB Active b_y NotQuiesced"]);

    rig.kill("b_z");
    rig.run();
    rig.expect("a_z", &["pgA Quiesced", "OutOfService"]);

    // Who comes back first goes on with the work of the last.
    rig.start_on(0, "a_x");
    rig.expect("a_x", &["InService", "pgA Active a_z Quiesced"]);
    rig.expect("b_x", &["InService", "pgB Active b_z NotQuiesced"]);
}

#[test]
fn a_late_unit_takes_nothing_from_an_active_one() {
    let mut rig = Rig::raid("xyz");
    rig.start(&["a_y", "b_y", "a_x", "b_x"]);
    rig.expect("a_y", &["InService", "pgA Active"]);
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.kill("a_y");
    rig.run();
    rig.start(&["a_y"]);
    rig.expect("a_x", &["pgA Active a_y NotQuiesced"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x"]);
}
