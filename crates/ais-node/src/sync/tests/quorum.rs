//! What a side without quorum does and does not do, and groups.conf files that
//! differ.

use super::bus::{Bus, Member, Number, caller, handle, how_to_open, name, node};
use crate::amf::config::{
    CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel, Unit,
};
use crate::ledger::Kind;
use crate::services::Services;
use crate::sync::Sync;
use ais_group::{Message, View, ViewId};
use ais_proto::ckpt::{Event, Request as Ckpt};
use ais_proto::{AisError, Request, ServiceId, amf};

const TRY_AGAIN: Result<(), AisError> = Err(AisError::TryAgain);

fn with_quorum(expected: u32, numbers: &[Number]) -> Bus {
    let mut bus = Bus::with_quorum(Some(expected));
    bus.start(numbers);
    bus.together();
    bus.settle();
    bus
}

#[test]
fn without_quorum_nothing_changes_and_all_can_be_read_and_given_back() {
    let mut bus = with_quorum(3, &[1, 2, 3]);
    let checkpoint = bus.open(3, "a").unwrap();
    bus.write(3, checkpoint, b"text");
    bus.settle();
    bus.views(&[&[1, 2], &[3]]);
    bus.settle();
    let status = bus.member(3).node.sync_status();
    assert_eq!((status.may_change, status.lead), (false, None));
    assert_eq!(bus.member(1).node.sync_status().lead, Some(node(1)));
    assert!(bus.member(3).node.is_serving());
    let write = bus.write(3, checkpoint, b"other");
    assert_eq!(bus.reply(3, write), Some(TRY_AGAIN));
    assert_eq!(bus.open(3, "b"), Err(AisError::TryAgain));
    let digest = bus.member(3).node.digest();
    let element = ais_proto::ckpt::ReadElement { id: b"", offset: 0, size: None };
    let read = Ckpt::Read { checkpoint, elements: vec![element] };
    assert_eq!(bus.call(3, &Request::Ckpt(read)).0, Ok(()));
    assert_eq!(bus.member(3).node.digest(), digest);
    assert_eq!(bus.call(3, &Request::Ckpt(Ckpt::Close { checkpoint })).0, Ok(()));
    assert_eq!(bus.read(1, "a").unwrap(), b"text", "the larger side goes on");
    bus.together();
    bus.settle();
    bus.check_synced();
    assert!(bus.open(3, "b").is_ok());
}

#[test]
fn the_side_that_had_quorum_last_stands() {
    let mut bus = with_quorum(5, &[1, 2, 3, 4, 5]);
    for number in [1, 2, 3, 4, 5] {
        bus.open(number, "a").unwrap();
    }
    bus.views(&[&[1, 2], &[3, 4, 5]]);
    // The two have never known that they are no longer enough, if the other
    // view is over before they agree on theirs.
    let checkpoint = bus.open(4, "a").unwrap();
    let write = bus.write(4, checkpoint, b"promised");
    bus.settle();
    assert_eq!(bus.reply(4, write), Some(Ok(())));
    bus.views(&[&[1, 2, 4]]);
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(1, "a").unwrap(), b"promised");
}

#[test]
fn what_was_sent_with_quorum_and_comes_without_it_is_not_done() {
    let mut bus = with_quorum(3, &[1, 2, 3]);
    let checkpoint = bus.open(3, "a").unwrap();
    let digest = bus.member(3).node.digest();
    let write = bus.write(3, checkpoint, b"text");
    let open = Request::Ckpt(Ckpt::OpenAsync { tag: 9, open: how_to_open("b") });
    bus.ask(3, &handle(ServiceId::Ckpt), &open);
    // The write gets its place in the order: others may have it, for all this
    // node knows. The open does not.
    bus.order(3);
    bus.views(&[&[1, 2], &[3]]);
    assert_eq!(bus.reply(3, write), Some(Err(AisError::Timeout)));
    bus.settle();
    let failed = Event::Open { tag: 9, result: Err(AisError::TryAgain) };
    assert_eq!(bus.member(3).take_told(ServiceId::Ckpt), [failed.into()]);
    assert_ne!(bus.member(3).node.digest(), digest, "it has seen the others leave");
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(1, "a").unwrap(), b"");
}

