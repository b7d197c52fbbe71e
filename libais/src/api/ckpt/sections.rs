//! Iterators over the sections of a checkpoint. Aisexec knows nothing of
//! them: the library keeps the place in the list.

use super::Checkpoint;
use crate::sys::thread::Holding;
use ais_proto::ckpt::{Request, Section, SectionsChosen};
use ais_proto::{AisError, Reader};
use std::sync::{Arc, Mutex, PoisonError};

/// An iterator.
#[derive(Debug)]
pub(crate) struct Sections {
    checkpoint: Arc<Checkpoint>,
    chosen: SectionsChosen,
    expiration: i64,
    place: Mutex<Place>,
}

#[derive(Debug)]
struct Place {
    /// Sections below this number are still to come.
    cursor: u64,
    /// Ids to which the program has pointers.
    ids: Vec<Vec<u8>>,
}

impl Sections {
    /// Begins with the newest section.
    pub(crate) fn new(
        checkpoint: Arc<Checkpoint>,
        chosen: SectionsChosen,
        expiration: i64,
    ) -> Result<Self, AisError> {
        let request = Request::IteratorStart { checkpoint: checkpoint.number() };
        let cursor = checkpoint.call(request, |reply| reply.read(Reader::u64))?;
        let place = Mutex::new(Place { cursor, ids: Vec::new() });
        Ok(Self { checkpoint, chosen, expiration, place })
    }

    /// Hands the next section to `with`; its id lives as long as the
    /// iterator.
    pub(crate) fn next(&self, with: impl FnOnce(&Section)) -> Result<(), AisError> {
        let _holding = Holding::begin();
        // Two callers get two sections, one after the other.
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.ids.try_reserve(1).map_err(|_| AisError::NoMemory)?;
        let request = Request::IteratorNext {
            checkpoint: self.checkpoint.number(),
            chosen: self.chosen,
            expiration: self.expiration,
            cursor: place.cursor,
        };
        let section = self
            .checkpoint
            .call(request, |reply| reply.read(|input| Section::decode(input.rest())))?;
        if section.number >= place.cursor {
            // A list that does not get shorter would never end.
            return Err(AisError::Library);
        }
        place.cursor = section.number;
        with(&section);
        // The bytes stay where they are when the vector moves.
        place.ids.push(section.id);
        Ok(())
    }

    /// Whether it lists the sections of this checkpoint.
    pub(crate) fn is_of(&self, checkpoint: &Arc<Checkpoint>) -> bool {
        Arc::ptr_eq(&self.checkpoint, checkpoint)
    }
}
