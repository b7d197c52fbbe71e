//! The messages of state synchronisation. They travel among those of the
//! services, marked by an envelope of their own, and name the view they belong
//! to: one that comes later than its view is void.

use crate::by_service::ByService;
use crate::cursor::Cursor;
use crate::record::Record;
use crate::service::Fingerprint;
use crate::services::{Place, SERVICES, Services};
use ais_group::ViewId;
use ais_proto::ServiceId;
use ais_wire::{DecodeError, Reader, Writer};

/// Stands where other messages name their service.
pub(crate) const ENVELOPE: u8 = 0;

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
    Chunk { attempt: u32, sent: u32, service: ServiceId, bytes: &'a [u8] },
    /// That was all of it.
    End { attempt: u32, sent: u32 },
    /// The sender cannot read the state it was sent.
    Unable { attempt: u32 },
    /// Contents up to this place; `None`: that was all of them.
    Fill { attempt: u32, sent: u32, next: Option<Place>, bytes: &'a [u8] },
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
    /// From where on contents are still missing in it; `None` if nothing is.
    pub(crate) missing: Option<Place>,
    /// The number of the last view with quorum in which its state was that of
    /// all members; 0 where no quorum is asked for.
    pub(crate) quorum: u64,
    /// Of each service that has one, in the order of the services.
    pub(crate) configurations: ByService<Configuration>,
    /// Who it is.
    pub(crate) record: Record,
}

/// The configuration of a member for a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// The digest of the one that the service runs with on its side.
    pub(crate) in_use: u64,
    /// The one that the member has itself.
    pub(crate) own: Fingerprint,
}

/// What the services of a node have in its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The services with a configuration.
    pub(crate) configured: Vec<ServiceId>,
    /// How many of them have contents.
    pub(crate) contents: u8,
}

impl Shape {
    pub(crate) fn of(services: &mut Services) -> Self {
        let has_one = |id: &ServiceId| services.configured(*id).is_some();
        let configured = SERVICES.iter().copied().filter(has_one).collect();
        Self { configured, contents: services.contents_count() }
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
                encode_place(*next, out.u32(*attempt).u32(*sent));
                out.raw(bytes);
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
    pub(crate) fn decode(bytes: &'a [u8], shape: &Shape) -> Result<(ViewId, Self), DecodeError> {
        let mut input = Reader::new(bytes);
        if input.u8()? != ENVELOPE {
            return Err(DecodeError::Invalid);
        }
        let view = ViewId { number: input.u64()?, representative: input.node()? };
        let message = match input.u8()? {
            ANNOUNCE => Self::Announce(Announce::decode(&mut input, shape).unwrap_or_default()),
            CHUNK => Self::Chunk {
                attempt: input.u32()?,
                sent: input.u32()?,
                service: ServiceId::decode(&mut input)?,
                bytes: input.rest(),
            },
            END => Self::End { attempt: input.u32()?, sent: input.u32()? },
            UNABLE => Self::Unable { attempt: input.u32()? },
            FILL => Self::Fill {
                attempt: input.u32()?,
                sent: input.u32()?,
                next: decode_place(&mut input, shape)?,
                bytes: input.rest(),
            },
            COMPARE => Self::Compare { delivered: input.option(Reader::u32)? },
            _ => return Err(DecodeError::Invalid),
        };
        Ok((view, message))
    }
}

impl Announce {
    /// The configuration of the member for a service; nothing if it has announced none.
    pub(crate) fn configuration(&self, service: ServiceId) -> &Configuration {
        static NONE: Configuration =
            Configuration { in_use: 0, own: Fingerprint { all: 0, parts: Vec::new() } };
        self.configurations.get(service).unwrap_or(&NONE)
    }

    fn encode(&self, out: &mut Writer) {
        out.option(self.lineage.as_ref(), |out, lineage| {
            out.u64(*lineage);
        });
        encode_place(self.missing, out);
        out.u64(self.quorum);
        for (_, Configuration { in_use, own }) in self.configurations.iter() {
            out.u64(*in_use).u64(own.all).list(&own.parts, |out, (name, digest)| {
                out.name(name).u64(*digest);
            });
        }
        self.record.encode(out);
    }

