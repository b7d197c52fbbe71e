//! How soon others are told of what is new where there are many of them. Each of them hears
//! what all others send to all, so what the network carries grows with their square unless
//! each sends less: packets get lost then, links come and go, and that is news to be sent.
//! Packets also get lost where all answer one node at the same moment.

use super::Links;
use crate::Timing;
use crate::packet::MAX_MEMBERS;
use ais_wire::NodeId;

/// With no more strangers than these, what is new is told as soon as may be.
const FEW: u64 = 7;
/// The least time between packets to all is added once for each time that the square of the
/// strangers beyond those few has this.
const SQUARE: u64 = 6;
/// How many nodes greet one after another within merge.
const TURNS: u64 = 512;

/// How many strangers there are, as they were counted last.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    strangers: u64,
    /// When they were counted.
    at: u64,
}

impl Links {
    /// Counts the strangers, if that was not done lately or there is a new one.
    pub(super) fn count_crowd(&mut self, now: u64, is_new: bool) {
        if !is_new && now < self.crowd.at.saturating_add(self.timing.merge() / 4) {
            return;
        }
        let kept = self.timing.heard();
        let links = self.links.values().filter(|link| link.least.is_none());
        let strangers = links.filter(|link| now <= link.heard_at.saturating_add(kept)).count();
        self.crowd = Crowd { strangers: strangers.min(MAX_MEMBERS) as u64, at: now };
    }

    /// What is new is told to all in a HELLO so long after the last one at the earliest.
    pub(in crate::ring) fn hello_gap(&self) -> u64 {
        gap(self.timing, self.crowd.strangers).min(self.timing.merge())
    }

    /// What is new is told to all in a JOIN so long after the last one at the earliest.
    pub(in crate::ring) fn join_gap(&self) -> u64 {
        gap(self.timing, self.crowd.strangers).min(longest_gap(self.timing))
    }

    /// How long `me` waits before it greets, so that not all who hear a node answer it at
    /// the same moment: sockets and switches hold only so much. Those with the lowest
    /// addresses do not wait.
    pub(in crate::ring) fn turn(&self, me: NodeId) -> u64 {
        let before = self.links.range(..me).count() as u64;
        before.saturating_sub(FEW).saturating_mul(self.timing.merge() / TURNS)
    }

    /// JOIN is sent again after so long. The nodes of the ring that is over count too: all
    /// of them gather.
    pub(in crate::ring) fn join_again(&self) -> u64 {
        let crowd = gap(self.timing, self.links.len() as u64);
        self.timing.join().max(crowd.min(longest_gap(self.timing)))
    }

    /// A node that gathers and was not heard for so long has fallen silent: it has sent some
    /// JOINs, and in a crowd two. A node that hears nothing must not seem lively when it is
    /// decided who is left out, so that this is well below the consensus timeout.
    pub(in crate::ring) fn silence(&self) -> u64 {
        self.timing.join().saturating_mul(4).max(self.join_again().saturating_mul(2))
    }
}

/// The least time between packets to all of what is new, where so many nodes send such.
fn gap(timing: Timing, nodes: u64) -> u64 {
    let beyond = nodes.saturating_sub(FEW);
    timing.join_gap().saturating_mul(1 + beyond * beyond / SQUARE)
}

/// A JOIN may get lost some times within the consensus timeout.
fn longest_gap(timing: Timing) -> u64 {
    timing.consensus() / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::NodeId;

    const MS: u64 = 1_000_000;

    fn links(strangers: u8) -> Links {
        let mut links = Links::new(Timing::from_token(1000), 1400);
        for last in 0..strangers {
            links.heard(1000 * MS, NodeId::new([10, 0, 0, last].into()), false, None);
        }
        links
    }

    #[test]
    fn few_strangers_are_told_at_once() {
        let (few, timing) = (links(7), Timing::from_token(1000));
        assert_eq!((few.hello_gap(), few.join_gap()), (timing.join_gap(), timing.join_gap()));
        assert_eq!(few.join_again(), timing.join());
    }

    #[test]
    fn a_member_hears_no_more_of_what_is_new_from_more_strangers() {
        let mut before = u64::MAX;
        for strangers in [16, 24, 31] {
            let hellos = u64::from(strangers) * 1000 * MS / links(strangers).hello_gap();
            assert!(hellos < before, "{hellos} HELLOs a second of {strangers}");
            before = hellos;
        }
        let (many, timing) = (links(127), Timing::from_token(1000));
        assert_eq!(many.hello_gap(), timing.merge());
        assert_eq!((many.join_gap(), many.join_again()), (175 * MS, 175 * MS));
    }

    #[test]
    fn those_with_higher_addresses_greet_later() {
        let (links, merge) = (links(127), Timing::from_token(1000).merge());
        let turn = |last: u8| links.turn(NodeId::new([10, 0, 0, last].into()));
        assert_eq!((turn(0), turn(7)), (0, 0));
        assert!(turn(8) < turn(9));
        assert!(turn(127) < merge / 4);
    }

    #[test]
    fn who_has_fallen_silent_is_known_before_it_is_decided_who_stays() {
        for token in [50, 100, 1000, 10_000] {
            let timing = Timing::from_token(token);
            let mut links = Links::new(timing, 1400);
            for last in 0..=MAX_MEMBERS as u8 {
                assert!(links.silence() * 10 <= timing.consensus() * 6, "{token} ms, {last} nodes");
                links.heard(1000 * MS, NodeId::new([10, 0, 0, last].into()), false, None);
            }
        }
    }

    #[test]
    fn strangers_that_are_gone_make_no_crowd() {
        let mut links = links(63);
        assert!(links.hello_gap() > links.timing.join_gap());
        links.heard(100_000 * MS, NodeId::new([10, 0, 0, 99].into()), false, None);
        assert_eq!(links.hello_gap(), links.timing.join_gap());
    }
}
