//! Which machine has an address: each node draws a number when it starts and tells it
//! in JOIN and HELLO. A node that starts again has another number, and the old one is
//! heard no more; where both go on, two machines have one address.

use super::problems::{Problem, Severity, Topic};
use super::{Ring, State};
use crate::packet::{Introduction, MAX_MEMBERS, Packet};
use crate::{Timing, ViewId};
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// Nodes that are remembered at most; the one heard least lately makes room.
const MAX_REMEMBERED: usize = 2 * MAX_MEMBERS;

#[derive(Debug)]
pub(super) struct Incarnations {
    /// A node that was not heard for so long is gone.
    kept: u64,
    nodes: BTreeMap<NodeId, Known>,
}

#[derive(Debug)]
struct Known {
    /// `None`: it is in the ring of this member, and has told nothing yet.
    incarnation: Option<u64>,
    /// When that machine was last known to be there.
    heard_at: u64,
    other: Option<Other>,
}

/// Another one with the same address.
#[derive(Debug)]
struct Other {
    incarnation: u64,
    first_at: u64,
    heard_at: u64,
}

/// What a packet shows of its sender.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    incarnation: u64,
    /// When a machine with its address was last at work in the ring of this member.
    alive_at: Option<u64>,
    /// Whether the sender says that it is in that ring, or in another one.
    is_mate: Option<bool>,
}

impl Incarnations {
    pub(super) fn new(timing: Timing) -> Self {
        Self { kept: timing.heard(), nodes: BTreeMap::new() }
    }

    /// A packet of `node` has come. Whether it is of the incarnation that is known.
    fn hear(&mut self, now: u64, node: NodeId, sighting: Sighting) -> bool {
        if !self.nodes.contains_key(&node) && self.nodes.len() >= MAX_REMEMBERED {
            let oldest = self.nodes.iter().min_by_key(|(_, known)| known.heard_at);
            if let Some((&oldest, _)) = oldest {
                self.nodes.remove(&oldest);
            }
        }
        let known = self.nodes.entry(node).or_insert(Known::new(now, sighting.incarnation));
        known.hear(now, sighting, self.kept)
    }

    /// `node` is in a new ring, which is with the one heard last.
    fn settle(&mut self, node: NodeId) {
        let Some(known) = self.nodes.get_mut(&node) else { return };
        if let Some(other) = known.other.take_if(|other| other.heard_at >= known.heard_at) {
            *known = Known::new(other.heard_at, other.incarnation);
        }
    }

    /// Whether two machines have the address of `node`: two incarnations were
    /// heard lately that have been there together for a while.
    pub(super) fn is_twice(&self, now: u64, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|known| known.is_twice(now, self.kept))
    }

    /// The addresses that two machines have, in ascending order.
    pub(super) fn twice(&self, now: u64) -> Vec<NodeId> {
        let twice = self.nodes.iter().filter(|(_, known)| known.is_twice(now, self.kept));
        twice.map(|(node, _)| *node).collect()
    }
}

impl Known {
    fn new(now: u64, incarnation: u64) -> Self {
        Self { incarnation: Some(incarnation), heard_at: now, other: None }
    }

    fn hear(&mut self, now: u64, sighting: Sighting, kept: u64) -> bool {
        let Sighting { incarnation, alive_at, is_mate } = sighting;
        let is_over = |at: u64| now > at.saturating_add(kept);
        self.heard_at = self.heard_at.max(alive_at.unwrap_or(0));
        self.other.take_if(|other| is_over(other.heard_at));
        match is_mate {
            Some(true) => self.incarnation.replace(incarnation),
            // The one in the ring cannot be elsewhere.
            Some(false) => self.incarnation.take_if(|known| *known == incarnation),
            None => None,
        };
        if self.incarnation == Some(incarnation) {
            self.heard_at = self.heard_at.max(now);
            return true;
        }
        if is_over(self.heard_at) {
            *self = Self::new(now, incarnation);
            return true;
        }
        let new = Other { incarnation, first_at: now, heard_at: now };
        let other = self.other.get_or_insert(new);
        // There may be a third machine.
        (other.incarnation, other.heard_at) = (incarnation, now);
        false
    }

