//! The replies of CKPT that say more than whether a call succeeded, and what
//! its callbacks are made of.

use super::{Attributes, SectionState};
use crate::{AisError, Code, DecodeError, Reader, Telling, Writer};

const EVENT_OPEN: Code = Code(0x0381);
const EVENT_SYNCHRONIZE: Code = Code(0x0382);

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

impl Status {
    /// The body of the reply.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        self.attributes.encode(&mut out);
        out.u64(self.sections).u64(self.memory_used);
        out.into_bytes()
    }

    /// Reads the body of the reply.
    ///
    /// # Errors
    /// A [`DecodeError`] if it is something else.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        Ok(Self {
            attributes: Attributes::decode(&mut input)?,
            sections: input.u64()?,
            memory_used: input.u64()?,
        })
    }
}

/// The reply to [`Request::IteratorNext`](super::Request::IteratorNext) (`SaCkptSectionDescriptorT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The creation number of the section.
    pub number: u64,
    /// Its id.
    pub id: Vec<u8>,
    /// `expirationTime` as the program gave it.
    pub expiration: i64,
    /// Bytes it holds.
    pub size: u32,
    /// Whether it can be read.
    pub state: SectionState,
    /// When it was last written, in nanoseconds since the epoch.
    pub last_update: i64,
}

impl Section {
    /// The body of the reply.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u64(self.number).bytes(&self.id).i64(self.expiration).u32(self.size);
        out.u8(self.state as u8).i64(self.last_update);
        out.into_bytes()
    }

    /// Reads the body of the reply.
    ///
    /// # Errors
    /// A [`DecodeError`] if it is something else.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        Ok(Self {
            number: input.u64()?,
            id: input.bytes()?.to_vec(),
            expiration: input.i64()?,
            size: input.u32()?,
            state: SectionState::decode(&mut input)?,
            last_update: input.i64()?,
        })
    }
}

/// What a callback of CKPT is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `saCkptCheckpointOpenCallback`.
    Open {
        /// Which request it answers.
        tag: u32,
        /// The number of the open checkpoint, or why there is none.
        result: Result<u32, AisError>,
    },
    /// `saCkptCheckpointSynchronizeCallback`.
    Synchronize {
        /// Which request it answers.
        tag: u32,
        /// Whether all replicas have everything.
        result: Result<(), AisError>,
    },
}

impl Event {
    /// The code of the event.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Open { .. } => EVENT_OPEN,
            Self::Synchronize { .. } => EVENT_SYNCHRONIZE,
        }
    }

    /// The body of the event.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let (tag, result) = match *self {
            Self::Open { tag, result } => (tag, result),
            Self::Synchronize { tag, result } => (tag, result.map(|()| 0)),
        };
        out.u32(tag);
        match result {
            Ok(checkpoint) => out.bool(true).u32(checkpoint),
            Err(error) => out.bool(false).u8(error as u8),
        };
        out.into_bytes()
    }

    /// Reads an event.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(code: Code, body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        let tag = input.u32()?;
        let result =
            if input.bool()? { Ok(input.u32()?) } else { Err(AisError::decode(&mut input)?) };
        input.finish()?;
        match code {
            EVENT_OPEN => Ok(Self::Open { tag, result }),
            EVENT_SYNCHRONIZE => Ok(Self::Synchronize { tag, result: result.map(|_| ()) }),
            _ => Err(DecodeError::Invalid),
        }
    }
}

impl Event {
    /// Which events about the same are told. Where nobody can tell whether what was opened
    /// will last, the open timed out, as the checkpoint may not be there.
    pub(crate) fn telling(&self) -> Telling {
        match *self {
            Self::Open { tag, .. } => {
                let unsettled = Self::Open { tag, result: Err(AisError::Timeout) };
                Telling::Outcome { unsettled: Some(unsettled.into()) }
            }
            Self::Synchronize { .. } => Telling::Outcome { unsettled: None },
        }
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
