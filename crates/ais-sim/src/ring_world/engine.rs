//! The ring as what runs on a simulated host.

use crate::fabric::{Daemon, Out};
use ais_node::Now;
use ais_totem::{Output, Ring};
use ais_wire::NodeId;

impl Daemon for Ring {
    /// All but `Send` and `Reserve`.
    type Event = Output;

    fn handle_packet(&mut self, now: Now, from: NodeId, bytes: &[u8]) {
        self.handle_packet(now.monotonic, from, bytes);
    }

    fn drained(&mut self, now: Now) {
        self.drained(now.monotonic);
    }

    fn refused(&mut self, now: Now, node: NodeId) {
        self.refused(now.monotonic, node);
    }

    fn reserved(&mut self, now: Now, number: u64) {
        self.reserved(now.monotonic, number);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now.monotonic);
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
