//! A state that comes from another node is put together again.

use super::State;
use crate::ckpt::bytes::Bytes;
use crate::ckpt::checkpoint::Checkpoint;
use crate::ckpt::graves::Graves;
use crate::ckpt::message::CheckpointId;
use ais_wire::{DecodeError, Reader};

impl State {
    /// Puts a checkpoint back that has no sections yet.
    pub(in crate::ckpt) fn restore(
        &mut self,
        id: CheckpointId,
        is_named: bool,
        checkpoint: Checkpoint,
    ) -> Result<(), DecodeError> {
        let is_taken = |id| self.checkpoints.contains_key(id) || self.aliases.contains_key(id);
        if is_taken(&id)
            || checkpoint.former.iter().any(|alias| *alias == id || is_taken(alias))
            || (is_named && self.names.contains_key(checkpoint.name()))
            || !(is_named || checkpoint.is_unlinked())
        {
            return Err(DecodeError::Invalid);
        }
        if is_named {
            self.names.insert(checkpoint.name().clone(), id);
        }
        self.aliases.extend(checkpoint.former.iter().map(|alias| (*alias, id)));
        self.count_in(&checkpoint);
        self.checkpoints.insert(id, checkpoint);
        Ok(())
    }

    /// Puts a section back, with a hole made by `hold`; its number.
    pub(in crate::ckpt) fn restore_section(
        &mut self,
        id: CheckpointId,
        input: &mut Reader<'_>,
        hold: fn(u32) -> Bytes,
    ) -> Result<u64, DecodeError> {
        let restore =
            |checkpoint: &mut Checkpoint, _: &mut Graves| checkpoint.sections.restore(input, hold);
        self.update(id, restore).ok_or(DecodeError::Invalid)?
    }

    /// Puts back what a section holds.
    pub(in crate::ckpt) fn restore_bytes(
        &mut self,
        id: CheckpointId,
        section: u64,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let checkpoint = self.checkpoints.get_mut(&id).ok_or(DecodeError::Invalid)?;
        checkpoint.sections.restore_bytes(section, offset, bytes)
    }
}
