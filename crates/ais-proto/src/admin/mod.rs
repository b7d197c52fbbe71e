//! Admin: what an operator asks of an executive, and the probe that measures
//! the group. No part of A.01.01.

mod event;
mod inspect;
mod operate;
mod report;
mod request;
#[cfg(test)]
mod tests;

pub use ais_wire::ViewId;
pub use event::{Delivered, Deliveries, Event, View};
pub use inspect::{Inspected, Opener, Piece};
pub use operate::{AdminState, AmfNode, Operated, Operation, Target};
pub use report::{
    Checkpoint, Clients, Component, Failure, KeyHolder, Keys, Page, Phase, Problem, Redundancy,
    Ring, Severity, Started, State, Status,
};
pub use request::Request;

/// Entries in one reply at most, whatever limit the request names.
pub const MAX_PAGE: u32 = 256;

/// Bytes of the ids in a page of sections, about, and of a [`Piece`] at most.
pub const MAX_INSPECTED: usize = 64 << 10;

/// Bytes of a message of the probe at most: one fits into a request.
pub const MAX_PROBE_MESSAGE: usize = 65_000;

/// Bytes of the messages in one request at most, what describes them
/// included: 64 KiB is what the connection of a library handle takes.
pub const MAX_PROBE_REQUEST: usize = 64 << 10;
