//! Which nodes can all talk to each other.

use crate::fabric::{Cast, Network};
use std::collections::BTreeSet;

/// A ring keeps to frames of so many bytes if a way carries no longer ones.
pub(super) const SHORT: usize = 548;

/// The nodes of `ring` that are promised to stay together: the largest set of them of
/// which each two can talk to each other. Where several sets are the largest it is what
/// they have in common, since the ring may stay with any of them; that may be nothing.
/// The ring may meet nodes of others too, and go on with those of them that make a larger
/// set; of these also it is what they have in common. With that, how many nodes the
/// largest set of the ring has.
pub(super) fn largest(
    hosts: usize,
    ring: &BTreeSet<usize>,
    talk: impl Fn(usize, usize) -> bool,
) -> (BTreeSet<usize>, usize) {
    let is_whole = |set: &BTreeSet<usize>| {
        let mut pairs = set.iter().flat_map(|a| set.range(a + 1..).map(move |b| (*a, *b)));
        pairs.all(|(a, b)| talk(a, b))
    };
    let sets = (1_u32..1 << hosts)
        .map(|choice| (0..hosts).filter(|host| choice >> host & 1 == 1).collect::<BTreeSet<_>>());
    let sets: Vec<_> = sets.filter(is_whole).collect();
    let size = sets.iter().filter(|set| set.is_subset(ring)).map(BTreeSet::len).max();
    let size = size.unwrap_or_default();
    let is_part = |set: &BTreeSet<usize>| {
        sets.iter().any(|other| other.len() > set.len() && set.is_subset(other))
    };
    let may_be = |set: &&BTreeSet<usize>| {
        set.len() == size && set.is_subset(ring) || set.len() > size && !is_part(set)
    };
    let common = sets.iter().filter(may_be).cloned().reduce(|a, b| &a & &b);
    (common.unwrap_or_default(), size)
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
        of_ring(hosts, &Vec::from_iter(0..hosts), pairs)
    }

    fn of_ring(hosts: usize, ring: &[usize], pairs: &[(usize, usize)]) -> Vec<usize> {
        let ring = ring.iter().copied().collect();
        largest(hosts, &ring, |a, b| !pairs.contains(&(a, b))).0.into_iter().collect()
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
    fn nodes_of_other_rings_may_make_a_larger_set() {
        // Where 0 is out, 1 and 2 remain; one of them may go on with 3 and 4.
        assert_eq!(of_ring(5, &[0, 1, 2], &[(0, 1), (0, 2), (1, 3), (0, 3), (0, 4)]), [2]);
        // Both do.
        assert_eq!(of_ring(5, &[0, 1, 2], &[(0, 1), (0, 2), (0, 3), (0, 4)]), [1, 2]);
        // The others are no more than they.
        let apart = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4)];
        assert_eq!(of_ring(5, &[0, 1, 2], &apart), [1, 2]);
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
