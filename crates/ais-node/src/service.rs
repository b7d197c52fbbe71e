//! What a service is to the node: the handler table of the 2004 executive, as traits
//! whose objects the node keeps in one list (`services`).
//!
//! Every service is a [`Service`]. One with a state that nodes bring together is a
//! [`Replica`] too; one whose state is large has [`Contents`] that are sent bit by bit;
//! one that all nodes must give the same configuration is [`Configured`]. None of these
//! has a default, so each service says whether it is one.

use crate::cursor::Cursor;
use crate::record::Record;
use crate::{
    Asker, Caller, Config, ConnectionId, Digest, Effects, Event, Malformed, Now, SessionId,
};
use ais_group::View;
use ais_proto::{AisError, Request, RequestKind};
use ais_wire::{DecodeError, Name, NodeId};
use std::any::Any;
use std::fmt;

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

/// How much of a state a snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// All but the [`Contents`], which follow.
    Heads,
}

/// The state of another side, while its chunks come in.
pub trait ForeignState: Any {
    /// Takes the next chunk of a [`Replica::snapshot`].
    ///
    /// # Errors
    /// A [`DecodeError`] if it is none, or the state has no room here.
    fn take_chunk(&mut self, chunk: &[u8]) -> Result<(), DecodeError>;
}

/// A state may be large, so nothing of it is shown.
impl fmt::Debug for dyn ForeignState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignState")
    }
}

impl dyn ForeignState {
    /// The state in the form of the service that began it with [`Replica::incoming`].
    pub(crate) fn of_service<S: ForeignState>(self: Box<Self>) -> Option<S> {
        let state: Box<dyn Any> = self;
        state.downcast::<S>().ok().map(|state| *state)
    }
}

/// One of the sides that meet in a view.
#[derive(Debug)]
pub struct Side {
    /// The members that bring this state, lowest first.
    pub members: Vec<NodeId>,
    /// The state, as this service took it in; `None` for the side that this node is on.
    pub state: Option<Box<dyn ForeignState>>,
}

/// A service as a replicated state machine.
///
/// Replicated state changes only in [`Service::on_deliver`],
/// [`Service::on_view`] and [`Replica::merge`], which see no clock, no client
/// and no number that differs between nodes ([`Delivery::asker`] may decide whom to answer, never
/// what to do). The same deliveries and views give the same
/// [`Service::digest`] on every node. What belongs to the clients of this node
/// alone is kept apart from it.
pub trait Service {
    /// The service of a node that starts and is not in a view yet.
    fn start(config: &Config) -> Self
    where
        Self: Sized;

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
        request: Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed>;

    /// A message arrives in agreed order. One that does not decode changes
    /// nothing, on any node.
    fn on_deliver(&mut self, delivery: Delivery<'_>, fx: &mut Effects);

    /// The members changed. `has_quorum`: this side may change what the whole
    /// cluster has to agree on.
    fn on_view(&mut self, view: &View, has_quorum: bool, fx: &mut Effects);

    /// A member has said in this view who it is.
    fn on_announced(&mut self, _member: NodeId, _record: &Record, _fx: &mut Effects) {}

    /// Goes on with what [`Service::on_view`], [`Replica::merge`] or
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

    /// Whether what [`Service::on_timer`] proposes counts only with quorum.
    fn timers_need_quorum(&self) -> bool;

    /// A timer that `fx` set has come.
    fn on_timer(&mut self, now: Now, timer: Timer, fx: &mut Effects);

    /// Whoever asked with this id on this connection no longer waits, whether
    /// or not the answer was given.
    fn on_cancel(&mut self, connection: ConnectionId, id: u32, fx: &mut Effects);

    /// An event of this service did not reach its program: the handle is gone, or
    /// [`Event::unsettled`] was told in its place.
    fn on_undelivered(&mut self, event: &Event, fx: &mut Effects);

    /// A library handle of this service is gone.
    fn on_handle_gone(&mut self, connection: ConnectionId, fx: &mut Effects);

    /// A process is gone, after all its library handles.
    fn on_session_gone(&mut self, session: SessionId, fx: &mut Effects);

    /// Adds all of the replicated state, and nothing else, to a digest.
    fn digest(&self, digest: &mut Digest);

    /// The service as one with a state that nodes bring together; `None` if all its
    /// state comes of views and announcements.
    fn replica(&mut self) -> Option<&mut dyn Replica>;
}

/// A service with a state that is sent to nodes that lack it, and merged where sides
/// meet.
pub trait Replica: Service {
    /// Goes on with freezing the state for [`Replica::snapshot`], for no longer than the
    /// group can wait. Whether it is frozen; nothing changes before it is taken.
    fn freeze(&mut self, _part: Part) -> bool {
        true
    }

