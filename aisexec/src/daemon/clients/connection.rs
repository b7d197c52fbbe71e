//! One connection of a client.

use super::bounds::{MAX_HANDLE_BODY, MAX_HELLO_BODY, MAX_OUTSTANDING};
use super::events::EventSocket;
use super::input::Input;
use super::output::Output;
use super::peer::Peer;
use crate::listen;
use ais_node::ledger::Kind;
use ais_node::{Caller, SessionId};
use ais_proto::{AisError, FrameError};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use std::fmt;
use std::os::unix::net::UnixStream;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: UnixStream,
    pub(crate) peer: Peer,
    pub(crate) state: State,
    pub(crate) input: Input,
    pub(crate) output: Output,
    /// The ids of requests that are not answered yet.
    pub(crate) outstanding: Vec<u32>,
    /// What epoll watches the stream for.
    pub(crate) interest: EpollFlags,
    /// What epoll has told since its last turn, of the stream.
    pub(crate) told: EpollFlags,
    /// The same of the event socket.
    pub(crate) told_of_events: EpollFlags,
    /// It stands in the line of those that are to have a turn.
    pub(crate) is_ready: bool,
    /// It is not read until the group takes messages again.
    pub(crate) is_parked: bool,
    /// It was not read for that reason, and has not been since.
    pub(crate) is_held_up: bool,
    /// It is to be closed.
    pub(crate) is_closing: bool,
    /// What it held when that began: to give much of it back takes long, so each
    /// is closed in its turn.
    pub(crate) remains: Option<Box<(Input, Output)>>,
    /// What its descriptors are charged as.
    pub(crate) kind: Kind,
    /// The descriptors it accounts for.
    pub(crate) descriptors: u64,
    /// What it is charged for as held.
    pub(crate) counted: u64,
}

/// What a connection is for.
#[derive(Debug)]
pub(crate) enum State {
    /// It has not said yet.
    Greeting(Greeting),
    /// It holds a session.
    Anchor(SessionId),
    /// It carries calls.
    Calls(Caller),
    /// It is a library handle.
    Handle(Caller, EventSocket),
}

/// What is known of a connection before it has said what it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greeting {
    /// What it will hear.
    pub(crate) verdict: Result<(), AisError>,
    /// The session that it was given to, and that it has to belong to.
    pub(crate) given_to: Option<SessionId>,
    /// When it has to have said what it is for, on the monotonic clock.
    pub(crate) until: u64,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client has closed it.
    End,
    /// What came is no frame.
    Frame(FrameError),
    /// The frame is none that belongs here.
    Malformed,
    /// It did not say in time what it is for.
    Silent,
    /// It was refused, and knows why.
    Refused(AisError),
    /// It made the executive hold most of what is too much.
    Heaviest,
    /// It asks on and on for connections and takes none.
    Unread,
    /// The system failed.
    System(Errno),
}

impl Connection {
    /// A connection that will say what it is for; it is charged as one descriptor
    /// of this kind.
    pub(crate) fn new(socket: UnixStream, peer: Peer, greeting: Greeting, kind: Kind) -> Self {
        Self {
            socket,
            peer,
            state: State::Greeting(greeting),
            input: Input::default(),
            output: Output::default(),
            outstanding: Vec::new(),
            interest: EpollFlags::EPOLLIN,
            told: EpollFlags::empty(),
            told_of_events: EpollFlags::empty(),
            is_ready: false,
            is_parked: false,
            is_held_up: false,
            is_closing: false,
            remains: None,
            kind,
            descriptors: 1,
            counted: 0,
        }
    }

    /// Whether its next request may be served.
    pub(crate) fn may_serve(&self) -> bool {
        !self.is_closing
            && !self.is_parked
            && self.output.is_empty()
            && self.outstanding.len() < MAX_OUTSTANDING
    }

    /// What epoll has to watch the stream for.
    pub(crate) fn wanted(&self) -> EpollFlags {
        let mut wanted = EpollFlags::empty();
        wanted.set(EpollFlags::EPOLLIN, self.may_serve());
        wanted.set(EpollFlags::EPOLLOUT, !self.output.is_empty());
        wanted
    }

    /// A request is answered, or nobody waits for it any more.
    pub(crate) fn settle(&mut self, id: u32) {
        if let Some(place) = self.outstanding.iter().position(|outstanding| *outstanding == id) {
            self.outstanding.swap_remove(place);
        }
    }

    /// The longest body that may come next; `longest` for a call.
    pub(crate) fn longest_body(&self, longest: usize) -> usize {
        match self.state {
            State::Greeting(_) => MAX_HELLO_BODY,
            State::Anchor(_) => 0,
            State::Calls(_) => longest,
            State::Handle(..) => MAX_HANDLE_BODY,
        }
    }

    /// Bytes of memory that it makes this process hold, what the kernel has for
    /// it included.
    pub(crate) fn held_bytes(&self) -> u64 {
        let of_events = match &self.state {
            State::Handle(_, events) => events.held_bytes(),
            _ => 0,
        };
        self.input.held_bytes() + self.output.held_bytes() + of_events
    }

    /// Asks the kernel what the program has read meanwhile.
    pub(crate) fn look(&mut self) {
        self.output.look(&self.socket);
        if let State::Handle(_, events) = &mut self.state {
            events.look();
        }
    }

    /// It is to be closed: what it holds is given up, and goes back to the system
    /// with it. False if that was known.
    pub(crate) fn begin_closing(&mut self) -> bool {
        if self.is_closing {
            return false;
        }
        let remains = (std::mem::take(&mut self.input), std::mem::take(&mut self.output));
        self.remains = Some(Box::new(remains));
        if let State::Handle(_, events) = &mut self.state {
            events.hang_up();
        }
        self.is_closing = true;
        true
    }
}

impl State {
    /// The program that asks here, if requests may come.
    pub(crate) fn caller(&self) -> Option<Caller> {
        match self {
            Self::Greeting(_) | Self::Anchor(_) => None,
            Self::Calls(caller) | Self::Handle(caller, _) => Some(*caller),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => write!(f, "it was closed"),
            Self::Frame(error) => write!(f, "{error}"),
            Self::Malformed => write!(f, "it sent a request that makes no sense there"),
            Self::Silent => write!(f, "it did not say what it is for"),
            Self::Refused(AisError::Security) => write!(
                f,
                "only root, the user aisexec runs as and members of group `{}` may use it",
                listen::GROUP
            ),
            Self::Refused(AisError::NoResources) => {
                write!(f, "it, its process or its user has too many connections")
            }
            Self::Refused(AisError::Version) => {
                write!(f, "its library speaks another protocol version than {}", ais_proto::MAJOR)
            }
            Self::Refused(AisError::Library) => write!(f, "it names a session that is not its own"),
            Self::Refused(error) => write!(f, "it was refused with {error:?}"),
            Self::Heaviest => write!(
                f,
                "more memory is held for clients than there is for them, and its process holds \
                 most of it"
            ),
            Self::Unread => {
                write!(f, "it asks for connections and does not take them; its session ends")
            }
            Self::System(error) => write!(f, "{error}"),
        }
    }
}
