//! How fast a state is sent beside the messages of programs.

use super::transfer::CHUNKS_IN_FLIGHT;
use crate::SNAPSHOT_CHUNK;

/// Chunks that come back without a message of a service between them before
/// programs count as quiet: those that wait for answers look quiet for a while.
const QUIET: usize = 100;
/// For so many times as long as a chunk was under way none is sent.
const REST: u64 = 5;
/// But not longer than this, in nanoseconds.
const LONGEST_REST: u64 = 20_000_000;

/// While programs are quiet the state has all of its window, one chunk after
/// the other. Else it has about as many bytes as they have, or one chunk, and
/// rests after that: their answers wait for rotations of the ring, and
/// programs and executives for processors.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// No programs are to be considered.
    is_alone: bool,
    /// Chunks that have come back since the last message of a service.
    quiet: usize,
    /// Bytes of such messages since the last chunk came back, and before that.
    bytes: usize,
    bytes_before: usize,
    /// When the last chunk was sent, and when the next one may be.
    sent: u64,
    next: u64,
}

impl Pace {
    pub(super) fn new(is_alone: bool) -> Self {
        Self { is_alone, ..Self::default() }
    }

    /// A message of a service was delivered.
    pub(super) fn message(&mut self, bytes: usize) {
        self.quiet = 0;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// A chunk is sent.
    pub(super) fn sends(&mut self, now: u64) {
        self.sent = now;
    }

    /// A chunk has come back.
    pub(super) fn landed(&mut self, now: u64) {
        self.quiet = self.quiet.saturating_add(1);
        self.bytes_before = std::mem::take(&mut self.bytes);
        if !self.is_free() {
            let took = now.saturating_sub(self.sent);
            self.next = now.saturating_add(took.saturating_mul(REST).min(LONGEST_REST));
        }
    }

    /// So many chunks may be under way.
    pub(super) fn limit(&self) -> usize {
        if self.is_free() {
            return CHUNKS_IN_FLIGHT;
        }
        (self.bytes_before / SNAPSHOT_CHUNK).clamp(1, CHUNKS_IN_FLIGHT)
    }

    /// When the next chunk may be sent, in nanoseconds.
    pub(super) fn next(&self) -> u64 {
        if self.is_free() { 0 } else { self.next }
    }

    fn is_free(&self) -> bool {
        self.is_alone || self.quiet >= QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_state_share() {
        assert_eq!(Pace::new(true).limit(), CHUNKS_IN_FLIGHT);
        let mut pace = Pace::default();
        assert_eq!(pace.limit(), 1);
        for _ in 0..QUIET {
            pace.landed(5);
        }
        assert_eq!((pace.limit(), pace.next()), (CHUNKS_IN_FLIGHT, 0), "nobody else sends");
        pace.message(100);
        assert_eq!(pace.limit(), 1);
        pace.sends(1_000);
        pace.landed(1_300);
        assert_eq!((pace.limit(), pace.next()), (1, 1_300 + REST * 300));
        pace.message(3 * SNAPSHOT_CHUNK);
        pace.landed(u64::MAX / 2);
        assert_eq!((pace.limit(), pace.next()), (3, u64::MAX / 2 + LONGEST_REST));
        pace.message(100 * SNAPSHOT_CHUNK);
        pace.landed(0);
        assert_eq!(pace.limit(), CHUNKS_IN_FLIGHT);
    }
}
