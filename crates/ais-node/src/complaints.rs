//! What the log says of what others do wrong: a line now and then, however
//! often they do it.

use std::fmt::Display;

/// The limit of lines.
#[derive(Debug)]
pub struct Complaints {
    /// The least time between two lines, in ns.
    interval: u64,
    /// When the next line may be written, on the monotonic clock.
    next: u64,
    suppressed: u64,
}

impl Complaints {
    /// At most a line in `interval` ns.
    #[must_use]
    pub fn every(interval: u64) -> Self {
        Self { interval, next: 0, suppressed: 0 }
    }

    /// Writes `text` to the log, unless a line was written just before.
    /// `now` is on the monotonic clock, in ns.
    pub fn log(&mut self, now: u64, text: impl Display) {
        if let Some(suppressed) = self.admit(now) {
            match suppressed {
                0 => log::warn!("{text}"),
                count => log::warn!("{text} ({count} earlier lines like this were left out)"),
            }
        }
    }

    /// Whether a line may be written, and how many were not before it.
    fn admit(&mut self, now: u64) -> Option<u64> {
        if now < self.next {
            self.suppressed += 1;
            return None;
        }
        self.next = now.saturating_add(self.interval);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn one_line_a_second_tells_of_the_others() {
        let mut complaints = Complaints::every(SECOND);
        let written: Vec<_> = [0, 1, SECOND - 1, SECOND, SECOND + 1, 9 * SECOND, 10 * SECOND]
            .map(|now| complaints.admit(now))
            .into();
        assert_eq!(written, [Some(0), None, None, Some(2), None, Some(1), Some(0)]);
    }
}
