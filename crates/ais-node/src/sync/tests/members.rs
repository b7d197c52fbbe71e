//! CLM as programs on several nodes see it.

use super::bus::{Bus, Number, handle, node};
use ais_proto::clm::Event::{NodeGet, Track};
use ais_proto::clm::{Change, Request as Clm};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Event, Request, ServiceId};

/// View, number of members, and of each item the node, its name, `member` and
/// the change.
type Callback = (u64, u32, Vec<(Number, String, bool, Change)>);

fn track(bus: &mut Bus, number: Number, flags: TrackFlags) -> Result<(), AisError> {
    let start = Clm::TrackStart { flags, capacity: 10, subscription: 1 };
    let id = bus.ask(number, &handle(ServiceId::Clm), &Request::Clm(start));
    bus.reply(number, id).unwrap()
}

/// What a program was told since the last look.
fn told(bus: &mut Bus, number: Number) -> Vec<Callback> {
    let events = bus.member(number).take_told(ServiceId::Clm);
    let callback = |event| {
        let Event::Clm(Track { view, members, items, .. }) = event else { panic!("{event:?}") };
        let item = |(node, change): (ais_proto::clm::Node, Change)| {
            (node.address[3], node.name.to_string(), node.member, change)
        };
        (view, members, items.into_iter().map(item).collect())
    };
    events.into_iter().map(callback).collect()
}

fn item(
    number: Number,
    since: u64,
    member: bool,
    change: Change,
) -> (Number, String, bool, Change) {
    (number, format!("node {number} of {since}"), member, change)
}

use Change::{Joined, Left, NoChange};

#[test]
fn all_are_told_of_who_joins_and_who_leaves() {
    let mut bus = Bus::of(&[1, 2]);
    track(&mut bus, 1, TrackFlags::CHANGES).unwrap();
    track(&mut bus, 2, TrackFlags::CHANGES_ONLY).unwrap();
    bus.start(&[3]);
    bus.together();
    assert_eq!(told(&mut bus, 1), [], "nobody is shown without a name");
    bus.settle();
    let joined = item(3, 1, true, Joined);
    let all = vec![joined.clone(), item(1, 0, true, NoChange), item(2, 0, true, NoChange)];
    assert_eq!(told(&mut bus, 1), [(2, 3, all)]);
    assert_eq!(told(&mut bus, 2), [(2, 3, vec![joined])]);

    track(&mut bus, 3, TrackFlags::CURRENT).unwrap();
    let current =
        [(1, 0), (2, 0), (3, 1)].map(|(number, since)| item(number, since, true, NoChange));
    assert_eq!(told(&mut bus, 3), [(2, 3, current.to_vec())]);

    bus.views(&[&[1, 2]]);
    let left = item(3, 1, false, Left);
    let all = vec![left.clone(), item(1, 0, true, NoChange), item(2, 0, true, NoChange)];
    assert_eq!(told(&mut bus, 1), [(3, 2, all)], "that somebody left is told at once");
    assert_eq!(told(&mut bus, 2), [(3, 2, vec![left])]);
    bus.settle();
    assert_eq!(told(&mut bus, 1), []);
}

#[test]
fn who_comes_back_before_anybody_noticed_has_left_and_joined() {
    let mut bus = Bus::of(&[1, 2]);
    track(&mut bus, 1, TrackFlags::CHANGES_ONLY).unwrap();
    bus.members.remove(&2);
    bus.start(&[2]);
    bus.together();
    bus.settle();
    let items = vec![item(2, 0, false, Left), item(2, 1, true, Joined)];
    assert_eq!(told(&mut bus, 1), [(2, 2, items)]);
}

#[test]
fn views_that_change_again_before_they_are_shown_are_told_as_one() {
    let mut bus = Bus::of(&[1, 2]);
    track(&mut bus, 1, TrackFlags::CHANGES_ONLY).unwrap();
    bus.start(&[3, 4]);
    bus.together();
    bus.order(4);
    bus.deliver(1);
    bus.views(&[&[1, 3]]);
    bus.start(&[5]);
    bus.together();
    bus.settle();
    let items = vec![item(2, 0, false, Left), item(3, 1, true, Joined), item(5, 3, true, Joined)];
    assert_eq!(told(&mut bus, 1), [(4, 3, items)]);
}

#[test]
fn sides_that_meet_have_joined_each_other() {
    let mut bus = Bus::of(&[1, 2, 3]);
    bus.views(&[&[1, 2], &[3]]);
    bus.settle();
    for number in [1, 3] {
        track(&mut bus, number, TrackFlags::CHANGES_ONLY).unwrap();
    }
    bus.together();
    bus.settle();
    assert_eq!(told(&mut bus, 1), [(3, 3, vec![item(3, 0, true, Joined)])]);
    let both = vec![item(1, 0, true, Joined), item(2, 0, true, Joined)];
    assert_eq!(told(&mut bus, 3), [(3, 3, both)]);
    bus.check_synced();
}

#[test]
fn every_member_is_found_from_every_node() {
    let mut bus = Bus::of(&[1, 2, 3]);
    for from in [1, 2, 3] {
        for number in [1, 2, 3] {
            let get = Clm::NodeGet { node: node(number).to_api().into() };
            assert_eq!(bus.call(from, &Request::Clm(get)).0, Ok(()));
            let get = Clm::NodeGetAsync { node: node(number).to_api().into(), tag: 7 };
            bus.ask(from, &handle(ServiceId::Clm), &Request::Clm(get));
            let told = bus.member(from).take_told(ServiceId::Clm);
            let [Event::Clm(NodeGet { tag: 7, result: Ok(found) })] = &told[..] else {
                panic!("it is not found: {told:?}")
            };
            assert_eq!(found.address, [10, 0, 0, number]);
        }
    }
    bus.views(&[&[1, 2]]);
    bus.settle();
    let gone = Request::Clm(Clm::NodeGet { node: node(3).to_api().into() });
    assert_eq!(bus.call(1, &gone).0, Err(AisError::InvalidParam));
}
