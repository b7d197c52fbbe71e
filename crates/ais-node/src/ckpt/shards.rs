//! Sections by number, in a map that is copied at once however large it is:
//! copies share everything until one of them is changed, and then all but the
//! neighbourhood of the change.

use super::section::Section;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Numbers in a shard: so many sections are copied when one of them is written
/// and a copy of the map is about. That shares their bytes still.
const SHARD: u64 = 256;

type Shard = BTreeMap<u64, Section>;

/// The map. Shards are never empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Shards {
    length: usize,
    shards: Rc<BTreeMap<u64, Rc<Shard>>>,
}

impl Shards {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn get(&self, number: u64) -> Option<&Section> {
        self.shards.get(&(number / SHARD))?.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Section> {
        let shard = Rc::make_mut(&mut self.shards).get_mut(&(number / SHARD))?;
        Rc::make_mut(shard).get_mut(&number)
    }

    pub(super) fn insert(&mut self, number: u64, section: Section) {
        let shard = Rc::make_mut(&mut self.shards).entry(number / SHARD).or_default();
        if Rc::make_mut(shard).insert(number, section).is_none() {
            self.length += 1;
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Section> {
        self.get(number)?;
        let shards = Rc::make_mut(&mut self.shards);
        let shard = Rc::make_mut(shards.get_mut(&(number / SHARD))?);
        let section = shard.remove(&number)?;
        if shard.is_empty() {
            shards.remove(&(number / SHARD));
        }
        self.length -= 1;
        Some(section)
    }

    /// Forgets a shard of sections, whichever. Those of it that nobody else has
    /// come back; none, if none are left.
    pub(super) fn take_some(&mut self) -> Vec<Section> {
        let shards = Rc::make_mut(&mut self.shards);
        while let Some((_, shard)) = shards.pop_first() {
            self.length -= shard.len();
            if let Ok(shard) = Rc::try_unwrap(shard) {
                return shard.into_values().collect();
            }
        }
        Vec::new()
    }

    /// All of them, the lowest number first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Section)> {
        self.shards
            .values()
            .flat_map(|shard| shard.iter())
            .map(|(number, section)| (*number, section))
    }

    /// The entries from `first` on and below `end`, the highest number first.
    pub(super) fn down(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, &Section)> {
        let end = end.max(first);
        let shards = self.shards.range(first / SHARD..=end / SHARD).rev();
        let sections = shards.flat_map(move |(_, shard)| shard.range(first..end).rev());
        sections.map(|(number, section)| (*number, section))
    }

    /// The last one up to `number`.
    pub(super) fn last_to(&self, number: u64) -> Option<(u64, &Section)> {
        let mut shards = self.shards.range(..=number / SHARD).rev();
        let last = shards.find_map(|(_, shard)| shard.range(..=number).next_back())?;
        Some((*last.0, last.1))
    }

    /// The first one from `number` on.
    pub(super) fn next_from(&self, number: u64) -> Option<(u64, &Section)> {
        let mut shards = self.shards.range(number / SHARD..);
        let (number, section) = shards.find_map(|(_, shard)| shard.range(number..).next())?;
        Some((*number, section))
    }
}
