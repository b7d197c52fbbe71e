//! What a service wants done. The node does it when the service returns.

use crate::body::Body;
use crate::event::Due;
use crate::{ConnectionId, Event, Holder, Ledger, SessionId, Timer, UserId};
use ais_proto::{AisError, Outcome, ServiceId};
use ais_wire::{DecodeError, Reader, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// Who waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The process.
    pub session: SessionId,
    /// The connection it asked on.
    pub connection: ConnectionId,
    /// The id of its request on that connection.
    pub id: u32,
}

/// When the answer to a delivered message may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// At once: this node has it.
    Delivered,
    /// When every member of the view has it.
    Stable,
}

#[derive(Debug)]
pub(crate) enum Effect {
    Reply {
        asker: Asker,
        /// `Some`: not before the group is stable up to this delivery.
        after: Option<u64>,
        result: Result<(), AisError>,
        body: Vec<u8>,
    },
    Event {
        connection: ConnectionId,
        after: Option<u64>,
        event: Event,
    },
    Tell {
        connection: ConnectionId,
        due: Due,
        /// Before whatever is put out after this, and not in turn with others.
        at_once: bool,
    },
    Multicast {
        /// On whose account.
        holder: Holder,
        bytes: Vec<u8>,
    },
    SetTimer(Timer, u64),
    /// In the time of this process.
    SetTimerFor(SessionId, Timer, u64),
    CancelTimer(Timer),
    Reset,
}

/// Collects what a service wants done.
#[derive(Debug)]
pub struct Effects {
    pub(crate) service: ServiceId,
    pub(crate) list: Vec<Effect>,
    pub(crate) askers: Askers,
    /// What clients hold.
    pub(crate) ledger: Ledger,
    /// On whose account messages are sent.
    pub(crate) holder: Holder,
    /// How the program gets the outcome of the request being handled.
    pub(crate) outcome: Outcome,
    /// What is being handled may be done only with quorum.
    pub(crate) needs_quorum: bool,
    /// The delivery that is being handled.
    pub(crate) delivery: u64,
    /// What stands before the request in the message that it becomes.
    pub(crate) forwarded: Option<Writer>,
}

/// Bytes of an [`Envelope`].
const ENVELOPE_LENGTH: usize = 9;

/// The node itself, which sends what time and views bring.
pub(crate) const NODE: Holder = Holder { user: UserId::ROOT, process: 0 };

/// Set in the service of an envelope: the message counts only with quorum.
const NEEDS_QUORUM: u8 = 0x80;

/// What stands before every message of a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) service: ServiceId,
    pub(crate) needs_quorum: bool,
    /// Who waits for it on its node.
    pub(crate) origin: u64,
}

impl Envelope {
    /// Takes it off the front of a message.
    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let first = input.u8()?;
        let service = ServiceId::from_number(u32::from(first & !NEEDS_QUORUM));
        let service = service.ok_or(DecodeError::Invalid)?;
        Ok(Self { service, needs_quorum: first & NEEDS_QUORUM != 0, origin: input.u64()? })
    }
}

impl Effects {
    pub(crate) fn new() -> Self {
        Self {
            service: ServiceId::Clm,
            list: Vec::new(),
            askers: Askers::default(),
            ledger: Ledger::default(),
            holder: NODE,
            outcome: Outcome::Reply,
            needs_quorum: false,
            delivery: 0,
            forwarded: None,
        }
    }

    /// Answers a request now. `body` goes along with errors too.
    pub fn reply(&mut self, asker: Asker, result: Result<(), AisError>, body: Vec<u8>) {
        self.list.push(Effect::Reply { asker, after: None, result, body });
    }

    /// Answers a request whose message is being delivered.
    pub fn answer(
        &mut self,
        asker: Asker,
        promise: Promise,
        result: Result<(), AisError>,
        body: Vec<u8>,
    ) {
        let after = self.after(promise);
        self.list.push(Effect::Reply { asker, after, result, body });
    }

    /// Sends an event to a library handle.
    pub fn event(&mut self, connection: ConnectionId, event: Event) {
        self.list.push(Effect::Event { connection, after: None, event });
    }

    /// Sends the outcome of an asynchronous request whose message is being
    /// delivered.
    pub fn event_when(&mut self, connection: ConnectionId, promise: Promise, event: Event) {
        let after = self.after(promise);
        self.list.push(Effect::Event { connection, after, event });
    }

    /// Has a library handle told something before the reply to its request.
    pub(crate) fn tell_now(&mut self, connection: ConnectionId, due: Due) {
        self.list.push(Effect::Tell { connection, due, at_once: true });
    }

    /// Has one of many handles told something, in turn with the others.
    pub(crate) fn tell(&mut self, connection: ConnectionId, due: Due) {
        self.list.push(Effect::Tell { connection, due, at_once: false });
    }

    /// Begins a message to this service on all nodes, of about `capacity`
    /// bytes. Whoever waits for it comes back with its delivery on this node.
    #[must_use]
    pub fn compose(&mut self, asker: Option<Asker>, capacity: usize) -> Writer {
        let mut message = Writer::with_capacity(capacity + ENVELOPE_LENGTH);
        let origin = asker.map_or(0, |asker| self.askers.add(asker, self.outcome));
        let flag = if self.needs_quorum { NEEDS_QUORUM } else { 0 };
        message.u8(self.service as u8 | flag).u64(origin);
        message
    }

    /// Sends a message that [`Effects::compose`] began.
    pub fn multicast(&mut self, message: Writer) {
        self.multicast_for(self.holder, message);
    }

