//! Gather: who is to be in the next ring ([SRP95] 5.1).

mod consensus;
mod joins;

use super::greeting::contains;
use super::{Ring, State};
use crate::config::milliseconds;
use crate::packet::{Join, MAX_MEMBERS, MINOR, Packet};
use crate::{Destination, Timing, ViewId};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// After so many rings in a row that failed before they were operational a
/// member tries without its successor.
const MAX_ATTEMPTS: u32 = 4;

/// So many more rings than this member knows of others may have agreed to.
const MAX_MISSED: u64 = 1 << 16;

#[derive(Debug)]
pub(super) struct Gather {
    /// Nodes that should be in the next ring, this one included.
    members: BTreeSet<NodeId>,
    /// Of them, those that should not after all. Both sets only grow.
    failed: BTreeSet<NodeId>,
    /// The members but this one.
    peers: BTreeMap<NodeId, Peer>,
    changed_at: u64,
    /// The first JOIN has been sent.
    begun: bool,
    /// When to send JOIN, and when the last one was sent.
    join_at: u64,
    joined_at: Option<u64>,
    /// A ring of one member may be formed from then on.
    alone_at: u64,
    /// All agree; the commit token is awaited until then.
    agreed_until: Option<u64>,
}

#[derive(Debug)]
struct Peer {
    /// It has failed if no JOIN of it comes until then.
    deadline: u64,
    /// A JOIN of it has come.
    heard: bool,
    /// A JOIN of it had the sets of this member.
    agrees: bool,
    /// Its host says that nobody listens there.
    refused: bool,
    /// The view number in its last JOIN, or of the ring that a HELLO says it is
    /// in.
    number: u64,
    /// When that became higher.
    raised_at: Option<u64>,
    minor: u8,
}

impl Peer {
    /// It has nothing more to say: it waits for others as this member does, or
    /// for the commit token.
    fn is_waiting(&self) -> bool {
        self.agrees && !self.refused
    }

    /// Whether a JOIN with this number was sent before what is known of it.
    /// When none with the higher number has come for a while that was forged.
    fn is_stale(&self, now: u64, number: u64, timing: Timing) -> bool {
        let again = timing.join().saturating_mul(3);
        let is_recent = |at: u64| now < at.saturating_add(again);
        number < self.number && self.raised_at.is_some_and(is_recent)
    }

    /// Its view number is this one. If that grows without end those that it had
    /// before count for as long in between as they do not.
    fn note_number(&mut self, now: u64, number: u64, timing: Timing) {
        let rest = timing.join().saturating_mul(6);
        if number > self.number && self.raised_at.is_none_or(|at| now >= at.saturating_add(rest)) {
            self.raised_at = Some(now);
        }
        self.number = number;
    }
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

    /// Those that are to be in the next ring, in ascending order.
    pub(super) fn wanted(&self) -> Vec<NodeId> {
        self.members.difference(&self.failed).copied().collect()
    }

    /// These are in that ring: what they wanted before is not what they want
    /// now. They are well, and have the consensus timeout to say that they want
    /// to be in the next ring.
    pub(super) fn note_ring(&mut self, now: u64, ring: ViewId, members: &[NodeId], timing: Timing) {
        let deadline = now.saturating_add(timing.consensus());
        for node in members {
            let Some(peer) = self.peers.get_mut(node) else { continue };
            peer.note_number(now, ring.number.max(peer.number), timing);
            if !peer.agrees && !peer.refused {
                peer.heard = true;
                peer.deadline = deadline;
            }
        }
    }

    /// Whether a ring may have this number, of what JOINs say: that comes from
    /// its members, while a commit token alone may be forged. They may have
    /// agreed to a few more rings since.
    pub(super) fn explains(&self, mine: u64, number: u64) -> bool {
        let highest = self.peers.values().map(|peer| peer.number).fold(mine, u64::max);
        number <= highest.saturating_add(MAX_MISSED)
    }

