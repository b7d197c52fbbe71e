//! What a ring has to know, and every time that follows from `token`.

use ais_wire::{Name, NodeId};

/// What a ring has to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub me: NodeId,
    /// Packets of other clusters are ignored.
    pub cluster: Name,
    /// The times, all from one.
    pub timing: Timing,
    /// Bytes of a datagram at most.
    pub mtu: usize,
    /// Bytes of a message at most.
    pub max_message: usize,
    /// All views of this node get numbers above this one; higher than any it
    /// had in earlier lives.
    pub last_view: u64,
    /// View numbers up to this one are reserved already.
    pub reserved: u64,
}

/// The times of a ring, in nanoseconds. They follow from `token` so that they
/// always fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    token: u64,
}

const MILLISECOND: u64 = 1_000_000;

impl Timing {
    /// The times for a `token` of so many milliseconds.
    #[must_use]
    pub const fn from_token(milliseconds: u32) -> Self {
        Self { token: milliseconds as u64 * MILLISECOND }
    }

    /// Without a token for so long a member takes the ring for broken.
    #[must_use]
    pub const fn token_loss(self) -> u64 {
        self.token
    }
}
