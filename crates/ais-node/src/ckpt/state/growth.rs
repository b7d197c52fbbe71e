//! Whether there is room for what a call wants to add. The node that is asked
//! judges before it sends, so that most calls beyond a bound cost the others
//! nothing; all nodes judge again, in agreed order, so that what is under way
//! does not pass a bound either.

use super::State;
use crate::UserId;
use crate::ckpt::checkpoint::Checkpoint;
use crate::ckpt::failure::Failure;
use crate::ckpt::limits::{Limit, Limits};
use crate::ckpt::message::{Change, Stamp};
use crate::ckpt::room::Room;
use crate::ckpt::{CHECKPOINT_OVERHEAD, SECTION_OVERHEAD};

/// Bytes that a checkpoint counts for when it is made.
const NEW_CHECKPOINT: u64 = CHECKPOINT_OVERHEAD + SECTION_OVERHEAD;

impl State {
    /// Whether there is room for another checkpoint, of this user.
    ///
    /// # Errors
    /// `NO_SPACE`, and which bound it is.
    pub(in crate::ckpt) fn check_new(&self, owner: UserId, room: Room) -> Result<(), Failure> {
        if self.len() >= room.checkpoints as usize {
            return Err(Limit::Checkpoints.failure());
        }
        let of_user = Limits::checkpoints_of_user(room.checkpoints);
        if owner != UserId::ROOT && self.owned(owner).checkpoints >= of_user.into() {
            return Err(Limit::UserCheckpoints.failure());
        }
        self.check_memory(owner, NEW_CHECKPOINT, room)
    }

    /// Whether there is room for what a change adds to a checkpoint, whatever
    /// that was made for.
    ///
    /// # Errors
    /// `NO_SPACE`, and which bound it is.
    pub(in crate::ckpt) fn check_growth(
        &self,
        checkpoint: &Checkpoint,
        change: &Change<'_>,
        stamp: Stamp,
    ) -> Result<(), Failure> {
        let is_section = matches!(change, Change::CreateSection { .. });
        if is_section && checkpoint.sections.len() > stamp.room.sections as usize {
            return Err(Limit::Sections.failure());
        }
        match checkpoint.growth(change, stamp.strict) {
            0 => Ok(()),
            growth => self.check_memory(checkpoint.owner(), growth, stamp.room),
        }
    }

    fn check_memory(&self, owner: UserId, growth: u64, room: Room) -> Result<(), Failure> {
        if self.memory().saturating_add(growth) > room.memory {
            return Err(Limit::Memory.failure());
        }
        let of_user = self.owned(owner).memory.saturating_add(growth);
        if owner != UserId::ROOT && of_user > room.user_memory {
            return Err(Limit::UserMemory.failure());
        }
        Ok(())
    }
}
