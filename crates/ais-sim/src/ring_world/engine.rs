//! The ring as what runs on a simulated host.

use crate::fabric::{Daemon, Out};
use ais_group::{Engine, Output};
use ais_node::Now;
use ais_totem::Ring;
use ais_wire::NodeId;

impl Daemon for Ring {
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
        Engine::handle_timeout(self, now.monotonic);
    }

    fn poll_timeout(&self) -> Option<u64> {
        Engine::poll_timeout(self)
    }

    fn poll_output(&mut self) -> Option<Out<Output>> {
        let command = self.poll_command().map(Out::Command);
        command.or_else(|| Engine::poll_output(self).map(Out::Event))
    }
}
