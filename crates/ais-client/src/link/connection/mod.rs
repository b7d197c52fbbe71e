//! A connection that carries calls: one frame there, one frame back.
//!
//! Receiving can be taken up again: when the time of a call runs out, what
//! has arrived stays, and the reply that comes too late is skipped by the next
//! call. Sending cannot: a connection that holds half a request is dead.

pub(crate) mod iovec;

use crate::link::pool::Lent;
use crate::sys::deadline::Deadline;
use crate::sys::poll::{Budget, Poller};
use crate::sys::socket::Socket;
use ais_proto::{
    AisError, Code, DecodeError, HEADER_LENGTH, Header, MAX_CALL_BODY, Reader, Request, Welcome,
    Writer,
};
use nix::errno::Errno;
use nix::poll::PollFlags;
use std::sync::Arc;

/// The receive buffer of a connection at rest.
const BUFFER: usize = 16 << 10;
/// A buffer that has grown beyond this is given back.
const KEPT: usize = 1 << 20;

/// A call that did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection was dead before anything was sent: nothing was done,
    /// and another connection may be better.
    Unsent,
    /// The result of the call.
    Error(AisError),
}

impl From<AisError> for Failure {
    fn from(error: AisError) -> Self {
        Self::Error(error)
    }
}

/// A request in the form in which it is sent.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    code: Code,
    head: Vec<u8>,
    data: Vec<&'a [u8]>,
}

impl<'a> Outgoing<'a> {
    /// # Errors
    /// `NoMemory` if there is not enough for what describes the data.
    pub(crate) fn new(request: &Request<'a>) -> Result<Self, AisError> {
        let head = Writer::try_message(|out| request.encode(out));
        let mut data = Vec::new();
        let room = data.try_reserve_exact(request.data().count());
        room.map_err(|_| AisError::NoMemory)?;
        data.extend(request.data());
        Ok(Self { code: request.code(), head: head.map_err(|_| AisError::NoMemory)?, data })
    }
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    pub(crate) result: Result<(), AisError>,
    pub(crate) body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// What the reply to a call that succeeded says.
    pub(crate) fn read<T>(
        self,
        decode: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, AisError> {
        self.result?;
        decode(&mut Reader::new(self.body)).map_err(|_| AisError::Library)
    }
}

/// Reads a reply that says nothing but whether the call succeeded.
pub(crate) fn done(reply: Reply<'_>) -> Result<(), AisError> {
    reply.result
}

/// A connection to aisexec.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Arc<Socket>,
    /// Received and not yet looked at: `input[start..end]`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    last_id: u32,
    dead: bool,
    poller: Poller,
    bound: Bound,
}

/// How much data a call may carry, and what aisexec wants to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    max_message: usize,
    /// The minor version that aisexec speaks.
    minor: u8,
}

impl Bound {
    /// What aisexec says, which speaks this minor version.
    pub(crate) fn new(welcome: &Welcome, minor: u8) -> Self {
        let max_message = usize::try_from(welcome.max_message).unwrap_or(usize::MAX);
        Self { max_message, minor }
    }
}

impl Lent for Connection {
    fn is_dead(&self) -> bool {
        self.dead
    }
}

impl Connection {
    pub(crate) fn new(socket: Arc<Socket>, budget: Budget, bound: Bound) -> Self {
        Self {
            socket,
            input: Vec::new(),
            start: 0,
            end: 0,
            last_id: 0,
            dead: false,
            poller: Poller::new(budget),
            bound,
        }
    }

    /// Sends a request and tells the id to wait for.
    pub(crate) fn send(
        &mut self,
        request: &Outgoing<'_>,
        deadline: Deadline,
    ) -> Result<u32, Failure> {
        if self.dead {
            return Err(Failure::Unsent);
        }
        let data: usize = request.data.iter().fold(0, |sum, piece| sum.saturating_add(piece.len()));
        let body = data.saturating_add(request.head.len());
        if data > self.bound.max_message || body > MAX_CALL_BODY {
            if self.bound.minor >= 2 {
                self.notify(Code::TOO_LONG, 0);
            }
            return Err(Failure::Error(AisError::NoSpace));
        }
        // What comes back has room before anything is done.
        self.make_room(BUFFER)?;
        self.last_id = self.last_id.wrapping_add(1);
        let header = Header::new(request.code, self.last_id, body).encode();
        let mut pieces = Vec::new();
        pieces.try_reserve_exact(2 + request.data.len()).map_err(|_| AisError::NoMemory)?;
        pieces.extend([header.as_slice(), &request.head]);
        pieces.extend(&request.data);
        let socket = Arc::clone(&self.socket);
        match iovec::send_all(&socket, &pieces, deadline, || self.skip_late()) {
            Ok(()) => Ok(self.last_id),
            // Nothing of it was sent, the connection is as it was.
            Err(Failure::Error(AisError::TryAgain)) => Err(Failure::Error(AisError::Timeout)),
            Err(error @ Failure::Error(AisError::NoMemory)) => Err(error),
            Err(failure) => {
                self.dead = true;
                Err(failure)
            }
        }
    }

    /// Tells aisexec that a structure of the program is not laid out as here.
    pub(crate) fn tell_misfit(&mut self) {
        if self.bound.minor >= 3 {
            self.notify(Code::MISFIT, 0);
        }
    }

