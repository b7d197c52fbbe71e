//! A socket of the library: noted, so that a forked child can close it and
//! nothing else is taken for it, and never waiting but in [`Socket::wait`].
//! Every call survives signals.

use crate::sys::deadline::Deadline;
use crate::sys::descriptors::{Descriptors, Identity};
use crate::sys::fork;
use crate::sys::thread::{Signals, poll};
use ais_proto::{AisError, SHORT_FRAME, gather};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, sendmsg, shutdown};
use std::io::IoSlice;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

/// A wait that lasts longer than this lets signal handlers of the program run.
/// A shorter one is over soon enough, and they need not run in its middle.
pub(crate) const SOON: Duration = Duration::from_millis(100);

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Always there but while it is dropped.
    fd: Option<OwnedFd>,
    identity: Identity,
    /// The process that opened it, counted in forks.
    generation: u32,
}

impl Socket {
    /// Takes care of a descriptor that has just been made, with the lock held
    /// since before that.
    ///
    /// # Errors
    /// `NoResources` if there is no number for it but the first three;
    /// `NoMemory`.
    pub(crate) fn adopt(fd: OwnedFd, descriptors: &mut Descriptors) -> Result<Self, AisError> {
        let (fd, identity) = descriptors.note(fd)?;
        Ok(Self { fd: Some(fd), identity, generation: fork::generation() })
    }

    /// Whether this is a child of the process that opened the socket. The
    /// descriptor is closed then, and its number may be anybody's.
    fn is_inherited(&self) -> bool {
        self.generation != fork::generation()
    }

    /// The descriptor, for who waits on it by other means.
    ///
    /// # Errors
    /// As [`Socket::number`].
    pub(crate) fn descriptor(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.number()?;
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    /// The number of the descriptor.
    ///
    /// # Errors
    /// `EBADF` in a child; `ESTALE` if the program has closed it, so that the
    /// number is nobody's or means something else.
    pub(crate) fn number(&self) -> Result<RawFd, Errno> {
        let fd = self.last_number()?;
        if self.identity.is_of(fd) { Ok(fd) } else { Err(Errno::ESTALE) }
    }

    /// The same without asking the kernel, where a wrong one does no harm.
    pub(crate) fn last_number(&self) -> Result<RawFd, Errno> {
        if self.is_inherited() {
            return Err(Errno::EBADF);
        }
        self.fd.as_ref().map(AsRawFd::as_raw_fd).ok_or(Errno::EBADF)
    }

    /// Receives what is there; `EAGAIN` if that is nothing, 0 at the end.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.receive_with(buffer, MsgFlags::empty())
    }

    /// The same without a look whether the socket is still the library's, which costs as much
    /// as receiving does. It is for who has sent a request just now, and looked then, and
    /// polls for the reply: who has waited any longer looks again.
    pub(crate) fn receive_unseen(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        receive(self.last_number()?, buffer, MsgFlags::empty())
    }

    /// Whether the other side is still there.
    pub(crate) fn is_alive(&self) -> bool {
        let peeked = self.receive_with(&mut [0], MsgFlags::MSG_PEEK);
        matches!(peeked, Ok(1..) | Err(Errno::EAGAIN))
    }

    fn receive_with(&self, buffer: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        receive(self.number()?, buffer, flags)
    }

    /// Sends as much as there is room for; `EAGAIN` if there is none.
    pub(crate) fn send(&self, pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let fd = self.number()?;
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let mut short = [0; SHORT_FRAME];
        let whole = gather(pieces, &mut short);
        loop {
            let result = match whole {
                Some(bytes) => send(fd, bytes, flags),
                None => sendmsg::<()>(fd, pieces, &[], flags, None),
            };
            if result != Err(Errno::EINTR) {
                return result;
            }
        }
    }

    /// Waits until the socket is ready for `events`, or has failed. False if
    /// the time ran out before. Whether it is still the library's, who uses it
    /// next asks.
    ///
    /// # Errors
    /// `EBADF` in the child of a handler that forked during the wait; what
    /// ppoll(2) says.
    pub(crate) fn wait(&self, events: PollFlags, deadline: Deadline) -> Result<bool, Errno> {
        let soon = Deadline::after(SOON);
        loop {
            let fd = self.last_number()?;
            let (until, signals) = if soon.is_over() {
                (deadline, Signals::Delivered)
            } else {
                (deadline.min(soon), Signals::Held)
            };
            match poll(fd, events.bits(), until.remaining(), signals) {
                Ok(0) if deadline.is_over() => return Ok(false),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return self.last_number().map(|_| true),
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

fn receive(fd: RawFd, buffer: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
    loop {
        match recv(fd, buffer, flags | MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        if self.is_inherited() {
            // The child has closed it; to close the number again would hit a
            // descriptor of the program.
            mem::forget(fd);
        } else {
            Descriptors::lock().close(fd, self.identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use nix::unistd::dup2;

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC).unwrap()
    }

    fn say(to: &OwnedFd, text: &[u8]) {
        assert_eq!(send(to.as_raw_fd(), text, MsgFlags::empty()), Ok(text.len()));
    }

    #[test]
    fn nothing_is_taken_from_a_socket_that_has_come_in_its_place() {
        let (own, aisexec) = pair();
        let mut socket = Socket::adopt(own, &mut Descriptors::lock()).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(socket.receive(&mut buffer), Err(Errno::EAGAIN));
        say(&aisexec, b"reply");
        assert_eq!(socket.receive(&mut buffer), Ok(5));
        say(&aisexec, b"more");
        assert_eq!(socket.receive_unseen(&mut buffer), Ok(4));
        let (theirs, other) = pair();
        dup2(&theirs, socket.fd.as_mut().unwrap()).unwrap();
        say(&other, b"mine");
        assert_eq!(socket.receive(&mut buffer), Err(Errno::ESTALE));
        assert!(!socket.is_alive());
        let taken = recv(theirs.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT);
        assert_eq!(taken, Ok(4));
    }
}
