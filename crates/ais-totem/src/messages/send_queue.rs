//! Messages that wait for the token, and the frames made of them.

use super::{BULK, CHUNK_HEADER, FIRST, LAST, MAX_CHUNK, SAFE};
use crate::{Bytes, Guarantee, Lane, QueueFull};
use std::collections::VecDeque;

/// Bytes that may wait, unless two messages of the longest kind need more.
const QUEUE_BYTES: usize = 32 << 20;
/// What a message counts for besides its bytes, so that the number of empty
/// ones is bounded too.
const MESSAGE_COST: usize = 64;

/// Messages to send, those of a lane first in, first out.
#[derive(Debug)]
pub(crate) struct SendQueue {
    ordinary: Line,
    bulk: Line,
    /// The next frame has bulk first, as the last one had it last.
    is_bulk_next: bool,
    max_message: usize,
    /// See [`SendQueue::awaited`].
    awaited: usize,
}

/// The messages of a lane.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// Bytes of the first message that frames have taken already.
    taken: usize,
    /// Bytes of all messages here, the taken ones too.
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    guarantee: Guarantee,
}

impl SendQueue {
    /// An empty queue for messages of at most `max_message` bytes.
    pub(crate) fn new(max_message: usize) -> Self {
        let (ordinary, bulk) = (Line::default(), Line::default());
        Self { ordinary, bulk, is_bulk_next: false, max_message, awaited: 0 }
    }

    /// # Errors
    /// [`QueueFull`] with the message, if it is too long or too many wait.
    pub(crate) fn push(
        &mut self,
        bytes: Vec<u8>,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Result<(), QueueFull> {
        let limit = QUEUE_BYTES.max(2 * (self.max_message + MESSAGE_COST));
        if bytes.len() > self.max_message || self.cost() + bytes.len() + MESSAGE_COST > limit {
            return Err(QueueFull(bytes));
        }
        let line = match lane {
            Lane::Ordinary => &mut self.ordinary,
            Lane::Bulk => &mut self.bulk,
        };
        line.bytes += bytes.len();
        line.waiting.push_back(Waiting { bytes, guarantee });
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ordinary.waiting.is_empty() && self.bulk.waiting.is_empty()
    }

    /// The chunks of the next frame, at most `capacity` bytes. `None` if
    /// nothing waits.
    pub(crate) fn next_frame(&mut self, capacity: usize) -> Option<Bytes> {
        let mut frame = Vec::with_capacity(capacity.min(self.bytes_to_send()));
        let mut lines = [(&mut self.ordinary, 0), (&mut self.bulk, BULK)];
        if self.is_bulk_next {
            lines.reverse();
        }
        self.is_bulk_next = !self.is_bulk_next;
        for (line, lane) in lines {
            self.awaited += line.fill(&mut frame, capacity, lane);
        }
        if frame.is_empty() { None } else { Some(frame.into()) }
    }

    /// How many messages ended in frames, since they were last taken, that
    /// somebody waits for to be stable.
    pub(crate) fn awaited(&self) -> usize {
        self.awaited
    }

    /// [`SendQueue::awaited`], and counts anew.
    pub(crate) fn take_awaited(&mut self) -> usize {
        std::mem::take(&mut self.awaited)
    }

    /// How many messages wait, of which frames may have taken one of each lane in
    /// part.
    pub(crate) fn len(&self) -> usize {
        self.ordinary.waiting.len() + self.bulk.waiting.len()
    }

    /// About how many frames of `capacity` bytes all that waits will fill.
    pub(crate) fn frames_waiting(&self, capacity: usize) -> u32 {
        // Every frame may end in a fragment, with a header of its own.
        let room = capacity.saturating_sub(CHUNK_HEADER).max(1);
        u32::try_from(self.bytes_to_send().div_ceil(room)).unwrap_or(u32::MAX)
    }

    /// A new ring is installed. Its members may lack the first fragments of
    /// messages that were sent in part, so they start again.
    pub(crate) fn restart(&mut self) {
        self.ordinary.taken = 0;
        self.bulk.taken = 0;
    }

    /// Bytes of all chunks to come, if every message were one.
    fn bytes_to_send(&self) -> usize {
        let taken = self.ordinary.taken + self.bulk.taken;
        self.ordinary.bytes + self.bulk.bytes - taken + self.len() * CHUNK_HEADER
    }

    fn cost(&self) -> usize {
        self.ordinary.bytes + self.bulk.bytes + self.len() * MESSAGE_COST
    }
}

impl Line {
    /// Appends chunks to a frame of at most `capacity` bytes, as long as they find
    /// room. How many messages ended that somebody waits for to be stable.
    fn fill(&mut self, frame: &mut Vec<u8>, capacity: usize, lane: u8) -> usize {
        let mut awaited = 0;
        while let Some(message) = self.waiting.front() {
            let Some(room) = capacity.checked_sub(frame.len() + CHUNK_HEADER) else { break };
            let (_, rest) = message.bytes.split_at(self.taken);
            let (piece, later) = rest.split_at(rest.len().min(room).min(MAX_CHUNK));
            if piece.is_empty() && !later.is_empty() {
                break;
            }
            let mut flags = lane | if self.taken == 0 { FIRST } else { 0 };
            if later.is_empty() {
                flags |= if message.guarantee == Guarantee::Safe { LAST | SAFE } else { LAST };
            }
            frame.push(flags);
            // A piece has at most MAX_CHUNK bytes.
            frame.extend_from_slice(&(piece.len() as u16).to_le_bytes());
            frame.extend_from_slice(piece);
            if later.is_empty() {
                awaited += usize::from(message.guarantee == Guarantee::Acknowledged);
                self.bytes -= message.bytes.len();
                self.taken = 0;
                self.waiting.pop_front();
            } else {
                self.taken += piece.len();
            }
        }
        awaited
    }
}
