//! What the log says of what others do wrong: a line now and then for each
//! cause and each caller that brings it about, however often it does. So no caller
//! fills the log, and none keeps what another does out of it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

/// How many causes and originators are told apart; those beyond share one line.
const MOST: usize = 64;

/// The limit of lines. `K` says what brings a line about.
#[derive(Debug)]
pub struct Complaints<K> {
    /// The least time between two lines of a kind, in ns.
    interval: u64,
    kinds: BTreeMap<(&'static Location<'static>, K), Said>,
    /// All kinds for which there is no place.
    others: Said,
}

/// What was said of a kind.
#[derive(Debug, Default)]
struct Said {
    /// When the next line may be written, on the monotonic clock.
    next: u64,
    suppressed: u64,
}

impl<K: Ord> Complaints<K> {
    /// At most a line in `interval` ns for each place in the code that calls
    /// [`Complaints::log`], and each `who` that it names.
    #[must_use]
    pub fn every(interval: u64) -> Self {
        Self { interval, kinds: BTreeMap::new(), others: Said::default() }
    }

    /// Writes `text` to the log, unless a line of this caller about `who` was
    /// written just before. `now` is on the monotonic clock, in ns.
    #[track_caller]
    pub fn log(&mut self, now: u64, who: K, text: impl Display) {
        if let Some(suppressed) = self.admit(now, (Location::caller(), who)) {
            match suppressed {
                0 => log::warn!("{text}"),
                count => log::warn!("{text} ({count} earlier lines like this were left out)"),
            }
        }
    }

    /// Whether a line may be written, and how many were not before it.
    fn admit(&mut self, now: u64, kind: (&'static Location<'static>, K)) -> Option<u64> {
        let is_full = self.kinds.len() >= MOST && !self.kinds.contains_key(&kind);
        if is_full {
            self.kinds.retain(|_, said| now < said.next);
        }
        let said = if is_full && self.kinds.len() >= MOST {
            &mut self.others
        } else {
            self.kinds.entry(kind).or_default()
        };
        if now < said.next {
            said.suppressed += 1;
            return None;
        }
        said.next = now.saturating_add(self.interval);
        Some(std::mem::take(&mut said.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn one_line_a_second_tells_of_the_others() {
        let mut complaints = Complaints::every(SECOND);
        let place = Location::caller();
        let written: Vec<_> = [0, 1, SECOND - 1, SECOND, SECOND + 1, 9 * SECOND, 10 * SECOND]
            .map(|now| complaints.admit(now, (place, ())))
            .into();
        assert_eq!(written, [Some(0), None, None, Some(2), None, Some(1), Some(0)]);
    }

    #[test]
    fn nobody_keeps_others_or_other_causes_out() {
        let mut complaints = Complaints::every(SECOND);
        let (here, there) = (Location::caller(), Location::caller());
        assert_ne!(here, there);
        for _ in 0..1000 {
            complaints.admit(5, (here, 1));
        }
        assert_eq!(complaints.admit(6, (here, 2)), Some(0));
        assert_eq!(complaints.admit(6, (there, 1)), Some(0));
        assert_eq!(complaints.admit(5 + SECOND, (here, 1)), Some(999));
    }

    #[test]
    fn those_beyond_the_bound_share_one_line_until_there_is_room() {
        let mut complaints = Complaints::every(SECOND);
        let place = Location::caller();
        let most = MOST as u64;
        let written = (0..2 * most).filter(|who| complaints.admit(7, (place, *who)).is_some());
        assert_eq!(written.count() as u64, most + 1);
        assert_eq!(complaints.kinds.len(), MOST);
        assert_eq!(complaints.admit(7 + SECOND, (place, 3 * most)), Some(0));
        assert_eq!(complaints.kinds.len(), 1);
    }
}
