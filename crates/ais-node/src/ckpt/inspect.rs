//! A checkpoint as it is at one moment, for an operator who looks at it at his
//! own pace. It shares with the living one what that does not change, and
//! programs notice nothing of it.

use super::checkpoint::Checkpoint;
use super::shards::Shards;
use super::{Ckpt, MAX_SECTION_SIZE};
use crate::{Effects, SessionId};
use ais_proto::admin::{Inspected, MAX_INSPECTED, MAX_PAGE, Page, Piece};
use ais_proto::ckpt::Section;
use ais_wire::Name;

/// The sections of such a checkpoint.
#[derive(Debug)]
pub(crate) struct Taken {
    sections: Shards,
    /// Bytes that they are taken to need.
    memory: u64,
}

impl Ckpt {
    /// Takes the checkpoint with this name, unlinked or not.
    pub(crate) fn inspect(&self, name: &Name) -> Option<(Inspected, Taken)> {
        let (_, checkpoint) = self.state.named(name)?;
        let (sections, memory) = (checkpoint.sections.freeze(), checkpoint.sections.memory());
        Some((checkpoint.inspect(self.limits.strict), Taken { sections, memory }))
    }

    /// What was taken is of no use any more.
    pub(crate) fn bury(&mut self, taken: Taken, fx: &mut Effects) {
        self.state.bury_copy(taken.sections);
        self.duties.watch_graves(&self.state, fx);
    }

    /// How many times each session of this node has it open.
    pub(crate) fn openers(&self, name: &Name) -> impl Iterator<Item = (SessionId, u32)> {
        let id = self.state.named(name).map(|(id, _)| id);
        id.into_iter().flat_map(|id| self.opens.openers(id))
    }
}

impl Checkpoint {
    fn inspect(&self, strict: bool) -> Inspected {
        Inspected {
            checkpoint: self.show(),
            attributes: self.attributes(),
            colocated: self.is_colocated(),
            active: self.active(strict),
            remaining: self.retention().map(|(_, remaining)| remaining),
        }
    }
}

impl Taken {
    /// Bytes that it may come to cost.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// The sections from a number on, as many as a reply may have.
    pub(crate) fn sections(&self, first: u64) -> Page<Section> {
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, first);
        while let Some((number, section)) = self.sections.next_from(next) {
            if items.len() == MAX_PAGE as usize || bytes >= MAX_INSPECTED {
                return Page { items, more: true };
            }
            let section = section.describe(number);
            bytes += section.id.len();
            items.push(section);
            next = number + 1;
        }
        Page { items, more: false }
    }

    /// The first bytes of a section that are stored at or after a place.
    pub(crate) fn bytes(&self, section: u64, offset: u32) -> Option<Piece> {
        if u64::from(offset) > MAX_SECTION_SIZE {
            return None;
        }
        let (offset, bytes) =
            self.sections.get(section)?.bytes.stored_from(offset, MAX_INSPECTED)?;
        Some(Piece { offset, bytes: bytes.to_vec() })
    }
}
