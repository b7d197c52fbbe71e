//! The network between the hosts: what becomes of a datagram.

use super::link::{Cast, Gate, Link};
use crate::Rng;
use ais_totem::Bytes;
use std::collections::BTreeMap;
use std::fmt;

/// Where a packet says of which kind it is.
const KIND: usize = 6;
/// Packets of the past that are kept for a replay.
const OLD_PACKETS: usize = 64;

/// How the network is at the moment. Chances are per million packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weather {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    /// Bits flipped, or cut short.
    pub(crate) corrupt: u64,
    /// Overtaken by many others.
    pub(crate) late: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub(crate) const CALM: Self = Self { loss: 0, duplicate: 0, corrupt: 0, late: 0 };

    /// Some weather, mostly fair.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut chance = |most: u64| match rng.below(4) {
            0 | 1 => 0,
            2 => rng.below(1 + most / 10),
            _ => rng.below(1 + most),
        };
        Self {
            loss: chance(200_000),
            duplicate: chance(100_000),
            corrupt: chance(50_000),
            late: chance(50_000),
        }
    }
}

/// The network.
pub(crate) struct Network {
    pub(crate) weather: Weather,
    /// The least time a packet takes, in nanoseconds.
    latency: u64,
    /// How much longer a packet may take, in nanoseconds.
    jitter: u64,
    /// Packets of a link do not overtake each other, unless they are late.
    in_order: bool,
    /// The component each host is in.
    side: Vec<u32>,
    /// The way from each host to each other one.
    links: Vec<Link>,
    /// When the last packet of a link arrives.
    last: Vec<u64>,
    /// What brings packets to each host.
    gates: Vec<Gate>,
    old: Vec<(usize, Bytes)>,
    /// The last packet of each kind, and the host that sent it.
    latest: BTreeMap<u8, (usize, Bytes)>,
    /// What became of the packets, for the summary.
    pub(crate) lost: u64,
}

/// What stays as it is.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency, jitter, in_order, .. } = self;
        write!(f, "Network {{ latency: {latency}, jitter: {jitter}, in_order: {in_order} }}")
    }
}

impl Network {
    pub(crate) fn new(hosts: usize, latency: u64, jitter: u64, in_order: bool) -> Self {
        Self {
            weather: Weather::CALM,
            latency,
            jitter,
            in_order,
            side: vec![0; hosts],
            links: vec![Link::GOOD; hosts * hosts],
            last: vec![0; hosts * hosts],
            gates: vec![Gate::WIDE; hosts],
            old: Vec::new(),
            latest: BTreeMap::new(),
            lost: 0,
        }
    }

    /// The longest a packet takes that is not late.
    pub(crate) fn slowest(&self) -> u64 {
        self.latency + self.jitter
    }

    /// Cuts the hosts into the components that `side` names.
    pub(crate) fn partition(&mut self, side: Vec<u32>) {
        self.side = side;
    }

    /// The component a host is in.
    pub(crate) fn side(&self, host: usize) -> u32 {
        self.side[host]
    }

    /// The way from one host to another.
    pub(crate) fn link(&self, from: usize, to: usize) -> &Link {
        &self.links[from * self.side.len() + to]
    }

    /// The way from one host to another, to be changed.
    pub(crate) fn link_mut(&mut self, from: usize, to: usize) -> &mut Link {
        &mut self.links[from * self.side.len() + to]
    }

