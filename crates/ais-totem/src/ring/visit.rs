//! A visit of the token: what is sent in it, and how long the token stays.
//!
//! It goes on at once, unless it pays to keep it: see [`Why`].

use super::circuit::{Circuit, IDLE_ROTATIONS};
use super::frames::LAST_SEQ;
use super::operational::Operational;
use super::{Ring, State};
use crate::Destination;
use crate::packet::{Ack, Cancel, Packet, Payload, Token};
use ais_wire::NodeId;

/// So many members at most are asked to acknowledge.
const MOST_ASKED: usize = 16;
/// The token waits so many nanoseconds for acknowledgements: where they take
/// longer its rotation is not what writers wait for.
const PATIENCE: u64 = 200_000;
/// Members are asked for so many nanoseconds from the first frame of the visit
/// on: then the token goes on, for the others learn from it what is stable.
const LONGEST: u64 = 4 * PATIENCE;
/// Where they came too late nobody is asked for so many messages.
const PAUSE_WHEN_LATE: u32 = 64;
/// More messages than this in a visit that somebody waits for show that there
/// are several writers. They share the cost of a rotation.
const ALONE: usize = 2;
/// Then nobody is asked for so many that are alone in their visit.
const PAUSE_WHEN_SEVERAL: u32 = 8;

/// The token stays here.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) visit: Visit,
    pub(super) until: u64,
    why: Why,
}

/// Why the token does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody has anything to send: until somebody has.
    Idle,
    /// All are about to say that they have what was sent: until they have.
    Acks,
    /// They have, and who waited for that sends again at once: until as many
    /// messages wait as came in time before.
    Linger,
}

/// A visit of the token.
#[derive(Debug)]
pub(super) struct Visit {
    token: Token,
    /// Frames sent in it.
    sent: u32,
    /// When sending began.
    began: Option<u64>,
    /// Nobody else needs the token, as far as is known.
    pub(super) is_alone: bool,
}

impl Visit {
    pub(super) fn new(ring: &Circuit, token: Token) -> Self {
        let is_alone = ring.is_lone_sender(&token);
        Self { token, sent: 0, began: None, is_alone }
    }
}

impl Ring {
    /// Keeps the token.
    pub(super) fn hold(&mut self, visit: Visit, until: u64, why: Why) {
        if let State::Operational(operational) = &mut self.state {
            operational.held = Some(Held { visit, until, why });
        }
        self.deliver();
    }

    /// The token has been here for as long as it was to.
    pub(super) fn go_on(&mut self, now: u64, held: Held) {
        let State::Operational(operational) = &mut self.state else { return };
        match held.why {
            Why::Idle => {}
            Why::Acks => {
                self.core.counters.acks_late += 1;
                operational.ask_pause = PAUSE_WHEN_LATE;
            }
            Why::Linger => operational.linger.note(self.core.waiting()),
        }
        self.visit(now, held.visit);
    }

