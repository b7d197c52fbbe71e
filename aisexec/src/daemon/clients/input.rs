//! What has arrived on a connection and is not served yet.
//!
//! A connection at rest holds no memory: it receives into a buffer that all
//! share, and keeps only what is left over there, the beginning of a frame.
//! What it keeps of a larger one grows as its bytes arrive, whatever its header
//! says.

use super::bounds::BYTES_PER_TURN;
use ais_node::{Body, ROOM_TO_FORWARD};
use ais_proto::{FrameError, HEADER_LENGTH, Header};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use std::os::fd::{AsFd, AsRawFd};

/// The least to make room for at a time.
const SMALLEST_STEP: usize = 4 << 10;
/// The room that is made beside what has arrived, as a part of that: so bytes
/// that come one by one are not copied for each, and few pieces of other sizes
/// are left behind.
const SPARE_PART: usize = 2;

/// The bytes of a connection that wait.
#[derive(Debug, Default)]
pub(crate) struct Input {
    held: Vec<u8>,
    /// `held` begins with a frame that was whole but had to wait.
    whole: bool,
}

/// What is there after a turn's receiving.
#[derive(Debug)]
pub(crate) enum Received {
    /// This many bytes in the shared buffer.
    Shared(usize),
    /// What the connection held, and more.
    Held(Vec<u8>),
}

impl Input {
    /// Bytes of memory that are held.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held.capacity() as u64
    }

    /// Whether a frame can be served without receiving.
    pub(crate) fn has_whole_frame(&self) -> bool {
        self.whole
    }

    /// Receives once, unless there is a frame to serve. `None` is the end of
    /// the stream.
    ///
    /// # Errors
    /// What recv(2) says; `EAGAIN` if nothing is there. The bytes stay.
    pub(crate) fn receive(
        &mut self,
        socket: impl AsFd,
        shared: &mut [u8],
    ) -> Result<Option<Received>, Errno> {
        if std::mem::take(&mut self.whole) {
            return Ok(Some(Received::Held(std::mem::take(&mut self.held))));
        }
        let fd = socket.as_fd().as_raw_fd();
        let most = self.wanted().min(shared.len());
        let count = recv(fd, &mut shared[..most], MsgFlags::MSG_DONTWAIT)?;
        if count == 0 {
            return Ok(None);
        }
        if self.held.is_empty() {
            return Ok(Some(Received::Shared(count)));
        }
        self.append(&shared[..count]);
        Ok(Some(Received::Held(std::mem::take(&mut self.held))))
    }

    /// How much to receive: no more than the frame lacks that has begun.
    fn wanted(&self) -> usize {
        match frame_length(&self.held) {
            Some(whole) => whole.saturating_sub(self.held.len()).max(1),
            None if self.held.is_empty() => BYTES_PER_TURN,
            None => SMALLEST_STEP,
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let length = self.held.len() + bytes.len();
        if length > self.held.capacity() {
            let whole = frame_length(&self.held).unwrap_or(length).max(length);
            let spare = (length / SPARE_PART).max(SMALLEST_STEP);
            let spare = spare.min(whole + ROOM_TO_FORWARD - length);
            self.held.reserve_exact(bytes.len() + spare);
        }
        self.held.extend_from_slice(bytes);
    }

    /// Keeps what was not served: the bytes from `used` on. `whole` says
    /// whether they begin with a whole frame.
    pub(crate) fn keep(&mut self, received: Received, shared: &[u8], used: usize, whole: bool) {
        self.whole = whole;
        self.held = match received {
            Received::Shared(count) => shared[used.min(count)..count].to_vec(),
            Received::Held(held) if used >= held.len() => Vec::new(),
            Received::Held(mut held) => {
                held.drain(..used);
                held
            }
        };
    }
}

impl Received {
    /// The bytes.
    pub(crate) fn bytes<'a>(&'a self, shared: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Shared(count) => &shared[..*count],
            Self::Held(held) => held,
        }
    }

    /// The body that stands at `range` in the bytes. Its memory goes with it if that has
    /// nothing else: a frame that is whole with these bytes.
    pub(crate) fn take_body<'a>(
        &'a mut self,
        shared: &'a [u8],
        range: std::ops::Range<usize>,
    ) -> Body<'a> {
        match self {
            Self::Shared(_) => Body::Borrowed(&shared[range]),
            Self::Held(held) if range == (HEADER_LENGTH..held.len()) => {
                Body::Owned { bytes: std::mem::take(held), from: HEADER_LENGTH }
            }
            Self::Held(held) => Body::Borrowed(&held[range]),
        }
    }
}

