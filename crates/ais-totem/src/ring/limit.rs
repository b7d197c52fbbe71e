//! How often packets that arrive may have this member do something.

use super::{Ring, State};
use crate::Timing;
use crate::packet::MAX_MEMBERS;
use ais_wire::NodeId;

/// Gathers that others bring about in a row before they are limited.
const GATHERS: u32 = 5;
/// Nodes that are greeted in a row.
const GREETINGS: u32 = MAX_MEMBERS as u32;

/// A node leaves at once only once in so many times [`Timing::disturbances`].
const LEAVES_APART: u64 = 10;

/// A token bucket: so many at once, and one more each time a while has passed.
#[derive(Debug)]
pub(super) struct Limit {
    most: u32,
    gap: u64,
    left: u32,
    counted_to: u64,
}

impl Limit {
    fn new(most: u32, gap: u64) -> Self {
        Self { most, gap: gap.max(1), left: most, counted_to: 0 }
    }

    /// The bound for gathers that packets of others bring about and that change
    /// nothing.
    pub(super) fn of_gathers(timing: Timing) -> Self {
        Self::new(GATHERS, timing.disturbances())
    }

    /// The bound for HELLO to single nodes.
    pub(super) fn of_greetings(timing: Timing) -> Self {
        Self::new(GREETINGS, timing.merge() / u64::from(GREETINGS))
    }

    /// Whether what is bounded may be done now, once.
    pub(super) fn take(&mut self, now: u64) -> bool {
        let earned = now.saturating_sub(self.counted_to) / self.gap;
        self.counted_to = self.counted_to.saturating_add(earned.saturating_mul(self.gap));
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(earned).min(self.most);
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    /// What was done was right: it does not count.
    pub(super) fn fill(&mut self) {
        self.left = self.most;
    }
}

impl Ring {
    /// Whether a packet may bring about a gather: they are limited, since a
    /// packet may be forged. A member that does gather takes no part in the ring
    /// any more, which shows soon.
    pub(super) fn may_disturb(&mut self, now: u64) -> bool {
        let may = self.stands_still(now) || self.gathers.take(now);
        self.core.counters.undisturbed += u64::from(!may);
        may
    }

    /// Whether `node` is believed that it leaves. A node that has left shortly before
    /// is back, so that its word may be forged: if it does leave, it takes no part in
    /// the ring any more.
    pub(super) fn may_leave(&mut self, now: u64, node: NodeId) -> bool {
        let gap = self.core.timing.disturbances().saturating_mul(LEAVES_APART);
        self.leaves.retain(|_, at| now < at.saturating_add(gap));
        let may = !self.leaves.contains_key(&node) || self.stands_still(now);
        self.core.counters.undisturbed += u64::from(!may);
        if may && self.leaves.len() < 2 * MAX_MEMBERS {
            self.leaves.insert(node, now);
        }
        may
    }

    /// Whether the ring, or the one that is being formed, has not gone on for
    /// longer than an idle token rests.
    pub(super) fn stands_still(&self, now: u64) -> bool {
        let since = match &self.state {
            State::Operational(_) => {
                self.ring.as_ref().filter(|ring| !ring.is_alone()).map(|ring| ring.token_at)
            }
            State::Commit(commit) => Some(commit.entered_at()),
            State::Recovery(recovery) => Some(recovery.circuit.token_at),
            State::Gather(_) | State::Left => None,
        };
        since.is_some_and(|at| now >= at.saturating_add(2 * self.core.timing.hold()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_at_once_and_then_one_at_a_time() {
        let mut limit = Limit::new(3, 10);
        let mut count = |from, to| (from..to).filter(|&now| limit.take(now)).count();
        assert_eq!(count(1000, 1010), 3);
        assert_eq!(count(1010, 1100), 9);
        assert_eq!(count(2000, 2001) + count(2001, 2009), 3);
        limit.fill();
        assert_eq!((0..9).filter(|_| limit.take(2009)).count(), 3);
    }
}
