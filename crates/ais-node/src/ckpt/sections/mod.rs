//! The sections of a checkpoint.

#[cfg(test)]
mod tests;

use super::bytes::Bytes;
use super::chunk::CHUNK;
use super::ends::{Ends, Span};
use super::section::{DEFAULT_NUMBER, Section};
use super::shards::Shards;
use super::taken::TakenIds;
use super::{GENERATED_ID, MAX_SECTION_ID, MAX_SECTION_SIZE, SECTION_OVERHEAD};
use crate::Digest;
use ais_proto::AisError;
use ais_proto::ckpt::{self, DEFAULT_SECTION, SectionsChosen, deadline};
use ais_wire::{DecodeError, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An end that is past when it is given, or ahead by less than this by the
/// clock of the node that was asked, is *near*: the leader watches it by itself
/// (`near`). In nanoseconds.
const NEAR: i64 = 1_000_000_000;

/// Whether an end that is given at this time is near.
fn is_near(expiration: i64, now: i64) -> bool {
    deadline(expiration).is_some_and(|at| at < now.saturating_add(NEAR))
}

/// Whether an iterator that was asked for `chosen` and `expiration` lists a
/// section, or one of those in a block. Nothing is ever corrupted, since a
/// write is applied as a whole on every replica, a weak one too.
fn is_chosen(span: Span, chosen: SectionsChosen, expiration: i64) -> bool {
    let end = deadline(expiration).unwrap_or(i64::MAX);
    match chosen {
        SectionsChosen::Forever => span.last == i64::MAX,
        SectionsChosen::LeqExpirationTime => span.first <= end,
        SectionsChosen::GeqExpirationTime => span.last >= end,
        SectionsChosen::Corrupted => false,
        SectionsChosen::Any => true,
    }
}

/// The sections of a checkpoint, by id and by creation number. The default
/// section is always among them.
#[derive(Debug)]
pub(super) struct Sections {
    /// The number of the next section; numbers are not used twice.
    next: u64,
    numbers: BTreeMap<Arc<[u8]>, u64>,
    taken: TakenIds,
    sections: Shards,
    ends: Ends,
    /// Deadline and number of those that expire, the first one first, without
    /// those that are near.
    deadlines: BTreeSet<(i64, u64)>,
    /// The sections whose end is near.
    near: BTreeSet<u64>,
    /// Bytes that all of them hold.
    size: u64,
    /// Bytes of all ids.
    id_bytes: u64,
    /// The sum of [`Section::likeness`] of all.
    likeness: u64,
}

impl Sections {
    pub(super) fn new() -> Self {
        let mut sections = Self::none(DEFAULT_NUMBER);
        sections.create(Some(DEFAULT_SECTION), i64::MAX, &[], 0);
        sections
    }

    /// Not even the default section, for [`Sections::restore`]. The caller has
    /// bounded `next` ([`MAX_COUNT`]).
    pub(super) fn none(next: u64) -> Self {
        Self {
            next,
            numbers: BTreeMap::new(),
            taken: TakenIds::default(),
            sections: Shards::default(),
            ends: Ends::default(),
            deadlines: BTreeSet::new(),
            near: BTreeSet::new(),
            size: 0,
            id_bytes: 0,
            likeness: 0,
        }
    }

    /// Adds a section that [`Section::encode_head`] wrote, with a hole of its
    /// size made by `hold`. Its number. They come in order of their numbers,
    /// the default section first.
    pub(super) fn restore(
        &mut self,
        input: &mut Reader<'_>,
        hold: fn(u32) -> Bytes,
    ) -> Result<u64, DecodeError> {
        let (number, id) = (input.u64()?, input.bytes()?);
        let (expiration, is_near) = (input.i64()?, input.bool()?);
        let (last_update, size) = (input.i64()?, input.u32()?);
        let is_default = number == DEFAULT_NUMBER;
        if number >= self.next
            || is_default != (self.len() == 0)
            || is_default != (id == DEFAULT_SECTION)
            || id.len() > MAX_SECTION_ID
            || u64::from(size) > MAX_SECTION_SIZE
            || self.sections.next_from(number).is_some()
            || self.numbers.contains_key(id)
            || is_near && deadline(expiration).is_none()
        {
            return Err(DecodeError::Invalid);
        }
        let (id, bytes) = (Arc::<[u8]>::from(id), hold(size));
        self.add(number, Section { id, expiration, is_near, last_update, bytes });
        Ok(number)
    }

    /// Puts back what a restored section holds.
    pub(super) fn restore_bytes(
        &mut self,
        number: u64,
        offset: u32,
        data: &[u8],
    ) -> Result<(), DecodeError> {
        let section = self.sections.get_mut(number).ok_or(DecodeError::Invalid)?;
        let end = u64::from(offset) + data.len() as u64;
        if end > u64::from(section.bytes.size()) {
            return Err(DecodeError::Invalid);
        }
        section.bytes.write(offset, data);
        Ok(())
    }

    /// Puts in what a section is awaited to hold; `is_last`: that is all of it.
    /// One that is not there any more, or has got all by other ways, stays as
    /// it is.
    pub(super) fn fill(
        &mut self,
        number: u64,
        offset: u32,
        data: &[u8],
        is_last: bool,
    ) -> Result<(), DecodeError> {
        let awaits = |section: &&Section| section.bytes.are_awaited();
        let Some(section) = self.sections.get(number).filter(awaits) else { return Ok(()) };
        if u64::from(offset) + data.len() as u64 > u64::from(section.bytes.size()) {
            return Err(DecodeError::Invalid);
        }
        if let Some(section) = self.sections.get_mut(number) {
            section.bytes.fill(offset, data);
            if is_last {
                section.bytes.complete();
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn assert_likeness(&self) {
        let all = self.sections.iter().map(|(number, section)| section.likeness(number));
        assert_eq!(self.likeness, all.fold(0, u64::wrapping_add));
    }

    #[cfg(test)]
    pub(super) fn await_any(&self) -> bool {
        self.sections.iter().any(|(_, section)| section.bytes.are_awaited())
    }

    /// The last section up to this number.
    pub(super) fn last_to(&self, number: u64) -> Option<(u64, &Section)> {
        self.sections.last_to(number)
    }

    /// All of them as they are now.
    pub(super) fn freeze(&self) -> Shards {
        self.sections.clone()
    }

    /// Whether these are, as far as it is known without looking at the bytes,
    /// the same. Two writes have not the same time.
    pub(super) fn are_like(&self, others: &Self) -> bool {
        (self.next, self.len(), self.size, self.likeness)
            == (others.next, others.len(), others.size, others.likeness)
    }

    /// How many, the default section included.
    pub(super) fn len(&self) -> usize {
        self.sections.len()
    }

    /// Bytes that all of them hold.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that they are taken to need.
    pub(super) fn memory(&self) -> u64 {
        self.size + self.id_bytes + SECTION_OVERHEAD * self.sections.len() as u64
    }

    /// The number that no section has reached yet, where iterators begin.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// The number of a section.
    ///
    /// # Errors
    /// `INVALID_PARAM` if no section can have that id, `NOT_EXIST` if none has.
    pub(super) fn number(&self, id: &[u8]) -> Result<u64, AisError> {
        match self.numbers.get(id) {
            Some(number) => Ok(*number),
            None if id.len() > MAX_SECTION_ID => Err(AisError::InvalidParam),
            None => Err(AisError::NotExist),
        }
    }

    /// A section and its number.
    ///
    /// # Errors
    /// As [`Sections::number`].
    pub(super) fn find(&self, id: &[u8]) -> Result<(u64, &Section), AisError> {
        let number = self.number(id)?;
        self.sections.get(number).map(|section| (number, section)).ok_or(AisError::NotExist)
    }

    /// Makes a section, whose id the caller has found free; `None` has one
    /// generated. Its number and id.
    pub(super) fn create(
        &mut self,
        id: Option<&[u8]>,
        expiration: i64,
        data: &[u8],
        now: i64,
    ) -> (u64, Arc<[u8]>) {
        let id: Arc<[u8]> = match id {
            Some(id) => id.into(),
            None => self.generate().as_slice().into(),
        };
        let number = self.next;
        self.next += 1;
        let mut bytes = Bytes::default();
        let _ = bytes.set(data);
        let is_near = is_near(expiration, now);
        let section = Section { id: Arc::clone(&id), expiration, is_near, last_update: now, bytes };
        self.add(number, section);
        (number, id)
    }

    fn add(&mut self, number: u64, section: Section) {
        self.size += u64::from(section.bytes.size());
        self.id_bytes += section.id.len() as u64;
        self.numbers.insert(Arc::clone(&section.id), number);
        self.taken.insert(&section.id);
        self.deadlines.extend(section.deadline().map(|at| (at, number)));
        self.near.extend(section.is_near.then_some(number));
        self.likeness = self.likeness.wrapping_add(section.likeness(number));
        self.sections.insert(number, section);
        self.ends.update(number, &self.sections);
    }

    /// Takes a section away, and gives it back.
    pub(super) fn remove(&mut self, number: u64) -> Option<Section> {
        let section = self.sections.remove(number)?;
        if let Some(at) = section.deadline() {
            self.deadlines.remove(&(at, number));
        }
        self.near.remove(&number);
        self.ends.update(number, &self.sections);
        self.numbers.remove(&section.id);
        self.taken.remove(&section.id);
        self.likeness = self.likeness.wrapping_sub(section.likeness(number));
        self.size -= u64::from(section.bytes.size());
        self.id_bytes -= section.id.len() as u64;
        Some(section)
    }

    /// Changes what a section holds.
    pub(super) fn update<T>(
        &mut self,
        number: u64,
        now: i64,
        change: impl FnOnce(&mut Bytes) -> T,
    ) -> Option<T> {
        let section = self.sections.get_mut(number)?;
        let (before, likeness) = (u64::from(section.bytes.size()), section.likeness(number));
        let result = change(&mut section.bytes);
        section.last_update = now;
        self.size = self.size - before + u64::from(section.bytes.size());
        self.likeness = self.likeness.wrapping_sub(likeness).wrapping_add(section.likeness(number));
        Some(result)
    }

    /// Sets the `expirationTime`.
    pub(super) fn set_expiration(&mut self, number: u64, expiration: i64, now: i64) {
        let Some(section) = self.sections.get_mut(number) else { return };
        if let Some(at) = section.deadline() {
            self.deadlines.remove(&(at, number));
        }
        self.near.remove(&number);
        let likeness = section.likeness(number);
        section.expiration = expiration;
        section.is_near = is_near(expiration, now);
        self.likeness = self.likeness.wrapping_sub(likeness).wrapping_add(section.likeness(number));
        self.deadlines.extend(section.deadline().map(|at| (at, number)));
        self.near.extend(section.is_near.then_some(number));
        self.ends.update(number, &self.sections);
    }

    /// Takes a section away if this is still its end, and gives it back.
    pub(super) fn expire(&mut self, number: u64, at: i64) -> Option<Section> {
        let is_its = self.near_end(number) == Some(at) || self.deadlines.contains(&(at, number));
        if is_its { self.remove(number) } else { None }
    }

    /// The end of a section, if it is near.
    pub(super) fn near_end(&self, number: u64) -> Option<i64> {
        if !self.near.contains(&number) {
            return None;
        }
        self.sections.get(number).map(Section::end)
    }

    /// The sections whose end is near.
    pub(super) fn near(&self) -> impl Iterator<Item = u64> {
        self.near.iter().copied()
    }

    /// The newest section below `cursor` that is chosen. The default section
    /// never is.
    pub(super) fn before(
        &self,
        cursor: u64,
        chosen: SectionsChosen,
        expiration: i64,
    ) -> Option<ckpt::Section> {
        let accepts = |span| is_chosen(span, chosen, expiration);
        let number = self.ends.before(cursor, &self.sections, accepts)?;
        Some(self.sections.get(number)?.describe(number))
    }

    /// Deadline and number of those that expire, the first one first, without
    /// those that are near.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = (i64, u64)> {
        self.deadlines.iter().copied()
    }

    /// Gives the memory of what is known of so many sections beside themselves
    /// back; of no use any more. How many there were; 0: only they are left.
    pub(super) fn bury(&mut self, count: usize) -> usize {
        for _ in 0..count {
            self.deadlines.pop_first();
            self.near.pop_first();
        }
        self.taken.bury(count);
        std::iter::from_fn(|| self.numbers.pop_first()).take(count).count()
    }

    /// The sections alone.
    pub(super) fn into_shards(self) -> Shards {
        self.sections
    }

    /// Chunks that all of them have together, at most.
    pub(super) fn most_chunks(&self) -> usize {
        (self.size / CHUNK as u64) as usize
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(self.next);
        digest.number(self.sections.len() as u64);
        for (number, section) in self.sections.iter() {
            digest.number(number);
            digest.bytes(&section.id);
            digest.number(section.expiration.cast_unsigned());
            digest.number(u64::from(section.is_near));
            digest.number(section.last_update.cast_unsigned());
            section.bytes.digest(digest);
        }
    }

    /// A free id, made of the number that the next section has. Numbers whose
    /// id a program has taken are passed over for good, so all that is passed
    /// over is passed over once.
    fn generate(&mut self) -> [u8; GENERATED_ID] {
        self.next = self.taken.free_from(self.next);
        self.next.to_be_bytes()
    }
}
