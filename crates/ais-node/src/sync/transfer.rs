//! The sending and the taking of a state, chunk by chunk.

use super::message::{Message, encode_place};
use crate::SNAPSHOT_CHUNK;
use crate::service::ForeignState;
use crate::services::{Place, Services};
use ais_group::ViewId;
use ais_proto::ServiceId;
use ais_wire::{DecodeError, Writer};
use std::fmt;

/// Chunks that are sent and not delivered yet, at most: about half of what
/// the ring lets be under way (256 frames of 1500 bytes), so that the other
/// half is for the programs.
pub(super) const CHUNKS_IN_FLIGHT: usize = 192_000 / SNAPSHOT_CHUNK;

/// Sends a state.
pub(crate) struct Sender {
    source: Source,
    in_flight: usize,
    sent: Sent,
}

/// All that a node has sent of its state, as a number that goes with each part. By it
/// everybody sees that a part was missing, came twice or is not the one that was sent.
/// Members that have the state take nothing of what is sent: without the number, they
/// and those that took a forged part would count as having the same state, since the
/// same was delivered to them.
#[derive(Debug, Default)]
pub(crate) struct Sent(crc32fast::Hasher);

impl Sent {
    /// Adds a part of the frozen state of a service; what all is then.
    pub(crate) fn chunk(&mut self, service: ServiceId, bytes: &[u8]) -> u32 {
        self.0.update(&[service as u8]);
        self.0.update(bytes);
        self.all()
    }

    /// Adds contents up to a place; what all is then.
    pub(crate) fn fill(&mut self, next: Option<Place>, bytes: &[u8]) -> u32 {
        let mut place = Writer::new();
        encode_place(next, &mut place);
        self.0.update(&place.into_bytes());
        self.0.update(bytes);
        self.all()
    }

    /// What all is.
    pub(crate) fn all(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// Where the chunks come from.
enum Source {
    /// A state as it was in a moment.
    Frozen(Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>>),
    /// Contents, as they are when a chunk is sent.
    Living(Place),
    /// All were sent.
    Over,
}

impl Sender {
    /// Sends these chunks.
    pub(crate) fn of(chunks: Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>>) -> Self {
        Self { source: Source::Frozen(chunks), in_flight: 0, sent: Sent::default() }
    }

    /// Sends contents from a place on.
    pub(crate) fn from(place: Place) -> Self {
        Self { source: Source::Living(place), in_flight: 0, sent: Sent::default() }
    }

    /// The next message, unless `limit` are under way or there is none.
    pub(crate) fn next(
        &mut self,
        view: ViewId,
        attempt: u32,
        limit: usize,
        services: &mut Services,
    ) -> Option<Vec<u8>> {
        if self.in_flight >= limit {
            return None;
        }
        let message = match &mut self.source {
            Source::Frozen(chunks) => match chunks.next() {
                Some((service, bytes)) => {
                    let sent = self.sent.chunk(service, &bytes);
                    Message::Chunk { attempt, sent, service, bytes: &bytes }.encode(view)
                }
                None => {
                    self.source = Source::Over;
                    return Some(Message::End { attempt, sent: self.sent.all() }.encode(view));
                }
            },
            Source::Living(place) => {
                let (bytes, next) = services.fill_from(*place);
                self.source = next.map_or(Source::Over, Source::Living);
                let sent = self.sent.fill(next, &bytes);
                Message::Fill { attempt, sent, next, bytes: &bytes }.encode(view)
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
        write!(f, "Sender({} in flight)", self.in_flight)
    }
}

/// The states of another side, as far as they are here.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// By service; `None` where the state is of no use here.
    states: Vec<(ServiceId, Option<Box<dyn ForeignState>>)>,
}

impl Incoming {
    /// `takes`: whether the state of a service is of use here.
    pub(crate) fn new(services: &mut Services, takes: impl Fn(ServiceId) -> bool) -> Self {
        let states = services.incoming().into_iter();
        let states = states.map(|(id, state)| (id, takes(id).then_some(state))).collect();
        Self { states }
    }

    /// Takes the next chunk of a service.
    pub(crate) fn take(&mut self, service: ServiceId, chunk: &[u8]) -> Result<(), DecodeError> {
        let state = self.states.iter_mut().find(|(id, _)| *id == service);
        match state.ok_or(DecodeError::Invalid)? {
            (_, Some(state)) => state.take_chunk(chunk),
            (_, None) => Ok(()),
        }
    }

    /// Takes the state of a service out.
    pub(crate) fn take_state(&mut self, service: ServiceId) -> Option<Box<dyn ForeignState>> {
        self.states.iter_mut().find(|(id, _)| *id == service)?.1.take()
    }
}
