//! A host: its clock, its socket buffer, its disk and the daemon on it.

use super::Daemon;
use ais_node::Now;
use ais_totem::Bytes;
use ais_wire::NodeId;
use std::collections::VecDeque;

/// What a datagram costs in a socket buffer beside its bytes.
const OVERHEAD: usize = 500;

/// A monotonic clock: it has its own origin and its own speed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) origin: u64,
    /// Per million; 1_000_000 is exact.
    pub(crate) speed: u64,
}

impl Clock {
    pub(crate) fn read(self, time: u64) -> Now {
        let passed = (u128::from(time) * u128::from(self.speed) / 1_000_000) as u64;
        let wall = 1_700_000_000_000_000_000 + passed as i64;
        Now { monotonic: self.origin + passed, wall }
    }

    /// The first time at which the clock shows at least this.
    pub(crate) fn when(self, reading: u64) -> u64 {
        let passed = u128::from(reading.saturating_sub(self.origin));
        (passed * 1_000_000).div_ceil(u128::from(self.speed)) as u64
    }
}

/// What becomes of the numbers that are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Numbers up to this one are reserved for good.
    pub(crate) written: u64,
    /// What is being written.
    pub(crate) pending: u64,
}

/// A host.
#[derive(Debug)]
pub(crate) struct Host<D> {
    pub(crate) clock: Clock,
    pub(crate) daemon: Option<D>,
    /// Which daemon on this host this is, from 1.
    pub(crate) life: u32,
    /// The host is powered and answers for a daemon that does not run.
    pub(crate) is_up: bool,
    /// The daemon stands still until then.
    pub(crate) paused_until: u64,
    pub(crate) disk: Disk,
    /// Nothing runs on the host before then: the processor is at work.
    pub(crate) busy_until: u64,
    /// When the host runs next.
    pub(crate) wake_at: Option<u64>,
    inbox: VecDeque<(NodeId, Bytes)>,
    inbox_bytes: usize,
    pub(crate) refusals: Vec<NodeId>,
    /// Packets that the host has sent.
    pub(crate) sent: u64,
}

impl<D: Daemon> Host<D> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            daemon: None,
            life: 0,
            is_up: true,
            paused_until: 0,
            disk: Disk { written: 0, pending: 0 },
            busy_until: 0,
            wake_at: None,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            refusals: Vec::new(),
            sent: 0,
        }
    }

    /// The daemon, unless it stands still.
    pub(crate) fn running(&mut self, now: u64) -> Option<&mut D> {
        if self.paused_until > now { None } else { self.daemon.as_mut() }
    }

    /// A datagram arrives; whether the socket buffer had room.
    pub(crate) fn receive(&mut self, from: NodeId, bytes: Bytes, room: usize) -> bool {
        let size = bytes.len() + OVERHEAD;
        if self.inbox_bytes + size > room {
            return false;
        }
        self.inbox_bytes += size;
        self.inbox.push_back((from, bytes));
        true
    }

    pub(crate) fn take_datagram(&mut self) -> Option<(NodeId, Bytes)> {
        let (from, bytes) = self.inbox.pop_front()?;
        self.inbox_bytes -= bytes.len() + OVERHEAD;
        Some((from, bytes))
    }

    pub(crate) fn has_datagrams(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// The process is gone, and with it its socket.
    pub(crate) fn end(&mut self) -> Option<D> {
        self.inbox.clear();
        self.inbox_bytes = 0;
        self.refusals.clear();
        self.wake_at = None;
        self.paused_until = 0;
        self.daemon.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_and_its_inverse_agree() {
        for speed in [950_000, 1_000_000, 1_050_000, 999_999] {
            let clock = Clock { origin: 77, speed };
            for reading in [77, 78, 1_000_000, 123_456_789_012] {
                let when = clock.when(reading);
                assert!(clock.read(when).monotonic >= reading);
                assert!(when == 0 || clock.read(when - 1).monotonic < reading);
            }
        }
    }
}
