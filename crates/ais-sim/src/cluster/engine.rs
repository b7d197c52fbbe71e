//! A whole node as what runs on a simulated host.

use crate::fabric::{Daemon, Out};
use ais_node::{Node, Now, Output};
use ais_wire::NodeId;

impl Daemon for Node {
    /// All but `Send` and `Reserve`.
    type Event = Output;

    fn handle_packet(&mut self, now: Now, from: NodeId, bytes: &[u8]) {
        self.handle_packet(now, from, bytes);
    }

    fn drained(&mut self, now: Now) {
        self.drained(now);
    }

    fn refused(&mut self, now: Now, node: NodeId) {
        self.refused(now, node);
    }

    fn reserved(&mut self, now: Now, number: u64) {
        self.reserved(now, number);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.poll_timeout()
    }

    fn poll_output(&mut self) -> Option<Out<Output>> {
        Some(match self.poll_output()? {
            Output::Send { to, bytes } => Out::Send { to, bytes },
            Output::Reserve(number) => Out::Reserve(number),
            other => Out::Event(other),
        })
    }
}
