//! Operational: the token goes round and messages are ordered ([SRP95] 4).

use super::circuit::{Circuit, IDLE_ROTATIONS, Passed, Refused};
use super::diverged::FRAMES_OF_NOBODY;
use super::frames::LAST_SEQ;
use super::linger::Linger;
use super::visit::{HeldToken, Visit, Why};
use super::{MAX_OUTPUTS, Ring, State};
use crate::config::milliseconds;
use crate::packet::{MAX_REQUESTS, Packet, Token};
use crate::{Destination, Output, QueueFull};
use ais_wire::NodeId;

#[derive(Debug, Default)]
pub(super) struct Operational {
    /// The token stays here for a while: see [`Why`].
    pub(super) held: Option<HeldToken>,
    /// A member has something to send: the token is not to rest.
    pub(super) cancelled: bool,
    /// This member has asked for a token that may rest, and it has not come.
    pub(super) asked: Option<Passed>,
    /// A program waits for what this member sent in its last visit to be stable.
    pub(super) is_awaited: bool,
    pub(super) linger: Linger,
    /// Visits of the token in a row before which nobody else had sent frames.
    pub(super) alone: u32,
    /// For how many messages that are alone in their visit nobody is asked to
    /// acknowledge.
    pub(super) ask_pause: u32,
    /// How often in a row not all members that were asked did so in time.
    pub(super) late: u32,
    /// The highest frame of which the driver knows that all have it.
    stable_told: u64,
}

impl Operational {
    pub(super) fn new(ring: &Circuit) -> Self {
        Self { stable_told: ring.stable, ..Self::default() }
    }
}

impl Ring {
    pub(super) fn next_operational(&self, operational: &Operational) -> Option<u64> {
        let ring = self.ring.as_ref()?;
        let hello = ring.is_representative().then_some(self.hello_at);
        if ring.is_alone() {
            return hello;
        }
        let held = operational.held.as_ref().map(|held| held.until);
        let loss =
            held.is_none().then_some(ring.token_at.saturating_add(self.core.timing.token_loss()));
        let again = [&ring.passed, &operational.asked].into_iter().flatten();
        let again = again.map(|passed| passed.again).min();
        [hello, held, loss, again].into_iter().flatten().min()
    }

    pub(super) fn time_in_operational(&mut self, now: u64) {
        let (Some(ring), State::Operational(operational)) = (&self.ring, &self.state) else {
            return;
        };
        // With the token that goes on now, rather than wake up for it.
        let goes_on = operational.held.as_ref().is_some_and(|held| now >= held.until);
        let soon = if goes_on { self.core.timing.hold() } else { 0 };
        if ring.is_representative() && now.saturating_add(soon) >= self.hello_at {
            self.say_hello(now);
        }
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            return;
        };
        if ring.is_alone() {
            return;
        }
        if let Some(held) = operational.held.take_if(|held| now >= held.until) {
            self.go_on(now, held);
        } else if operational.held.is_none()
            && now >= ring.token_at.saturating_add(self.core.timing.token_loss())
        {
            self.core.counters.gathers_loss += 1;
            let time = milliseconds(self.core.timing.token_loss());
            self.gather_carefully(now, format!("no token for {time} ms"));
        } else if let Some(passed) = ring.passed.as_mut().filter(|passed| now >= passed.again) {
            self.core.counters.tokens_retransmitted += 1;
            self.core.send_again(now, passed);
        } else if let Some(asked) = operational.asked.as_mut().filter(|asked| now >= asked.again) {
            self.core.send_again(now, asked);
        }
    }

    pub(super) fn token_in_operational(&mut self, now: u64, from: NodeId, mut token: Token) {
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            return;
        };
        match self.core.accept(ring, from, &mut token, now) {
            Ok(()) => {}
            Err(Refused::Diverged) => return self.leave_diverged(now, FRAMES_OF_NOBODY),
            Err(Refused::Copy) => return self.on_copy(now, from, &token),
            Err(Refused::Wrong) => return,
        }
        // No member that is operational has anything to recover.
        token.recovering = false;
        operational.asked = None;
        if token.seq >= LAST_SEQ {
            self.core.counters.gathers_numbers += 1;
            self.gather_again(now, "the numbers of this ring are used up".into());
            return;
        }
        if let Some(deaf) = ring.does_not_receive(now, self.core.timing.consensus()) {
            return self.gather_for_deaf(now, deaf);
        }
        if ring.lacks_for_ever(now, self.core.timing.consensus()) {
            self.core.counters.gathers_missing += 1;
            self.gather_carefully(now, "a frame is missing that nobody sends".into());
            return;
        }
        let visit = Visit::new(ring, token);
        let time = self.core.wait_for_frames(ring, &visit);
        if time > 0 {
            return self.hold(now, visit, time, Why::Frames);
        }
        self.begin_visit(now, visit);
    }

    /// The token has come, and what is to be here of what was sent before it.
    pub(super) fn begin_visit(&mut self, now: u64, mut visit: Visit) {
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            return;
        };
        let token = &mut visit.token;
        if ring.is_representative() {
            ring.count_idle(token);
            if std::mem::take(&mut operational.cancelled) {
                token.idle = 0;
            }
            if token.idle >= IDLE_ROTATIONS && self.core.queue.is_empty() {
                self.core.counters.tokens_held += 1;
                return self.hold(now, visit, self.core.timing.hold(), Why::Idle);
            }
        }
        // A program that waited is answered now and sends again at once: see `linger`.
        let is_answer = std::mem::take(&mut operational.is_awaited) && ring.is_sent_stable();
        operational.alone = if visit.is_alone { operational.alone.saturating_add(1) } else { 0 };
        let linger = self.core.linger(ring, &visit, operational.alone);
        if is_answer && linger > 0 {
            if operational.linger.wants_more(self.core.waiting()) {
                self.core.counters.tokens_lingered += 1;
                return self.hold(now, visit, linger, Why::Linger);
            }
            operational.linger.note(self.core.waiting());
        }
        self.visit(now, visit);
    }

    /// A token that has been here comes again: it may be lost behind this member, which
    /// may have been told to wait longer than the sender of the copy.
    fn on_copy(&mut self, now: u64, from: NodeId, token: &Token) {
        let Some(ring) = &mut self.ring else { return };
        if ring.is_last(from, token)
            && let Some(passed) = &mut ring.passed
            && ring.patience.may_be_lost(now)
        {
            self.core.counters.tokens_retransmitted += 1;
            self.core.send_again(now, passed);
        }
    }

    /// Delivers what may be delivered, and tells what is stable.
    pub(super) fn deliver(&mut self) {
        let (Some(ring), State::Operational(operational)) = (&mut self.ring, &mut self.state)
        else {
            return;
        };
        self.core.deliver_regular(ring);
        if ring.stable > operational.stable_told {
            operational.stable_told = ring.stable;
            self.core.outputs.push_back(Output::Stable(ring.stable << 16 | 0xffff));
        }
        ring.release();
    }

    /// Orders a message in a ring of one member.
    pub(super) fn deliver_alone(&mut self, now: u64, bytes: Vec<u8>) -> Result<(), QueueFull> {
        let core = &mut self.core;
        let Some(ring) = &mut self.ring else { return Err(QueueFull(bytes)) };
        if bytes.len() > core.max_message || core.outputs.len() >= MAX_OUTPUTS {
            return Err(QueueFull(bytes));
        }
        let number = ring.pass_alone() << 16;
        core.counters.messages_delivered += 1;
        core.outputs.push_back(Output::Deliver { number, from: core.me, bytes });
        core.outputs.push_back(Output::Stable(number | 0xffff));
        if ring.delivered >= LAST_SEQ {
            core.counters.gathers_numbers += 1;
            self.gather_again(now, "the numbers of this ring are used up".into());
        }
        Ok(())
    }
}

