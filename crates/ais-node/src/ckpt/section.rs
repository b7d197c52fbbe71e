//! The sections of a checkpoint.

use super::bytes::Bytes;
use super::shards::Shards;
use super::{GENERATED_ID, MAX_SECTION_ID, MAX_SECTION_SIZE, SECTION_OVERHEAD};
use crate::Digest;
use ais_proto::AisError;
use ais_proto::ckpt::{self, DEFAULT_SECTION, SectionState, SectionsChosen};
use ais_wire::{DecodeError, Reader, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of the default section, which is there before all others.
pub(super) const DEFAULT_NUMBER: u64 = 0;

/// When a section with this `expirationTime` expires, in nanoseconds since
/// the epoch. Never, if the program gave one of the 32-bit values that
/// programs of 2004 give for "no end", or `SA_TIME_END`.
pub(super) fn deadline(expiration: i64) -> Option<i64> {
    match expiration {
        1..=0xffff_ffff | i64::MAX => None,
        at => Some(at),
    }
}

/// A section.
#[derive(Debug, Clone)]
pub(super) struct Section {
    id: Arc<[u8]>,
    /// `expirationTime` as the program gave it.
    pub(super) expiration: i64,
    /// When it was last written, by the clock of the node that was asked.
    pub(super) last_update: i64,
    /// What it holds.
    pub(super) bytes: Bytes,
}

impl Section {
    /// Whether an iterator that was asked for `chosen` and `expiration` lists
    /// it. What never expires does so later than everything else. Nothing is
    /// ever corrupted, since a write is applied as a whole on every replica,
    /// a weak one too.
    fn is_chosen(&self, chosen: SectionsChosen, expiration: i64) -> bool {
        let end = |expiration| deadline(expiration).unwrap_or(i64::MAX);
        match chosen {
            SectionsChosen::Forever => deadline(self.expiration).is_none(),
            SectionsChosen::LeqExpirationTime => end(self.expiration) <= end(expiration),
            SectionsChosen::GeqExpirationTime => end(self.expiration) >= end(expiration),
            SectionsChosen::Corrupted => false,
            SectionsChosen::Any => true,
        }
    }

    /// Appends all but what it holds.
    pub(super) fn encode_head(&self, number: u64, out: &mut Writer) {
        out.u64(number).bytes(&self.id).i64(self.expiration).i64(self.last_update);
        out.u32(self.bytes.size());
    }

    fn describe(&self, number: u64) -> ckpt::Section {
        ckpt::Section {
            number,
            id: self.id.to_vec(),
            expiration: self.expiration,
            size: self.bytes.size(),
            state: SectionState::Valid,
            last_update: self.last_update,
        }
    }
}

/// The sections of a checkpoint, by id and by creation number. The default
/// section is always among them.
#[derive(Debug)]
pub(super) struct Sections {
    /// The number of the next section; numbers are not used twice.
    next: u64,
    numbers: BTreeMap<Arc<[u8]>, u64>,
    sections: Shards,
    /// Bytes that all of them hold.
    size: u64,
    /// Bytes of all ids.
    id_bytes: u64,
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
        let (numbers, sections) = (BTreeMap::new(), Shards::default());
        Self { next, numbers, sections, size: 0, id_bytes: 0 }
    }

    /// Adds a section that [`Section::encode_head`] wrote, with a hole of its
    /// size made by `hold`. Its number and `expirationTime`. They come in order
    /// of their numbers, the default section first.
    pub(super) fn restore(
        &mut self,
        input: &mut Reader<'_>,
        hold: fn(u32) -> Bytes,
    ) -> Result<(u64, i64), DecodeError> {
        let (number, id) = (input.u64()?, input.bytes()?);
        let (expiration, last_update, size) = (input.i64()?, input.i64()?, input.u32()?);
        let is_default = number == DEFAULT_NUMBER;
        if number >= self.next
            || is_default != (self.len() == 0)
            || is_default != (id == DEFAULT_SECTION)
            || id.len() > MAX_SECTION_ID
            || u64::from(size) > MAX_SECTION_SIZE
            || self.sections.next_from(number).is_some()
            || self.numbers.contains_key(id)
        {
            return Err(DecodeError::Invalid);
        }
        let (id, bytes) = (Arc::<[u8]>::from(id), hold(size));
        self.add(number, Section { id, expiration, last_update, bytes });
        Ok((number, expiration))
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
        let key = |(number, section): (u64, &Section)| {
            (number, section.last_update, section.expiration, section.bytes.size())
        };
        (self.next, self.len(), self.size) == (others.next, others.len(), others.size)
            && self.sections.iter().map(key).eq(others.sections.iter().map(key))
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
        bytes.set(data);
        let section = Section { id: Arc::clone(&id), expiration, last_update: now, bytes };
        self.add(number, section);
        (number, id)
    }

    fn add(&mut self, number: u64, section: Section) {
        self.size += u64::from(section.bytes.size());
        self.id_bytes += section.id.len() as u64;
        self.numbers.insert(Arc::clone(&section.id), number);
        self.sections.insert(number, section);
    }

    /// Takes a section away; it comes back for a last look.
    pub(super) fn remove(&mut self, number: u64) -> Option<Section> {
        let section = self.sections.remove(number)?;
        self.numbers.remove(&section.id);
        self.size -= u64::from(section.bytes.size());
        self.id_bytes -= section.id.len() as u64;
        Some(section)
    }

    /// Changes what a section holds.
    pub(super) fn update(&mut self, number: u64, now: i64, change: impl FnOnce(&mut Bytes)) {
        if let Some(section) = self.sections.get_mut(number) {
            let before = u64::from(section.bytes.size());
            change(&mut section.bytes);
            section.last_update = now;
            self.size = self.size - before + u64::from(section.bytes.size());
        }
    }

    /// Sets the `expirationTime`; the earlier one comes back.
    pub(super) fn set_expiration(&mut self, number: u64, expiration: i64) -> Option<i64> {
        let section = self.sections.get_mut(number)?;
        Some(std::mem::replace(&mut section.expiration, expiration))
    }

    /// The newest section below `cursor` that is chosen. The default section
    /// never is.
    pub(super) fn before(
        &self,
        cursor: u64,
        chosen: SectionsChosen,
        expiration: i64,
    ) -> Option<ckpt::Section> {
        self.sections
            .down(DEFAULT_NUMBER + 1, cursor)
            .find(|(_, section)| section.is_chosen(chosen, expiration))
            .map(|(number, section)| section.describe(number))
    }

    /// Number and deadline of those that expire.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = (u64, i64)> {
        self.sections
            .iter()
            .filter_map(|(number, section)| Some((number, deadline(section.expiration)?)))
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(self.next);
        digest.number(self.sections.len() as u64);
        for (number, section) in self.sections.iter() {
            digest.number(number);
            digest.bytes(&section.id);
            digest.number(section.expiration.cast_unsigned());
            digest.number(section.last_update.cast_unsigned());
            section.bytes.digest(digest);
        }
    }

    /// A free id, made of the number that the next section has. Numbers whose
    /// id a program has taken are passed over for good, so all that is passed
    /// over is passed over once.
    fn generate(&mut self) -> [u8; GENERATED_ID] {
        while self.numbers.contains_key(self.next.to_be_bytes().as_slice()) {
            self.next += 1;
        }
        self.next.to_be_bytes()
    }
}
