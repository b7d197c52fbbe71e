//! A whole node as what runs on a simulated host.

use crate::fabric::{Daemon, Out};
use ais_node::{Node, Now, Output};
use ais_wire::NodeId;

impl Daemon for Node {
    /// All but `Ring`.
    type Event = Output;

    fn handle_packet(&mut self, now: Now, from: NodeId, bytes: &[u8]) {
        self.with_ring(now, |ring| ring.handle_packet(now.monotonic, from, bytes));
    }

    fn drained(&mut self, now: Now) {
        self.with_ring(now, |ring| ring.drained(now.monotonic));
    }

    fn refused(&mut self, now: Now, node: NodeId) {
        self.with_ring(now, |ring| ring.refused(now.monotonic, node));
    }

    fn reserved(&mut self, now: Now, number: u64) {
        self.with_ring(now, |ring| ring.reserved(now.monotonic, number));
    }

    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.poll_timeout()
    }

    fn poll_output(&mut self) -> Option<Out<Output>> {
        Some(match self.poll_output()? {
            Output::Ring(command) => Out::Command(command),
            other => Out::Event(other),
        })
    }
}
