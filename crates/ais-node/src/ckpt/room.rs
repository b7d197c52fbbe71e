//! The bounds of the node that is asked, which a message carries.

use super::limits::Limits;
use crate::UserId;
use ais_wire::record;

record! {
    /// The bounds of the node that is asked, which go along with what can grow.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Room {
        /// Bytes in all checkpoints together.
        pub(super) memory: u64,
        /// Bytes in the checkpoints of one user; no bound if root's process asks, as
        /// what that writes is nobody's fault.
        pub(super) user_memory: u64,
        pub(super) checkpoints: u32,
        /// Sections in a checkpoint beside the default section.
        pub(super) sections: u32,
    }
}

impl Room {
    /// For what a process of `user` asks.
    pub(super) const fn of(limits: &Limits, user: UserId) -> Self {
        let user_memory = if user.0 == UserId::ROOT.0 { u64::MAX } else { limits.user_memory };
        let Limits { memory, checkpoints, sections, .. } = *limits;
        Self { memory, user_memory, checkpoints, sections }
    }
}