    /// Sends a message that [`Effects::compose`] began and that goes on with the body of
    /// the request being handled, byte for byte, however large that is.
    pub fn forward(&mut self, message: Writer) {
        self.forwarded = Some(message);
    }

    /// The request has been handled, which had this body.
    pub(crate) fn send_forwarded(&mut self, body: Body<'_>) {
        if let Some(head) = self.forwarded.take() {
            let bytes = body.behind(head);
            self.list.push(Effect::Multicast { holder: self.holder, bytes });
        }
    }

    /// The same as [`Effects::multicast`], on somebody's account: it waits behind what he has sent before.
    pub(crate) fn multicast_for(&mut self, holder: Holder, message: Writer) {
        self.list.push(Effect::Multicast { holder, bytes: message.into_bytes() });
    }

    /// Sets a timer, in nanoseconds from now.
    pub fn set_timer(&mut self, timer: Timer, after: u64) {
        self.list.push(Effect::SetTimer(timer, after));
    }

    /// Sets a timer that waits for a process, in nanoseconds from now. Time that
    /// this node holds the process up for does not count.
    pub fn set_timer_for(&mut self, session: SessionId, timer: Timer, after: u64) {
        self.list.push(Effect::SetTimerFor(session, timer, after));
    }

    /// Has the programs of AMF on this node and its executive end, where that
    /// is allowed.
    pub fn reset(&mut self) {
        self.list.push(Effect::Reset);
    }

    /// Takes a timer back.
    pub fn cancel_timer(&mut self, timer: Timer) {
        self.list.push(Effect::CancelTimer(timer));
    }

    /// Whether the request was just answered with an error.
    pub(crate) fn has_refused(&self, asker: Asker) -> bool {
        self.list.iter().any(|effect| {
            matches!(effect, Effect::Reply { asker: of, result: Err(_), .. } if *of == asker)
        })
    }

    fn after(&self, promise: Promise) -> Option<u64> {
        (promise == Promise::Stable).then_some(self.delivery)
    }
}

/// Who waits for which message of this node.
#[derive(Debug, Default)]
pub(crate) struct Askers {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// The same by connection: what ends one costs no more than what was asked
    /// there.
    of_connections: BTreeSet<(ConnectionId, u64)>,
}

#[derive(Debug)]
struct Waiting {
    asker: Asker,
    outcome: Outcome,
}

impl Askers {
    fn add(&mut self, asker: Asker, outcome: Outcome) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, Waiting { asker, outcome });
        self.of_connections.insert((asker.connection, self.last));
        self.last
    }

    /// Whether anybody waits.
    pub(crate) fn wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Who waits for the message with this origin; nobody does after.
    pub(crate) fn take(&mut self, origin: u64) -> Option<Asker> {
        self.take_with_outcome(origin).map(|(asker, _)| asker)
    }

    /// The same, and how the outcome gets to the program.
    pub(crate) fn take_with_outcome(&mut self, origin: u64) -> Option<(Asker, Outcome)> {
        let Waiting { asker, outcome } = self.waiting.remove(&origin)?;
        self.of_connections.remove(&(asker.connection, origin));
        Some((asker, outcome))
    }

    /// Forgets who asked with this id on this connection; how many events that
    /// were waited for do not come now.
    pub(crate) fn forget_call(&mut self, connection: ConnectionId, id: u32) -> usize {
        let is_of_call =
            |origin: &u64| self.waiting.get(origin).is_some_and(|waiting| waiting.asker.id == id);
        let origins: Vec<_> = self.of(connection).filter(is_of_call).collect();
        let ended = origins.into_iter().filter_map(|origin| self.take_with_outcome(origin));
        ended.filter(|(_, outcome)| outcome.has_event()).count()
    }

    /// Forgets all who asked on a connection.
    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        for origin in self.of(connection).collect::<Vec<_>>() {
            self.take(origin);
        }
    }

    /// The messages that are waited for on a connection.
    fn of(&self, connection: ConnectionId) -> impl Iterator<Item = u64> {
        let all = (connection, 0)..=(connection, u64::MAX);
        self.of_connections.range(all).map(|(_, origin)| *origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_golden;

    #[test]
    fn bytes_are_as_they_were() {
        let (session, connection) = (SessionId(7), ConnectionId(8));
        let compose = |needs_quorum, asker| {
            let mut fx = Effects::new();
            (fx.service, fx.needs_quorum) = (ServiceId::Ckpt, needs_quorum);
            let out = fx.compose(asker, 8);
            ("Service".to_string(), out.into_bytes())
        };
        let asker = Asker { session, connection, id: 9 };
        assert_golden("envelope", [compose(true, Some(asker)), compose(false, None)]);
    }

    #[test]
    fn what_ends_a_connection_or_a_call_leaves_the_others_waiting() {
        let mut askers = Askers::default();
        let asker = |connection, id| Asker {
            session: SessionId(1),
            connection: ConnectionId(connection),
            id,
        };
        let origins: Vec<_> = [(1, 1), (2, 1), (2, 2), (2, 2), (3, 2)]
            .map(|(connection, id)| askers.add(asker(connection, id), Outcome::ReplyAndEvent))
            .into();
        assert_eq!(askers.forget_call(ConnectionId(2), 2), 2);
        assert_eq!(askers.take(origins[2]), None);
        assert_eq!(askers.take(origins[1]), Some(asker(2, 1)));
        askers.forget_connection(ConnectionId(1));
        assert_eq!(askers.take(origins[0]), None);
        assert!(askers.wait());
        assert_eq!(askers.take(origins[4]), Some(asker(3, 2)));
        assert!(!askers.wait() && askers.of_connections.is_empty());
    }
}
