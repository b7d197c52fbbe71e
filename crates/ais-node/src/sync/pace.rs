//! How fast a state is sent beside the messages of programs.

use super::transfer::CHUNKS_IN_FLIGHT;
use crate::SNAPSHOT_CHUNK;

/// Chunks that come back without a message of a service between them before
/// programs count as quiet: those that wait for answers look quiet for a while.
const QUIET: usize = 100;
/// For so many times as long as a chunk was under way none is sent, but not
/// longer than so many nanoseconds.
const REST: u64 = 2;
const LONGEST_REST: u64 = 8_000_000;
/// A way that is fast enough brings a chunk to a member in so many round trips,
/// and so many nanoseconds.
const ROUND_TRIPS: u64 = 3;
const FAST_ENOUGH: u64 = 1_000_000;
/// For so many times as long as it took beyond that none is sent, but not longer
/// than so many nanoseconds.
const REST_IF_SLOW: u64 = 5;
const LONGEST_REST_IF_SLOW: u64 = 1_000_000_000;

/// While programs are quiet the state has all of its window, one chunk after
/// the other. Else it has about as many bytes as they have, or one chunk, until
/// all members have that, and rests then: their answers wait for round trips of
/// the group, and programs and executives for processors. Where a chunk keeps the
/// way to a member busy, what programs send waits behind it, and it rests for
/// longer.
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
    /// The last chunk that came back, as long as some member may lack it.
    awaited: Option<u64>,
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

    /// A chunk has come back, with this number.
    pub(super) fn landed(&mut self, number: u64) {
        self.quiet = self.quiet.saturating_add(1);
        self.bytes_before = std::mem::take(&mut self.bytes);
        self.awaited = (!self.is_free()).then_some(number);
    }

    /// All members have what has a number up to this one. A message goes round all
    /// of them in `round_trip`.
    pub(super) fn stable(&mut self, now: u64, number: u64, round_trip: u64) {
        if self.awaited.take_if(|awaited| *awaited <= number).is_some() {
            let fast = round_trip.saturating_mul(ROUND_TRIPS).saturating_add(FAST_ENOUGH);
            let took = now.saturating_sub(self.sent);
            let rest = took.saturating_mul(REST).min(LONGEST_REST);
            let slow = took.saturating_sub(fast).saturating_mul(REST_IF_SLOW);
            self.next = now.saturating_add(rest.max(slow.min(LONGEST_REST_IF_SLOW)));
        }
    }

    /// So many chunks may be under way.
    pub(super) fn limit(&self) -> usize {
        if self.is_free() {
            return CHUNKS_IN_FLIGHT;
        }
        (self.bytes_before / SNAPSHOT_CHUNK).clamp(1, CHUNKS_IN_FLIGHT)
    }

    /// When the next chunk may be sent, in nanoseconds; never as long as that is
    /// not known.
    pub(super) fn next(&self) -> u64 {
        match self.awaited {
            _ if self.is_free() => 0,
            Some(_) => u64::MAX,
            None => self.next,
        }
    }

    fn is_free(&self) -> bool {
        self.is_alone || self.quiet >= QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn programs_and_state_share() {
        assert_eq!(Pace::new(true).limit(), CHUNKS_IN_FLIGHT);
        let mut pace = Pace::default();
        assert_eq!(pace.limit(), 1);
        for number in 0..QUIET as u64 {
            pace.landed(number);
        }
        assert_eq!((pace.limit(), pace.next()), (CHUNKS_IN_FLIGHT, 0), "nobody else sends");
        pace.message(100);
        assert_eq!(pace.limit(), 1);
        pace.sends(1_000);
        pace.landed(200);
        pace.stable(1_400, 200, 100);
        assert_eq!((pace.limit(), pace.next()), (1, 1_400 + REST * 400));
        pace.message(3 * SNAPSHOT_CHUNK);
        pace.landed(201);
        assert_eq!(pace.limit(), 3);
        pace.stable(u64::MAX / 2 + 1, 201, 100);
        assert_eq!(pace.next(), u64::MAX / 2 + 1 + LONGEST_REST_IF_SLOW);
        pace.message(100 * SNAPSHOT_CHUNK);
        pace.landed(202);
        assert_eq!(pace.limit(), CHUNKS_IN_FLIGHT);
    }

    /// How long the next chunk waits after one that all members have so long
    /// after it was sent, where a message goes round in `round_trip`.
    fn rest(took: u64, round_trip: u64) -> u64 {
        let mut pace = Pace::default();
        pace.message(1);
        pace.sends(MS);
        pace.landed(7);
        assert_eq!(pace.next(), u64::MAX, "a member may lack it");
        pace.stable(MS + took / 2, 6, round_trip);
        assert_eq!(pace.next(), u64::MAX);
        pace.stable(MS + took, 7, round_trip);
        pace.next().saturating_sub(MS + took)
    }

    #[test]
    fn a_chunk_that_keeps_a_slow_way_busy_is_followed_by_a_long_rest() {
        assert_eq!(rest(MS, MS / 10), 2 * MS, "a fast network");
        // 32 kB at 10 Mbit/s.
        let slow = rest(27 * MS, MS);
        assert!(slow >= 4 * 27 * MS, "programs have four fifths of the time: {slow}");
        assert_eq!(rest(60_000 * MS, MS), LONGEST_REST_IF_SLOW);
    }

    #[test]
    fn where_all_messages_take_long_no_chunk_is_the_cause() {
        assert_eq!(rest(60 * MS, 30 * MS), LONGEST_REST);
        assert_eq!(rest(450 * MS, 150 * MS), LONGEST_REST);
    }
}