#[test]
fn what_was_done_and_may_be_lost_is_not_promised() {
    let mut bus = with_quorum(3, &[1, 2, 3]);
    let checkpoint = bus.open(3, "a").unwrap();
    let write = bus.write(3, checkpoint, b"text");
    let open = Request::Ckpt(Ckpt::OpenAsync { tag: 9, open: how_to_open("b") });
    bus.ask(3, &handle(ServiceId::Ckpt), &open);
    let other = bus.ask(3, &caller(), &Request::Ckpt(super::bus::open("c")));
    while bus.order(3) {}
    while bus.deliver(3) {}
    assert_eq!(bus.reply(3, write), None);
    bus.views(&[&[1, 2], &[3]]);
    assert_eq!(bus.reply(3, write), Some(Err(AisError::Timeout)));
    assert_eq!(bus.reply(3, other), Some(Err(AisError::Timeout)));
    let failed = Event::Open { tag: 9, result: Err(AisError::Timeout) };
    assert_eq!(bus.member(3).take_told(ServiceId::Ckpt), [failed.into()]);
    bus.settle();
    bus.together();
    bus.settle();
    bus.check_synced();
}

#[test]
fn a_side_without_quorum_has_it_only_once_it_has_the_state_of_the_other() {
    let mut bus = with_quorum(3, &[1, 2, 3]);
    let checkpoint = bus.open(3, "a").unwrap();
    bus.views(&[&[1, 2], &[3]]);
    bus.settle();
    let first = bus.open(1, "a").unwrap();
    bus.write(1, first, &[1; 50_000]);
    bus.settle();
    bus.together();
    while bus.phase(3) != "serving" {
        let write = bus.write(3, checkpoint, b"too early");
        assert_eq!(bus.reply(3, write), Some(TRY_AGAIN), "{}", bus.phase(3));
        assert!(bus.step());
    }
    bus.write(3, checkpoint, b"now");
    assert_eq!(bus.read(1, "a").unwrap(), b"now");
}

/// A node that was paused comes from a view with quorum, and has missed what
/// happened since.
#[test]
fn who_comes_back_alone_has_quorum_only_once_it_has_the_state_of_the_others() {
    let mut bus = with_quorum(3, &[1, 2, 3]);
    let first = bus.open(1, "a").unwrap();
    let checkpoint = bus.open(3, "a").unwrap();
    bus.view_of(&[1, 2]);
    bus.settle();
    bus.write(1, first, b"missed");
    bus.settle();
    assert!(bus.member(3).node.sync_status().may_change, "it does not know yet");
    bus.together();
    while bus.phase(3) != "serving" {
        assert!(!bus.member(3).node.sync_status().may_change, "{}", bus.phase(3));
        let write = bus.write(3, checkpoint, b"too early");
        assert_eq!(bus.reply(3, write), Some(TRY_AGAIN), "{}", bus.phase(3));
        assert!(bus.step());
    }
    assert_eq!(bus.read(3, "a").unwrap(), b"missed");
}

/// Who watches the time for all, while a checkpoint is retained.
#[test]
fn what_was_done_with_quorum_while_a_node_joined_is_done_there_too() {
    let mut bus = with_quorum(5, &[1, 2, 3]);
    let checkpoint = bus.open(2, "a").unwrap();
    bus.start(&[4]);
    bus.together();
    let all = [1, 2, 3, 4];
    assert!(all.into_iter().all(|number| bus.order(number)), "they announce themselves");
    while all.into_iter().any(|number| bus.deliver(number)) {}
    assert_eq!(bus.phase(4), "receiving");
    // A write that all have, the heads, and their end, which comes when quorum
    // is gone.
    bus.write(2, checkpoint, b"text");
    bus.order(2);
    let kind = |message: &Message| message.bytes[13];
    while bus.member(1).node.external().sent().next().map(kind) == Some(2) {
        bus.order(1);
        while all.into_iter().any(|number| bus.deliver(number)) {}
    }
    assert!(bus.order(1));
    assert_eq!(bus.phase(4), "receiving");
    bus.views(&[&[1, 4], &[2, 3]]);
    assert!(bus.member(4).node.sync().has_heads());
    bus.settle();
    bus.check_equal();
    assert_eq!(bus.phase(4), "serving");
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(4, "a").unwrap(), b"text");
}

/// Two sides meet, one of which has quorum, with a write of that under way.
/// They are merging, and the ends of their states have places in the order.
fn merging_with_write() -> (Bus, u32) {
    let all = [1, 2, 3, 4, 5];
    let mut bus = with_quorum(5, &all);
    bus.views(&[&[1, 4, 5], &[2, 3]]);
    bus.settle();
    let checkpoint = bus.open(1, "a").unwrap();
    let write = bus.write(1, checkpoint, b"text");
    bus.together();
    assert!(all.into_iter().all(|number| bus.order(number)), "a write and four announcements");
    bus.order(1);
    while all.into_iter().any(|number| bus.deliver(number)) {}
    assert!(all.into_iter().all(|number| bus.phase(number) == "merging"));
    while bus.order(1) || bus.order(2) {}
    (bus, write)
}

