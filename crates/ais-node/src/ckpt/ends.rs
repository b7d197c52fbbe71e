//! When sections end, summed up over their numbers, so that an iterator finds
//! the next section that it was asked for in as many steps as the numbers have
//! digits, however many sections it passes over.

use super::section::{DEFAULT_NUMBER, Section};
use super::shards::Shards;
use std::collections::BTreeMap;
use std::ops::Range;

/// Binary digits of a number that a level takes off.
const BITS: u32 = 4;
/// Sections in a block, and blocks in one of the next level.
const FAN: u64 = 1 << BITS;

/// The earliest and the latest end of the sections in a block, in nanoseconds
/// since the epoch; `i64::MAX` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    fn of(section: &Section) -> Self {
        Self { first: section.end(), last: section.end() }
    }

    fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// The blocks of each level by their number, which is that of their sections
/// without its last digits. Empty blocks are not there, and the top level has
/// at most [`FAN`]. The default section is in none: nobody looks for it.
#[derive(Debug, Default)]
pub(super) struct Ends {
    levels: Vec<BTreeMap<u64, Span>>,
}

impl Ends {
    /// To be called when a section came, went or got another end; `sections`
    /// are as they are now.
    pub(super) fn update(&mut self, number: u64, sections: &Shards) {
        while number >> (BITS * self.height()) >= FAN {
            let top = self.join(self.levels.len(), 0..FAN, sections);
            self.levels.push(top.map(|span| (0, span)).into_iter().collect());
        }
        let mut block = number;
        for level in 0..self.levels.len() {
            block >>= BITS;
            let span = self.join(level, children(block), sections);
            let blocks = &mut self.levels[level];
            let before = match span {
                Some(span) => blocks.insert(block, span),
                None => blocks.remove(&block),
            };
            if before == span {
                return;
            }
        }
    }

    /// The highest number below `cursor` of a section that is accepted. What
    /// is asked of a block is whether one of its sections would be.
    pub(super) fn before(
        &self,
        cursor: u64,
        sections: &Shards,
        mut accepts: impl FnMut(Span) -> bool,
    ) -> Option<u64> {
        // Up: what is left of the cursor in its block, then left of that block.
        let mut end = cursor;
        for level in 0..=self.levels.len() {
            let start = if level == self.levels.len() { 0 } else { end & !(FAN - 1) };
            if let Some(found) = self.last(level, start..end, sections, &mut accepts) {
                // And down, to the last section in what was found.
                return (0..level).rev().try_fold(found, |block, level| {
                    self.last(level, children(block), sections, &mut accepts)
                });
            }
            end >>= BITS;
        }
        None
    }

    fn height(&self) -> u32 {
        self.levels.len() as u32 // A number has at most 16 digits.
    }

    /// The last entry of a level in a range that is accepted; level 0 are the
    /// sections themselves.
    fn last(
        &self,
        level: usize,
        range: Range<u64>,
        sections: &Shards,
        mut accepts: impl FnMut(Span) -> bool,
    ) -> Option<u64> {
        if let Some(below) = level.checked_sub(1) {
            let mut blocks = self.levels[below].range(range).rev();
            return blocks.find(|(_, span)| accepts(**span)).map(|(block, _)| *block);
        }
        let mut sections = sections.down(range.start.max(DEFAULT_NUMBER + 1), range.end);
        sections.find(|(_, section)| accepts(Span::of(section))).map(|(number, _)| number)
    }

    /// All entries of a level in a range together.
    fn join(&self, level: usize, range: Range<u64>, sections: &Shards) -> Option<Span> {
        if let Some(below) = level.checked_sub(1) {
            return self.levels[below].range(range).map(|(_, span)| *span).reduce(Span::join);
        }
        let sections = sections.down(range.start.max(DEFAULT_NUMBER + 1), range.end);
        sections.map(|(_, section)| Span::of(section)).reduce(Span::join)
    }
}

/// What a block consists of on the level below.
fn children(block: u64) -> Range<u64> {
    block << BITS..(block + 1) << BITS
}
