//! Reaching aisexec: the socket, and the handshake that gives a connection
//! its kind.

use crate::connection::{Failure, iovec};
use crate::deadline::Deadline;
use crate::ffi::sys;
use crate::socket::Socket;
use ais_proto::{AisError, Code, HEADER_LENGTH, Header, Hello, Kind, Welcome};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg,
    socket,
};
use std::ffi::OsString;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
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

/// Connects and says what the connection is for.
///
/// # Errors
/// `TryAgain` if there is no aisexec, `Security` if it does not serve this
/// user, `Timeout` if it does not answer; and what it answers.
pub(crate) fn open(kind: Kind, deadline: Deadline) -> Result<Connected, AisError> {
    let deadline = deadline.min(Deadline::after(HANDSHAKE));
    let socket = reach(deadline)?;
    say_hello(&socket, kind, deadline)?;
    hear_welcome(socket, deadline)
}

fn reach(deadline: Deadline) -> Result<Socket, AisError> {
    let address = UnixAddr::new(path().as_os_str()).map_err(|_| AisError::System)?;
    loop {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(why)?;
        match connect(fd.as_raw_fd(), &address) {
            Ok(()) => return Socket::adopt(fd),
            Err(Errno::EINTR) => {}
            // The backlog is full, and nothing tells when it no longer is.
            Err(Errno::EAGAIN) if !deadline.is_over() => {
                let _ = poll(&mut [], KNOCK_MS);
            }
            Err(error) => return Err(why(error)),
        }
    }
}

/// Where this process looks for aisexec.
pub(crate) fn path() -> OsString {
    std::env::var_os("AIS_SOCKET")
        .filter(|path| !path.is_empty() && !sys::is_privileged())
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
    let mut bytes = [0; HEADER_LENGTH + LONGEST_WELCOME];
    let mut end = 0;
    let mut fds = Vec::new();
    loop {
        if let Some(start) = bytes[..end].first_chunk() {
            let header = Header::decode(start, LONGEST_WELCOME).map_err(|_| AisError::Library)?;
            let total = HEADER_LENGTH + header.length as usize;
            if end >= total {
                header.result()?;
                let welcome =
                    Welcome::decode(&bytes[HEADER_LENGTH..total]).map_err(|_| AisError::Library)?;
                // More descriptors than one would be a mistake; they are closed.
                let events = fds.into_iter().next().map(Socket::adopt).transpose()?;
                return Ok(Connected { socket, welcome, minor: header.minor, events });
            }
        }
        let (count, brought) = receive(&socket, &mut bytes[end..], deadline)?;
        end += count;
        fds.extend(brought);
    }
}

/// Some bytes and the descriptors that came with them.
fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    deadline: Deadline,
) -> Result<(usize, Vec<OwnedFd>), AisError> {
    loop {
        let fd = socket.number().map_err(|_| AisError::Library)?;
        let mut pieces = [IoSliceMut::new(buffer)];
        let mut space = cmsg_space!(RawFd);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(fd, &mut pieces, Some(&mut space), flags) {
            // It went away while we knocked: there is no aisexec.
            Ok(message) if message.bytes == 0 => return Err(AisError::TryAgain),
            Ok(message) => {
                let mut fds = Vec::new();
                for part in message.cmsgs().map_err(|_| AisError::Library)? {
                    if let ControlMessageOwned::ScmRights(brought) = part {
                        fds.extend(sys::own(brought));
                    }
                }
                return Ok((message.bytes, fds));
            }
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => match socket.wait(PollFlags::POLLIN, deadline) {
                Ok(true) => {}
                Ok(false) => return Err(AisError::Timeout),
                Err(_) => return Err(AisError::System),
            },
            Err(Errno::ECONNRESET) => return Err(AisError::TryAgain),
            Err(_) => return Err(AisError::Library),
        }
    }
}
