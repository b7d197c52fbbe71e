//! The watch over the loop: how long each of its steps takes. Whatever a step
//! does, all else waits for it, so none is to take longer than a program or
//! another node can wait.
//!
//! A clock is read once for each step. What the thread has used of a processor
//! is asked for once in a millisecond at most, so a step is known to have taken
//! long, and not merely to have waited for a processor that others had: that is
//! also what mostly follows when it has waited for something else for a moment.

use crate::daemon::Token;
use ais_node::Complaints;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

const MILLISECOND: u64 = 1_000_000;
/// What the thread had used at an earlier time is good for so long, in ns:
/// shorter steps are not looked at.
const FRESH: u64 = MILLISECOND;
/// How long steps take that are counted, in ns, with the names of the counters.
const COUNTED: [(u64, &str); 3] = [
    (5 * MILLISECOND, "steps-over-5ms"),
    (20 * MILLISECOND, "steps-over-20ms"),
    (100 * MILLISECOND, "steps-over-100ms"),
];
/// How long a step takes that the log tells of, in ns.
const TOO_LONG: u64 = 20 * MILLISECOND;
/// New pages that take about a millisecond: fewer are not worth a word.
const MANY_PAGES: libc::c_long = 500;
/// The least time between two lines about steps of a kind, in ns.
const INTERVAL: u64 = 10_000 * MILLISECOND;

/// A part of a round of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Taking the datagrams of other nodes, and what they bring about.
    Datagrams,
    /// What an event asks for.
    Event(Token),
    /// A turn of a connection, by its number.
    Turn(u64),
    /// Ending and resuming some of what is to be ended and resumed.
    Tidying,
    /// What was due.
    Time,
    /// Sending what all that has brought about.
    Sending,
}

impl Step {
    fn kind(self) -> &'static str {
        match self {
            Self::Datagrams | Self::Event(Token::Ring) => "datagrams of other nodes",
            Self::Event(Token::Signals) => "a signal",
            Self::Event(Token::Listener) => "a new connection",
            Self::Event(Token::Stream(_) | Token::Events(_)) => "news of a connection",
            Self::Turn(_) => "a turn of a connection",
            Self::Event(Token::Process(_)) => "the end of a process",
            Self::Tidying => "the end of connections and processes, bit by bit",
            Self::Event(Token::Writer) => "numbers of rings that are in their file",
            Self::Time => "timers",
            Self::Sending => "sending datagrams",
        }
    }
}

/// How long the last step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Took {
    /// By the clock, in ns.
    all: u64,
    /// Of that, what it is answerable for: the time it ran, and what it waited for
    /// anything but a processor.
    own: u64,
    has_waited: bool,
    /// Pages of memory that the system had to find for it.
    pages: libc::c_long,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, own, has_waited, pages } = self;
        write!(f, "{} ms", own / MILLISECOND)?;
        if *pages >= MANY_PAGES {
            write!(f, ", with {pages} new pages of memory")?;
        }
        if *has_waited {
            f.write_str(", in which it waited for the system")?;
        }
        let rest = (all - own) / MILLISECOND;
        if rest > 0 {
            write!(f, ", and {rest} ms in which others had the processor")
        } else {
            Ok(())
        }
    }
}

/// The watch.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// When the step that is under way began, on the monotonic clock.
    began: u64,
    /// What the thread had used by then, or a little before.
    used: Used,
    clock: Clock,
    /// By the bounds of [`COUNTED`].
    counts: [u64; COUNTED.len()],
    /// In ns.
    longest: u64,
    /// Steps that would be counted as too long, had the thread run.
    held_up: u64,
    complaints: Complaints<&'static str>,
}

/// What the thread has used at a time.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// When, on the monotonic clock.
    at: u64,
    /// Time on a processor, in ns.
    ran: u64,
    /// How often it has waited for something else than a processor.
    waits: libc::c_long,
    /// Pages of memory that were not there when it came to them.
    faults: libc::c_long,
    /// How long it was ready and others had the processors, in ns.
    queued: u64,
}

/// What tells how much this thread has used.
#[derive(Debug)]
struct Clock {
    /// The scheduler's own account, where the kernel keeps one.
    schedstat: Option<File>,
}

impl Clock {
    fn new() -> Self {
        Self { schedstat: File::open("/proc/thread-self/schedstat").ok() }
    }

    fn used(&self, now: u64) -> Used {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok();
        Used {
            at: now,
            ran: usage.map_or(0, ran),
            waits: usage.map_or(0, |usage| usage.voluntary_context_switches()),
            faults: usage.map_or(0, |usage| usage.minor_page_faults()),
            queued: self.queued().unwrap_or(0),
        }
    }

