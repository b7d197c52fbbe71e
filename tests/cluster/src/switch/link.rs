//! The way from one node to another: what it does not carry, what it loses by
//! chance, and how long it takes. The words are those of the simulator.

use crate::random::Random;
use std::time::Duration;

/// How a packet is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// To one node; where the transport is unicast all packets are.
    Unicast,
    /// To all nodes at once.
    Multicast,
}

impl Cast {
    pub(crate) const BOTH: &[Self] = &[Self::Unicast, Self::Multicast];
}

/// A rate in bits a second, and what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) bits: u64,
    /// Bytes that wait at most; a packet that finds more is lost.
    pub(crate) queue: u64,
}

/// The way from one node to another. Chances are per million packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// The longest packet of each kind that comes through, in bytes, with its
    /// IPv4 header, as the MTU of an interface is counted.
    unicast: usize,
    multicast: usize,
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    /// A bit flipped that no checksum of the kernel shows.
    pub(crate) corrupt: u64,
    /// Overtaken by others; all the rest stay in order.
    pub(crate) late: u64,
    /// How long a packet takes.
    pub(crate) delay: Duration,
    /// How much longer it may take.
    pub(crate) jitter: Duration,
    pub(crate) rate: Option<Rate>,
}

impl Link {
    /// Carries everything at once.
    pub(crate) const GOOD: Self = Self {
        unicast: usize::MAX,
        multicast: usize::MAX,
        loss: 0,
        duplicate: 0,
        corrupt: 0,
        late: 0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        rate: None,
    };

    /// Packets of these kinds that are longer than so many bytes are lost; all
    /// with 0, none with `usize::MAX`.
    pub(crate) fn limit(&mut self, casts: &[Cast], longest: usize) {
        for cast in casts {
            match cast {
                Cast::Unicast => self.unicast = longest,
                Cast::Multicast => self.multicast = longest,
            }
        }
    }

    /// No packet comes through.
    pub(crate) fn cut(&mut self) {
        self.limit(Cast::BOTH, 0);
    }

    /// Whether a packet comes through if it is not lost by chance.
    pub(super) fn carries(&self, cast: Cast, length: usize) -> bool {
        length
            <= match cast {
                Cast::Unicast => self.unicast,
                Cast::Multicast => self.multicast,
            }
    }

    /// How long a packet takes, but for the rate.
    pub(super) fn takes(&self, random: &mut Random) -> Duration {
        self.delay + random.up_to(self.jitter)
    }
}

/// What is on its way through something with a rate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pipe {
    /// When the last bit of what has entered is through.
    free_at: Duration,
}

impl Pipe {
    /// When a packet is through that comes at this time; none if it is lost.
    pub(super) fn pass(
        &mut self,
        rate: Option<Rate>,
        at: Duration,
        length: usize,
    ) -> Option<Duration> {
        let Some(rate) = rate else { return Some(at) };
        let bits = rate.bits.max(1) as f64;
        let begins = self.free_at.max(at);
        if (begins - at).as_secs_f64() * bits / 8.0 > rate.queue as f64 {
            return None;
        }
        self.free_at = begins + Duration::from_secs_f64(length as f64 * 8.0 / bits);
        Some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_takes_its_time_and_has_a_queue() {
        let rate = Some(Rate { bits: 10_000_000, queue: 3000 });
        let mut pipe = Pipe::default();
        let at = Duration::from_secs(1);
        let millisecond = Duration::from_millis(1);
        let through: Vec<_> = (0..5).map(|_| pipe.pass(rate, at, 1250)).collect();
        let kept = [1, 2, 3].map(|place| Some(at + place * millisecond));
        assert_eq!(through, [&kept[..], &[None, None]].concat());
        assert_eq!(pipe.pass(rate, at + 10 * millisecond, 1250), Some(at + 11 * millisecond));
        assert_eq!(pipe.pass(None, at, 1250), Some(at));
    }
}
