//! Which ids that are numbers, as generated ones are, are taken. The next one
//! that is free is found at once, however many are taken in a row.

use super::GENERATED_ID;
use std::collections::BTreeMap;

/// The numbers by runs without a gap: the first of each, and the last.
#[derive(Debug, Default)]
pub(super) struct TakenIds {
    runs: BTreeMap<u64, u64>,
}

/// The number that an id is, if it is one.
fn number_of(id: &[u8]) -> Option<u64> {
    <[u8; GENERATED_ID]>::try_from(id).ok().map(u64::from_be_bytes)
}

impl TakenIds {
    /// An id is taken from now on.
    pub(super) fn insert(&mut self, id: &[u8]) {
        let Some(number) = number_of(id) else { return };
        let (mut first, mut last) = (number, number);
        if let Some((before, end)) = self.run_to(number) {
            if end >= number {
                return;
            }
            if end + 1 == number {
                first = before;
            }
        }
        if let Some(next) = number.checked_add(1)
            && let Some(end) = self.runs.remove(&next)
        {
            last = end;
        }
        self.runs.insert(first, last);
    }

    /// An id is free again.
    pub(super) fn remove(&mut self, id: &[u8]) {
        let Some(number) = number_of(id) else { return };
        let Some((first, last)) = self.run_to(number).filter(|(_, last)| *last >= number) else {
            return;
        };
        self.runs.remove(&first);
        if first < number {
            self.runs.insert(first, number - 1);
        }
        if number < last {
            self.runs.insert(number + 1, last);
        }
    }

    /// The first number from this one on that is free.
    pub(super) fn free_from(&self, number: u64) -> u64 {
        match self.run_to(number) {
            // As many as there are numbers are never taken.
            Some((_, last)) if last >= number => last.saturating_add(1),
            _ => number,
        }
    }

    /// Gives the memory of so many runs back, of no use any more.
    pub(super) fn bury(&mut self, count: usize) {
        for _ in 0..count.min(self.runs.len()) {
            self.runs.pop_first();
        }
    }

    /// The last run that begins no later than this number.
    fn run_to(&self, number: u64) -> Option<(u64, u64)> {
        self.runs.range(..=number).next_back().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn runs_are_what_was_taken() {
        let (mut taken, mut model) = (TakenIds::default(), BTreeSet::new());
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = match (random >> 33) % 66 {
                64 => u64::MAX,
                65 => u64::MAX - 1,
                number => number,
            };
            if random >> 63 == 0 {
                taken.insert(&number.to_be_bytes());
                model.insert(number);
            } else {
                taken.remove(&number.to_be_bytes());
                model.remove(&number);
            }
            let free =
                (number..=u64::MAX).find(|number| !model.contains(number)).unwrap_or(u64::MAX);
            assert_eq!(taken.free_from(number), free);
            let starts = model.iter().filter(|of| **of == 0 || !model.contains(&(**of - 1)));
            assert!(taken.runs.keys().eq(starts));
        }
        taken.insert(b"no number");
        taken.remove(b"");
    }
}
