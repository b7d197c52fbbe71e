//! The messages of state synchronisation. They travel among those of the
//! services, marked by an envelope of their own, and name the view they belong
//! to: one that comes later than its view is void.

use crate::ckpt::Cursor;
use crate::clm::Record;
use ais_proto::Service;
use ais_totem::ViewId;
use ais_wire::{DecodeError, Name, Reader, Writer};

/// Stands where other messages name their service.
pub(crate) const ENVELOPE: u8 = 0;
/// Groups of groups.conf whose digests are told; the digest of the whole file
/// covers the others.
const MAX_GROUPS: usize = 64;

const ANNOUNCE: u8 = 1;
const CHUNK: u8 = 2;
const END: u8 = 3;
const UNABLE: u8 = 4;
const FILL: u8 = 5;
const COMPARE: u8 = 6;

/// A message of state synchronisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// What a member brings into the view.
    Announce(Announce),
    /// A part of the state of the sender's side. `sent`: see [`super::transfer::Sent`].
    Chunk { attempt: u32, sent: u32, service: Service, bytes: &'a [u8] },
    /// That was all of it.
    End { attempt: u32, sent: u32 },
    /// The sender cannot read the state it was sent.
    Unable { attempt: u32 },
    /// What sections hold, up to this place; `None`: that was all of it.
    Fill { attempt: u32, sent: u32, next: Option<Cursor>, bytes: &'a [u8] },
    /// What was delivered to the sender up to the last comparison in this view
    /// ([`super::lineage::Delivered`]).
    Compare { delivered: Option<u32> },
}

/// What a member brings into a view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Announce {
    /// Which state it has; `None` if it has none. Members with the same have
    /// the same state.
    pub(crate) lineage: Option<u64>,
    /// From where on what sections hold is still missing in it; `None` if
    /// nothing is.
    pub(crate) missing: Option<Cursor>,
    /// The number of the last view with quorum in which its state was that of
    /// all members; 0 where no quorum is asked for.
    pub(crate) quorum: u64,
    /// The digest of the groups.conf that AMF runs with on its side.
    pub(crate) groups_in_use: u64,
    /// Its own groups.conf.
    pub(crate) groups: GroupsDigest,
    /// Who it is, for CLM.
    pub(crate) record: Record,
}

/// What tells one groups.conf from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupsDigest {
    /// Of the whole file.
    pub(crate) all: u64,
    /// Of its groups, by name; at most `MAX_GROUPS`.
    pub(crate) groups: Vec<(Name, u64)>,
}

impl GroupsDigest {
    pub(crate) fn of(groups: &crate::amf::config::Groups) -> Self {
        let named = groups.groups.iter().take(MAX_GROUPS);
        let named = named.map(|group| (group.name.clone(), group.digest()));
        Self { all: groups.digest(), groups: named.collect() }
    }
}

impl Message<'_> {
    pub(crate) fn encode(&self, view: ViewId) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        let kind = match self {
            Self::Announce(_) => ANNOUNCE,
            Self::Chunk { .. } => CHUNK,
            Self::End { .. } => END,
            Self::Unable { .. } => UNABLE,
            Self::Fill { .. } => FILL,
            Self::Compare { .. } => COMPARE,
        };
        out.u8(ENVELOPE).u64(view.number).node(view.representative).u8(kind);
        match self {
            Self::Announce(announce) => announce.encode(&mut out),
            Self::Chunk { attempt, sent, service, bytes } => {
                out.u32(*attempt).u32(*sent).u8(*service as u8).raw(bytes);
            }
            Self::End { attempt, sent } => {
                out.u32(*attempt).u32(*sent);
            }
            Self::Unable { attempt } => {
                out.u32(*attempt);
            }
            Self::Fill { attempt, sent, next, bytes } => {
                out.u32(*attempt).u32(*sent);
                out.option(next.as_ref(), |out, next| next.encode(out)).raw(bytes);
            }
            Self::Compare { delivered } => {
                out.option(delivered.as_ref(), |out, delivered| {
                    out.u32(*delivered);
                });
            }
        }
        out.into_bytes()
    }
}

