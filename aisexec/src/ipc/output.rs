//! Replies on their way to a client.

use ais_proto::HEADER_LENGTH;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// What could not be sent yet, in order.
#[derive(Debug, Default)]
pub(crate) struct Output {
    waiting: VecDeque<Frame>,
    bytes: usize,
}

#[derive(Debug)]
struct Frame {
    header: [u8; HEADER_LENGTH],
    body: Vec<u8>,
    sent: usize,
}

impl Output {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends a frame, or as much of it as there is room for; the rest waits.
    ///
    /// # Errors
    /// What sendmsg(2) says; nobody will read this stream any more.
    pub(crate) fn send(
        &mut self,
        socket: impl AsFd,
        header: [u8; HEADER_LENGTH],
        body: Vec<u8>,
    ) -> Result<(), Errno> {
        let mut frame = Frame { header, body, sent: 0 };
        if self.waiting.is_empty() && frame.send(&socket)? {
            return Ok(());
        }
        self.bytes += frame.left();
        self.waiting.push_back(frame);
        Ok(())
    }

    /// Sends as much as there is room for now.
    ///
    /// # Errors
    /// As [`Output::send`].
    pub(crate) fn flush(&mut self, socket: impl AsFd) -> Result<(), Errno> {
        while let Some(frame) = self.waiting.front_mut() {
            let before = frame.left();
            let done = frame.send(&socket)?;
            self.bytes -= before - frame.left();
            if !done {
                return Ok(());
            }
            self.waiting.pop_front();
        }
        Ok(())
    }
}

impl Frame {
    fn left(&self) -> usize {
        HEADER_LENGTH + self.body.len() - self.sent
    }

    /// Sends once. Whether that was all.
    fn send(&mut self, socket: impl AsFd) -> Result<bool, Errno> {
        let header = &self.header[self.sent.min(HEADER_LENGTH)..];
        let body = &self.body[self.sent.saturating_sub(HEADER_LENGTH)..];
        let pieces = [IoSlice::new(header), IoSlice::new(body)];
        match send_once(&socket, &pieces, &[]) {
            Ok(count) => self.sent += count,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
        Ok(self.left() == 0)
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

/// One sendmsg(2) that neither waits nor raises a signal.
pub(crate) fn send_once(
    socket: impl AsFd,
    pieces: &[IoSlice<'_>],
    control: &[ControlMessage<'_>],
) -> Result<usize, Errno> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(socket.as_fd().as_raw_fd(), pieces, control, flags, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_has_no_room_waits_and_arrives_whole() {
        let (socket, mut client) = UnixStream::pair().unwrap();
        let mut output = Output::default();
        let body: Vec<u8> = (0..3_000_000u32).map(|number| number as u8).collect();
        let header = [9; HEADER_LENGTH];
        output.send(&socket, header, body.clone()).unwrap();
        output.send(&socket, header, Vec::new()).unwrap();
        assert!(output.len() > 1_000_000);
        let mut arrived = vec![0; body.len() + 2 * HEADER_LENGTH];
        let mut end = 0;
        while end < arrived.len() {
            output.flush(&socket).unwrap();
            end += client.read(&mut arrived[end..]).unwrap();
        }
        assert!(output.is_empty());
        assert_eq!(output.len(), 0);
        assert_eq!(arrived[HEADER_LENGTH..HEADER_LENGTH + body.len()], body);
        assert_eq!(arrived[..HEADER_LENGTH], header);
        assert_eq!(arrived[HEADER_LENGTH + body.len()..], header);
    }

    #[test]
    fn nobody_there_is_an_error() {
        let (socket, client) = UnixStream::pair().unwrap();
        drop(client);
        let mut output = Output::default();
        assert!(output.send(&socket, [0; HEADER_LENGTH], Vec::new()).is_err());
    }
}
