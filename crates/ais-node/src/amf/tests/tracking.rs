//! Protection group tracking.

use super::*;
use ais_proto::amf::ProtectionGroupChange::{Added, NoChange, Removed, StateChange};
use ais_proto::amf::{HaState::*, ProtectionGroupChange, Readiness::*};
use ais_proto::track::TrackFlags;

type Item = (&'static str, Readiness, HaState, ProtectionGroupChange);

fn start(rig: &mut Rig, csi: &str, flags: TrackFlags, capacity: u64) -> Outcome {
    let request = Request::TrackStart { csi: name(csi), flags, capacity, subscription: 7 };
    rig.call("tracker", request).0
}

fn stop(rig: &mut Rig, csi: &str) -> Outcome {
    rig.call("tracker", Request::TrackStop { csi: name(csi) }).0
}

/// The track callbacks since the last look: in each all members are counted.
#[track_caller]
fn expect(rig: &mut Rig, expected: &[&[Item]]) {
    let tracked = std::mem::take(&mut rig.program("tracker").tracked);
    let items = |event: &amf::Event| {
        let amf::Event::ProtectionGroupTrack { subscription, csi, members, items } = event else {
            panic!("{event:?}")
        };
        assert_eq!((*subscription, csi, *members), (7, &name("pgA"), 3));
        let item = |item: &amf::Member| {
            (item.component.to_string(), item.readiness, item.ha_state, item.change)
        };
        items.iter().map(item).collect::<Vec<_>>()
    };
    let owned = |(component, readiness, ha_state, change): &Item| {
        ((*component).to_owned(), *readiness, *ha_state, *change)
    };
    let expected: Vec<Vec<_>> =
        expected.iter().map(|items| items.iter().map(owned).collect()).collect();
    assert_eq!(tracked.iter().map(items).collect::<Vec<_>>(), expected);
}

fn tracker() -> Rig {
    let mut rig = Rig::new(2, vec![raid("xyz")]);
    rig.open("tracker", 1);
    rig
}

#[test]
fn current_tells_all_members_once() {
    let mut rig = tracker();
    rig.start(&["a_x", "b_x", "a_y"]);
    assert_eq!(start(&mut rig, "pgA", TrackFlags::CURRENT, 3), Ok(()));
    rig.run();
    let x = ("a_x", InService, Active, NoChange);
    let others =
        [("a_y", OutOfService, Quiesced, NoChange), ("a_z", OutOfService, Quiesced, NoChange)];
    expect(&mut rig, &[&[x, others[0], others[1]]]);
    rig.start(&["b_y"]);
    expect(&mut rig, &[]);
    assert_eq!(stop(&mut rig, "pgA"), Err(AisError::NotExist));
}

#[test]
fn changes_tells_all_and_changes_only_what_changed() {
    let mut rig = tracker();
    assert_eq!(start(&mut rig, "pgA", TrackFlags::CHANGES, 3), Ok(()));
    rig.start(&["a_x"]);
    let out = |component, change| (component, OutOfService, Quiesced, change);
    let (y, z) = (out("a_y", NoChange), out("a_z", NoChange));
    expect(&mut rig, &[&[out("a_x", Added), y, z]]);

    assert_eq!(start(&mut rig, "pgA", TrackFlags::CHANGES_ONLY, 0), Ok(()));
    rig.start(&["b_x"]);
    let into = ("a_x", InService, Quiesced, StateChange);
    expect(&mut rig, &[&[into], &[("a_x", InService, Active, StateChange)]]);
    rig.start(&["a_y", "b_y"]);
    rig.program("tracker").tracked.clear();
    rig.kill("a_x");
    rig.run();
    let active = ("a_y", InService, Active, StateChange);
    expect(&mut rig, &[&[out("a_x", Removed)], &[active]]);

    assert_eq!(stop(&mut rig, "pgA"), Ok(()));
    assert_eq!(stop(&mut rig, "pgA"), Err(AisError::NotExist));
    rig.kill("a_y");
    rig.run();
    expect(&mut rig, &[]);
}

#[test]
fn a_failure_is_a_change_although_nobody_answered() {
    let mut rig = tracker();
    rig.start(&["a_x", "b_x"]);
    start(&mut rig, "pgA", TrackFlags::CHANGES_ONLY | TrackFlags::CURRENT, 8).unwrap();
    rig.run();
    rig.program("tracker").tracked.clear();
    rig.program("a_x").conduct = Conduct::Sleeps;
    rig.advance(1220);
    expect(&mut rig, &[&[("a_x", OutOfService, Quiesced, StateChange)]]);
}

#[test]
fn groups_are_tracked_one_by_one() {
    let mut rig = tracker();
    for csi in ["pgB", "pgA"] {
        assert_eq!(start(&mut rig, csi, TrackFlags::CHANGES_ONLY, 8), Ok(()));
    }
    assert_eq!(stop(&mut rig, "pgB"), Ok(()));
    rig.start(&["a_x", "b_x"]);
    let into = ("a_x", InService, Quiesced, StateChange);
    let active = ("a_x", InService, Active, StateChange);
    expect(&mut rig, &[&[("a_x", OutOfService, Quiesced, Added)], &[into], &[active]]);
}

#[test]
fn tracking_ends_with_the_handle() {
    let mut rig = tracker();
    start(&mut rig, "pgA", TrackFlags::CHANGES, 8).unwrap();
    rig.kill("tracker");
    rig.start(&["a_x"]);
    let tracking = &rig.nodes[1].amf.tracking;
    assert!(format!("{tracking:?}").contains("subscriptions: {}"));
}

#[test]
fn what_cannot_be_tracked() {
    let mut rig = tracker();
    for unknown in ["unknown", "a_x", "raid"] {
        let result = start(&mut rig, unknown, TrackFlags::CHANGES, 8);
        assert_eq!(result, Err(AisError::NotExist));
        assert_eq!(stop(&mut rig, unknown), Err(AisError::NotExist));
    }
    let both = TrackFlags::CURRENT | TrackFlags::CHANGES;
    assert_eq!(start(&mut rig, "pgA", both, 2), Err(AisError::NoSpace));
    assert_eq!(stop(&mut rig, "pgA"), Err(AisError::NotExist), "it was not begun");
    rig.program("tracker").callbacks.remove(Callbacks::PROTECTION_GROUP_TRACK);
    assert_eq!(start(&mut rig, "pgA", TrackFlags::CURRENT, 8), Err(AisError::Init));
}

#[test]
fn what_an_operator_has_done_is_a_change_step_by_step() {
    let mut rig = tracker();
    for program in ["a_x", "b_x", "a_y", "b_y"] {
        rig.open(program, 0).callbacks -= Callbacks::PENDING_OPERATION_CONFIRM;
        rig.register(program).unwrap();
        rig.run();
    }
    start(&mut rig, "pgA", TrackFlags::CHANGES_ONLY, 0).unwrap();
    rig.operate(Operation::SwitchOver, Target::Unit(name("raid_x"))).unwrap();
    rig.run();
    let change = |component, state| (component, InService, state, StateChange);
    expect(
        &mut rig,
        &[&[change("a_x", Quiesced)], &[change("a_x", Standby)], &[change("a_y", Active)]],
    );
    rig.operate(Operation::Shutdown, Target::Unit(name("raid_y"))).unwrap();
    rig.run();
    expect(
        &mut rig,
        &[
            &[("a_y", Stopping, Active, StateChange)],
            &[("a_y", Stopping, Quiesced, StateChange)],
            &[("a_y", OutOfService, Quiesced, StateChange)],
            &[change("a_x", Active)],
        ],
    );
}
