//! Messages made of the frames of a ring, in the order of the frames.

use super::{Chunk, Chunks, SAFE, is_well_formed};
use crate::packet::MAX_MEMBERS;
use crate::{Guarantee, Lane};
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// A message that begins is given room for as many bytes as the last long one had, at
/// most so many: else its bytes are moved again and again while it grows.
const MOST_ROOM: usize = 512 << 10;

/// A message that a frame has completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The place of its last chunk in the frame, from 0. It depends on nothing
    /// but the frame.
    pub(crate) index: u16,
    pub(crate) guarantee: Guarantee,
    pub(crate) bytes: Vec<u8>,
}

/// The messages of which frames have brought the beginning: at most one for
/// each lane of a sender.
#[derive(Debug)]
pub(crate) struct Assembly {
    max_message: usize,
    begun: BTreeMap<(NodeId, Lane), Vec<u8>>,
    /// The room that the next message of several chunks is given.
    room: usize,
    malformed: u64,
}

impl Assembly {
    /// For messages of at most `max_message` bytes.
    pub(crate) fn new(max_message: usize) -> Self {
        Self { max_message, begun: BTreeMap::new(), room: 0, malformed: 0 }
    }

    /// The messages that the next frame of `from` completes. A message that
    /// breaks a rule is left out and counted; a frame that is no sequence of
    /// chunks is left out as a whole, and what it should have gone on with.
    pub(crate) fn take(&mut self, from: NodeId, chunks: &[u8]) -> Vec<Message> {
        if !is_well_formed(chunks) {
            self.malformed += 1;
            self.begun.retain(|(sender, _), _| *sender != from);
            return Vec::new();
        }
        let mut messages = Vec::new();
        for (index, chunk) in (0..=u16::MAX).zip(Chunks::new(chunks).flatten()) {
            let Some(bytes) = self.append(from, &chunk) else { continue };
            let is_safe = chunk.flags & SAFE != 0;
            let guarantee = if is_safe { Guarantee::Safe } else { Guarantee::Agreed };
            messages.push(Message { index, guarantee, bytes });
        }
        messages
    }

    /// A new ring is installed: its frames go on with nothing that was begun.
    pub(crate) fn reset(&mut self) {
        self.begun.clear();
    }

    /// Messages and frames left out since the start.
    pub(crate) fn malformed(&self) -> u64 {
        self.malformed
    }

    /// The message that a chunk completes, if it does.
    fn append(&mut self, from: NodeId, chunk: &Chunk<'_>) -> Option<Vec<u8>> {
        let key = (from, chunk.lane());
        let begun = self.begun.remove(&key);
        // A head where a message should go on, or the other way round.
        if begun.is_some() == chunk.is_first() {
            self.malformed += 1;
            if !chunk.is_first() {
                return None;
            }
        }
        let mut bytes = match begun {
            Some(bytes) if !chunk.is_first() => bytes,
            _ if chunk.is_last() => Vec::new(),
            _ => Vec::with_capacity(self.room),
        };
        if bytes.len() + chunk.bytes.len() > self.max_message {
            self.malformed += 1;
            return None;
        }
        bytes.extend_from_slice(chunk.bytes);
        if chunk.is_last() {
            if !chunk.is_first() {
                self.room = bytes.len().min(MOST_ROOM);
                bytes.shrink_to(bytes.len() + bytes.len() / 2);
            }
            return Some(bytes);
        }
        if self.begun.len() < 2 * MAX_MEMBERS {
            self.begun.insert(key, bytes);
        } else {
            self.malformed += 1;
        }
        None
    }
}
