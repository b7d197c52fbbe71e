//! Which nodes are not to be in the next ring after all: those at which nobody listens,
//! those that are silent or do not agree, and of those that do not hear each other as few as
//! possible. All members find the same nodes, since they know the same links from each
//! other's JOINs. A node that leaves, or that a JOIN names as failed, is left out in `joins`.

use super::super::{Ring, State};
use super::clique::left_out;
use crate::config::milliseconds;
use ais_wire::NodeId;
use std::cmp::Reverse;

impl Ring {
    /// Looks which nodes are missing when it is time to.
    pub(super) fn fail_the_missing(&mut self, now: u64) {
        let State::Gather(gather) = &self.state else { return };
        if gather.agreed_until.is_some() {
            return;
        }
        let mut gone = self.refused_in_vain(now);
        if gone.is_empty() && self.is_time_over(now) {
            gone = self.not_connected(now);
            if gone.is_empty() {
                gone = self.not_agreeing(now);
            }
        }
        let mut changed = false;
        for (node, why) in gone {
            changed |= self.mark_failed(now, node, why);
        }
        if changed {
            self.sets_changed(now);
        }
    }

    /// The nodes that have nobody listening, and sent no JOIN in time.
    fn refused_in_vain(&self, now: u64) -> Vec<(NodeId, String)> {
        let State::Gather(gather) = &self.state else { return Vec::new() };
        let gone = gather.wanted_peers().filter(|(_, peer)| peer.refused && now >= peer.deadline);
        gone.map(|(node, _)| (node, format!("nobody listens at {node}"))).collect()
    }

