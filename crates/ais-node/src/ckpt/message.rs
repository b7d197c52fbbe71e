//! The messages that the service multicasts.

use super::room::Room;
use crate::UserId;
use crate::message_id::MessageId;
use ais_proto::Code;
use ais_proto::ckpt::{Open, Request, WriteElement};
use ais_wire::{DecodeError, Form, Name, Reader, Wire, Writer, record, tagged};

/// Which checkpoint: it was made by this message. A name may come to mean
/// another checkpoint, this does not.
pub(super) type CheckpointId = MessageId;

record! {
    /// When which section expires. While the section has that time there is
    /// exactly one of these, so it names both the section and the version of its
    /// time.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(super) struct Expiry {
        /// In nanoseconds since the epoch.
        pub(super) at: i64,
        pub(super) section: u64,
        pub(super) checkpoint: CheckpointId,
    }
}

record! {
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
}

record! {
    /// What the node that is asked puts on an open, so that all nodes judge it alike.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Opener {
        pub(super) strict: bool,
        /// The user that the checkpoint belongs to, if the open makes it.
        pub(super) owner: UserId,
        pub(super) room: Room,
    }
}

tagged! {
    /// A message.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum Message<'a> {
        /// Open a checkpoint. The tag is for the event on the node that sends.
        1 Open { opener: Opener, tag: Option<u32>, open: Open as NotNegative },
        /// Take opens of the sender back.
        2 Close { count: u32, checkpoint: CheckpointId },
        /// Take the name away.
        3 Unlink { name: Name },
        /// These sections have expired.
        4 Expire { sections: Vec<Expiry> },
        /// The retention of a checkpoint is over, if it still has this version.
        5 Retire { version: u64, checkpoint: CheckpointId },
        /// A checkpoint, if it still has this version, is retained for so many nanoseconds
        /// more.
        7 Retain { version: u64, remaining: u64, checkpoint: CheckpointId },
        /// Change a checkpoint as this request asks ([`Change::of`]), whose number for it only
        /// the sender knows.
        6 Change { stamp: Stamp, checkpoint: CheckpointId, request: Request<'a> as Asked },
    }
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

/// Bytes of a message without what has no fixed length in it.
pub(super) const HEAD: usize = 96;

impl Message<'_> {
    /// About how many bytes it has.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Expire { sections } => HEAD + 36 * sections.len(),
            _ => HEAD,
        }
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

/// The number of a [`Message::Change`], as declared above.
const CHANGE: u8 = 6;

/// Begins a [`Message::Change`]: the body of its request follows as it came.
pub(super) fn put_head(checkpoint: CheckpointId, stamp: Stamp, code: Code, out: &mut Writer) {
    stamp.put(out.u8(CHANGE));
    checkpoint.put(out);
    out.u16(code.0);
}

/// A request as it came: its code and its body.
enum Asked {}

impl<'a> Form<'a, Request<'a>> for Asked {
    fn put(request: &Request<'a>, out: &mut Writer) {
        out.u16(request.code().0);
        request.encode(out);
        for piece in request.data() {
            out.raw(piece);
        }
    }

    fn take(input: &mut Reader<'a>) -> Result<Request<'a>, DecodeError> {
        let code = Code(input.u16()?);
        match ais_proto::Request::decode(code, input.rest())? {
            ais_proto::Request::Ckpt(request) => Ok(request),
            _ => Err(DecodeError::Invalid),
        }
    }
}

/// An open whose durations are none below 0.
enum NotNegative {}

impl Form<'_, Open> for NotNegative {
    fn put(open: &Open, out: &mut Writer) {
        open.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Open, DecodeError> {
        let open = Open::take(input)?;
        let duration = open.attributes.map_or(0, |attributes| attributes.retention_duration);
        if duration < 0 { Err(DecodeError::Invalid) } else { Ok(open) }
    }
}
