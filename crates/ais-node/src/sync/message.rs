//! The messages of state synchronisation. They travel among those of the services, behind an
//! [`Envelope`] that names the view they belong to: one that comes later than its view is
//! void.

use crate::by_service::ByService;
use crate::cursor::Cursor;
use crate::envelope::Envelope;
use crate::record::Record;
use crate::service::Fingerprint;
use crate::services::{Place, SERVICES, Services};
use ais_group::ViewId;
use ais_proto::ServiceId;
use ais_wire::{DecodeError, Form, Reader, Rest, Wire, Writer, record, tagged};

tagged! {
    /// A message of state synchronisation.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum Message<'a> {
        /// What a member brings into the view: an [`Announce`].
        1 Announce(announce: &'a [u8] as Rest),
        /// A part of the state of the sender's side. `sent`: see [`super::transfer::Sent`].
        2 Chunk { attempt: u32, sent: u32, service: ServiceId, bytes: &'a [u8] as Rest },
        /// The state of the sender's side was sent to its end.
        3 End { attempt: u32, sent: u32 },
        /// The sender cannot read the state it was sent.
        4 Unable { attempt: u32 },
        /// Contents up to this place; `None`: that was all of them.
        5 Fill {
            attempt: u32,
            sent: u32,
            next: Option<Place> as ByReplica,
            bytes: &'a [u8] as Rest,
        },
        /// What was delivered to the sender up to the last comparison in this view
        /// ([`super::lineage::Delivered`]).
        6 Compare { delivered: Option<u32> },
    }
}

impl Message<'_> {
    /// The message in this view, with its envelope.
    pub(crate) fn encode(&self, view: ViewId) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        Envelope::Sync { view }.put(&mut out);
        self.put(&mut out);
        out.into_bytes()
    }
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
    /// What it says of itself.
    pub(crate) record: Record,
}

record! {
    /// The configuration of a member for a service.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub(crate) struct Configuration {
        /// The digest of the one that the service runs with on its side.
        pub(crate) in_use: u64,
        /// The one that the member has itself.
        pub(crate) own: Fingerprint,
    }
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

    /// Whether a place, if it is one, is in the contents of a replica.
    pub(crate) fn has(&self, place: Option<Place>) -> bool {
        place.is_none_or(|place| place.replica < self.contents)
    }
}

impl Announce {
    /// The configuration of the member for a service; nothing if it has announced none.
    pub(crate) fn configuration(&self, service: ServiceId) -> &Configuration {
        static NONE: Configuration =
            Configuration { in_use: 0, own: Fingerprint { all: 0, parts: Vec::new() } };
        self.configurations.get(service).unwrap_or(&NONE)
    }

    /// The announcement without an envelope.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        self.lineage.put(&mut out);
        ByReplica::put(&self.missing, &mut out);
        self.quorum.put(&mut out);
        for (_, configuration) in self.configurations.iter() {
            configuration.put(&mut out);
        }
        self.record.put(&mut out);
        out.into_bytes()
    }

    /// Reads an announcement. The services of this version say what is in it.
    ///
    /// # Errors
    /// A [`DecodeError`] if the bytes are none.
    pub(crate) fn decode(bytes: &[u8], shape: &Shape) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let (lineage, missing) = (Wire::take(&mut input)?, ByReplica::take(&mut input)?);
        let (quorum, mut configurations) = (input.u64()?, Vec::new());
        for service in &shape.configured {
            configurations.push((*service, Configuration::take(&mut input)?));
        }
        let record = Record::take(&mut input)?;
        input.finish()?;
        if !shape.has(missing) {
            return Err(DecodeError::Invalid);
        }
        let configurations = configurations.into_iter().collect();
        Ok(Self { lineage, missing, quorum, configurations, record })
    }
}

/// A place, or none: the first byte is 0 for none, else 1 more than the number of the replica.
pub(super) enum ByReplica {}

impl Form<'_, Option<Place>> for ByReplica {
    fn put(place: &Option<Place>, out: &mut Writer) {
        match place {
            Some(Place { replica, cursor }) => cursor.put(out.u8(replica.saturating_add(1))),
            None => {
                out.u8(0);
            }
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Option<Place>, DecodeError> {
        match input.u8()?.checked_sub(1) {
            None => Ok(None),
            Some(replica) => Ok(Some(Place { replica, cursor: Cursor::take(input)? })),
        }
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

    /// What the services have in their messages.
    fn shape() -> Shape {
        Shape { configured: vec![ServiceId::Amf], contents: 1 }
    }

    fn all(announce: &[u8]) -> [Message<'_>; 9] {
        let object = MessageId { view: VIEW, number: 5 };
        let next = Some(Place { replica: 0, cursor: Cursor { object, part: 6, offset: 7 } });
        [
            Message::Announce(announce),
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
        assert_golden("sync", all(&announce().encode()).map(bytes));
    }

    #[test]
    fn what_was_written_is_read() {
        for message in all(&announce().encode()) {
            let bytes = message.encode(VIEW);
            let mut input = Reader::new(&bytes);
            assert_eq!(Envelope::take(&mut input), Ok(Envelope::Sync { view: VIEW }));
            assert_eq!(Message::take_all(input.rest()), Ok(message));
        }
        assert_eq!(Announce::decode(&announce().encode(), &shape()), Ok(announce()));
    }

    #[test]
    fn an_announcement_of_something_else_is_an_error() {
        let mut bytes = announce().encode();
        for length in 0..bytes.len() {
            assert!(Announce::decode(&bytes[..length], &shape()).is_err());
        }
        let without_contents = Shape { contents: 0, ..shape() };
        assert_eq!(Announce::decode(&bytes, &without_contents), Err(DecodeError::Invalid));
        bytes.push(0);
        assert!(Announce::decode(&bytes, &shape()).is_err());
        let mut many = announce();
        let parts = vec![(Name::default(), 0); Fingerprint::MAX_PARTS + 1];
        many.configurations.iter_mut().next().unwrap().1.own.parts = parts;
        assert_eq!(Announce::decode(&many.encode(), &shape()), Err(DecodeError::Invalid));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let chunk = Message::Chunk { attempt: 1, sent: 8, service: ServiceId::Amf, bytes: b"" };
        let mut out = Writer::new();
        chunk.put(&mut out);
        let bytes = out.into_bytes();
        for length in 0..bytes.len() {
            assert!(Message::take_all(&bytes[..length]).is_err());
        }
        // The kind, and the service.
        for place in [0, 9] {
            let mut bytes = bytes.clone();
            bytes[place] = 9;
            assert_eq!(Message::take_all(&bytes), Err(DecodeError::Invalid), "{place}");
        }
    }
}
