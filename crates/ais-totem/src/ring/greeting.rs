//! HELLO: which other nodes are there, and do they hear this one? Rings merge when
//! every member of one is known to hear and be heard by the other.

use super::links::News;
use super::{Ring, State};
use crate::packet::{Hello, MAX_MEMBERS, Packet, Reach};
use crate::{Destination, ViewId};
use ais_wire::NodeId;
use std::collections::BTreeSet;

/// The HELLOs that tell nodes that they are heard.
#[derive(Debug, Default)]
pub(super) struct Greetings {
    /// When HELLO was last sent to all.
    all_sent_at: u64,
    /// When HELLO has to be sent to all again, since nodes are greeted one by one.
    all_at: Option<u64>,
    /// When the nodes are greeted that are to be greeted one by one.
    alone_at: Option<u64>,
    alone: BTreeSet<NodeId>,
}

impl Greetings {
    /// When HELLO is due next.
    pub(super) fn next(&self) -> Option<u64> {
        self.all_at.into_iter().chain(self.alone_at).min()
    }
}

impl Ring {
    #[cold]
    pub(super) fn on_hello(&mut self, now: u64, from: NodeId, hello: &Hello) {
        let number = hello.ring.map_or(0, |ring| ring.number);
        if !self.core.believe(now, number) {
            return;
        }
        let hears_me = contains(&hello.heard, self.core.me);
        let news = self.core.links.heard(now, from, hears_me, Some(hello.reach));
        self.greet(now, from, contains(&hello.mutual, self.core.me), news);
        if self.is_with_me(from) {
            self.hello_of_member(now, from, hello);
        } else {
            // A node that is in no ring says in JOINs which nodes it wants.
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
        if news.any {
            self.join_soon(now);
        }
    }

    /// A stranger says that it is in another ring.
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

    /// A packet of another ring has come.
    #[cold]
    pub(super) fn on_other_ring(&mut self, now: u64, from: NodeId) {
        if !self.is_with_me(from) {
            let news = self.core.links.heard(now, from, false, None);
            self.greet(now, from, true, news);
        }
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
            && theirs.iter().all(|&node| ring.has(node) || links.is_mutual(now, node))
            && ring.members.len() + new.max(1) <= MAX_MEMBERS
    }

    /// Tells a node that it is heard, and shows it the way from here, unless
    /// that was done lately. So do HELLOs to all, since what is sent to all may
    /// take another way. `knows`: its packet shows that it hears this member, and
    /// knows that it is heard. `news`: something is new with its link.
    pub(super) fn greet(&mut self, now: u64, node: NodeId, knows: bool, news: News) {
        if self.core.links.is_member(node) && self.is_with_me(node) {
            return;
        }
        self.make_room_for(now, node);
        let due = self.core.links.needs_greeting(now, node, knows) || news.way;
        if due && self.core.greetings.take(now) {
            self.greet_alone(now, node);
        }
        if news.any {
            self.greet_all_after(now, self.core.links.hello_gap());
        } else if due {
            let gap = (self.core.timing.merge() / 2).max(self.core.links.hello_gap());
            self.greet_all_after(now, gap);
        }
    }

    /// Keeps the ring's datagrams short enough for a node that is to be let in.
    fn make_room_for(&mut self, now: u64, node: NodeId) {
        let Some(size) = self.core.links.less_for(now, node) else { return };
        let what = self.core.links.what_is_lost(now, node);
        self.core.warn(now, &format!("packets have {size} bytes at most, for {node}: {what}"));
        self.core.use_size(now, size);
    }

    /// Greets one node when it is this member's turn.
    pub(super) fn greet_alone(&mut self, now: u64, node: NodeId) {
        let turn = now.saturating_add(self.core.links.turn(self.core.me));
        self.greetings.alone.insert(node);
        self.greetings.alone_at.get_or_insert(turn);
        self.greet_if_due(now);
    }

    fn say_hello_of(&mut self, now: u64, node: NodeId, length: u16) {
        let (one, all) = self.core.links.came(now, node);
        self.send_hello(now, Destination::One(node), Reach { to_one: true, one, all, length });
    }

    /// One HELLO to all is for all that are to be greeted at about the same time: it is
    /// sent so long after the last one at the earliest, and when it is this member's turn.
    pub(super) fn greet_all_after(&mut self, now: u64, gap: u64) {
        let turn = now.saturating_add(self.core.links.turn(self.core.me));
        let due = self.greetings.all_sent_at.saturating_add(gap).max(turn);
        let at = self.greetings.all_at.get_or_insert(due);
        *at = due.min(*at);
        self.greet_if_due(now);
    }

    /// Sends the HELLOs whose time has come.
    pub(super) fn greet_if_due(&mut self, now: u64) {
        if self.greetings.alone_at.take_if(|at| now >= *at).is_some() {
            for node in std::mem::take(&mut self.greetings.alone) {
                for length in self.core.links.lengths_to(now, node) {
                    self.say_hello_of(now, node, length);
                }
            }
        }
        if self.greetings.all_at.take_if(|at| now >= *at).is_some() {
            self.say_hello(now);
        }
    }

    /// Tells all nodes of this ring, for the first time or again. Members that the
    /// longest datagrams did not reach are sent one besides: if it gets through by now,
    /// the next ring has longer ones.
    pub(super) fn say_hello(&mut self, now: u64) {
        self.hello_at = now.saturating_add(self.core.timing.merge());
        (self.greetings.all_sent_at, self.greetings.all_at) = (now, None);
        let mates = self.mates();
        for length in self.core.links.lengths_to_all(now, &mates) {
            let reach = Reach { to_one: false, one: 0, all: 0, length };
            self.send_hello(now, Destination::All, reach);
        }
        for node in self.core.links.narrow_among(now, &mates) {
            self.say_hello_of(now, node, self.core.links.full());
        }
    }

    /// The nodes that this member hears, but for some, and those of them that hear it,
    /// as it tells others. A member that is in no ring, and cannot be in one yet for
    /// the want of a number, tells of none, so that others do not wait for its disk.
    pub(super) fn links_but(&self, now: u64, except: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        if matches!(self.state, State::Operational(_)) || self.core.has_number() {
            self.core.links.nodes(now, except)
        } else {
            (Vec::new(), Vec::new())
        }
    }

    /// The members of the ring that this member is operational in.
    fn mates(&self) -> Vec<NodeId> {
        match (&self.state, &self.ring) {
            (State::Operational(_), Some(ring)) => ring.members.clone(),
            _ => Vec::new(),
        }
    }

    fn send_hello(&mut self, now: u64, to: Destination, reach: Reach) {
        let members = self.mates();
        let ring = self.ring.as_ref().filter(|_| !members.is_empty()).map(|ring| ring.id);
        let (heard, mutual) = self.links_but(now, &members);
        self.core.send(to, &Packet::Hello(Hello { ring, members, heard, mutual, reach }));
    }
}

/// Whether `node` is in a list in ascending order.
pub(super) fn contains(nodes: &[NodeId], node: NodeId) -> bool {
    nodes.binary_search(&node).is_ok()
}
