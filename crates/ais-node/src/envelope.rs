//! What stands before every message between nodes: its first byte tells what the message is.

use ais_group::{Lane, ViewId};
use ais_proto::ServiceId;
use ais_wire::{DecodeError, Reader, Writer};

/// Stands in the place of a service where states are brought together.
const SYNC: u8 = 0;
/// Set in the number of the service: the message counts only with quorum.
const NEEDS_QUORUM: u8 = 0x80;

/// Bytes from which on what is written to a checkpoint is bulk. Its caller waits
/// for it, so that no call that begins after it has ended passes it.
pub(crate) const BULK: usize = 64 << 10;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// A message of state synchronisation, which counts in this view alone.
    Sync {
        /// The view.
        view: ViewId,
    },
    /// A message to a service.
    Service(ToService),
}

/// To which service a message goes, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToService {
    pub(crate) service: ServiceId,
    pub(crate) needs_quorum: bool,
    /// Which asker waits for the message on its node; 0: none does.
    pub(crate) origin: u64,
}

impl Envelope {
    /// Begins a message.
    pub(crate) fn put(self, out: &mut Writer) {
        match self {
            Self::Sync { view } => view.encode(out.u8(SYNC)),
            Self::Service(to) => {
                let flag = if to.needs_quorum { NEEDS_QUORUM } else { 0 };
                out.u8(to.service as u8 | flag).u64(to.origin);
            }
        }
    }

    /// Reads the beginning of a message.
    ///
    /// # Errors
    /// A [`DecodeError`] if the bytes begin no message.
    pub(crate) fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let first = input.u8()?;
        if first == SYNC {
            return Ok(Self::Sync { view: ViewId::decode(input)? });
        }
        let service = ServiceId::from_number(u32::from(first & !NEEDS_QUORUM));
        let service = service.ok_or(DecodeError::Invalid)?;
        let needs_quorum = first & NEEDS_QUORUM != 0;
        Ok(Self::Service(ToService { service, needs_quorum, origin: input.u64()? }))
    }
}

impl ToService {
    /// Bytes of the envelope of a message to a service.
    pub(crate) const LENGTH: usize = 9;

    /// In which lane the message goes, which has so many bytes together with its envelope.
    pub(crate) fn lane(self, length: usize) -> Lane {
        let is_bulk = length > BULK && self.service == ServiceId::Ckpt;
        if is_bulk { Lane::Bulk } else { Lane::Ordinary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::NodeId;

    fn bytes(envelope: Envelope) -> Vec<u8> {
        let mut out = Writer::new();
        envelope.put(&mut out);
        out.into_bytes()
    }

    #[test]
    fn what_was_written_is_read_and_less_is_an_error() {
        let to = ToService { service: ServiceId::Ckpt, needs_quorum: true, origin: 7 };
        let view = ViewId { number: 5, representative: NodeId::new([10, 0, 0, 1].into()) };
        assert_eq!(bytes(Envelope::Service(to)).len(), ToService::LENGTH);
        let of_admin = ToService { service: ServiceId::Admin, needs_quorum: false, origin: 0 };
        for envelope in
            [Envelope::Sync { view }, Envelope::Service(to), Envelope::Service(of_admin)]
        {
            let bytes = bytes(envelope);
            let mut input = Reader::new(&bytes);
            assert_eq!(Envelope::take(&mut input), Ok(envelope));
            assert_eq!(input.remaining(), 0);
            for length in 0..bytes.len() {
                assert!(Envelope::take(&mut Reader::new(&bytes[..length])).is_err());
            }
        }
        for first in [9, 0x80, 0x7f, 0xff] {
            let bytes = [first; ToService::LENGTH];
            assert_eq!(Envelope::take(&mut Reader::new(&bytes)), Err(DecodeError::Invalid));
        }
    }

    #[test]
    fn only_what_is_written_to_checkpoints_is_bulk() {
        let to = |service| ToService { service, needs_quorum: true, origin: 1 };
        assert_eq!(to(ServiceId::Ckpt).lane(BULK + 1), Lane::Bulk);
        assert_eq!(to(ServiceId::Ckpt).lane(BULK), Lane::Ordinary);
        assert_eq!(to(ServiceId::Amf).lane(BULK + 1), Lane::Ordinary);
    }
}
