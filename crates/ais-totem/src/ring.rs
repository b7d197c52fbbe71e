//! The ring as its driver sees it.

use crate::{Config, Guarantee, Output, QueueFull, ViewId};
use ais_wire::NodeId;

/// A member of a Totem ring.
#[derive(Debug)]
pub struct Ring {}

impl Ring {
    /// A member that looks for others. It is in no view yet, and is alone in
    /// its first one if it hears nobody for a consensus timeout.
    #[must_use]
    pub fn new(_config: Config, _now: u64) -> Self {
        unimplemented!()
    }

    /// Sends a message to all members of this or the next view.
    ///
    /// # Errors
    /// [`QueueFull`] if too many wait, or the message is longer than
    /// `max_message`.
    pub fn multicast(
        &mut self,
        _now: u64,
        _bytes: Vec<u8>,
        _guarantee: Guarantee,
    ) -> Result<(), QueueFull> {
        unimplemented!()
    }

    /// A datagram has arrived from the address of `from`. Whatever is wrong
    /// with it, it is dropped and counted.
    pub fn handle_packet(&mut self, _now: u64, _from: NodeId, _bytes: &[u8]) {
        unimplemented!()
    }

    /// All that had arrived has been handed over. Ends what a pause of this
    /// process began: until then packets that may be older than the pause are
    /// dropped.
    pub fn drained(&mut self, _now: u64) {
        unimplemented!()
    }

    /// The host of `node` has answered that nobody listens there. It may be
    /// forged, so it only makes the node suspect.
    pub fn refused(&mut self, _now: u64, _node: NodeId) {
        unimplemented!()
    }

    /// View numbers up to `number` are reserved.
    pub fn reserved(&mut self, _now: u64, _number: u64) {
        unimplemented!()
    }

    /// Leaves the group: tells the others, and takes part in nothing more.
    pub fn leave(&mut self, _now: u64) {
        unimplemented!()
    }

    /// Time has passed. Does nothing if it is called too early.
    pub fn handle_timeout(&mut self, _now: u64) {
        unimplemented!()
    }

    /// When [`Ring::handle_timeout`] has to be called. May change with every
    /// other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        unimplemented!()
    }

    /// The next output. To be called until it returns `None` after every other
    /// call.
    pub fn poll_output(&mut self) -> Option<Output> {
        unimplemented!()
    }

    /// What the ring knows of itself, for people.
    #[must_use]
    pub fn status(&self) -> Status {
        unimplemented!()
    }
}

/// What a ring knows of itself, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// `operational`, `gather`, `commit`, `recovery` or `left`.
    pub state: &'static str,
    /// The last view, if there was one.
    pub view: Option<ViewId>,
    /// Its members.
    pub members: Vec<NodeId>,
    /// Why it came about.
    pub why: String,
    /// What was counted since the start, by name, in a fixed order.
    pub counters: Vec<(&'static str, u64)>,
}
