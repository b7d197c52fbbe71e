//! What a seed decides before anything runs: how many hosts, how fast they
//! are, what the network is like, and what may go wrong.

use crate::Rng;
use crate::fabric::{Clock, Habits, Network};
use ais_node::Pace;
use ais_totem::seal::{Key, KeyId, Keys};
use ais_totem::{Sealing, Timing};

pub(crate) const MICROSECOND: u64 = 1_000;
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// What may happen in the course of a run. A run has only some of them, so
/// that the rare is not hidden behind the frequent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Weather,
    Partition,
    Heal,
    CutOneWay,
    Crash,
    Start,
    Pause,
    Leave,
    ForgeRefusal,
    Replay,
}

/// The plan of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) hosts: usize,
    /// `token`, in milliseconds.
    pub(crate) token: u32,
    pub(crate) timing: Timing,
    /// The largest datagram.
    pub(crate) mtu: usize,
    /// How long the token rests where messages have become stable.
    pub(crate) linger: u64,
    /// The number before the first frame of every ring.
    pub(crate) first_seq: u64,
    pub(crate) faults: Vec<Fault>,
    /// Spells of faults, each followed by a rest.
    pub(crate) spells: u64,
    /// Messages in a spell, about.
    pub(crate) messages: u64,
    /// The nodes have a key.
    pub(crate) is_sealed: bool,
}

/// How much nodes do in one step, and how long that takes: in half of the worlds
/// next to nothing, so that whatever is done in pieces is, and much comes between
/// them.
pub(crate) fn pace(seed: u64) -> (Pace, u64) {
    let mut rng = Rng::new(seed ^ 0x7061_6365);
    if rng.once_in(2) {
        return (Pace::default(), 0);
    }
    let time = *rng.pick(&[10, 100, 500, 2_000]) * MICROSECOND;
    (Pace { messages: *rng.pick(&[1, 2, 5, 20]), checkpoints: *rng.pick(&[1, 2, 3]) }, time)
}

/// What a daemon seals with that is the so-many-th to start. One in four runs on a
/// processor without instructions for AES.
fn sealing(start: u64) -> Sealing {
    let mut rng = Rng::new(start);
    let random = std::array::from_fn(|_| rng.below(256) as u8);
    let key = Key::new(KeyId(1), [7; 32]);
    Sealing { keys: Keys::one(key), random, has_aes: !rng.once_in(4) }
}

impl Plan {
    /// The plan of a seed, with at most so many hosts.
    pub(crate) fn random(rng: &mut Rng, most: u64) -> (Self, Network, Habits, Vec<Clock>) {
        let hosts = match rng.below(20) {
            0..=12 => rng.between(3, 5),
            13 => rng.between(1, 2),
            14..=17 => rng.between(6, 12),
            18 => rng.between(13, 32),
            _ => rng.between(33, 64),
        };
        Self::of(rng, hosts.min(most) as usize, 0)
    }

    /// The plan of a seed with so many hosts, whose links may take so much
    /// longer, in nanoseconds, than the network as a whole.
    pub(crate) fn of(
        rng: &mut Rng,
        hosts: usize,
        delay: u64,
    ) -> (Self, Network, Habits, Vec<Clock>) {
        let (latency, jitter) = match rng.below(6) {
            0..=2 => (20 * MICROSECOND, 180 * MICROSECOND),
            3 | 4 => (100 * MICROSECOND, 100 * MICROSECOND),
            _ if hosts > 12 => (100 * MICROSECOND, 300 * MICROSECOND),
            _ => (2 * MILLISECOND, 3 * MILLISECOND),
        };
        // A rotation takes a small part of a token.
        let rotation = hosts as u64 * (latency + jitter + delay + 50 * MICROSECOND);
        let least = (20 * rotation).div_ceil(MILLISECOND).max(50) as u32;
        let token = least * *rng.pick(&[1, 1, 2, 4]);
        let network = Network::new(hosts, latency, jitter, rng.once_in(2));
        let habits = Habits {
            unicast: rng.once_in(2),
            loops_back: rng.once_in(4),
            room: *rng.pick(&[64 << 10, 200 << 10, 1 << 20]),
            batch: *rng.pick(&[1, 16, 256]),
            disk: *rng.pick(&[MILLISECOND, 5 * MILLISECOND, 30 * MILLISECOND]),
        };
        let clocks = (0..hosts)
            .map(|_| Clock { origin: rng.below(1 << 50), speed: rng.between(950_000, 1_050_000) });
        let clocks: Vec<Clock> = clocks.collect();
        let plan = Self {
            hosts,
            token,
            timing: Timing::from_token(token),
            mtu: *rng.pick(&[576, 1472, 8972]),
            first_seq: match rng.below(8) {
                // A ring is replaced by a new one at 1 << 48 less 16385.
                0 => (1 << 48) - 16_385 - rng.between(1_000, 3_000),
                1 => (1 << 32) - rng.below(200),
                _ => 0,
            },
            faults: Self::faults(rng),
            spells: rng.between(1, 3),
            messages: if hosts > 12 { 20 } else { rng.below(120) },
            linger: *rng.pick(&[0, 50 * MICROSECOND, MILLISECOND]),
            is_sealed: clocks.first().is_some_and(|clock| clock.origin % 3 == 0),
        };
        (plan, network, habits, clocks)
    }

    /// What a daemon seals with that is the so-many-th to start.
    pub(crate) fn sealing(&self, start: u64) -> Option<Box<Sealing>> {
        self.is_sealed.then(|| Box::new(sealing(start)))
    }

    fn faults(rng: &mut Rng) -> Vec<Fault> {
        use Fault::*;
        let some = [Weather, Partition, CutOneWay, Crash, Pause, Leave, ForgeRefusal, Replay];
        let mut faults: Vec<Fault> = some.into_iter().filter(|_| rng.once_in(3)).collect();
        if faults.contains(&Partition) || faults.contains(&CutOneWay) {
            faults.extend([Heal, Heal]);
        }
        faults.push(Start);
        faults
    }

    /// `token` in nanoseconds.
    pub(crate) fn tokens(&self, tenths: u64) -> u64 {
        u64::from(self.token) * MILLISECOND / 10 * tenths
    }
}
