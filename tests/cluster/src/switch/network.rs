//! What becomes of each packet, without sockets and clocks: the links between
//! the nodes, and how each node is joined to the switch.

use super::frame::{is_for, packet, remove_checksum, udp_data};
use super::link::{Cast, Link, Pipe, Rate};
use crate::random::Random;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

/// How many times longer than others a late packet takes at most.
const LATE: u32 = 20;
/// How much later it is at least at the most, on a link that takes no time.
const LATE_AT_LEAST: Duration = Duration::from_millis(5);

/// One copy of a frame that comes through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrival<'a> {
    pub(super) at: Duration,
    pub(super) to: usize,
    pub(super) frame: Cow<'a, [u8]>,
}

/// What happens on the way from one node to another.
#[derive(Debug)]
struct Way {
    link: Link,
    /// The chances of this link alone: the same packets have the same fate,
    /// whatever happens on others.
    random: Random,
    pipe: Pipe,
    /// When the last packet that was in order arrives.
    last: Duration,
}

/// How a node is joined to the switch.
#[derive(Debug, Default)]
struct Plug {
    /// In each direction.
    rate: Option<Rate>,
    up: Pipe,
    down: Pipe,
    /// Packets that the node has sent.
    sent: u64,
}

/// The network between the nodes, which are counted from 0. All that is
/// configured can change at any time; what is under way arrives as it would
/// have.
#[derive(Debug)]
pub(crate) struct Network {
    ways: Vec<Way>,
    plugs: Vec<Plug>,
    /// Frames as they were sent, and by which node, if that is wanted.
    recorded: Vec<Frame>,
    /// How many at most.
    recorded_most: usize,
    /// Frames to be carried besides, in the name of nodes.
    to_play: VecDeque<Frame>,
}

/// A frame, and the node that has sent it.
pub(crate) type Frame = (usize, Vec<u8>);

impl Network {
    /// A network of this many nodes, and good links between them.
    pub(super) fn new(nodes: usize, seed: u64) -> Self {
        let way = |number: usize| Way {
            link: Link::GOOD,
            random: Random(seed ^ (number as u64) << 32),
            pipe: Pipe::default(),
            last: Duration::ZERO,
        };
        Self {
            ways: (0..nodes * nodes).map(way).collect(),
            plugs: (0..nodes).map(|_| Plug::default()).collect(),
            recorded: Vec::new(),
            recorded_most: 0,
            to_play: VecDeque::new(),
        }
    }

    /// Changes the links from one node to another for which `which` holds.
    pub(crate) fn change(
        &mut self,
        which: impl Fn(usize, usize) -> bool,
        change: impl Fn(&mut Link),
    ) {
        let nodes = self.plugs.len();
        for (place, way) in self.ways.iter_mut().enumerate() {
            if which(place / nodes, place % nodes) {
                change(&mut way.link);
            }
        }
    }

    /// The same for all links.
    pub(crate) fn change_all(&mut self, change: impl Fn(&mut Link)) {
        self.change(|_, _| true, change);
    }

    /// The same for the links of a node, in both directions.
    pub(crate) fn change_node(&mut self, node: usize, change: impl Fn(&mut Link)) {
        self.change(|from, to| from == node || to == node, change);
    }

    /// What is between a node and the switch has this rate, in each direction.
    pub(crate) fn narrow(&mut self, node: usize, rate: Rate) {
        self.plugs[node].rate = Some(rate);
    }

    /// Everything is good again.
    pub(crate) fn mend(&mut self) {
        self.change_all(|link| *link = Link::GOOD);
        for plug in &mut self.plugs {
            plug.rate = None;
        }
    }

    /// Keeps so many of the frames that are sent from now on; gives those that were kept.
    pub(crate) fn record(&mut self, most: usize) -> Vec<Frame> {
        self.recorded_most = most;
        std::mem::take(&mut self.recorded)
    }

    /// Carries these frames besides, a few whenever others are carried.
    pub(crate) fn play(&mut self, frames: impl IntoIterator<Item = Frame>) {
        self.to_play.extend(frames);
    }

    /// How many of them are still to be carried.
    pub(crate) fn left_to_play(&self) -> usize {
        self.to_play.len()
    }

