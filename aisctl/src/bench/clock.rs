//! The clock of a measurement.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// `CLOCK_MONOTONIC`, which all processes of a machine see alike.
pub(super) fn now() -> Duration {
    // It has no reason to fail.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// Does nothing for so long.
#[expect(clippy::disallowed_methods, reason = "a pause is what was asked for")]
pub(super) fn pause(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}
