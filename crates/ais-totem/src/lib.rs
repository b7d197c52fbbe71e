//! The Totem single ring protocol as an engine of the contract in `ais-group`:
//! [`Ring`] is one member.
//!
//! Nothing here reads a clock, draws a random number or touches a socket: calls
//! bring time and packets. What the contract promises the node comes out as
//! [`Output`]s, what the driver has to do for the ring as [`Command`]s.

#![forbid(unsafe_code)]

mod config;
#[doc(hidden)]
pub mod fuzz;
mod messages;
mod packet;
#[cfg(test)]
mod random;
mod ring;
mod settings;

pub use ais_seal as seal;
pub use config::{Config, Sealing, Timing};
pub use packet::is_greeting;
pub use ring::{HIGHEST_NUMBER, KeyStatus, Problem, Ring, Severity, Status};
pub use settings::Setting;

use ais_group::{Engine, Guarantee, Lane, Output, QueueFull, View, ViewId};
use ais_wire::NodeId;

/// What the driver of a ring has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A packet to send. It may get lost.
    Send {
        /// Where the packet goes.
        to: Destination,
        /// The datagram.
        bytes: Bytes,
    },
    /// View numbers up to this one are to be reserved, so that they are not
    /// used again after a crash; then [`Ring::reserved`]. A commit waits for
    /// it.
    Reserve(u64),
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To every node that may be in the cluster (by multicast, or to each that
    /// is configured).
    All,
    /// To one node.
    One(NodeId),
}

/// The bytes of a packet, shared.
pub type Bytes = std::rc::Rc<[u8]>;
