//! Gather: which nodes are to be in the next ring ([SRP95] 5.1).

mod clique;
mod consensus;
mod decide;
mod joins;
mod own_join;
mod peer;

use super::circuit::Circuit;
use super::greeting::contains;
use super::{Ring, State};
use crate::packet::MAX_MEMBERS;
use crate::{Timing, ViewId};
use ais_wire::NodeId;
use peer::Peer;
use std::collections::{BTreeMap, BTreeSet};

/// Other nodes may have agreed to so many more rings than this member knows of.
const MAX_MISSED: u64 = 1 << 16;

#[derive(Debug)]
pub(super) struct Gather {
    /// Nodes that should be in the next ring, this one included.
    members: BTreeSet<NodeId>,
    /// The members that should not be in the next ring after all. Both sets only grow.
    failed: BTreeSet<NodeId>,
    /// The members but this one.
    peers: BTreeMap<NodeId, Peer>,
    /// Links count only as they are shown in this gather: something went wrong
    /// with the ring. Otherwise its members are taken to hear each other.
    is_careful: bool,
    /// The nodes that had agreed to the ring that was being formed when this began: they
    /// answer, though no JOIN of theirs has come since.
    agreed: BTreeSet<NodeId>,
    /// The member that lacked frames in the ring, or the one that was being formed.
    laggard: Option<NodeId>,
    /// Until then all have the time to show their links.
    decide_at: u64,
    /// When it was last looked which nodes are missing.
    looked_at: u64,
    changed_at: u64,
    /// The first JOIN has been sent.
    begun: bool,
    /// When to send JOIN, and when the last one was sent.
    join_at: u64,
    joined_at: Option<u64>,
    /// A ring of one member may be formed from then on.
    alone_at: u64,
    /// All agree on the members; the commit token is awaited until then.
    agreed_until: Option<u64>,
}

impl Gather {
    pub(super) fn has(&self, node: NodeId) -> bool {
        self.members.contains(&node) && !self.failed.contains(&node)
    }

    /// Nodes that should be in the next ring, and those of them that should
    /// not after all, in ascending order.
    fn sets(&self) -> (Vec<NodeId>, Vec<NodeId>) {
        (self.members.iter().copied().collect(), self.failed.iter().copied().collect())
    }

    /// The nodes that are to be in the next ring, in ascending order.
    pub(super) fn wanted(&self) -> Vec<NodeId> {
        self.members.difference(&self.failed).copied().collect()
    }

    /// The nodes but this one that are to be in the next ring, in ascending order.
    fn wanted_peers(&self) -> impl Iterator<Item = (NodeId, &Peer)> {
        let peers = self.peers.iter().map(|(&node, peer)| (node, peer));
        peers.filter(|(node, _)| !self.failed.contains(node))
    }

    /// The nodes `members` are in `ring`: what they wanted before is not what they want
    /// now. They are well, and have the consensus timeout to say that they want to be
    /// in the next ring.
    pub(super) fn note_ring(&mut self, now: u64, ring: ViewId, members: &[NodeId], timing: Timing) {
        let wanted = self.wanted();
        for node in members {
            let Some(peer) = self.peers.get_mut(node) else { continue };
            let is_new = ring.number > peer.number;
            peer.note_number(now, ring.number.max(peer.number), timing);
            peer.note_ring(now, timing);
            if is_new && !peer.agrees(&wanted) && !peer.refused {
                peer.deadline = now.saturating_add(timing.consensus());
            }
        }
    }

    /// Goes on after these members had agreed and have begun to form the ring. In that
    /// time no JOIN of theirs counted: they are there, and have to agree anew.
    fn go_on(&mut self, now: u64, agreed: Vec<NodeId>, timing: Timing) {
        self.agreed = agreed.into_iter().collect();
        (self.changed_at, self.agreed_until) = (now, None);
        for peer in self.peers.values_mut() {
            peer.go_on(now, now.saturating_add(timing.consensus()));
        }
    }

