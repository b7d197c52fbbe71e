//! The frames of a ring that this member has, by sequence number.

use super::token::MAX_OUTSTANDING;
use crate::packet::{MAX_SEQ, Payload};
use std::collections::VecDeque;

/// A ring begins at least so many frames before it is replaced.
pub(super) const SPAN: u64 = 4096;
/// A ring whose frames have come this far is replaced by a new one.
pub(super) const LAST_SEQ: u64 = MAX_SEQ - 4 * SPAN;
/// Bytes of chunks that are kept of frames above the first one that is missing.
const MAX_ABOVE_GAP: usize = 32 << 20;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) payload: Payload,
    /// Whether the frame is delivered only when every member has it.
    pub(super) needs_safe: bool,
}

impl Frame {
    /// Bytes of its chunks.
    fn length(&self) -> usize {
        self.payload.chunks().len()
    }
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    New,
    /// The frame was there, or was there and is not needed any more.
    Known,
    /// The frame is further ahead than any sender may be.
    TooFar,
    /// The place of the frame has another one, which may have been delivered.
    Other,
    /// The place of the frame had another one, above one that is missing. Neither is
    /// kept.
    Doubtful,
    /// The frame says that this member has sent it, which is not so.
    Forged,
}

#[derive(Debug)]
pub(super) struct Frames {
    /// All frames up to this one are released.
    released: u64,
    /// The frames after `released`.
    slots: VecDeque<Option<Frame>>,
    aru: u64,
    /// Bytes of chunks of the frames above `aru`.
    above_gap: usize,
}