    /// The state as it is now, as chunks of at most about [`SNAPSHOT_CHUNK`]
    /// bytes. What changes later does not show in it. Quick if the state was frozen
    /// before.
    fn snapshot(&mut self, part: Part) -> Snapshot;

    /// Where the chunks of another side go, with the bounds of this node.
    fn incoming(&self) -> Box<dyn ForeignState>;

    /// Sides meet: the replicated state becomes what they have together, by a
    /// rule that gives the same on every node. `sides` are in rank order, the
    /// one whose state stands first; [`Side::state`] is `None` for the one side that
    /// this node is on.
    ///
    /// A node that has just started sees `Some` for each, and so does one
    /// whose own state is given up because it could not be brought together:
    /// what its clients had that is in no side is gone.
    ///
    /// Two things a side cannot rule out: a message that was sent before the
    /// merge may be delivered after it, and what two sides made in a view
    /// whose merge did not come to its end may bear the same number of that
    /// view on both.
    fn merge(&mut self, sides: Vec<Side>, view: &View, fx: &mut Effects);

    /// A state that has come in, or a part of it, is of no use any more.
    fn give_up(&mut self, _state: Box<dyn ForeignState>, _fx: &mut Effects) {}

    /// What [`Part::Heads`] leaves out; `None` if that is nothing.
    fn contents(&mut self) -> Option<&mut dyn Contents>;

    /// The service as one that takes part only where all have the same configuration;
    /// `None` if it needs none of its own.
    fn configured(&mut self) -> Option<&mut dyn Configured>;
}

/// A replica whose state is too large to be frozen for a node that joins. Nothing is
/// logged: the node applies all changes from when it has the heads, and takes of a piece
/// only what no change has brought meanwhile.
pub trait Contents: Replica {
    /// What there is now from a place of the walk on, about [`SNAPSHOT_CHUNK`] bytes, and
    /// the place after that; `None`: that is the last of it.
    fn fill_from(&self, cursor: Cursor) -> (Vec<u8>, Option<Cursor>);

    /// Takes what [`Contents::fill_from`] gave on another node, at any time since
    /// that wrote out its heads.
    ///
    /// # Errors
    /// A [`DecodeError`] if it is not that.
    fn fill(&mut self, chunk: &[u8]) -> Result<(), DecodeError>;
}

/// A replica that takes part only on nodes with the same configuration.
pub trait Configured: Replica {
    /// How people call the configuration.
    fn words(&self) -> Words;

    /// What tells the configuration of this node from another.
    fn fingerprint(&self) -> Fingerprint;

    /// How a request is refused on a node that takes no part; `None`: it is served.
    fn refusal(&self, request: &Request<'_>) -> Option<AisError> {
        (request.kind() != RequestKind::Release).then_some(AisError::TryAgain)
    }

    /// No member has a state that belongs to the configuration which is used from now on,
    /// the one of this node: begins anew with it.
    fn begin_anew(&mut self, config: &Config, fx: &mut Effects);
}

/// What tells one configuration from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// A digest of all of it.
    pub all: u64,
    /// Digests of its parts by name: of the first [`Fingerprint::MAX_PARTS`].
    pub parts: Vec<(Name, u64)>,
}

/// How people call a configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Words {
    /// The service.
    pub service: &'static str,
    /// The file.
    pub file: &'static str,
    /// What a part of the file is.
    pub part: &'static str,
}

impl Fingerprint {
    /// Parts that have a digest of their own; the digest of the whole covers the others.
    pub const MAX_PARTS: usize = 64;
}
