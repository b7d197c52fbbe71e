//! Adaptive busy polling: asking for a reply a few microseconds long before
//! sleeping. A wake-up costs far more than a reply that is about to come; but
//! where replies come late, or a processor is missing, polling only costs.

use crate::sys::deadline::now;
use nix::sched::{CpuSet, sched_getaffinity, sched_yield};
use nix::unistd::Pid;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Threads that poll at this moment, in the whole process.
static POLLING: AtomicUsize = AtomicUsize::new(0);

/// The longest time to poll, whatever anybody says.
const LONGEST: Duration = Duration::from_millis(10);
/// Attempts between two offers of the processor to others: an offer costs as
/// much as an attempt or two.
const ATTEMPTS_PER_YIELD: u32 = 8;
/// After so many misses in a row the number of skipped calls stops growing.
const MOST_DOUBLINGS: u32 = 3;
/// An attempt takes a microsecond. With one that takes this long the processor
/// was with another program for a whole slice of time, since it was offered;
/// executives that work for the reply take less.
const CONTENDED: Duration = Duration::from_micros(500);
/// Calls without polling after that.
const CALLS_WHEN_CONTENDED: u32 = 256;
/// A try lasts this many times the budget at most: after a miss both sides are
/// waking up, which takes longer than a call in stride, and where other nodes
/// have to answer too every call does.
const LONGEST_TRY: u32 = 4;

/// The child of a fork has one thread, and that one does not poll.
pub(crate) fn forget_pollers() {
    POLLING.store(0, Ordering::Relaxed);
}

/// What a process knows about polling.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    time: Duration,
    processors: usize,
}

impl Budget {
    /// Polling for `microseconds`, or as `AIS_BUSY_POLL` says.
    pub(crate) fn new(microseconds: u32) -> Self {
        let wish = std::env::var("AIS_BUSY_POLL").ok().and_then(|text| text.trim().parse().ok());
        let time = Duration::from_micros(u64::from(wish.unwrap_or(microseconds)));
        Self { time: time.min(LONGEST), processors: processors() }
    }
}

/// How many processors this process may use; 1 if that is not known.
fn processors() -> usize {
    sched_getaffinity(Pid::from_raw(0)).map_or(1, |set| {
        (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count()
    })
}

/// What a connection has learned about polling.
#[derive(Debug)]
pub(crate) struct Poller {
    budget: Budget,
    /// How long the last hit took.
    took: Duration,
    misses: u32,
    skip: u32,
}

impl Poller {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, took: Duration::ZERO, misses: 0, skip: 0 }
    }

    /// Calls `attempt` again and again until it has a result or the time for
    /// polling is over.
    pub(crate) fn poll<T>(&mut self, attempt: impl FnMut() -> Option<T>) -> Option<T> {
        self.poll_by(now, attempt)
    }

    /// The same by any clock.
    fn poll_by<T>(
        &mut self,
        mut now: impl FnMut() -> Instant,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.budget.time.is_zero() || self.budget.processors < 2 {
            return None;
        }
        // The executive needs a processor too.
        let _turn = Turn::take(self.budget.processors)?;
        let longest = self.budget.time * LONGEST_TRY;
        let in_stride = self.budget.time.max(self.took * 2).min(longest);
        let time = if self.misses == 0 { in_stride } else { longest };
        let start = now();
        let mut waited = Duration::ZERO;
        for attempts in 1_u32.. {
            if let Some(result) = attempt() {
                self.misses = 0;
                self.took = waited;
                return Some(result);
            }
            if attempts % ATTEMPTS_PER_YIELD == 0 {
                let _ = sched_yield();
            }
            let before = std::mem::replace(&mut waited, now().saturating_duration_since(start));
            if waited.saturating_sub(before) >= CONTENDED {
                self.skip = CALLS_WHEN_CONTENDED;
                return attempt();
            }
            if waited >= time {
                break;
            }
        }
        self.skip = 1 << self.misses.min(MOST_DOUBLINGS);
        self.misses = self.misses.saturating_add(1);
        None
    }
}

/// The right to poll.
struct Turn;

impl Turn {
    fn take(processors: usize) -> Option<Self> {
        let turn = Self;
        // On None the turn is dropped, which takes the count back.
        (POLLING.fetch_add(1, Ordering::Relaxed) + 1 < processors).then_some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A fork in between has set the count to 0.
        let _ = POLLING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            Some(count.saturating_sub(1))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poller() -> Poller {
        Poller::new(Budget { time: Duration::from_nanos(1), processors: usize::MAX })
    }

    /// A clock on which so much time passes between two looks at it.
    fn clock(step: Duration) -> impl FnMut() -> Instant {
        let mut time = now();
        move || {
            time += step;
            time
        }
    }

    /// How many of the next calls do not poll.
    fn skipped(poller: &mut Poller) -> u32 {
        let mut skipped = 0;
        loop {
            let mut asked = false;
            let result = poller.poll_by(clock(Duration::from_micros(1)), || {
                asked = true;
                None::<()>
            });
            assert_eq!(result, None);
            if asked {
                return skipped;
            }
            skipped += 1;
        }
    }

    #[test]
    fn misses_back_off_and_a_hit_resets() {
        let mut poller = poller();
        let pauses: Vec<u32> = (0..9).map(|_| skipped(&mut poller)).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 8, 8, 8, 8]);
        poller.skip = 0;
        assert_eq!(poller.poll(|| Some(7)), Some(7));
        assert_eq!(skipped(&mut poller), 0);
        assert_eq!(skipped(&mut poller), 1);
    }

    #[test]
    fn where_others_need_the_processor_polling_pauses_for_long() {
        let budget = Budget { time: Duration::from_secs(1), processors: usize::MAX };
        let mut poller = Poller::new(budget);
        let result = poller.poll_by(clock(CONTENDED), || None::<()>);
        assert_eq!(result, None);
        assert_eq!(poller.skip, CALLS_WHEN_CONTENDED);
    }

    #[test]
    fn one_processor_or_no_time_is_no_polling() {
        for budget in [
            Budget { time: Duration::from_secs(1), processors: 1 },
            Budget { time: Duration::ZERO, processors: 8 },
        ] {
            assert_eq!(Poller::new(budget).poll(|| Some(1)), None);
        }
    }

    #[test]
    fn who_has_but_one_processor_polls_never() {
        assert!(Turn::take(0).is_none() && Turn::take(1).is_none());
    }
}
