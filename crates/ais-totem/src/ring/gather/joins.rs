//! What a JOIN of another node does in each state ([SRP95] 5.1 to 5.3).

use super::super::greeting::contains;
use super::super::{Ring, State};
use super::peer::Peer;
use crate::packet::Join;
use ais_wire::NodeId;

impl Ring {
    #[cold]
    pub(in super::super) fn on_join(&mut self, now: u64, from: NodeId, join: Join) {
        if !self.core.believe(now, join.number) {
            return;
        }
        if join.ring.is_none() && self.core.links.is_member(from) {
            self.core.links.forget(from);
        }
        // A node that takes it that members hear each other cannot show that.
        let is_careful = matches!(&self.state, State::Gather(gather) if gather.is_careful);
        let is_shown = join.careful || !is_careful;
        let hears_me = contains(&join.heard, self.core.me) && is_shown;
        let news = self.core.links.heard(now, from, hears_me, None);
        match &self.state {
            State::Operational(_) => self.join_in_operational(now, from, &join),
            State::Gather(_) => self.join_in_gather(now, from, &join),
            State::Commit(commit) => {
                let is_stale = join.number < commit.number() && commit.has_agreed_to(&join);
                self.join_while_forming(now, from, &join, is_stale);
            }
            State::Recovery(recovery) => {
                let is_stale = join.number < recovery.number();
                self.join_while_forming(now, from, &join, is_stale);
            }
            State::Left => {}
        }
        if !join.leaving {
            self.greet(now, from, contains(&join.mutual, self.core.me), news);
        }
        if news.any {
            self.join_soon(now);
        }
    }

    fn join_in_operational(&mut self, now: u64, from: NodeId, join: &Join) {
        let Some(ring) = &self.ring else { return };
        if ring.has(from) {
            if join.number < ring.id.number {
                self.core.counters.stale_joins += 1;
            } else if join.leaving {
                self.gather_left(now, from);
            } else if self.may_disturb(now) {
                self.core.counters.gathers_join += 1;
                self.gather_asked(now, from, join);
            }
            return;
        }
        let theirs: Vec<NodeId> = wanted(join).collect();
        let is_fit = !join.leaving && !fails_any(join, &ring.members);
        let is_met = is_fit && self.may_merge(now, from, &join.mutual, &theirs);
        if is_met && self.may_disturb(now) {
            self.meet(now, from, &join.mutual, &theirs);
            self.join_in_gather(now, from, join);
        }
    }

    /// What a JOIN does in commit and in recovery.
    fn join_while_forming(&mut self, now: u64, from: NodeId, join: &Join, is_stale: bool) {
        if !self.is_with_me(from) {
            return;
        }
        let leaves = join.leaving && !self.is_older_than_ring(from, join);
        if !leaves && (is_stale || join.leaving) {
            self.core.counters.stale_joins += 1;
        } else if leaves {
            self.gather_left(now, from);
        } else if self.may_disturb(now) {
            self.core.counters.gathers_join += 1;
            self.gather_asked(now, from, join);
        }
    }

    fn gather_left(&mut self, now: u64, from: NodeId) {
        if self.may_leave(now, from) {
            self.core.counters.gathers_leave += 1;
            self.gather_without(now, from, format!("{from} left"));
        }
    }

    fn gather_asked(&mut self, now: u64, from: NodeId, join: &Join) {
        if !self.gather_on(now, join) {
            self.prepare_gather(now, format!("{from} asks for a new ring"));
        }
        self.join_in_gather(now, from, join);
        self.begin_gather(now);
    }

    /// Goes on with the careful gather that led to a commit, if the sender of a JOIN knows
    /// its link with this member. Then the links that were shown go on to count: others may
    /// not wait until they are shown once more. A sender that has begun to gather anew after
    /// trouble knows of no links at first. Where no link had to be shown it is not known
    /// which of them work.
    fn gather_on(&mut self, now: u64, join: &Join) -> bool {
        let knows_links = matches!(&self.state, State::Commit(commit) if commit.is_careful());
        if !knows_links || !contains(&join.mutual, self.core.me) {
            return false;
        }
        if let State::Commit(commit) = std::mem::replace(&mut self.state, State::Left) {
            let members = commit.members();
            let mut gather = commit.into_gather();
            gather.go_on(now, members, self.core.timing);
            self.state = State::Gather(gather);
        }
        true
    }

    /// Whether a JOIN was sent before its sender was in the ring that this
    /// member is, or was last, operational in.
    fn is_older_than_ring(&self, from: NodeId, join: &Join) -> bool {
        self.ring.as_ref().is_some_and(|ring| ring.has(from) && join.number < ring.id.number)
    }

