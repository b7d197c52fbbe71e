//! The sending and the taking of a state, chunk by chunk.

use super::message::Message;
use crate::amf::Amf;
use crate::ckpt::{Ckpt, Cursor};
use crate::services::Services;
use crate::{SNAPSHOT_CHUNK, Service};
use ais_proto::ServiceId;
use ais_totem::ViewId;
use ais_wire::DecodeError;
use std::fmt;

/// Chunks that are sent and not delivered yet, at most: about half of what
/// the ring lets be under way (256 frames of 1500 bytes), so that the other
/// half is for the programs.
pub(super) const CHUNKS_IN_FLIGHT: usize = 192_000 / SNAPSHOT_CHUNK;

/// Sends a state.
pub(crate) struct Sender {
    source: Source,
    in_flight: usize,
    sent: u64,
}

/// Where the chunks come from.
enum Source {
    /// A state as it was in a moment.
    Frozen(Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>>),
    /// What sections hold, as it is when a chunk is sent.
    Living(Cursor),
    /// All were sent.
    Over,
}

impl Sender {
    /// Sends these chunks.
    pub(crate) fn of(chunks: Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>>) -> Self {
        Self { source: Source::Frozen(chunks), in_flight: 0, sent: 0 }
    }

    /// Sends what sections hold from a place on.
    pub(crate) fn from(cursor: Cursor) -> Self {
        Self { source: Source::Living(cursor), in_flight: 0, sent: 0 }
    }

    /// The next message, unless `limit` are under way or there is none.
    pub(crate) fn next(
        &mut self,
        view: ViewId,
        attempt: u32,
        limit: usize,
        services: &Services,
    ) -> Option<Vec<u8>> {
        if self.in_flight >= limit {
            return None;
        }
        let message = match &mut self.source {
            Source::Frozen(chunks) => match chunks.next() {
                Some((service, bytes)) => {
                    self.sent += 1;
                    Message::Chunk { attempt, service, bytes: &bytes }.encode(view)
                }
                None => {
                    self.source = Source::Over;
                    return Some(Message::End { attempt, chunks: self.sent }.encode(view));
                }
            },
            Source::Living(cursor) => {
                let (bytes, next) = services.ckpt.fill_from(*cursor);
                self.source = next.map_or(Source::Over, Source::Living);
                Message::Fill { attempt, next, bytes: &bytes }.encode(view)
            }
            Source::Over => return None,
        };
        self.in_flight += 1;
        Some(message)
    }

    /// Whether it would have a next message if fewer were under way.
    pub(crate) fn waits(&self, limit: usize) -> bool {
        self.in_flight < limit && !matches!(self.source, Source::Over)
    }

    /// A chunk has been delivered.
    pub(crate) fn landed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({} sent, {} in flight)", self.sent, self.in_flight)
    }
}

/// The state of another side, as far as it is here. CLM has no part in it: all
/// it has is in the view and the announcements.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) amf: <Amf as Service>::Incoming,
    pub(crate) ckpt: <Ckpt as Service>::Incoming,
    pub(crate) chunks: u64,
    takes_amf: bool,
}

impl Incoming {
    /// `takes_amf`: its state of AMF and this node have the same groups.conf.
    pub(crate) fn new(services: &Services, takes_amf: bool) -> Self {
        let (amf, ckpt) = (services.amf.incoming(), services.ckpt.incoming());
        Self { amf, ckpt, chunks: 0, takes_amf }
    }

    /// Takes the next chunk of a service.
    pub(crate) fn take(&mut self, service: ServiceId, chunk: &[u8]) -> Result<(), DecodeError> {
        self.chunks += 1;
        match service {
            ServiceId::Clm | ServiceId::Admin => Err(DecodeError::Invalid),
            ServiceId::Amf if !self.takes_amf => Ok(()),
            ServiceId::Amf => Amf::take_chunk(&mut self.amf, chunk),
            ServiceId::Ckpt => Ckpt::take_chunk(&mut self.ckpt, chunk),
        }
    }
}
