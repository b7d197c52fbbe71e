//! The clocks. Everything else is told the time.

use ais_node::Now;
use nix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// The time on both clocks. The loop asks for it several times for each request, and one clock
/// costs half of two: how far apart they are is looked at once in [`APART_FOR`].
pub(crate) fn now() -> Now {
    /// When it was looked at how far apart the clocks are, on the monotonic clock. Of threads
    /// that look at the same time one may go by what was a moment before.
    static LOOKED_AT: AtomicU64 = AtomicU64::new(0);
    /// The wall clock less the monotonic one, in ns.
    static APART: AtomicI64 = AtomicI64::new(0);
    let now = monotonic();
    let looked_at = LOOKED_AT.load(Ordering::Acquire);
    if looked_at == 0 || now.saturating_sub(looked_at) >= APART_FOR {
        APART.store(wall().saturating_sub_unsigned(now), Ordering::Relaxed);
        LOOKED_AT.store(now, Ordering::Release);
    }
    Now { monotonic: now, wall: APART.load(Ordering::Relaxed).saturating_add_unsigned(now) }
}

/// How late it may show that the wall clock was set, in ns.
const APART_FOR: u64 = SECOND / 1000;

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

/// When this host was booted, in nanoseconds since the epoch, to the second:
/// the wall clock less the boot clock. That difference only changes when the
/// wall clock is set.
pub(crate) fn booted() -> i64 {
    let look = || {
        let before = read(ClockId::CLOCK_BOOTTIME);
        let wall = wall();
        (before, wall, read(ClockId::CLOCK_BOOTTIME))
    };
    boot(std::iter::repeat_with(look).take(LOOKS))
}

/// Looks at two clocks, of which the quickest counts.
const LOOKS: usize = 16;

/// What looks at the boot clock, the wall clock, and the boot clock again say.
/// The quickest is wrong by less than a microsecond, even if this process had
/// to wait in the midst of others: so restarts of the daemon agree, unless the
/// host was booted on the very border between two seconds.
fn boot(looks: impl Iterator<Item = (i64, i64, i64)>) -> i64 {
    let quickest = looks.min_by_key(|(before, _, after)| after.saturating_sub(*before));
    let (before, wall, after) = quickest.unwrap_or_default();
    let boot = wall.saturating_sub(before.midpoint(after));
    let second = SECOND.cast_signed();
    boot.saturating_add(second / 2).div_euclid(second).saturating_mul(second)
}

fn read(clock: ClockId) -> i64 {
    // The clocks exist on every Linux, so this does not fail.
    nanoseconds(clock_gettime(clock).map_or(Duration::ZERO, Duration::from))
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn the_quickest_look_tells_when_the_host_was_booted() {
        let look = |took, wall| (HOUR, wall, HOUR + took);
        // It had to wait for half a second in the first two.
        let looks =
            [(500_000_000, 9 * HOUR + 600_000_000), (500_000_000, 9 * HOUR), (40, 9 * HOUR)];
        assert_eq!(boot(looks.into_iter().map(|(took, wall)| look(took, wall))), 8 * HOUR);
    }

    #[test]
    fn looks_that_are_a_moment_apart_agree() {
        let second = SECOND.cast_signed();
        // Part of a second, and to how many seconds it is rounded.
        for (part, seconds) in
            [(-499_999_000, 0), (-1, 0), (0, 0), (499_999_000, 0), (500_001_000, 1)]
        {
            for took in [0, 80, 1_900] {
                let wall = 9 * HOUR + part + took / 2;
                assert_eq!(
                    boot([(HOUR, wall, HOUR + took)].into_iter()),
                    8 * HOUR + seconds * second
                );
            }
        }
    }

    #[test]
    fn it_is_what_the_kernel_says() {
        let stat = std::fs::read_to_string("/proc/stat").unwrap();
        let line = stat.lines().find_map(|line| line.strip_prefix("btime ")).unwrap();
        let second = SECOND.cast_signed();
        let btime = line.trim().parse::<i64>().unwrap() * second;
        assert!((booted() - btime).abs() <= second, "{} {btime}", booted());
        assert_eq!(booted() % second, 0);
        assert_eq!(booted(), booted());
    }
}
