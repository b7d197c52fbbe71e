//! The daemon's end of a selection object: one packet is one callback.

use super::output::send_once;
use super::unread::Unread;
use crate::sys;
use ais_proto::{Code, HEADER_LENGTH, Header, MAX_EVENT};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, recv, setsockopt, socketpair, sockopt,
};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// An event socket.
#[derive(Debug)]
pub(crate) struct EventSocket {
    socket: OwnedFd,
    /// The packet that had no room.
    waiting: Option<(Code, Vec<u8>)>,
    unread: Unread,
    /// Nobody wants to hear any more.
    gone: bool,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is on its way, or nobody wants it any more.
    Yes,
    /// It waits until the program has made room.
    Waits,
}

/// What a program sends on its event socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The callback with this invocation was handed to the program.
    Dispatched(i32),
    /// Nothing is there.
    Nothing,
    /// What no library sends.
    Nonsense,
}

impl EventSocket {
    /// A new one, and the end for the program.
    ///
    /// # Errors
    /// What socketpair(2) says.
    pub(crate) fn pair() -> Result<(Self, OwnedFd), Errno> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        sys::refuse_descriptors(&socket);
        // The kernel doubles the value, so that two of the longest packets fit.
        setsockopt(&socket, sockopt::SndBuf, &MAX_EVENT)?;
        Ok((Self { socket, waiting: None, unread: Unread::default(), gone: false }, theirs))
    }

    /// For epoll.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a packet; nothing waits.
    ///
    /// # Errors
    /// What sendmsg(2) says of a packet that can never be sent.
    pub(crate) fn send(&mut self, code: Code, mut body: Vec<u8>) -> Result<Sent, Errno> {
        if self.gone {
            return Ok(Sent::Yes);
        }
        let header = Header::new(code, 0, body.len()).encode();
        let pieces = [IoSlice::new(&header), IoSlice::new(&body)];
        match send_once(&self.socket, &pieces, &[]) {
            Ok(count) => {
                self.unread.sent(&self.socket, count);
                Ok(Sent::Yes)
            }
            Err(Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN) => Ok(Sent::Yes),
            Err(Errno::EAGAIN | Errno::EINTR) => {
                // It may be long, and there may be thousands of such sockets.
                body.shrink_to_fit();
                self.waiting = Some((code, body));
                Ok(Sent::Waits)
            }
            Err(error) => Err(error),
        }
    }

    /// There is room: sends the packet that waits.
    ///
    /// # Errors
    /// As [`EventSocket::send`].
    pub(crate) fn flush(&mut self) -> Result<Sent, Errno> {
        match self.waiting.take() {
            Some((code, body)) => self.send(code, body),
            None => Ok(Sent::Yes),
        }
    }

    /// The program has closed its end, or will have no more; what is for it is
    /// dropped from now on.
    pub(crate) fn hang_up(&mut self) {
        self.gone = true;
        self.waiting = None;
        self.unread = Unread::default();
    }

    /// Bytes of memory that are held for the program.
    pub(crate) fn held_bytes(&self) -> u64 {
        let waiting = self.waiting.as_ref().map_or(0, |(_, body)| body.capacity());
        waiting as u64 + self.unread.bytes()
    }

    /// Asks the kernel what the program has read meanwhile.
    pub(crate) fn look(&mut self) {
        self.unread.look(&self.socket);
    }

    /// Reads one packet.
    pub(crate) fn receive(&self) -> Notice {
        let mut packet = [0; HEADER_LENGTH];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        match recv(self.socket.as_raw_fd(), &mut packet, flags) {
            Ok(HEADER_LENGTH) => match Header::decode(&packet, 0) {
                Ok(header) if header.code == Code::DISPATCHED => {
                    Notice::Dispatched(header.id.cast_signed())
                }
                _ => Notice::Nonsense,
            },
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNRESET) => Notice::Nothing,
            _ => Notice::Nonsense,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::send;

    const CODE: Code = Code(0x0181);

    fn receive(socket: &OwnedFd) -> Option<Vec<u8>> {
        let mut packet = vec![0; MAX_EVENT];
        let count = recv(socket.as_raw_fd(), &mut packet, MsgFlags::MSG_DONTWAIT).ok()?;
        packet.truncate(count);
        Some(packet)
    }

    #[test]
    fn the_longest_packet_fits_and_one_without_room_waits() {
        let (mut events, theirs) = EventSocket::pair().unwrap();
        let longest = vec![5; MAX_EVENT - HEADER_LENGTH];
        let mut sent = 0;
        while events.send(CODE, longest.clone()) == Ok(Sent::Yes) {
            sent += 1;
        }
        assert!(sent >= 1);
        assert_eq!(events.flush(), Ok(Sent::Waits));
        let mut received = 0;
        while let Some(packet) = receive(&theirs) {
            assert_eq!(packet[HEADER_LENGTH..], longest);
            received += 1;
        }
        assert_eq!(received, sent);
        assert_eq!(events.flush(), Ok(Sent::Yes));
        assert!(receive(&theirs).is_some());
        assert!(receive(&theirs).is_none());
    }

    #[test]
    fn dispatched_is_all_that_may_come_back() {
        let (events, theirs) = EventSocket::pair().unwrap();
        assert_eq!(events.receive(), Notice::Nothing);
        let say = |bytes: &[u8]| {
            send(theirs.as_raw_fd(), bytes, MsgFlags::empty()).unwrap();
            events.receive()
        };
        assert_eq!(say(&Header::new(Code::DISPATCHED, 7, 0).encode()), Notice::Dispatched(7));
        assert_eq!(say(&Header::new(Code::CANCEL, 7, 0).encode()), Notice::Nonsense);
        assert_eq!(say(&Header::new(Code::DISPATCHED, 7, 1).encode()), Notice::Nonsense);
        assert_eq!(say(&[0; 5]), Notice::Nonsense);
        assert_eq!(say(&[0; 99]), Notice::Nonsense);
    }

    #[test]
    fn a_program_that_closed_its_end_is_no_error() {
        let (mut events, theirs) = EventSocket::pair().unwrap();
        drop(theirs);
        assert_eq!(events.send(CODE, Vec::new()), Ok(Sent::Yes));
    }
}
