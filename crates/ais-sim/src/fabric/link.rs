//! The way from one host to another: what it does not carry, what it loses by
//! chance, and how long it takes.

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

/// The way from one host to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// The longest packet of each kind that comes through, in bytes.
    unicast: usize,
    multicast: usize,
    /// Chance per million packets.
    pub(crate) loss: u64,
    /// How much longer a packet takes than on the network as a whole, in
    /// nanoseconds.
    pub(crate) delay: u64,
}

impl Link {
    /// A link that carries everything.
    pub(crate) const GOOD: Self =
        Self { unicast: usize::MAX, multicast: usize::MAX, loss: 0, delay: 0 };

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

    /// The longest packet of a kind that comes through.
    pub(crate) fn longest(&self, cast: Cast) -> usize {
        match cast {
            Cast::Unicast => self.unicast,
            Cast::Multicast => self.multicast,
        }
    }

    /// Whether a packet comes through if it is not lost by chance.
    pub(crate) fn carries(&self, cast: Cast, length: usize) -> bool {
        length <= self.longest(cast)
    }
}

/// What brings packets to a host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    /// Bytes a second; 0 if the gate is as fast as can be.
    pub(crate) rate: u64,
    /// Bytes that wait for the gate at most.
    pub(crate) room: u64,
    /// When the gate has nothing to bring.
    pub(crate) free_at: u64,
}

impl Gate {
    /// A gate that is no hindrance.
    pub(crate) const WIDE: Self = Self { rate: 0, room: 0, free_at: 0 };

    /// How long a packet of so many bytes takes to come through, in nanoseconds.
    /// `None` if there is no room for it.
    pub(crate) fn pass(&mut self, now: u64, length: usize) -> Option<u64> {
        const SECOND: u64 = 1_000_000_000;
        if self.rate == 0 {
            return Some(0);
        }
        let waits = self.free_at.saturating_sub(now);
        let length = length as u64;
        if waits * self.rate / SECOND + length > self.room {
            return None;
        }
        self.free_at = self.free_at.max(now) + length * SECOND / self.rate;
        Some(self.free_at - now)
    }
}
