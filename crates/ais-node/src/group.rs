//! The group behind a node: which engine carries its messages.

use ais_group::{Engine, External, OneMember};
use ais_totem::{Command, Ring};
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
    /// An engine outside, for which the driver of the node speaks
    /// ([`Node::with_external`](crate::Node::with_external)).
    External,
}

#[derive(Debug)]
pub(crate) enum Group {
    Alone(OneMember),
    Ring(Box<Ring>),
    External(External),
}

impl Group {
    pub(crate) fn new(me: NodeId, config: Config, now: u64) -> Self {
        match config {
            Config::Alone { view } => Self::Alone(OneMember::new(me, view)),
            Config::Ring(config) => Self::Ring(Box::new(Ring::new(config, now))),
            Config::External => Self::External(External::default()),
        }
    }

    /// The engine, as far as it is like any other.
    pub(crate) fn engine(&self) -> &dyn Engine {
        match self {
            Self::Alone(group) => group,
            Self::Ring(ring) => &**ring,
            Self::External(external) => external,
        }
    }

    /// The same, to have it do something.
    pub(crate) fn engine_mut(&mut self) -> &mut dyn Engine {
        match self {
            Self::Alone(group) => group,
            Self::Ring(ring) => &mut **ring,
            Self::External(external) => external,
        }
    }

    pub(crate) fn ring(&self) -> Option<&Ring> {
        match self {
            Self::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    pub(crate) fn ring_mut(&mut self) -> Option<&mut Ring> {
        match self {
            Self::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    pub(crate) fn external_mut(&mut self) -> Option<&mut External> {
        match self {
            Self::External(external) => Some(external),
            _ => None,
        }
    }

    /// What the driver has to do next for the engine.
    pub(crate) fn poll_command(&mut self) -> Option<Command> {
        self.ring_mut()?.poll_command()
    }
}
