//! CLM: subscriptions and look-ups.

use super::PATIENCE;
use ais_client::clm::{Callbacks, Change, Clm, Event, Node};
use ais_client::dispatch::{Flags, Step, Turn};
use ais_client::{AisError, Name, TrackFlags, clm};
use ais_fake::{Daemon, Peer, in_own_process};
use ais_proto::{Kind, Request, clm as wire};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A handle whose subscriptions and look-ups are known by words.
pub(super) type Words = Clm<&'static str, &'static str>;

fn node(id: u32) -> Node {
    Node {
        id,
        address: id.to_ne_bytes(),
        name: Name::try_from("node").unwrap(),
        cluster: Name::try_from("ais").unwrap(),
        member: true,
        boot_timestamp: 77,
    }
}

/// Sends an event of a subscription, about one node.
pub(super) fn tell(peer: &Peer, subscription: u32, id: u32, change: Change) {
    let items = vec![(node(id), change)];
    let event = wire::Event::Track { subscription, view: 40, members: 3, items };
    peer.event(event.code(), &event.encode());
}

/// Sends the end of a look-up.
fn tell_found(peer: &Peer, tag: u32, result: Result<Node, AisError>) {
    let event = wire::Event::NodeGet { tag, result };
    peer.event(event.code(), &event.encode());
}

/// Grants everything; where the members of now are asked for, node 1 is one.
pub(super) fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    match request {
        Request::Clm(wire::Request::TrackStart { flags, subscription, .. })
            if flags.contains(TrackFlags::CURRENT) =>
        {
            tell(peer, subscription, 1, Change::NoChange);
        }
        _ => {}
    }
    peer.reply(id, b"");
}

/// The connections of handles, in the order in which they were opened.
pub(super) fn handles(daemon: &Daemon) -> Vec<Arc<Peer>> {
    daemon.peers(|kind| matches!(kind, Kind::Handle { .. }))
}

fn text(event: Event<'_, &str, &str>) -> String {
    match event {
        Event::Track(to, tracked) => {
            let [(node, change)] = &tracked.items[..] else { panic!("{tracked:?}") };
            format!("{to}: node {} {change:?}, {} in {}", node.id, tracked.members, tracked.view)
        }
        Event::NodeGot(lookup, Ok(node)) => format!("{lookup}: node {}", node.id),
        Event::NodeGot(lookup, Err(error)) => format!("{lookup}: {error}"),
    }
}

/// What one dispatch tells.
pub(super) fn told(clm: &Words, flags: Flags) -> Result<Vec<String>, AisError> {
    let (mut turn, mut all) = (Turn::new(flags), Vec::new());
    while let Step::Call(text) = clm.step(&mut turn, text)? {
        all.push(text);
    }
    Ok(all)
}

#[test]
fn a_change_reaches_the_subscription_that_wants_it() {
    in_own_process("clm::a_change_reaches_the_subscription_that_wants_it", &[], || {
        let daemon = Daemon::start(answer);
        let clm = Words::open(Callbacks::TRACK).unwrap();
        assert_eq!(told(&clm, Flags::All), Ok(vec![]));
        assert_eq!(clm.wait(Some(Duration::ZERO)), Err(AisError::Timeout));
        clm.track_start(TrackFlags::CURRENT, 64, "once").unwrap();
        assert_eq!(clm.wait(PATIENCE), Ok(()));
        clm.track_start(TrackFlags::CHANGES, 64, "first").unwrap();
        let peer = handles(&daemon).remove(0);
        tell(&peer, 2, 3, Change::Joined);
        let current = "once: node 1 NoChange, 3 in 40";
        assert_eq!(told(&clm, Flags::One).unwrap(), [current]);
        assert_eq!(told(&clm, Flags::One).unwrap(), ["first: node 3 Joined, 3 in 40"]);
        // One has had its one event, one gives way to the third.
        clm.track_start(TrackFlags::CHANGES_ONLY, 64, "second").unwrap();
        for subscription in 1..=3 {
            tell(&peer, subscription, 2, Change::Left);
        }
        assert_eq!(told(&clm, Flags::All).unwrap(), ["second: node 2 Left, 3 in 40"]);
        clm.track_stop().unwrap();
        tell(&peer, 3, 2, Change::Joined);
        assert_eq!(told(&clm, Flags::All), Ok(vec![]));
        assert_eq!(clm.node_get_async(7, "not asked for"), Err(AisError::Init));
        assert_eq!(clm::members().unwrap().items, [(node(1), Change::NoChange)]);
    });
}

/// Look-ups that wait: the node, and the tag of the request.
static ASKED: Mutex<Vec<(u64, u32)>> = Mutex::new(Vec::new());

#[test]
fn look_ups_end_in_any_order() {
    in_own_process("clm::look_ups_end_in_any_order", &[], || {
        let daemon = Daemon::start(|peer, id, request| {
            if let Request::Clm(wire::Request::NodeGetAsync { node, tag }) = request {
                ASKED.lock().unwrap().push((node, tag));
            }
            peer.reply(id, b"");
        });
        let clm = Words::open(Callbacks::NODE_GET).unwrap();
        clm.node_get_async(7, "there").unwrap();
        clm.node_get_async(99, "not there").unwrap();
        let [(7, first), (99, second)] = ASKED.lock().unwrap()[..] else { panic!("{ASKED:?}") };
        let peer = handles(&daemon).remove(0);
        tell_found(&peer, second, Err(AisError::InvalidParam));
        tell_found(&peer, first, Ok(node(7)));
        // It has ended already.
        tell_found(&peer, first, Ok(node(8)));
        let expected = ["not there: SA_ERR_INVALID_PARAM", "there: node 7"];
        assert_eq!(told(&clm, Flags::All).unwrap(), expected);
        assert_eq!(told(&clm, Flags::All), Ok(vec![]));
        assert_eq!(clm.track_start(TrackFlags::CURRENT, 64, "no"), Err(AisError::Init));
    });
}
