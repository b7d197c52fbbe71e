//! New connections: those that are accepted, and those that a session is given.

use super::bounds::{
    ACCEPT_PAUSE, ACCEPTING_TIME, ACCEPTS_PER_ROUND, CLOSES_PER_ROUND, GREETING_TIME,
    MAX_GIVEN_CONNECTIONS, SOCKET_LOOKS,
};
use super::connection::{Connection, Fault, Greeting, State};
use super::output::send_first;
use super::peer::Peer;
use crate::daemon::{Server, Token};
use crate::listen::{BACKLOG, Listener};
use crate::{clock, sys};
use ais_node::ledger::Kind;
use ais_node::{Now, SessionId};
use ais_proto::{AisError, Code, Header, OK};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

impl Server {
    /// Opens the socket for clients, if it is not open.
    #[cold]
    pub(in crate::daemon) fn open(&mut self, now: Now) {
        let Some(claim) = self.claim.take() else { return };
        let opened = Listener::open(claim, self.access.group).and_then(|listener| {
            self.watch(&listener).map_err(|error| error.to_string())?;
            Ok(listener)
        });
        match opened {
            Ok(listener) => {
                self.listener = Some(listener);
                self.look_at_socket = Some(now.monotonic.saturating_add(SOCKET_LOOKS));
            }
            Err(failure) => self.failure = Some(failure.into()),
        }
    }

    /// Looks whether the socket still is where it was, and serves the new one
    /// if it had to be made anew.
    #[cold]
    pub(in crate::daemon) fn look_at_socket(&mut self, now: Now) {
        self.look_at_socket = Some(now.monotonic.saturating_add(SOCKET_LOOKS));
        let Some(old) = self.listener.as_mut().and_then(Listener::look) else { return };
        // Programs may have connected before it was removed.
        for socket in old.incoming().map_while(Result::ok).take(BACKLOG.into()) {
            self.admit(now, socket);
        }
        let watched = self.listener.as_ref().map_or(Ok(()), |listener| self.watch(listener));
        if let Err(error) = watched {
            let text = format_args!("the listening socket cannot be watched: {error}");
            self.complaints.log(now.monotonic, None, text);
        }
    }

