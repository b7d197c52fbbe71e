//! Flap damping (as [RFC 2439] has it for routes): a node that is lost again and
//! again is let in later each time, so that the others do not change views for
//! ever.

use crate::Timing;
use crate::packet::MAX_MEMBERS;
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// Nodes that are remembered at most; the one lost least lately makes room.
const MAX_REMEMBERED: usize = 2 * MAX_MEMBERS;

#[derive(Debug)]
pub(super) struct Damping {
    timing: Timing,
    nodes: BTreeMap<NodeId, Lost>,
}

#[derive(Debug)]
struct Lost {
    /// How often the node was lost, each time within [`Timing::flap_memory`] of the
    /// time before.
    times: u32,
    at: u64,
    /// It is to be in the next ring, and waits no more.
    is_wanted: bool,
}

impl Damping {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, nodes: BTreeMap::new() }
    }

    /// `node` is not in the ring any more, or no ring can be formed with it.
    pub(super) fn lost(&mut self, now: u64, node: NodeId) {
        if !self.nodes.contains_key(&node) && self.nodes.len() >= MAX_REMEMBERED {
            let first = self.nodes.iter().min_by_key(|(_, lost)| lost.at);
            if let Some(first) = first.map(|(&node, _)| node) {
                self.nodes.remove(&first);
            }
        }
        let times = self.times(now, node).saturating_add(1);
        self.nodes.insert(node, Lost { times, at: now, is_wanted: false });
    }

    /// `node` is to be in the next ring: it has waited, here or at the member that met it.
    /// All have to know at about the same time which links work, while damping may ask for
    /// much longer at one member than at another.
    pub(super) fn end_wait(&mut self, node: NodeId) {
        if let Some(lost) = self.nodes.get_mut(&node) {
            lost.is_wanted = true;
        }
    }

    /// A ring is formed: who is not in it waits again.
    pub(super) fn note_formed(&mut self) {
        for lost in self.nodes.values_mut() {
            lost.is_wanted = false;
        }
    }

    /// How often `node` was lost lately.
    pub(super) fn times(&self, now: u64, node: NodeId) -> u32 {
        let lost = self.nodes.get(&node);
        let is_recent = |lost: &&Lost| now < lost.at.saturating_add(self.timing.flap_memory());
        lost.filter(is_recent).map_or(0, |lost| lost.times)
    }

    /// For how long what `node` sends has to come through before it is let in.
    /// The first time is forgiven.
    pub(super) fn wait(&self, now: u64, node: NodeId) -> u64 {
        match self.times(now, node) {
            _ if self.nodes.get(&node).is_some_and(|lost| lost.is_wanted) => 0,
            0 | 1 => 0,
            times => {
                let wait = self.timing.shortest_wait().saturating_mul(1 << (times - 2).min(32));
                wait.min(self.timing.longest_wait())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u32) -> NodeId {
        NodeId::new(number.into())
    }

    #[test]
    fn each_time_within_a_while_it_is_longer_and_the_first_is_forgiven() {
        let timing = Timing::from_token(1000);
        let mut damping = Damping::new(timing);
        assert_eq!(damping.wait(0, node(1)), 0);
        let mut waits = Vec::new();
        for now in 0..12 {
            damping.lost(now, node(1));
            waits.push(damping.wait(now, node(1)) / timing.shortest_wait());
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 128, 128, 128]);
        damping.end_wait(node(1));
        assert_eq!(damping.wait(12, node(1)), 0);
        damping.note_formed();
        assert_eq!(damping.wait(12, node(1)), timing.longest_wait());
        assert_eq!(damping.wait(12, node(2)), 0);
        let later = 11 + timing.flap_memory();
        assert_eq!(damping.wait(later, node(1)), 0);
        damping.lost(later, node(1));
        assert_eq!(damping.wait(later, node(1)), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut damping = Damping::new(Timing::from_token(1000));
        for number in 1..10_000 {
            damping.lost(number.into(), node(number));
        }
        assert_eq!((damping.nodes.len(), damping.times(9999, node(9999))), (MAX_REMEMBERED, 1));
    }
}
