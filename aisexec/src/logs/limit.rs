//! How much one cause may put into the log. A cause is a place in the code that
//! says something, and of that a text that it says: so a component, a process or
//! a node that does the same again and again is told of now and then, others
//! beside it are told of all the same, and whatever is said, by whichever place,
//! has a bound. What was left out is counted, and said.

use crate::clock::{self, SECOND};
use env_logger::Logger;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// How often a line may be written: so many at once, and then one in so many ns.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: u64,
    interval: u64,
}

/// Of the same text.
const SAME: Rate = Rate { burst: 10, interval: SECOND };
/// Of all texts of one place. All components of a large node may fail at once.
const PLACE: Rate = Rate { burst: 1000, interval: SECOND / 10 };
/// Texts of one place that are told apart; those beyond have the bound of their
/// place alone.
const MOST_TEXTS: usize = 256;
/// How long lines are left out before the log tells of it, in ns.
const TELL_AFTER: u64 = 10 * SECOND;
/// Bytes of a line that stands for those that were left out.
const LONGEST_EXAMPLE: usize = 256;

/// The log, as far as causes may fill it.
#[derive(Debug)]
pub(super) struct Limited {
    logger: Logger,
    limit: Mutex<Limit>,
}

impl Limited {
    pub(super) fn new(logger: Logger) -> Self {
        Self { logger, limit: Mutex::default() }
    }

    /// The level of which nothing less urgent is written.
    pub(super) fn most(&self) -> LevelFilter {
        self.logger.filter()
    }

    /// Tells what was left out for some time, or whatever was if `all`.
    pub(super) fn tell(&self, now: u64, all: bool) {
        let due = self.with(|limit| limit.take_due(now, all));
        for LeftOut { lines, since, level, target, example } in due {
            let seconds = now.saturating_sub(since).div_ceil(SECOND);
            let text =
                format_args!("{lines} lines like this were left out in {seconds} s: {example}");
            self.write(level, &target, text);
        }
    }

    fn write(&self, level: Level, target: &str, text: Arguments<'_>) {
        self.logger.log(&Record::builder().level(level).target(target).args(text).build());
    }

