//! The requests to CKPT.

use super::{Attributes, Event, OpenFlags, SectionsChosen};
use crate::{Code, DecodeError, Name, Outcome, Reader, RequestKind, Writer};

/// What to open and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The name.
    pub name: Name,
    /// How to make it if it is not there; `None` opens only what is.
    pub attributes: Option<Attributes>,
    /// What the handle is for.
    pub flags: OpenFlags,
}

impl Open {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.name(&self.name).u8(self.flags.bits());
        out.option(self.attributes.as_ref(), |out, attributes| attributes.encode(out));
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if it is not there.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: input.name()?,
            flags: OpenFlags::from_bits(input.u8()?).ok_or(DecodeError::Invalid)?,
            attributes: input.option(Attributes::decode)?,
        })
    }
}

/// One element of a vector write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteElement<'a> {
    /// The section.
    pub id: &'a [u8],
    /// Where in the section, in bytes.
    pub offset: u64,
    /// What to put there.
    pub data: &'a [u8],
}

/// One element of a vector read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadElement<'a> {
    /// The section.
    pub id: &'a [u8],
    /// Where in the section, in bytes.
    pub offset: u64,
    /// How many bytes at most; `None` is up to the end of the section.
    pub size: Option<u32>,
}

/// A request to CKPT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// `saCkptCheckpointOpen`. Reply: the number of the open checkpoint (u32).
    Open(Open),
    /// `saCkptCheckpointOpenAsync`, on the connection of the library handle.
    /// Reply: nothing; then [`Event::Open`](super::Event::Open).
    OpenAsync {
        /// Comes back in the event.
        tag: u32,
        /// What to open.
        open: Open,
    },
    /// `saCkptCheckpointClose`.
    Close {
        /// The open checkpoint; so in all that follow.
        checkpoint: u32,
    },
    /// `saCkptCheckpointUnlink`.
    Unlink {
        /// The name.
        name: Name,
    },
    /// `saCkptCheckpointRetentionDurationSet`.
    RetentionDurationSet {
        /// The open checkpoint.
        checkpoint: u32,
        /// Nanoseconds, not negative.
        duration: i64,
    },
    /// `saCkptActiveCheckpointSet`.
    ActiveSet {
        /// The open checkpoint.
        checkpoint: u32,
    },
    /// `saCkptCheckpointStatusGet`. Reply: a [`Status`](super::Status).
    StatusGet {
        /// The open checkpoint.
        checkpoint: u32,
    },
    /// `saCkptSectionCreate`. Reply: the id (counted bytes).
    SectionCreate {
        /// The open checkpoint.
        checkpoint: u32,
        /// The id; `None` has one generated.
        id: Option<&'a [u8]>,
        /// `expirationTime` as the program gave it.
        expiration: i64,
        /// What it holds at first.
        data: &'a [u8],
    },
    /// `saCkptSectionDelete`.
    SectionDelete {
        /// The open checkpoint.
        checkpoint: u32,
        /// The section.
        id: &'a [u8],
    },
    /// `saCkptSectionExpirationTimeSet`.
    ExpirationTimeSet {
        /// The open checkpoint.
        checkpoint: u32,
        /// The section.
        id: &'a [u8],
        /// `expirationTime` as the program gave it.
        expiration: i64,
    },
    /// `saCkptSectionIteratorInitialize`. Reply: the first cursor (u64).
    IteratorStart {
        /// The open checkpoint.
        checkpoint: u32,
    },
    /// `saCkptSectionIteratorNext`. Reply: a [`Section`](super::Section), whose number is the
    /// next cursor; `NOT_EXIST` at the end.
    IteratorNext {
        /// The open checkpoint.
        checkpoint: u32,
        /// Which sections to list.
        chosen: SectionsChosen,
        /// The time that `chosen` may compare with.
        expiration: i64,
        /// Sections below this number are still to come.
        cursor: u64,
    },
    /// `saCkptCheckpointWrite`: all or nothing. Reply: nothing; with an error
    /// the index of the failing element (u32), if one is to blame.
    Write {
        /// The open checkpoint.
        checkpoint: u32,
        /// The elements, in order.
        elements: Vec<WriteElement<'a>>,
    },
    /// `saCkptSectionOverwrite`.
    Overwrite {
        /// The open checkpoint.
        checkpoint: u32,
        /// The section.
        id: &'a [u8],
        /// What it holds from then on.
        data: &'a [u8],
    },
    /// `saCkptCheckpointRead`. Reply: a
    /// [`ReadReply`](super::ReadReply); with an error as [`Request::Write`].
    Read {
        /// The open checkpoint.
        checkpoint: u32,
        /// The elements, in order.
        elements: Vec<ReadElement<'a>>,
    },
    /// `saCkptCheckpointSynchronize`.
    Synchronize {
        /// The open checkpoint.
        checkpoint: u32,
    },
    /// `saCkptCheckpointSynchronizeAsync`, on the connection of the library
    /// handle. Reply: nothing; then [`Event::Synchronize`](super::Event::Synchronize).
    SynchronizeAsync {
        /// The open checkpoint.
        checkpoint: u32,
        /// Comes back in the event.
        tag: u32,
    },
}

