//! The group behind a node: what the node needs of it, whichever engine it is.

use ais_totem::{Guarantee, Lane, OneMember, Output, QueueFull, Ring, Status};
use ais_wire::NodeId;

/// Which engine, and what it has to know.
#[derive(Debug, Clone)]
pub enum Config {
    /// None: the node has no network, and is in its only view at once.
    Alone {
        /// The number of that view; higher than any in earlier lives.
        view: u64,
    },
    /// The Totem single ring protocol.
    Ring(ais_totem::Config),
    /// What a test hands out.
    #[cfg(test)]
    Fake,
}

#[derive(Debug)]
pub(crate) enum Group {
    Alone(OneMember),
    Ring(Box<Ring>),
    #[cfg(test)]
    Fake(Fake),
}

/// A group that a test plays: it takes what was sent, and brings the outputs.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) sent: std::collections::VecDeque<Vec<u8>>,
    pub(crate) outputs: std::collections::VecDeque<Output>,
    /// A new view is asked for.
    pub(crate) is_anew: bool,
}

#[cfg(test)]
impl Fake {
    /// Messages that wait to be ordered.
    const QUEUE_LENGTH: usize = 16;

    fn multicast(&mut self, bytes: Vec<u8>) -> Result<(), QueueFull> {
        if self.sent.len() >= Self::QUEUE_LENGTH {
            return Err(QueueFull(bytes));
        }
        self.sent.push_back(bytes);
        Ok(())
    }
}

impl Group {
    pub(crate) fn new(me: NodeId, config: Config, now: u64) -> Self {
        match config {
            Config::Alone { view } => Self::Alone(OneMember::new(me, view)),
            Config::Ring(config) => Self::Ring(Box::new(Ring::new(config, now))),
            #[cfg(test)]
            Config::Fake => Self::Fake(Fake::default()),
        }
    }

    pub(crate) fn multicast(
        &mut self,
        now: u64,
        bytes: Vec<u8>,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Result<(), QueueFull> {
        match self {
            Self::Alone(group) => group.multicast(bytes),
            Self::Ring(ring) => ring.multicast(now, bytes, guarantee, lane),
            #[cfg(test)]
            Self::Fake(fake) => fake.multicast(bytes),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::Alone(group) => group.poll_output(),
            Self::Ring(ring) => ring.poll_output(),
            #[cfg(test)]
            Self::Fake(fake) => fake.outputs.pop_front(),
        }
    }

    /// The ring, if there is one: it takes packets and time.
    pub(crate) fn ring(&mut self) -> Option<&mut Ring> {
        match self {
            Self::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// See [`Ring::form_anew`].
    pub(crate) fn form_anew(&mut self, now: u64, why: String) {
        match self {
            // Nobody else is there who has been given anything.
            Self::Alone(_) => {}
            Self::Ring(ring) => ring.form_anew(now, why),
            #[cfg(test)]
            Self::Fake(fake) => fake.is_anew = true,
        }
    }

    /// See [`Ring::rotation`].
    pub(crate) fn rotation(&self) -> u64 {
        match self {
            Self::Ring(ring) => ring.rotation(),
            _ => 0,
        }
    }

    pub(crate) fn expects_token(&self) -> bool {
        matches!(self, Self::Ring(ring) if ring.expects_token())
    }

    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        match self {
            Self::Ring(ring) => ring.poll_timeout(),
            _ => None,
        }
    }

    pub(crate) fn status(&self) -> Option<Status> {
        match self {
            Self::Ring(ring) => Some(ring.status()),
            _ => None,
        }
    }
}
