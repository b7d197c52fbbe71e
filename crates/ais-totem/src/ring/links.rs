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

/// It did not agree with this member though it was heard, so often. The first
/// time is forgiven: rings that meet in numbers may get in each other's way.
#[derive(Debug)]
struct Ban {
    strikes: u32,
    struck_at: u64,
    until: u64,
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

    /// Whether `node` hears this member, and the other way round.
    pub(super) fn is_mutual(&self, now: u64, node: NodeId) -> bool {
        self.links.get(&node).is_some_and(|link| self.is_link_mutual(now, link))
    }

    /// The nodes that are heard, but for some and those that are banned, as many as a packet holds; and
    /// of them, those that hear this member.
    pub(super) fn nodes(&self, now: u64, except: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        let fresh = self.links.iter().filter(|(_, link)| self.is_fresh(now, link.heard_at));
        let heard: Vec<NodeId> = fresh
            .map(|(&node, _)| node)
            .filter(|&node| !except.contains(&node) && !self.is_banned(now, node))
            .take(MAX_MEMBERS)
            .collect();
        let mutual = heard.iter().copied().filter(|&node| self.is_mutual(now, node)).collect();
        (heard, mutual)
    }

    /// `node` is connected with this member but perhaps not with all others.
    pub(super) fn strike(&mut self, now: u64, node: NodeId) {
        if !self.bans.contains_key(&node) && self.bans.len() >= MAX_NODES {
            let first = self.bans.iter().min_by_key(|(_, ban)| ban.struck_at);
            if let Some(first) = first.map(|(&node, _)| node) {
                self.bans.remove(&first);
            }
        }
        let timing = self.timing;
        let ban = self.bans.entry(node).or_insert(Ban { strikes: 0, struck_at: now, until: now });
        if now < ban.until || ban.strikes > 0 && now < ban.struck_at.saturating_add(timing.pause())
        {
            return;
        }
        let forgotten = timing.longest_ban().saturating_mul(2);
        if now > ban.struck_at.saturating_add(forgotten) {
            ban.strikes = 0;
        }
        let doublings = ban.strikes.saturating_sub(1).min(63);
        let length = timing.shortest_ban().saturating_mul(1 << doublings);
        if ban.strikes > 0 {
            ban.until = now.saturating_add(length.min(timing.longest_ban()));
        }
        ban.strikes += 1;
        ban.struck_at = now;
    }

    pub(super) fn is_banned(&self, now: u64, node: NodeId) -> bool {
        self.bans.get(&node).is_some_and(|ban| now < ban.until)
    }

    /// `node` and this member are in one ring, or are to be. What was counted
    /// stays.
    pub(super) fn lift_ban(&mut self, now: u64, node: NodeId) {
        if let Some(ban) = self.bans.get_mut(&node) {
            ban.until = ban.until.min(now);
        }
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
        links.strike(0, node(1));
        links.strike(1, node(1));
        assert!(!links.is_banned(1, node(1)), "the first time, of two causes");
        let mut now = timing.token_loss();
        links.strike(now, node(1));
        assert!(links.is_banned(now + timing.shortest_ban() - 1, node(1)));
        assert!(!links.is_banned(now + timing.shortest_ban(), node(1)));
        for _ in 0..80 {
            now += timing.longest_ban();
            links.strike(now, node(1));
        }
        assert!(links.is_banned(now + timing.longest_ban() - 1, node(1)));
        assert!(!links.is_banned(now + timing.longest_ban(), node(1)));
        links.lift_ban(now + 1, node(1));
        assert!(!links.is_banned(now + 1, node(1)));
        now += 3 * timing.longest_ban();
        links.strike(now, node(1));
        assert!(!links.is_banned(now, node(1)), "that was long ago");
    }

    #[test]
    fn the_tables_are_bounded() {
        let mut links = Links::new(Timing::from_token(1000));
        for number in 1..10_000 {
            links.heard(number.into(), node(number), true);
            links.strike(number.into(), node(number));
        }
        assert_eq!((links.links.len(), links.bans.len()), (MAX_NODES, MAX_NODES));
        assert_eq!(links.nodes(10_000, &[]).0.len(), MAX_MEMBERS);
    }
}
