//! What an operator sees while states are brought together, and probes on
//! several nodes.

use super::bus::{Bus, Number, handle, node};
use ais_proto::admin::Event::{Deliveries, View};
use ais_proto::admin::{Request as Admin, State, Status};
use ais_proto::{Event, Reader, Request, ServiceId};

fn status(bus: &mut Bus, number: Number) -> Status {
    let body = bus.call_at_once(number, &Request::Admin(Admin::Status));
    Status::decode(&mut Reader::new(&body)).unwrap()
}

fn ask(bus: &mut Bus, number: Number, request: Admin<'_>) -> u32 {
    bus.ask(number, &handle(ServiceId::Admin), &Request::Admin(request))
}

#[test]
fn a_node_tells_how_far_it_is_whatever_its_state() {
    let mut bus = Bus::of(&[1, 2]);
    bus.open(1, "a").unwrap();
    bus.start(&[3]);
    let newborn = status(&mut bus, 3);
    assert_eq!((newborn.state, newborn.view, newborn.lead), (State::Starting, None, None));
    let configured =
        |here: [bool; 3]| [1, 2, 3].map(node).into_iter().zip(here).collect::<Vec<_>>();
    assert_eq!(newborn.configured, configured([false; 3]));
    assert_eq!(status(&mut bus, 1).configured, configured([true, true, false]));
    bus.together();
    let joining = status(&mut bus, 3);
    assert_eq!((joining.state, joining.members, joining.synced), (State::Synchronising, 3, 0));
    bus.settle();
    let there = status(&mut bus, 3);
    assert_eq!((there.state, there.members, there.synced), (State::Serving, 3, 3));
    assert_eq!((there.checkpoints, there.has_amf), (1, true));
    assert!(there.synchronised > 0);
    assert_eq!((there.has_quorum, there.lead), (true, Some(node(1))));
    assert_eq!(there.configured, configured([true; 3]));
}

#[test]
fn a_side_without_quorum_says_so() {
    let mut bus = Bus::with_quorum(Some(3));
    bus.start(&[1, 2, 3]);
    bus.together();
    bus.settle();
    bus.views(&[&[1, 2], &[3]]);
    bus.settle();
    let alone = status(&mut bus, 3);
    assert_eq!((alone.has_quorum, alone.lead, alone.expected_nodes), (false, None, Some(3)));
    assert!(status(&mut bus, 1).has_quorum);
}

#[test]
fn who_watches_is_told_of_every_view_at_once() {
    let mut bus = Bus::of(&[1]);
    ask(&mut bus, 1, Admin::Watch);
    bus.start(&[2]);
    bus.together();
    bus.views(&[&[1]]);
    let views: Vec<_> = bus
        .member(1)
        .take_told(ServiceId::Admin)
        .into_iter()
        .map(|event| match event {
            Event::Admin(View(view)) => (view.members, view.joined, view.left),
            event => panic!("{event:?}"),
        })
        .collect();
    let (one, two) = (node(1), node(2));
    let expected = [
        (vec![one], vec![], vec![]),
        (vec![one, two], vec![two], vec![]),
        (vec![one], vec![], vec![two]),
    ];
    // How the first one came about is not what this is about.
    assert_eq!(views[0].0, expected[0].0);
    assert_eq!(views[1..], expected[1..]);
}

/// What the probe of a node has heard: who sent it and what.
fn heard(bus: &mut Bus, number: Number) -> Vec<(Number, Vec<u8>)> {
    let mut heard = Vec::new();
    for event in bus.member(number).take_told(ServiceId::Admin) {
        let Event::Admin(Deliveries(deliveries)) = event else { panic!("{event:?}") };
        let items = deliveries.iter();
        heard.extend(items.map(|item| (item.from.address().octets()[3], item.message.to_vec())));
    }
    heard
}

#[test]
fn probes_of_all_nodes_hear_the_same_and_wait_for_no_state() {
    let mut bus = Bus::of(&[1, 2]);
    for number in [1, 2] {
        ask(&mut bus, number, Admin::ProbeStart);
    }
    let sent = ask(&mut bus, 1, Admin::ProbeSend { messages: vec![b"a", b"b"] });
    ask(&mut bus, 2, Admin::ProbeSend { messages: vec![b"c"] });
    assert_eq!(bus.reply(1, sent), None, "nothing is delivered yet");
    bus.settle();
    assert_eq!(bus.reply(1, sent), Some(Ok(())));
    let one = heard(&mut bus, 1);
    assert_eq!(one.len(), 3);
    assert_eq!(heard(&mut bus, 2), one);
    // A message that is delivered while members have yet to say what they have.
    ask(&mut bus, 1, Admin::ProbeSend { messages: vec![b"d"] });
    bus.start(&[3]);
    bus.together();
    assert!(bus.order(1) && bus.deliver(2));
    assert_eq!(bus.phase(2), "gathering");
    assert_eq!(heard(&mut bus, 2), [(1, b"d".to_vec())]);
    bus.settle();
    bus.check_synced();
    // Nobody who has not asked for it is told.
    assert_eq!(bus.member(3).take_told(ServiceId::Admin), []);
}