    fn watch(&self, listener: &Listener) -> nix::Result<()> {
        self.epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, Token::Listener.encode()))
    }

    /// Takes connections, so many that somebody who makes them without end does
    /// not keep others from the backlog; those behind them have epoll tell again.
    #[cold]
    pub(in crate::daemon) fn accept(&mut self, now: Now) {
        let until = clock::monotonic().saturating_add(ACCEPTING_TIME);
        for _ in 0..ACCEPTS_PER_ROUND {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok(socket) => self.admit(now, socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    let text = format_args!("no connection can be accepted for a moment: {error}");
                    self.complaints.log(now.monotonic, None, text);
                    self.accept_at = Some(now.monotonic.saturating_add(ACCEPT_PAUSE));
                    return self.watch_listener(now, EpollFlags::empty());
                }
            }
            if clock::monotonic() >= until {
                return;
            }
        }
    }

    /// The pause after a failure is over.
    #[cold]
    pub(in crate::daemon) fn accept_again(&mut self, now: Now) {
        self.accept_at = None;
        self.watch_listener(now, EpollFlags::EPOLLIN);
    }

    fn watch_listener(&mut self, now: Now, flags: EpollFlags) {
        let Some(listener) = &self.listener else { return };
        let mut event = EpollEvent::new(flags, Token::Listener.encode());
        if let Err(error) = self.epoll.modify(listener, &mut event) {
            let text = format_args!("the listening socket cannot be watched: {error}");
            self.complaints.log(now.monotonic, None, text);
        }
    }

    fn admit(&mut self, now: Now, socket: UnixStream) {
        // A peer that cannot be named has gone.
        let Ok(peer) = Peer::of(&socket, &self.access) else { return };
        let verdict = self.access.check(&peer).and_then(|()| self.may_take_descriptor(&peer));
        let kind = if verdict.is_ok() { Kind::Descriptors } else { Kind::Refusals };
        let user = Some(peer.uid.as_raw());
        // Who is one too many hears why, as far as there is room for that; else
        // it learns it by the end of the stream.
        if !self.node.ledger().may_take(kind, peer.holder(), 1) {
            let text = format_args!("{peer} was turned away: its user has too many connections");
            return self.complaints.log(now.monotonic, user, text);
        }
        let name = peer.to_string();
        if let Err(error) = self.take(now, socket, peer.without_groups(), verdict, None) {
            let text = format_args!("{name} cannot be served: {error}");
            self.complaints.log(now.monotonic, user, text);
        }
    }

    /// Whether a peer, or its process or user, may have one descriptor more.
    pub(super) fn may_take_descriptor(&self, peer: &Peer) -> Result<(), AisError> {
        let may = self.node.ledger().may_take(Kind::Descriptors, peer.holder(), 1);
        may.then_some(()).ok_or(AisError::NoResources)
    }

    /// Takes care of a connection that will say what it is for, and hear this
    /// verdict; if it was given to a session it belongs to that alone.
    ///
    /// # Errors
    /// If epoll does not take it.
    fn take(
        &mut self,
        now: Now,
        socket: UnixStream,
        peer: Peer,
        verdict: Result<(), AisError>,
        given_to: Option<SessionId>,
    ) -> Result<u64, Errno> {
        let id = self.last_connection + 1;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Stream(id).encode());
        self.epoll.add(&socket, event)?;
        self.last_connection = id;
        let kind = if verdict.is_ok() { Kind::Descriptors } else { Kind::Refusals };
        self.node.ledger_mut().charge(kind, peer.holder(), 1);
        // What it wants to say is about to come.
        self.has_served = true;
        let until = now.monotonic.saturating_add(GREETING_TIME);
        let greeting = Greeting { verdict, given_to, until };
        self.connections.insert(id, Connection::new(socket, peer, greeting, kind));
        self.greetings.insert((until, id));
        Ok(id)
    }

    /// Gives the process of a session another connection, on the one that
    /// holds the session. It counts as one that was accepted from the process
    /// as it was when the session began, which it may not be any more: it may
    /// have changed its root directory or user since.
    pub(super) fn give(&mut self, now: Now, anchor: u64, request: u32) -> Result<(), Fault> {
        let Some(connection) = self.connections.get(&anchor) else { return Ok(()) };
        let State::Anchor(session) = connection.state else { return Err(Fault::Malformed) };
        let peer = connection.peer.clone();
        let made = self.may_take_descriptor(&peer).and_then(|()| self.make(now, session, peer));
        let (code, theirs) = match made {
            Ok(theirs) => (OK, Some(theirs)),
            // Numbers of errors are small.
            Err(error) => (error.number() as u16, None),
        };
        let Some(connection) = self.connections.get(&anchor) else { return Ok(()) };
        let header = Header::new(Code(code), request, 0).encode();
        let descriptor = theirs.as_ref().map(AsFd::as_fd);
        send_first(&connection.socket, header, &[], descriptor).map_err(|error| match error {
            Errno::EPIPE | Errno::ECONNRESET => Fault::End,
            // The library asks for one at a time.
            Errno::EAGAIN => Fault::Unread,
            error => Fault::System(error),
        })
    }

    /// A new connection of a session: the other end of it.
    fn make(&mut self, now: Now, id: SessionId, peer: Peer) -> Result<UnixStream, AisError> {
        let session = self.sessions.get_mut(id).ok_or(AisError::Library)?;
        if session.given.len() >= MAX_GIVEN_CONNECTIONS {
            return Err(AisError::NoResources);
        }
        let (ours, theirs) = UnixStream::pair().map_err(|_| AisError::NoResources)?;
        sys::refuse_descriptors(&ours);
        let taken = self.take(now, ours, peer, Ok(()), Some(id));
        let connection = taken.map_err(|_| AisError::NoResources)?;
        if let Some(session) = self.sessions.get_mut(id) {
            session.given.insert(connection);
        }
        Ok(theirs)
    }

    /// Closes connections that did not say in time what they are for.
    pub(in crate::daemon) fn close_silent(&mut self, now: Now) {
        for _ in 0..CLOSES_PER_ROUND {
            let first = self.greetings.first().copied();
            let Some((until, id)) = first.filter(|(until, _)| *until <= now.monotonic) else {
                return;
            };
            self.greetings.remove(&(until, id));
            self.close(now, id, Fault::Silent);
        }
    }

    /// A connection has said what it is for, or never will.
    pub(super) fn end_greeting(&mut self, id: u64, greeting: Greeting) {
        self.greetings.remove(&(greeting.until, id));
        let session = greeting.given_to.and_then(|session| self.sessions.get_mut(session));
        if let Some(session) = session {
            session.given.remove(&id);
        }
    }
}

/// Whether the next attempt may succeed at once.
fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::EINTR, Errno::ECONNABORTED, Errno::EPROTO];
    error.raw_os_error().is_some_and(|number| passing.contains(&Errno::from_raw(number)))
}
