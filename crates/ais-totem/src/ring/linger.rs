//! For how many messages the token waits where some have just become stable.
//!
//! A program that waited for that sends the next message at once, which would have to
//! wait for a whole rotation if the token were gone by then; and the more messages
//! share a rotation the less each of them costs. How many writers there are is not
//! known, so the number is learned.

/// After so many visits in a row at which enough messages were there it is
/// tried whether there are more.
const VISITS_PER_TRY: u32 = 64;
/// More than this is never waited for.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Linger {
    wanted: usize,
    /// Visits in a row at which so many were there.
    enough: u32,
}

impl Default for Linger {
    fn default() -> Self {
        Self { wanted: 1, enough: 0 }
    }
}

impl Linger {
    /// Whether it is worth waiting for more than the messages that wait.
    pub(super) fn wants_more(&self, waiting: usize) -> bool {
        waiting < self.wanted
    }

    /// The token goes on with the messages that wait.
    pub(super) fn note(&mut self, waiting: usize) {
        if self.wants_more(waiting) {
            *self = Self { wanted: waiting.max(1), enough: 0 };
            return;
        }
        self.enough += 1;
        if self.enough >= VISITS_PER_TRY {
            *self = Self { wanted: (self.wanted + 1).min(MOST), enough: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `writers` programs that all send again in time.
    fn visits(linger: &mut Linger, writers: usize, count: u32) -> Vec<usize> {
        let visit = |_| {
            let waiting = linger.wanted.min(writers);
            linger.note(waiting);
            waiting
        };
        (0..count).map(visit).collect()
    }

    #[test]
    fn the_number_of_writers_is_learned() {
        let mut linger = Linger::default();
        assert!(linger.wants_more(0) && !linger.wants_more(1));
        let together = visits(&mut linger, 16, 20 * VISITS_PER_TRY);
        assert_eq!(together.last(), Some(&16));
        visits(&mut linger, 1000, 100 * VISITS_PER_TRY);
        assert!(!linger.wants_more(MOST));
        // One try in many is in vain.
        let wasted = visits(&mut linger, 1, 10 * VISITS_PER_TRY);
        assert!(wasted.iter().all(|&waiting| waiting == 1));
        assert!(!linger.wants_more(2));
    }

    #[test]
    fn who_does_not_come_is_not_waited_for_again() {
        let mut linger = Linger { wanted: 9, enough: 7 };
        linger.note(4);
        assert!(linger.wants_more(3) && !linger.wants_more(4));
        linger.note(0);
        assert!(linger.wants_more(0) && !linger.wants_more(1));
    }
}
