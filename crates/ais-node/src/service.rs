//! What a service is to the node: the handler table of the 2004 executive,
//! with types.

use crate::{Asker, Caller, ConnectionId, Digest, Effects, Malformed, Now, SessionId};
use ais_totem::View;
use ais_wire::NodeId;

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

/// A service as a replicated state machine.
///
/// Replicated state changes only in [`Service::on_deliver`] and
/// [`Service::on_view`], which see no clock, no client and no number that
/// differs between nodes ([`Delivery::asker`] may decide whom to answer, never
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

    /// The members changed.
    fn on_view(&mut self, view: &View, fx: &mut Effects);

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
