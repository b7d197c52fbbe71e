//! A visit of the token: what is sent in it, and how long the token stays.
//!
//! It goes on at once, unless it pays to keep it: see [`Why`].

use super::circuit::{Circuit, IDLE_ROTATIONS, Passed};
use super::frames::LAST_SEQ;
use super::operational::Operational;
use super::patience::LEAST_FOR_ACKS;
use super::{Ring, State};
use crate::Destination;
use crate::packet::{Ack, Cancel, Data, Packet, Payload, Token};
use ais_wire::NodeId;

/// In a ring of more members than this none is asked to acknowledge.
const MOST_ASKED: usize = 16;
/// Where acknowledgements did not come in time none is asked for one message, and each
/// time in a row that this happens for twice as many and one more, up to this.
const LONGEST_PAUSE: u32 = 63;
/// More messages than this in a visit that somebody waits for show that there
/// are several writers. They share the cost of a rotation.
const ALONE: usize = 2;
/// Where there are several writers, no member is asked for so many messages that are
/// alone in their visit.
const PAUSE_WHEN_SEVERAL: u32 = 8;
/// After this many visits in a row it shows that no other member sends.
const SURELY_ALONE: u32 = 8;

/// The token stays here.
#[derive(Debug)]
pub(super) struct HeldToken {
    pub(super) visit: Visit,
    since: u64,
    pub(super) until: u64,
    why: Why,
}

/// Why the token does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// No member has anything to send: until one has.
    Idle,
    /// The token has overtaken frames: until they are here.
    Frames,
    /// All are about to say that they have what was sent: until they have.
    Acks,
    /// Some members have not said so, and were sent the frame again.
    AcksAgain,
    /// All have said so, and the program that waited for that sends again at once:
    /// until as many messages wait as came in time before.
    Linger,
}

/// A visit of the token.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) token: Token,
    /// Frames sent in it.
    sent: u32,
    /// When sending began.
    began: Option<u64>,
    /// No other member needs the token, as far as is known.
    pub(super) is_alone: bool,
}

impl Visit {
    pub(super) fn new(ring: &Circuit, token: Token) -> Self {
        let is_alone = ring.is_lone_sender(&token);
        Self { token, sent: 0, began: None, is_alone }
    }
}

impl Ring {
    /// Keeps the token for so long at most.
    pub(super) fn hold(&mut self, now: u64, visit: Visit, time: u64, why: Why) {
        if let State::Operational(operational) = &mut self.state {
            let until = now.saturating_add(time);
            operational.held = Some(HeldToken { visit, since: now, until, why });
        }
        self.deliver();
    }

    /// The token has been here for as long as it was to.
    pub(super) fn go_on(&mut self, now: u64, held: HeldToken) {
        let (Some(ring), State::Operational(operational)) = (&self.ring, &mut self.state) else {
            return;
        };
        // Several frames take members longer than the token takes where the way is short.
        let unstable = held.visit.token.seq.saturating_sub(ring.stable);
        let asks_again = unstable <= 1 || ring.patience.is_far(ring.members.len());
        match held.why {
            Why::Idle => {}
            Why::Frames => return self.begin_visit(now, held.visit),
            Why::Acks if asks_again => return self.ask_again(now, held.visit),
            Why::Acks | Why::AcksAgain => {
                self.core.counters.acks_late += 1;
                operational.note_late();
            }
            Why::Linger => operational.linger.note(self.core.waiting()),
        }
        self.visit(now, held.visit);
    }

