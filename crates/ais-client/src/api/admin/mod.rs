//! What an operator's tool asks of aisexec. For Rust programs alone: A.01.01
//! knows nothing of it.
//!
//! ```no_run
//! use ais_client::admin;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! for checkpoint in admin::checkpoints()? {
//!     println!("{}", checkpoint.name);
//! }
//! let mut watch = admin::Watch::open()?;
//! loop {
//!     println!("{:?}", watch.next_view()?);
//! }
//! # }
//! ```

mod inspection;

pub use ais_proto::NodeId;
pub use ais_proto::admin::{
    AdminState, AmfNode, Checkpoint, Clients, Component, Delivered, Deliveries, Failure, Inspected,
    KeyHolder, Keys, MAX_PROBE_MESSAGE, MAX_PROBE_REQUEST, Opener, Operated, Operation, Page,
    Phase, Piece, Problem, Redundancy, Ring, Severity, State, Status, Target, View, ViewId,
};
pub use ais_proto::amf::{HaState, Readiness};
pub use ais_proto::ckpt::UpdateOption;
pub use inspection::Inspection;

use crate::link::connection::{Connection, Outgoing, Reply};
use crate::link::events::Events;
use crate::link::session::{self, Session};
use crate::sys::deadline::Deadline;
use crate::sys::poll::Poller;
use ais_proto::admin::{Event, MAX_PAGE, Request, Started};
use ais_proto::{AisError, DecodeError, Name, Reader, ServiceId};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A probe takes its replies off the connection after so many requests; the
/// socket holds a few hundred.
const SENDS_PER_CLEARING: u32 = 32;

/// The socket on which this process looks for aisexec.
#[must_use]
pub fn socket() -> PathBuf {
    crate::link::connect::path().into()
}

/// The node in short.
///
/// # Errors
/// `TryAgain` if there is no aisexec, `Timeout` if it does not answer,
/// `Library` if it ends the connection, as one does that is too old to know
/// the request. The functions below too.
pub fn status() -> Result<Status, AisError> {
    ask(Request::Status, Status::decode)
}

/// What the ring knows of itself; `None` if the node has no network.
///
/// # Errors
/// As [`status`].
pub fn ring() -> Result<Option<Ring>, AisError> {
    ask(Request::Ring, |input| input.option(Ring::decode))
}

/// With which keys the members seal what they send each other; `None` if the node has no
/// network.
///
/// # Errors
/// As [`status`].
pub fn keys() -> Result<Option<Keys>, AisError> {
    ask(Request::Keys, |input| input.option(Keys::decode))
}

/// All checkpoints, by name. They may change while they are asked for.
///
/// # Errors
/// As [`status`].
pub fn checkpoints() -> Result<Vec<Checkpoint>, AisError> {
    all(Checkpoint::decode, |found: &[Checkpoint]| {
        let after: Option<Name> = found.last().map(|last| last.name.clone());
        Request::Checkpoints { after, limit: MAX_PAGE }
    })
}

/// All components, in the order of groups.conf.
///
/// # Errors
/// As [`status`].
pub fn components() -> Result<Vec<Component>, AisError> {
    all(Component::decode, |found| {
        let first = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Request::Components { first, limit: MAX_PAGE }
    })
}

/// The nodes that AMF does not use as it would: those that are locked or were
/// taken out by an error report.
///
/// # Errors
/// As [`status`].
pub fn amf_nodes() -> Result<Vec<AmfNode>, AisError> {
    ask(Request::AmfNodes, |input| input.list(AmfNode::decode))
}

/// Has something done to a part of AMF, or begun. Returns when all nodes of
/// the cluster know of it.
///
/// # Errors
/// As [`status`]; `TryAgain` also if this side of the cluster has no quorum,
/// the node has not the state of the cluster yet, or takes no part in AMF.
/// What then becomes of it is as [`Operated`] says.
pub fn operate(operation: Operation, target: Target) -> Result<Operated, AisError> {
    ask(Request::Operate { operation, target }, Operated::decode)
}

