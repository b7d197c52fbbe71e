//! What a service wants done. The node does it when the service returns.

use crate::askers::Askers;
use crate::body::Body;
use crate::envelope::{Envelope, ToService};
use crate::event::Due;
use crate::{ConnectionId, Event, Holder, Ledger, SessionId, Timer, UserId};
use ais_group::{Guarantee, Lane};
use ais_proto::{AisError, Outcome, ServiceId};
use ais_wire::Writer;

/// The program that waits for an answer.
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
    Multicast(Outgoing),
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
    /// The process on whose account messages are sent.
    pub(crate) holder: Holder,
    /// How the program gets the outcome of the request being handled.
    pub(crate) outcome: Outcome,
    /// What is being handled may be done only with quorum.
    pub(crate) needs_quorum: bool,
    /// The delivery that is being handled.
    pub(crate) delivery: u64,
    /// The beginning of the message that the request becomes, which is being handled.
    pub(crate) forwarded: Option<Begun>,
}

/// The node itself, which sends what time and views bring.
pub(crate) const NODE: Holder = Holder { user: UserId::ROOT, process: 0 };

/// A message for the group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// The process on whose account the message is sent; it waits behind what that one has
    /// sent before.
    pub(crate) holder: Holder,
    pub(crate) guarantee: Guarantee,
    pub(crate) lane: Lane,
    pub(crate) bytes: Vec<u8>,
}

impl Outgoing {
    /// A message of state synchronisation: all nodes wait for its delivery.
    pub(crate) fn of_sync(bytes: Vec<u8>) -> Self {
        Self { holder: NODE, guarantee: Guarantee::Agreed, lane: Lane::Ordinary, bytes }
    }
}

/// A message to a service whose end is still to come.
#[derive(Debug)]
pub(crate) struct Begun {
    to: ToService,
    guarantee: Guarantee,
    message: Writer,
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
    pub(crate) fn tell_now(&mut self, connection: ConnectionId, due: impl Into<Due>) {
        let due = due.into();
        self.list.push(Effect::Tell { connection, due, at_once: true });
    }

    /// Has one of many handles told something, in turn with the others.
    pub(crate) fn tell(&mut self, connection: ConnectionId, due: impl Into<Due>) {
        let due = due.into();
        self.list.push(Effect::Tell { connection, due, at_once: false });
    }

    /// Sends a message to this service on all nodes, which `write` appends, of about
    /// `capacity` bytes. `awaited`: the asker that comes back with its delivery on this
    /// node, and what the answer may promise then ([`Effects::answer`]).
    pub fn multicast(
        &mut self,
        awaited: Option<(Asker, Promise)>,
        capacity: usize,
        write: impl FnOnce(&mut Writer),
    ) {
        let message = self.begin(awaited, capacity, write);
        self.send(self.holder, message, Writer::into_bytes);
    }

    /// Sends a message like [`Effects::multicast`] that nobody waits for, on somebody's
    /// account.
    pub(crate) fn multicast_for(
        &mut self,
        holder: Holder,
        capacity: usize,
        write: impl FnOnce(&mut Writer),
    ) {
        let message = self.begin(None, capacity, write);
        self.send(holder, message, Writer::into_bytes);
    }

    /// Sends a message like [`Effects::multicast`] that goes on with the body of the request
    /// being handled, byte for byte, however large that is.
    pub fn forward(
        &mut self,
        awaited: Option<(Asker, Promise)>,
        capacity: usize,
        write: impl FnOnce(&mut Writer),
    ) {
        self.forwarded = Some(self.begin(awaited, capacity, write));
    }

    /// The request has been handled, which had this body.
    pub(crate) fn send_forwarded(&mut self, body: Body<'_>) {
        if let Some(message) = self.forwarded.take() {
            self.send(self.holder, message, |head| body.behind(head));
        }
    }

    fn begin(
        &mut self,
        awaited: Option<(Asker, Promise)>,
        capacity: usize,
        write: impl FnOnce(&mut Writer),
    ) -> Begun {
        let origin = awaited.map_or(0, |(asker, _)| self.askers.add(asker, self.outcome));
        let to = ToService { service: self.service, needs_quorum: self.needs_quorum, origin };
        let guarantee = match awaited {
            Some((_, Promise::Stable)) => Guarantee::Acknowledged,
            Some((_, Promise::Delivered)) | None => Guarantee::Agreed,
        };
        let mut message = Writer::with_capacity(ToService::LENGTH + capacity);
        Envelope::Service(to).put(&mut message);
        write(&mut message);
        Begun { to, guarantee, message }
    }

    fn send(&mut self, holder: Holder, begun: Begun, end: impl FnOnce(Writer) -> Vec<u8>) {
        let Begun { to, guarantee, message } = begun;
        let bytes = end(message);
        let lane = to.lane(bytes.len());
        self.list.push(Effect::Multicast(Outgoing { holder, guarantee, lane, bytes }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::BULK;
    use crate::golden::assert_golden;

    const ASKER: Asker = Asker { session: SessionId(7), connection: ConnectionId(8), id: 9 };

    /// The messages that are to be sent.
    fn sent(fx: &mut Effects) -> Vec<Outgoing> {
        let sent = |effect| match effect {
            Effect::Multicast(message) => message,
            effect => panic!("{effect:?}"),
        };
        fx.list.drain(..).map(sent).collect()
    }

    #[test]
    fn bytes_are_as_they_were() {
        let multicast = |needs_quorum, awaited| {
            let mut fx = Effects::new();
            (fx.service, fx.needs_quorum) = (ServiceId::Ckpt, needs_quorum);
            fx.multicast(awaited, 8, |_| {});
            ("Service".to_string(), sent(&mut fx).remove(0).bytes)
        };
        let awaited = Some((ASKER, Promise::Stable));
        assert_golden("envelope", [multicast(true, awaited), multicast(false, None)]);
    }

    #[test]
    fn a_message_has_the_guarantee_that_its_answer_promises() {
        let mut fx = Effects::new();
        for awaited in [Some((ASKER, Promise::Stable)), Some((ASKER, Promise::Delivered)), None] {
            fx.multicast(awaited, 0, |_| {});
        }
        let guarantees: Vec<_> = sent(&mut fx).iter().map(|message| message.guarantee).collect();
        assert_eq!(guarantees, [Guarantee::Acknowledged, Guarantee::Agreed, Guarantee::Agreed]);
        let origins: Vec<_> = (1..=2).filter_map(|origin| fx.askers.take(origin)).collect();
        assert_eq!(origins, [ASKER, ASKER]);
    }

    #[test]
    fn what_is_forwarded_goes_where_its_whole_length_sends_it() {
        let mut fx = Effects::new();
        fx.service = ServiceId::Ckpt;
        for length in [1, BULK] {
            fx.forward(None, 4, |out| {
                out.u32(5);
            });
            fx.send_forwarded(Body::from(&vec![7; length]));
        }
        let sent = sent(&mut fx);
        assert_eq!(sent[0].bytes, [3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7]);
        assert_eq!(sent.iter().map(|of| of.lane).collect::<Vec<_>>(), [Lane::Ordinary, Lane::Bulk]);
        fx.send_forwarded(Body::from(&vec![7]));
        assert!(fx.list.is_empty(), "each request becomes one message");
    }
}