/// How long the frame is that these bytes begin, as its header claims.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let header = Header::decode(bytes.first_chunk()?, usize::MAX).ok()?;
    Some(HEADER_LENGTH + header.length as usize)
}

/// The first frame of `bytes`, if it is whole.
///
/// # Errors
/// A [`FrameError`] if they do not begin with a frame whose body has at most
/// `longest` bytes.
pub(crate) fn first_frame(
    bytes: &[u8],
    longest: usize,
) -> Result<Option<(Header, &[u8])>, FrameError> {
    let Some((first, rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let header = Header::decode(first, longest)?;
    Ok(rest.get(..header.length as usize).map(|body| (header, body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_proto::Code;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = Header::new(Code(0x0301), 1, body.len()).encode().to_vec();
        bytes.extend(body);
        bytes
    }

    /// Takes the frames that are there, as the server does, `limit` at most.
    fn turn(input: &mut Input, socket: &UnixStream, shared: &mut [u8], limit: usize) -> Vec<usize> {
        let Ok(Some(received)) = input.receive(socket, shared) else { return Vec::new() };
        let (mut used, mut bodies, mut whole) = (0, Vec::new(), false);
        while let Ok(Some((_, body))) = first_frame(&received.bytes(shared)[used..], 1 << 24) {
            if bodies.len() == limit {
                whole = true;
                break;
            }
            bodies.push(body.len());
            used += HEADER_LENGTH + body.len();
        }
        input.keep(received, shared, used, whole);
        bodies
    }

    #[test]
    fn frames_arrive_in_any_pieces() {
        let (mut client, socket) = UnixStream::pair().unwrap();
        let bytes = [frame(b"one"), frame(b""), frame(&[7; 100])].concat();
        for piece in 1..bytes.len() {
            let mut shared = vec![0; 64];
            let mut input = Input::default();
            let mut bodies = Vec::new();
            for chunk in bytes.chunks(piece) {
                client.write_all(chunk).unwrap();
                for _ in 0..4 {
                    bodies.extend(turn(&mut input, &socket, &mut shared, 9));
                }
            }
            assert_eq!(bodies, [3, 0, 100], "pieces of {piece}");
            assert_eq!(input.held_bytes(), 0);
        }
    }

    #[test]
    fn whole_frames_that_wait_are_served_without_receiving() {
        let (mut client, socket) = UnixStream::pair().unwrap();
        client.write_all(&[frame(b"one"), frame(b"three"), frame(b"")].concat()).unwrap();
        let mut shared = vec![0; 64];
        let mut input = Input::default();
        assert_eq!(turn(&mut input, &socket, &mut shared, 1), [3]);
        assert!(input.has_whole_frame());
        assert_eq!(turn(&mut input, &socket, &mut shared, 1), [5]);
        assert_eq!(turn(&mut input, &socket, &mut shared, 1), [0]);
        assert!(!input.has_whole_frame());
    }

    #[test]
    fn memory_grows_with_what_arrives_not_with_what_is_claimed() {
        let (mut client, socket) = UnixStream::pair().unwrap();
        let mut claim = Header::new(Code(0x0301), 1, 1 << 24).encode().to_vec();
        claim.extend([0; 100]);
        client.write_all(&claim).unwrap();
        let mut shared = vec![0; BYTES_PER_TURN];
        let mut input = Input::default();
        assert!(turn(&mut input, &socket, &mut shared, 9).is_empty());
        client.write_all(&[0; 100]).unwrap();
        assert!(turn(&mut input, &socket, &mut shared, 9).is_empty());
        assert_eq!(input.held.len(), 216);
        assert!(input.held_bytes() <= 2 * SMALLEST_STEP as u64);
        for _ in 0..50 {
            client.write_all(&[0; 10_000]).unwrap();
            assert!(turn(&mut input, &socket, &mut shared, 9).is_empty());
            let (arrived, held) = (input.held.len() as u64, input.held_bytes());
            assert_eq!(held, input.held.capacity() as u64, "room that is not used yet counts");
            assert!(held <= arrived * 3 / 2 + SMALLEST_STEP as u64, "{held} for {arrived}");
        }
    }
}
