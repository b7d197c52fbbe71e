//! A socket of the library: registered, so that a forked child can close it,
//! and never waiting but in [`Socket::wait`]. Every call survives signals.

use crate::deadline::Deadline;
use crate::ffi::fork;
use ais_proto::AisError;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, sendmsg, shutdown};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Always there but while it is dropped.
    fd: Option<OwnedFd>,
    /// The process that opened it, counted in forks.
    generation: u32,
}

impl Socket {
    /// Takes care of a descriptor.
    ///
    /// # Errors
    /// `NoResources` if its number is beyond what a child could close.
    pub(crate) fn adopt(fd: OwnedFd) -> Result<Self, AisError> {
        if !fork::register(fd.as_raw_fd()) {
            return Err(AisError::NoResources);
        }
        Ok(Self { fd: Some(fd), generation: fork::generation() })
    }

    /// Whether this is a child of the process that opened the socket. The
    /// descriptor is closed then, and its number may be anybody's.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != fork::generation()
    }

    fn fd(&self) -> Result<&OwnedFd, Errno> {
        if self.is_inherited() {
            return Err(Errno::EBADF);
        }
        self.fd.as_ref().ok_or(Errno::EBADF)
    }

    /// The number of the descriptor.
    pub(crate) fn number(&self) -> Result<RawFd, Errno> {
        self.fd().map(AsRawFd::as_raw_fd)
    }

    /// Receives what is there; `EAGAIN` if that is nothing, 0 at the end.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.receive_with(buffer, MsgFlags::empty())
    }

    /// Whether the other side is still there.
    pub(crate) fn is_alive(&self) -> bool {
        let peeked = self.receive_with(&mut [0], MsgFlags::MSG_PEEK);
        matches!(peeked, Ok(1..) | Err(Errno::EAGAIN))
    }

    fn receive_with(&self, buffer: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        let fd = self.number()?;
        loop {
            match recv(fd, buffer, flags | MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EINTR) => {}
                result => return result,
            }
        }
    }

    /// Sends as much as there is room for; `EAGAIN` if there is none.
    pub(crate) fn send(&self, pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let fd = self.number()?;
        loop {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match sendmsg::<()>(fd, pieces, &[], flags, None) {
                Err(Errno::EINTR) => {}
                result => return result,
            }
        }
    }

    /// Waits until the socket is ready for `events`, or has failed. False if
    /// the time ran out before.
    pub(crate) fn wait(&self, events: PollFlags, deadline: Deadline) -> Result<bool, Errno> {
        let fd = self.fd()?.as_fd();
        loop {
            let mut fds = [PollFd::new(fd, events)];
            match poll(&mut fds, deadline.poll_timeout()) {
                Ok(0) if deadline.is_over() => return Ok(false),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends one or both directions; whoever waits wakes.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        if let Ok(fd) = self.number() {
            // It fails only if the other side has already gone.
            let _ = shutdown(fd, how);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        if self.is_inherited() {
            // The child has closed it; to close the number again would hit a
            // descriptor of the program.
            let _ = fd.into_raw_fd();
        } else {
            fork::unregister(fd.as_raw_fd());
        }
    }
}
