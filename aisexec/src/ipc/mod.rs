//! The clients: their connections and sessions, from accept to close, and the
//! way between them and the node.
//!
//! Every step is bounded, so that no client waits for another: a turn of a
//! connection receives once and serves a few requests. A connection is not
//! read while its replies wait to be read.

mod accept;
mod bounds;
mod close;
mod connection;
mod deliver;
mod events;
mod greet;
mod input;
mod network;
mod output;
mod peer;
mod quota;
mod serve;
mod sessions;
mod state;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use peer::{Access, GROUP};
pub(crate) use token::Token;

use crate::claim::Claim;
use crate::clock::SECOND;
use crate::listen::Listener;
use crate::udp::Udp;
use crate::writer::Writer;
use ais_node::{Complaints, Node, Now, SessionId};
use ais_proto::Welcome;
use bounds::{BYTES_PER_TURN, MIN_WAITING_BYTES};
use connection::Connection;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use quota::Quota;
use sessions::Sessions;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;

/// What the server has to know before it starts.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What libraries are told; the cookie is another for each.
    pub(crate) welcome: Welcome,
    /// How many descriptors this process may open.
    pub(crate) descriptors: usize,
    /// The memory that this process may use, in bytes.
    pub(crate) memory: u64,
    /// Whether a program may have this node stopped.
    pub(crate) allow_node_recovery: bool,
}

/// What the node has beside its clients.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The other nodes.
    pub(crate) udp: Udp,
    /// The disk.
    pub(crate) writer: Writer,
    /// The socket for clients, until it is opened.
    pub(crate) claim: Claim,
}

/// Why the daemon ends other than by a signal.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) words: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self { words, status: 1 }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        error.to_string().into()
    }
}

/// All clients, the node that serves them, and its network.
#[derive(Debug)]
pub(crate) struct Server {
    node: Node,
    epoll: Rc<Epoll>,
    udp: Udp,
    writer: Writer,
    /// How many nodes are in the view.
    members: usize,
    claim: Option<Claim>,
    /// There from when the node has the state of the cluster.
    listener: Option<Listener>,
    /// Why it could not be opened, or why all ends.
    failure: Option<Failure>,
    /// When connections are accepted again, if they are not now.
    accept_at: Option<u64>,
    /// When to look at the file of the socket next, once it is there.
    look_at_socket: Option<u64>,
    access: Access,
    settings: Settings,
    connections: BTreeMap<u64, Connection>,
    last_connection: u64,
    sessions: Sessions,
    quota: Quota,
    /// Connections that may not have said yet what they are for, and when
    /// they must have.
    greetings: VecDeque<(u64, u64)>,
    /// What connections receive into.
    shared: Vec<u8>,
    /// Connections with a request at hand.
    ready: VecDeque<u64>,
    /// Connections that were not read because the group was full.
    parked: Vec<u64>,
    /// Connections to close.
    closing: Vec<u64>,
    /// Bytes of unfinished requests and unread replies.
    waiting_bytes: u64,
    /// How many there may be.
    waiting_limit: u64,
    /// By user, where one is to blame.
    complaints: Complaints<Option<libc::uid_t>>,
    /// Of programs that were compiled with other headers, by user.
    misfits: Complaints<libc::uid_t>,
    has_served: bool,
    /// What was served last was answered at once.
    answers_at_once: bool,
    /// This node was to leave, and may.
    may_leave: bool,
    /// The connection that was.
    last_served: u64,
}

