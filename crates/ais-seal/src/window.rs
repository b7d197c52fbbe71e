//! Which datagrams of a sender have come already, by their numbers.

/// Numbers that are remembered below the highest. What comes later than so many
/// others is refused.
const SPAN: u64 = 4096;
const WORDS: u64 = SPAN / 64;

/// The numbers that have come.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// All numbers up to this one are refused.
    floor: u64,
    highest: u64,
    /// One bit for each number of the last `SPAN`, in a ring.
    seen: Box<[u64]>,
}

impl Window {
    /// Takes the numbers above `floor`.
    pub(crate) fn above(floor: u64) -> Self {
        Self { floor, highest: floor, seen: vec![0; WORDS as usize].into() }
    }

    /// Whether a datagram of this number has not come yet, as far as is remembered.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        if number <= self.floor || self.highest.saturating_sub(number) >= SPAN {
            return false;
        }
        number > self.highest || self.seen[word(number)] & bit(number) == 0
    }

    /// A datagram of this number has come, which is new.
    pub(crate) fn note(&mut self, number: u64) {
        let gone = number.saturating_sub(self.highest).min(SPAN);
        for passed in number.saturating_sub(gone).saturating_add(1)..=number {
            self.seen[word(passed)] &= !bit(passed);
        }
        self.highest = self.highest.max(number);
        self.seen[word(number)] |= bit(number);
    }
}

fn word(number: u64) -> usize {
    (number / 64 % WORDS) as usize
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_number_is_new_once_in_any_order() {
        let mut window = Window::above(10);
        assert!(!window.is_new(0) && !window.is_new(10));
        let (mut seen, mut highest, mut state) = (BTreeSet::new(), 10, 7u64);
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = state >> 33;
            let number = match random % 4 {
                0 => highest + random % 9,
                1 => highest + random % 9000,
                2 => highest.saturating_sub(random % 5000),
                _ => highest.saturating_sub(random % 70),
            };
            let is_new = number > 10 && number + SPAN > highest && !seen.contains(&number);
            assert_eq!(window.is_new(number), is_new, "{number}, highest {highest}");
            if is_new {
                window.note(number);
                seen.insert(number);
                highest = highest.max(number);
            }
        }
    }

    #[test]
    fn the_last_numbers_do_not_overflow() {
        let mut window = Window::above(u64::MAX - 2);
        for number in [u64::MAX, u64::MAX - 1] {
            assert!(window.is_new(number));
            window.note(number);
            assert!(!window.is_new(number));
        }
    }
}
