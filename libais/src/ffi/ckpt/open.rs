//! Open checkpoints and iterators as a C program knows them: by numbers, and
//! with pointers to section ids that live as long as what gave them.

use super::super::handles::Handles;
use super::super::types::*;
use super::super::values::{narrow, size};
use ais_client::AisError;
use ais_client::ckpt::{Checkpoint, Section, SectionState, Sections, SectionsChosen};
use std::collections::LinkedList;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The open checkpoints, and the iterators over their sections.
pub(super) static CHECKPOINTS: Handles<OpenCheckpoint> = Handles::new();
pub(super) static SECTIONS: Handles<Listing> = Handles::new();

/// Section ids to which the program has pointers.
#[derive(Debug, Default)]
struct Ids(Mutex<LinkedList<Vec<u8>>>);

impl Ids {
    /// Keeps an id, and tells how the program finds it.
    fn keep(&self, id: Vec<u8>) -> SaCkptSectionIdT {
        // The bytes stay where they are when the vector moves.
        let kept = SaCkptSectionIdT { id: id.as_ptr().cast_mut(), idLen: narrow(id.len() as u64) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(id);
        kept
    }
}

/// An open checkpoint, with the ids that were generated for its sections.
#[derive(Debug)]
pub(super) struct OpenCheckpoint {
    checkpoint: Arc<Checkpoint>,
    generated: Ids,
}

impl Deref for OpenCheckpoint {
    type Target = Checkpoint;

    fn deref(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl OpenCheckpoint {
    /// Gives a checkpoint a number.
    pub(super) fn insert(checkpoint: Arc<Checkpoint>) -> i32 {
        CHECKPOINTS.insert(Arc::new(Self { checkpoint, generated: Ids::default() }))
    }

    /// Keeps the id that was generated for a section until the checkpoint is
    /// closed.
    pub(super) fn keep(&self, id: Vec<u8>) -> SaCkptSectionIdT {
        self.generated.keep(id)
    }

    /// Begins to list sections.
    pub(super) fn list(
        &self,
        chosen: SectionsChosen,
        expiration: i64,
    ) -> Result<Listing, AisError> {
        let sections = self.checkpoint.sections(chosen, expiration)?;
        Ok(Listing { sections, ids: Ids::default() })
    }
}

/// An iterator, with the ids that it has given.
#[derive(Debug)]
pub(super) struct Listing {
    sections: Sections,
    ids: Ids,
}

impl Listing {
    /// The next section; its id lives as long as the iterator.
    pub(super) fn next(&self) -> Result<SaCkptSectionDescriptorT, AisError> {
        let Section { id, expiration, size: bytes, state, last_update, .. } =
            self.sections.next()?;
        Ok(SaCkptSectionDescriptorT {
            sectionId: self.ids.keep(id),
            expirationTime: expiration,
            sectionSize: size(bytes),
            sectionState: match state {
                SectionState::Valid => SaCkptSectionStateT::SA_CKPT_SECTION_VALID,
                SectionState::Corrupted => SaCkptSectionStateT::SA_CKPT_SECTION_CORRUPTED,
            },
            lastUpdate: last_update,
        })
    }
}

/// Closes the checkpoint with this number; its iterators end with it.
pub(super) fn close(number: i32) -> Result<(), AisError> {
    let open = CHECKPOINTS.find(number)?;
    open.close()?;
    CHECKPOINTS.remove(number)?;
    let is_of_it = |listing: &Listing| Arc::ptr_eq(listing.sections.checkpoint(), &open.checkpoint);
    SECTIONS.remove_if(is_of_it);
    Ok(())
}
