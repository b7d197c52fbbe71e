//! View numbers: which of those that others name are believed, and which are
//! reserved.

use super::core::Core;
use crate::Command;
use crate::packet::MAX_VIEW;

/// The highest view number that a cluster comes to by itself, by far: numbers
/// begin at 0, or at the seconds of a clock, and a view each millisecond would
/// take a hundred years to get there. Up to here any number is believed.
pub const HIGHEST_NUMBER: u64 = 1 << 42;
/// No view has a higher number, so that there is always one to count to.
pub(super) const LAST_NUMBER: u64 = MAX_VIEW - (1 << 32);
/// Numbers so far above those believed are believed too: what members of one
/// ring agreed to while others did not hear of it.
const NEAR: u64 = 1 << 16;
/// Higher ones raise what is believed by so much at a time.
const STEP: u64 = 1 << 36;
/// They do so once in so many nanoseconds.
const STEP_GAP: u64 = 100_000_000;
/// View numbers are reserved so many at a time.
const RESERVE: u64 = 1000;

/// The view numbers of a member.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The highest one this member has agreed to.
    highest: u64,
    /// Those up to here are believed.
    believed: u64,
    raised_at: Option<u64>,
    reserved: u64,
    asked: u64,
}

impl Numbers {
    pub(super) fn new(last: u64, reserved: u64) -> Self {
        let highest = last.min(LAST_NUMBER);
        let believed = highest.max(HIGHEST_NUMBER);
        Self { highest, believed, raised_at: None, reserved, asked: reserved }
    }

    /// Whether a number that another node names can be. One that is too high is
    /// forged, or comes from a cluster whose numbers somebody has driven up. To
    /// be able to join that, such numbers raise what is believed, slowly: to use
    /// up all there are takes months.
    fn believe(&mut self, now: u64, number: u64) -> bool {
        let is_near = |known: u64| number <= known.saturating_add(NEAR).min(LAST_NUMBER);
        if is_near(self.believed) {
            return true;
        }
        if self.raised_at.is_none_or(|at| now >= at.saturating_add(STEP_GAP)) {
            self.raised_at = Some(now);
            self.believed = number.min(self.believed.saturating_add(STEP)).min(LAST_NUMBER);
        }
        is_near(self.believed)
    }
}

impl Core {
    /// The highest view number this member has agreed to.
    pub(super) fn number(&self) -> u64 {
        self.numbers.highest
    }

    /// Whether a number that a packet names can be; counts those that cannot.
    pub(super) fn believe(&mut self, now: u64, number: u64) -> bool {
        let is_believed = self.numbers.believe(now, number);
        self.counters.wrong_numbers += u64::from(!is_believed);
        is_believed
    }

    /// This member has agreed to a ring with this number.
    pub(super) fn agree_to(&mut self, number: u64) {
        self.numbers.highest = number;
        self.numbers.believed = self.numbers.believed.max(number);
        self.reserve_ahead();
    }

    pub(super) fn is_reserved(&self, number: u64) -> bool {
        number <= self.numbers.reserved
    }

    /// Whether there is a number for a ring after those that this member has agreed
    /// to. Without one it can be in none.
    pub(super) fn has_number(&self) -> bool {
        self.is_reserved(self.numbers.highest.saturating_add(1))
    }

    pub(super) fn reserved(&mut self, number: u64) {
        self.numbers.reserved = self.numbers.reserved.max(number);
        self.numbers.asked = self.numbers.asked.max(number);
    }

    /// Asks for more view numbers before the last one is needed. What others
    /// merely name is never reserved.
    pub(super) fn reserve_ahead(&mut self) {
        let Numbers { highest, asked, .. } = self.numbers;
        if asked.saturating_sub(highest) < RESERVE / 2 {
            self.numbers.asked = highest.saturating_add(RESERVE).min(MAX_VIEW);
            self.commands.push_back(Command::Reserve(self.numbers.asked));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_can_have_counted_to_is_believed_at_once() {
        let mut numbers = Numbers::new(5, 5);
        assert!(numbers.believe(0, 0) && numbers.believe(0, HIGHEST_NUMBER));
        assert!(numbers.believe(0, HIGHEST_NUMBER + NEAR));
        assert_eq!(numbers.believed, HIGHEST_NUMBER);
    }

    #[test]
    fn higher_numbers_are_believed_slowly_and_never_the_last() {
        let mut numbers = Numbers::new(5, 5);
        for now in 0..1000 {
            assert!(!numbers.believe(now, u64::MAX >> 1));
        }
        assert_eq!(numbers.believed, HIGHEST_NUMBER + STEP);
        // A cluster that was driven up by a few steps can be joined.
        let far = HIGHEST_NUMBER + 5 * STEP;
        let tries = (1..100).take_while(|&i| !numbers.believe(i * STEP_GAP, far));
        assert_eq!(tries.count(), 3);
        let mut numbers = Numbers::new(u64::MAX, 0);
        assert!(!numbers.believe(0, LAST_NUMBER + 1) && numbers.believe(0, LAST_NUMBER));
        let months = (LAST_NUMBER / STEP).saturating_mul(STEP_GAP / 1_000_000) / 86_400_000 / 30;
        assert!(months >= 4);
    }
}
