//! Reaching aisexec: the socket, and the handshake that gives a connection
//! its kind. How a connection is come by later `anchor` knows.

use crate::link::connection::{Failure, iovec};
use crate::sys::calls;
use crate::sys::deadline::Deadline;
use crate::sys::descriptors::{Descriptors, FirstThree};
use crate::sys::socket::Socket;
use ais_proto::{AisError, Code, HEADER_LENGTH, Header, Hello, Kind, Welcome};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg,
    socket,
};
use std::ffi::{CString, OsString};
use std::io::IoSliceMut;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

/// Where aisexec listens if nobody says otherwise.
const SOCKET: &str = "/run/ais/libais.sock";
/// How long a handshake may take, as long as aisexec has not said how long
/// calls may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How often to knock while the backlog of aisexec is full.
const KNOCK_MS: u8 = 2;
/// The longest reply to a handshake; a later version may say more than ours.
const LONGEST_WELCOME: usize = 4096;

/// What a handshake brings.
pub(crate) struct Connected {
    pub(crate) socket: Socket,
    pub(crate) welcome: Welcome,
    /// The minor version that aisexec speaks.
    pub(crate) minor: u8,
    /// The event socket of a handle.
    pub(crate) events: Option<Socket>,
}

/// Connects to where aisexec listens.
///
/// # Errors
/// `TryAgain` if there is no aisexec, `Security` if it does not let this user
/// in, `NoResources` if there is no descriptor.
pub(crate) fn reach(deadline: Deadline) -> Result<Socket, AisError> {
    let address = address()?;
    loop {
        let socket = make_socket()?;
        let fd = socket.number().map_err(|_| AisError::Library)?;
        match connect(fd, &address) {
            Ok(()) => return Ok(socket),
            Err(Errno::EINTR) => {}
            // The backlog is full, and nothing tells when it no longer is.
            Err(Errno::EAGAIN) if !deadline.is_over() => {
                let _ = poll(&mut [], KNOCK_MS);
            }
            Err(error) => return Err(why(error)),
        }
    }
}

/// The address of that. The path is closed by a 0 on the heap: `UnixAddr` would
/// do it on the stack, in 1 KiB, and the stack may be that of a signal handler.
fn address() -> Result<UnixAddr, AisError> {
    let path = CString::new(path().into_vec()).map_err(|_| AisError::System)?;
    UnixAddr::new(path.as_c_str()).map_err(|_| AisError::System)
}

fn make_socket() -> Result<Socket, AisError> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let mut descriptors = Descriptors::lock();
    let _first_three = FirstThree::fill(&descriptors);
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(why)?;
    Socket::adopt(fd, &mut descriptors)
}

/// Says what a new connection is for, within the time for that.
///
/// # Errors
/// `Security` if aisexec does not serve this user, `Timeout` if it does not
/// answer, `TryAgain` if it goes away; and what it answers.
pub(crate) fn greet(socket: Socket, kind: Kind, deadline: Deadline) -> Result<Connected, AisError> {
    let deadline = handshake(deadline);
    say_hello(&socket, kind, deadline)?;
    hear_welcome(socket, deadline)
}

/// When a handshake has to be over.
pub(crate) fn handshake(deadline: Deadline) -> Deadline {
    deadline.min(Deadline::after(HANDSHAKE))
}

/// Where this process looks for aisexec.
pub(crate) fn path() -> OsString {
    std::env::var_os("AIS_SOCKET")
        .filter(|path| !path.is_empty() && !calls::is_privileged())
        .unwrap_or_else(|| SOCKET.into())
}

fn why(error: Errno) -> AisError {
    match error {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ECONNREFUSED | Errno::EAGAIN => AisError::TryAgain,
        Errno::EACCES | Errno::EPERM => AisError::Security,
        Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS => AisError::NoResources,
        Errno::ENOMEM => AisError::NoMemory,
        _ => AisError::System,
    }
}

