//! Replies on their way to a client.

use super::unread::Unread;
use ais_proto::{HEADER_LENGTH, SHORT_FRAME, gather};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, send, sendmsg};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Replies that one call of the system sends at most: all that a connection can
/// wait for.
const FRAMES_AT_A_TIME: usize = super::bounds::MAX_OUTSTANDING;

/// What could not be sent yet, in order, and what is not read yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    waiting: VecDeque<Frame>,
    /// Bytes of memory that waits.
    bytes: usize,
    unread: Unread,
    /// The body of what has gone out last.
    spent: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Frame {
    header: [u8; HEADER_LENGTH],
    body: Vec<u8>,
    sent: usize,
}

impl Output {
    /// Bytes of memory that are held for the program.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.bytes as u64 + self.unread.bytes()
    }

    /// Asks the kernel what the program has read meanwhile.
    pub(crate) fn look(&mut self, socket: impl AsFd) {
        self.unread.look(socket);
    }

    /// The program says something: mostly it has read all that came before.
    pub(crate) fn hear(&mut self, socket: impl AsFd) {
        if self.unread.bytes() > 0 {
            self.unread.look(socket);
        }
    }

    /// The body of what has gone out last, which nobody needs any more.
    pub(crate) fn take_spent(&mut self) -> Option<Vec<u8>> {
        self.spent.take()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Has a frame sent by the next [`Output::flush`]. Whether nothing waited
    /// before it; else there is no room now, or others are about to go out.
    pub(crate) fn put(&mut self, header: [u8; HEADER_LENGTH], body: Vec<u8>) -> bool {
        let is_first = self.waiting.is_empty();
        let frame = Frame { header, body, sent: 0 };
        self.bytes += frame.held_bytes();
        self.waiting.push_back(frame);
        is_first
    }

    /// Sends as much as there is room for now.
    ///
    /// # Errors
    /// What sendmsg(2) says; nobody will read this stream any more.
    pub(crate) fn flush(&mut self, socket: impl AsFd) -> Result<(), Errno> {
        while !self.waiting.is_empty() {
            let mut pieces = [IoSlice::new(&[]); 2 * FRAMES_AT_A_TIME];
            let frames = self.waiting.iter().take(FRAMES_AT_A_TIME);
            let count = frames.len();
            for (pair, frame) in pieces.chunks_exact_mut(2).zip(frames) {
                pair.copy_from_slice(&frame.left());
            }
            let pieces = &pieces[..2 * count];
            let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
            let sent = match send_once(&socket, pieces, &[]) {
                Ok(sent) => sent,
                Err(Errno::EAGAIN | Errno::EINTR) => 0,
                Err(error) => return Err(error),
            };
            self.unread.sent(&socket, sent);
            self.advance(sent);
            if sent < offered {
                break;
            }
        }
        Ok(())
    }

    /// Counts bytes that were sent, and drops the frames that are sent whole.
    fn advance(&mut self, mut sent: usize) {
        while let Some(frame) = self.waiting.front_mut() {
            let left = frame.length() - frame.sent;
            if sent < left {
                frame.sent += sent;
                return;
            }
            sent -= left;
            self.bytes -= frame.held_bytes();
            self.spent = self.waiting.pop_front().map(|frame| frame.body);
        }
    }
}

impl Frame {
    /// All of it stays until the last byte is sent.
    fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.body.capacity()
    }

    fn length(&self) -> usize {
        HEADER_LENGTH + self.body.len()
    }

    /// What is not sent yet.
    fn left(&self) -> [IoSlice<'_>; 2] {
        let header = &self.header[self.sent.min(HEADER_LENGTH)..];
        let body = &self.body[self.sent.saturating_sub(HEADER_LENGTH)..];
        [IoSlice::new(header), IoSlice::new(body)]
    }
}

