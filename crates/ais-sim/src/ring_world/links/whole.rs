//! Which nodes can all talk to each other.

use crate::fabric::{Cast, Network};
use std::collections::BTreeSet;

/// A ring keeps to frames of so many bytes if a way carries no longer ones.
pub(super) const SHORT: usize = 548;

/// The nodes that are promised to stay together: the largest set of nodes of
/// which each two can talk to each other. Where several sets are the largest it
/// is what they have in common, since the ring may stay with any of them; that
/// may be nothing.
pub(super) fn largest(hosts: usize, talk: impl Fn(usize, usize) -> bool) -> BTreeSet<usize> {
    let mut best: Vec<BTreeSet<usize>> = Vec::new();
    for choice in 1_u32..1 << hosts {
        let set: BTreeSet<usize> = (0..hosts).filter(|host| choice >> host & 1 == 1).collect();
        let size = best.first().map_or(0, BTreeSet::len);
        let is_whole = || set.iter().all(|a| set.range(a + 1..).all(|b| talk(*a, *b)));
        if set.len() < size || !is_whole() {
            continue;
        }
        if set.len() > size {
            best.clear();
        }
        best.push(set);
    }
    best.into_iter().reduce(|a, b| &a & &b).unwrap_or_default()
}

/// Whether two hosts can talk to each other: packets of so many bytes come
/// through in both directions, to one and to all. What is lost by chance does not
/// count.
pub(super) fn can_talk(network: &Network, to_all: Cast, length: usize, a: usize, b: usize) -> bool {
    let goes = |from, to, cast| network.carries(from, to, cast, length);
    [Cast::Unicast, to_all].into_iter().all(|cast| goes(a, b, cast) && goes(b, a, cast))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of so many hosts talk, but for these pairs.
    fn without(hosts: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
        largest(hosts, |a, b| !pairs.contains(&(a, b))).into_iter().collect()
    }

    #[test]
    fn the_largest_set_stays_and_of_several_what_they_share() {
        assert_eq!(without(4, &[]), [0, 1, 2, 3]);
        assert_eq!(without(4, &[(0, 3), (1, 3)]), [0, 1, 2]);
        assert_eq!(without(5, &[(0, 1)]), [2, 3, 4]);
        assert_eq!(without(4, &[(0, 2), (0, 3), (1, 2), (1, 3)]), [] as [usize; 0]);
        let two_and_three = [(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)];
        assert_eq!(without(5, &two_and_three), [2, 3, 4]);
    }

    #[test]
    fn two_talk_in_both_directions_by_every_kind_at_full_size() {
        let talk = |network: &Network, to_all| can_talk(network, to_all, 1472, 0, 1);
        let mut network = Network::new(2, 1, 1, true);
        assert!(talk(&network, Cast::Multicast));
        for cast in [Cast::Unicast, Cast::Multicast] {
            for (from, to) in [(0, 1), (1, 0)] {
                network.link_mut(from, to).limit(&[cast], 1471);
                assert!(!talk(&network, Cast::Multicast));
                assert_eq!(talk(&network, Cast::Unicast), cast == Cast::Multicast);
                network.link_mut(from, to).limit(&[cast], 1472);
                assert!(talk(&network, Cast::Multicast));
            }
        }
    }
}
