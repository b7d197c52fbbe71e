//! The frame: 16 bytes of header, then a body.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | magic `AIS1` |
//! | 4 | 1 | major version |
//! | 5 | 1 | minor version |
//! | 6 | 2 | code: which request or event; in a reply the `SaErrorT` |
//! | 8 | 4 | id: chosen by who asks, echoed in the reply |
//! | 12 | 4 | length of the body in bytes |

use crate::{AisError, MAJOR, MINOR, ServiceId};
use ais_wire::{Reader, Writer};
use std::fmt;
use std::io::IoSlice;

/// Bytes of a header.
pub const HEADER_LENGTH: usize = 16;
/// The largest amount of data in one call (`max-message` at its highest).
pub const MAX_MESSAGE: usize = 16 << 20;
/// The longest body of a request or reply: the data of a call and room for
/// what describes it.
pub const MAX_CALL_BODY: usize = MAX_MESSAGE + (1 << 20);
/// The longest event packet, header included. A track callback with 128 nodes
/// or a protection group of 256 members fits.
pub const MAX_EVENT: usize = 128 << 10;
/// Bytes up to which it takes less to copy the pieces of what is sent than to have the system
/// gather them.
pub const SHORT_FRAME: usize = 512;
/// The code of a reply to a call that succeeded (`SA_OK`).
pub const OK: u16 = 1;

const MAGIC: u32 = u32::from_le_bytes(*b"AIS1");

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u16);

impl Code {
    /// The handshake, the first request on every connection.
    pub const HELLO: Self = Self(0x0001);
    /// One way: the caller of the request with this id no longer waits.
    pub const CANCEL: Self = Self(0x0002);
    /// One way, from minor version 2 on: a call was not sent because its data
    /// is longer than `max-message`.
    pub const TOO_LONG: Self = Self(0x0004);
    /// From minor version 3 on, on the connection that holds a session: asks
    /// for another connection, on which nothing has been said yet. The reply
    /// has no body and brings it along.
    pub const CONNECT: Self = Self(0x0005);
    /// One way, from minor version 3 on: a structure of the program looks as
    /// if it was compiled with headers in which `SaUint32T` has 32 bits.
    pub const MISFIT: Self = Self(0x0006);
    /// One way, on the event socket: the callback with this invocation (the
    /// id) was handed to the program.
    pub const DISPATCHED: Self = Self(0x0003);

    /// The service that the code belongs to.
    #[must_use]
    pub fn service(self) -> Option<ServiceId> {
        ServiceId::from_number(u32::from(self.0 >> 8))
    }
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Minor version of the sender.
    pub minor: u8,
    /// Request, event, or the result in a reply.
    pub code: Code,
    /// Ties a reply to its request.
    pub id: u32,
    /// Bytes of body that follow.
    pub length: u32,
}

/// Why bytes are no header; the connection they came from is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The magic is not ours.
    Magic,
    /// Another major version, this one.
    Version(u8),
    /// The body would be longer than allowed, this long.
    TooLong(u32),
}

impl Header {
    /// A header of this version.
    #[must_use]
    pub fn new(code: Code, id: u32, length: usize) -> Self {
        Self { minor: MINOR, code, id, length: u32::try_from(length).unwrap_or(u32::MAX) }
    }

    /// The bytes of the header.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[4] = MAJOR;
        bytes[5] = self.minor;
        bytes[6..8].copy_from_slice(&self.code.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.id.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Checks and reads a header whose body may have `longest` bytes.
    ///
    /// # Errors
    /// A [`FrameError`]; the length is checked before anybody allocates.
    pub fn decode(bytes: &[u8; HEADER_LENGTH], longest: usize) -> Result<Self, FrameError> {
        let mut input = Reader::new(bytes);
        // Sixteen bytes hold all of these values, so no read fails.
        if input.u32() != Ok(MAGIC) {
            return Err(FrameError::Magic);
        }
        let major = input.u8().unwrap_or_default();
        if major != MAJOR {
            return Err(FrameError::Version(major));
        }
        let header = Self {
            minor: input.u8().unwrap_or_default(),
            code: Code(input.u16().unwrap_or_default()),
            id: input.u32().unwrap_or_default(),
            length: input.u32().unwrap_or_default(),
        };
        match usize::try_from(header.length) {
            Ok(length) if length <= longest => Ok(header),
            _ => Err(FrameError::TooLong(header.length)),
        }
    }

    /// What a reply with this header says about its call.
    ///
    /// # Errors
    /// The error of the call; [`AisError::Library`] if the number is none.
    pub fn result(&self) -> Result<(), AisError> {
        match self.code.0 {
            OK => Ok(()),
            code => Err(AisError::from_number(u32::from(code)).unwrap_or(AisError::Library)),
        }
    }
}

/// A whole event packet, header and body.
#[must_use]
pub fn event_frame(code: Code, id: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(HEADER_LENGTH + body.len());
    out.raw(&Header::new(code, id, body.len()).encode()).raw(body);
    out.into_bytes()
}

/// All pieces in one; `None` if there is not so much room.
pub fn gather<'a>(pieces: &[IoSlice<'_>], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    for piece in pieces {
        room.get_mut(end..end + piece.len())?.copy_from_slice(piece);
        end += piece.len();
    }
    room.get(..end)
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "these bytes are not an AIS frame"),
            Self::Version(major) => {
                write!(f, "the frame has protocol version {major}, this side speaks {MAJOR}")
            }
            Self::TooLong(length) => {
                write!(f, "the frame claims a body of {length} bytes, more than is allowed")
            }
        }
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip_and_lie_in_vain() {
        let header = Header::new(Code(0x0301), 77, 1000);
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes, 1000), Ok(header));
        assert_eq!(Header::decode(&bytes, 999), Err(FrameError::TooLong(1000)));
        let mut wrong = bytes;
        wrong[0] ^= 1;
        assert_eq!(Header::decode(&wrong, 1000), Err(FrameError::Magic));
        wrong = bytes;
        wrong[4] = 9;
        assert_eq!(Header::decode(&wrong, 1000), Err(FrameError::Version(9)));
    }

    #[test]
    fn results_are_api_errors() {
        assert_eq!(Header::new(Code(1), 0, 0).result(), Ok(()));
        assert_eq!(Header::new(Code(12), 0, 0).result(), Err(AisError::NotExist));
        assert_eq!(Header::new(Code(99), 0, 0).result(), Err(AisError::Library));
    }
}
