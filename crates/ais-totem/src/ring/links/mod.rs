//! The nodes that this member hears and that hear it, what gets through between them,
//! and which of them it lets in.

mod crowd;
mod report;
#[cfg(test)]
mod tests;

use super::damping::Damping;
use crate::Timing;
use crate::packet::{MAX_MEMBERS, Reach};
use ais_wire::NodeId;
use crowd::Crowd;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are remembered at most; the one heard least lately makes room.
const MAX_REMEMBERED: usize = 2 * MAX_MEMBERS;

/// Every path carries a datagram of so many bytes (an IP packet of 576): what is
/// shorter shows nothing.
const LEAST: u16 = 548;
/// What common paths carry, without the headers of IP and UDP: jumbo frames,
/// Ethernet, and what PPPoE, VXLAN, tunnels and VPNs leave of it.
const COMMON: [u16; 9] = [8972, 1472, 1464, 1422, 1392, 1372, 1252, 972, LEAST];
/// After so many HELLOs shorter ones are tried too.
const PROMPT: u32 = 2;
/// How often all lengths are tried for a node that gets short datagrams only.
const TRIES: u32 = 4;
/// After so many HELLOs that are not answered they are further apart.
const EAGER: u32 = 8;

#[derive(Debug)]
pub(super) struct Links {
    timing: Timing,
    /// The bytes of the longest datagram that this member may send.
    full: u16,
    /// The most bytes of a datagram of the ring it is in, and of those until a while
    /// ago.
    size: u16,
    size_before: (u16, u64),
    /// Bytes of the datagrams the ring was formed with. Some of its frames may be as
    /// long, and recovery sends them again as they are.
    formed_size: u16,
    links: BTreeMap<NodeId, Link>,
    crowd: Crowd,
    pub(super) damping: Damping,
}

#[derive(Debug, Default)]
struct Link {
    heard_at: u64,
    /// How long a datagram has to get through: of a member, as long as the frames of
    /// the ring; of a stranger nothing is said.
    least: Option<u16>,
    /// The longest HELLO that came of the node, sent to this member and sent to all.
    one: Came,
    all: Came,
    /// The longest datagram that was known to get through when it got into the ring.
    size: Option<u16>,
    /// Since when enough gets through.
    good_since: Option<u64>,
    /// What the node said last that came of this member's HELLOs there.
    told: Option<Told>,
    /// When a packet of the node last said that it hears this member.
    hears_me_at: Option<u64>,
    /// Since when the node is heard and could not be let in.
    strange_since: Option<u64>,
    /// When the node was last sent a HELLO.
    greeted_at: Option<u64>,
    /// How often it was sent one, since it last said that the longest come; and since
    /// it said first that only shorter ones do, of both kinds if they do.
    greetings: u32,
    tries: u32,
    /// What [`Links::heard`] found the last time.
    was: [bool; 3],
}

/// What a packet changes of what is known of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// Anything: the others are to know soon.
    pub(super) any: bool,
    /// Whether enough of what it sends gets here: it is to know itself, and how
    /// much that is.
    pub(super) way: bool,
}

/// The longest HELLO that came lately.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// When the first one came without a long time to the next.
    since: u64,
    at: u64,
    length: u16,
}

/// What came to the other node of this member's HELLOs, to it and to all.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// When the node said so first without saying something else since, and last.
    since: u64,
    at: u64,
    one: u16,
    all: u16,
}

impl Links {
    /// `full`: the bytes of the longest datagram that this member may send.
    pub(super) fn new(timing: Timing, full: u16) -> Self {
        Self {
            timing,
            full,
            size: full,
            size_before: (full, 0),
            formed_size: full,
            links: BTreeMap::new(),
            crowd: Crowd::default(),
            damping: Damping::new(timing),
        }
    }

    /// A packet of `node` has come. `hears_me`: it says that packets of this
    /// member reach its sender. `reach`: what it shows of the way here. What is new.
    pub(super) fn heard(
        &mut self,
        now: u64,
        node: NodeId,
        hears_me: bool,
        reach: Option<Reach>,
    ) -> News {
        let is_new = !self.links.contains_key(&node);
        if is_new && self.links.len() >= MAX_REMEMBERED {
            let oldest = self.links.iter().min_by_key(|(_, link)| link.heard_at);
            if let Some((&oldest, _)) = oldest {
                self.links.remove(&oldest);
            }
        }
        self.count_crowd(now, is_new);
        let (kept, full) = (self.timing.heard(), self.full);
        let link = self.links.entry(node).or_default();
        if now > link.heard_at.saturating_add(kept) && link.least.is_none() {
            *link = Link { greeted_at: link.greeted_at, ..Link::default() };
        }
        link.heard_at = now;
        if let Some(reach) = reach {
            link.note(now, kept, full, reach);
        }
        if hears_me {
            link.hears_me_at = Some(now);
        }
        self.look_at(now, node)
    }

