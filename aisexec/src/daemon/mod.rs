//! The daemon while it runs: the node, its clients, the other nodes and the disk,
//! and the way between them. The reactor says when.

mod clients;
mod deliver;
mod network;
mod state;
mod token;

pub(crate) use clients::Access;
pub(crate) use token::Token;

use crate::claim::Claim;
use crate::clock::SECOND;
use crate::key_file::KeyFile;
use crate::listen::Listener;
use crate::udp::Udp;
use crate::writer::Writer;
use ais_node::{Complaints, Node, Now, SessionId, Turns};
use ais_proto::Welcome;
use clients::bounds::{self, BYTES_PER_TURN, OUTPUTS_PER_STEP};
use clients::{Connection, Ending, Heavy, Sessions};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    /// Where the key of the cluster is.
    pub(crate) key_file: KeyFile,
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
    key_file: KeyFile,
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
    /// Connections that have not said yet what they are for, by when they must
    /// have.
    greetings: BTreeSet<(u64, u64)>,
    /// What connections receive into.
    shared: Vec<u8>,
    /// Connections that are to have a turn.
    ready: Turns<u64>,
    /// Connections that were not read because the group was full.
    parked: VecDeque<u64>,
    /// When to look at them at the latest, if there are any.
    unpark_at: Option<u64>,
    /// What is to be closed, in order.
    endings: VecDeque<Ending>,
    heavy: Heavy,
    /// Clients hold much.
    is_crowd: bool,
    /// By user, where one is to blame.
    complaints: Complaints<Option<libc::uid_t>>,
    /// Of programs that were compiled with other headers, by user.
    misfits: Complaints<libc::uid_t>,
    /// Replies and events that this step may still put out.
    outputs_left: usize,
    /// Connections that have replies to be sent in this step.
    replied: Vec<u64>,
    /// There may be more of them than steps could put out.
    has_outputs: bool,
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
        mut node: Node,
        surroundings: Surroundings,
        access: Access,
        settings: Settings,
    ) -> io::Result<Self> {
        let Surroundings { udp, writer, claim, key_file } = surroundings;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Writer.encode());
        epoll.add(&writer, event)?;
        for (kind, bound) in bounds::of_machine(settings.descriptors, settings.memory) {
            node.ledger_mut().set_bound(kind, bound);
        }
        Ok(Self {
            node,
            epoll,
            udp,
            writer,
            key_file,
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
            greetings: BTreeSet::new(),
            shared: vec![0; BYTES_PER_TURN],
            ready: Turns::default(),
            parked: VecDeque::new(),
            unpark_at: None,
            endings: VecDeque::new(),
            heavy: Heavy::default(),
            is_crowd: false,
            complaints: Complaints::every(SECOND),
            misfits: Complaints::every(60 * SECOND),
            outputs_left: OUTPUTS_PER_STEP,
            replied: Vec::new(),
            has_outputs: false,
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
    }

    /// Does what an event asks for; of a connection that is to have a turn.
    pub(crate) fn on_event(&mut self, now: Now, token: Token, flags: EpollFlags) {
        match token {
            Token::Signals => {}
            Token::Ring => self.udp.on_event(flags),
            Token::Writer => self.on_written(now),
            Token::Listener => self.accept(now),
            Token::Stream(id) => self.await_turn(id, flags, EpollFlags::empty()),
            Token::Events(id) => self.await_turn(id, EpollFlags::empty(), flags),
            Token::Process(id) => self.end_session(now, SessionId(id)),
        }
    }

    /// Begins another step of the loop, which may put out as much as each.
    pub(crate) fn begin_step(&mut self) {
        self.outputs_left = OUTPUTS_PER_STEP;
        self.draw_for_seals();
    }

    /// How many are in line for a turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether there is something to do without waiting for an event.
    pub(crate) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.endings.is_empty() || self.has_outputs
    }

    /// Whether a request was served since [`Server::take_served`].
    pub(crate) fn has_served(&self) -> bool {
        self.has_served
    }

    /// Gives the connection that was served last another turn. Which one that
    /// is, if there was a request, or anything else to do.
    pub(crate) fn serve_last(&mut self, now: Now) -> Option<u64> {
        let id = self.last_served;
        self.serve(now, id);
        (self.has_served || self.has_work()).then_some(id)
    }

    /// Whether a request was served since this was asked last.
    pub(crate) fn take_served(&mut self) -> bool {
        std::mem::take(&mut self.has_served)
    }

    /// Does what is due. `deadline` says when that is.
    #[inline(never)]
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
    }

    /// When `on_time` has to be called, on the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let greeting = self.greetings.first().map(|(until, _)| *until);
        let network = Some(self.udp.deadline());
        let others = [network, greeting, self.accept_at, self.look_at_socket, self.unpark_at];
        self.node.poll_timeout().into_iter().chain(others.into_iter().flatten()).min()
    }
}