#[test]
fn what_was_held_in_a_merge_is_answered_when_the_merge_is_everywhere() {
    let (mut bus, write) = merging_with_write();
    while bus.deliver(1) {}
    assert_eq!((bus.phase(1), bus.reply(1, write)), ("serving", None));
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.reply(1, write), Some(Ok(())));
}

#[test]
fn what_was_held_with_quorum_is_done_where_the_merge_is_cut_short() {
    let (mut bus, write) = merging_with_write();
    while bus.deliver(1) {}
    // Those with which it was agreed, less the one that asked.
    bus.views(&[&[1, 2, 3], &[4, 5]]);
    bus.settle();
    assert_eq!(bus.reply(1, write), Some(Ok(())));
    bus.views(&[&[4, 5]]);
    bus.settle();
    bus.start(&[1, 2, 3]);
    bus.together();
    bus.settle();
    bus.check_synced();
    assert_eq!(bus.read(2, "a").unwrap(), b"text");
}

/// A side that was cut off and does not know it yet meets the one that went on
/// with quorum, and a view comes before they have announced themselves.
#[test]
fn what_was_held_without_a_plan_is_answered_with_no_result() {
    let mut bus = with_quorum(5, &[1, 2, 3, 4, 5]);
    let (first, last) = (bus.open(1, "a").unwrap(), bus.open(5, "a").unwrap());
    let id: &[u8] = b"s";
    let delete = Request::Ckpt(Ckpt::SectionDelete { checkpoint: last, id });
    let delete = bus.ask(5, &caller(), &delete);
    bus.views(&[&[1, 2, 3, 4], &[5]]);
    while (1..5).any(|number| bus.order(number) || bus.deliver(number)) {}
    let section =
        Ckpt::SectionCreate { checkpoint: first, id: Some(id), expiration: i64::MAX, data: b"" };
    let section = bus.ask(1, &caller(), &Request::Ckpt(section));
    while (1..5).any(|number| bus.order(number) || bus.deliver(number)) {}
    let write = bus.write(1, first, b"text");
    bus.together();
    assert!(bus.order(5) && bus.order(1));
    while (1..6).any(|number| bus.deliver(number)) {}
    assert_eq!((bus.reply(5, delete), bus.reply(1, write)), (None, None));
    bus.together();
    let unknown = Some(Err(AisError::Timeout));
    assert_eq!(bus.reply(5, delete), unknown, "there was no such section there");
    assert_eq!(bus.reply(1, write), unknown);
    bus.settle();
    assert_eq!(bus.reply(1, section), Some(Ok(())), "it had been done before");
    bus.check_synced();
    let again = Request::Ckpt(Ckpt::SectionDelete { checkpoint: last, id });
    assert_eq!(bus.call(5, &again).0, Err(AisError::NotExist), "it was deleted");
    assert_eq!(bus.read(5, "a").unwrap(), b"text");
}

fn watchers(bus: &Bus) -> Vec<Number> {
    let watches = |number: &&Number| bus.members[*number].node.has_timers();
    bus.members.keys().filter(watches).copied().collect()
}

#[test]
fn the_lowest_member_with_state_and_quorum_leads() {
    let mut bus = with_quorum(3, &[2, 3, 4]);
    let mut retained = how_to_open("a");
    if let Some(attributes) = &mut retained.attributes {
        attributes.retention_duration = 1_000_000_000;
    }
    let (_, body) = bus.call(3, &Request::Ckpt(Ckpt::Open(retained)));
    let checkpoint = ais_wire::Reader::new(&body).u32().unwrap();
    assert_eq!(bus.call(3, &Request::Ckpt(Ckpt::Close { checkpoint })).0, Ok(()));
    assert_eq!(watchers(&bus), [2]);
    bus.start(&[1]);
    bus.together();
    while bus.phase(1) != "serving" {
        assert_eq!(watchers(&bus), [2]);
        assert!(bus.step());
    }
    bus.settle();
    assert_eq!(watchers(&bus), [1]);
    bus.views(&[&[1], &[2, 3, 4]]);
    assert_eq!(watchers(&bus), [], "the one has no quorum, the others have not agreed yet");
    bus.settle();
    assert_eq!(watchers(&bus), [2]);
    bus.together();
    bus.settle();
    assert_eq!(watchers(&bus), [1]);
    bus.check_synced();
}

/// A group with these units, of one component each.
#[test]
fn more_members_than_are_expected_are_too_many() {
    let config = Bus::default().config(1);
    let exceeded = |expected, count: u8| {
        let sync = Sync::new(node(1), expected, &mut Services::new(&config));
        let members: Vec<_> = (1..=count).map(node).collect();
        sync.exceeded(&View {
            id: ViewId { number: 1, representative: node(1) },
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: members.clone(),
            why: String::new(),
            members,
        })
    };
    let of_three = [2, 3, 4, 5].map(|count| exceeded(Some(3), count));
    assert_eq!(of_three, [None, None, Some(3), Some(3)]);
    assert_eq!(exceeded(None, 5), None);
}

