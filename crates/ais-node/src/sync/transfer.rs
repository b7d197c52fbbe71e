//! The sending and the taking of a state, chunk by chunk.

use super::message::Message;
use crate::SNAPSHOT_CHUNK;
use crate::service::ForeignState;
use crate::services::{Place, Services};
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
    /// Contents, as they are when a chunk is sent.
    Living(Place),
    /// All were sent.
    Over,
}

impl Sender {
    /// Sends these chunks.
    pub(crate) fn of(chunks: Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>>) -> Self {
        Self { source: Source::Frozen(chunks), in_flight: 0, sent: 0 }
    }

    /// Sends contents from a place on.
    pub(crate) fn from(place: Place) -> Self {
        Self { source: Source::Living(place), in_flight: 0, sent: 0 }
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
                    self.sent += 1;
                    Message::Chunk { attempt, service, bytes: &bytes }.encode(view)
                }
                None => {
                    self.source = Source::Over;
                    return Some(Message::End { attempt, chunks: self.sent }.encode(view));
                }
            },
            Source::Living(place) => {
                let (bytes, next) = services.fill_from(*place);
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

/// The states of another side, as far as they are here.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// By service; `None` where the state is of no use here.
    states: Vec<(ServiceId, Option<Box<dyn ForeignState>>)>,
    pub(crate) chunks: u64,
}

impl Incoming {
    /// `takes`: whether the state of a service is of use here.
    pub(crate) fn new(services: &mut Services, takes: impl Fn(ServiceId) -> bool) -> Self {
        let states = services.incoming().into_iter();
        let states = states.map(|(id, state)| (id, takes(id).then_some(state))).collect();
        Self { states, chunks: 0 }
    }

    /// Takes the next chunk of a service.
    pub(crate) fn take(&mut self, service: ServiceId, chunk: &[u8]) -> Result<(), DecodeError> {
        self.chunks += 1;
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
