//! What a run says of itself: what it covered.

use crate::fabric::{Daemon, Fabric};
use crate::history::{History, Seen};
use std::fmt;
use std::ops::AddAssign;

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The seed; it replays.
    pub seed: u64,
    /// Which world of the seed.
    pub world: &'static str,
    /// When it showed: nanoseconds, or a step.
    pub at: u64,
    /// What was wrong.
    pub what: String,
}

/// What runs have covered, so that one sees that they are not vacuous.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Nanoseconds of virtual time.
    pub time: u64,
    /// Daemons started.
    pub starts: u64,
    /// Faults of any kind.
    pub faults: u64,
    /// Daemons that ended without a word.
    pub crashes: u64,
    /// Daemons that left.
    pub leaves: u64,
    /// Daemons that had their components let go of their work first.
    pub drains: u64,
    /// Daemons that stood still.
    pub pauses: u64,
    /// Packets in the name of others.
    pub forged: u64,
    /// Cuts of the network.
    pub partitions: u64,
    /// Views.
    pub views: u64,
    /// Views in which several sides met.
    pub merges: u64,
    /// Messages sent.
    pub messages: u64,
    /// Messages not taken: the queue was full.
    pub refused: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Deliveries in a transitional configuration.
    pub late: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// Packets that a socket buffer had no room for.
    pub overflowed: u64,
    /// The longest time to come to rest, in tenths of a token.
    pub longest_settling: u64,
    /// The most packets in two tokens of a group at rest.
    pub idle_packets: u64,
    /// Nodes that were sent the heads of a state when a fault came.
    pub in_heads: u64,
    /// Nodes that were sent what sections hold when a fault came.
    pub in_bytes: u64,
    /// Nodes that waited for a state when a fault came.
    pub waiting: u64,
    /// Nodes that were in a merge when a fault came.
    pub in_merge: u64,
    /// Requests of programs.
    pub requests: u64,
    /// Requests that were not read at once, as the node was busy.
    pub unread: u64,
    /// Calls that programs with one thread gave up, as no answer came.
    pub cancelled: u64,
    /// Histories of shared sections that were explained.
    pub explained: u64,
    /// Histories that it would have taken too long to explain.
    pub given_up: u64,
    /// Components registered.
    pub registrations: u64,
    /// Components made active.
    pub actives: u64,
    /// Errors of components reported.
    pub reports: u64,
    /// What an operator did to components.
    pub operations: u64,
}

impl Counted {
    pub(crate) fn finish<D: Daemon, A>(
        &mut self,
        seen: &Seen,
        fabric: &Fabric<D, A>,
        history: &History,
    ) {
        self.time = fabric.now;
        self.views = seen.views;
        self.merges = seen.merges;
        self.deliveries = seen.deliveries;
        self.late = seen.late;
        self.messages = history.messages.len() as u64 - self.refused;
        self.packets = fabric.counts.sent;
        self.lost = fabric.network.lost;
        self.overflowed = fabric.counts.overflowed;
    }
}

impl AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.time += other.time;
        self.starts += other.starts;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.leaves += other.leaves;
        self.drains += other.drains;
        self.pauses += other.pauses;
        self.forged += other.forged;
        self.partitions += other.partitions;
        self.views += other.views;
        self.merges += other.merges;
        self.messages += other.messages;
        self.refused += other.refused;
        self.deliveries += other.deliveries;
        self.late += other.late;
        self.packets += other.packets;
        self.lost += other.lost;
        self.overflowed += other.overflowed;
        self.longest_settling = self.longest_settling.max(other.longest_settling);
        self.idle_packets = self.idle_packets.max(other.idle_packets);
        self.in_heads += other.in_heads;
        self.in_bytes += other.in_bytes;
        self.waiting += other.waiting;
        self.in_merge += other.in_merge;
        self.requests += other.requests;
        self.unread += other.unread;
        self.cancelled += other.cancelled;
        self.explained += other.explained;
        self.given_up += other.given_up;
        self.registrations += other.registrations;
        self.actives += other.actives;
        self.reports += other.reports;
        self.operations += other.operations;
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time / 1_000_000_000;
        writeln!(f, "{seconds} s of virtual time, {} daemons started", self.starts)?;
        writeln!(
            f,
            "{} faults: {} crashes, {} leaves, {} of them drained, {} pauses, {} partitions",
            self.faults, self.crashes, self.leaves, self.drains, self.pauses, self.partitions
        )?;
        writeln!(f, "{} views, {} of them merges", self.views, self.merges)?;
        writeln!(
            f,
            "{} messages, {} refused, {} deliveries, {} of them in transitional configurations",
            self.messages, self.refused, self.deliveries, self.late
        )?;
        writeln!(
            f,
            "{} packets, {} lost, {} too many for a socket buffer, {} forged",
            self.packets, self.lost, self.overflowed, self.forged
        )?;
        writeln!(
            f,
            "faults while {} nodes were sent heads and {} bytes, {} waited, {} were in a merge",
            self.in_heads, self.in_bytes, self.waiting, self.in_merge
        )?;
        writeln!(
            f,
            "{} requests of programs, {} not read at once, {} given up; {} histories of shared \
             sections, {} more not explained in time",
            self.requests, self.unread, self.cancelled, self.explained, self.given_up
        )?;
        writeln!(
            f,
            "{} components registered, {} made active, {} errors reported, {} operations",
            self.registrations, self.actives, self.reports, self.operations
        )?;
        writeln!(
            f,
            "at most {} tokens to come to rest, {} packets in two idle tokens",
            self.longest_settling as f64 / 10.0,
            self.idle_packets
        )
    }
}