pub(super) fn groups(units: &[&str]) -> Groups {
    let unit = |unit: &&str| {
        let component = name(&format!("component {unit}"));
        Unit::new(name(unit), vec![Component::new(component, CapabilityModel::OneActive)])
    };
    let members = units.iter().map(|unit| name(&format!("component {unit}"))).collect();
    let instance = ProtectionGroup { name: name("instance"), active_members: None, members };
    let group = Group {
        name: name("group"),
        model: RedundancyModel::TwoN,
        active_units: 1,
        backup_units: None,
        units: units.iter().map(unit).collect(),
        protection_groups: vec![instance],
    };
    Groups { groups: vec![group] }
}

fn register(bus: &mut Bus, number: Number) -> Result<(), AisError> {
    let component = name("component x");
    let register = Request::Amf(amf::Request::Register { component, proxy: None });
    let id = bus.ask(number, &handle(ServiceId::Amf), &register);
    bus.settle();
    bus.reply(number, id).unwrap()
}

#[test]
fn a_node_with_another_groups_conf_has_no_part_in_amf() {
    let mut bus = Bus::default();
    bus.groups.extend([(1, groups(&["x", "new"])), (2, groups(&["x"])), (3, groups(&["x"]))]);
    bus.start(&[2, 3]);
    bus.together();
    bus.settle();
    bus.start(&[1]);
    bus.together();
    bus.settle();
    bus.check_synced();
    assert!(!bus.member(1).node.sync_status().takes_part(ServiceId::Amf));
    assert_eq!(register(&mut bus, 1), TRY_AGAIN);
    let component = name("component x");
    let unregister = Request::Amf(amf::Request::Unregister { component, proxy: None });
    let id = bus.ask(1, &handle(ServiceId::Amf), &unregister);
    assert_eq!(bus.reply(1, id), Some(Err(AisError::NotExist)), "this is never tried again");
    assert_eq!(register(&mut bus, 3), Ok(()));
    bus.check_synced();
    let checkpoint = bus.open(1, "a").unwrap();
    bus.write(1, checkpoint, b"text");
    assert_eq!(bus.read(2, "a").unwrap(), b"text");

    // With the last of the old files the new one is in use.
    bus.groups.extend([(2, groups(&["x", "new"])), (3, groups(&["x", "new"]))]);
    bus.views(&[&[1, 2]]);
    bus.settle();
    assert_eq!(register(&mut bus, 1), TRY_AGAIN);
    bus.start(&[3]);
    bus.together();
    bus.settle();
    bus.views(&[&[1, 3]]);
    bus.settle();
    bus.check_synced();
    let has_amf = |member: &Member| member.node.sync_status().takes_part(ServiceId::Amf);
    assert!(bus.members.values().all(has_amf));
    assert_eq!(register(&mut bus, 3), Ok(()));
    assert_eq!(register(&mut bus, 1), Err(AisError::Exist));
    bus.check_synced();
}

#[test]
fn sides_with_different_files_keep_that_of_the_first() {
    let mut bus = Bus::default();
    bus.groups.extend([(1, groups(&["x", "new"])), (2, groups(&["x"])), (3, groups(&["x"]))]);
    bus.start(&[1, 2, 3]);
    bus.views(&[&[1], &[2, 3]]);
    bus.settle();
    assert_eq!(register(&mut bus, 1), Ok(()));
    assert_eq!(register(&mut bus, 3), Ok(()));
    let csi = name("instance");
    let flags = ais_proto::track::TrackFlags::CHANGES;
    let track = amf::Request::TrackStart { csi, flags, capacity: 9, subscription: 1 };
    let track = bus.ask(1, &handle(ServiceId::Amf), &Request::Amf(track));
    assert_eq!(bus.reply(1, track), Some(Ok(())));
    let counted = |bus: &mut Bus| bus.member(1).node.ledger().total(Kind::Events);
    assert_ne!(counted(&mut bus), 0);
    bus.together();
    bus.settle();
    bus.check_synced();
    assert!(!bus.member(1).node.sync_status().takes_part(ServiceId::Amf));
    assert_eq!(register(&mut bus, 1), TRY_AGAIN);
    assert_eq!(register(&mut bus, 2), Err(AisError::Exist));
    bus.views(&[&[1], &[2, 3]]);
    bus.settle();
    bus.check_synced();
    assert_eq!(counted(&mut bus), 0, "nobody tracks anything in the new model");
    assert_eq!(register(&mut bus, 1), Ok(()), "alone it runs with its own file again");
}