    /// Whether a ring may have this number, of what JOINs say: that comes from
    /// its members, while a commit token alone may be forged. They may have
    /// agreed to a few more rings since.
    pub(super) fn explains(&self, mine: u64, number: u64) -> bool {
        let highest = self.peers.values().map(|peer| peer.number).fold(mine, u64::max);
        number <= highest.saturating_add(MAX_MISSED)
    }

    /// `node`, which comes from `ring` as far as is known, should be in. It has
    /// until `deadline` to show itself.
    fn add(&mut self, node: NodeId, ring: Option<ViewId>, deadline: u64) -> bool {
        if self.members.len() >= MAX_MEMBERS || !self.members.insert(node) {
            return false;
        }
        self.peers.insert(node, Peer::new(deadline, ring));
        self.decide_at = self.decide_at.max(deadline);
        true
    }
}

impl Ring {
    /// The first gather of a node that has just started.
    pub(super) fn start_gather(&mut self, now: u64) {
        self.gather_again(now, "this node has started".into());
    }

    /// To gather with those that are in the ring, or should have been in the
    /// one that was being formed.
    #[cold]
    pub(super) fn gather_again(&mut self, now: u64, why: String) {
        self.prepare_gather(now, why);
        self.begin_gather(now);
    }

    /// To gather after something went wrong with the ring: all have to show that they
    /// hear each other.
    pub(super) fn gather_carefully(&mut self, now: u64, why: String) {
        self.prepare_gather(now, why);
        self.doubt_links(now);
        self.begin_gather(now);
    }

    /// To gather without a member that has left.
    pub(super) fn gather_without(&mut self, now: u64, gone: NodeId, why: String) {
        self.prepare_gather(now, why.clone());
        self.fail(now, gone, why);
        self.begin_gather(now);
    }

    /// To gather as a member lacks what others have. Their links show whose fault that
    /// is; if they do not, as the member lacks something again at once, it is that
    /// member's.
    pub(super) fn gather_for_deaf(&mut self, now: u64, deaf: NodeId) {
        self.core.counters.gathers_deaf += 1;
        let why = format!("{deaf} does not receive what the others send");
        self.prepare_gather(now, why.clone());
        self.doubt_links(now);
        let again = self.core.timing.bound().saturating_mul(2);
        self.deaf.retain(|_, at| now < at.saturating_add(again));
        if self.deaf.insert(deaf, now).is_some() {
            self.core.strike(now, deaf);
            self.fail(now, deaf, why);
        }
        self.begin_gather(now);
    }

    /// To form a ring of this member alone.
    pub(super) fn gather_alone(&mut self, now: u64, why: String) {
        self.prepare_gather(now, why.clone());
        for other in self.members_with_me() {
            self.mark_failed(now, other, why.clone());
        }
        self.begin_gather(now);
    }

    /// To gather with another ring.
    pub(super) fn meet(&mut self, now: u64, from: NodeId, mutual: &[NodeId], theirs: &[NodeId]) {
        self.core.counters.gathers_merge += 1;
        self.prepare_gather(now, format!("met {from}"));
        self.found_in_gather(now, from, mutual, theirs);
        self.begin_gather(now);
    }

