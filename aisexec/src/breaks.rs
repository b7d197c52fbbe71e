//! Short breaks. A real-time process that finds work without end keeps all
//! ordinary programs off its processor, those that it has just answered too, as
//! the kernel likes to run who is woken where it was woken.
//! Only the decisions are here; the reactor reads the clock and sleeps.

use std::time::Duration;

/// The longest time without a break, in ns.
const WORKING_TIME: u64 = 2_000_000;
/// How long a break is: a program that was answered asks again in less.
pub(crate) const BREAK: Duration = Duration::from_micros(50);
/// A daemon that waits for so long, in ns, had nothing to do; a shorter wait is a look.
const LEAST: u64 = 5_000;

/// When this process last had nothing to do.
#[derive(Debug)]
pub(crate) struct Breaks {
    is_realtime: bool,
    last: u64,
}

impl Breaks {
    /// None are due if the daemon is no real-time process.
    pub(crate) fn new(is_realtime: bool) -> Self {
        Self { is_realtime, last: 0 }
    }

    /// There was nothing to do just now.
    pub(crate) fn idled(&mut self, now: u64) {
        self.last = now;
    }

    /// The daemon has waited for events, from when to when on the monotonic clock.
    pub(crate) fn waited(&mut self, from: u64, to: u64) {
        if to.saturating_sub(from) >= LEAST {
            self.idled(to);
        }
    }

    /// Whether it is time for one.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.is_realtime && now.saturating_sub(self.last) >= WORKING_TIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_on_has_a_break_now_and_then() {
        assert!(!Breaks::new(false).is_due(u64::MAX));
        let mut breaks = Breaks::new(true);
        breaks.waited(1_000_000, 1_000_000 + LEAST);
        let last = 1_000_000 + LEAST;
        assert!(!breaks.is_due(last + WORKING_TIME - 1));
        assert!(breaks.is_due(last + WORKING_TIME));
        breaks.waited(last + WORKING_TIME - LEAST + 1, last + WORKING_TIME);
        assert!(breaks.is_due(last + WORKING_TIME), "that was but a look");
        breaks.idled(last + WORKING_TIME);
        assert!(!breaks.is_due(last + WORKING_TIME));
    }
}