impl Frames {
    /// Frames are numbered from the one after `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { released: first, slots: VecDeque::new(), aru: first, above_gap: 0 }
    }

    /// All frames up to this one are here, or have been ("all received up
    /// to").
    pub(super) fn aru(&self) -> u64 {
        self.aru
    }

    /// The highest frame that has been here.
    pub(super) fn high(&self) -> u64 {
        self.released + self.slots.len() as u64
    }

    pub(super) fn released(&self) -> u64 {
        self.released
    }

    /// Whether a sequence number is one that this member can have to do with.
    pub(super) fn is_near(&self, seq: u64) -> bool {
        seq <= self.aru.saturating_add(MAX_OUTSTANDING)
    }

    /// Whether there is room for a frame with so many bytes of chunks, which
    /// can be asked for again.
    pub(super) fn has_room(&self, seq: u64, bytes: usize) -> bool {
        seq <= self.aru.saturating_add(1) || self.above_gap.saturating_add(bytes) <= MAX_ABOVE_GAP
    }

    pub(super) fn insert(&mut self, seq: u64, frame: Frame) -> Inserted {
        if !self.is_near(seq) {
            return Inserted::TooFar;
        }
        let Some(index) = self.index(seq) else { return Inserted::Known };
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        let Some(slot) = self.slots.get_mut(index) else { return Inserted::TooFar };
        match slot {
            Some(here) if here.payload == frame.payload => return Inserted::Known,
            Some(_) if seq <= self.aru => return Inserted::Other,
            Some(here) => {
                self.above_gap = self.above_gap.saturating_sub(here.length());
                *slot = None;
                return Inserted::Doubtful;
            }
            None => {
                self.above_gap = self.above_gap.saturating_add(frame.length());
                *slot = Some(frame);
            }
        }
        while let Some(next) = self.get(self.aru + 1) {
            self.above_gap = self.above_gap.saturating_sub(next.length());
            self.aru += 1;
        }
        Inserted::New
    }

    /// Forgets the frames above `seq`, which is not below `aru`.
    pub(super) fn forget_above(&mut self, seq: u64) {
        let keep = seq.max(self.aru).saturating_sub(self.released);
        let gone = self.slots.iter().skip(usize::try_from(keep).unwrap_or(usize::MAX));
        let bytes: usize = gone.flatten().map(Frame::length).sum();
        self.above_gap = self.above_gap.saturating_sub(bytes);
        self.slots.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Frame> {
        self.slots.get(self.index(seq)?)?.as_ref()
    }

    /// The frames up to `last` that are not here, lowest first.
    pub(super) fn missing(&self, last: u64) -> impl Iterator<Item = u64> {
        let last = last.min(self.aru.saturating_add(MAX_OUTSTANDING));
        (self.aru + 1..=last).filter(|&seq| self.get(seq).is_none())
    }

    /// The frames up to `seq` are not needed any more. They have all been
    /// here.
    pub(super) fn release(&mut self, seq: u64) {
        let seq = seq.min(self.aru);
        while self.released < seq {
            self.slots.pop_front();
            self.released += 1;
        }
    }

    /// The number of a frame that nobody else will ever ask for.
    pub(super) fn pass(&mut self) -> u64 {
        debug_assert!(self.slots.is_empty(), "a ring of one member keeps no frames");
        self.released += 1;
        self.aru = self.released;
        self.aru
    }

    fn index(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.released)?.checked_sub(1)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::NodeId;

    fn frame() -> Frame {
        let from = NodeId::new([10, 0, 0, 1].into());
        Frame { payload: Payload::New { from, chunks: [1].into() }, needs_safe: false }
    }

    /// [SRP95] 4: my_aru is the number up to which all have been received.
    #[test]
    fn aru_stops_at_a_gap() {
        let mut frames = Frames::new(0);
        assert_eq!(frames.insert(1, frame()), Inserted::New);
        assert_eq!(frames.insert(4, frame()), Inserted::New);
        assert_eq!((frames.aru(), frames.high()), (1, 4));
        assert_eq!(frames.missing(9).collect::<Vec<_>>(), [2, 3, 5, 6, 7, 8, 9]);
        frames.insert(3, frame());
        frames.insert(2, frame());
        assert_eq!((frames.aru(), frames.high()), (4, 4));
        assert_eq!(frames.insert(4, frame()), Inserted::Known);
    }

    #[test]
    fn what_is_released_is_known_but_gone() {
        let mut frames = Frames::new(7);
        for seq in [8, 9, 11] {
            frames.insert(seq, frame());
        }
        frames.release(11);
        assert_eq!((frames.released(), frames.aru(), frames.high()), (9, 9, 11));
        assert_eq!(frames.insert(9, frame()), Inserted::Known);
        assert!(frames.get(9).is_none() && frames.get(11).is_some());
    }

    #[test]
    fn another_frame_is_noticed_and_above_a_gap_neither_is_kept() {
        let other = || {
            let from = NodeId::new([10, 0, 0, 2].into());
            Frame { payload: Payload::New { from, chunks: [2, 2].into() }, needs_safe: false }
        };
        let mut frames = Frames::new(0);
        for seq in [1, 3, 4] {
            frames.insert(seq, frame());
        }
        assert_eq!(frames.insert(1, other()), Inserted::Other);
        assert_eq!(frames.insert(3, other()), Inserted::Doubtful);
        assert!(frames.get(1).is_some() && frames.get(3).is_none());
        assert_eq!((frames.above_gap, frames.high()), (1, 4));
        assert_eq!(frames.insert(3, other()), Inserted::New);
        assert_eq!(frames.above_gap, 3);
        frames.forget_above(3);
        assert_eq!((frames.above_gap, frames.high()), (2, 3));
        frames.insert(2, frame());
        assert_eq!((frames.above_gap, frames.aru()), (0, 3));
        frames.forget_above(1);
        assert_eq!(frames.high(), 3);
    }

    #[test]
    fn bytes_above_a_gap_are_bounded() {
        let from = NodeId::new([10, 0, 0, 1].into());
        let chunks: crate::Bytes = vec![1; 1 << 16].into();
        let mut frames = Frames::new(0);
        let long =
            || Frame { payload: Payload::New { from, chunks: chunks.clone() }, needs_safe: false };
        let kept = (2..=MAX_OUTSTANDING).take_while(|&seq| {
            frames.has_room(seq, 1 << 16) && frames.insert(seq, long()) == Inserted::New
        });
        assert_eq!(kept.count(), MAX_ABOVE_GAP >> 16);
        assert!(frames.has_room(1, 1 << 16), "what fills the gap");
        frames.insert(1, long());
        assert_eq!(frames.above_gap, 0);
    }

    #[test]
    fn a_frame_far_ahead_is_not_kept() {
        let mut frames = Frames::new(0);
        assert_eq!(frames.insert(MAX_OUTSTANDING + 1, frame()), Inserted::TooFar);
        assert_eq!(frames.insert(u64::MAX, frame()), Inserted::TooFar);
        assert_eq!(frames.insert(MAX_OUTSTANDING, frame()), Inserted::New);
        assert_eq!(frames.missing(u64::MAX).count() as u64, MAX_OUTSTANDING - 1);
    }
}