    /// Whether all had the time to answer, and to show their links.
    fn is_time_over(&self, now: u64) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let wanted = gather.wanted();
        now >= gather.decide_at
            || gather.wanted_peers().any(|(_, peer)| peer.is_silent(now, &wanted))
    }

    /// The nodes that are to be left out so that all others hear each other.
    fn not_connected(&self, now: u64) -> Vec<(NodeId, String)> {
        let mut nodes = self.by_preference(now);
        let stay = loop {
            let linked = |a: usize, b: usize| self.is_connected(now, nodes[a], nodes[b]);
            let out: Vec<NodeId> =
                left_out(nodes.len(), linked).iter().map(|&i| nodes[i]).collect();
            if !out.contains(&self.core.me) {
                nodes.retain(|node| !out.contains(node));
                break nodes;
            }
            // The others form a ring without this member, which is in the next
            // largest set.
            nodes = out;
        };
        let State::Gather(gather) = &self.state else { return Vec::new() };
        let gone = gather.wanted_peers().map(|(node, _)| node).filter(|node| !stay.contains(node));
        gone.map(|node| (node, self.why_missing(now, node))).collect()
    }

    /// The wanted nodes, those first that are rather to stay. Members of this ring that
    /// have fallen silent, or were so for long, are the last, as they may not have had
    /// the time to show their links. Of the others, nodes of larger rings come first,
    /// and of these the lower ones.
    fn by_preference(&self, now: u64) -> Vec<NodeId> {
        let State::Gather(gather) = &self.state else { return Vec::new() };
        let mine = self.trusted_ring().map(|ring| ring.id);
        let ring = |node: &NodeId| gather.peers.get(node).map_or(mine, |peer| peer.ring);
        let wanted = gather.wanted();
        let mates = |node: &NodeId| match ring(node) {
            Some(id) => wanted.iter().filter(|other| ring(other) == Some(id)).count(),
            None => 1,
        };
        let silence = self.core.links.silence();
        let in_time = gather.decide_at.saturating_sub(self.core.timing.consensus() / 2);
        let is_dull = |node: &NodeId| {
            let is_mate = self.ring.as_ref().is_some_and(|ring| ring.has(*node));
            gather.peers.get(node).is_some_and(|peer| {
                let is_late = gather.is_careful && peer.is_late(in_time);
                is_mate && (is_late || peer.silence_by(now).is_none_or(|time| time >= silence))
            })
        };
        let mut nodes = wanted.clone();
        nodes.sort_by_cached_key(|node| (is_dull(node), Reverse(mates(node)), *node));
        nodes
    }

    /// Whether each two of those that are wanted hear each other.
    pub(super) fn are_connected(&self, now: u64) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let wanted = gather.wanted();
        let pairs = { &wanted }.iter().enumerate();
        let mut pairs = pairs.flat_map(|(i, a)| wanted.iter().skip(i + 1).map(move |b| (*a, *b)));
        pairs.all(|(a, b)| self.is_connected(now, a, b))
    }

    /// Whether two nodes hear each other, as far as is known.
    fn is_connected(&self, now: u64, a: NodeId, b: NodeId) -> bool {
        let me = self.core.me;
        if a == me || b == me {
            return self.is_connected_with_me(now, if a == me { b } else { a });
        }
        let State::Gather(gather) = &self.state else { return false };
        let (Some(a_peer), Some(b_peer)) = (gather.peers.get(&a), gather.peers.get(&b)) else {
            return false;
        };
        if a_peer.fails(b) || b_peer.fails(a) {
            return false;
        }
        let is_unknown = !a_peer.heard && !b_peer.heard;
        a_peer.is_linked(b) || b_peer.is_linked(a) || is_unknown
    }

    /// The JOIN of a member of this ring is enough, as long as nothing has gone
    /// wrong with the ring.
    fn is_connected_with_me(&self, now: u64, node: NodeId) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let Some(peer) = gather.peers.get(&node) else { return false };
        let is_mate = self.ring.as_ref().is_some_and(|ring| ring.has(node));
        let is_shown = self.core.links.is_mutual(now, node) || peer.is_linked(self.core.me);
        let is_there = !peer.is_silent(now, &gather.wanted()) && !peer.fails(self.core.me);
        is_there && (is_shown || is_mate && !gather.is_careful)
    }

    /// The nodes that want another ring though they had the time to see that this one
    /// is to be.
    fn not_agreeing(&mut self, now: u64) -> Vec<(NodeId, String)> {
        let State::Gather(gather) = &self.state else { return Vec::new() };
        let consensus = self.core.timing.consensus();
        if now < gather.changed_at.max(gather.decide_at).saturating_add(consensus) {
            return Vec::new();
        }
        let wanted = gather.wanted();
        let others = gather.wanted_peers().filter(|(_, peer)| !peer.agrees(&wanted));
        let others: Vec<NodeId> = others.map(|(node, _)| node).collect();
        let time = milliseconds(consensus);
        let say = |node| (node, format!("{node} did not agree on the members for {time} ms"));
        for &node in &others {
            self.core.strike(now, node);
        }
        others.into_iter().map(say).collect()
    }

    /// Why a node is not to be in the next ring, for people.
    fn why_missing(&self, now: u64, node: NodeId) -> String {
        let State::Gather(gather) = &self.state else { return String::new() };
        let Some(peer) = gather.peers.get(&node) else { return String::new() };
        if peer.is_silent(now, &gather.wanted()) {
            let time = milliseconds(self.core.timing.consensus());
            return format!("{node} did not answer: {} and no JOIN for {time} ms", self.cause);
        }
        if peer.fails(self.core.me) {
            return format!("{node} forms a ring without this node");
        }
        if !self.is_connected_with_me(now, node) {
            let what = self.core.links.what_is_lost(now, node);
            return format!("{node} and this node do not reach each other: {what}");
        }
        let wanted = gather.wanted();
        let lacks = |other: &&NodeId| **other != node && !self.is_connected(now, node, **other);
        match wanted.iter().find(lacks) {
            Some(other) => format!("{node} and {other} do not reach each other"),
            None => format!("{node} stays with nodes that do not all hear this one"),
        }
    }

    /// When [`Ring::fail_the_missing`] has something new to look at.
    pub(super) fn next_decision(&self, gather: &super::Gather) -> Option<u64> {
        let consensus = self.core.timing.consensus();
        let silent = gather.wanted_peers().map(|(_, peer)| peer.deadline);
        let disagreed = gather.changed_at.max(gather.decide_at).saturating_add(consensus);
        let times = silent.chain([gather.decide_at, disagreed]);
        times.filter(|&time| time > gather.looked_at).min()
    }
}
