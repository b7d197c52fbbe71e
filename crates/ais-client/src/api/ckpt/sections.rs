//! Iterators over the sections of a checkpoint. Aisexec knows nothing of
//! them: the library keeps the place in the list.

use super::Checkpoint;
use crate::sys::thread::Holding;
use ais_proto::AisError;
use ais_proto::ckpt::{Request, Section, SectionsChosen};
use std::sync::{Arc, Mutex, PoisonError};

/// An iterator, made by [`Checkpoint::sections`].
#[derive(Debug)]
pub struct Sections {
    checkpoint: Arc<Checkpoint>,
    chosen: SectionsChosen,
    expiration: i64,
    /// Sections below this number are still to come.
    cursor: Mutex<u64>,
}

impl Sections {
    pub(super) fn new(
        checkpoint: Arc<Checkpoint>,
        chosen: SectionsChosen,
        expiration: i64,
        cursor: u64,
    ) -> Self {
        Self { checkpoint, chosen, expiration, cursor: Mutex::new(cursor) }
    }

    /// The next section (`saCkptSectionIteratorNext`). Two callers get two
    /// sections, one after the other.
    ///
    /// # Errors
    /// `NotExist` at the end; others of the C function.
    pub fn next(&self) -> Result<Section, AisError> {
        let _holding = Holding::begin();
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Request::IteratorNext {
            checkpoint: self.checkpoint.number(),
            chosen: self.chosen,
            expiration: self.expiration,
            cursor: *cursor,
        };
        let section = self
            .checkpoint
            .call(request, |reply| reply.read(|input| Section::decode(input.rest())))?;
        if section.number >= *cursor {
            // A list that does not get shorter would never end.
            return Err(AisError::Library);
        }
        *cursor = section.number;
        Ok(section)
    }

    /// The checkpoint whose sections it lists.
    #[must_use]
    pub fn checkpoint(&self) -> &Arc<Checkpoint> {
        &self.checkpoint
    }
}
