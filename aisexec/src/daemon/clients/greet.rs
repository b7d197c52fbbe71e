//! The handshake.

use super::bounds::{MAX_CALL_CONNECTIONS, MAX_HANDLES};
use super::connection::{Fault, Greeting, State};
use super::events::EventSocket;
use super::output::send_first;
use super::peer;
use crate::daemon::{Server, Token};
use ais_node::{Caller, ConnectionId, SessionId};
use ais_proto::{
    AisError, Code, Cookie, HEADER_LENGTH, Header, Hello, Kind, OK, ServiceId, Welcome,
};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::unistd::Pid;
use std::os::fd::{AsFd, OwnedFd};

/// What a connection has become, and what goes along with its welcome.
struct Place {
    state: State,
    cookie: Cookie,
    descriptor: Option<OwnedFd>,
    /// How many descriptors it has beside its stream.
    more_descriptors: u64,
}

impl Server {
    /// Answers the first frame of a connection.
    #[cold]
    pub(super) fn greet(&mut self, id: u64, header: Header, body: &[u8]) -> Result<(), Fault> {
        let Some(connection) = self.connections.get(&id) else { return Ok(()) };
        let State::Greeting(greeting) = connection.state else { return Err(Fault::Malformed) };
        if header.code != Code::HELLO {
            return Err(Fault::Malformed);
        }
        let hello = Hello::decode(body).map_err(|_| Fault::Malformed)?;
        let peer = connection.peer.clone();
        let pid = peer.pid;
        self.may_belong(greeting, hello.kind)?;
        let place = greeting.verdict.and_then(|()| match hello.kind {
            Kind::Session => self.open_session(id, pid),
            Kind::Call(cookie) => self.join(id, pid, cookie),
            Kind::Handle { cookie, service, callbacks } => {
                self.may_take_descriptor(&peer)?;
                self.open_handle(id, pid, cookie, service, callbacks)
            }
        });
        self.end_greeting(id, greeting);
        match place {
            Ok(place) => self.welcome(id, header.id, place),
            Err(error) => Err(self.refuse(id, header.id, error)),
        }
    }

    /// A connection that a session was given is of use to that session alone.
    /// The kernel takes this daemon for its other end, so it cannot begin one.
    fn may_belong(&self, greeting: Greeting, kind: Kind) -> Result<(), Fault> {
        let Some(session) = greeting.given_to else { return Ok(()) };
        match kind {
            Kind::Call(cookie) | Kind::Handle { cookie, .. }
                if self.sessions.is_of(session, &cookie) =>
            {
                Ok(())
            }
            _ => Err(Fault::Malformed),
        }
    }

    /// Tells a connection why it may not stay.
    #[cold]
    pub(super) fn refuse(&self, id: u64, request: u32, error: AisError) -> Fault {
        if let Some(connection) = self.connections.get(&id) {
            // Numbers of errors are small.
            let code = Code(error.number() as u16);
            let header = Header::new(code, request, 0).encode();
            // It is closed whether or not it hears why.
            let _ = send_first(&connection.socket, header, &[], None);
        }
        Fault::Refused(error)
    }

    fn open_session(&mut self, id: u64, pid: Pid) -> Result<Place, AisError> {
        let socket = self.connections.get(&id).ok_or(AisError::Library)?.socket.as_fd();
        // A process that has ended needs no session.
        let process = peer::watch(socket, pid).map_err(|_| AisError::Library)?;
        let more_descriptors = u64::from(process.is_some());
        if let Some(process) = &process {
            let token = Token::Process(self.sessions.next().0).encode();
            let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
            self.epoll.add(process, event).map_err(|_| AisError::NoResources)?;
        }
        let (session, cookie) =
            self.sessions.open(id, pid, process).map_err(|_| AisError::System)?;
        Ok(Place { state: State::Anchor(session), cookie, descriptor: None, more_descriptors })
    }

    fn join(&mut self, id: u64, pid: Pid, cookie: Cookie) -> Result<Place, AisError> {
        let session_id = self.sessions.find(&cookie, pid).ok_or(AisError::Library)?;
        let session = self.sessions.get_mut(session_id).ok_or(AisError::Library)?;
        if session.calls() >= MAX_CALL_CONNECTIONS {
            return Err(AisError::NoResources);
        }
        session.members.insert(id);
        let state = State::Calls(caller(session_id, id, None));
        Ok(Place { state, cookie, descriptor: None, more_descriptors: 0 })
    }

    fn open_handle(
        &mut self,
        id: u64,
        pid: Pid,
        cookie: Cookie,
        service: ServiceId,
        callbacks: u32,
    ) -> Result<Place, AisError> {
        let session_id = self.sessions.find(&cookie, pid).ok_or(AisError::Library)?;
        let session = self.sessions.get_mut(session_id).ok_or(AisError::Library)?;
        if session.handles >= MAX_HANDLES {
            return Err(AisError::NoResources);
        }
        let (events, theirs) = EventSocket::pair().map_err(|_| AisError::NoResources)?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Events(id).encode());
        self.epoll.add(events.fd(), event).map_err(|_| AisError::NoResources)?;
        session.members.insert(id);
        session.handles += 1;
        let caller = caller(session_id, id, Some((service, callbacks)));
        let state = State::Handle(caller, events);
        Ok(Place { state, cookie, descriptor: Some(theirs), more_descriptors: 1 })
    }

    fn welcome(&mut self, id: u64, request: u32, place: Place) -> Result<(), Fault> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.descriptors += place.more_descriptors;
        let (kind, holder) = (connection.kind, connection.peer.holder());
        self.node.ledger_mut().charge(kind, holder, place.more_descriptors);
        match &place.state {
            State::Handle(caller, _) => self.node.handle_opened(caller),
            State::Anchor(session) => self.node.session_opened(*session, holder),
            _ => {}
        }
        // From here on closing gives back all that was taken.
        connection.state = place.state;
        let body = Welcome { cookie: place.cookie, ..self.settings.welcome }.encode();
        let header = Header::new(Code(OK), request, body.len()).encode();
        let descriptor = place.descriptor.as_ref().map(AsFd::as_fd);
        send_first(&connection.socket, header, &body, descriptor).map_err(|error| match error {
            Errno::EPIPE | Errno::ECONNRESET => Fault::End,
            error => Fault::System(error),
        })
    }
}

fn caller(session: SessionId, id: u64, handle: Option<(ServiceId, u32)>) -> Caller {
    Caller { session, connection: ConnectionId(id), handle }
}

/// The id of a request in a header that need not be of this version.
pub(super) fn request_id(bytes: &[u8]) -> u32 {
    let id = bytes.get(8..HEADER_LENGTH).and_then(|rest| rest.first_chunk());
    id.map_or(0, |id| u32::from_le_bytes(*id))
}