/// Sends a small frame at once, with a descriptor if there is one. The stream
/// is new, so there is room for it.
///
/// # Errors
/// What sendmsg(2) says; also if there was no room after all.
pub(crate) fn send_first(
    socket: impl AsFd,
    header: [u8; HEADER_LENGTH],
    body: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    let pieces = [IoSlice::new(&header), IoSlice::new(body)];
    let sent = match descriptor {
        Some(descriptor) => {
            let fds = [descriptor.as_raw_fd()];
            send_once(socket, &pieces, &[ControlMessage::ScmRights(&fds)])?
        }
        None => send_once(socket, &pieces, &[])?,
    };
    if sent == HEADER_LENGTH + body.len() { Ok(()) } else { Err(Errno::EMSGSIZE) }
}

/// One send(2) or sendmsg(2) that neither waits nor raises a signal.
pub(crate) fn send_once(
    socket: impl AsFd,
    pieces: &[IoSlice<'_>],
    control: &[ControlMessage<'_>],
) -> Result<usize, Errno> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let fd = socket.as_fd().as_raw_fd();
    if control.is_empty()
        && let Some(bytes) = gather(pieces, &mut [0; SHORT_FRAME])
    {
        return send(fd, bytes, flags);
    }
    sendmsg::<()>(fd, pieces, control, flags, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, recv, socketpair};
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_has_no_room_waits_and_arrives_whole() {
        let (socket, mut client) = UnixStream::pair().unwrap();
        let mut output = Output::default();
        let body: Vec<u8> = (0..3_000_000u32).map(|number| number as u8).collect();
        let header = [9; HEADER_LENGTH];
        assert!(output.put(header, body.clone()));
        output.flush(&socket).unwrap();
        assert!(!output.put(header, Vec::new()), "there is no room");
        assert!(output.held_bytes() > 3_000_000, "what is sent of it is not freed yet");
        let mut arrived = vec![0; body.len() + 2 * HEADER_LENGTH];
        let mut end = 0;
        while end < arrived.len() {
            output.flush(&socket).unwrap();
            end += client.read(&mut arrived[end..]).unwrap();
        }
        assert!(output.is_empty());
        output.look(&socket);
        assert_eq!(output.held_bytes(), 0);
        assert_eq!(arrived[HEADER_LENGTH..HEADER_LENGTH + body.len()], body);
        assert_eq!(arrived[..HEADER_LENGTH], header);
        assert_eq!(arrived[HEADER_LENGTH + body.len()..], header);
    }

    #[test]
    fn all_that_a_connection_waits_for_goes_out_at_once() {
        // Each call of the system makes a packet here.
        let pair = |kind| socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_NONBLOCK);
        let (socket, client) = pair(SockType::SeqPacket).unwrap();
        let mut output = Output::default();
        let count = FRAMES_AT_A_TIME + 2;
        let first = (0..count).map(|number| output.put([number as u8; HEADER_LENGTH], vec![99]));
        assert_eq!(first.filter(|is_first| *is_first).count(), 1);
        output.flush(&socket).unwrap();
        let mut place = [0; 1000];
        let mut lengths = Vec::new();
        while let Ok(length) = recv(client.as_raw_fd(), &mut place, MsgFlags::empty()) {
            lengths.push(length);
        }
        let length = HEADER_LENGTH + 1;
        assert_eq!(lengths, [FRAMES_AT_A_TIME * length, 2 * length]);
        assert_eq!(
            place[length..2 * length],
            [[count as u8 - 1; HEADER_LENGTH].as_slice(), &[99]].concat()
        );
        assert_eq!((output.is_empty(), output.bytes), (true, 0));
    }

    #[test]
    fn what_is_sent_counts_until_it_is_read() {
        let (socket, mut client) = UnixStream::pair().unwrap();
        let mut output = Output::default();
        for _ in 0..100 {
            output.put([9; HEADER_LENGTH], Vec::new());
            output.flush(&socket).unwrap();
        }
        assert!(output.is_empty());
        assert!(output.held_bytes() > 100 * HEADER_LENGTH as u64 / 2);
        client.read_exact(&mut [0; 100 * HEADER_LENGTH]).unwrap();
        output.hear(&socket);
        assert_eq!(output.held_bytes(), 0);
    }

    #[test]
    fn nobody_there_is_an_error() {
        let (socket, client) = UnixStream::pair().unwrap();
        drop(client);
        let mut output = Output::default();
        output.put([0; HEADER_LENGTH], Vec::new());
        assert!(output.flush(&socket).is_err());
    }
}
