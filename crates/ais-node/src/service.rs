//! What a service is to the node: the handler table of the 2004 executive,
//! with types.

use crate::{Asker, Caller, ConnectionId, Digest, Effects, Malformed, Now, SessionId};
use ais_totem::View;
use ais_wire::{DecodeError, NodeId};

/// A message in agreed order.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The node that sent it.
    pub from: NodeId,
    /// Its place in the order of the view.
    pub number: u64,
    /// On the node that sent it: who waits for the outcome. `None` on all
    /// other nodes, if nobody ever waited, and if whoever did has given up or
    /// is gone.
    pub asker: Option<Asker>,
    /// The message.
    pub message: &'a [u8],
}

/// A timer of a service, named by numbers of its own choice. Setting it again
/// moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// What it is for.
    pub kind: u8,
    /// Which object it belongs to.
    pub object: u64,
}

/// Bytes of a chunk of a snapshot, about.
pub const SNAPSHOT_CHUNK: usize = 32 << 10;

/// A frozen state, chunk by chunk.
pub type Snapshot = Box<dyn Iterator<Item = Vec<u8>>>;

/// One of the sides that meet in a view.
#[derive(Debug)]
pub struct Side<S> {
    /// The members that bring this state, lowest first.
    pub members: Vec<NodeId>,
    /// The state, if it is not the one this node has.
    pub state: Option<S>,
}

/// A service as a replicated state machine.
///
/// Replicated state changes only in [`Service::on_deliver`],
/// [`Service::on_view`] and [`Service::merge`], which see no clock, no client
/// and no number that differs between nodes ([`Delivery::asker`] may decide whom to answer, never
/// what to do). The same deliveries and views give the same
/// [`Service::digest`] on every node. What belongs to the clients of this node
/// alone is kept apart from it.
pub trait Service {
    /// The requests it serves.
    type Request<'a>;

    /// A client of this node asks. Everything is answered exactly once,
    /// through `fx`, now or later.
    ///
    /// # Errors
    /// [`Malformed`] if a library that keeps the contract would never ask
    /// this, or not on this connection; the connection is closed then.
    fn on_request(
        &mut self,
        now: Now,
        caller: &Caller,
        asker: Asker,
        request: Self::Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed>;

    /// A message arrives in agreed order. One that does not decode changes
    /// nothing, on any node.
    fn on_deliver(&mut self, delivery: Delivery<'_>, fx: &mut Effects);

    /// The members changed. `has_quorum`: this side may change what the whole
    /// cluster has to agree on.
    fn on_view(&mut self, view: &View, has_quorum: bool, fx: &mut Effects);

    /// Goes on with what [`Service::on_view`], [`Service::merge`] or
    /// [`Service::on_lead`] has begun, for no longer than the group can wait.
    fn go_on(&mut self, _fx: &mut Effects) {}

    /// Whether there is more of that. Then [`Service::go_on`] comes next, before
    /// anything else that changes the replicated state or looks at it.
    fn has_more(&self) -> bool {
        false
    }

    /// From now on this node proposes, or does not, what time brings to
    /// replicated state: it is the lowest member that has the state, on a side
    /// with quorum.
    fn on_lead(&mut self, leads: bool, fx: &mut Effects);

    /// The replicated state as it is now, as chunks of at most about
    /// `SNAPSHOT_CHUNK` bytes. Taking it is quick however large the state is,
    /// and what changes later does not show in it.
    fn snapshot(&self) -> Snapshot;

    /// The replicated state of another side, while its chunks come in.
    type Incoming: Default + std::fmt::Debug;

    /// Where the chunks of another side go, with the bounds of this node.
    fn incoming(&self) -> Self::Incoming {
        Self::Incoming::default()
    }

    /// Takes the next chunk of a [`Service::snapshot`].
    ///
    /// # Errors
    /// A [`DecodeError`] if it is none.
    fn take_chunk(incoming: &mut Self::Incoming, chunk: &[u8]) -> Result<(), DecodeError>;

    /// Sides meet: the replicated state becomes what they have together, by a
    /// rule that gives the same on every node. `sides` are in rank order, the
    /// one whose state stands first; exactly those of which `state` is `None`
    /// are the state that this node has.
    ///
    /// A node that has just started sees `Some` for each, and so does one
    /// whose own state is given up because it could not be brought together:
    /// what its clients had that is in no side is gone.
    ///
    /// Two things a side cannot rule out: a message that was sent before the
    /// merge may be delivered after it, and what two sides made in a view
    /// whose merge did not come to its end may bear the same number of that
    /// view on both.
    fn merge(&mut self, sides: Vec<Side<Self::Incoming>>, view: &View, fx: &mut Effects);

    /// A timer that `fx` set has come.
    fn on_timer(&mut self, now: Now, timer: Timer, fx: &mut Effects);

    /// Whoever asked with this id on this connection no longer waits, whether
    /// or not the answer was given.
    fn on_cancel(&mut self, connection: ConnectionId, id: u32, fx: &mut Effects);

    /// A library handle of this service is gone.
    fn on_handle_gone(&mut self, connection: ConnectionId, fx: &mut Effects);

    /// A process is gone, after all its library handles.
    fn on_session_gone(&mut self, session: SessionId, fx: &mut Effects);

    /// Adds all of the replicated state, and nothing else, to a digest.
    fn digest(&self, digest: &mut Digest);
}
