//! The redundancy models, and groups that differ from the guide's.

use super::*;

fn start_all(rig: &mut Rig, units: &str) {
    for unit in units.chars() {
        rig.start(&[&format!("a_{unit}"), &format!("b_{unit}")]);
    }
}

#[test]
fn the_file_bounds_active_and_standby_units() {
    let group = Group { active_units: 2, backup_units: Some(1), ..raid("wxyz") };
    let mut rig = Rig::new(1, vec![group]);
    start_all(&mut rig, "wxyz");
    rig.expect("a_w", &["InService", "pgA Active"]);
    rig.expect("a_x", &["InService", "pgA Active a_w StillActive"]);
    rig.expect("a_y", &["InService", "pgA Standby a_w"]);
    rig.expect("a_z", &["InService"]);
    rig.kill("a_x");
    rig.run();
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.expect("a_z", &["pgA Standby a_w"]);
}

#[test]
fn without_backup_units_every_further_unit_is_standby() {
    let group = Group { backup_units: None, ..raid("wxyz") };
    let mut rig = Rig::new(1, vec![group]);
    start_all(&mut rig, "zyxw");
    rig.expect("a_z", &["InService", "pgA Active"]);
    for program in ["a_w", "a_x", "a_y"] {
        rig.expect(program, &["InService", "pgA Standby a_z"]);
    }
    rig.kill("b_z");
    rig.run();
    rig.expect("a_w", &["pgA Active a_z Quiesced"]);
}

#[test]
fn without_redundancy_every_unit_is_active_for_itself() {
    let group = Group { model: RedundancyModel::NoRedundancy, ..raid("xyz") };
    let mut rig = Rig::new(1, vec![group]);
    start_all(&mut rig, "xy");
    rig.kill("b_x");
    rig.run();
    start_all(&mut rig, "z");
    rig.expect("a_y", &["InService", "pgA Active"]);
    rig.expect("a_z", &["InService", "pgA Active"]);
}

#[test]
fn no_active_units_are_none() {
    let mut rig = Rig::new(1, vec![Group { active_units: 0, ..raid("xyz") }]);
    start_all(&mut rig, "xyz");
    rig.expect("a_x", &["InService", "pgA Standby"]);
    rig.expect("a_z", &["InService"]);
}

#[test]
fn a_standby_that_has_answered_comes_before_one_that_has_not() {
    let mut rig = Rig::raid("xyz");
    start_all(&mut rig, "xz");
    rig.open("b_y", 0).conduct = Conduct::Sleeps;
    rig.register("b_y").unwrap();
    rig.start(&["a_y"]);
    rig.dispatch("b_y");
    rig.kill("a_x");
    rig.run();
    rig.expect("b_z", &["InService", "pgB Standby b_x", "pgB Active b_x Quiesced"]);
    rig.kill("a_z");
    rig.run();
    // The demand to be standby is superseded.
    rig.program("b_y").conduct = Conduct::Answers;
    rig.run();
    rig.expect("b_y", &["InService", "pgB Standby b_x", "pgB Active b_z Quiesced"]);
}

#[test]
fn each_instance_of_a_component_is_set_for_itself() {
    let mut group = raid("xy");
    let members = ["a_x", "a_y"].map(name).to_vec();
    group.protection_groups.push(protection_group("pgC", members));
    let mut rig = Rig::new(1, vec![group]);
    start_all(&mut rig, "xy");
    rig.expect("a_x", &["InService", "pgA Active flags 1", "pgC Active flags 1"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x flags 1", "pgC Standby a_x flags 1"]);
    rig.unregister("b_x").unwrap();
    rig.run();
    rig.expect("a_x", &["pgA Quiesced flags 0", "pgC Quiesced flags 0", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x Quiesced flags 0", "pgC Active a_x Quiesced flags 0"]);
    assert_eq!(rig.ha_state("a_x", "pgC"), Ok(HaState::Quiesced));
    assert_eq!(rig.ha_state("a_x", "pgB"), Err(AisError::NotExist));
}

#[test]
fn a_component_without_an_instance_comes_and_goes_with_its_unit() {
    let mut group = raid("xy");
    group.protection_groups.pop();
    let mut rig = Rig::new(1, vec![group]);
    start_all(&mut rig, "xy");
    rig.advance(350);
    assert_eq!(rig.program("b_x").heartbeats, 3);
    rig.kill("a_x");
    rig.run();
    rig.expect("b_x", &["InService", "OutOfService"]);
    rig.expect("a_y", &["InService", "pgA Standby a_x", "pgA Active a_x NotQuiesced"]);
    rig.advance(1000);
    assert_eq!(rig.program("b_x").heartbeats, 3);
}

#[test]
fn callbacks_that_were_not_given_are_not_called() {
    let mut rig = Rig::raid("xy");
    for program in ["a_x", "b_x"] {
        rig.open(program, 0).callbacks = Callbacks::CSI_SET;
        rig.register(program).unwrap();
        rig.run();
    }
    rig.advance(5000);
    rig.expect("a_x", &["pgA Active"]);
    assert_eq!(rig.readiness("a_x"), Readiness::InService);
    assert_eq!(rig.program("a_x").heartbeats, 0);
    rig.kill("b_x");
    rig.run();
    rig.expect("a_x", &["pgA Quiesced"]);
    assert_eq!(rig.readiness("a_x"), Readiness::OutOfService);
}

#[test]
fn groups_do_not_disturb_each_other() {
    let mut other = raid("x");
    let rename = |text: &Name| name(&format!("other_{text}"));
    other.name = rename(&other.name);
    for unit in &mut other.units {
        unit.name = rename(&unit.name);
        unit.components.iter_mut().for_each(|component| component.name = rename(&component.name));
    }
    for group in &mut other.protection_groups {
        group.name = rename(&group.name);
        group.members.iter_mut().for_each(|member| *member = rename(member));
    }
    let mut rig = Rig::new(1, vec![raid("x"), other]);
    rig.start(&["a_x", "b_x", "other_a_x", "other_b_x"]);
    rig.expect("other_a_x", &["InService", "other_pgA Active"]);
    rig.kill("a_x");
    rig.run();
    rig.expect("other_a_x", &[]);
}