    /// The next one, and the nodes that it is for.
    pub(super) fn next_to_play(&mut self) -> Option<(Vec<usize>, Vec<u8>)> {
        let (from, frame) = self.to_play.pop_front()?;
        let (cast, _) = packet(&frame)?;
        let others = (0..self.plugs.len()).filter(|to| *to != from && is_for(&frame, cast, *to));
        Some((others.collect(), frame))
    }

    /// Packets that a node has sent so far.
    pub(crate) fn sent(&self, node: usize) -> u64 {
        self.plugs[node].sent
    }

    /// A node sends a frame; `arrive` gets each copy that comes through.
    pub(super) fn send(
        &mut self,
        now: Duration,
        from: usize,
        frame: &mut [u8],
        mut arrive: impl FnMut(Arrival<'_>),
    ) {
        let Some((cast, length)) = packet(frame) else { return };
        remove_checksum(frame);
        if self.recorded.len() < self.recorded_most {
            self.recorded.push((from, frame.to_vec()));
        }
        let plug = &mut self.plugs[from];
        plug.sent += 1;
        let Some(at) = plug.up.pass(plug.rate, now, frame.len()) else { return };
        let others = (0..self.plugs.len()).filter(|to| *to != from);
        for to in others.filter(|to| is_for(frame, cast, *to)) {
            let way = &mut self.ways[from * self.plugs.len() + to];
            let plug = &mut self.plugs[to];
            way.carry(at, cast, length, frame, |at, frame| {
                if let Some(at) = plug.down.pass(plug.rate, at, frame.len()) {
                    arrive(Arrival { at, to, frame });
                }
            });
        }
    }
}

impl Way {
    /// A packet enters; `arrive` gets each copy that comes through.
    fn carry<'a>(
        &mut self,
        at: Duration,
        cast: Cast,
        length: usize,
        frame: &'a [u8],
        mut arrive: impl FnMut(Duration, Cow<'a, [u8]>),
    ) {
        let Self { link, random, pipe, last } = self;
        if !link.carries(cast, length) || random.chance(link.loss) {
            return;
        }
        let copies = if random.chance(link.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            let Some(at) = pipe.pass(link.rate, at, frame.len()) else { continue };
            let mut at = at + link.takes(random);
            if random.chance(link.late) {
                at += random.up_to(LATE_AT_LEAST.max((link.delay + link.jitter) * LATE));
            } else {
                at = at.max(*last);
                *last = at;
            }
            let is_corrupt = random.chance(link.corrupt);
            arrive(at, if is_corrupt { damaged(random, frame) } else { Cow::Borrowed(frame) });
        }
    }
}

/// A copy with one bit of the data flipped; what carries no data stays whole.
fn damaged<'a>(random: &mut Random, frame: &'a [u8]) -> Cow<'a, [u8]> {
    let mut copy = frame.to_vec();
    let data = udp_data(frame).unwrap_or(frame.len());
    if let Some(data) = copy.get_mut(data..).filter(|data| !data.is_empty()) {
        let bit = random.below(8 * data.len() as u64) as usize;
        data[bit / 8] ^= 1 << (bit % 8);
    }
    Cow::Owned(copy)
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::udp;
    use super::super::frame::{Address, address};
    use super::*;

    const GROUP: Address = [1, 0, 0x5e, 98, 1, 1];
    const MILLISECOND: Duration = Duration::from_millis(1);

    fn network(nodes: usize) -> Network {
        Network::new(nodes, 7)
    }

    /// When and where packets arrive of which one is sent each millisecond.
    fn arrivals(
        network: &mut Network,
        (from, to): (usize, Address),
        length: usize,
    ) -> Vec<(Duration, usize)> {
        let mut all = Vec::new();
        for number in 0..1000 {
            let mut frame = udp(address(from), to, length);
            network.send(number * MILLISECOND, from, &mut frame, |arrival| {
                all.push((arrival.at, arrival.to));
            });
        }
        all
    }

    fn count(network: &mut Network, from: usize, to: Address, length: usize) -> usize {
        arrivals(network, (from, to), length).len()
    }

    #[test]
    fn good_links_carry_everything_to_whom_it_is_for() {
        let mut network = network(3);
        let to = |network: &mut Network, address| -> Vec<usize> {
            arrivals(network, (0, address), 1500).iter().map(|(_, to)| *to).collect()
        };
        assert_eq!(to(&mut network, address(2)), [2; 1000]);
        assert_eq!(to(&mut network, GROUP), [1, 2].repeat(1000));
        assert_eq!(to(&mut network, [2; 6]), [], "nobody has that address");
        assert_eq!(network.sent(0), 3000);
    }

    #[test]
    fn a_link_loses_one_kind_or_size_in_one_direction() {
        let mut network = network(2);
        network.change(|from, to| (from, to) == (0, 1), |link| link.limit(&[Cast::Multicast], 99));
        assert_eq!(count(&mut network, 0, GROUP, 100), 0);
        assert_eq!(count(&mut network, 0, GROUP, 99), 1000);
        assert_eq!(count(&mut network, 0, address(1), 100), 1000);
        assert_eq!(count(&mut network, 1, GROUP, 100), 1000);
        network.change_node(1, Link::cut);
        assert_eq!(count(&mut network, 0, address(1), 20), 0);
        assert_eq!(count(&mut network, 1, address(0), 20), 0);
        network.mend();
        assert_eq!(count(&mut network, 0, GROUP, 100), 1000);
    }

    #[test]
    fn chances_are_kept_and_the_same_for_the_same_seed() {
        let with = |change: fn(&mut Link)| {
            let mut network = network(2);
            network.change_all(change);
            let all = arrivals(&mut network, (0, GROUP), 100);
            let mut again = self::network(2);
            again.change_all(change);
            // What the other direction carries does not matter.
            arrivals(&mut again, (1, GROUP), 100);
            assert_eq!(arrivals(&mut again, (0, GROUP), 100), all);
            all
        };
        assert!((700..900).contains(&with(|link| link.loss = 200_000).len()));
        assert!((1100..1300).contains(&with(|link| link.duplicate = 200_000).len()));
        let late = with(|link| link.late = 200_000);
        assert_eq!(late.len(), 1000);
        assert!(!late.is_sorted());
    }

    #[test]
    fn packets_take_their_time_and_stay_in_order() {
        let mut network = network(2);
        network.change_all(|link| (link.delay, link.jitter) = (10 * MILLISECOND, 5 * MILLISECOND));
        let all = arrivals(&mut network, (0, GROUP), 100);
        assert!(all.is_sorted());
        let took = |(sent, (at, _)): (usize, &(Duration, usize))| *at - sent as u32 * MILLISECOND;
        let took: Vec<_> = all.iter().enumerate().map(took).collect();
        assert!(took.iter().all(|took| (10 * MILLISECOND..=15 * MILLISECOND).contains(took)));
        assert!(took.iter().max() > took.iter().min());
    }

    #[test]
    fn damage_is_one_bit_of_the_data_and_no_checksum_shows_it() {
        let mut network = network(2);
        network.change_all(|link| link.corrupt = 1_000_000);
        let mut frame = udp(address(0), GROUP, 100);
        let mut whole = frame.clone();
        remove_checksum(&mut whole);
        network.send(Duration::ZERO, 0, &mut frame, |arrival| {
            let pairs = arrival.frame.iter().zip(&whole);
            let flipped: u32 = pairs.clone().map(|(is, was)| (is ^ was).count_ones()).sum();
            assert_eq!(flipped, 1);
            assert!(pairs.take(42).all(|(is, was)| is == was));
        });
    }

    #[test]
    fn a_rate_is_of_a_link_or_of_all_that_a_node_sends_and_gets() {
        let rate = Rate { bits: 8 * 114 * 500, queue: 1140 };
        let mut network = network(3);
        network.change(|from, to| (from, to) == (0, 1), |link| link.rate = Some(rate));
        let to = |all: &[(Duration, usize)], node| all.iter().filter(|of| of.1 == node).count();
        let all = arrivals(&mut network, (0, GROUP), 100);
        assert!((500..520).contains(&to(&all, 1)) && to(&all, 2) == 1000);
        network.mend();
        network.narrow(0, rate);
        let all = arrivals(&mut network, (0, GROUP), 100);
        assert!((500..520).contains(&to(&all, 1)) && to(&all, 1) == to(&all, 2));
        assert!((500..520).contains(&count(&mut network, 1, address(0), 100)));
        assert_eq!(count(&mut network, 1, address(2), 100), 1000);
    }
}
