//! The clients of this node, as far as the node has to know them.

use ais_proto::ServiceId;

/// A process that uses the node, from its first connection to its end. Never
/// used twice in the life of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A connection of a process. Never used twice in the life of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// The program that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The process.
    pub session: SessionId,
    /// The connection.
    pub connection: ConnectionId,
    /// Of the connection of a library handle: its service, and which
    /// callbacks the program gave (bit n: member n of its structure).
    pub handle: Option<(ServiceId, u32)>,
}

impl Caller {
    /// The callbacks, if the caller is a library handle of `service`.
    #[must_use]
    pub fn callbacks(&self, service: ServiceId) -> Option<u32> {
        self.handle.filter(|(of, _)| *of == service).map(|(_, callbacks)| callbacks)
    }
}

/// A connection that brings what no library would bring; it is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;
