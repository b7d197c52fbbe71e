//! The frames of a ring that this member has, by sequence number.

use crate::packet::{MAX_SEQ, Payload};
use std::collections::VecDeque;

/// A frame that far above what a member has without a gap is not kept. Senders
/// stay far below ([`super::token::MAX_OUTSTANDING`]).
pub(super) const SPAN: u64 = 4096;
/// A ring whose frames have come this far is replaced by a new one.
pub(super) const LAST_SEQ: u64 = MAX_SEQ - 4 * SPAN;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) payload: Payload,
    /// It is delivered only when every member has it.
    pub(super) needs_safe: bool,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    New,
    /// It was there, or was there and is not needed any more.
    Known,
    /// It is further ahead than any sender may be.
    TooFar,
}

#[derive(Debug)]
pub(super) struct Frames {
    /// All frames up to this one are released.
    released: u64,
    /// The frames after `released`.
    slots: VecDeque<Option<Frame>>,
    aru: u64,
}

impl Frames {
    /// Frames are numbered from the one after `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { released: first, slots: VecDeque::new(), aru: first }
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
        seq <= self.aru.saturating_add(SPAN)
    }

    pub(super) fn insert(&mut self, seq: u64, frame: Frame) -> Inserted {
        if !self.is_near(seq) {
            return Inserted::TooFar;
        }
        let Some(index) = self.index(seq) else { return Inserted::Known };
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        match self.slots.get_mut(index) {
            Some(slot @ None) => *slot = Some(frame),
            _ => return Inserted::Known,
        }
        while self.get(self.aru + 1).is_some() {
            self.aru += 1;
        }
        Inserted::New
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Frame> {
        self.slots.get(self.index(seq)?)?.as_ref()
    }

    /// The frames up to `last` that are not here, lowest first.
    pub(super) fn missing(&self, last: u64) -> impl Iterator<Item = u64> {
        let last = last.min(self.aru.saturating_add(SPAN));
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
    fn a_frame_far_ahead_is_not_kept() {
        let mut frames = Frames::new(0);
        assert_eq!(frames.insert(SPAN + 1, frame()), Inserted::TooFar);
        assert_eq!(frames.insert(u64::MAX, frame()), Inserted::TooFar);
        assert_eq!(frames.insert(SPAN, frame()), Inserted::New);
        assert_eq!(frames.missing(u64::MAX).count() as u64, SPAN - 1);
    }
}