    /// Waits for the reply to the request with this id. If it does not come in
    /// time, aisexec is told that nobody waits any more.
    pub(crate) fn receive(&mut self, id: u32, deadline: Deadline) -> Result<Reply<'_>, AisError> {
        let mut polled = false;
        loop {
            match self.take_frame()? {
                Some((header, start)) if header.id == id => {
                    return Ok(Reply {
                        result: header.result(),
                        body: &self.input[start..start + header.length as usize],
                    });
                }
                Some(_) => {}
                None => {
                    let result = self.fill(deadline, !polled);
                    polled = true;
                    if result == Err(AisError::Timeout) {
                        self.notify(Code::CANCEL, id);
                    }
                    result?;
                }
            }
        }
    }

    /// Takes what has arrived off the socket: replies to calls that are over.
    /// False at the end of the connection.
    pub(crate) fn skip_late(&mut self) -> bool {
        loop {
            match self.take_frame() {
                Ok(Some(_)) => {}
                Ok(None) => match self.socket.receive(&mut self.input[self.end..]) {
                    Ok(count @ 1..) => self.end += count,
                    result => return result == Err(Errno::EAGAIN),
                },
                Err(_) => return false,
            }
        }
    }

    /// Takes a whole frame, if there is one: its header and where its body
    /// starts. If there is none, there is room for the rest of it.
    fn take_frame(&mut self) -> Result<Option<(Header, usize)>, AisError> {
        let mut wanted = BUFFER;
        if let Some(first) = self.input[self.start..self.end].first_chunk() {
            let Ok(header) = Header::decode(first, MAX_CALL_BODY) else {
                self.dead = true;
                return Err(AisError::Library);
            };
            let total = HEADER_LENGTH + header.length as usize;
            if self.end - self.start >= total {
                let body = self.start + HEADER_LENGTH;
                self.start += total;
                return Ok(Some((header, body)));
            }
            wanted = wanted.max(total);
        }
        // A reply that there is no room for ends the connection; there are
        // others. What is long is what was read, so nothing is left half done.
        self.make_room(wanted).inspect_err(|_| self.dead = true)?;
        Ok(None)
    }

    /// Moves what there is to the front of a buffer of at least this size.
    fn make_room(&mut self, wanted: usize) -> Result<(), AisError> {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == 0 && self.input.len() > KEPT {
            self.input = Vec::new();
        }
        if let Some(more) = wanted.checked_sub(self.input.len()) {
            self.input.try_reserve_exact(more).map_err(|_| AisError::NoMemory)?;
            self.input.resize(wanted, 0);
        }
        Ok(())
    }

    /// Receives more; `take_frame` has made room for it.
    fn fill(&mut self, deadline: Deadline, poll: bool) -> Result<(), AisError> {
        let Self { socket, input, end, poller, .. } = self;
        let some = |result| if result == Err(Errno::EAGAIN) { None } else { Some(result) };
        let mut received = if poll {
            // The request has been sent just now, and the socket was looked at for that.
            poller.poll(|| some(socket.receive_unseen(&mut input[*end..])))
        } else {
            None
        };
        while received.is_none() {
            received = match socket.wait(PollFlags::POLLIN, deadline) {
                Ok(true) => some(socket.receive(&mut input[*end..])),
                Ok(false) => return Err(AisError::Timeout),
                Err(error) => Some(Err(error)),
            };
        }
        match received {
            Some(Ok(count @ 1..)) => {
                self.end += count;
                Ok(())
            }
            _ => {
                self.dead = true;
                Err(AisError::Library)
            }
        }
    }

    /// Tells aisexec something that has no answer.
    fn notify(&mut self, code: Code, id: u32) {
        let header = Header::new(code, id, 0).encode();
        // With no room at all aisexec does not learn of it; the late reply to a
        // cancelled call is skipped all the same. Half a header is the end.
        let now = Deadline::after(std::time::Duration::ZERO);
        match iovec::send_all(&self.socket, &[&header], now, || true) {
            Ok(()) | Err(Failure::Error(AisError::TryAgain)) => {}
            Err(_) => self.dead = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::descriptors::Descriptors;
    use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    #[test]
    fn replies_that_nobody_waits_for_are_taken_off_whole_and_in_halves() {
        let (own, aisexec) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        let say = |bytes: &[u8]| {
            assert_eq!(send(aisexec.as_raw_fd(), bytes, MsgFlags::empty()), Ok(bytes.len()));
        };
        let socket = Socket::adopt(own, &mut Descriptors::lock()).unwrap();
        let bound = Bound { max_message: 100, minor: 0 };
        let mut connection = Connection::new(Arc::new(socket), Budget::new(0), bound);
        let reply = |id, body: &[u8]| {
            let mut frame = Header::new(Code(ais_proto::OK), id, body.len()).encode().to_vec();
            frame.extend(body);
            frame
        };
        let (late, next) = (reply(1, b"late"), reply(2, b"in two halves"));
        assert!(connection.skip_late(), "nothing has come");
        say(&late);
        say(&next[..20]);
        assert!(connection.skip_late());
        say(&next[20..]);
        let deadline = Deadline::after(Duration::from_secs(60));
        assert_eq!(
            connection.receive(2, deadline).map(|reply| reply.body),
            Ok(&b"in two halves"[..])
        );
        drop(aisexec);
        assert!(!connection.skip_late(), "it has ended");
    }
}
