//! Messages in frames: small ones share a frame, long ones take several.
//!
//! The payload of a frame is a sequence of chunks, each a message or a
//! fragment of one: flags u8, length u16, bytes.

mod assembly;
mod send_queue;
#[cfg(test)]
mod tests;

pub(crate) use assembly::{Assembly, Message};
pub(crate) use send_queue::SendQueue;

use crate::Lane;
use ais_wire::{DecodeError, Reader};

/// Flags and length.
const CHUNK_HEADER: usize = 1 + 2;
/// Bytes of a message in a chunk at most.
const MAX_CHUNK: usize = u16::MAX as usize;

/// The chunk starts a message.
const FIRST: u8 = 1;
/// The chunk ends a message.
const LAST: u8 = 2;
/// The chunk ends a message that is to be delivered safe.
const SAFE: u8 = 4;
/// The chunk is one of the bulk lane: between the first and the last of its
/// message there may be others of the ordinary lane, and the other way round.
const BULK: u8 = 8;

/// Whether a frame ends a message that is to be delivered safe, so that the
/// frame has to wait until every member has it.
pub(crate) fn needs_safe(chunks: &[u8]) -> bool {
    is_well_formed(chunks) && Chunks::new(chunks).flatten().any(|chunk| chunk.flags & SAFE != 0)
}

/// Whether bytes are a sequence of chunks, at least one.
fn is_well_formed(chunks: &[u8]) -> bool {
    !chunks.is_empty() && Chunks::new(chunks).all(|chunk| chunk.is_ok())
}

/// A message, or a fragment of one.
struct Chunk<'a> {
    flags: u8,
    bytes: &'a [u8],
}

impl Chunk<'_> {
    fn is_first(&self) -> bool {
        self.flags & FIRST != 0
    }

    fn lane(&self) -> Lane {
        if self.flags & BULK == 0 { Lane::Ordinary } else { Lane::Bulk }
    }

    fn is_last(&self) -> bool {
        self.flags & LAST != 0
    }
}

/// The chunks of a frame; ends after the first that is none.
struct Chunks<'a> {
    input: Reader<'a>,
}

impl<'a> Chunks<'a> {
    fn new(chunks: &'a [u8]) -> Self {
        Self { input: Reader::new(chunks) }
    }

    fn read(&mut self) -> Result<Chunk<'a>, DecodeError> {
        let flags = self.input.u8()?;
        let length = self.input.u16()?;
        let bytes = self.input.take(usize::from(length))?;
        let is_known = flags & !(FIRST | LAST | SAFE | BULK) == 0;
        let is_safe_end = flags & SAFE == 0 || flags & LAST != 0;
        // Only a whole message may be empty: a fragment brings it forward.
        let is_progress = !bytes.is_empty() || flags & (FIRST | LAST) == FIRST | LAST;
        if is_known && is_safe_end && is_progress {
            Ok(Chunk { flags, bytes })
        } else {
            Err(DecodeError::Invalid)
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.input.remaining() == 0 {
            return None;
        }
        let chunk = self.read();
        if chunk.is_err() {
            let _ = self.input.rest();
        }
        Some(chunk)
    }
}
