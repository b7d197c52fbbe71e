//! The server with a clock of the test's own.

mod shares;

use super::bounds::{GREETING_TIME, MAX_HELLO_BODY};
use crate::claim::Claim;
use crate::daemon::{Access, Server, Settings, Surroundings, Token};
use crate::identity;
use crate::key_file::KeyFile;
use crate::own_address;
use crate::ring_number::NumberFile;
use crate::udp::{self, Udp};
use crate::writer::Writer;
use ais_node::amf::config::Groups;
use ais_node::{Config, Node, Now, Pace, ckpt};
use ais_proto::{
    Code, Cookie, HEADER_LENGTH, Header, Hello, Kind, MAX_MESSAGE, Name, NodeId, Welcome,
    ckpt as ckpt_proto,
};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use tempfile::TempDir;

struct Stage {
    server: Server,
    epoll: Rc<Epoll>,
    now: Now,
    path: PathBuf,
    _directory: TempDir,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let now = Now { monotonic: 1, wall: 1 };
        let access = Access::of_this_system();
        let epoll = Rc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap());
        let settings = Settings {
            welcome: welcome(),
            descriptors: 1000,
            memory: 0,
            allow_node_recovery: false,
        };
        let me = NodeId::new(own_address(127));
        let surroundings = Surroundings {
            udp: network(me, &epoll),
            writer: Writer::start(NumberFile::open(directory.path(), me, 0).0).unwrap(),
            claim: Claim::new(&path).unwrap(),
            key_file: KeyFile::beside(directory.path()),
        };
        let server =
            Server::new(Rc::clone(&epoll), node(me, now), surroundings, access, settings).unwrap();
        let mut stage = Self { server, epoll, now, path, _directory: directory };
        stage.server.start(now);
        stage
    }

    /// Does all there is to do at this time.
    fn run(&mut self) {
        if self.server.deadline().is_some_and(|deadline| deadline <= self.now.monotonic) {
            self.server.on_time(self.now);
        }
        while self.round() {}
    }

    /// One round of the loop. Whether there was anything to do.
    fn round(&mut self) -> bool {
        let mut events = [EpollEvent::empty(); 256];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap();
        for event in &events[..count] {
            self.server.begin_step();
            self.server.on_event(self.now, Token::decode(event.data()), event.events());
        }
        let has_work = count > 0 || self.server.has_work();
        for _ in 0..self.server.ready() {
            self.server.begin_step();
            self.server.serve_ready(self.now);
        }
        self.server.begin_step();
        self.server.tidy(self.now);
        has_work
    }

    fn connect(&mut self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_nonblocking(true).unwrap();
        self.run();
        stream
    }

    fn greet(&mut self, kind: Kind) -> (UnixStream, Cookie) {
        let mut stream = self.connect();
        let body = Hello { kind }.encode();
        stream.write_all(&Header::new(Code::HELLO, 1, body.len()).encode()).unwrap();
        stream.write_all(&body).unwrap();
        self.run();
        let mut reply = [0; MAX_HELLO_BODY];
        let count = stream.read(&mut reply).unwrap();
        (stream, Welcome::decode(&reply[HEADER_LENGTH..count]).unwrap().cookie)
    }
}

fn welcome() -> Welcome {
    let max_message = u32::try_from(MAX_MESSAGE).unwrap();
    Welcome { cookie: Cookie::default(), api_timeout_ms: 1, busy_poll_us: 0, max_message }
}

fn network(me: NodeId, epoll: &Rc<Epoll>) -> Udp {
    let transport = udp::Transport::Unicast { members: [me].into() };
    let settings = udp::Settings { me, port: 6000, transport };
    let place = identity::find(me, &identity::interfaces().unwrap()).unwrap();
    Udp::open(settings, place, Rc::clone(epoll), Token::Ring.encode()).unwrap()
}

fn node(me: NodeId, now: Now) -> Node {
    let config = Config {
        node: me,
        group: ais_node::group::Config::Alone { view: 1 },
        expected_nodes: None,
        configured: Vec::new(),
        node_name: Name::default(),
        cluster_name: Name::default(),
        boot_timestamp: 0,
        ckpt: ckpt::Limits { memory: 1 << 20, max_message: 1 << 20, ..ckpt::Limits::default() },
        groups: Groups::default(),
        pace: Pace::default(),
    };
    Node::new(config, now)
}

fn is_closed(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn who_does_not_say_what_it_is_for_is_closed_in_time() {
    let mut stage = Stage::new();
    let (mut anchor, _) = stage.greet(Kind::Session);
    let mut silent = stage.connect();
    let mut slow = stage.connect();
    slow.write_all(b"A").unwrap();
    stage.now.monotonic += GREETING_TIME - 1;
    let mut late = stage.connect();
    stage.run();
    assert!(!is_closed(&mut silent) && !is_closed(&mut slow));
    stage.now.monotonic += 1;
    stage.run();
    assert!(is_closed(&mut silent) && is_closed(&mut slow));
    assert!(!is_closed(&mut late) && !is_closed(&mut anchor));
    stage.now.monotonic = 2 * GREETING_TIME;
    stage.run();
    assert!(is_closed(&mut late) && !is_closed(&mut anchor));
}

/// Daemons that share a machine leave its processors to the programs, but for
/// what they answer without each other.
#[test]
fn a_daemon_polls_beside_others_only_where_it_answers_at_once() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    stage.server.members = 3;
    let request = ckpt_proto::Request::Unlink { name: Name::default() };
    let mut body = ais_proto::Writer::new();
    request.encode(&mut body);
    let body = body.into_bytes();
    let mut pollers = |stage: &mut Stage, outstanding: Vec<u32>| {
        let id = stage.server.last_served;
        stage.server.connections.get_mut(&id).unwrap().outstanding = outstanding;
        call.write_all(&Header::new(request.code(), 1, body.len()).encode()).unwrap();
        call.write_all(&body).unwrap();
        stage.run();
        stage.server.pollers_here()
    };
    assert_eq!(pollers(&mut stage, Vec::new()), 1);
    assert_eq!(pollers(&mut stage, vec![7]), 3, "something waits for the others");
}