    fn add(&mut self, node: NodeId, deadline: u64) -> bool {
        if self.members.len() >= MAX_MEMBERS || !self.members.insert(node) {
            return false;
        }
        let peer = Peer {
            deadline,
            heard: false,
            agrees: false,
            refused: false,
            number: 0,
            raised_at: None,
            minor: MINOR,
        };
        self.peers.insert(node, peer);
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
    pub(super) fn gather_again(&mut self, now: u64, why: String) {
        self.prepare_gather(now, why);
        self.begin_gather(now);
    }

    /// To gather without a member that is known to have gone.
    pub(super) fn gather_without(&mut self, now: u64, gone: NodeId, why: String) {
        self.prepare_gather(now, why.clone());
        self.fail(now, gone, why);
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
    /// do it and those that come from this member's ring.
    fn may_add(&self, now: u64, from: NodeId, mutual: &[NodeId]) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let comes_along = |node: &NodeId| {
            let answers = gather.peers.get(node).is_some_and(|peer| peer.heard);
            answers && !gather.failed.contains(node)
        };
        let mates = self.ring.as_ref().map_or(&[][..], |ring| &ring.members);
        gather.agreed_until.is_none()
            && !gather.failed.contains(&from)
            && self.core.links.is_mutual(now, from)
            && mates.iter().filter(|node| comes_along(node)).all(|&node| contains(mutual, node))
    }

    /// Whether each of these is in the sets, or can be: this member and it hear
    /// each other.
    fn can_have(&self, now: u64, mut nodes: impl Iterator<Item = NodeId>) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let links = &self.core.links;
        nodes.all(|node| {
            gather.members.contains(&node)
                || (links.is_mutual(now, node) && !links.is_banned(now, node))
        })
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
        let State::Gather(gather) = &mut self.state else { return };
        let deadline = now.saturating_add(self.core.timing.consensus());
        let mut changed = gather.add(from, deadline);
        for &node in theirs.iter().filter(|&&node| node != self.core.me) {
            changed |= gather.add(node, deadline);
        }
        if changed {
            self.sets_changed(now);
        }
    }

    /// To gather; the first JOIN is sent when all is known that led to it.
    fn prepare_gather(&mut self, now: u64, why: String) {
        self.core.say(now, &format!("gathering members for a new ring: {why}"));
        self.cause = why;
        if let Some(ring) = &mut self.ring {
            ring.passed = None;
        }
        let deadline = now.saturating_add(self.core.timing.consensus());
        // Who has just started gives others the time to show.
        let alone_at = if self.ring.is_some() { now } else { deadline };
        let mut gather = Gather {
            members: BTreeSet::from([self.core.me]),
            failed: BTreeSet::new(),
            peers: BTreeMap::new(),
            changed_at: now,
            join_at: now,
            begun: false,
            joined_at: None,
            alone_at,
            agreed_until: None,
        };
        for member in self.members_with_me().into_iter().filter(|&member| member != self.core.me) {
            gather.add(member, deadline);
        }
        self.state = State::Gather(gather);
    }

    fn begin_gather(&mut self, now: u64) {
        let State::Gather(gather) = &mut self.state else { return };
        gather.begun = true;
        self.send_join(now);
        self.check_consensus(now);
    }

    /// Whom a new gather begins with.
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

    /// A ring that was agreed on did not become operational.
    pub(super) fn attempt_failed(&mut self, now: u64, successor: Option<NodeId>, why: &str) {
        self.failed_attempts = self.failed_attempts.saturating_add(1);
        self.prepare_gather(now, why.to_owned());
        if let Some(successor) = successor.filter(|_| self.failed_attempts >= MAX_ATTEMPTS) {
            self.failed_attempts = 0;
            self.core.strike(now, successor);
            self.fail(now, successor, format!("{successor} does not pass the token: {why}"));
        }
        self.begin_gather(now);
    }