const OPEN: Code = Code(0x0301);
const OPEN_ASYNC: Code = Code(0x0302);
const CLOSE: Code = Code(0x0303);
const UNLINK: Code = Code(0x0304);
const RETENTION_DURATION_SET: Code = Code(0x0305);
const ACTIVE_SET: Code = Code(0x0306);
const STATUS_GET: Code = Code(0x0307);
const SECTION_CREATE: Code = Code(0x0308);
const SECTION_DELETE: Code = Code(0x0309);
const EXPIRATION_TIME_SET: Code = Code(0x030a);
const ITERATOR_START: Code = Code(0x030b);
const ITERATOR_NEXT: Code = Code(0x030c);
const WRITE: Code = Code(0x030d);
const OVERWRITE: Code = Code(0x030e);
const READ: Code = Code(0x030f);
const SYNCHRONIZE: Code = Code(0x0310);
const SYNCHRONIZE_ASYNC: Code = Code(0x0311);

impl<'a> Request<'a> {
    /// The code of the request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Open(_) => OPEN,
            Self::OpenAsync { .. } => OPEN_ASYNC,
            Self::Close { .. } => CLOSE,
            Self::Unlink { .. } => UNLINK,
            Self::RetentionDurationSet { .. } => RETENTION_DURATION_SET,
            Self::ActiveSet { .. } => ACTIVE_SET,
            Self::StatusGet { .. } => STATUS_GET,
            Self::SectionCreate { .. } => SECTION_CREATE,
            Self::SectionDelete { .. } => SECTION_DELETE,
            Self::ExpirationTimeSet { .. } => EXPIRATION_TIME_SET,
            Self::IteratorStart { .. } => ITERATOR_START,
            Self::IteratorNext { .. } => ITERATOR_NEXT,
            Self::Write { .. } => WRITE,
            Self::Overwrite { .. } => OVERWRITE,
            Self::Read { .. } => READ,
            Self::Synchronize { .. } => SYNCHRONIZE,
            Self::SynchronizeAsync { .. } => SYNCHRONIZE_ASYNC,
        }
    }

    /// Appends the body but for the data, which [`Request::data`] has.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Open(open) => open.encode(out),
            Self::OpenAsync { tag, open } => open.encode(out.u32(*tag)),
            Self::Unlink { name } => {
                out.name(name);
            }
            Self::Close { checkpoint }
            | Self::ActiveSet { checkpoint }
            | Self::StatusGet { checkpoint }
            | Self::IteratorStart { checkpoint }
            | Self::Synchronize { checkpoint } => {
                out.u32(*checkpoint);
            }
            Self::RetentionDurationSet { checkpoint, duration } => {
                out.u32(*checkpoint).i64(*duration);
            }
            Self::SectionCreate { checkpoint, id, expiration, .. } => {
                out.u32(*checkpoint).option(id.as_ref(), |out, id| {
                    out.bytes(id);
                });
                out.i64(*expiration);
            }
            Self::SectionDelete { checkpoint, id } | Self::Overwrite { checkpoint, id, .. } => {
                out.u32(*checkpoint).bytes(id);
            }
            Self::ExpirationTimeSet { checkpoint, id, expiration } => {
                out.u32(*checkpoint).bytes(id).i64(*expiration);
            }
            Self::IteratorNext { checkpoint, chosen, expiration, cursor } => {
                out.u32(*checkpoint).u8(*chosen as u8).i64(*expiration).u64(*cursor);
            }
            Self::Write { checkpoint, elements } => {
                out.u32(*checkpoint).list(elements, |out, element| {
                    out.bytes(element.id).u64(element.offset).count(element.data.len());
                });
            }
            Self::Read { checkpoint, elements } => {
                out.u32(*checkpoint).list(elements, |out, element| {
                    out.bytes(element.id).u64(element.offset);
                    out.option(element.size.as_ref(), |out, size| {
                        out.u32(*size);
                    });
                });
            }
            Self::SynchronizeAsync { checkpoint, tag } => {
                out.u32(*checkpoint).u32(*tag);
            }
        }
    }

    /// The data that follows what [`Request::encode`] wrote, piece by piece.
    pub fn data(&self) -> impl Iterator<Item = &'a [u8]> {
        let (one, many): (Option<&'a [u8]>, &[WriteElement<'a>]) = match self {
            Self::SectionCreate { data, .. } | Self::Overwrite { data, .. } => (Some(data), &[]),
            Self::Write { elements, .. } => (None, elements),
            _ => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(|element| element.data))
    }

    pub(crate) fn decode(code: Code, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            OPEN => Self::Open(Open::decode(input)?),
            OPEN_ASYNC => Self::OpenAsync { tag: input.u32()?, open: Open::decode(input)? },
            CLOSE => Self::Close { checkpoint: input.u32()? },
            UNLINK => Self::Unlink { name: input.name()? },
            RETENTION_DURATION_SET => {
                Self::RetentionDurationSet { checkpoint: input.u32()?, duration: input.i64()? }
            }
            ACTIVE_SET => Self::ActiveSet { checkpoint: input.u32()? },
            STATUS_GET => Self::StatusGet { checkpoint: input.u32()? },
            SECTION_CREATE => Self::SectionCreate {
                checkpoint: input.u32()?,
                id: input.option(Reader::bytes)?,
                expiration: input.i64()?,
                data: input.rest(),
            },
            SECTION_DELETE => Self::SectionDelete { checkpoint: input.u32()?, id: input.bytes()? },
            EXPIRATION_TIME_SET => Self::ExpirationTimeSet {
                checkpoint: input.u32()?,
                id: input.bytes()?,
                expiration: input.i64()?,
            },
            ITERATOR_START => Self::IteratorStart { checkpoint: input.u32()? },
            ITERATOR_NEXT => Self::IteratorNext {
                checkpoint: input.u32()?,
                chosen: SectionsChosen::decode(input)?,
                expiration: input.i64()?,
                cursor: input.u64()?,
            },
            WRITE => {
                Self::Write { checkpoint: input.u32()?, elements: decode_write_elements(input)? }
            }
            OVERWRITE => {
                Self::Overwrite { checkpoint: input.u32()?, id: input.bytes()?, data: input.rest() }
            }
            READ => Self::Read {
                checkpoint: input.u32()?,
                elements: input.list(|input| {
                    Ok(ReadElement {
                        id: input.bytes()?,
                        offset: input.u64()?,
                        size: input.option(Reader::u32)?,
                    })
                })?,
            },
            SYNCHRONIZE => Self::Synchronize { checkpoint: input.u32()? },
            SYNCHRONIZE_ASYNC => {
                Self::SynchronizeAsync { checkpoint: input.u32()?, tag: input.u32()? }
            }
            _ => return Err(DecodeError::Invalid),
        })
    }
}

