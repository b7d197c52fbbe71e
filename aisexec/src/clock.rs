//! The clocks. Everything else is told the time.

use ais_node::Now;
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// The time on both clocks.
pub(crate) fn now() -> Now {
    Now { monotonic: monotonic(), wall: wall() }
}

/// Nanoseconds since some fixed point; never goes back.
pub(crate) fn monotonic() -> u64 {
    u64::try_from(read(ClockId::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// Nanoseconds since the epoch. Not of clock_gettime(2): where its seconds
/// have 32 bits they end in 2038.
pub(crate) fn wall() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the reactor")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    nanoseconds(since)
}

fn read(clock: ClockId) -> i64 {
    // The clocks exist on every Linux, so this does not fail.
    nanoseconds(clock_gettime(clock).map_or(Duration::ZERO, Duration::from))
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