    fn is_twice(&self, now: u64, kept: u64) -> bool {
        self.other.as_ref().is_some_and(|other| {
            let both_at = self.heard_at.min(other.heard_at);
            both_at >= other.first_at.saturating_add(kept) && now <= both_at.saturating_add(kept)
        })
    }
}

impl Ring {
    /// Takes in which machine a JOIN or HELLO comes from, and whether it may have
    /// to do with this member. While a ring works, another incarnation of a member
    /// changes nothing: if the member has started again the ring stands still soon.
    /// An address that two machines have is let into no ring: which of them gets
    /// what is sent there is a matter of chance.
    #[cold]
    pub(super) fn is_one_machine(
        &mut self,
        now: u64,
        from: NodeId,
        packet: &Packet,
        told: &Introduction,
    ) -> bool {
        let in_ring = matches!(self.state, State::Operational(_)) && self.is_with_me(from);
        let mine = self.ring.as_ref().filter(|_| in_ring);
        let sighting = Sighting {
            incarnation: told.incarnation,
            alive_at: mine.map(|ring| ring.token_at),
            is_mate: mine.and_then(|ring| is_in(packet, ring.id)),
        };
        let is_known = self.core.incarnations.hear(now, from, sighting);
        if told.twice.binary_search(&self.core.me).is_ok() {
            self.note_own_address(now, &format!(", says {from}"));
        }
        let works = in_ring && !self.stands_still(now);
        let is_twice = self.core.incarnations.is_twice(now, from);
        if !is_twice && (is_known || !works) {
            return true;
        }
        self.core.counters.twice += 1;
        if is_twice {
            let what = format!("two machines have the address {from}");
            let problem = Problem { node: Some(from), ..of_address(what.clone()) };
            self.core.problems.note(now, Topic::Address, from, Some(problem));
            if !works && self.is_with_me(from) {
                self.gather_without(now, from, what);
            }
        }
        false
    }

    /// A packet has come from the own address, of another incarnation.
    pub(super) fn on_own_address(&mut self, now: u64, incarnation: u64) {
        let me = self.core.me;
        for incarnation in [self.core.incarnation, incarnation] {
            let sighting = Sighting { incarnation, alive_at: Some(now), is_mate: None };
            self.core.incarnations.hear(now, me, sighting);
        }
        if self.core.incarnations.is_twice(now, me) {
            self.note_own_address(now, "");
        }
    }

    /// Tells the others which addresses two machines have: these do not hear each
    /// other, nor of themselves.
    pub(super) fn tell_of_addresses(&mut self, now: u64) {
        let twice = self.core.incarnations.twice(now);
        self.core.codec.tell_twice(&twice);
        if !twice.is_empty() {
            self.say_hello(now);
        }
    }

    fn note_own_address(&mut self, now: u64, who: &str) {
        let me = self.core.me;
        let what = format!("another machine has the address of this node, {me}, too{who}");
        let problem = Problem { node: Some(me), ..of_address(what) };
        self.core.problems.note(now, Topic::Address, me, Some(problem));
    }

    /// The members of the new ring are those that were heard last.
    pub(super) fn settle_incarnations(&mut self) {
        let members = self.ring.as_ref().map_or(&[][..], |ring| &ring.members);
        for &member in members {
            self.core.incarnations.settle(member);
        }
    }
}

/// Whether the sender of a packet is in a ring: by what it says, if that shows it.
fn is_in(packet: &Packet, ring: ViewId) -> Option<bool> {
    match packet {
        Packet::Hello(hello) => hello.ring.map(|of| of == ring),
        // The JOIN may have been sent before the sender was in the ring.
        Packet::Join(join) => (join.ring == Some(ring)).then_some(true),
        _ => None,
    }
}

fn of_address(what: String) -> Problem {
    let advice = "give one of them another address (a cloned machine keeps that of the first), and \
                  restart aisexec there";
    Problem { node: None, severity: Severity::Degraded, what, advice: advice.into() }
}
