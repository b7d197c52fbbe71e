//! Adaptive busy polling. A wake-up across processors costs far more than
//! looking again for a few microseconds, so after it served something the
//! daemon looks for the next request before it sleeps, as long as that pays.
//! Only the decisions are here; the reactor reads the clock and polls.

/// A window that ended without an event is followed by this many rounds
/// without one at most, however often it happens.
const LONGEST_PAUSE: u32 = 16;
/// The pause after a look that took as long as only a look takes that was
/// interrupted: another process needs the processor.
const PAUSE_WHEN_PREEMPTED: u32 = 4;
/// A look takes a microsecond; one that takes this long, in ns, was
/// interrupted, or the processor went to another when it was offered.
const PREEMPTED: u64 = 30_000;
/// In the first window after sleeping both sides are still waking up, which
/// takes longer than a round in stride: it is this many times the budget.
const CATCHING_UP: u64 = 4;

/// What the daemon has learned about polling.
#[derive(Debug)]
pub(crate) struct BusyPoll {
    /// How long to poll, in ns.
    budget: u64,
    processors: usize,
    /// Rounds to let pass before the next window.
    skip: u32,
    /// Rounds that the next miss costs.
    pause: u32,
    in_stride: bool,
}

/// What to do after a look that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Look,
    Sleep,
}

/// A window in which the daemon polls.
#[derive(Debug)]
pub(crate) struct Window {
    end: u64,
    last: u64,
}

impl BusyPoll {
    /// Polls for `microseconds`; never if that is 0.
    pub(crate) fn new(microseconds: u32, processors: usize) -> Self {
        let budget = u64::from(microseconds) * 1000;
        Self { budget, processors, skip: 0, pause: 1, in_stride: false }
    }

    /// Something was served; opens a window if it may pay. It does not if so
    /// many `pollers` leave no processor for whoever is to be waited for.
    pub(crate) fn begin(&mut self, now: u64, pollers: usize) -> Option<Window> {
        if self.budget == 0 || self.processors <= pollers {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let budget = if self.in_stride { self.budget } else { self.budget * CATCHING_UP };
        Some(Window { end: now.saturating_add(budget), last: now })
    }

    /// A look found something.
    pub(crate) fn hit(&mut self) {
        self.pause = 1;
        self.in_stride = true;
    }

    /// A look found nothing.
    pub(crate) fn miss(&mut self, window: &mut Window, now: u64) -> Next {
        let took = now.saturating_sub(window.last);
        window.last = now;
        if took >= PREEMPTED {
            self.pause = self.pause.max(PAUSE_WHEN_PREEMPTED);
        } else if now < window.end {
            return Next::Look;
        }
        self.skip = self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.in_stride = false;
        Next::Sleep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rounds pass without a window; then one is opened and missed.
    fn pause(busy: &mut BusyPoll) -> u32 {
        let mut rounds = 0;
        loop {
            if let Some(mut window) = busy.begin(0, 1) {
                assert_eq!(busy.miss(&mut window, 1000), Next::Look);
                for at in (1000..).step_by(1000) {
                    if busy.miss(&mut window, at) == Next::Sleep {
                        return rounds;
                    }
                }
            }
            rounds += 1;
        }
    }

    #[test]
    fn misses_back_off_and_a_hit_resets() {
        let mut busy = BusyPoll::new(20, 2);
        let pauses: Vec<u32> = (0..11).map(|_| pause(&mut busy)).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 16, 16, 16, 16, 16]);
        busy.hit();
        assert_eq!(pause(&mut busy), 16);
        assert_eq!(pause(&mut busy), 1);
    }

    #[test]
    fn a_window_lasts_its_budget_in_stride() {
        let mut busy = BusyPoll::new(20, 2);
        busy.hit();
        let mut window = busy.begin(5_000, 1).unwrap();
        assert_eq!(busy.miss(&mut window, 24_999), Next::Look);
        assert_eq!(busy.miss(&mut window, 25_000), Next::Sleep);
    }

    #[test]
    fn an_interrupted_look_ends_the_window_for_long() {
        let mut busy = BusyPoll::new(1000, 2);
        busy.hit();
        let mut window = busy.begin(0, 1).unwrap();
        assert_eq!(busy.miss(&mut window, PREEMPTED), Next::Sleep);
        assert_eq!(pause(&mut BusyPoll { budget: 20_000, ..busy }), PAUSE_WHEN_PREEMPTED);
    }

    #[test]
    fn no_processor_to_spare_or_no_budget_is_no_polling() {
        assert!(BusyPoll::new(20, 1).begin(0, 1).is_none());
        assert!(BusyPoll::new(20, 3).begin(0, 3).is_none());
        assert!(BusyPoll::new(20, 4).begin(0, 3).is_some());
        assert!(BusyPoll::new(0, 8).begin(0, 1).is_none());
    }
}