fn say_hello(socket: &Socket, kind: Kind, deadline: Deadline) -> Result<(), AisError> {
    let body = Hello { kind }.encode();
    let header = Header::new(Code::HELLO, 0, body.len()).encode();
    iovec::send_all(socket, &[&header, &body], deadline, || true).map_err(|failure| match failure {
        Failure::Error(AisError::TryAgain) => AisError::Timeout,
        Failure::Error(error) => error,
        // It has gone again before anything was said.
        Failure::Unsent => AisError::TryAgain,
    })
}

fn hear_welcome(socket: Socket, deadline: Deadline) -> Result<Connected, AisError> {
    // Not on the stack, which may be that of a signal handler.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(HEADER_LENGTH + LONGEST_WELCOME).map_err(|_| AisError::NoMemory)?;
    bytes.resize(HEADER_LENGTH + LONGEST_WELCOME, 0);
    let mut end = 0;
    let mut events = None;
    let mut lost = None;
    loop {
        if let Some(start) = bytes[..end].first_chunk() {
            let header = Header::decode(start, LONGEST_WELCOME).map_err(|_| AisError::Library)?;
            let total = HEADER_LENGTH + header.length as usize;
            if end >= total {
                header.result()?;
                if let Some(error) = lost {
                    return Err(error);
                }
                let welcome =
                    Welcome::decode(&bytes[HEADER_LENGTH..total]).map_err(|_| AisError::Library)?;
                return Ok(Connected { socket, welcome, minor: header.minor, events });
            }
        }
        let received = receive(&socket, &mut bytes[end..], deadline)?;
        end += received.count;
        events = events.or(received.socket);
        lost = lost.or(received.lost);
    }
}

/// Some bytes, and what came with them.
pub(crate) struct Received {
    pub(crate) count: usize,
    /// The descriptor that they brought; more than one would be a mistake.
    pub(crate) socket: Option<Socket>,
    /// Why a descriptor that they brought is not there.
    pub(crate) lost: Option<AisError>,
}

/// Receives what is there, waiting for it until the deadline.
///
/// # Errors
/// `TryAgain` at the end of the connection: there is no aisexec any more.
pub(crate) fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    deadline: Deadline,
) -> Result<Received, AisError> {
    loop {
        match receive_now(socket, buffer)? {
            Some(received) if received.count == 0 => return Err(AisError::TryAgain),
            Some(received) => return Ok(received),
            None => match socket.wait(PollFlags::POLLIN, deadline) {
                Ok(true) => {}
                Ok(false) => return Err(AisError::Timeout),
                Err(_) => return Err(AisError::System),
            },
        }
    }
}

/// Receives once; `None` if nothing is there.
fn receive_now(socket: &Socket, buffer: &mut [u8]) -> Result<Option<Received>, AisError> {
    let mut pieces = [IoSliceMut::new(buffer)];
    let mut space = cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let mut descriptors = Descriptors::lock();
    let _first_three = FirstThree::fill(&descriptors);
    let fd = socket.number().map_err(|_| AisError::Library)?;
    let message = match recvmsg::<()>(fd, &mut pieces, Some(&mut space), flags) {
        Ok(message) => message,
        Err(Errno::EINTR | Errno::EAGAIN) => return Ok(None),
        Err(Errno::ECONNRESET) => return Err(AisError::TryAgain),
        Err(Errno::ENOMEM) => return Err(AisError::NoMemory),
        Err(_) => return Err(AisError::Library),
    };
    let mut received = Received { count: message.bytes, socket: None, lost: None };
    // The kernel passes a descriptor only if it has a number for it.
    if message.flags.contains(MsgFlags::MSG_CTRUNC) {
        received.lost = Some(AisError::NoResources);
        return Ok(Some(received));
    }
    for part in message.cmsgs().map_err(|_| AisError::Library)? {
        if let ControlMessageOwned::ScmRights(brought) = part {
            for fd in calls::own(brought) {
                match Socket::adopt(fd, &mut descriptors) {
                    Ok(socket) => received.socket = Some(socket),
                    Err(error) => received.lost = Some(error),
                }
            }
        }
    }
    Ok(Some(received))
}