    /// Sends what is to be sent with the token. Passes it on, unless all are to
    /// say first that they have that.
    pub(super) fn visit(&mut self, now: u64, mut visit: Visit) {
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            return;
        };
        let core = &mut self.core;
        let allowance = ring.allowance(&visit.token, core.queue.frames_waiting(core.capacity));
        visit.sent = visit.sent.saturating_add(core.serve(ring, &mut visit.token));
        let may_ask = core.may_ask(now, ring, &mut visit);
        let mut asks = false;
        while visit.sent < allowance && visit.token.seq < LAST_SEQ {
            let Some(chunks) = core.queue.next_frame(core.capacity) else { break };
            let mut data = ring.add(&mut visit.token, Payload::New { from: core.me, chunks });
            asks = may_ask
                && core.queue.is_empty()
                && core.queue.awaited() == 1
                && operational.is_ask_due();
            data.asks = asks;
            core.counters.frames_sent += 1;
            core.send_frame(&data);
            visit.sent += 1;
        }
        let awaited = core.queue.take_awaited();
        operational.is_awaited |= awaited > 0;
        if awaited > ALONE {
            operational.ask_pause = operational.ask_pause.max(PAUSE_WHEN_SEVERAL);
        }
        if asks {
            let until = now.saturating_add(PATIENCE);
            return self.hold(visit, until, Why::Acks);
        }
        core.pass(now, ring, visit.token, visit.sent, core.queue.frames_waiting(core.capacity));
        self.deliver();
    }

    /// Tells the sender of a frame that asks for it that all up to that frame
    /// are here.
    pub(super) fn acknowledge(&mut self, from: NodeId, seq: u64) {
        let Some(ring) = &self.ring else { return };
        let aru = ring.frames.aru();
        if aru >= seq {
            let waits = !self.core.queue.is_empty();
            let ack = Packet::Ack(Ack { ring: ring.id, aru, waits });
            self.core.send(Destination::One(from), &ack);
        }
    }

    pub(super) fn on_ack(&mut self, now: u64, from: NodeId, ack: &Ack) {
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            self.core.counters.other_ring += 1;
            return;
        };
        if ack.ring != ring.id || !ring.acknowledge(from, ack.aru) {
            self.core.counters.other_ring += 1;
            return;
        }
        self.core.counters.acks += 1;
        if let Some(held) = &mut operational.held {
            held.visit.is_alone &= !ack.waits;
            if held.why == Why::Acks && ring.stable >= held.visit.token.seq {
                held.why = Why::Linger;
                let waits =
                    held.visit.is_alone && operational.linger.wants_more(self.core.waiting());
                held.until = now.saturating_add(if waits { self.core.linger } else { 0 });
            }
        }
        self.deliver();
    }

    /// Something waits to be sent: a token that is kept may have to go on.
    pub(super) fn ask_for_token(&mut self, now: u64) {
        let (Some(ring), State::Operational(operational)) = (&self.ring, &mut self.state) else {
            return;
        };
        if let Some(held) = &operational.held {
            let waits =
                held.why == Why::Linger && operational.linger.wants_more(self.core.waiting());
            if !waits {
                self.release_token(now);
            }
        } else if !ring.is_representative()
            && ring.idle.saturating_add(1) >= IDLE_ROTATIONS
            && !std::mem::replace(&mut operational.asked, true)
        {
            let cancel = Packet::Cancel(Cancel { ring: ring.id });
            self.core.send(Destination::One(ring.id.representative), &cancel);
        }
    }

    pub(super) fn on_cancel(&mut self, now: u64, from: NodeId, cancel: &Cancel) {
        let (Some(ring), State::Operational(operational)) = (&self.ring, &mut self.state) else {
            return;
        };
        if cancel.ring != ring.id || !ring.has(from) {
            self.core.counters.other_ring += 1;
        } else if ring.is_representative() {
            operational.cancelled = true;
            if let Some(held) = &mut operational.held {
                held.visit.is_alone = false;
            }
            self.release_token(now);
        }
    }

    /// The token goes on at once, but with all that the driver is about to
    /// hand over besides. One that waits for acknowledgements has to have them.
    fn release_token(&mut self, now: u64) {
        let State::Operational(operational) = &mut self.state else { return };
        if let Some(held) = &mut operational.held {
            operational.cancelled = false;
            held.visit.token.idle = 0;
            if held.why != Why::Acks {
                held.until = held.until.min(now);
            }
        }
    }
}

impl Operational {
    /// Whether the message that is about to be asked for is not one of those
    /// to be left out.
    fn is_ask_due(&mut self) -> bool {
        let left = self.ask_pause;
        self.ask_pause = left.saturating_sub(1);
        left == 0
    }
}

impl super::Core {
    /// Whether the members of the ring may be asked to acknowledge in a visit.
    fn may_ask(&self, now: u64, ring: &Circuit, visit: &mut Visit) -> bool {
        now < visit.began.get_or_insert(now).saturating_add(LONGEST)
            && visit.is_alone
            && visit.token.requests.is_empty()
            && ring.members.len() <= MOST_ASKED
    }
}