    fn join_in_gather(&mut self, now: u64, from: NodeId, join: &Join) {
        let is_older = self.is_older_than_ring(from, join);
        let State::Gather(gather) = &mut self.state else { return };
        if gather.failed.contains(&from) {
            return;
        }
        let known = gather.peers.get(&from);
        let timing = self.core.timing;
        if is_older || known.is_some_and(|peer| peer.is_stale(now, join.number, timing)) {
            self.core.counters.stale_joins += 1;
            return;
        }
        if join.leaving {
            if !self.may_leave(now, from) {
                return;
            }
            self.fail(now, from, format!("{from} left"));
            self.check_consensus(now);
            return;
        }
        // The sender forms a ring without this member; they may meet later.
        if contains(&join.failed, self.core.me) {
            if let Some(peer) = gather.peers.get_mut(&from) {
                peer.note_failed(join);
                self.end_agreement(now);
            }
            return;
        }
        if join.careful && gather.has(from) && !gather.is_careful {
            self.doubt_links(now);
        }
        let State::Gather(gather) = &mut self.state else { return };
        if !gather.peers.contains_key(&from) {
            let fits = self.may_add(now, from, &join.mutual)
                && !self.fails_a_mate(join)
                && self.can_have(now, wanted(join));
            if !fits || !self.want(now, from, join.ring) {
                return;
            }
            self.sets_changed(now);
        }
        // What a stranger wants may have been there long ago.
        let is_mate = self.ring.as_ref().is_some_and(|ring| ring.has(from));
        if is_mate || self.can_have(now, wanted(join)) {
            self.unite(now, from, join);
        }
        self.note_answer(now, from, join);
        self.check_consensus(now);
    }

    /// Takes over what the sets of a JOIN have more.
    fn unite(&mut self, now: u64, from: NodeId, join: &Join) {
        let mut changed = false;
        for &node in &join.members {
            changed |= self.want(now, node, None);
        }
        if changed {
            self.sets_changed(now);
        }
        for &node in &join.failed {
            self.take_over_failed(now, from, node);
        }
    }

    /// Another node says that `node` has failed. A stranger is not believed if it means
    /// a node that comes from this member's ring: it may have waited for longer, or
    /// while that was not there itself. No other is believed either if the node
    /// answers: then it is a matter of their links, which all decide on. Of a member that
    /// this one too has seen lacking frames it is believed, but only if the other began to
    /// gather for that; later on it is a matter of links too.
    fn take_over_failed(&mut self, now: u64, from: NodeId, node: NodeId) {
        let is_mate = |node| self.ring.as_ref().is_some_and(|ring| ring.has(node));
        let State::Gather(gather) = &self.state else { return };
        let begins = gather.peers.get(&from).is_some_and(|peer| !peer.heard);
        let is_deaf = begins && gather.laggard == Some(node);
        let has_agreed = gather.agreed.contains(&node);
        let is_answer = |peer: &Peer| (peer.heard || has_agreed) && !peer.fails(self.core.me);
        let answers = gather.peers.get(&node).is_some_and(is_answer);
        if is_mate(node) && !is_mate(from) || answers && !is_deaf {
            return;
        }
        self.fail(now, node, format!("{node} is gone, says {from}"));
    }

    /// Whether a JOIN names a node as failed that comes along from this member's ring.
    fn fails_a_mate(&self, join: &Join) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let mates = self.ring.as_ref().map_or(&[][..], |ring| &ring.members);
        mates.iter().any(|&mate| gather.has(mate) && contains(&join.failed, mate))
    }

    /// Notes that `from` answers, and whether it agrees.
    fn note_answer(&mut self, now: u64, from: NodeId, join: &Join) {
        let wants: Vec<NodeId> = wanted(join).collect();
        let timing = self.core.timing;
        let State::Gather(gather) = &mut self.state else { return };
        let agrees = wants == gather.wanted();
        let Some(peer) = gather.peers.get_mut(&from) else { return };
        let agreed = peer.agrees(&wants);
        let is_careful = gather.is_careful;
        peer.note(now, join, wants, timing);
        if is_careful && !join.careful {
            peer.doubt(now);
        }
        if is_careful && join.careful && !std::mem::replace(&mut peer.is_careful, true) {
            // The node has forgotten what it was shown before.
            let time = now.saturating_add(timing.merge());
            gather.decide_at = gather.decide_at.max(time);
        }
        if gather.wanted().iter().any(|&node| contains(&join.failed, node)) {
            self.end_agreement(now);
        } else if agrees && !agreed {
            // The node may not have been there yet when this member said so.
            self.join_soon(now);
        }
    }

    /// All had agreed in a careful gather, and now a member wants no ring with one of them:
    /// it has not seen what the others have.
    fn end_agreement(&mut self, now: u64) {
        let State::Gather(gather) = &self.state else { return };
        if gather.is_careful && gather.agreed_until.is_some() && self.may_disturb(now) {
            // With the JOINs that come until the next one is due it is decided.
            self.sets_changed(now);
        }
    }
}

fn fails_any(join: &Join, nodes: &[NodeId]) -> bool {
    nodes.iter().any(|&node| contains(&join.failed, node))
}

/// The nodes that a JOIN wants in the next ring.
fn wanted(join: &Join) -> impl Iterator<Item = NodeId> {
    join.members.iter().copied().filter(|node| !contains(&join.failed, *node))
}
