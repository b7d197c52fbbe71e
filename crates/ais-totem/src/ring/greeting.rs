//! HELLO: who else is there, and does it hear me? Rings merge when every
//! member of one is known to hear and be heard by the other.

use super::{Ring, State};
use crate::packet::{Hello, MAX_MEMBERS, Packet};
use crate::{Destination, ViewId};
use ais_wire::NodeId;

impl Ring {
    pub(super) fn on_hello(&mut self, now: u64, from: NodeId, hello: &Hello) {
        let number = hello.ring.map_or(0, |ring| ring.number);
        if self.is_ignored(now, from) || !self.core.believe(now, number) {
            return;
        }
        let hears_me = contains(&hello.heard, self.core.me);
        let news = self.core.links.heard(now, from, hears_me);
        if self.is_with_me(from) {
            self.hello_of_member(now, from, hello);
        } else {
            self.greet(now, from, contains(&hello.mutual, self.core.me));
            // Who is in no ring says in JOINs whom it wants.
            if hello.ring.is_some() {
                self.hello_of_ring(now, from, hello);
            }
        }
        let mine = self.ring.as_ref().map(|ring| ring.id);
        if let (State::Gather(gather), Some(ring)) = (&mut self.state, hello.ring)
            && Some(ring) != mine
        {
            gather.note_ring(now, ring, &hello.members, self.core.timing);
        }
        if news {
            self.tell_of_links(now);
        }
    }

    /// There is another ring.
    fn hello_of_ring(&mut self, now: u64, from: NodeId, hello: &Hello) {
        let Hello { members, mutual, .. } = hello;
        match &self.state {
            State::Operational(_) if self.may_merge(now, from, mutual, members) => {
                if !self.may_disturb(now) {
                    return;
                }
                self.meet(now, from, mutual, members);
            }
            State::Gather(_) => self.found_in_gather(now, from, mutual, members),
            _ => {}
        }
    }

    /// A member that has formed another ring will not pass this one's token.
    fn hello_of_member(&mut self, now: u64, from: NodeId, hello: &Hello) {
        let (State::Operational(_), Some(ring)) = (&self.state, &self.ring) else { return };
        let is_newer = |other: ViewId| other != ring.id && other.number > ring.id.number;
        if hello.ring.is_some_and(is_newer) && self.may_disturb(now) {
            self.core.counters.gathers_merge += 1;
            self.gather_again(now, format!("{from} has formed another ring"));
        }
    }

    /// Something of another ring has come.
    pub(super) fn on_other_ring(&mut self, now: u64, from: NodeId) {
        if !self.is_with_me(from) && !self.is_ignored(now, from) {
            self.core.links.heard(now, from, false);
            self.greet(now, from, true);
        }
    }

    /// Whether nothing is to be heard of `node` for a while.
    pub(super) fn is_ignored(&mut self, now: u64, node: NodeId) -> bool {
        let banned = self.core.links.is_banned(now, node);
        self.core.counters.banned += u64::from(banned);
        banned
    }

    /// Whether `node` is in the ring this member is in or wants to be in.
    pub(super) fn is_with_me(&self, node: NodeId) -> bool {
        match &self.state {
            State::Operational(_) => self.ring.as_ref().is_some_and(|ring| ring.has(node)),
            State::Gather(gather) => gather.has(node),
            State::Commit(commit) => commit.has(node),
            State::Recovery(recovery) => recovery.has(node),
            State::Left => false,
        }
    }

    /// Whether the ring of `from`, with members `theirs`, and this one can
    /// become one without disturbing either: `from` hears all members here and
    /// is heard by them, which its `mutual` says, and this member hears all
    /// members there.
    pub(super) fn may_merge(
        &self,
        now: u64,
        from: NodeId,
        mutual: &[NodeId],
        theirs: &[NodeId],
    ) -> bool {
        let Some(ring) = &self.ring else { return false };
        let links = &self.core.links;
        let new = theirs.iter().filter(|&&node| !ring.has(node)).count();
        links.is_mutual(now, from)
            && ring.members.iter().all(|&member| contains(mutual, member))
            && theirs.iter().all(|&node| {
                ring.has(node) || (links.is_mutual(now, node) && !links.is_banned(now, node))
            })
            && ring.members.len() + new.max(1) <= MAX_MEMBERS
    }

    /// Tells a node that it is heard, unless that was done lately.
    pub(super) fn greet(&mut self, now: u64, node: NodeId, knows: bool) {
        if self.core.links.needs_greeting(now, node, knows) && self.core.greetings.take(now) {
            let hello = self.hello(now);
            self.core.send(Destination::One(node), &Packet::Hello(hello));
        }
    }

    /// Tells everybody of this ring, for the first time or again.
    pub(super) fn say_hello(&mut self, now: u64) {
        self.hello_at = now.saturating_add(self.core.timing.merge());
        let hello = self.hello(now);
        self.core.send(Destination::All, &Packet::Hello(hello));
    }

    fn hello(&self, now: u64) -> Hello {
        let ring = match &self.state {
            State::Operational(_) => self.ring.as_ref(),
            _ => None,
        };
        let members = ring.map_or_else(Vec::new, |ring| ring.members.clone());
        let (heard, mutual) = self.core.links.nodes(now, &members);
        Hello { ring: ring.map(|ring| ring.id), members, heard, mutual }
    }
}

/// Whether `node` is in a list in ascending order.
pub(super) fn contains(nodes: &[NodeId], node: NodeId) -> bool {
    nodes.binary_search(&node).is_ok()
}
