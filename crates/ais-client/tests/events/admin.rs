//! Admin: what a probe is told.

use super::PATIENCE;
use ais_client::admin::Probe;
use ais_fake::{Daemon, Peer, in_own_process};
use ais_proto::admin::{Deliveries, Event, Request as Admin, Started};
use ais_proto::{Kind, NodeId, Request};
use std::sync::Arc;

const NODE: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));

fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    assert!(matches!(request, Request::Admin(Admin::ProbeStart)));
    let mut started = ais_proto::Writer::new();
    Started { node: NODE, probe: 3 }.encode(&mut started);
    peer.reply(id, &started.into_bytes());
}

#[test]
fn a_probe_has_what_was_delivered() {
    in_own_process("admin::a_probe_has_what_was_delivered", &[], || {
        let daemon = Daemon::start(answer);
        let mut probe = Probe::open().unwrap();
        let told = Deliveries::new(NODE, 7);
        let event = Event::Deliveries(told.clone());
        let handles = daemon.peers(|kind| matches!(kind, Kind::Handle { .. }));
        handles[0].event(event.code(), &event.encode());
        assert_eq!(probe.receive(PATIENCE.unwrap()), Ok(Some(told)));
    });
}
