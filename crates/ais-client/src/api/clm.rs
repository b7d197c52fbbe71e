//! Cluster Membership (A.01.01 section CLM): the nodes of the cluster, and
//! what becomes of them.
//!
//! ```no_run
//! use ais_client::clm;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let own = clm::node_get(clm::LOCAL_NODE, None)?;
//! for (node, _) in clm::members()?.items {
//!     let mark = if node.id == own.id { '*' } else { ' ' };
//!     println!("{mark} {} since {} ns", node.name, node.boot_timestamp);
//! }
//! # Ok(())
//! # }
//! ```

pub use ais_proto::clm::{Change, Node};

use super::asking::Asked;
use super::dispatch::{Flags, Step, Turn};
use super::track::Subscriptions;
use crate::link::client::Client;
use crate::link::connection::done;
use crate::link::session;
use ais_proto::clm::{Event as Packet, Request};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, DecodeError, Name, ServiceId};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Names the node of the caller (`SA_CLM_LOCAL_NODE_ID`).
pub const LOCAL_NODE: u64 = ais_proto::clm::LOCAL_NODE_ID[0];

bitflags::bitflags! {
    /// Which events a handle is opened for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Callbacks: u32 {
        /// The end of [`Clm::node_get_async`].
        const NODE_GET = 1;
        /// What [`Clm::track_start`] asks for.
        const TRACK = 1 << 1;
    }
}

/// The members of the cluster, or what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// The view number.
    pub view: u64,
    /// How many members the cluster has.
    pub members: u32,
    /// The nodes.
    pub items: Vec<(Node, Change)>,
}

/// What a handle is told.
#[derive(Debug)]
pub enum Event<'a, S, L> {
    /// For a subscription, which was given to [`Clm::track_start`].
    Track(&'a S, Tracked),
    /// The end of a look-up, which was given to [`Clm::node_get_async`].
    /// `InvalidParam` if there is no such node.
    NodeGot(L, Result<Node, AisError>),
}

/// A handle of CLM, of which subscriptions are known as an `S` and look-ups as
/// an `L`. It ends when it is closed or dropped.
///
/// ```no_run
/// use ais_client::TrackFlags;
/// use ais_client::clm::{Callbacks, Clm, Event};
/// use ais_client::dispatch::{Flags, Step, Turn};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clm = Clm::<(), ()>::open(Callbacks::TRACK)?;
/// clm.track_start(TrackFlags::CURRENT | TrackFlags::CHANGES_ONLY, 64, ())?;
/// loop {
///     clm.wait(None)?;
///     let mut turn = Turn::new(Flags::All);
///     while let Step::Call(tracked) = clm.step(&mut turn, |event| match event {
///         Event::Track((), tracked) => Some(tracked),
///         Event::NodeGot(..) => None,
///     })? {
///         println!("{tracked:?}");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Clm<S, L> {
    client: Client,
    callbacks: Callbacks,
    subscriptions: Subscriptions<S>,
    lookups: Asked<L>,
}

