//! The session of this process with aisexec: one connection that stands for
//! the process (the anchor), and the pooled connections for the calls without
//! a library handle.
//!
//! When aisexec is restarted the anchor is at its end. What belonged to the
//! session stays with it and fails; whoever asks for the session of the
//! process gets a new one.

use crate::link::anchor::{self, Anchor};
use crate::link::connect;
use crate::link::connection::{Bound, Connection, Failure, Outgoing, Reply};
use crate::link::pool::{Pool, between_waits, wait_a_little};
use crate::sys::deadline::Deadline;
use crate::sys::fork::{self, PerProcess};
use crate::sys::poll::Budget;
use crate::sys::socket::Socket;
use crate::sys::thread::Holding;
use ais_proto::{AisError, Cookie, Kind, Request, ServiceId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most connections for calls without a library handle.
const MOST_CONNECTIONS: usize = 8;

/// A session with one run of aisexec.
#[derive(Debug)]
pub(crate) struct Session {
    anchor: Arc<Socket>,
    /// Where connections come from, if aisexec gives them out.
    source: Option<Pool<Anchor>>,
    cookie: Cookie,
    api_timeout: Duration,
    budget: Budget,
    bound: Bound,
    dead: AtomicBool,
    pool: Pool<Connection>,
}

impl Session {
    fn open(deadline: Deadline) -> Result<Self, AisError> {
        let deadline = connect::handshake(deadline);
        let connect::Connected { socket, welcome, minor, .. } =
            connect::greet(connect::reach(deadline)?, Kind::Session, deadline)?;
        let anchor = Arc::new(socket);
        let gives_out = minor >= anchor::FIRST_MINOR;
        Ok(Self {
            source: gives_out.then(|| Pool::of(Anchor::new(Arc::clone(&anchor)))),
            anchor,
            cookie: welcome.cookie,
            api_timeout: Duration::from_millis(u64::from(welcome.api_timeout_ms)),
            budget: Budget::new(welcome.busy_poll_us),
            bound: Bound::new(&welcome, minor),
            dead: AtomicBool::new(false),
            pool: Pool::new(MOST_CONNECTIONS),
        })
    }

    /// How long its connections poll.
    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// When a call has to be over that may last so long, or as long as
    /// aisexec says (`api-timeout`).
    pub(crate) fn deadline(&self, timeout: Option<Duration>) -> Deadline {
        Deadline::after(timeout.unwrap_or(self.api_timeout))
    }

    /// Whether the aisexec of this session still runs.
    pub(crate) fn is_alive(&self) -> bool {
        if !self.dead.load(Ordering::Acquire) && !self.anchor.is_alive() {
            self.dead.store(true, Ordering::Release);
        }
        !self.dead.load(Ordering::Acquire)
    }

    /// Makes a call on one of the pooled connections.
    ///
    /// # Errors
    /// `Unsent` if the session is dead and nothing was done.
    pub(crate) fn call<T>(
        &self,
        request: &Outgoing<'_>,
        deadline: Deadline,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, Failure> {
        let mut answer = Some(answer);
        // Idle connections may have died one by one; a fresh one has not.
        for _ in 0..=MOST_CONNECTIONS {
            let result = self.pool.with(
                deadline,
                || self.connect(deadline),
                |connection| {
                    let id = connection.send(request, deadline)?;
                    let reply = connection.receive(id, deadline)?;
                    let answer = answer.take().ok_or(AisError::Library)?;
                    Ok(answer(reply)?)
                },
            );
            match result {
                Err(Failure::Unsent) if self.is_alive() => {}
                Err(Failure::Error(AisError::Library)) => {
                    self.is_alive();
                    return result;
                }
                _ => return result,
            }
        }
        Err(Failure::Error(AisError::Library))
    }

    /// Has aisexec name this program as one whose structures do not fit. If it
    /// cannot be told, it does not learn of it.
    pub(crate) fn tell_misfit(&self, deadline: Deadline) {
        let tell = |connection: &mut Connection| {
            connection.tell_misfit();
            Ok::<_, Failure>(())
        };
        let _ = self.pool.with(deadline, || self.connect(deadline), tell);
    }

    /// The same for what belongs to this session: if it is dead, so is that.
    pub(crate) fn call_here<T>(
        &self,
        request: &Outgoing<'_>,
        timeout: Option<Duration>,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        self.call(request, self.deadline(timeout), answer).map_err(|failure| match failure {
            Failure::Unsent => AisError::Library,
            Failure::Error(error) => error,
        })
    }

    /// A new connection for calls.
    fn connect(&self, deadline: Deadline) -> Result<Connection, Failure> {
        let connected = self.join(Kind::Call(self.cookie), deadline)?;
        Ok(self.connection(Arc::new(connected.socket)))
    }

    /// A new connection for a library handle, and its event socket.
    pub(crate) fn connect_handle(
        &self,
        service: ServiceId,
        callbacks: u32,
        deadline: Deadline,
    ) -> Result<(Arc<Socket>, Connection, Socket), Failure> {
        let kind = Kind::Handle { cookie: self.cookie, service, callbacks };
        let connected = self.join(kind, deadline)?;
        let events = connected.events.ok_or(AisError::Library)?;
        let socket = Arc::new(connected.socket);
        let connection = self.connection(Arc::clone(&socket));
        Ok((socket, connection, events))
    }

    fn connection(&self, socket: Arc<Socket>) -> Connection {
        Connection::new(socket, self.budget, self.bound)
    }

    fn join(&self, kind: Kind, deadline: Deadline) -> Result<connect::Connected, Failure> {
        if !self.is_alive() {
            return Err(Failure::Unsent);
        }
        let deadline = connect::handshake(deadline);
        let joined =
            self.stream(deadline).and_then(|socket| Ok(connect::greet(socket, kind, deadline)?));
        // Another aisexec does not know the cookie, whatever it says.
        joined.map_err(|failure| if self.is_alive() { failure } else { Failure::Unsent })
    }

    /// A connection on which nothing has been said yet.
    fn stream(&self, deadline: Deadline) -> Result<Socket, Failure> {
        let Some(source) = &self.source else { return Ok(connect::reach(deadline)?) };
        // The place of a dead anchor stays empty.
        let gone = || Err(Failure::Unsent);
        source.with(deadline, gone, |anchor| anchor.connect(deadline))
    }
}

/// The session of this process.
pub(crate) fn current() -> &'static Current {
    static CURRENT: PerProcess<Current> = PerProcess::new(Current::default);
    CURRENT.get()
}

/// The session of the process, once somebody has asked for it.
#[derive(Debug, Default)]
pub(crate) struct Current {
    slot: Mutex<Slot>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    session: Option<Arc<Session>>,
    /// Somebody is opening one.
    opening: bool,
}

impl Current {
    /// The session, opened if there is none that lives, and whether it was.
    ///
    /// # Errors
    /// What reaching and greeting aisexec return; `Library` in the child of a
    /// handler that forked meanwhile.
    fn get(&self, deadline: Deadline) -> Result<(Arc<Session>, bool), AisError> {
        let mut slot = self.lock();
        loop {
            if let Some(session) = &slot.session {
                if !session.dead.load(Ordering::Acquire) {
                    return Ok((Arc::clone(session), false));
                }
                slot.session = None;
            }
            if !slot.opening {
                break;
            }
            if deadline.is_over() {
                return Err(AisError::Timeout);
            }
            slot = wait_a_little(&self.opened, slot, deadline);
            if slot.opening {
                drop(slot);
                between_waits()?;
                slot = self.lock();
            }
        }
        slot.opening = true;
        drop(slot);
        let _opening = Holding::begin();
        let opened = Session::open(deadline).map(Arc::new);
        let mut slot = self.lock();
        slot.opening = false;
        slot.session = opened.as_ref().ok().cloned();
        drop(slot);
        self.opened.notify_all();
        opened.map(|session| (session, true))
    }

    /// Ends a session that is of no use to who opened it, unless it is used by
    /// others.
    fn give_up(&self, session: &Arc<Session>) {
        let mut slot = self.lock();
        // One is the slot's and one the caller's; others come from the slot.
        let is_unused = Arc::strong_count(session) == 2;
        slot.session.take_if(|current| is_unused && Arc::ptr_eq(current, session));
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call that needs no library handle. Without a timeout it lasts
    /// at most as long as aisexec says.
    ///
    /// # Errors
    /// The error of the call; `TryAgain` if there is no aisexec.
    pub(crate) fn call<T>(
        &self,
        request: &Request<'_>,
        timeout: Option<Duration>,
        answer: impl Fn(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        let request = Outgoing::new(request)?;
        self.with(timeout, |session, deadline| session.call(&request, deadline, &answer))
    }

    /// Runs `work` with the session of the process, and once more with a new
    /// one if that turns out to be dead before anything was done.
    ///
    /// # Errors
    /// What `work` and [`Current::get`] return; `Library` in the child of a
    /// handler that forked meanwhile.
    pub(crate) fn with<T>(
        &self,
        timeout: Option<Duration>,
        mut work: impl FnMut(&Arc<Session>, Deadline) -> Result<T, Failure>,
    ) -> Result<T, AisError> {
        let limit = timeout.map_or(Deadline::NEVER, Deadline::after);
        for _ in 0..2 {
            let generation = fork::generation();
            let (session, is_new) = self.get(limit)?;
            match work(&session, limit.min(session.deadline(timeout))) {
                Ok(value) => return Ok(value),
                // The child of a handler that forked: the slot may be locked
                // for ever.
                Err(_) if generation != fork::generation() => return Err(AisError::Library),
                Err(Failure::Error(error)) => {
                    // The last descriptor is not kept for nothing.
                    if is_new && error == AisError::NoResources {
                        self.give_up(&session);
                    }
                    return Err(error);
                }
                Err(Failure::Unsent) => {}
            }
        }
        Err(AisError::TryAgain)
    }
}
