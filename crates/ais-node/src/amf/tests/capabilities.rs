//! Capability models, instances with a bound of their own, and units that
//! belong to a node.

use super::*;

/// Two units with work of their own, `one` for p1 and `two` for p2, and one
/// that backs both, with a component of this model: N+M.
pub(super) fn shared(model: CapabilityModel) -> Vec<Group> {
    let unit = |of: &str, model| {
        let component = Component::new(name(of), model);
        config::Unit::new(name(&format!("unit_{of}")), vec![component])
    };
    let instance = |text: &str, of: &str| ProtectionGroup {
        active_members: Some(1),
        ..protection_group(text, vec![name(of), name("back")])
    };
    vec![Group {
        name: name("shared"),
        model: RedundancyModel::NPlusM,
        active_units: 2,
        backup_units: Some(1),
        units: vec![
            unit("one", CapabilityModel::OneActive),
            unit("two", CapabilityModel::OneActive),
            unit("back", model),
        ],
        protection_groups: vec![instance("p1", "one"), instance("p2", "two")],
    }]
}

fn at_work(model: CapabilityModel) -> Rig {
    let mut rig = Rig::new(1, shared(model));
    rig.start(&["one", "two", "back"]);
    rig.expect("one", &["InService", "p1 Active"]);
    rig.expect("two", &["InService", "p2 Active"]);
    rig
}

/// What `back` is told when `two` dies, and then when `one` does too.
#[track_caller]
fn takes_over(model: CapabilityModel, at_first: &[&str], two_gone: &[&str], both_gone: &[&str]) {
    let mut rig = at_work(model);
    let told = rig.seen("back");
    assert_eq!(told, at_first, "{model:?}");
    rig.kill("two");
    rig.run();
    rig.expect("back", two_gone);
    rig.kill("one");
    rig.run();
    rig.expect("back", both_gone);
}

const BOTH_STANDBY: [&str; 3] = ["InService", "p1 Standby one flags 1", "p2 Standby two flags 1"];

#[test]
fn a_backup_takes_over_what_was_lost_and_no_more() {
    let taken = "p2 Active two NotQuiesced flags 0";
    let more = "p1 Active one NotQuiesced flags 1";
    for model in [CapabilityModel::XActiveOrYStandby, CapabilityModel::XActive] {
        takes_over(model, &BOTH_STANDBY, &["p1 Remove", taken], &[more]);
    }
    takes_over(
        CapabilityModel::XActiveAndYStandby,
        &BOTH_STANDBY,
        &[taken],
        &["p1 Active one NotQuiesced flags 0"],
    );
}

#[test]
fn who_is_active_for_one_is_not_for_two() {
    let taken = "p2 Active two NotQuiesced flags 0";
    for model in [CapabilityModel::OneActiveOrYStandby, CapabilityModel::OneActive] {
        takes_over(model, &BOTH_STANDBY, &["p1 Remove", taken], &[]);
    }
    let model = CapabilityModel::OneActiveOrOneStandby;
    let taken = "p2 Active two NotQuiesced flags 1";
    takes_over(model, &["InService", "p1 Standby one flags 1"], &["p1 Remove", taken], &[]);
}

#[test]
fn who_comes_back_takes_what_nobody_has() {
    let mut rig = at_work(CapabilityModel::OneActiveOrYStandby);
    rig.kill("two");
    rig.run();
    rig.kill("one");
    rig.run();
    rig.start(&["two"]);
    rig.expect("two", &["InService", "p2 Standby back"]);
    rig.start(&["one"]);
    rig.expect("one", &["InService", "p1 Active"]);
}

#[test]
fn who_cannot_be_told_to_remove_is_quiesced() {
    let mut rig = Rig::new(1, shared(CapabilityModel::XActive));
    rig.start(&["one", "two"]);
    rig.open("back", 0).callbacks -= Callbacks::CSI_REMOVE;
    rig.register("back").unwrap();
    rig.run();
    rig.seen("back");
    rig.kill("two");
    rig.run();
    rig.expect("back", &["p1 Quiesced flags 0", "p2 Active two NotQuiesced flags 0"]);
}

#[test]
fn who_does_not_give_back_is_taken_out() {
    for conduct in [Conduct::Refuses, Conduct::Sleeps] {
        let mut rig = at_work(CapabilityModel::XActive);
        rig.seen("back");
        rig.program("back").conduct = conduct;
        rig.kill("two");
        rig.advance(10_000);
        assert_eq!(rig.readiness("back"), Readiness::OutOfService);
        assert_eq!(rig.ha_state("one", "p1"), Ok(HaState::Active));
        rig.start(&["two"]);
        rig.expect("two", &["InService", "p2 Active back NotQuiesced"]);
    }
}

#[test]
fn who_cannot_be_active_waits() {
    let mut group = raid("xyz");
    group.units[0].components[1].model = CapabilityModel::NoActive;
    let mut rig = Rig::new(1, vec![group]);
    rig.start(&["a_x", "b_x"]);
    rig.expect("b_x", &["InService", "pgB Standby"]);
    rig.expect("a_x", &["InService", "pgA Standby"]);
    rig.start(&["a_y", "b_y", "a_z", "b_z"]);
    rig.expect("a_y", &["InService", "pgA Active"]);
    rig.kill("a_y");
    rig.run();
    rig.expect("a_x", &[]);
    rig.expect("a_z", &["InService", "pgA Standby a_y", "pgA Active a_y NotQuiesced"]);
}

#[test]
fn of_two_n_units_one_is_active_one_standby_and_the_rest_are_spares() {
    for backup_units in [None, Some(1), Some(2)] {
        let model = RedundancyModel::TwoN;
        let group = Group { model, active_units: 2, backup_units, ..raid("xyz") };
        let mut rig = Rig::new(1, vec![group]);
        rig.start(&["a_x", "b_x", "a_y", "b_y", "a_z", "b_z"]);
        rig.expect("a_x", &["InService", "pgA Active"]);
        rig.expect("a_y", &["InService", "pgA Standby a_x"]);
        rig.expect("a_z", &["InService"]);
        rig.kill("a_x");
        rig.run();
        rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
        rig.expect("a_z", &["pgA Standby a_y"]);
    }
}

#[test]
fn a_unit_may_belong_to_a_node() {
    let mut group = raid("xyz");
    group.units[0].node = Some(name("10.0.0.2"));
    group.units[1].node = Some(node_name(0));
    let mut rig = Rig::new(2, vec![group]);
    for (component, at, expected) in [
        ("a_x", 0, Err(AisError::BadOperation)),
        ("a_x", 1, Ok(())),
        ("a_y", 1, Err(AisError::BadOperation)),
        ("a_y", 0, Ok(())),
        ("a_z", 1, Ok(())),
    ] {
        rig.open(component, at);
        assert_eq!(rig.register(component), expected, "{component} at {at}");
    }
    rig.open("nobody", 1);
    assert_eq!(rig.register("nobody"), Err(AisError::NotExist));
}
