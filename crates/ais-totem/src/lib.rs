//! Group messaging as the services see it: every member delivers the same
//! messages in the same order, and the same views at the same points of that
//! order (extended virtual synchrony).
//!
//! Nothing here reads a clock or touches a socket: calls bring input,
//! [`Output`]s come out. [`OneMember`] is the group of a node that is alone.

#![forbid(unsafe_code)]

mod one_member;

pub use one_member::OneMember;

use ais_wire::NodeId;

/// A membership of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Grows with every view at every member, and is the same within a view.
    pub number: u64,
    /// The members, lowest first.
    pub members: Vec<NodeId>,
    /// The members that were not in this node's last view.
    pub joined: Vec<NodeId>,
    /// The members of the last view that are gone.
    pub left: Vec<NodeId>,
    /// The members that come from the same last view as this node, itself
    /// included (EVS: the members of the transitional configuration).
    pub came_with_me: Vec<NodeId>,
}

/// What the group gives its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A new view; deliveries that follow belong to it.
    View(View),
    /// A message in agreed order.
    Deliver {
        /// The place of the message in the order; grows by at least one.
        number: u64,
        /// Who sent it.
        from: NodeId,
        /// What was sent.
        bytes: Vec<u8>,
    },
    /// Every member of the view has received all messages up to this one.
    Stable(u64),
}

/// The group takes no more messages now; the message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;