    /// Lines that were left out since the start.
    pub(super) fn left_out(&self) -> u64 {
        self.with(|limit| limit.left_out)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Limit) -> T) -> T {
        act(&mut self.limit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log for Limited {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.logger.matches(record) {
            return;
        }
        let text = record.args().to_string();
        let line = Line {
            place: (record.file_static().unwrap_or_default(), record.line().unwrap_or(0)),
            level: record.level(),
            target: record.target(),
            text: &text,
        };
        if self.with(|limit| limit.admit(clock::monotonic(), &line)) {
            self.write(line.level, line.target, format_args!("{text}"));
        }
    }

    fn flush(&self) {
        self.logger.flush();
    }
}

/// A line that somebody wants to write.
#[derive(Debug)]
struct Line<'a> {
    /// The file and the line of the code.
    place: (&'static str, u32),
    level: Level,
    target: &'a str,
    text: &'a str,
}

/// What was written lately, and what was not.
#[derive(Debug, Default)]
struct Limit {
    places: BTreeMap<(&'static str, u32), Place>,
    /// Lines since the start.
    left_out: u64,
}

#[derive(Debug, Default)]
struct Place {
    all: Bucket,
    /// By digest.
    texts: BTreeMap<u64, Bucket>,
    left_out: Option<LeftOut>,
}

/// Lines that were not written.
#[derive(Debug)]
struct LeftOut {
    lines: u64,
    /// When the first of them was to be.
    since: u64,
    level: Level,
    target: String,
    /// One of them.
    example: String,
}

/// When the line after the last one is due, if none of the burst was left.
#[derive(Debug, Default, Clone, Copy)]
struct Bucket(u64);

impl Bucket {
    fn admits(self, now: u64, rate: Rate) -> bool {
        self.0.saturating_sub(now) <= rate.interval * (rate.burst - 1)
    }

    fn take(&mut self, now: u64, rate: Rate) {
        self.0 = self.0.max(now) + rate.interval;
    }
}

impl Limit {
    /// Whether a line is to be written.
    fn admit(&mut self, now: u64, line: &Line<'_>) -> bool {
        let place = self.places.entry(line.place).or_default();
        let is_admitted = place.admit(now, line.text);
        if !is_admitted {
            place.left_out.get_or_insert_with(|| LeftOut::new(now, line)).lines += 1;
            self.left_out += 1;
        }
        is_admitted
    }

    /// What is to be told of now.
    fn take_due(&mut self, now: u64, all: bool) -> Vec<LeftOut> {
        let is_due =
            |left_out: &mut LeftOut| all || now.saturating_sub(left_out.since) >= TELL_AFTER;
        self.places.values_mut().filter_map(|place| place.left_out.take_if(is_due)).collect()
    }
}

impl Place {
    fn admit(&mut self, now: u64, text: &str) -> bool {
        if !self.all.admits(now, PLACE) {
            return false;
        }
        let mut digest = DefaultHasher::new();
        text.hash(&mut digest);
        let digest = digest.finish();
        if self.texts.len() >= MOST_TEXTS && !self.texts.contains_key(&digest) {
            self.texts.retain(|_, same| same.0 > now);
        }
        if self.texts.len() < MOST_TEXTS || self.texts.contains_key(&digest) {
            let same = self.texts.entry(digest).or_default();
            if !same.admits(now, SAME) {
                return false;
            }
            same.take(now, SAME);
        }
        self.all.take(now, PLACE);
        true
    }
}

impl LeftOut {
    fn new(now: u64, line: &Line<'_>) -> Self {
        let mut ends = (0..=LONGEST_EXAMPLE).rev();
        let end = ends.find(|end| line.text.is_char_boundary(*end)).unwrap_or(0);
        Self {
            lines: 0,
            since: now,
            level: line.level,
            target: line.target.into(),
            example: line.text[..end].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(number: u32, text: &'a str) -> Line<'a> {
        Line { place: ("file.rs", number), level: Level::Warn, target: "target", text }
    }

    fn admitted(limit: &mut Limit, now: u64, number: u32, text: &str, times: usize) -> usize {
        (0..times).filter(|_| limit.admit(now, &line(number, text))).count()
    }

    #[test]
    fn the_same_is_said_now_and_then_and_others_all_the_same() {
        let mut limit = Limit::default();
        let burst = SAME.burst as usize;
        assert_eq!(admitted(&mut limit, 5, 1, "a", 100_000), burst);
        assert_eq!(admitted(&mut limit, 5, 1, "b", 3), 3);
        assert_eq!(admitted(&mut limit, 5, 2, "a", 3), 3);
        assert_eq!(admitted(&mut limit, 5 + 3 * SECOND, 1, "a", 100), 3);
        assert_eq!(admitted(&mut limit, 5 + 60 * SECOND, 1, "a", 100), burst);
    }

    #[test]
    fn a_place_has_a_bound_whatever_it_says() {
        let mut limit = Limit::default();
        let burst = PLACE.burst as usize;
        let texts: Vec<String> = (0..10 * burst).map(|number| number.to_string()).collect();
        let count = |limit: &mut Limit, now| {
            texts.iter().filter(|text| limit.admit(now, &line(1, text))).count()
        };
        assert_eq!(count(&mut limit, 5), burst);
        assert_eq!(count(&mut limit, 5 + SECOND), 10);
        assert_eq!(limit.places[&("file.rs", 1)].texts.len(), MOST_TEXTS);
        assert_eq!(admitted(&mut limit, 5 + SECOND, 2, "another", 1), 1);
    }

    #[test]
    fn what_was_left_out_is_told_once_with_how_much_it_was() {
        let mut limit = Limit::default();
        let long = "ä".repeat(LONGEST_EXAMPLE);
        admitted(&mut limit, 7, 1, &long, 100);
        admitted(&mut limit, 7, 2, "short", 1);
        assert!(limit.take_due(7 + TELL_AFTER - 1, false).is_empty());
        let due = limit.take_due(7 + TELL_AFTER, false);
        let [LeftOut { lines: 90, since: 7, example, .. }] = &due[..] else { panic!("{due:?}") };
        assert_eq!(example.len(), LONGEST_EXAMPLE);
        assert!(limit.take_due(u64::MAX, true).is_empty());
        admitted(&mut limit, 8 + TELL_AFTER, 1, &long, 100);
        let due = limit.take_due(8 + TELL_AFTER, true);
        // One was due for each second that had passed.
        let [LeftOut { lines: 90, .. }] = &due[..] else { panic!("{due:?}") };
        assert_eq!(limit.left_out, 180);
    }
}
