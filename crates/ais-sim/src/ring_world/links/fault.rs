//! What goes wrong at links.

use crate::Rng;
use crate::fabric::{Cast, Network, node_of};
use std::collections::BTreeSet;
use std::fmt;

/// Some links lose all packets of some kinds that are longer than so many
/// bytes.
#[derive(Debug)]
pub(super) struct Fault {
    /// From which host, and to which.
    links: BTreeSet<(usize, usize)>,
    casts: &'static [Cast],
    longest: usize,
}

impl Fault {
    /// Some fault; the longest packets have `mtu` bytes.
    pub(super) fn random(rng: &mut Rng, hosts: usize, mtu: usize) -> Self {
        let everywhere = rng.once_in(8);
        let links = if everywhere { all(hosts) } else { some(rng, hosts) };
        let casts = *rng.pick(&[Cast::BOTH, &[Cast::Unicast], &[Cast::Multicast]]);
        let longest = match rng.below(8) {
            // Where nothing comes through anywhere there is nothing to see.
            0..=3 if !everywhere => 0,
            0..=5 if mtu > 1400 => 1400,
            0..=6 => rng.between(mtu as u64 / 3, mtu as u64 - 1) as usize,
            _ => rng.between(40, 400) as usize,
        };
        Self { links, casts, longest }
    }

    /// From now on it is so.
    pub(super) fn strike(&self, network: &mut Network) {
        for (from, to) in &self.links {
            let link = network.link_mut(*from, *to);
            for cast in self.casts {
                link.limit(&[*cast], self.longest.min(link.longest(*cast)));
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, casts, longest } = self;
        let way = |(from, to): &(usize, usize)| format!("{} to {}", node_of(*from), node_of(*to));
        let ways: Vec<String> = links.iter().map(way).collect();
        write!(f, "{casts:?} of more than {longest} bytes is lost from {}", ways.join(", "))
    }
}

fn all(hosts: usize) -> BTreeSet<(usize, usize)> {
    (0..hosts).flat_map(|from| (0..hosts).map(move |to| (from, to))).collect()
}

/// Links of one node or two with some others, in one direction or both.
fn some(rng: &mut Rng, hosts: usize) -> BTreeSet<(usize, usize)> {
    let mut links = BTreeSet::new();
    for _ in 0..rng.between(1, 2) {
        let node = rng.below(hosts as u64) as usize;
        let others = (0..hosts).filter(|other| *other != node);
        let others: Vec<usize> = match rng.below(3) {
            0 => others.collect(),
            1 => vec![*rng.pick(&others.collect::<Vec<_>>())],
            _ => others.filter(|_| rng.once_in(2)).collect(),
        };
        let direction = rng.below(3);
        for other in others {
            if direction != 0 {
                links.insert((node, other));
            }
            if direction != 1 {
                links.insert((other, node));
            }
        }
    }
    links
}
