//! The nodes that can form a ring where not all hear each other: the largest set of
//! nodes of which each two do (a maximum clique). What is left out is found, a minimum
//! vertex cover of the links that are missing, since few are.

/// Steps of the search at most. When they are used up the best set found so far
/// is taken; which one that is depends on the links alone.
const MOST_STEPS: u32 = 10_000;

/// Of nodes 0 to `count`, those that have to be left out so that each two of the
/// others are `linked`: as few as possible, and rather those further back.
pub(super) fn left_out(count: usize, linked: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let lacks = |a: usize, b: usize| a != b && !linked(a, b);
    let missing = |a: usize| (0..count).filter(|&b| lacks(a, b)).collect();
    let missing: Vec<Vec<usize>> = (0..count).map(missing).collect();
    let mut search = Search { missing, best: (0..count).collect(), steps: 0 };
    search.go(&mut vec![false; count], 0);
    search.best.sort_unstable();
    search.best
}

struct Search {
    /// Which links each node lacks.
    missing: Vec<Vec<usize>>,
    best: Vec<usize>,
    steps: u32,
}

impl Search {
    /// Tries all that can be left out besides those that are `out`, so many.
    fn go(&mut self, out: &mut Vec<bool>, size: usize) {
        let lacks = |node: usize| self.missing[node].iter().filter(|&&other| !out[other]).count();
        let inside = (0..out.len()).filter(|&node| !out[node]);
        let worst = inside.map(|node| (lacks(node), node)).max().filter(|(lacks, _)| *lacks > 0);
        let Some((most, node)) = worst else {
            if size < self.best.len() {
                self.best = (0..out.len()).filter(|&node| out[node]).collect();
            }
            return;
        };
        let links: usize = (0..out.len()).filter(|&node| !out[node]).map(lacks).sum();
        // Each node that is left out takes `most` missing links with it at most.
        let least = (links / 2).div_ceil(most);
        if size + least >= self.best.len() || self.steps >= MOST_STEPS {
            return;
        }
        self.steps += 1;
        out[node] = true;
        self.go(out, size + 1);
        out[node] = false;
        let others: Vec<usize> =
            { &self.missing[node] }.iter().copied().filter(|&o| !out[o]).collect();
        for &other in &others {
            out[other] = true;
        }
        self.go(out, size + others.len());
        for &other in &others {
            out[other] = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn without(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
        left_out(count, |a, b| !pairs.contains(&(a, b)) && !pairs.contains(&(b, a)))
    }

    #[test]
    fn as_few_as_possible_are_left_out_and_rather_the_last() {
        assert_eq!(without(5, &[]), [0; 0]);
        assert_eq!(without(2, &[(0, 1)]), [1]);
        assert_eq!(without(4, &[(0, 3), (0, 1)]), [0]);
        assert_eq!(without(5, &[(0, 1), (1, 2), (2, 3), (3, 4)]), [1, 3]);
        assert_eq!(without(3, &[(0, 1), (1, 2), (0, 2)]), [1, 2]);
        assert_eq!(without(0, &[]), [0; 0]);
    }

    /// What is left hears each other, and no smaller set would do.
    #[test]
    fn it_is_the_smallest_set_that_helps() {
        let mut random = Random::new(3);
        for _ in 0..300 {
            let count = 1 + random.below(7);
            let mut missing = Vec::new();
            for a in 0..count {
                missing.extend((0..a).filter(|_| random.below(3) == 0).map(|b| (a, b)));
            }
            let helps =
                |out: &[usize]| missing.iter().all(|(a, b)| out.contains(a) || out.contains(b));
            let found = without(count, &missing);
            assert!(helps(&found));
            let all = (0..1_u32 << count).map(|choice| {
                (0..count).filter(|node| choice >> node & 1 == 1).collect::<Vec<usize>>()
            });
            let smallest = all.filter(|out| helps(out)).map(|out| out.len()).min();
            assert_eq!(Some(found.len()), smallest, "{missing:?}");
        }
    }

    #[test]
    fn many_nodes_that_hear_few_are_decided_on_in_time() {
        for keep in [2, 3, 5, 40] {
            let mut random = Random::new(keep as u64);
            let links: Vec<bool> = (0..128 * 128).map(|_| random.below(keep) == 0).collect();
            let linked = |a: usize, b: usize| links[a.min(b) * 128 + a.max(b)];
            let out = left_out(128, linked);
            let inside: Vec<usize> = (0..128).filter(|node| !out.contains(node)).collect();
            assert!(!inside.is_empty());
            assert!(inside.iter().all(|&a| inside.iter().all(|&b| a == b || linked(a, b))));
        }
    }
}