    /// Notes since when enough of what `node` sends gets here, and since when it
    /// is heard and not let in. What is new.
    fn look_at(&mut self, now: u64, node: NodeId) -> News {
        let good = self.is_good(now, node);
        let link = self.links.entry(node).or_default();
        link.good_since = if good { link.good_since.or(Some(now)) } else { None };
        let is = [good, self.is_heard(now, node), self.is_mutual(now, node)];
        let link = self.links.entry(node).or_default();
        let is_well = is[2] || link.least.is_some();
        link.strange_since = if is_well { None } else { link.strange_since.or(Some(now)) };
        let was = std::mem::replace(&mut link.was, is);
        News { any: was != is, way: was[0] != is[0] }
    }

    /// What `node` sends has to be shown anew to get through; if it is a member,
    /// for datagrams as the ring was formed with.
    pub(super) fn doubt(&mut self, node: NodeId, is_member: bool) {
        let least = is_member.then_some(self.formed_size);
        let link = self.links.entry(node).or_default();
        let Link { heard_at, size, .. } = *link;
        *link = Link { least, heard_at, size, ..Link::default() };
    }

    /// `node` has started again: it does not know that it was a member.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.links.remove(&node);
    }

    /// Whether `node` is a member of the ring, and was not forgotten since.
    pub(super) fn is_member(&self, node: NodeId) -> bool {
        self.links.get(&node).is_some_and(|link| link.least.is_some())
    }

    /// `node` is in the ring.
    pub(super) fn joined(&mut self, now: u64, node: NodeId) {
        let size = self.known_size(now, node);
        let least = Some(self.formed_size);
        let link = self.links.entry(node).or_default();
        (link.size, link.least) = (Some(size), least);
    }

    /// `node` is not in the ring any more, or no ring can be formed with it.
    pub(super) fn lost(&mut self, now: u64, node: NodeId) {
        self.damping.lost(now, node);
        if let Some(link) = self.links.get_mut(&node) {
            (link.least, link.good_since, link.size) = (None, None, None);
        }
    }

    /// A ring is formed, with datagrams of the size that was set last.
    pub(super) fn note_formed(&mut self) {
        self.formed_size = self.size;
        self.damping.note_formed();
    }

    /// The datagrams of the ring have so many bytes at most from now on.
    pub(super) fn set_size(&mut self, now: u64, size: u16) -> u16 {
        self.size_before = (self.size, now);
        self.size = size.clamp(self.least(), self.full);
        self.size
    }

    /// What HELLO has to tell `node`: how long those were that came of it, to
    /// this member and to all.
    pub(super) fn came(&self, now: u64, node: NodeId) -> (u16, u16) {
        let length = |came: &Came| if self.is_fresh(now, came.at) { came.length } else { 0 };
        self.links.get(&node).map_or((0, 0), |link| (length(&link.one), length(&link.all)))
    }

    /// The longest datagram of this member that is known to get through to
    /// `node`, sent to it and to all.
    pub(super) fn told(&self, now: u64, node: NodeId) -> (u16, u16) {
        let told = self.links.get(&node).and_then(|link| link.told);
        let fresh = told.filter(|told| self.is_fresh(now, told.at));
        fresh.map_or((0, 0), |told| (told.one, told.all))
    }

    /// The longest datagram that gets through between `node` and this member,
    /// both ways, to one and to all; of a node that cannot tell, the shortest.
    pub(super) fn size_with(&self, now: u64, node: NodeId) -> u16 {
        let ((one, all), (there, all_there)) = (self.came(now, node), self.told(now, node));
        one.min(all).min(there).min(all_there).clamp(self.least(), self.full)
    }

    /// The bytes that datagrams between these nodes and this member may have, as
    /// far as this member knows: the nodes say what they know.
    pub(super) fn size_among(&self, now: u64, nodes: impl Iterator<Item = NodeId>) -> u16 {
        nodes.map(|node| self.known_size(now, node)).fold(self.full, u16::min)
    }

    /// What [`Self::size_among`] takes of one node: of a member what it had shown when
    /// it got into the ring, or more if it has shown that lately.
    fn known_size(&self, now: u64, node: NodeId) -> u16 {
        if let Some(link) = self.links.get(&node).filter(|link| link.least.is_some()) {
            let (one, all) = self.came(now, node);
            return link.size.unwrap_or(self.size).max(one.min(all)).min(self.full);
        }
        // The node may know more, as more may have been shown to it by now.
        if self.is_mutual(now, node) { self.size_with(now, node) } else { self.full }
    }

    /// The bytes of the longest datagram that this member may send.
    pub(super) fn full(&self) -> u16 {
        self.full
    }

    /// The members to or from which the longest datagrams did not get through, and that
    /// were not sent one for merge.
    pub(super) fn narrow_among(&mut self, now: u64, mates: &[NodeId]) -> Vec<NodeId> {
        let (full, merge) = (self.full, self.timing.merge());
        let mut is_due = |node: &NodeId| {
            let link = self.links.get_mut(node);
            let Some(link) = link.filter(|link| link.size.is_some_and(|size| size < full)) else {
                return false;
            };
            let due = link.greeted_at.is_none_or(|at| now >= at.saturating_add(merge));
            if due {
                link.greeted_at = Some(now);
            }
            due
        };
        mates.iter().copied().filter(|node| is_due(node)).collect()
    }

    /// Whether the ring keeps to shorter datagrams than this member could send.
    pub(super) fn is_short(&self) -> bool {
        self.size < self.full
    }

    /// What has to become of the size of the ring's datagrams so that `node` can
    /// be let in, if it has to become less.
    pub(super) fn less_for(&self, now: u64, node: NodeId) -> Option<u16> {
        let link = self.links.get(&node).filter(|link| link.least.is_none())?;
        let (one, all) = self.told(now, node);
        let size = self.size_with(now, node);
        let wait = self.damping.wait(now, node).max(self.timing.merge());
        let is_known = one.min(all) >= self.least() && self.is_good(now, node);
        // Longer ones need their time in this direction too.
        let since = link.told.map_or(now, |told| told.since);
        let is_settled = now >= since.saturating_add(self.timing.merge());
        (is_known && is_settled && link.is_good_for(now, wait) && size < self.size).then_some(size)
    }

    /// Whether `node` has to be sent a HELLO now. `knows`: its packet shows that
    /// it hears this member, and knows that it is heard.
    pub(super) fn needs_greeting(&mut self, now: u64, node: NodeId, knows: bool) -> bool {
        let (one, all) = self.told(now, node);
        let (often, rarely) =
            ((self.timing.merge() / 4).max(self.hello_gap()), self.timing.merge());
        let Some(link) = self.links.get_mut(&node) else { return false };
        let gap = if knows || link.greetings > EAGER { rarely } else { often };
        let due = link.greeted_at.is_none_or(|at| now >= at.saturating_add(gap));
        if due {
            link.greeted_at = Some(now);
            link.greetings = link.greetings.saturating_add(1);
            link.tries = link.tries.saturating_add(u32::from(one.max(all) > 0));
        }
        due
    }

    /// How long the HELLOs to `node` have to be: as long as the datagrams of a ring
    /// may be and those of this one are and were, and shorter ones where these do not
    /// get through.
    pub(super) fn lengths_to(&self, now: u64, node: NodeId) -> Vec<u16> {
        let (one, _) = self.told(now, node);
        self.lengths([(node, one)].into_iter())
    }

    /// How long the HELLOs to all have to be, in the same way; `mates` need none.
    pub(super) fn lengths_to_all(&self, now: u64, mates: &[NodeId]) -> Vec<u16> {
        let nodes = { &self.links }.iter().filter(|(_, link)| self.is_fresh(now, link.heard_at));
        let strangers = nodes.map(|(&node, _)| node).filter(|node| !mates.contains(node));
        self.lengths(strangers.map(|node| (node, self.told(now, node).1)))
    }

    /// How long HELLOs have to be for nodes, each with the longest that has come there.
    fn lengths(&self, nodes: impl Iterator<Item = (NodeId, u16)>) -> Vec<u16> {
        let mut lengths = BTreeSet::from([self.full, self.formed_size, self.size]);
        for (node, came) in nodes {
            let Some(link) = self.links.get(&node).filter(|link| link.greetings > PROMPT) else {
                continue;
            };
            match came {
                came if came >= self.full => {}
                // Nothing comes there, or nothing comes back: rarely, then.
                0 if link.greetings % 2 == 0 => {}
                0 => lengths.extend([LEAST]),
                _ if link.tries <= TRIES => lengths.extend(COMMON),
                came => lengths.extend([came]),
            }
        }
        lengths.into_iter().rev().filter(|&length| length <= self.full).collect()
    }

    /// Whether enough of what `node` sends gets here, to this member and to all.
    /// What is shorter than the longest counts when longer ones had their time.
    fn is_good(&self, now: u64, node: NodeId) -> bool {
        let Some(link) = self.links.get(&node) else { return false };
        let least = link.least.unwrap_or(LEAST).min(self.full);
        let enough = link.least.unwrap_or(self.full).min(self.full);
        let is_settled = |came: &Came| {
            came.length >= enough || now >= came.since.saturating_add(self.timing.merge())
        };
        // Of a member it counts until it is doubted.
        let is_fresh = |came: &Came| link.least.is_some() || self.is_fresh(now, came.at);
        let is_enough = |came: &Came| came.length >= least && is_fresh(came) && is_settled(came);
        [&link.one, &link.all].into_iter().all(is_enough)
    }

    /// Whether what `node` sends gets here, has done so for as long as is asked
    /// of it, and the frames of this member's ring are not too long for it.
    pub(super) fn is_heard(&self, now: u64, node: NodeId) -> bool {
        let Some(link) = self.links.get(&node) else { return false };
        if !self.is_good(now, node) {
            return false;
        }
        let wait = self.damping.wait(now, node);
        link.least.is_some() || link.is_good_for(now, wait) && self.fits(now, node)
    }

    /// Whether the frames of this member's ring, those of a while ago included,
    /// get through to `node`.
    fn fits(&self, now: u64, node: NodeId) -> bool {
        let (before, changed_at) = self.size_before;
        let is_over = now >= changed_at.saturating_add(self.timing.merge() / 2);
        let longest = if is_over { self.size } else { self.size.max(before) };
        self.size_with(now, node) >= longest
    }

    /// Whether `node` hears this member, and the other way round.
    pub(super) fn is_mutual(&self, now: u64, node: NodeId) -> bool {
        let says_so = |link: &Link| {
            let is_fresh = |at| link.least.is_some() || self.is_fresh(now, at);
            link.hears_me_at.is_some_and(is_fresh)
        };
        self.is_heard(now, node) && self.links.get(&node).is_some_and(says_so)
    }

    /// The nodes that are heard, but for some, as many as a packet holds; and of
    /// them, those that hear this member.
    pub(super) fn nodes(&self, now: u64, except: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        let heard: Vec<NodeId> = self
            .links
            .keys()
            .copied()
            .filter(|&node| !except.contains(&node) && self.is_heard(now, node))
            .take(MAX_MEMBERS)
            .collect();
        let mutual = heard.iter().copied().filter(|&node| self.is_mutual(now, node)).collect();
        (heard, mutual)
    }

    /// What always gets through, unless this member may not even send so much.
    fn least(&self) -> u16 {
        LEAST.min(self.full)
    }

    fn is_fresh(&self, now: u64, at: u64) -> bool {
        now <= at.saturating_add(self.timing.heard())
    }
}

impl Link {
    /// Whether enough has come through for so long on end.
    fn is_good_for(&self, now: u64, time: u64) -> bool {
        self.good_since.is_some_and(|since| now >= since.saturating_add(time))
    }

    /// Takes in what a HELLO shows; what came before counts for `kept`.
    fn note(&mut self, now: u64, kept: u64, full: u16, reach: Reach) {
        let came = if reach.to_one { &mut self.one } else { &mut self.all };
        if now > came.at.saturating_add(kept) || came.length == 0 {
            *came = Came { since: now, at: now, length: reach.length };
        } else if reach.length >= came.length {
            (came.at, came.length) = (now, reach.length);
        }
        if reach.to_one {
            let Reach { one, all, .. } = reach;
            let same = self.told.filter(|told| (told.one, told.all) == (one, all));
            let since = same.map_or(now, |told| told.since);
            if self.told.is_none_or(|told| told.one.min(told.all) == 0) && one.min(all) > 0 {
                // HELLOs to all are rarer, so that shorter ones come later.
                self.tries = 0;
            }
            self.told = Some(Told { since, at: now, one, all });
            if reach.one.min(reach.all) >= full {
                (self.greetings, self.tries) = (0, 0);
            }
        }
    }
}
