//! The replies of CKPT that say more than whether a call succeeded, and what
//! its callbacks are made of.

use super::{Attributes, SectionState};
use crate::messages::{bodies, events};
use crate::services::Telling;
use crate::{AisError, DecodeError, Reader, Writer};
use ais_wire::{Bytes, Form, record};

record! {
    /// The reply to [`Request::StatusGet`](super::Request::StatusGet) (`SaCkptCheckpointStatusT`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Status {
        /// What it was made with; the retention duration as it is now.
        pub attributes: Attributes,
        /// Sections, the default section included.
        pub sections: u64,
        /// Bytes in all sections.
        pub memory_used: u64,
    }
}

record! {
    /// The reply to [`Request::IteratorNext`](super::Request::IteratorNext)
    /// (`SaCkptSectionDescriptorT`).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Section {
        /// The creation number of the section.
        pub number: u64,
        /// Its id.
        pub id: Vec<u8> as Bytes,
        /// `expirationTime` as the program gave it.
        pub expiration: i64,
        /// Bytes it holds.
        pub size: u32,
        /// Whether it can be read.
        pub state: SectionState,
        /// When it was last written, in nanoseconds since the epoch.
        pub last_update: i64,
    }
}

bodies!(Status, Section);

events! {
    /// What a callback of CKPT is made of.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Event {
        /// `saCkptCheckpointOpenCallback`. Where nobody can tell whether what was opened will
        /// last, the open timed out, as the checkpoint may not be there.
        0x0381 Open {
            /// Which request it answers.
            tag: u32,
            /// The number of the open checkpoint, or why there is none.
            result: Result<u32, AisError>,
        } => {
            let timed_out = Self::Open { tag: *tag, result: Err(AisError::Timeout) };
            Telling::Outcome { unsettled: Some(timed_out.into()) }
        },
        /// `saCkptCheckpointSynchronizeCallback`.
        0x0382 Synchronize {
            /// Which request it answers.
            tag: u32,
            /// Whether all replicas have everything.
            result: Result<(), AisError> as WithZero,
        } => Telling::Outcome { unsettled: None },
    }
}

/// As the outcome of an open with no checkpoint: a zero stands where its number would.
enum WithZero {}

impl Form<'_, Result<(), AisError>> for WithZero {
    fn put(value: &Result<(), AisError>, out: &mut Writer) {
        ais_wire::Wire::put(&value.map(|()| 0_u32), out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Result<(), AisError>, DecodeError> {
        let result: Result<u32, AisError> = ais_wire::Wire::take(input)?;
        Ok(result.map(|_| ()))
    }
}

/// The reply to [`Request::Read`](super::Request::Read): how many bytes each
/// element has, then all of them.
#[derive(Debug, Clone)]
pub struct ReadReply<'a> {
    counts: Reader<'a>,
    data: &'a [u8],
}

impl<'a> ReadReply<'a> {
    /// Reads the body of the reply; nothing is allocated.
    ///
    /// # Errors
    /// A [`DecodeError`] if it is something else.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        let count = usize::try_from(input.u32()?).map_err(|_| DecodeError::Truncated)?;
        let counts = input.take(count.checked_mul(4).ok_or(DecodeError::Truncated)?)?;
        let reply = Self { counts: Reader::new(counts), data: input.rest() };
        let sum = reply.lengths().try_fold(0, usize::checked_add);
        match sum {
            Some(sum) if sum == reply.data.len() => Ok(reply),
            Some(sum) if sum < reply.data.len() => Err(DecodeError::Trailing),
            _ => Err(DecodeError::Truncated),
        }
    }

    /// The bytes read, one piece per element.
    pub fn pieces(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut data = Reader::new(self.data);
        // All of them are there, as `decode` has seen.
        self.lengths().map(move |length| data.take(length).unwrap_or_default())
    }

    fn lengths(&self) -> impl Iterator<Item = usize> + use<'a> {
        let mut counts = self.counts.clone();
        std::iter::from_fn(move || counts.u32().ok())
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    }
}
