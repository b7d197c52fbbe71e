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
    /// Carries everything.
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
