//! The bounds of CKPT on a node, and what is said of each.

use super::{MAX_ELEMENTS, MAX_OPENS, MAX_SECTION_SIZE};

/// The bounds and rules of CKPT on this node. They bind what is asked here, on
/// all nodes alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all checkpoints together (`checkpoint-memory`).
    pub memory: u64,
    /// Bytes in the checkpoints together that processes of one user have made
    /// (`user-checkpoint-memory`). Root is free of it.
    pub user_memory: u64,
    /// How many checkpoints (`max-checkpoints`); those of one user other than
    /// root three quarters of that.
    pub checkpoints: u32,
    /// Sections in a checkpoint beside the default section (`max-sections`).
    pub sections: u32,
    /// Bytes of data in one call (`max-message`).
    pub max_message: u32,
    /// Whether the limits of the creation attributes hold, and with them what
    /// else the programs of 2004 do not keep to (`checkpoint-limits: strict`).
    pub strict: bool,
}

impl Default for Limits {
    /// What holds without any key, but for the memory, which has no bound
    /// here.
    fn default() -> Self {
        Self {
            memory: u64::MAX,
            user_memory: u64::MAX,
            checkpoints: 1 << 16,
            sections: 1 << 20,
            max_message: 16 << 20,
            strict: false,
        }
    }
}

impl Limits {
    /// How many checkpoints there may be of one user, if there may be so many.
    pub(super) fn checkpoints_of_user(checkpoints: u32) -> u32 {
        checkpoints - checkpoints / 4
    }
}

/// A bound that a call has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    Memory,
    UserMemory,
    Checkpoints,
    UserCheckpoints,
    Sections,
    Message,
    /// What the creation attributes say.
    Attributes,
    /// What the specification says to the parameters of an open.
    Specification,
    Elements,
    SectionSize,
    Opens,
}

impl Limit {
    /// What it is, and what can be done.
    pub(super) fn text(self, limits: &Limits) -> String {
        match self {
            Self::Memory => format!(
                "all checkpoints together may use {} bytes; raise checkpoint-memory in network.conf",
                limits.memory
            ),
            Self::UserMemory => format!(
                "all checkpoints that a user has made together may use {} bytes; raise \
                 user-checkpoint-memory in network.conf",
                limits.user_memory
            ),
            Self::UserCheckpoints => format!(
                "there may be {} checkpoints of one user; raise max-checkpoints in network.conf, \
                 of which a user has three quarters",
                Limits::checkpoints_of_user(limits.checkpoints)
            ),
            Self::Checkpoints => format!(
                "there may be {} checkpoints; raise max-checkpoints in network.conf",
                limits.checkpoints
            ),
            Self::Sections => format!(
                "a checkpoint may have {} sections; raise max-sections in network.conf",
                limits.sections
            ),
            Self::Message => format!(
                "a call may carry {} bytes; raise max-message in network.conf, or write and read \
                 in pieces",
                limits.max_message
            ),
            Self::Attributes => "its creation attributes do not allow that; create it with \
                 larger ones, or set checkpoint-limits:lenient in network.conf"
                .into(),
            Self::Specification => "the specification does not allow that: name one update option \
                 and no negative size in the creation attributes, and open to read or to write; \
                 or set checkpoint-limits:lenient in network.conf"
                .into(),
            Self::Elements => format!(
                "a vector may have {MAX_ELEMENTS} elements, whatever is configured; write and read \
                 with several calls"
            ),
            Self::SectionSize => format!(
                "a section may have {MAX_SECTION_SIZE} bytes, whatever is configured; use several \
                 sections"
            ),
            Self::Opens => format!(
                "a process may have {MAX_OPENS} checkpoints open, and a user no more than leaves \
                 room for others, whatever is configured; are they closed?"
            ),
        }
    }
}