    fn decode(input: &mut Reader<'_>, shape: &Shape) -> Result<Self, DecodeError> {
        let (lineage, missing) = (input.option(Reader::u64)?, decode_place(input, shape)?);
        let (quorum, mut configurations) = (input.u64()?, Vec::new());
        for service in &shape.configured {
            let (in_use, all) = (input.u64()?, input.u64()?);
            let parts = input.list(|input| Ok((input.name()?, input.u64()?)))?;
            if parts.len() > Fingerprint::MAX_PARTS {
                return Err(DecodeError::Invalid);
            }
            let own = Fingerprint { all, parts };
            configurations.push((*service, Configuration { in_use, own }));
        }
        let record = Record::decode(input)?;
        if input.remaining() > 0 {
            return Err(DecodeError::Invalid);
        }
        let configurations = configurations.into_iter().collect();
        Ok(Self { lineage, missing, quorum, configurations, record })
    }
}

/// The first byte is 0 for no place, else 1 more than the number of the replica.
pub(super) fn encode_place(place: Option<Place>, out: &mut Writer) {
    match place {
        Some(Place { replica, cursor }) => cursor.encode(out.u8(replica + 1)),
        None => {
            out.u8(0);
        }
    }
}

fn decode_place(input: &mut Reader<'_>, shape: &Shape) -> Result<Option<Place>, DecodeError> {
    match input.u8()?.checked_sub(1) {
        None => Ok(None),
        Some(replica) if replica < shape.contents => {
            Ok(Some(Place { replica, cursor: Cursor::decode(input)? }))
        }
        Some(_) => Err(DecodeError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_golden;
    use crate::message_id::MessageId;
    use ais_wire::{Name, NodeId};

    const VIEW: ViewId =
        ViewId { number: 7, representative: NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1)) };

    fn record() -> Record {
        let name = |text| Name::try_from(text).unwrap();
        Record { name: name("one"), cluster: name("ais"), boot_timestamp: -8 }
    }

    fn announce() -> Announce {
        let own = Fingerprint { all: 4, parts: vec![(Name::try_from("raid").unwrap(), 5)] };
        let configurations =
            [(ServiceId::Amf, Configuration { in_use: 3, own })].into_iter().collect();
        let (missing, record) = (Some(Place::START), record());
        Announce { lineage: Some(1), missing, quorum: 2, configurations, record }
    }

    /// The messages of the services as they are.
    fn decode(bytes: &[u8]) -> Result<(ViewId, Message<'_>), DecodeError> {
        let shape = Shape { configured: vec![ServiceId::Amf], contents: 1 };
        Message::decode(bytes, &shape)
    }

    /// Up to the kind of the message.
    const ENVELOPE_LENGTH: usize = 14;

    fn all() -> [Message<'static>; 9] {
        let object = MessageId { view: VIEW, number: 5 };
        let next = Some(Place { replica: 0, cursor: Cursor { object, part: 6, offset: 7 } });
        [
            Message::Announce(announce()),
            Message::Chunk { attempt: 3, sent: 8, service: ServiceId::Ckpt, bytes: b"state" },
            Message::End { attempt: 3, sent: 9 },
            Message::Unable { attempt: 3 },
            Message::Fill { attempt: 3, sent: 8, next: Some(Place::START), bytes: b"piece" },
            Message::Fill { attempt: 3, sent: 8, next, bytes: b"piece" },
            Message::Fill { attempt: 3, sent: 9, next: None, bytes: b"" },
            Message::Compare { delivered: Some(7) },
            Message::Compare { delivered: None },
        ]
    }

    #[test]
    fn bytes_are_as_they_were() {
        let bytes = |message: Message<'_>| (format!("{message:?}"), message.encode(VIEW));
        assert_golden("sync", all().map(bytes));
    }

    #[test]
    fn what_was_written_is_read() {
        for message in all() {
            assert_eq!(decode(&message.encode(VIEW)), Ok((VIEW, message)));
        }
    }

    #[test]
    fn an_announcement_that_cannot_be_read_brings_nothing() {
        let bytes = Message::Announce(announce()).encode(VIEW);
        let head = ENVELOPE_LENGTH;
        for length in head..bytes.len() {
            let nothing = Message::Announce(Announce::default());
            assert_eq!(decode(&bytes[..length]), Ok((VIEW, nothing)));
        }
        let mut many = announce();
        let parts = vec![(Name::default(), 0); Fingerprint::MAX_PARTS + 1];
        many.configurations.iter_mut().next().unwrap().1.own.parts = parts;
        let many = Message::Announce(many).encode(VIEW);
        assert_eq!(decode(&many), Ok((VIEW, Message::Announce(Announce::default()))));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let chunk = Message::Chunk { attempt: 1, sent: 8, service: ServiceId::Amf, bytes: b"" };
        let bytes = chunk.encode(VIEW);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err());
        }
        for (place, value) in [(0, 1), (13, 9), (22, 9)] {
            let mut bytes = bytes.clone();
            bytes[place] = value;
            assert_eq!(decode(&bytes), Err(DecodeError::Invalid), "{place}");
        }
    }
}
