//! An executive for tests of the library: it answers as a test tells it, and the
//! test may break its connections. A process has one session with an executive,
//! so each test has a process of its own.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "this is all test code")]

mod process;

pub use process::{in_own_process, is_own_process};

use ais_proto::{
    Code, HEADER_LENGTH, Header, Hello, Kind, MAX_CALL_BODY, MINOR, OK, Request, Welcome,
    event_frame,
};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, recv, send, sendmsg, socketpair,
};
use std::io::{IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{env, fs, thread};

/// How long a call waits that names no time, as the library learns in the handshake.
pub const API_TIMEOUT: Duration = Duration::from_millis(5000);
/// The most data of one call in bytes, as the library learns in the handshake.
pub const MAX_MESSAGE: u32 = 1 << 20;

/// One connection of the library.
#[derive(Debug)]
pub struct Peer {
    stream: UnixStream,
    /// What the library has opened it for.
    pub kind: Kind,
    /// Our end of the event socket.
    events: Option<OwnedFd>,
}

impl Peer {
    /// Answers a call with `SA_OK`.
    pub fn reply(&self, id: u32, body: &[u8]) {
        self.reply_with(OK, id, body);
    }

    /// Answers a call with this `SaErrorT`.
    pub fn reply_with(&self, result: u16, id: u32, body: &[u8]) {
        let mut frame = Header::new(Code(result), id, body.len()).encode().to_vec();
        frame.extend(body);
        self.raw(&frame);
    }

    /// Sends any bytes.
    pub fn raw(&self, bytes: &[u8]) {
        // The library may have gone meanwhile.
        let _ = (&self.stream).write_all(bytes);
    }

    /// Sends an event.
    pub fn event(&self, code: Code, body: &[u8]) {
        self.packet(&event_frame(code, 0, body));
    }

    /// Sends any packet on the event socket.
    pub fn packet(&self, packet: &[u8]) {
        let fd = self.events.as_ref().unwrap().as_raw_fd();
        send(fd, packet, MsgFlags::MSG_NOSIGNAL).unwrap();
    }

    /// The next packet that the library sends on the event socket.
    pub fn hear(&self) -> Header {
        let mut packet = [0; HEADER_LENGTH];
        let fd = self.events.as_ref().unwrap().as_raw_fd();
        assert_eq!(recv(fd, &mut packet, MsgFlags::empty()), Ok(HEADER_LENGTH));
        Header::decode(&packet, 0).unwrap()
    }

    /// Waits until the library sends no more.
    pub fn wait_for_end(&self) {
        let peeked = recv(self.stream.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK);
        assert_eq!(peeked, Ok(0));
    }

    /// Breaks the connection.
    pub fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

type Answer = dyn Fn(&Arc<Peer>, u32, Request<'_>) + Send + Sync;

#[derive(Debug, Default)]
struct State {
    peers: Vec<Arc<Peer>>,
    cancelled: Vec<u32>,
    too_long: usize,
    misfits: usize,
    ended: usize,
    /// Requests for further connections, and whether they have to wait.
    asked: usize,
    is_held: bool,
}

/// What it says of itself.
#[derive(Clone, Copy)]
struct Greeting {
    cookie: [u8; 16],
    minor: u8,
}

/// The executive; it dies when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    state: Arc<(Mutex<State>, Condvar)>,
    listener: Arc<UnixListener>,
}

impl Daemon {
    /// Listens where `AIS_SOCKET` says.
    pub fn start(answer: impl Fn(&Arc<Peer>, u32, Request<'_>) + Send + Sync + 'static) -> Self {
        Self::start_as(*b"0123456789abcdef", answer)
    }

    /// Listens where `AIS_SOCKET` says, with a cookie by which sessions can be told apart.
    pub fn start_as(
        cookie: [u8; 16],
        answer: impl Fn(&Arc<Peer>, u32, Request<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Greeting { cookie, minor: MINOR }, answer)
    }

    /// Listens where `AIS_SOCKET` says, as an executive of this minor version.
    pub fn start_old(
        minor: u8,
        answer: impl Fn(&Arc<Peer>, u32, Request<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Greeting { cookie: *b"0123456789abcdef", minor }, answer)
    }

    fn start_with(
        greeting: Greeting,
        answer: impl Fn(&Arc<Peer>, u32, Request<'_>) + Send + Sync + 'static,
    ) -> Self {
        let listener = Arc::new(UnixListener::bind(env::var_os("AIS_SOCKET").unwrap()).unwrap());
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let answer: Arc<Answer> = Arc::new(answer);
        let daemon = Self { state: Arc::clone(&state), listener: Arc::clone(&listener) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (state, answer) = (Arc::clone(&state), Arc::clone(&answer));
                thread::spawn(move || serve(stream, greeting, &state, &answer));
            }
        });
        daemon
    }

    /// Waits until so many calls were cancelled, and tells their ids.
    pub fn wait_cancelled(&self, count: usize) -> Vec<u32> {
        self.wait(|state| state.cancelled.len() >= count);
        self.state.0.lock().unwrap().cancelled.clone()
    }

    /// Waits until it was told of so many calls that were too long to send.
    pub fn wait_too_long(&self, count: usize) {
        self.wait(|state| state.too_long >= count);
    }

    /// Waits until it was told of a misfit, and tells how often it was.
    pub fn wait_misfit(&self) -> usize {
        self.wait(|state| state.misfits > 0);
        self.state.0.lock().unwrap().misfits
    }

    /// Holds up all requests for further connections, or answers them again.
    pub fn hold(&self, hold: bool) {
        self.state.0.lock().unwrap().is_held = hold;
        self.state.1.notify_all();
    }

    /// How many requests for further connections there were.
    pub fn asked(&self) -> usize {
        self.state.0.lock().unwrap().asked
    }

    /// Waits until so many connections have ended.
    pub fn wait_ended(&self, count: usize) {
        self.wait(|state| state.ended >= count);
    }

    /// The connections that were opened and fit.
    pub fn peers(&self, fits: impl Fn(&Kind) -> bool) -> Vec<Arc<Peer>> {
        let state = self.state.0.lock().unwrap();
        state.peers.iter().filter(|peer| fits(&peer.kind)).cloned().collect()
    }

    fn wait(&self, mut until: impl FnMut(&State) -> bool) {
        let state = self.state.0.lock().unwrap();
        let limit = Duration::from_secs(60);
        let result = self.state.1.wait_timeout_while(state, limit, |state| !until(state));
        assert!(!result.unwrap().1.timed_out(), "what the test waits for did not happen");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = fs::remove_file(env::var_os("AIS_SOCKET").unwrap());
        nix::sys::socket::shutdown(self.listener.as_raw_fd(), nix::sys::socket::Shutdown::Both)
            .unwrap();
        for peer in self.peers(|_| true) {
            peer.hang_up();
            if let Some(events) = &peer.events {
                let both = nix::sys::socket::Shutdown::Both;
                let _ = nix::sys::socket::shutdown(events.as_raw_fd(), both);
            }
        }
    }
}

fn serve(
    stream: UnixStream,
    greeting: Greeting,
    state: &Arc<(Mutex<State>, Condvar)>,
    answer: &Arc<Answer>,
) {
    let Greeting { cookie, minor } = greeting;
    let Some((hello, body)) = receive(&stream) else { return };
    assert_eq!(hello.code, Code::HELLO);
    let kind = Hello::decode(&body).unwrap().kind;
    let mut events = None;
    let mut theirs = None;
    match kind {
        Kind::Call(given) | Kind::Handle { cookie: given, .. } if given != cookie => {
            let refused = Header::new(Code(9), hello.id, 0).encode();
            (&stream).write_all(&refused).unwrap();
            return;
        }
        Kind::Handle { .. } => {
            let kind = SockType::SeqPacket;
            let pair = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC);
            let (ours, other) = pair.unwrap();
            (events, theirs) = (Some(ours), Some(other));
        }
        _ => {}
    }
    // Before the library knows that it is connected, so that a test finds it.
    let peer = Arc::new(Peer { stream: stream.try_clone().unwrap(), kind, events });
    state.0.lock().unwrap().peers.push(Arc::clone(&peer));
    let welcome = Welcome {
        cookie,
        api_timeout_ms: API_TIMEOUT.as_millis() as u32,
        busy_poll_us: 20,
        max_message: MAX_MESSAGE,
    };
    let header = Header::new(Code(OK), hello.id, welcome.encode().len());
    let mut frame = Header { minor, ..header }.encode().to_vec();
    frame.extend(welcome.encode());
    let fds: Vec<i32> = theirs.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let rights = if fds.is_empty() { &[][..] } else { &rights };
    let flags = MsgFlags::empty();
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(&frame)], rights, flags, None).unwrap();
    drop(theirs);
    while let Some((header, body)) = receive(&stream) {
        match header.code {
            Code::CANCEL => {
                state.0.lock().unwrap().cancelled.push(header.id);
                state.1.notify_all();
            }
            Code::TOO_LONG => {
                state.0.lock().unwrap().too_long += 1;
                state.1.notify_all();
            }
            Code::MISFIT => {
                state.0.lock().unwrap().misfits += 1;
                state.1.notify_all();
            }
            Code::CONNECT if minor >= 3 => give(&stream, header.id, greeting, state, answer),
            code => answer(&peer, header.id, Request::decode(code, &body).unwrap()),
        }
    }
    peer.hang_up();
    state.0.lock().unwrap().ended += 1;
    state.1.notify_all();
}

/// Gives the library another connection.
fn give(
    stream: &UnixStream,
    id: u32,
    greeting: Greeting,
    state: &Arc<(Mutex<State>, Condvar)>,
    answer: &Arc<Answer>,
) {
    state.0.lock().unwrap().asked += 1;
    drop(state.1.wait_while(state.0.lock().unwrap(), |state| state.is_held));
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (state, answer) = (Arc::clone(state), Arc::clone(answer));
    thread::spawn(move || serve(ours, greeting, &state, &answer));
    let header = Header::new(Code(OK), id, 0).encode();
    let fds = [theirs.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    let pieces = [IoSlice::new(&header)];
    // The library may have gone meanwhile.
    let _ = sendmsg::<()>(stream.as_raw_fd(), &pieces, &rights, MsgFlags::MSG_NOSIGNAL, None);
}

fn receive(mut stream: &UnixStream) -> Option<(Header, Vec<u8>)> {
    let mut header = [0; HEADER_LENGTH];
    stream.read_exact(&mut header).ok()?;
    let header = Header::decode(&header, MAX_CALL_BODY).unwrap();
    let mut body = vec![0; header.length as usize];
    stream.read_exact(&mut body).ok()?;
    Some((header, body))
}
