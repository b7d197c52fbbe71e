//! One checkpoint, and what may be done with it.

mod active;
mod show;

use super::bytes::Bytes;
use super::failure::Failure;
use super::limits::Limit;
use super::message::{Change, CheckpointId, Stamp};
use super::sections::Sections;
use super::spare::Spare;
use super::{
    CHECKPOINT_OVERHEAD, GENERATED_ID, MAX_COUNT, MAX_MEMBERS, MAX_SECTION_SIZE, SECTION_OVERHEAD,
};
use crate::{Digest, UserId};
use ais_proto::AisError;
use ais_proto::ckpt::{
    Attributes, DEFAULT_SECTION, NO_LIMIT, Open, OpenFlags, ReadElement, Status, UpdateOption,
    WriteElement,
};
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A checkpoint.
#[derive(Debug)]
pub(super) struct Checkpoint {
    name: Name,
    /// The user whose process has made it.
    owner: UserId,
    attributes: Attributes,
    /// Whether the open that made it had `COLOCATED`. Later opens do not
    /// change it, as they do not change the attributes.
    colocated: bool,
    /// Which replica is the active one. All are identical, so it matters only
    /// to the rules of colocated checkpoints; `None` in all others.
    active: Option<NodeId>,
    /// A program made it the active one, and its node has been there since.
    /// Strict limits count no other as active.
    was_set: bool,
    unlinked: bool,
    /// How many times each node has it open; never 0.
    references: BTreeMap<NodeId, u32>,
    /// Changes with all that retention depends on.
    version: u64,
    /// Nanoseconds that it is still retained, as was last told since then;
    /// `None`: all of its retention duration.
    remaining: Option<u64>,
    /// Other ids that it is known by: of copies that it took the place of when
    /// sides met. At most [`MAX_MEMBERS`], as many as can meet at once; the
    /// oldest are forgotten first.
    pub(super) former: BTreeSet<CheckpointId>,
    pub(super) sections: Sections,
}

impl Checkpoint {
    /// What an open of a node makes that finds none: the active replica is on
    /// that node.
    pub(super) fn new(from: NodeId, owner: UserId, open: &Open, attributes: Attributes) -> Self {
        let colocated = open.flags.contains(OpenFlags::COLOCATED);
        let mut checkpoint = Self {
            name: open.name.clone(),
            owner,
            attributes,
            colocated,
            active: None,
            was_set: false,
            unlinked: false,
            references: BTreeMap::new(),
            version: 0,
            remaining: None,
            former: BTreeSet::new(),
            sections: Sections::new(),
        };
        if checkpoint.has_active() {
            checkpoint.active = Some(from);
        }
        checkpoint
    }

    /// Appends all but the sections.
    pub(super) fn encode_head(&self, out: &mut Writer) {
        out.name(&self.name).u32(self.owner.0);
        self.attributes.encode(out);
        out.bool(self.colocated).bool(self.unlinked).u64(self.version);
        out.option(self.remaining.as_ref(), |out, remaining| {
            out.u64(*remaining);
        });
        out.option(self.active.as_ref(), |out, node| {
            out.node(*node);
        });
        out.bool(self.was_set);
        let references: Vec<_> = self.references.iter().collect();
        out.list(&references, |out, (node, count)| {
            out.node(**node).u32(**count);
        });
        let former: Vec<_> = self.former.iter().collect();
        out.list(&former, |out, id| id.encode(out));
    }

