//! CKPT: requests, replies and events (A.01.01 section CKPT).
//!
//! Checkpoints are named by the number that `Open` returned; it belongs to
//! the session. Data stands at the end of a request, so that the library can
//! hand it to the kernel from where the program keeps it.

mod reply;
mod request;

pub use reply::{Event, ReadReply, Section, Status};
pub use request::{Open, ReadElement, Request, WriteElement};

use crate::numbers::{flags, numbered};
use ais_wire::{methods, record};

bitflags::bitflags! {
    /// `SaCkptCheckpointOpenFlagsT`, and what the library adds.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct OpenFlags: u8 {
        /// `SA_CKPT_CHECKPOINT_READ`
        const READ = 1;
        /// `SA_CKPT_CHECKPOINT_WRITE`
        const WRITE = 2;
        /// `SA_CKPT_CHECKPOINT_COLOCATED`
        const COLOCATED = 4;
        /// The library had to amend the creation attributes, since the
        /// specification does not allow what the program gave: no update
        /// option or several, a negative size or duration. No program can set
        /// it.
        const AMENDED = 8;
    }
}

flags!(OpenFlags: u8, OpenFlags::from_bits);

/// The section that always exists: no bytes (`SA_CKPT_DEFAULT_SECTION_ID`).
pub const DEFAULT_SECTION: &[u8] = &[];

/// Bytes in a section id, all that `SaUint16T` can say; one more is
/// `INVALID_PARAM`.
pub const MAX_SECTION_ID: usize = u16::MAX as usize;

/// Bytes in a section, all that `SaSizeT` of 2004 can say; one more is
/// `NO_SPACE`.
pub const MAX_SECTION_SIZE: u64 = i32::MAX as u64;

/// When a section with this `expirationTime` expires, in nanoseconds since
/// the epoch. Never, if the program gave 0 or one of the 32-bit values that
/// programs of 2004 give for "no end", or `SA_TIME_END`.
#[must_use]
pub fn deadline(expiration: i64) -> Option<i64> {
    match expiration {
        0..=0xffff_ffff | i64::MAX => None,
        at => Some(at),
    }
}

numbered! {
    /// The update options, of which a checkpoint has exactly one
    /// (`SaCkptCheckpointCreationFlagsT`).
    pub enum UpdateOption {
        /// `SA_CKPT_WR_ALL_REPLICAS`
        AllReplicas = 1,
        /// `SA_CKPT_WR_ACTIVE_REPLICA`
        ActiveReplica = 2,
        /// `SA_CKPT_WR_ACTIVE_REPLICA_WEAK`
        ActiveReplicaWeak = 4,
    }
}

impl UpdateOption {
    /// The option that these `SaCkptCheckpointCreationFlagsT` mean: the
    /// strongest of those that are named, and of none that of
    /// `SA_CKPT_WR_ALL_REPLICAS`. `None` if another bit is set.
    #[must_use]
    pub fn strongest(flags: u64) -> Option<Self> {
        let options = [Self::AllReplicas, Self::ActiveReplica, Self::ActiveReplicaWeak];
        let all = options.iter().fold(0, |all, option| all | u64::from(option.number()));
        if flags & !all != 0 {
            return None;
        }
        let named = options.into_iter().find(|option| flags & u64::from(option.number()) != 0);
        Some(named.unwrap_or(Self::AllReplicas))
    }
}

numbered! {
    /// `SaCkptSectionsChosenT`.
    pub enum SectionsChosen {
        /// Sections that never expire.
        Forever = 1,
        /// Sections that expire at the given time or before.
        LeqExpirationTime = 2,
        /// Sections that expire at the given time or later.
        GeqExpirationTime = 3,
        /// The corrupted ones.
        Corrupted = 4,
        /// All.
        Any = 5,
    }
}

numbered! {
    /// `SaCkptSectionStateT`.
    pub enum SectionState {
        /// The section can be read.
        Valid = 1,
        /// A weak write was interrupted in it.
        Corrupted = 2,
    }
}

/// The size in creation attributes that limits nothing: that of a program
/// which gave a negative one. More than `SaSizeT` can say.
pub const NO_LIMIT: u32 = u32::MAX;

record! {
    /// `SaCkptCheckpointCreationAttributesT`. Sizes are what the program said, or
    /// [`NO_LIMIT`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Attributes {
        /// The update option.
        pub option: UpdateOption,
        /// Bytes in all sections, or [`NO_LIMIT`].
        pub checkpoint_size: u32,
        /// Nanoseconds that it outlives its last close; not negative.
        pub retention_duration: i64,
        /// How many sections.
        pub max_sections: u64,
        /// Bytes in one section, or [`NO_LIMIT`].
        pub max_section_size: u32,
        /// Bytes in a section id.
        pub max_section_id_size: u64,
    }
}

methods!(pub Attributes);
