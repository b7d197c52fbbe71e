//! Cluster Membership (A.01.01 section CLM).

use crate::api::asking::Asked;
use crate::api::dispatch::{Flags, Step, Turn};
use crate::api::track::{Buffer, Subscriptions};
use crate::link::client::Client;
use crate::link::connection::done;
use crate::link::session;
use ais_proto::clm::{Event, Request};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Name, ServiceId};
use std::fmt;
use std::os::fd::RawFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use ais_proto::clm::{Change, Node};

/// Bit of the track callback in the handshake: its place in
/// `SaClmCallbacksT`.
const TRACK: u32 = 1 << 1;
/// Bit of the callback of the asynchronous look-up.
const NODE_GET: u32 = 1;

/// The program's side of a handle: its memory and its callbacks.
pub(crate) trait Program: Send + Sync {
    /// Which callbacks there are; bit n is member n of `SaClmCallbacksT`.
    fn callbacks(&self) -> u32;
    /// Copies the notifications, which fit, to the program's buffer.
    fn fill(&self, buffer: Buffer, items: &[(Node, Change)]);
    /// Copies a node to the program's memory.
    fn fill_node(&self, lookup: Lookup, node: &Node);
}

/// An asynchronous look-up, as the program asked for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    /// The program's number for it.
    pub(crate) invocation: i32,
    /// Where it wants the node.
    pub(crate) address: usize,
}

/// What a track callback tells beside the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The view number.
    pub(crate) view: u64,
    /// How many members the cluster has.
    pub(crate) members: u32,
    /// How many notifications there are.
    pub(crate) items: usize,
}

/// The members of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// The view number.
    pub view: u64,
    /// How many members the cluster has.
    pub members: u32,
    /// The nodes.
    pub items: Vec<(Node, Change)>,
}

/// A handle of CLM.
pub(crate) struct Clm<P> {
    client: Client,
    program: P,
    subscriptions: Subscriptions,
    lookups: Asked<Lookup>,
}

/// A callback that is due; what it tells stands in the program's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callback {
    /// The track callback; the buffer is filled if the result is good.
    Track(Buffer, Counts, Result<(), AisError>),
    /// The callback of the asynchronous look-up.
    NodeGot(Lookup, Result<(), AisError>),
}

impl<P: Program> Clm<P> {
    pub(crate) fn open(program: P) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Clm, program.callbacks())?;
        Ok(Self { client, program, subscriptions: Subscriptions::new(), lookups: Asked::new() })
    }

    /// The descriptor that is readable when a callback is pending.
    pub(crate) fn selection_object(&self) -> Result<RawFd, AisError> {
        self.client.events().number()
    }

    /// `saClmClusterTrackStart`.
    pub(crate) fn track_start(&self, flags: u8, buffer: Buffer) -> Result<(), AisError> {
        let flags = TrackFlags::from_api(flags).ok_or(AisError::BadFlags)?;
        if buffer.address == 0 || buffer.capacity == 0 {
            return Err(AisError::InvalidParam);
        }
        self.need(TRACK)?;
        self.subscriptions.start(&Name::default(), flags, buffer, |subscription| {
            let capacity = buffer.capacity;
            self.call(Request::TrackStart { flags, capacity, subscription })
        })
    }

    /// `saClmClusterTrackStop`.
    pub(crate) fn track_stop(&self) -> Result<(), AisError> {
        self.call(Request::TrackStop)?;
        self.subscriptions.stop(&Name::default());
        Ok(())
    }

    /// `saClmClusterNodeGetAsync`.
    pub(crate) fn node_get_async(&self, node: u64, lookup: Lookup) -> Result<(), AisError> {
        self.need(NODE_GET)?;
        self.lookups.ask(lookup, |tag| self.call(Request::NodeGetAsync { node, tag }))
    }

    /// The program's callbacks.
    pub(crate) fn program(&self) -> &P {
        &self.program
    }

    /// The next step of `saClmDispatch`.
    pub(crate) fn step(&self, turn: &mut Turn) -> Result<Step<Callback>, AisError> {
        turn.step(&self.client, || self.next())
    }

    /// `saClmFinalize`.
    pub(crate) fn close(&self) {
        self.client.close();
        self.subscriptions.forget();
        self.lookups.forget();
    }

    /// The next callback that is not stale.
    fn next(&self) -> Result<Option<Callback>, AisError> {
        // Decided where it is received, so that threads keep the order.
        let receive = |code, body: &[u8]| Some(self.decide(Event::decode(code, body).ok()?));
        while let Some(callback) = self.client.events().next(receive)? {
            if callback.is_some() {
                return Ok(callback);
            }
        }
        Ok(None)
    }

    /// The callback of an event, its memory filled; none if it is stale.
    fn decide(&self, event: Event) -> Option<Callback> {
        match event {
            Event::Track { subscription, view, members, items } => {
                let fill = |buffer| self.program.fill(buffer, &items);
                let (buffer, result) =
                    self.subscriptions.deliver(subscription, items.len(), fill)?;
                let counts = Counts { view, members, items: items.len() };
                Some(Callback::Track(buffer, counts, result))
            }
            Event::NodeGet { tag, result } => self.lookups.end(tag, |lookup| {
                let result = result.map(|node| self.program.fill_node(lookup, &node));
                Callback::NodeGot(lookup, result)
            }),
        }
    }

    fn need(&self, callback: u32) -> Result<(), AisError> {
        if self.program.callbacks() & callback == 0 { Err(AisError::Init) } else { Ok(()) }
    }

    fn call(&self, request: Request) -> Result<(), AisError> {
        self.client.call(&ais_proto::Request::Clm(request), done)
    }
}

impl<P> fmt::Debug for Clm<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clm").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Looks a node up; id 0 is the node of the caller (`saClmClusterNodeGet`).
/// Without a timeout it takes at most as long as aisexec says.
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
    #[derive(Default)]
    struct Keep(Mutex<Vec<(Node, Change)>>);
    impl Program for Keep {
        fn callbacks(&self) -> u32 {
            TRACK
        }
        fn fill(&self, _: Buffer, items: &[(Node, Change)]) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = items.to_vec();
        }
        fn fill_node(&self, _: Lookup, _: &Node) {}
    }
    let clm = Clm::open(Keep::default())?;
    // Nothing is ever written there: the notifications are kept as they are.
    let anywhere = Buffer { address: usize::MAX, capacity: u64::MAX };
    let step = clm.track_start(TrackFlags::CURRENT.bits(), anywhere).and_then(|()| {
        clm.client.events().wait(clm.client.session().deadline(None))?;
        clm.step(&mut Turn::new(Flags::One))
    });
    clm.close();
    match step? {
        Step::Call(Callback::Track(_, Counts { view, members, .. }, _)) => {
            let items = clm.program.0.into_inner().unwrap_or_else(PoisonError::into_inner);
            Ok(Tracked { view, members, items })
        }
        _ => Err(AisError::Library),
    }
}
