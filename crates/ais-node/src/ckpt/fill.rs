//! What sections hold, on its way to a node that has all of the state but
//! that. Nothing is frozen: a piece is what the sender holds when it sends it.
//! The other node applies all changes meanwhile, and knows which bytes it has
//! from these (`awaited`); a piece gives it the others. So neither the order of
//! pieces and changes matters nor which node a piece comes from, and the walk
//! can stop at any place and go on from there.
//!
//! The newest goes first. What is made during the walk lies behind it and is
//! not sent at all, since the other node makes it too.

use super::message::CheckpointId;
use super::state::State;
use crate::SNAPSHOT_CHUNK;
use crate::cursor::Cursor;
use ais_wire::{DecodeError, Reader, Writer};

/// Sections that are looked at for one chunk: empty ones have no bytes to
/// bound it.
const MAX_SECTIONS: usize = 1 << 12;

/// The next chunk of the walk and the place after it, if there is more.
pub(super) fn compose(state: &State, cursor: Cursor) -> (Vec<u8>, Option<Cursor>) {
    let (mut out, mut length) = (Writer::with_capacity(SNAPSHOT_CHUNK + 128), 0);
    let mut next = Some(cursor);
    for _ in 0..MAX_SECTIONS {
        let Some(cursor) = next.filter(|_| length < SNAPSHOT_CHUNK) else { break };
        next = step(state, cursor, SNAPSHOT_CHUNK - length, &mut |record| {
            length += record.len();
            out.raw(&record);
        });
    }
    (out.into_bytes(), next)
}

/// Looks at one section, of which about `room` bytes are `put` out.
fn step(
    state: &State,
    cursor: Cursor,
    room: usize,
    put: &mut impl FnMut(Vec<u8>),
) -> Option<Cursor> {
    let (id, checkpoint) = state.last_to(cursor.object)?;
    let cursor = if id == cursor.object { cursor } else { Cursor::at(id) };
    let Some((number, section)) = checkpoint.sections.last_to(cursor.part) else {
        return state.last_before(id).map(Cursor::at);
    };
    let offset = if number == cursor.part { cursor.offset } else { 0 };
    let stored = section.bytes.stored_from(offset, room);
    let (at, bytes) = stored.unwrap_or((offset, &[]));
    // A section has less than 2^31 bytes.
    let end = at + bytes.len() as u32;
    let is_last = section.bytes.stored_from(end, 1).is_none();
    if section.bytes.size() > 0 {
        let mut record = Writer::with_capacity(bytes.len() + 48);
        id.encode(&mut record);
        record.u64(number).u32(at).bool(is_last).bytes(bytes);
        put(record.into_bytes());
    }
    match (is_last, number) {
        (false, _) => Some(Cursor { object: id, part: number, offset: end }),
        (true, 0) => state.last_before(id).map(Cursor::at),
        (true, _) => Some(Cursor { object: id, part: number - 1, offset: 0 }),
    }
}

/// Puts a chunk in.
pub(super) fn take(state: &mut State, chunk: &[u8]) -> Result<(), DecodeError> {
    let mut input = Reader::new(chunk);
    while input.remaining() > 0 {
        let (id, number) = (CheckpointId::decode(&mut input)?, input.u64()?);
        let (offset, is_last, bytes) = (input.u32()?, input.bool()?, input.bytes()?);
        if let Some(checkpoint) = state.checkpoint_mut(id) {
            checkpoint.sections.fill(number, offset, bytes, is_last)?;
        }
    }
    Ok(())
}
