//! Group messaging as the services see it: every member delivers the same
//! messages in the same order, and the same views at the same points of that
//! order (extended virtual synchrony).
//!
//! Nothing here reads a clock, draws a random number or touches a socket: calls
//! bring time and packets, [`Output`]s come out. [`Ring`] is the Totem single
//! ring protocol; [`OneMember`] is the group of a node that has no network, on
//! which the services are tested alone.

#![forbid(unsafe_code)]

mod config;
#[doc(hidden)]
pub mod fuzz;
mod messages;
mod one_member;
mod packet;
#[cfg(test)]
mod random;
mod ring;
mod settings;

pub use ais_wire::ViewId;
pub use config::{Config, Timing};
pub use one_member::OneMember;
pub use packet::is_greeting;
pub use ring::{HIGHEST_NUMBER, Problem, Ring, Severity, Status};
pub use settings::Setting;

use ais_wire::NodeId;

/// A membership of the group (EVS: a regular configuration).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which one.
    pub id: ViewId,
    /// The members, lowest first.
    pub members: Vec<NodeId>,
    /// The members that did not come with this node from its last view,
    /// lowest first. One that was in that view and went another way since (it
    /// crashed and is back, or saw a partition this node did not) is here and
    /// in `left`.
    pub joined: Vec<NodeId>,
    /// The members of this node's last view that did not come with it into
    /// this one, lowest first.
    pub left: Vec<NodeId>,
    /// The members that come from the same last view as this node, itself
    /// included (EVS: the members of the transitional configuration), lowest
    /// first. They have delivered the same messages before this view.
    pub came_with_me: Vec<NodeId>,
    /// Why the membership changed, for people, in one line.
    pub why: String,
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To every node that may be in the cluster (by multicast, or to each that
    /// is configured).
    All,
    /// To one node.
    One(NodeId),
}

/// What the group gives its node, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A packet to send. It may get lost.
    Send {
        /// Where the packet goes.
        to: Destination,
        /// The datagram.
        bytes: Bytes,
    },
    /// The last view is over; the deliveries that follow until the next
    /// [`Output::View`] are agreed among these members alone (EVS: the
    /// transitional configuration).
    Transitional(Vec<NodeId>),
    /// A new view; deliveries that follow belong to it.
    View(View),
    /// A message in agreed order.
    Deliver {
        /// The place of the message in the order of its view; grows by at
        /// least one, and is the same wherever the message is delivered.
        number: u64,
        /// The node that sent it.
        from: NodeId,
        /// What was sent.
        bytes: Vec<u8>,
    },
    /// Every member of the view has received all messages up to this one. What
    /// was delivered before a view is stable once the view is there.
    Stable(u64),
    /// View numbers up to this one are to be reserved, so that they are not
    /// used again after a crash; then [`Ring::reserved`]. A commit waits for
    /// it.
    Reserve(u64),
}

/// The bytes of a packet, shared.
pub type Bytes = std::rc::Rc<[u8]>;

/// When a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// In agreed order, as soon as all before it are delivered.
    Agreed,
    /// As [`Guarantee::Agreed`], and a program waits to hear that the message is stable
    /// ([`Output::Stable`]).
    Acknowledged,
    /// In the same order, and only when every member of the view has it (EVS:
    /// safe delivery). What comes after it in the order waits with it.
    Safe,
}

/// Which messages of a node stay in the order in which it sent them: those of one
/// lane. All nodes deliver all messages in one order, whichever lane they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Most messages.
    Ordinary,
    /// Messages so long that ordinary ones of the same node are not to wait for
    /// them. While there are both, each lane has half of the frames.
    Bulk,
}

/// The group takes no more messages now. The message comes back; it was not
/// sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFull(pub Vec<u8>);