    /// A checkpoint that [`Checkpoint::encode_head`] wrote, with these
    /// sections.
    pub(super) fn decode(input: &mut Reader<'_>, sections: Sections) -> Result<Self, DecodeError> {
        let checkpoint = Self {
            name: input.name()?,
            owner: UserId(input.u32()?),
            attributes: Attributes::decode(input)?,
            colocated: input.bool()?,
            unlinked: input.bool()?,
            version: input.u64()?,
            remaining: input.option(Reader::u64)?,
            active: input.option(Reader::node)?,
            was_set: input.bool()?,
            references: input
                .list(|input| Ok((input.node()?, input.u32()?)))?
                .into_iter()
                .collect(),
            former: input.list(CheckpointId::decode)?.into_iter().collect(),
            sections,
        };
        if checkpoint.attributes.retention_duration < 0
            || checkpoint.version > MAX_COUNT
            || !checkpoint.is_active_sound()
            || checkpoint.references.len() > MAX_MEMBERS
            || checkpoint.former.len() > MAX_MEMBERS
            || checkpoint.references.values().any(|count| *count == 0)
        {
            return Err(DecodeError::Invalid);
        }
        Ok(checkpoint)
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn owner(&self) -> UserId {
        self.owner
    }

    pub(super) fn attributes(&self) -> Attributes {
        self.attributes
    }

    pub(super) fn is_colocated(&self) -> bool {
        self.colocated
    }

    pub(super) fn option(&self) -> UpdateOption {
        self.attributes.option
    }

    pub(super) fn is_unlinked(&self) -> bool {
        self.unlinked
    }

    pub(super) fn is_open(&self) -> bool {
        !self.references.is_empty()
    }

    /// Its version and for how many nanoseconds it outlives its last close,
    /// if that has been.
    pub(super) fn retention(&self) -> Option<(u64, u64)> {
        let duration = if self.unlinked { 0 } else { self.attributes.retention_duration };
        let remaining = self.remaining.unwrap_or(u64::MAX);
        (!self.is_open()).then_some((self.version, duration.max(0).cast_unsigned().min(remaining)))
    }

    /// Takes over what is left of its retention, if it still has this version.
    pub(super) fn retain(&mut self, version: u64, remaining: u64) {
        if version == self.version && !self.is_open() {
            self.remaining = Some(remaining);
        }
    }

    /// What retention depends on has changed, so it begins anew.
    fn change_version(&mut self) {
        self.version += 1;
        self.remaining = None;
    }

    /// Takes the place of a copy on a side whose state does not stand: what is
    /// open there is open here. Nothing that was said of either copy's
    /// retention holds for it.
    pub(super) fn take_place_of(&mut self, copy: &Self) {
        for (node, count) in &copy.references {
            let references = self.references.entry(*node).or_default();
            *references = references.saturating_add(*count);
        }
        self.version = self.version.max(copy.version) + 1;
        self.take_active_of(copy);
    }

    /// Forgets what nodes have that are none of these.
    pub(super) fn keep_nodes(&mut self, nodes: &[NodeId]) {
        let holders: Vec<_> = self.references.keys().copied().collect();
        for holder in holders {
            if !nodes.contains(&holder) {
                self.close(holder, u32::MAX);
            }
        }
        self.keep_active(nodes);
    }

    /// Bytes that it is taken to need.
    pub(super) fn memory(&self) -> u64 {
        CHECKPOINT_OVERHEAD + self.sections.memory()
    }

    /// Counts an open of a node.
    ///
    /// # Errors
    /// `INVALID_PARAM` while the name is unlinked; with strict limits, `EXIST`
    /// if it was made with other attributes. The retention duration may have
    /// been changed since and is not compared.
    pub(super) fn open(&mut self, from: NodeId, open: &Open, strict: bool) -> Result<(), Failure> {
        if self.unlinked {
            return Err(AisError::InvalidParam.into());
        }
        let retention_duration = self.attributes.retention_duration;
        let same = |attributes: Attributes| {
            Attributes { retention_duration, ..attributes } == self.attributes
        };
        if strict && !open.attributes.is_none_or(same) {
            return Err(Limit::Attributes.failure_with(AisError::Exist));
        }
        let count = self.references.entry(from).or_default();
        *count = count.saturating_add(1);
        self.change_version();
        Ok(())
    }

    /// Takes opens of a node back.
    pub(super) fn close(&mut self, from: NodeId, count: u32) {
        if let Some(references) = self.references.get_mut(&from) {
            *references = references.saturating_sub(count);
            if *references == 0 {
                self.references.remove(&from);
            }
            self.change_version();
        }
    }

    #[cfg(test)]
    pub(super) fn references(&self, node: NodeId) -> Option<u32> {
        self.references.get(&node).copied()
    }

    pub(super) fn unlink(&mut self) {
        self.unlinked = true;
    }

    /// # Errors
    /// `BAD_OPERATION` if the name is unlinked: its life ends with its last
    /// close.
    pub(super) fn set_retention(&mut self, duration: i64) -> Result<(), AisError> {
        if self.unlinked {
            return Err(AisError::BadOperation);
        }
        self.attributes.retention_duration = duration;
        self.change_version();
        Ok(())
    }

    pub(super) fn status(&self) -> Status {
        Status {
            attributes: self.attributes,
            sections: self.sections.len() as u64,
            memory_used: self.sections.size(),
        }
    }

    /// Makes a section. Its number and id.
    ///
    /// # Errors
    /// `INVALID_PARAM`: the id is too long. `EXIST`: it is taken. And what
    /// [`Checkpoint::check_limits_of_new`] finds.
    pub(super) fn create_section(
        &mut self,
        id: Option<&[u8]>,
        expiration: i64,
        data: &[u8],
        stamp: Stamp,
    ) -> Result<(u64, Arc<[u8]>), Failure> {
        self.check_active(stamp.strict)?;
        check_section_size(data.len() as u64)?;
        match id.map(|id| self.sections.number(id)) {
            Some(Ok(_)) => return Err(AisError::Exist.into()),
            Some(Err(AisError::InvalidParam)) => return Err(AisError::InvalidParam.into()),
            _ => {}
        }
        if stamp.strict {
            self.check_limits_of_new(id, data)?;
        }
        Ok(self.sections.create(id, expiration, data, stamp.now))
    }

    /// What the creation attributes say to a new section. The default section
    /// stands beside `maxSections`, unless that is 1: then it is the only one.
    /// A generated id is as long as it is.
    fn check_limits_of_new(&self, id: Option<&[u8]>, data: &[u8]) -> Result<(), Failure> {
        let limits = &self.attributes;
        let fail = |error| Err(Limit::Attributes.failure_with(error));
        let id_size = id.map_or(0, <[u8]>::len) as u64;
        let data_size = data.len() as u64;
        if id_size > limits.max_section_id_size || data_size > limit(limits.max_section_size) {
            return fail(AisError::InvalidParam);
        }
        if limits.max_sections == 1 {
            return fail(AisError::Exist);
        }
        if self.sections.len() as u64 > limits.max_sections {
            return fail(AisError::NoSpace);
        }
        self.check_checkpoint_size(data_size)
    }

    /// Takes a section away. What it held.
    pub(super) fn delete_section(&mut self, id: &[u8], strict: bool) -> Result<Bytes, AisError> {
        let number = self.ordinary_section(id, strict)?;
        let section = self.sections.remove(number).ok_or(AisError::NotExist)?;
        Ok(section.bytes)
    }

    /// Sets the `expirationTime` of a section. Its number.
    pub(super) fn set_expiration(
        &mut self,
        id: &[u8],
        expiration: i64,
        stamp: Stamp,
    ) -> Result<u64, AisError> {
        let number = self.ordinary_section(id, stamp.strict)?;
        self.sections.set_expiration(number, expiration, stamp.now);
        Ok(number)
    }

    /// The number of a section that may be deleted and re-timed, as the
    /// default section may not.
    fn ordinary_section(&self, id: &[u8], strict: bool) -> Result<u64, AisError> {
        self.check_active(strict)?;
        if id == DEFAULT_SECTION {
            return Err(AisError::InvalidParam);
        }
        self.sections.number(id)
    }

    /// Replaces what a section holds. What it held beyond that.
    pub(super) fn overwrite(
        &mut self,
        id: &[u8],
        data: &[u8],
        stamp: Stamp,
    ) -> Result<Bytes, Failure> {
        self.check_active(stamp.strict)?;
        let (number, section) = self.sections.find(id)?;
        let size = data.len() as u64;
        check_section_size(size)?;
        if stamp.strict {
            if size > limit(self.attributes.max_section_size) {
                return Err(Limit::Attributes.failure_with(AisError::InvalidParam));
            }
            self.check_checkpoint_size(size.saturating_sub(section.bytes.size().into()))?;
        }
        let before = self.sections.update(number, stamp.now, |bytes| bytes.set(data));
        Ok(before.unwrap_or_default())
    }

    /// Writes all elements in order, or none.
    pub(super) fn write(
        &mut self,
        elements: &[WriteElement<'_>],
        stamp: Stamp,
    ) -> Result<(), Failure> {
        self.check_write(elements, stamp.strict)?;
        for element in elements {
            if let Ok(number) = self.sections.number(element.id) {
                let offset = element.offset as u32; // Was found to fit.
                self.sections.update(number, stamp.now, |bytes| bytes.write(offset, element.data));
            }
        }
        Ok(())
    }

    /// Whether a vector can be written, and by how many bytes the checkpoint
    /// grows then.
    ///
    /// # Errors
    /// The first element that fails and why. `NOT_EXIST`: there is no such
    /// section; `NO_SPACE`: it would be larger than a section can be.
    pub(super) fn check_write(
        &self,
        elements: &[WriteElement<'_>],
        strict: bool,
    ) -> Result<u64, Failure> {
        self.check_active(strict)?;
        let mut growth = 0;
        // Of the sections that grow, the size that they have got to.
        let mut sizes = BTreeMap::new();
        for (index, element) in elements.iter().enumerate() {
            let at = |failure: Failure| failure.at(index);
            let (number, section) =
                self.sections.find(element.id).map_err(|error| at(error.into()))?;
            let end = element.offset.saturating_add(element.data.len() as u64);
            if strict && end > limit(self.attributes.max_section_size) {
                return Err(at(Limit::Attributes.failure_with(AisError::InvalidParam)));
            }
            check_section_size(end).map_err(at)?;
            let size = sizes.get(&number).copied().unwrap_or(u64::from(section.bytes.size()));
            if end > size && !element.data.is_empty() {
                sizes.insert(number, end);
                growth += end - size;
                if strict {
                    self.check_checkpoint_size(growth).map_err(at)?;
                }
            }
        }
        Ok(growth)
    }

    /// Reads all elements; the body of the reply, of which at most `limit`
    /// bytes are data.
    ///
    /// # Errors
    /// The first element that fails and why. `INVALID_PARAM`: it begins after
    /// the end of the section; `NO_SPACE`: it is one too much.
    pub(super) fn read(
        &self,
        elements: &[ReadElement<'_>],
        limit: u32,
        spare: &mut Spare,
    ) -> Result<Vec<u8>, Failure> {
        let mut pieces = Vec::with_capacity(elements.len());
        let mut total = 0;
        for (index, element) in elements.iter().enumerate() {
            let at = |failure: Failure| failure.at(index);
            let (_, section) = self.sections.find(element.id).map_err(|error| at(error.into()))?;
            let size = section.bytes.size();
            let offset = u32::try_from(element.offset).ok().filter(|offset| *offset <= size);
            let offset = offset.ok_or(at(AisError::InvalidParam.into()))?;
            let count = element.size.unwrap_or(u32::MAX).min(size - offset);
            total += u64::from(count);
            if total > u64::from(limit) {
                return Err(at(Limit::Message.failure()));
            }
            pieces.push((section, offset, count));
        }
        let mut out = spare.take(4 + 4 * pieces.len() + total as usize);
        out.list(&pieces, |out, (_, _, count)| {
            out.u32(*count);
        });
        for (section, offset, count) in pieces {
            section.bytes.read(offset, count, &mut out);
        }
        Ok(out.into_bytes())
    }

    /// By how many bytes of memory a change makes it grow, as it is now. A
    /// change that will fail is none.
    pub(super) fn growth(&self, change: &Change<'_>, strict: bool) -> u64 {
        match change {
            Change::CreateSection { id, data, .. } => {
                let id = id.map_or(GENERATED_ID, <[u8]>::len) as u64;
                SECTION_OVERHEAD + id + data.len() as u64
            }
            Change::Overwrite { id, data } => self.sections.find(id).map_or(0, |(_, section)| {
                (data.len() as u64).saturating_sub(section.bytes.size().into())
            }),
            Change::Write(elements) => self.check_write(elements, strict).unwrap_or(0),
            _ => 0,
        }
    }

    pub(super) fn digest(&self, id: CheckpointId, digest: &mut Digest) {
        let mut out = Writer::new();
        id.encode(&mut out);
        self.encode_head(&mut out);
        digest.bytes(&out.into_bytes());
        self.sections.digest(digest);
    }

    fn check_checkpoint_size(&self, growth: u64) -> Result<(), Failure> {
        let size = self.sections.size().saturating_add(growth);
        if growth > 0 && size > limit(self.attributes.checkpoint_size) {
            return Err(Limit::Attributes.failure());
        }
        Ok(())
    }
}

/// What a size in creation attributes limits to.
pub(super) fn limit(size: u32) -> u64 {
    if size == NO_LIMIT { u64::MAX } else { size.into() }
}

/// # Errors
/// `NO_SPACE` if `SaSizeT` of 2004 cannot say the size: a bound of ours, not
/// of the checkpoint.
fn check_section_size(size: u64) -> Result<(), Failure> {
    if size > MAX_SECTION_SIZE { Err(Limit::SectionSize.failure()) } else { Ok(()) }
}
