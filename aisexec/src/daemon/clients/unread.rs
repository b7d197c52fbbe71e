//! What a program has not read yet of what was sent to it. The kernel keeps it,
//! on the account of this process.

use crate::sys;
use std::os::fd::AsFd;

/// Bytes sent after which the kernel is asked how much of them is left.
const LOOK_AFTER: usize = 16 << 10;
/// What a packet costs the kernel beside its bytes, about.
const PACKET_COST: usize = 512;

/// How much that is on one socket.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// As of the last look.
    bytes: u64,
    /// Sent since then.
    sent: usize,
}

impl Unread {
    /// Notes how many bytes were sent at once.
    pub(crate) fn sent(&mut self, socket: impl AsFd, bytes: usize) {
        self.sent += bytes + PACKET_COST;
        if self.sent >= LOOK_AFTER {
            self.look(socket);
        }
    }

    /// Asks the kernel.
    pub(crate) fn look(&mut self, socket: impl AsFd) {
        self.bytes = sys::unread(socket);
        self.sent = 0;
    }

    /// Bytes of memory, to the next 16 KiB.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