    /// Whether a stranger can be in the next ring: both hear each other, and so
    /// do it and those that come from this member's ring, which can form one.
    fn may_add(&self, now: u64, from: NodeId, mutual: &[NodeId]) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let comes_along = |node: &NodeId| {
            let answers = gather.peers.get(node).is_some_and(|peer| peer.heard);
            answers && !gather.failed.contains(node)
        };
        let mates = self.ring.as_ref().map_or(&[][..], |ring| &ring.members);
        gather.agreed_until.is_none()
            && self.core.has_number()
            && !gather.failed.contains(&from)
            && self.core.links.is_mutual(now, from)
            && mates.iter().filter(|node| comes_along(node)).all(|&node| contains(mutual, node))
    }

    /// Whether each of these is in the sets, or can be: this member and it hear
    /// each other.
    fn can_have(&self, now: u64, mut nodes: impl Iterator<Item = NodeId>) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let links = &self.core.links;
        nodes.all(|node| gather.members.contains(&node) || links.is_mutual(now, node))
    }

    /// A node that hears this one and its ring can be in the next ring.
    pub(super) fn found_in_gather(
        &mut self,
        now: u64,
        from: NodeId,
        mutual: &[NodeId],
        theirs: &[NodeId],
    ) {
        if !self.may_add(now, from, mutual) || !self.can_have(now, theirs.iter().copied()) {
            return;
        }
        let mut changed = self.want(now, from, None);
        for &node in theirs {
            changed |= self.want(now, node, None);
        }
        if changed {
            self.sets_changed(now);
        }
    }

    /// `node`, which comes from `ring` as far as is known, should be in the next ring.
    fn want(&mut self, now: u64, node: NodeId, ring: Option<ViewId>) -> bool {
        let State::Gather(gather) = &mut self.state else { return false };
        let deadline = now.saturating_add(self.core.timing.consensus());
        let is_added = gather.add(node, ring, deadline);
        if is_added {
            self.core.links.damping.end_wait(node);
        }
        is_added
    }

    /// To gather; the first JOIN is sent when all is known that led to it.
    fn prepare_gather(&mut self, now: u64, why: String) {
        self.core.say(now, &format!("gathering members for a new ring: {why}"));
        self.cause = why;
        if let Some(ring) = &mut self.ring {
            ring.passed = None;
        }
        let deadline = now.saturating_add(self.core.timing.consensus());
        // A node that has just started gives others the time to show.
        let alone_at = if self.ring.is_some() { now } else { deadline };
        let mut gather = Gather {
            members: BTreeSet::from([self.core.me]),
            failed: BTreeSet::new(),
            peers: BTreeMap::new(),
            is_careful: false,
            agreed: self.agreed(),
            laggard: self.laggard(),
            decide_at: now,
            looked_at: now,
            changed_at: now,
            join_at: now,
            begun: false,
            joined_at: None,
            alone_at,
            agreed_until: None,
        };
        for member in self.members_with_me().into_iter().filter(|&member| member != self.core.me) {
            let ring = self.ring.as_ref().filter(|ring| ring.has(member));
            gather.add(member, ring.map(|ring| ring.id), deadline);
        }
        self.state = State::Gather(gather);
    }

    /// The nodes that have agreed to the ring which is being formed.
    fn agreed(&self) -> BTreeSet<NodeId> {
        match &self.state {
            State::Commit(commit) => commit.members().into_iter().collect(),
            State::Recovery(recovery) => recovery.members().into_iter().collect(),
            State::Gather(_) | State::Operational(_) | State::Left => BTreeSet::new(),
        }
    }

    fn laggard(&self) -> Option<NodeId> {
        match &self.state {
            State::Operational(_) => self.ring.as_ref().and_then(Circuit::laggard),
            State::Recovery(recovery) => recovery.circuit.laggard(),
            State::Gather(gather) => gather.laggard,
            State::Commit(_) | State::Left => None,
        }
    }

    /// Links count only as they are shown from now on.
    fn doubt_links(&mut self, now: u64) {
        let deadline = now.saturating_add(self.core.timing.consensus());
        let State::Gather(gather) = &mut self.state else { return };
        gather.is_careful = true;
        gather.agreed_until = None;
        gather.decide_at = deadline;
        for (&node, peer) in &mut gather.peers {
            peer.doubt(deadline);
            let is_mate = self.ring.as_ref().is_some_and(|ring| ring.has(node));
            self.core.links.doubt(node, is_mate);
        }
    }

    /// Shows the way to those that have to see it.
    fn show_links(&mut self, now: u64) {
        let State::Gather(gather) = &self.state else { return };
        if !gather.is_careful {
            return;
        }
        let me = self.core.me;
        let lacks = |node: NodeId, peer: &Peer| {
            !(peer.is_linked(me) && self.core.links.is_mutual(now, node))
        };
        let lacking = gather.wanted_peers().filter(|(node, peer)| lacks(*node, peer));
        let lacking: Vec<NodeId> = lacking.map(|(node, _)| node).collect();
        for &node in &lacking {
            if self.core.links.needs_greeting(now, node, false) {
                self.greet_alone(now, node);
            }
        }
        if !lacking.is_empty() {
            let gap = (self.core.timing.merge() / 4).max(self.core.links.hello_gap());
            self.greet_all_after(now, gap);
        }
    }

    fn begin_gather(&mut self, now: u64) {
        let State::Gather(gather) = &mut self.state else { return };
        gather.begun = true;
        self.send_join(now);
        self.check_consensus(now);
    }

    /// The nodes that a new gather begins with.
    fn members_with_me(&self) -> Vec<NodeId> {
        match &self.state {
            State::Gather(gather) => gather.wanted(),
            State::Commit(commit) => commit.members(),
            State::Recovery(recovery) => recovery.members(),
            State::Operational(_) | State::Left => {
                self.ring.as_ref().map_or_else(Vec::new, |ring| ring.members.clone())
            }
        }
    }

    /// The host of a node says that nobody listens there.
    #[cold]
    pub(super) fn on_refused(&mut self, now: u64, node: NodeId) {
        if node == self.core.me || !self.is_with_me(node) {
            return;
        }
        if !matches!(self.state, State::Gather(_)) {
            let gap = self.core.timing.refusals();
            if self.refused.is_some_and(|(_, at)| now < at.saturating_add(gap)) {
                return;
            }
            self.refused = Some((node, now));
            self.core.counters.gathers_refused += 1;
            self.gather_again(now, format!("nobody listens at {node}"));
        }
        let State::Gather(gather) = &mut self.state else { return };
        if let Some(peer) = gather.peers.get_mut(&node) {
            peer.refused = true;
            peer.deadline = peer.deadline.min(now.saturating_add(self.core.timing.suspect()));
        }
    }

    pub(super) fn next_gather(&self, gather: &Gather) -> Option<u64> {
        if gather.agreed_until.is_some() {
            return gather.agreed_until.map(|until| until.min(gather.join_at));
        }
        let alone = (gather.wanted().len() == 1).then_some(gather.alone_at);
        [Some(gather.join_at), self.next_decision(gather), alone].into_iter().flatten().min()
    }

    pub(super) fn time_in_gather(&mut self, now: u64) {
        self.fail_the_missing(now);
        let State::Gather(gather) = &mut self.state else { return };
        gather.looked_at = now;
        if gather.agreed_until.is_some_and(|until| now >= until) {
            // The commit token did not come: agree again.
            self.doubt_links(now);
            self.sets_changed(now);
        }
        let State::Gather(gather) = &self.state else { return };
        if now >= gather.join_at {
            self.send_join(now);
        }
        self.check_consensus(now);
    }

    /// `node` is not to be in the next ring.
    fn fail(&mut self, now: u64, node: NodeId, why: String) {
        if self.mark_failed(now, node, why) {
            self.sets_changed(now);
        }
    }

    fn mark_failed(&mut self, now: u64, node: NodeId, why: String) -> bool {
        let State::Gather(gather) = &mut self.state else { return false };
        if node == self.core.me || !gather.members.contains(&node) || !gather.failed.insert(node) {
            return false;
        }
        self.core.say(now, &why);
        self.core.reasons.insert(node, why);
        true
    }

    /// All have to agree anew.
    fn sets_changed(&mut self, now: u64) {
        let State::Gather(gather) = &mut self.state else { return };
        gather.changed_at = now;
        gather.agreed_until = None;
        let time = self.core.timing.consensus() / 2;
        for peer in gather.peers.values_mut() {
            // The node may be in commit, where it does not say what else it wants before it
            // hears of this.
            if peer.heard && !peer.refused && now >= peer.deadline {
                peer.deadline = now.saturating_add(time);
            }
        }
        self.join_soon(now);
    }
}