    /// The host of a node says that nobody listens there.
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
        let disagreed = gather.changed_at.saturating_add(self.core.timing.consensus());
        let peers = gather.peers.iter().filter(|(node, _)| !gather.failed.contains(node));
        let failing = peers.filter(|(_, peer)| !peer.is_waiting()).map(|(_, peer)| {
            if peer.heard && !peer.agrees { peer.deadline.min(disagreed) } else { peer.deadline }
        });
        let alone = (gather.wanted().len() == 1).then_some(gather.alone_at);
        failing.chain([gather.join_at]).chain(alone).min()
    }

    pub(super) fn time_in_gather(&mut self, now: u64) {
        self.fail_the_silent(now);
        let State::Gather(gather) = &mut self.state else { return };
        if gather.agreed_until.is_some_and(|until| now >= until) {
            // The commit token did not come: agree again.
            let deadline = now.saturating_add(self.core.timing.consensus());
            for peer in gather.peers.values_mut() {
                peer.deadline = deadline;
            }
            self.sets_changed(now);
        }
        let State::Gather(gather) = &self.state else { return };
        if now >= gather.join_at {
            self.send_join(now);
        }
        self.check_consensus(now);
    }

    /// Those that did not answer in time have failed; when there are no such
    /// any more, those that did not agree: they may not have because of these.
    fn fail_the_silent(&mut self, now: u64) {
        let consensus = self.core.timing.consensus();
        let State::Gather(gather) = &self.state else { return };
        if gather.agreed_until.is_some() {
            return;
        }
        let disagreed = now >= gather.changed_at.saturating_add(consensus);
        let peers = gather.peers.iter().filter(|(node, _)| !gather.failed.contains(node));
        let peers = peers.filter(|(_, peer)| !peer.is_waiting());
        let is_silent = |peer: &Peer| now >= peer.deadline;
        let any_silent = peers.clone().any(|(_, peer)| is_silent(peer));
        let late = peers.filter_map(|(&node, peer)| match peer {
            peer if any_silent => is_silent(peer).then_some((node, peer.refused, false)),
            Peer { heard: true, agrees: false, .. } if disagreed => Some((node, false, true)),
            _ => None,
        });
        let time = milliseconds(consensus);
        let mut changed = false;
        for (node, refused, heard) in late.collect::<Vec<_>>() {
            let why = if heard {
                format!("{node} did not agree on the members for {time} ms")
            } else if refused {
                format!("nobody listens at {node}")
            } else {
                format!("{node} did not answer: {} and no JOIN for {time} ms", self.cause)
            };
            if heard {
                self.core.strike(now, node);
            }
            changed |= self.mark_failed(now, node, why);
        }
        if changed {
            self.sets_changed(now);
        }
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
            // It may be in commit, where it sends no JOIN before it hears of
            // this.
            if std::mem::take(&mut peer.agrees) && !peer.refused {
                peer.deadline = peer.deadline.max(now.saturating_add(time));
            }
        }
        self.join_soon(now);
    }

    /// The others are to know of a new link soon.
    pub(super) fn tell_of_links(&mut self, now: u64) {
        if let State::Gather(_) = &self.state {
            self.join_soon(now);
        }
    }

    fn join_soon(&mut self, now: u64) {
        let gap = self.core.timing.join_gap();
        let State::Gather(gather) = &mut self.state else { return };
        let soon = gather.joined_at.map_or(now, |at| at.saturating_add(gap));
        gather.join_at = gather.join_at.min(soon);
        if gather.begun && now >= gather.join_at {
            self.send_join(now);
        }
    }

    fn send_join(&mut self, now: u64) {
        let Some(join) = self.join_of_gather(now) else { return };
        self.core.send(Destination::All, &Packet::Join(join));
        let interval = self.core.timing.join();
        let State::Gather(gather) = &mut self.state else { return };
        gather.joined_at = Some(now);
        gather.join_at = now.saturating_add(interval);
    }

    /// What this member wants.
    pub(super) fn join_of_gather(&self, now: u64) -> Option<Join> {
        let State::Gather(gather) = &self.state else { return None };
        let (members, failed) = gather.sets();
        let minor = gather.peers.values().map(|peer| peer.minor).fold(MINOR, u8::min);
        Some(Join { minor, members, failed, ..self.join(now) })
    }

    /// A JOIN without sets.
    fn join(&self, now: u64) -> Join {
        let (heard, mutual) = self.core.links.nodes(now, &[]);
        Join {
            minor: MINOR,
            leaving: false,
            number: self.core.number(),
            ring: self.trusted_ring().map(|ring| ring.id),
            members: Vec::new(),
            failed: Vec::new(),
            heard,
            mutual,
        }
    }

    /// Says several times, since any packet may get lost, that this member
    /// goes.
    pub(super) fn send_leave(&mut self, now: u64) {
        if let State::Left = self.state {
            return;
        }
        let mut members = self.members_with_me();
        if !members.contains(&self.core.me) {
            members.push(self.core.me);
            members.sort();
        }
        let failed = vec![self.core.me];
        let join = Join { leaving: true, members, failed, ..self.join(now) };
        let bytes = self.core.codec.encode(&Packet::Join(join));
        for _ in 0..LEAVE_COPIES {
            self.core.send_bytes(Destination::All, bytes.clone());
        }
    }
}

/// How often a member says that it goes.
const LEAVE_COPIES: usize = 3;
