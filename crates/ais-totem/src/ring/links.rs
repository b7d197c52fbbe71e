//! Whom this member hears and who hears it; whom it leaves alone for a while
//! because not everybody hears everybody.

use crate::Timing;
use crate::packet::MAX_MEMBERS;
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// Nodes that are remembered at most, in each of the two tables; the one heard
/// least lately makes room.
const MAX_NODES: usize = 2 * MAX_MEMBERS;

#[derive(Debug)]
pub(super) struct Links {
    timing: Timing,
    links: BTreeMap<NodeId, Link>,
    bans: BTreeMap<NodeId, Ban>,
}

#[derive(Debug)]
struct Link {
    heard_at: u64,
    /// When a packet of the node last said that it hears this member.
    hears_me_at: Option<u64>,
    /// When the node was last told that it is heard.
    greeted_at: Option<u64>,
}

#[derive(Debug)]
struct Ban {
    until: u64,
    length: u64,
}

impl Links {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, links: BTreeMap::new(), bans: BTreeMap::new() }
    }

    /// A packet of `node` has come. `hears_me`: it says that packets of this
    /// member reach its sender. Whether anything is new.
    pub(super) fn heard(&mut self, now: u64, node: NodeId, hears_me: bool) -> bool {
        let before = (self.is_heard(now, node), self.is_mutual(now, node));
        if !self.links.contains_key(&node) && self.links.len() >= MAX_NODES {
            let oldest = self.links.iter().min_by_key(|(_, link)| link.heard_at);
            if let Some((&oldest, _)) = oldest {
                self.links.remove(&oldest);
            }
        }
        let unknown = Link { heard_at: now, hears_me_at: None, greeted_at: None };
        let link = self.links.entry(node).or_insert(unknown);
        link.heard_at = now;
        if hears_me {
            link.hears_me_at = Some(now);
        }
        before != (true, self.is_mutual(now, node))
    }

    /// Whether `node` has to be told now that it is heard. `knows`: its packet
    /// shows that it knows.
    pub(super) fn needs_greeting(&mut self, now: u64, node: NodeId, knows: bool) -> bool {
        let gap = if knows { self.timing.merge() } else { self.timing.merge() / 4 };
        let Some(link) = self.links.get_mut(&node) else { return false };
        let due = link.greeted_at.is_none_or(|at| now >= at.saturating_add(gap));
        if due {
            link.greeted_at = Some(now);
        }
        due
    }

    pub(super) fn is_heard(&self, now: u64, node: NodeId) -> bool {
        self.links.get(&node).is_some_and(|link| self.is_fresh(now, link.heard_at))
    }

    /// Whether a packet of `node` came in the last `time`.
    pub(super) fn is_heard_within(&self, now: u64, node: NodeId, time: u64) -> bool {
        self.links.get(&node).is_some_and(|link| now <= link.heard_at.saturating_add(time))
    }

    /// Whether `node` hears this member, and the other way round.
    pub(super) fn is_mutual(&self, now: u64, node: NodeId) -> bool {
        self.links.get(&node).is_some_and(|link| self.is_link_mutual(now, link))
    }

    /// The nodes that are heard, but for some, as many as a packet holds; and
    /// of them, those that hear this member.
    pub(super) fn nodes(&self, now: u64, except: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        let fresh = self.links.iter().filter(|(_, link)| self.is_fresh(now, link.heard_at));
        let heard: Vec<NodeId> = fresh
            .map(|(&node, _)| node)
            .filter(|node| !except.contains(node))
            .take(MAX_MEMBERS)
            .collect();
        let mutual = heard.iter().copied().filter(|&node| self.is_mutual(now, node)).collect();
        (heard, mutual)
    }

    /// `node` is connected with this member but not with all others.
    pub(super) fn ban(&mut self, now: u64, node: NodeId) {
        if !self.bans.contains_key(&node) && self.bans.len() >= MAX_NODES {
            let first = self.bans.iter().min_by_key(|(_, ban)| ban.until).map(|(&node, _)| node);
            if let Some(first) = first {
                self.bans.remove(&first);
            }
        }
        let length = self.bans.get(&node).map_or(self.timing.shortest_ban(), |ban| {
            if now < ban.until { ban.length } else { ban.length.saturating_mul(2) }
        });
        let length = length.min(self.timing.longest_ban());
        self.bans.insert(node, Ban { until: now.saturating_add(length), length });
    }

    pub(super) fn is_banned(&self, now: u64, node: NodeId) -> bool {
        self.bans.get(&node).is_some_and(|ban| now < ban.until)
    }

    /// `node` and this member are in one ring.
    pub(super) fn lift_ban(&mut self, node: NodeId) {
        self.bans.remove(&node);
    }

    fn is_fresh(&self, now: u64, at: u64) -> bool {
        now <= at.saturating_add(self.timing.heard())
    }

    fn is_link_mutual(&self, now: u64, link: &Link) -> bool {
        self.is_fresh(now, link.heard_at)
            && link.hears_me_at.is_some_and(|at| self.is_fresh(now, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u32) -> NodeId {
        NodeId::new(number.into())
    }

    #[test]
    fn a_link_is_mutual_only_while_both_directions_show() {
        let timing = Timing::from_token(1000);
        let mut links = Links::new(timing);
        assert!(links.heard(0, node(1), false));
        assert!(links.is_heard(0, node(1)) && !links.is_mutual(0, node(1)));
        assert!(links.heard(1, node(1), true));
        assert!(!links.heard(2, node(1), true));
        assert!(links.is_mutual(2, node(1)));
        let later = 3 + timing.heard();
        links.heard(later, node(1), false);
        assert!(links.is_heard(later, node(1)) && !links.is_mutual(later, node(1)));
    }

    #[test]
    fn greetings_are_rare() {
        let timing = Timing::from_token(1000);
        let mut links = Links::new(timing);
        links.heard(0, node(1), false);
        assert!(links.needs_greeting(0, node(1), false));
        assert!(!links.needs_greeting(1, node(1), false));
        assert!(links.needs_greeting(timing.merge() / 4, node(1), false));
        assert!(!links.needs_greeting(timing.merge() / 2, node(1), true));
    }

    #[test]
    fn bans_grow_and_are_lifted() {
        let timing = Timing::from_token(1000);
        let mut links = Links::new(timing);
        links.ban(0, node(1));
        links.ban(1, node(1));
        assert!(!links.is_banned(1 + timing.shortest_ban(), node(1)), "two causes, one ban");
        let mut now = 0;
        for _ in 0..20 {
            now += timing.longest_ban();
            links.ban(now, node(1));
        }
        assert!(links.is_banned(now + timing.longest_ban() - 1, node(1)));
        assert!(!links.is_banned(now + timing.longest_ban(), node(1)));
        links.lift_ban(node(1));
        links.ban(now, node(1));
        assert!(!links.is_banned(now + timing.shortest_ban(), node(1)));
    }

    #[test]
    fn the_tables_are_bounded() {
        let mut links = Links::new(Timing::from_token(1000));
        for number in 1..10_000 {
            links.heard(number.into(), node(number), true);
            links.ban(number.into(), node(number));
        }
        assert_eq!((links.links.len(), links.bans.len()), (MAX_NODES, MAX_NODES));
        assert_eq!(links.nodes(10_000, &[]).0.len(), MAX_MEMBERS);
    }
}
