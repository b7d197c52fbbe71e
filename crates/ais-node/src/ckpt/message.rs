//! The messages that the service multicasts. Decoding believes nothing.

use super::state::Room;
use crate::UserId;
use crate::message_id::MessageId;
use ais_proto::Code;
use ais_proto::ckpt::{Open, Request, WriteElement};
use ais_wire::{DecodeError, Name, Reader, Wire, Writer};

/// Which checkpoint: it was made by this message. A name may come to mean
/// another checkpoint, this does not.
pub(super) type CheckpointId = MessageId;

/// When which section expires. While the section has that time there is
/// exactly one of these, so it names both the section and the version of its
/// time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expiry {
    /// In nanoseconds since the epoch.
    pub(super) at: i64,
    pub(super) checkpoint: CheckpointId,
    pub(super) section: u64,
}

/// What the node that is asked puts on a change, so that all nodes judge it
/// alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Its rule for the limits of the creation attributes.
    pub(super) strict: bool,
    /// Its wall clock, in nanoseconds since the epoch.
    pub(super) now: i64,
    pub(super) room: Room,
}

/// The same for an open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opener {
    pub(super) strict: bool,
    /// Whose the checkpoint is, if the open makes it.
    pub(super) owner: UserId,
    pub(super) room: Room,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Open a checkpoint. The tag is for the event on the node that sends.
    Open { open: Open, opener: Opener, tag: Option<u32> },
    /// Take opens of the sender back.
    Close { checkpoint: CheckpointId, count: u32 },
    /// Take the name away.
    Unlink { name: Name },
    /// Change a checkpoint as this request asks ([`Change::of`]), whose number for it only
    /// the sender knows.
    Change { checkpoint: CheckpointId, stamp: Stamp, request: Request<'a> },
    /// These sections have expired.
    Expire { sections: Vec<Expiry> },
    /// The retention of a checkpoint is over, if it still has this version.
    Retire { checkpoint: CheckpointId, version: u64 },
    /// A checkpoint, if it still has this version, is retained for so many
    /// nanoseconds more.
    Retain { checkpoint: CheckpointId, version: u64, remaining: u64 },
}

/// What may change in a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    SetRetention(i64),
    SetActive,
    CreateSection {
        id: Option<&'a [u8]>,
        expiration: i64,
        data: &'a [u8],
    },
    DeleteSection {
        id: &'a [u8],
    },
    SetExpiration {
        id: &'a [u8],
        expiration: i64,
    },
    Write(Vec<WriteElement<'a>>),
    Overwrite {
        id: &'a [u8],
        data: &'a [u8],
    },
    /// Nothing, but everybody has all that came before. The tag is for the
    /// event on the node that sends.
    Synchronize {
        tag: Option<u32>,
    },
}

const OPEN: u8 = 1;
const CLOSE: u8 = 2;
const UNLINK: u8 = 3;
const EXPIRE: u8 = 4;
const RETIRE: u8 = 5;
const CHANGE: u8 = 6;
const RETAIN: u8 = 7;

/// Bytes of a message without what has no fixed length in it.
pub(super) const HEAD: usize = 96;