fn decode_write_elements<'a>(input: &mut Reader<'a>) -> Result<Vec<WriteElement<'a>>, DecodeError> {
    let heads = input.list(|input| Ok((input.bytes()?, input.u64()?, input.u32()?)))?;
    let mut elements = Vec::with_capacity(heads.len());
    for (id, offset, length) in heads {
        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
        elements.push(WriteElement { id, offset, data: input.take(length)? });
    }
    Ok(elements)
}

impl Request<'_> {
    /// When the node itself may refuse the request, and how its program gets the outcome.
    pub(crate) fn handling(&self) -> (RequestKind, Outcome) {
        match self {
            Self::OpenAsync { tag, .. } => {
                let failed = |tag, error| Event::Open { tag, result: Err(error) }.into();
                (RequestKind::Change, Outcome::Event { tag: *tag, failed })
            }
            Self::SynchronizeAsync { tag, .. } => {
                let failed = |tag, error| Event::Synchronize { tag, result: Err(error) }.into();
                (RequestKind::Other, Outcome::Event { tag: *tag, failed })
            }
            Self::Open(_)
            | Self::Unlink { .. }
            | Self::RetentionDurationSet { .. }
            | Self::ActiveSet { .. }
            | Self::SectionCreate { .. }
            | Self::SectionDelete { .. }
            | Self::ExpirationTimeSet { .. }
            | Self::Write { .. }
            | Self::Overwrite { .. } => (RequestKind::Change, Outcome::Reply),
            Self::Close { .. } => (RequestKind::Release, Outcome::Reply),
            Self::StatusGet { .. }
            | Self::IteratorStart { .. }
            | Self::IteratorNext { .. }
            | Self::Read { .. }
            | Self::Synchronize { .. } => (RequestKind::Other, Outcome::Reply),
        }
    }
}
