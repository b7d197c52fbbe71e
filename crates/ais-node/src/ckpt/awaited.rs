//! Which bytes of a section are here already while the rest of it is still to
//! come from another node.

use std::collections::BTreeMap;

/// Bits of a word, and words of a block: a block stands for as many bytes as a
/// chunk of a section has.
const WORD: usize = u64::BITS as usize;
const BLOCK: usize = 1024;

/// The bytes that were written here meanwhile, a bit for each: whatever comes
/// from elsewhere is no newer than these. It needs an eighth of what was
/// written.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    blocks: BTreeMap<usize, Vec<u64>>,
}

impl Written {
    /// Marks this many bytes from `start` on as written.
    pub(super) fn mark(&mut self, start: usize, count: usize) {
        let (mut at, end) = (start, start + count);
        while at < end {
            let (word, bit) = (at / WORD, at % WORD);
            let bits = (end - at).min(WORD - bit);
            let mask = u64::MAX >> (WORD - bits) << bit;
            let block = self.blocks.entry(word / BLOCK).or_default();
            let within = word % BLOCK;
            if block.len() <= within {
                block.resize(within + 1, 0);
            }
            block[within] |= mask;
            at += bits;
        }
    }

    /// The parts from `start` to `end` that are not written, in order.
    pub(super) fn gaps(&self, start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
        let mut at = start;
        std::iter::from_fn(move || {
            let from = self.find(false, at, end);
            at = self.find(true, from, end);
            (from < end).then_some((from, at))
        })
    }

    /// The first byte from `at` on that is written, or is not; or `end`.
    fn find(&self, is_written: bool, mut at: usize, end: usize) -> usize {
        while at < end {
            let (word, bit) = (at / WORD, at % WORD);
            let block = self.blocks.get(&(word / BLOCK));
            let bits = block.and_then(|block| block.get(word % BLOCK)).copied().unwrap_or(0);
            let left = if is_written { bits } else { !bits } >> bit;
            if left != 0 {
                return end.min(at + left.trailing_zeros() as usize);
            }
            at += WORD - bit;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_was_not_marked() {
        let mut random = 1_u64;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((random >> 33) % bound) as usize
        };
        for _ in 0..200 {
            let (mut written, mut model) = (Written::default(), vec![false; 200_000]);
            for _ in 0..below(20) {
                let (start, count) =
                    (below(150_000), [below(3), below(200), below(50_000)][below(3)]);
                written.mark(start, count);
                model[start..start + count].fill(true);
            }
            let (start, end) = (below(100_000), 100_000 + below(100_000));
            let mut found = model.clone();
            let mut last = start;
            for (from, to) in written.gaps(start, end) {
                assert!(last <= from && from < to && to <= end);
                assert!(found[from..to].iter().all(|of| !of));
                found[from..to].fill(true);
                last = to;
            }
            assert!(found[start..end].iter().all(|of| *of));
        }
    }

    #[test]
    fn a_mark_costs_an_eighth_of_what_it_is_for() {
        let mut written = Written::default();
        written.mark(1 << 30, 100);
        written.mark(0, 80);
        let words: usize = written.blocks.values().map(Vec::len).sum();
        assert_eq!(words, 2 + 2);
    }
}