impl Server {
    /// Serves clients as soon as the node can.
    ///
    /// # Errors
    /// If epoll does not take the writer.
    pub(crate) fn new(
        epoll: Rc<Epoll>,
        node: Node,
        surroundings: Surroundings,
        access: Access,
        settings: Settings,
    ) -> io::Result<Self> {
        let Surroundings { udp, writer, claim } = surroundings;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Writer.encode());
        epoll.add(&writer, event)?;
        Ok(Self {
            node,
            epoll,
            udp,
            writer,
            members: 0,
            claim: Some(claim),
            listener: None,
            failure: None,
            accept_at: None,
            look_at_socket: None,
            access,
            connections: BTreeMap::new(),
            last_connection: 0,
            sessions: Sessions::default(),
            quota: Quota::new(settings.descriptors),
            greetings: VecDeque::new(),
            shared: vec![0; BYTES_PER_TURN],
            ready: VecDeque::new(),
            parked: Vec::new(),
            closing: Vec::new(),
            waiting_bytes: 0,
            waiting_limit: MIN_WAITING_BYTES.max(settings.memory / 16),
            complaints: Complaints::every(SECOND),
            misfits: Complaints::every(60 * SECOND),
            has_served: false,
            answers_at_once: false,
            may_leave: false,
            last_served: 0,
            settings,
        })
    }

    /// Does what the node had to say from the first: its first view, for one.
    pub(crate) fn start(&mut self, now: Now) {
        self.deliver(now);
        self.flush_network(now);
        self.settle(now);
    }

    /// Does what an event asks for.
    pub(crate) fn on_event(&mut self, now: Now, token: Token, flags: EpollFlags) {
        match token {
            Token::Signals => {}
            Token::Ring => self.udp.on_event(flags),
            Token::Writer => self.on_written(now),
            Token::Listener => self.accept(now),
            Token::Stream(id) => self.on_stream(now, id, flags),
            Token::Events(id) => self.on_event_socket(now, id, flags),
            Token::Process(id) => self.end_session(now, SessionId(id)),
        }
        self.settle(now);
    }

    /// Gives the next of those a turn that have a request at hand already.
    pub(crate) fn serve_ready(&mut self, now: Now) {
        if let Some(id) = self.ready.pop_front()
            && let Some(connection) = self.connections.get_mut(&id)
        {
            connection.is_ready = false;
            self.serve(now, id);
            self.settle(now);
        }
    }

    /// How many can be served without waiting for an event.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether a request was served since [`Server::take_served`].
    pub(crate) fn has_served(&self) -> bool {
        self.has_served
    }

    /// Gives the connection that was served last another turn. Whether there
    /// was a request.
    pub(crate) fn serve_last(&mut self, now: Now) -> bool {
        self.serve(now, self.last_served);
        self.settle(now);
        self.has_served
    }

    /// Whether a request was served since this was asked last.
    pub(crate) fn take_served(&mut self) -> bool {
        std::mem::take(&mut self.has_served)
    }

    /// Does what is due. `deadline` says when that is.
    pub(crate) fn on_time(&mut self, now: Now) {
        if self.node.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic) {
            self.node.handle_timeout(now);
            self.deliver(now);
        }
        if self.udp.deadline() <= now.monotonic {
            self.udp.on_time(now.monotonic);
        }
        self.close_silent(now);
        if self.accept_at.is_some_and(|deadline| deadline <= now.monotonic) {
            self.accept_again(now);
        }
        if self.look_at_socket.is_some_and(|deadline| deadline <= now.monotonic) {
            self.look_at_socket(now);
        }
        self.settle(now);
    }

    /// When `on_time` has to be called, on the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let greeting = self.greetings.front().map(|(deadline, _)| *deadline);
        let network = Some(self.udp.deadline());
        let others = [network, greeting, self.accept_at, self.look_at_socket];
        self.node.poll_timeout().into_iter().chain(others.into_iter().flatten()).min()
    }

    /// After every step: closes what is to be closed, and lets those go on
    /// that had to wait for the group.
    fn settle(&mut self, now: Now) {
        self.close_all(now);
        while self.waiting_bytes > self.waiting_limit && self.close_stalled(now) {
            self.close_all(now);
        }
        if !self.parked.is_empty() && !self.node.is_congested() {
            for id in std::mem::take(&mut self.parked) {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.is_parked = false;
                }
                self.refresh(now, id);
            }
        }
    }
}
