//! A checkpoint as it is at one moment, for an operator who looks at it at his
//! own pace. It shares with the living one what that does not change, and
//! programs notice nothing of it.

use super::checkpoint::Checkpoint;
use super::shards::Shards;
use super::{Ckpt, MAX_SECTION_SIZE};
use crate::SessionId;
use ais_proto::admin::{Inspected, MAX_INSPECTED, MAX_PAGE, Page, Piece};
use ais_proto::ckpt::Section;
use ais_wire::Name;
use std::collections::BTreeMap;

/// The sections of such a checkpoint.
#[derive(Debug)]
pub(crate) struct Taken(Shards);

impl Ckpt {
    /// Takes the checkpoint with this name, unlinked or not.
    pub(crate) fn inspect(&self, name: &Name) -> Option<(Inspected, Taken)> {
        let (_, checkpoint) = self.state.named(name)?;
        Some((checkpoint.inspect(self.limits.strict), Taken(checkpoint.sections.freeze())))
    }

    /// How many times each session of this node has it open.
    pub(crate) fn openers(&self, name: &Name) -> BTreeMap<SessionId, u32> {
        let id = self.state.named(name).map(|(id, _)| id);
        id.map(|id| self.opens.openers(id)).unwrap_or_default()
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
    /// The sections from a number on, as many as a reply may have.
    pub(crate) fn sections(&self, first: u64) -> Page<Section> {
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, first);
        while let Some((number, section)) = self.0.next_from(next) {
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
        let (offset, bytes) = self.0.get(section)?.bytes.stored_from(offset, MAX_INSPECTED)?;
        Some(Piece { offset, bytes: bytes.to_vec() })
    }
}