impl<'a> Message<'a> {
    /// The view and the message in it. An announcement that cannot be read is
    /// one of a member that brings nothing: all must come to the same plan,
    /// and nobody may wait for it for ever.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<(ViewId, Self), DecodeError> {
        let mut input = Reader::new(bytes);
        if input.u8()? != ENVELOPE {
            return Err(DecodeError::Invalid);
        }
        let view = ViewId { number: input.u64()?, representative: input.node()? };
        let message = match input.u8()? {
            ANNOUNCE => Self::Announce(Announce::decode(&mut input).unwrap_or_default()),
            CHUNK => Self::Chunk {
                attempt: input.u32()?,
                sent: input.u32()?,
                service: Service::decode(&mut input)?,
                bytes: input.rest(),
            },
            END => Self::End { attempt: input.u32()?, sent: input.u32()? },
            UNABLE => Self::Unable { attempt: input.u32()? },
            FILL => Self::Fill {
                attempt: input.u32()?,
                sent: input.u32()?,
                next: input.option(Cursor::decode)?,
                bytes: input.rest(),
            },
            COMPARE => Self::Compare { delivered: input.option(Reader::u32)? },
            _ => return Err(DecodeError::Invalid),
        };
        Ok((view, message))
    }
}

impl Announce {
    fn encode(&self, out: &mut Writer) {
        out.option(self.lineage.as_ref(), |out, lineage| {
            out.u64(*lineage);
        });
        out.option(self.missing.as_ref(), |out, missing| missing.encode(out));
        out.u64(self.quorum).u64(self.groups_in_use).u64(self.groups.all);
        out.list(&self.groups.groups, |out, (name, digest)| {
            out.name(name).u64(*digest);
        });
        self.record.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let announce = Self {
            lineage: input.option(Reader::u64)?,
            missing: input.option(Cursor::decode)?,
            quorum: input.u64()?,
            groups_in_use: input.u64()?,
            groups: GroupsDigest {
                all: input.u64()?,
                groups: input.list(|input| Ok((input.name()?, input.u64()?)))?,
            },
            record: Record::decode(input)?,
        };
        if announce.groups.groups.len() > MAX_GROUPS || input.remaining() > 0 {
            return Err(DecodeError::Invalid);
        }
        Ok(announce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::NodeId;

    const VIEW: ViewId =
        ViewId { number: 7, representative: NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1)) };

    fn announce() -> Announce {
        let groups = GroupsDigest { all: 4, groups: vec![(Name::try_from("raid").unwrap(), 5)] };
        let record = Record::named("one");
        let missing = Some(Cursor::START);
        Announce { lineage: Some(1), missing, quorum: 2, groups_in_use: 3, groups, record }
    }

    /// Up to the kind of the message.
    const ENVELOPE_LENGTH: usize = 14;

    #[test]
    fn what_was_written_is_read() {
        let messages = [
            Message::Announce(announce()),
            Message::Chunk { attempt: 3, sent: 8, service: Service::Ckpt, bytes: b"state" },
            Message::End { attempt: 3, sent: 9 },
            Message::Unable { attempt: 3 },
            Message::Fill { attempt: 3, sent: 8, next: Some(Cursor::START), bytes: b"piece" },
            Message::Fill { attempt: 3, sent: 9, next: None, bytes: b"" },
            Message::Compare { delivered: Some(7) },
            Message::Compare { delivered: None },
        ];
        for message in messages {
            assert_eq!(Message::decode(&message.encode(VIEW)), Ok((VIEW, message)));
        }
    }

    #[test]
    fn an_announcement_that_cannot_be_read_brings_nothing() {
        let bytes = Message::Announce(announce()).encode(VIEW);
        let head = ENVELOPE_LENGTH;
        for length in head..bytes.len() {
            let nothing = Message::Announce(Announce::default());
            assert_eq!(Message::decode(&bytes[..length]), Ok((VIEW, nothing)));
        }
        let mut many = announce();
        many.groups.groups = vec![(Name::default(), 0); MAX_GROUPS + 1];
        let many = Message::Announce(many).encode(VIEW);
        assert_eq!(Message::decode(&many), Ok((VIEW, Message::Announce(Announce::default()))));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let chunk = Message::Chunk { attempt: 1, sent: 8, service: Service::Amf, bytes: b"" };
        let bytes = chunk.encode(VIEW);
        for length in 0..bytes.len() {
            assert!(Message::decode(&bytes[..length]).is_err());
        }
        for (place, value) in [(0, 1), (13, 9), (22, 9)] {
            let mut bytes = bytes.clone();
            bytes[place] = value;
            assert_eq!(Message::decode(&bytes), Err(DecodeError::Invalid), "{place}");
        }
    }
}
