//! What all library handles have in common: a connection for requests, an
//! event socket, and an end that any thread may bring about at any time.

use crate::link::connection::{Connection, Failure, Outgoing, Reply};
use crate::link::events::Events;
use crate::link::pool::Pool;
use crate::link::session::{self, Session};
use crate::sys::deadline::Deadline;
use crate::sys::socket::Socket;
use ais_proto::{AisError, Code, DecodeError, Request, ServiceId};
use nix::poll::PollFlags;
use nix::sys::socket::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long Finalize waits at most until aisexec has taken notice, so that
/// what the handle held is free when it returns.
const FAREWELL: Duration = Duration::from_secs(1);

/// One library handle.
#[derive(Debug)]
pub(crate) struct Client {
    session: Arc<Session>,
    socket: Arc<Socket>,
    requests: Pool<Connection>,
    events: Events,
    closed: AtomicBool,
}

impl Client {
    /// Opens a handle of a service. Bit n of `callbacks`: the program gave
    /// member n of the callbacks structure.
    ///
    /// # Errors
    /// `TryAgain` if there is no aisexec.
    pub(crate) fn open(service: ServiceId, callbacks: u32) -> Result<Self, AisError> {
        session::current().with(None, |session, deadline| {
            let (socket, connection, events) =
                session.connect_handle(service, callbacks, deadline)?;
            Ok(Self {
                session: Arc::clone(session),
                socket,
                requests: Pool::of(connection),
                events: Events::new(events),
                closed: AtomicBool::new(false),
            })
        })
    }

    /// The session that the handle belongs to.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The event socket.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// The next event of which `tell` has something to tell, with the lock held
    /// under which events are received, so that threads keep their order. Of a
    /// stale event it tells nothing.
    ///
    /// # Errors
    /// The errors of [`Events::next`]; `Library` if `tell` cannot read the event.
    pub(crate) fn next<T>(
        &self,
        mut tell: impl FnMut(Code, &[u8]) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, AisError> {
        while let Some(told) = self.events.next(|code, body| tell(code, body).ok())? {
            if told.is_some() {
                return Ok(told);
            }
        }
        Ok(None)
    }

    /// Waits until an event is there or the handle has ended, so long at most,
    /// or for ever.
    ///
    /// # Errors
    /// `Timeout` if none came in time; `BadHandle` in a child.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<(), AisError> {
        self.events.wait(timeout.map_or(Deadline::NEVER, Deadline::after))
    }

    /// Whether the handle is finalized.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Makes a call on the connection of the handle.
    ///
    /// # Errors
    /// The error of the call; `Library` if aisexec is gone, `BadHandle` if the
    /// handle is finalized meanwhile.
    pub(crate) fn call<T>(
        &self,
        request: &Request<'_>,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        let deadline = self.session.deadline(None);
        let request = Outgoing::new(request)?;
        let result = self.requests.with(
            deadline,
            // The place of a dead connection stays empty.
            || Err(Failure::Unsent),
            |connection| {
                let id = connection.send(&request, deadline)?;
                Ok(answer(connection.receive(id, deadline)?)?)
            },
        );
        result.map_err(|failure| match failure {
            _ if self.is_closed() => AisError::BadHandle,
            Failure::Error(error) if error != AisError::Library => error,
            _ => {
                self.session.is_alive();
                AisError::Library
            }
        })
    }

    /// Ends the handle: nobody waits on it any more, and aisexec forgets what
    /// it held. The descriptors stay open as long as somebody uses the object,
    /// so that their numbers mean nothing else meanwhile.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.events.wake();
        self.socket.shutdown(Shutdown::Write);
        // Poll tells the end without being asked. What has arrived is left to
        // the thread that waits for it: its call has succeeded.
        let _ = self.socket.wait(PollFlags::empty(), Deadline::after(FAREWELL));
        self.socket.shutdown(Shutdown::Both);
    }
}