    fn queued(&self) -> Option<u64> {
        let mut line = [0; 80];
        let length = self.schedstat.as_ref()?.read_at(&mut line, 0).ok()?;
        let line = std::str::from_utf8(&line[..length]).ok()?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

/// Time on a processor, in ns.
fn ran(usage: Usage) -> u64 {
    let ran = usage.user_time().num_nanoseconds() + usage.system_time().num_nanoseconds();
    u64::try_from(ran).unwrap_or(0)
}

impl Watchdog {
    /// A loop that is about to begin.
    pub(crate) fn new(now: u64) -> Self {
        let clock = Clock::new();
        Self {
            began: now,
            used: clock.used(now),
            clock,
            counts: [0; COUNTED.len()],
            longest: 0,
            held_up: 0,
            complaints: Complaints::every(INTERVAL),
        }
    }

    /// A step begins. `has_slept` says whether the thread may have waited since
    /// the last one, as it does for events.
    pub(crate) fn begin(&mut self, now: u64, has_slept: bool) {
        self.began = now;
        if now.saturating_sub(self.used.at) >= FRESH {
            self.used = self.clock.used(now);
        } else if has_slept {
            // A sleep between two steps is not what a step has waited for.
            self.used.waits += 1;
        }
    }

    /// When the step that is under way began, on the monotonic clock.
    pub(crate) fn began(&self) -> u64 {
        self.began
    }

    /// The step is over, and the next one begins. `who` says in words what is
    /// behind it, if it took too long.
    pub(crate) fn end(&mut self, now: u64, step: Step, who: impl FnOnce() -> Option<String>) {
        let began = std::mem::replace(&mut self.began, now);
        if now.saturating_sub(self.used.at) < FRESH {
            return;
        }
        let after = self.clock.used(now);
        let used = std::mem::replace(&mut self.used, after);
        let took = took(now.saturating_sub(began), used, self.used);
        self.count(took);
        if took.own >= TOO_LONG {
            let kind = step.kind();
            let who = who().map_or_else(String::new, |who| format!(" ({who})"));
            self.complaints.log(
                now,
                kind,
                format_args!("a step of the loop took {took}: {kind}{who}"),
            );
        }
    }

    fn count(&mut self, took: Took) {
        for (count, (bound, _)) in self.counts.iter_mut().zip(COUNTED) {
            *count += u64::from(took.own >= bound);
        }
        self.longest = self.longest.max(took.own);
        self.held_up += u64::from(took.all >= TOO_LONG && took.own < TOO_LONG);
    }

    /// What was counted since the start, by name, in a fixed order.
    pub(crate) fn counters(&self) -> [(&'static str, u64); 5] {
        let [short, long, longer] = COUNTED.map(|(_, name)| name);
        [
            (short, self.counts[0]),
            (long, self.counts[1]),
            (longer, self.counts[2]),
            ("steps-longest-us", self.longest / 1000),
            ("steps-held-up", self.held_up),
        ]
    }
}

/// How long a step took, from what the thread had used before and after it.
fn took(all: u64, before: Used, after: Used) -> Took {
    let has_waited = after.waits > before.waits;
    let ran = after.ran.saturating_sub(before.ran).min(all);
    let queued = after.queued.saturating_sub(before.queued);
    let own = if has_waited { ran.max(all.saturating_sub(queued)) } else { ran };
    Took { all, own, has_waited, pages: after.faults.saturating_sub(before.faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use nix::poll::poll;

    fn counters(watchdog: &Watchdog) -> [u64; 5] {
        watchdog.counters().map(|(_, count)| count)
    }

    #[test]
    fn a_step_counts_for_as_long_as_it_ran_or_waited() {
        let used = |ran: u64, waits, queued: u64| {
            let (ran, queued) = (ran * MILLISECOND, queued * MILLISECOND);
            Used { at: 0, ran, waits, faults: 0, queued }
        };
        for (all, ran, waits, queued, own) in [
            (30, 30, 0, 0, 30),
            (30, 2, 0, 28, 2),
            // Where the kernel does not say how long it was ready.
            (30, 2, 0, 0, 2),
            (30, 2, 1, 0, 30),
            (30, 2, 1, 20, 10),
            // The time before it is a little more than it took itself.
            (30, 31, 0, 0, 30),
            (30, 2, 1, 31, 2),
        ] {
            let after = used(7 + ran, 5 + waits, 3 + queued);
            let took = took(all * MILLISECOND, used(7, 5, 3), after);
            assert_eq!((took.own, took.has_waited), (own * MILLISECOND, waits > 0));
        }
    }

    #[test]
    fn long_steps_are_counted_by_how_long_they_took() {
        let mut watchdog = Watchdog::new(0);
        assert_eq!(counters(&watchdog), [0; 5]);
        for (all, own) in [(5, 5), (19, 19), (20, 20), (300, 300), (50, 4), (50, 6)] {
            let (all, own) = (all * MILLISECOND, own * MILLISECOND);
            watchdog.count(Took { all, own, has_waited: false, pages: 0 });
        }
        assert_eq!(counters(&watchdog), [5, 2, 1, 300_000, 2]);
    }

    #[test]
    fn one_that_computes_and_one_that_waits_are_found() {
        let now = clock::monotonic;
        let ran = || Clock::new().used(0).ran;
        let mut watchdog = Watchdog::new(now());
        watchdog.begin(now(), true);
        let start = ran();
        while ran() - start < 2 * TOO_LONG {}
        watchdog.end(now(), Step::Time, || Some("a loop".into()));
        assert_eq!(counters(&watchdog)[1], 1);
        poll(&mut [], 25u8).unwrap();
        watchdog.end(now(), Step::Sending, || None);
        assert_eq!(counters(&watchdog)[1], 2);
        // What comes between two rounds is no step.
        poll(&mut [], 25u8).unwrap();
        watchdog.begin(now(), true);
        watchdog.end(now(), Step::Turn(1), || panic!("it took no time"));
        assert!(watchdog.longest >= TOO_LONG);
    }

    #[test]
    fn it_says_what_took_how_long() {
        let of_pages = |all, own, has_waited, pages| {
            let (all, own) = (all * MILLISECOND, own * MILLISECOND);
            Took { all, own, has_waited, pages }.to_string()
        };
        let took = |all, own, has_waited| of_pages(all, own, has_waited, MANY_PAGES - 1);
        assert_eq!(took(30, 30, false), "30 ms");
        assert_eq!(of_pages(30, 30, false, 4096), "30 ms, with 4096 new pages of memory");
        assert_eq!(took(50, 30, false), "30 ms, and 20 ms in which others had the processor");
        assert_eq!(took(30, 30, true), "30 ms, in which it waited for the system");
        let both = took(50, 30, true);
        assert!(both.ends_with("for the system, and 20 ms in which others had the processor"));
    }
}
