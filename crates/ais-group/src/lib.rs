//! The contract between a node and the engine of its group: what the node asks
//! of the engine ([`Engine`]), and what the engine brings to the node
//! ([`Output`]).
//!
//! Every member of a group delivers the same messages in the same order, and
//! the same views at the same points of that order (extended virtual
//! synchrony). How an engine brings that about, and what its driver has to do
//! for it beside, is the engine's own. The ring is one, in `ais-totem`. Two
//! stand here: [`OneMember`] is the group of a node that has no network, and
//! [`External`] is driven from outside.
//!
//! Nothing here reads a clock, draws a random number or touches a socket.

#![forbid(unsafe_code)]

mod external;
mod one_member;
mod view_id;

pub use external::{External, Message};
pub use one_member::OneMember;
pub use view_id::ViewId;

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

/// What an engine brings to its node, in the order of the group.
///
/// The first output is a view. Messages of the view follow, and what is stable
/// of them. A transitional configuration ends the view, and after the messages
/// that its members still deliver the next view comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The last view is over; the deliveries that follow until the next
    /// [`Output::View`] are agreed among these members alone (EVS: the
    /// transitional configuration).
    Transitional(Vec<NodeId>),
    /// A new view; deliveries that follow belong to it. Its number is higher
    /// than that of any view before it at this node, in earlier lives too.
    View(View),
    /// A message in agreed order. A node delivers each message once, and its
    /// own ones too.
    Deliver {
        /// The place of the message in the order of its view; grows by at
        /// least one, and is the same wherever the message is delivered.
        number: u64,
        /// The member that sent the message.
        from: NodeId,
        /// What was sent.
        bytes: Vec<u8>,
    },
    /// Every member of the view has received all messages up to this one. What
    /// was delivered before a view is stable, among the members that came
    /// together, once the view is there.
    Stable(u64),
}

/// When a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// In agreed order, as soon as all before it are delivered.
    Agreed,
    /// The same, and somebody waits to hear that it is stable
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
    /// them. While there are both, each lane has half of the way.
    Bulk,
}

/// The group takes no more messages now. The message comes back; it was not
/// sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFull(pub Vec<u8>);

/// What a node asks of the engine of its group.
///
/// The times are nanoseconds of one monotonic clock. Every call may bring
/// outputs and move the timeout: after it [`Engine::poll_output`] is called
/// until it returns `None`, and [`Engine::poll_timeout`] is asked again.
pub trait Engine {
    /// Sends a message to all members of this or the next view, after all others
    /// of its lane.
    ///
    /// # Errors
    /// [`QueueFull`] if too many wait, if the message is longer than the engine
    /// carries, or if the node has left.
    fn multicast(
        &mut self,
        now: u64,
        bytes: Vec<u8>,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Result<(), QueueFull>;

    /// The next output, if there is one.
    fn poll_output(&mut self) -> Option<Output>;

    /// Asks for a new view, which may have the same members: the node has found
    /// that they do not have the same. The engine brings one when it sees fit.
    /// `why` is for people.
    fn form_anew(&mut self, now: u64, why: String);

    /// Leaves the group: the other members learn of it, and the engine takes part
    /// in nothing more.
    fn leave(&mut self, now: u64);

    /// Time has passed. Does nothing if it is called too early.
    fn handle_timeout(&mut self, _now: u64) {}

    /// When [`Engine::handle_timeout`] has to be called, if it has to.
    fn poll_timeout(&self) -> Option<u64> {
        None
    }

    /// How long a message takes at least to go round all members, in nanoseconds;
    /// 0 if that is not known.
    fn round_trip(&self) -> u64 {
        0
    }
}
