//! A section of a checkpoint.

use super::bytes::Bytes;
use crate::Digest;
use ais_proto::ckpt::{self, SectionState, deadline};
use ais_wire::Writer;
use std::sync::Arc;

/// The number of the default section, which is there before all others.
pub(super) const DEFAULT_NUMBER: u64 = 0;

/// A section.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) id: Arc<[u8]>,
    /// `expirationTime` as the program gave it.
    pub(super) expiration: i64,
    /// Its end was near when it was given.
    pub(super) is_near: bool,
    /// When it was last written, by the clock of the node that was asked.
    pub(super) last_update: i64,
    /// What it holds.
    pub(super) bytes: Bytes,
}

impl Section {
    /// When it expires, if it does, and that was not near.
    pub(super) fn deadline(&self) -> Option<i64> {
        deadline(self.expiration).filter(|_| !self.is_near)
    }

    /// When it expires, as the program said; `i64::MAX` is never, which is
    /// later than all else.
    pub(super) fn end(&self) -> i64 {
        deadline(self.expiration).unwrap_or(i64::MAX)
    }

    #[cfg(test)]
    pub(super) fn is_near(&self) -> bool {
        self.is_near
    }

    /// Appends all but what it holds.
    pub(super) fn encode_head(&self, number: u64, out: &mut Writer) {
        out.u64(number).bytes(&self.id).i64(self.expiration).bool(self.is_near);
        out.i64(self.last_update);
        out.u32(self.bytes.size());
    }

    /// Another number for each number, time, end and size, almost always.
    pub(super) fn likeness(&self, number: u64) -> u64 {
        let mut digest = Digest::default();
        digest.number(number);
        digest.number(self.last_update.cast_unsigned());
        digest.number(self.expiration.cast_unsigned());
        digest.number(self.bytes.size().into());
        digest.value()
    }

    pub(super) fn describe(&self, number: u64) -> ckpt::Section {
        ckpt::Section {
            number,
            id: self.id.to_vec(),
            expiration: self.expiration,
            size: self.bytes.size(),
            state: SectionState::Valid,
            last_update: self.last_update,
        }
    }
}