    /// Sends the last frame again to the members that have not said that they have all
    /// up to it: the frame was lost, or their acknowledgement.
    fn ask_again(&mut self, now: u64, visit: Visit) {
        let Some(ring) = &mut self.ring else { return };
        ring.patience.note_late_acks();
        let seq = visit.token.seq;
        if let Some(frame) = ring.frames.get(seq) {
            let payload = frame.payload.clone();
            let bytes =
                self.core.codec.encode_data(&Data { ring: ring.id, seq, asks: true, payload });
            for member in ring.lacking(seq) {
                self.core.counters.frames_retransmitted += 1;
                self.core.send_bytes(Destination::One(member), bytes.clone());
            }
        }
        let time = ring.patience.for_acks(self.core.timing);
        self.hold(now, visit, time, Why::AcksAgain);
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
        let may_ask =
            visit.is_alone && visit.token.requests.is_empty() && ring.members.len() <= MOST_ASKED;
        let longest = ring.patience.in_a_visit(core.timing);
        let may_stay = now < visit.began.get_or_insert(now).saturating_add(longest);
        // Where the way is long, acknowledgements cost little beside a rotation.
        let is_far = ring.patience.is_far(ring.members.len());
        let wait = ring.patience.for_acks(core.timing);
        let may_wait = wait <= LEAST_FOR_ACKS || operational.alone >= SURELY_ALONE;
        let mut waits = false;
        while visit.sent < allowance && visit.token.seq < LAST_SEQ {
            let Some(chunks) = core.queue.next_frame(core.capacity) else { break };
            let mut data = ring.add(&mut visit.token, Payload::New { from: core.me, chunks });
            let awaited = core.queue.awaited();
            let pays = awaited == 1 || is_far && awaited > 0;
            let may_ask = may_ask && core.queue.is_empty() && pays;
            waits = may_ask && may_wait && operational.is_wait_due();
            data.asks = waits || may_ask && is_far;
            core.counters.frames_sent += 1;
            core.send_frame(&data);
            visit.sent += 1;
        }
        let awaited = core.queue.take_awaited();
        operational.is_awaited |= awaited > 0;
        if awaited > ALONE && !is_far {
            operational.ask_pause = operational.ask_pause.max(PAUSE_WHEN_SEVERAL);
        }
        if waits && may_stay {
            return self.hold(now, visit, wait, Why::Acks);
        }
        core.pass(now, ring, visit.token, visit.sent, core.queue.frames_waiting(core.capacity));
        self.deliver();
    }

    /// A frame has come: the token may have waited for it.
    pub(super) fn on_frame(&mut self, now: u64) {
        if let (Some(ring), State::Operational(operational)) = (&self.ring, &mut self.state)
            && let Some(held) = &mut operational.held
            && held.why == Why::Frames
            && ring.frames.aru() >= held.visit.token.seq
        {
            held.until = now;
        }
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
            if held.waits_for_acks() && ring.stable >= held.visit.token.seq {
                if held.why == Why::Acks {
                    ring.patience.note_acks(now.saturating_sub(held.since));
                }
                operational.late = 0;
                held.why = Why::Linger;
                let waits =
                    held.visit.is_alone && operational.linger.wants_more(self.core.waiting());
                let linger =
                    if waits { self.core.linger(ring, &held.visit, operational.alone) } else { 0 };
                held.until = now.saturating_add(linger);
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
            && operational.asked.is_none()
        {
            let to = ring.id.representative;
            let bytes = self.core.codec.encode(&Packet::Cancel(Cancel { ring: ring.id }));
            self.core.send_bytes(Destination::One(to), bytes.clone());
            let interval = ring.patience.for_cancel(self.core.timing);
            let again = now.saturating_add(interval);
            operational.asked = Some(Passed { to, bytes, again, interval });
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
            if matches!(held.why, Why::Idle | Why::Linger) {
                held.until = held.until.min(now);
            }
        }
    }
}

impl HeldToken {
    fn waits_for_acks(&self) -> bool {
        matches!(self.why, Why::Acks | Why::AcksAgain)
    }
}

impl Operational {
    /// Notes that not all have acknowledged in time.
    fn note_late(&mut self) {
        self.ask_pause = LONGEST_PAUSE.min((2 << self.late.min(6)) - 1);
        self.late = self.late.saturating_add(1);
    }

    /// Whether what is about to be sent is not one of those for which nobody is
    /// waited for.
    fn is_wait_due(&mut self) -> bool {
        let left = self.ask_pause;
        self.ask_pause = left.saturating_sub(1);
        left == 0
    }
}

impl super::Core {
    /// How long a token waits for frames that it has overtaken; 0 if it has not,
    /// or if some are missing that were sent before it was here last.
    pub(super) fn wait_for_frames(&self, ring: &Circuit, visit: &Visit) -> u64 {
        match ring.is_overtaken_by(&visit.token) {
            true => ring.patience.for_frames(self.timing, ring.members.len()),
            false => 0,
        }
    }

    /// How long the token of a visit may linger; `alone`: in how many visits in a
    /// row nobody else had sent frames.
    pub(super) fn linger(&self, ring: &Circuit, visit: &Visit, alone: u32) -> u64 {
        let shared = ring.patience.shared_linger(self.timing, ring.members.len());
        match visit.is_alone {
            true if alone >= SURELY_ALONE => ring.patience.linger(self.timing, self.linger),
            true => shared.max(self.linger),
            false => shared,
        }
    }
}