impl<'a> Message<'a> {
    /// About how many bytes it has.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Expire { sections } => HEAD + 36 * sections.len(),
            _ => HEAD,
        }
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        match self {
            Self::Open { open, opener, tag } => {
                opener.room.encode(out.u8(OPEN).bool(opener.strict).u32(opener.owner.0));
                encode_tag(*tag, out);
                open.put(out);
            }
            Self::Close { checkpoint, count } => checkpoint.encode(out.u8(CLOSE).u32(*count)),
            Self::Unlink { name } => {
                out.u8(UNLINK).name(name);
            }
            Self::Change { checkpoint, stamp, request } => {
                encode_head(*checkpoint, *stamp, request.code(), out);
                request.encode(out);
                for piece in request.data() {
                    out.raw(piece);
                }
            }
            Self::Expire { sections } => {
                out.u8(EXPIRE).list(sections, |out, expiry| {
                    expiry.checkpoint.encode(out.i64(expiry.at).u64(expiry.section));
                });
            }
            Self::Retire { checkpoint, version } => checkpoint.encode(out.u8(RETIRE).u64(*version)),
            Self::Retain { checkpoint, version, remaining } => {
                checkpoint.encode(out.u8(RETAIN).u64(*version).u64(*remaining));
            }
        }
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let message = match input.u8()? {
            OPEN => {
                let (strict, owner) = (input.bool()?, UserId(input.u32()?));
                let opener = Opener { strict, owner, room: Room::decode(&mut input)? };
                let tag = input.option(Reader::u32)?;
                let open = Open::take(&mut input)?;
                if let Some(attributes) = &open.attributes {
                    not_negative(attributes.retention_duration)?;
                }
                Self::Open { opener, tag, open }
            }
            CLOSE => {
                let count = input.u32()?;
                Self::Close { count, checkpoint: CheckpointId::decode(&mut input)? }
            }
            UNLINK => Self::Unlink { name: input.name()? },
            EXPIRE => Self::Expire { sections: input.list(decode_expiry)? },
            RETIRE => {
                let version = input.u64()?;
                Self::Retire { version, checkpoint: CheckpointId::decode(&mut input)? }
            }
            RETAIN => {
                let (version, remaining) = (input.u64()?, input.u64()?);
                Self::Retain { version, remaining, checkpoint: CheckpointId::decode(&mut input)? }
            }
            CHANGE => {
                let (strict, now) = (input.bool()?, input.i64()?);
                let stamp = Stamp { strict, now, room: Room::decode(&mut input)? };
                let checkpoint = CheckpointId::decode(&mut input)?;
                let code = Code(input.u16()?);
                match ais_proto::Request::decode(code, input.rest())? {
                    ais_proto::Request::Ckpt(request) => {
                        Self::Change { checkpoint, stamp, request }
                    }
                    _ => return Err(DecodeError::Invalid),
                }
            }
            _ => return Err(DecodeError::Invalid),
        };
        input.finish()?;
        Ok(message)
    }
}

impl<'a> Change<'a> {
    /// The change that a request asks for, and in which open checkpoint; `None` if it asks
    /// for something else.
    pub(super) fn of(request: Request<'a>) -> Option<(u32, Self)> {
        Some(match request {
            Request::RetentionDurationSet { checkpoint, duration } if duration >= 0 => {
                (checkpoint, Self::SetRetention(duration))
            }
            Request::ActiveSet { checkpoint } => (checkpoint, Self::SetActive),
            Request::SectionCreate { checkpoint, id, expiration, data } => {
                (checkpoint, Self::CreateSection { id, expiration, data })
            }
            Request::SectionDelete { checkpoint, id } => (checkpoint, Self::DeleteSection { id }),
            Request::ExpirationTimeSet { checkpoint, id, expiration } => {
                (checkpoint, Self::SetExpiration { id, expiration })
            }
            Request::Write { checkpoint, elements } => (checkpoint, Self::Write(elements)),
            Request::Overwrite { checkpoint, id, data } => {
                (checkpoint, Self::Overwrite { id, data })
            }
            Request::Synchronize { checkpoint } => (checkpoint, Self::Synchronize { tag: None }),
            Request::SynchronizeAsync { checkpoint, tag } => {
                (checkpoint, Self::Synchronize { tag: Some(tag) })
            }
            _ => return None,
        })
    }

    /// Bytes of data in it.
    pub(super) fn data_length(&self) -> usize {
        match self {
            Self::CreateSection { data, .. } | Self::Overwrite { data, .. } => data.len(),
            Self::Write(elements) => elements.iter().map(|element| element.data.len()).sum(),
            _ => 0,
        }
    }
}

/// Begins a [`Message::Change`]: the body of its request follows as it came.
pub(super) fn encode_head(checkpoint: CheckpointId, stamp: Stamp, code: Code, out: &mut Writer) {
    stamp.room.encode(out.u8(CHANGE).bool(stamp.strict).i64(stamp.now));
    checkpoint.encode(out);
    out.u16(code.0);
}

fn encode_tag(tag: Option<u32>, out: &mut Writer) {
    out.option(tag.as_ref(), |out, tag| {
        out.u32(*tag);
    });
}

fn decode_expiry(input: &mut Reader<'_>) -> Result<Expiry, DecodeError> {
    Ok(Expiry { at: input.i64()?, section: input.u64()?, checkpoint: CheckpointId::decode(input)? })
}

/// The duration, if it is one.
fn not_negative(duration: i64) -> Result<i64, DecodeError> {
    if duration < 0 { Err(DecodeError::Invalid) } else { Ok(duration) }
}
