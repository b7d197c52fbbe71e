//! The messages that the service multicasts. Decoding believes nothing.

use super::state::Room;
use crate::UserId;
use crate::message_id::MessageId;
use ais_proto::ckpt::{Open, WriteElement};
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
    /// Change a checkpoint.
    Change { checkpoint: CheckpointId, stamp: Stamp, change: Change<'a> },
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
const SET_RETENTION: u8 = 6;
const SET_ACTIVE: u8 = 7;
const CREATE_SECTION: u8 = 8;
const DELETE_SECTION: u8 = 9;
const SET_EXPIRATION: u8 = 10;
const WRITE: u8 = 11;
const OVERWRITE: u8 = 12;
const SYNCHRONIZE: u8 = 13;
const RETAIN: u8 = 14;

/// Bytes of a message without the ids and data of a change.
const HEAD: usize = 96;

impl<'a> Message<'a> {
    /// About how many bytes it has.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Change { change, .. } => HEAD + change.length(),
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
            Self::Change { checkpoint, stamp, change } => {
                stamp.room.encode(out.u8(change.code()).bool(stamp.strict).i64(stamp.now));
                checkpoint.encode(out);
                change.encode(out);
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
            code => {
                let (strict, now) = (input.bool()?, input.i64()?);
                let stamp = Stamp { strict, now, room: Room::decode(&mut input)? };
                let checkpoint = CheckpointId::decode(&mut input)?;
                Self::Change { checkpoint, stamp, change: Change::decode(code, &mut input)? }
            }
        };
        input.finish()?;
        Ok(message)
    }
}

impl<'a> Change<'a> {
    /// Bytes of data in it.
    pub(super) fn data_length(&self) -> usize {
        match self {
            Self::CreateSection { data, .. } | Self::Overwrite { data, .. } => data.len(),
            Self::Write(elements) => elements.iter().map(|element| element.data.len()).sum(),
            _ => 0,
        }
    }

    fn length(&self) -> usize {
        let ids = match self {
            Self::CreateSection { id, .. } => id.map_or(0, <[u8]>::len),
            Self::DeleteSection { id }
            | Self::SetExpiration { id, .. }
            | Self::Overwrite { id, .. } => id.len(),
            Self::Write(elements) => elements.iter().map(|element| 16 + element.id.len()).sum(),
            _ => 0,
        };
        ids + self.data_length()
    }

    fn code(&self) -> u8 {
        match self {
            Self::SetRetention(_) => SET_RETENTION,
            Self::SetActive => SET_ACTIVE,
            Self::CreateSection { .. } => CREATE_SECTION,
            Self::DeleteSection { .. } => DELETE_SECTION,
            Self::SetExpiration { .. } => SET_EXPIRATION,
            Self::Write(_) => WRITE,
            Self::Overwrite { .. } => OVERWRITE,
            Self::Synchronize { .. } => SYNCHRONIZE,
        }
    }

    fn encode(&self, out: &mut Writer) {
        match self {
            Self::SetRetention(duration) => {
                out.i64(*duration);
            }
            Self::SetActive => {}
            Self::CreateSection { id, expiration, data } => {
                out.i64(*expiration).option(id.as_ref(), |out, id| {
                    out.bytes(id);
                });
                out.raw(data);
            }
            Self::DeleteSection { id } => {
                out.bytes(id);
            }
            Self::SetExpiration { id, expiration } => {
                out.bytes(id).i64(*expiration);
            }
            Self::Write(elements) => {
                out.list(elements, |out, element| {
                    out.bytes(element.id).u64(element.offset).bytes(element.data);
                });
            }
            Self::Overwrite { id, data } => {
                out.bytes(id).raw(data);
            }
            Self::Synchronize { tag } => encode_tag(*tag, out),
        }
    }

    fn decode(code: u8, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            SET_RETENTION => Self::SetRetention(not_negative(input.i64()?)?),
            SET_ACTIVE => Self::SetActive,
            CREATE_SECTION => Self::CreateSection {
                expiration: input.i64()?,
                id: input.option(Reader::bytes)?,
                data: input.rest(),
            },
            DELETE_SECTION => Self::DeleteSection { id: input.bytes()? },
            SET_EXPIRATION => Self::SetExpiration { id: input.bytes()?, expiration: input.i64()? },
            WRITE => Self::Write(input.list(|input| {
                Ok(WriteElement { id: input.bytes()?, offset: input.u64()?, data: input.bytes()? })
            })?),
            OVERWRITE => Self::Overwrite { id: input.bytes()?, data: input.rest() },
            SYNCHRONIZE => Self::Synchronize { tag: input.option(Reader::u32)? },
            _ => return Err(DecodeError::Invalid),
        })
    }
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