    /// Packets from one host do not reach the other any more.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.link_mut(from, to).limit(Cast::BOTH, 0);
    }

    /// All links carry packets of every kind and size again.
    pub(crate) fn mend(&mut self) {
        for link in &mut self.links {
            link.limit(Cast::BOTH, usize::MAX);
        }
    }

    /// Whether a packet of so many bytes comes from one host to another if it
    /// is not lost by chance.
    pub(crate) fn carries(&self, from: usize, to: usize, cast: Cast, length: usize) -> bool {
        self.side[from] == self.side[to] && self.link(from, to).carries(cast, length)
    }

    /// Only so many bytes a second come to a host, and so many wait for that.
    pub(crate) fn narrow(&mut self, to: usize, rate: u64, room: u64) {
        self.gates[to] = Gate { rate, room, free_at: 0 };
    }

    /// When a small packet of the kernel that is sent now arrives.
    pub(crate) fn arrival(&self, rng: &mut Rng, now: u64, (from, to): (usize, usize)) -> u64 {
        now + self.latency + self.link(from, to).delay + rng.below(1 + self.jitter)
    }

    /// Sends a datagram; `arrive` gets each copy that comes through, with the
    /// time it comes.
    pub(crate) fn send(
        &mut self,
        rng: &mut Rng,
        now: u64,
        link: (usize, usize),
        cast: Cast,
        bytes: &Bytes,
        mut arrive: impl FnMut(u64, Bytes),
    ) {
        let (from, to) = link;
        if from == to {
            return arrive(now + 1_000 + rng.below(20_000), bytes.clone());
        }
        self.remember(rng, from, bytes);
        let carried = self.carries(from, to, cast, bytes.len());
        let loss = self.link(from, to).loss;
        if !carried || rng.chance(self.weather.loss) || rng.chance(loss) {
            self.lost += 1;
            return;
        }
        let Some(waits) = self.gates[to].pass(now, bytes.len()) else {
            self.lost += 1;
            return;
        };
        let copies = if rng.chance(self.weather.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            let mut at = self.arrival(rng, now, link) + waits;
            if rng.chance(self.weather.late) {
                at += rng.below(20 * self.slowest());
            } else if self.in_order {
                let last = &mut self.last[from * self.side.len() + to];
                at = at.max(*last + 1);
                *last = at;
            }
            let corrupt = rng.chance(self.weather.corrupt);
            arrive(at, if corrupt { damaged(rng, bytes) } else { bytes.clone() });
        }
    }

    /// A packet of the past, and the host that sent it.
    pub(crate) fn old_packet(&self, rng: &mut Rng) -> Option<(usize, Bytes)> {
        (!self.old.is_empty()).then(|| rng.pick(&self.old).clone())
    }

    /// The last packet of each kind that was sent, and the host that sent it.
    pub(crate) fn latest(&self) -> &BTreeMap<u8, (usize, Bytes)> {
        &self.latest
    }

    fn remember(&mut self, rng: &mut Rng, from: usize, bytes: &Bytes) {
        if let Some(kind) = bytes.get(KIND) {
            self.latest.insert(*kind, (from, bytes.clone()));
        }
        if self.old.len() < OLD_PACKETS {
            self.old.push((from, bytes.clone()));
        } else if rng.once_in(50) {
            let place = rng.below(OLD_PACKETS as u64) as usize;
            self.old[place] = (from, bytes.clone());
        }
    }
}

