//! The checkpoints that operators look into. A handle has one at most, and the
//! node so many together: what is taken may cost as much memory as the
//! checkpoint does, while programs write to that.

use super::Sights;
use crate::ConnectionId;
use crate::ckpt::Taken;
use ais_proto::admin::{Inspected, Page, Piece};
use ais_proto::ckpt::Section;
use ais_proto::{AisError, Name};
use std::collections::BTreeMap;

/// Checkpoints that are taken at a time.
const MOST_TAKEN: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Inspections {
    taken: BTreeMap<ConnectionId, Taken>,
}

impl Inspections {
    /// A handle gives back what it has.
    pub(super) fn stop(&mut self, handle: ConnectionId) {
        self.taken.remove(&handle);
    }

    /// Takes a checkpoint for a handle.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is none of that name, `BUSY` if too many are
    /// taken.
    pub(super) fn take(
        &mut self,
        handle: ConnectionId,
        name: &Name,
        sights: &Sights<'_>,
    ) -> Result<Inspected, AisError> {
        self.stop(handle);
        if self.taken.len() >= MOST_TAKEN {
            return Err(AisError::Busy);
        }
        let (inspected, taken) = sights.ckpt.inspect(name).ok_or(AisError::NotExist)?;
        self.taken.insert(handle, taken);
        Ok(inspected)
    }

    /// As [`Taken::sections`]; `None` if the handle has taken nothing.
    pub(super) fn sections(&self, handle: ConnectionId, first: u64) -> Option<Page<Section>> {
        Some(self.taken.get(&handle)?.sections(first))
    }

    /// As [`Taken::bytes`]; `None` if the handle has taken nothing.
    pub(super) fn bytes(
        &self,
        handle: ConnectionId,
        section: u64,
        offset: u32,
    ) -> Option<Option<Piece>> {
        Some(self.taken.get(&handle)?.bytes(section, offset))
    }
}