impl super::Core {
    /// How much waits to be sent: the number of messages if they are short, of
    /// frames if they are long.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len().max(self.queue.frames_waiting(self.capacity) as usize)
    }

    /// Whether the token is to be taken; says in the counters why not.
    pub(super) fn accept(
        &mut self,
        ring: &mut Circuit,
        from: NodeId,
        token: &mut Token,
        now: u64,
    ) -> Result<(), Refused> {
        let counters = &mut self.counters;
        if token.ring != ring.id {
            counters.other_ring += 1;
            return Err(Refused::Wrong);
        }
        let accepted = ring.accept(from, token, now);
        match accepted {
            Ok(()) => counters.tokens += 1,
            Err(Refused::Copy) => counters.tokens_known += 1,
            Err(Refused::Wrong) => counters.tokens_wrong += 1,
            // Counted with the gathers that it leads to.
            Err(Refused::Diverged) => {}
        }
        accepted
    }

    /// Sends again what the token asks for. How many frames that were.
    ///
    /// Not held back by flow control: it is what lets the others go on.
    pub(super) fn serve(&mut self, ring: &mut Circuit, token: &mut Token) -> u32 {
        let served = ring.serve(token, MAX_REQUESTS as u32);
        for data in &served {
            self.counters.frames_retransmitted += 1;
            self.send_frame(data);
        }
        served.len() as u32
    }

    /// Passes the token on.
    pub(super) fn pass(
        &mut self,
        now: u64,
        ring: &mut Circuit,
        mut token: Token,
        sent: u32,
        waiting: u32,
    ) {
        if sent > 0 {
            // The token does not rest, as the members behind this one are to know.
            token.idle = 0;
        }
        let asked = token.requests.len();
        ring.finish(&mut token, sent, waiting);
        self.counters.frames_requested += token.requests.len().saturating_sub(asked) as u64;
        let may_rest = token.idle.saturating_add(1) >= IDLE_ROTATIONS && !ring.is_representative();
        let interval = ring.patience.pass(now, may_rest, self.timing);
        let to = ring.successor();
        let bytes = self.codec.encode(&Packet::Token(token));
        self.send_bytes(Destination::One(to), bytes.clone());
        ring.passed = Some(Passed { to, bytes, again: now.saturating_add(interval), interval });
    }

    /// Sends a packet again, and the next time after twice as long.
    pub(super) fn send_again(&mut self, now: u64, passed: &mut Passed) {
        let most = self.timing.retransmit().max(passed.interval);
        passed.interval = passed.interval.saturating_mul(2).min(most);
        passed.again = now.saturating_add(passed.interval);
        self.send_bytes(Destination::One(passed.to), passed.bytes.clone());
    }

    /// Delivers in the regular configuration: without a gap, and what is to be
    /// delivered safe only when all have it.
    pub(super) fn deliver_regular(&mut self, ring: &mut Circuit) {
        while let Some(frame) = ring.frames.get(ring.delivered + 1) {
            if frame.needs_safe && ring.delivered >= ring.stable {
                break;
            }
            ring.delivered += 1;
            self.deliver(ring.delivered, frame);
        }
    }
}