/// A copy with a few bits flipped, or cut short.
fn damaged(rng: &mut Rng, bytes: &Bytes) -> Bytes {
    let mut copy = bytes.to_vec();
    if copy.is_empty() {
        return bytes.clone();
    }
    if rng.once_in(3) {
        copy.truncate(rng.below(copy.len() as u64) as usize);
    } else {
        for _ in 0..=rng.below(3) {
            let bit = rng.below(8 * copy.len() as u64) as usize;
            copy[bit / 8] ^= 1 << (bit % 8);
        }
    }
    copy.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_gate_makes_packets_wait_and_loses_what_has_no_room() {
        let mut network = Network::new(3, 1, 0, true);
        // 100 bytes take 10 ms.
        network.narrow(2, 10_000, 1_000);
        assert!(arrivals(&mut network, (0, 1)).iter().all(|at| *at < 10_000));
        let all = arrivals(&mut network, (0, 2));
        assert_eq!(all.len(), 10);
        let apart = all.windows(2).all(|pair| pair[1] - pair[0] == 10_000_000);
        assert!(apart && all[0] == 10_000_001, "{all:?}");
        assert!(arrivals(&mut network, (1, 2)).is_empty(), "all share it");
    }

    fn arrivals(network: &mut Network, link: (usize, usize)) -> Vec<u64> {
        arrivals_of(network, link, Cast::Unicast, 100)
    }

    fn arrivals_of(
        network: &mut Network,
        link: (usize, usize),
        cast: Cast,
        length: usize,
    ) -> Vec<u64> {
        let mut rng = Rng::new(1);
        let mut all = Vec::new();
        for _ in 0..1000 {
            let bytes = Bytes::from(vec![7; length]);
            network.send(&mut rng, 0, link, cast, &bytes, |at, copy| {
                if copy == bytes {
                    all.push(at);
                }
            });
        }
        all
    }

    #[test]
    fn a_calm_network_loses_nothing() {
        let mut network = Network::new(3, 20_000, 180_000, false);
        let all = arrivals(&mut network, (0, 1));
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|at| (20_000..=200_000).contains(at)));
        assert!(!all.is_sorted());
        network.in_order = true;
        assert!(arrivals(&mut network, (1, 0)).is_sorted());
    }

    #[test]
    fn weather_costs_packets() {
        let mut network = Network::new(2, 1, 1, false);
        network.weather = Weather { loss: 500_000, ..Weather::CALM };
        assert!((300..700).contains(&arrivals(&mut network, (0, 1)).len()));
        network.weather = Weather { duplicate: 500_000, ..Weather::CALM };
        assert!((1300..1700).contains(&arrivals(&mut network, (0, 1)).len()));
        network.weather = Weather { corrupt: 500_000, ..Weather::CALM };
        assert!((300..700).contains(&arrivals(&mut network, (0, 1)).len()));
    }

    #[test]
    fn a_dead_link_is_dead_one_way_and_a_partition_both() {
        let mut network = Network::new(3, 1, 1, true);
        network.cut(0, 1);
        assert!(arrivals(&mut network, (0, 1)).is_empty());
        assert!(!arrivals(&mut network, (1, 0)).is_empty());
        network.mend();
        network.partition(vec![0, 0, 1]);
        let reaches = |from, to| network.carries(from, to, Cast::Unicast, 100);
        assert!(reaches(0, 1) && !reaches(0, 2) && !reaches(2, 1));
    }

    #[test]
    fn a_link_loses_one_kind_or_size_in_one_direction() {
        let mut network = Network::new(2, 1, 1, true);
        network.link_mut(0, 1).limit(&[Cast::Multicast], 99);
        let mut come = |link, cast, length| arrivals_of(&mut network, link, cast, length).len();
        assert_eq!(come((0, 1), Cast::Multicast, 100), 0);
        assert_eq!(come((0, 1), Cast::Multicast, 99), 1000);
        assert_eq!(come((0, 1), Cast::Unicast, 100), 1000);
        assert_eq!(come((1, 0), Cast::Multicast, 100), 1000);
        network.mend();
        assert_eq!(arrivals_of(&mut network, (0, 1), Cast::Multicast, 100).len(), 1000);
    }

    #[test]
    fn a_link_has_a_loss_and_a_delay_of_its_own() {
        let mut network = Network::new(2, 20_000, 180_000, false);
        let link = network.link_mut(0, 1);
        (link.loss, link.delay) = (200_000, 50_000_000);
        let all = arrivals(&mut network, (0, 1));
        assert!((700..900).contains(&all.len()));
        assert!(all.iter().all(|at| (50_020_000..=50_200_000).contains(at)));
        assert_eq!(arrivals(&mut network, (1, 0)).len(), 1000);
        network.mend();
        assert!(arrivals(&mut network, (0, 1)).len() < 900, "no more than before is carried");
    }
}