impl<S, L> Clm<S, L> {
    /// Opens a handle (`saClmInitialize`).
    ///
    /// # Errors
    /// `TryAgain` if there is no aisexec.
    pub fn open(callbacks: Callbacks) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Clm, callbacks.bits())?;
        let (subscriptions, lookups) = (Subscriptions::new(), Asked::new());
        Ok(Self { client, callbacks, subscriptions, lookups })
    }

    /// The descriptor that is readable when an event is pending
    /// (`saClmSelectionObjectGet`).
    ///
    /// # Errors
    /// `BadHandle` in a child; `Library` if the program has closed it.
    pub fn selection_object(&self) -> Result<BorrowedFd<'_>, AisError> {
        self.client.events().descriptor()
    }

    /// Waits until an event is pending or the handle is closed, so long at
    /// most, or for ever.
    ///
    /// # Errors
    /// `Timeout` if none came in time; `BadHandle` in a child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), AisError> {
        self.client.wait(timeout)
    }

    /// Subscribes to the membership (`saClmClusterTrackStart`). `capacity` is
    /// how many nodes the subscriber has room for.
    ///
    /// # Errors
    /// `Init` if the handle was not opened for it; `TryAgain` if too many
    /// events are awaited or there is no aisexec.
    pub fn track_start(&self, flags: TrackFlags, capacity: u64, to: S) -> Result<(), AisError> {
        self.need(Callbacks::TRACK)?;
        self.subscriptions.start(&Name::default(), flags, to, |subscription| {
            self.call(Request::TrackStart { flags, capacity, subscription })
        })
    }

    /// Ends all subscriptions (`saClmClusterTrackStop`).
    ///
    /// # Errors
    /// `NotExist` if there is none.
    pub fn track_stop(&self) -> Result<(), AisError> {
        self.call(Request::TrackStop)?;
        self.subscriptions.stop(&Name::default());
        Ok(())
    }

    /// Looks a node up (`saClmClusterNodeGetAsync`); an event tells the end.
    ///
    /// # Errors
    /// `Init` if the handle was not opened for it; `TryAgain` if too many
    /// look-ups are open or there is no aisexec.
    pub fn node_get_async(&self, node: u64, lookup: L) -> Result<(), AisError> {
        self.need(Callbacks::NODE_GET)?;
        self.lookups.ask(lookup, |tag| self.call(Request::NodeGetAsync { node, tag }))
    }

    /// The next step of a dispatch (`saClmDispatch`); `tell` turns an event
    /// into what the step has. While `tell` runs nobody ends the subscription
    /// or the look-up, so it shall not use the handle.
    ///
    /// # Errors
    /// `Library` if aisexec is gone; `BadHandle` in a child.
    pub fn step<R>(
        &self,
        turn: &mut Turn,
        tell: impl FnOnce(Event<'_, S, L>) -> R,
    ) -> Result<Step<R>, AisError> {
        let mut tell = Some(tell);
        turn.step(&self.client, || self.client.next(|code, body| self.tell(code, body, &mut tell)))
    }

    /// Ends the handle (`saClmFinalize`).
    pub fn close(&self) {
        self.client.close();
        self.subscriptions.forget();
        self.lookups.forget();
    }

    /// What `tell` makes of an event; nothing if it is stale.
    fn tell<R>(
        &self,
        code: Code,
        body: &[u8],
        tell: &mut Option<impl FnOnce(Event<'_, S, L>) -> R>,
    ) -> Result<Option<R>, DecodeError> {
        Ok(match Packet::decode(code, body)? {
            Packet::Track { subscription, view, members, items } => {
                let tracked = Tracked { view, members, items };
                self.subscriptions.deliver(subscription, |to| {
                    tell.take().map(|tell| tell(Event::Track(to, tracked)))
                })
            }
            Packet::NodeGet { tag, result } => self
                .lookups
                .end(tag, |lookup| tell.take().map(|tell| tell(Event::NodeGot(lookup, result)))),
        }
        .flatten())
    }

    fn need(&self, callback: Callbacks) -> Result<(), AisError> {
        if self.callbacks.contains(callback) { Ok(()) } else { Err(AisError::Init) }
    }

    fn call(&self, request: Request) -> Result<(), AisError> {
        self.client.call(&ais_proto::Request::Clm(request), done)
    }
}

/// Looks a node up (`saClmClusterNodeGet`); [`LOCAL_NODE`] is the node of the
/// caller. Without a timeout it takes at most as long as aisexec says.
///
/// # Errors
/// `InvalidParam` if there is no such node; `TryAgain` if there is no aisexec.
pub fn node_get(node: u64, timeout: Option<Duration>) -> Result<Node, AisError> {
    let request = ais_proto::Request::Clm(Request::NodeGet { node });
    session::current().call(&request, timeout, |reply| reply.read(Node::decode))
}

/// The members of the cluster now.
///
/// # Errors
/// `TryAgain` if there is no aisexec; `Timeout` if it does not answer.
pub fn members() -> Result<Tracked, AisError> {
    let clm = Clm::<(), ()>::open(Callbacks::TRACK)?;
    let step = clm.track_start(TrackFlags::CURRENT, u64::MAX, ()).and_then(|()| {
        clm.client.events().wait(clm.client.session().deadline(None))?;
        clm.step(&mut Turn::new(Flags::One), |event| match event {
            Event::Track((), tracked) => Some(tracked),
            Event::NodeGot(..) => None,
        })
    });
    clm.close();
    match step? {
        Step::Call(Some(tracked)) => Ok(tracked),
        _ => Err(AisError::Library),
    }
}