fn ask<T>(
    request: Request<'_>,
    decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, AisError> {
    let answer = |reply: Reply<'_>| reply.read(&decode);
    session::current().call(&ais_proto::Request::Admin(request), None, answer)
}

fn all<T>(
    decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
    next: impl Fn(&[T]) -> Request<'static>,
) -> Result<Vec<T>, AisError> {
    let mut found = Vec::new();
    loop {
        let page = ask(next(&found), |input| Page::decode(input, &decode))?;
        let is_last = !page.more || page.items.is_empty();
        found.extend(page.items);
        if is_last {
            return Ok(found);
        }
    }
}

/// Tells of every view.
#[derive(Debug)]
pub struct Watch(Handle);

impl Watch {
    /// Begins to watch; the present view is the first one.
    ///
    /// # Errors
    /// As [`status`].
    pub fn open() -> Result<Self, AisError> {
        let mut handle = Handle::open()?;
        handle.call(Request::Watch, |_| Ok(()))?;
        Ok(Self(handle))
    }

    /// Waits for the next view.
    ///
    /// # Errors
    /// `Library` when aisexec is gone.
    pub fn next_view(&mut self) -> Result<View, AisError> {
        loop {
            if let Some(Event::View(view)) = self.0.event(Deadline::NEVER)? {
                return Ok(view);
            }
        }
    }
}

/// Sends messages through the group and sees those of all probes arrive, in
/// the one order.
#[derive(Debug)]
pub struct Probe {
    handle: Handle,
    started: Started,
    sends: u32,
}

impl Probe {
    /// Starts a probe.
    ///
    /// # Errors
    /// As [`status`].
    pub fn open() -> Result<Self, AisError> {
        let mut handle = Handle::open()?;
        let started = handle.call(Request::ProbeStart, Started::decode)?;
        Ok(Self { handle, started, sends: 0 })
    }

    /// The own node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.started.node
    }

    /// The number of the probe on that node.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.started.probe
    }

    /// Sends messages, of at most [`MAX_PROBE_REQUEST`] bytes with 4 for each
    /// and 4 for all, and does not wait for their delivery.
    ///
    /// # Errors
    /// `Timeout` if aisexec takes nothing, `Library` when it is gone.
    pub fn send(&mut self, messages: Vec<&[u8]>) -> Result<(), AisError> {
        self.sends = self.sends.wrapping_add(1);
        let connection = &mut self.handle.connection;
        if self.sends.is_multiple_of(SENDS_PER_CLEARING) && !connection.skip_late() {
            return Err(AisError::Library);
        }
        let deadline = self.handle.session.deadline(None);
        let request = ais_proto::Request::Admin(Request::ProbeSend { messages });
        connection.send(&Outgoing::new(&request)?, deadline).map(drop).map_err(|failure| {
            match failure {
                crate::link::connection::Failure::Error(error) => error,
                crate::link::connection::Failure::Unsent => AisError::Library,
            }
        })
    }

    /// Waits so long at most for what is delivered.
    ///
    /// # Errors
    /// `Library` when aisexec is gone.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Deliveries>, AisError> {
        match self.handle.event(Deadline::after(timeout))? {
            Some(Event::Deliveries(deliveries)) => Ok(Some(deliveries)),
            _ => Ok(None),
        }
    }
}

/// A handle of Admin.
#[derive(Debug)]
struct Handle {
    session: Arc<Session>,
    connection: Connection,
    events: Events,
    poller: Poller,
}

impl Handle {
    fn open() -> Result<Self, AisError> {
        session::current().with(None, |session, deadline| {
            let (_, connection, events) = session.connect_handle(ServiceId::Admin, 0, deadline)?;
            Ok(Self {
                session: Arc::clone(session),
                connection,
                events: Events::new(events),
                poller: Poller::new(session.budget()),
            })
        })
    }

    fn call<T>(
        &mut self,
        request: Request<'_>,
        decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, AisError> {
        let deadline = self.session.deadline(None);
        let request = ais_proto::Request::Admin(request);
        let id = self.connection.send(&Outgoing::new(&request)?, deadline);
        let id = id.map_err(|_| AisError::Library)?;
        self.connection.receive(id, deadline)?.read(decode)
    }

    /// The next event; `None` if none comes in time.
    fn event(&mut self, deadline: Deadline) -> Result<Option<Event>, AisError> {
        let events = &self.events;
        let attempt = || events.next(|code, body| Event::decode(code, body).ok()).transpose();
        if let Some(event) = attempt().or_else(|| self.poller.poll(attempt)) {
            return event.map(Some);
        }
        match events.wait(deadline) {
            Ok(()) => attempt().transpose(),
            Err(AisError::Timeout) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
