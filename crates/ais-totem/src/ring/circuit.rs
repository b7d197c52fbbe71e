//! One ring as a member sees it: its frames and its token.

use super::frames::{Frame, Frames, Inserted, LAST_SEQ, SPAN};
use super::patience::Patience;
use super::token::{Flow, most_between_visits, update_aru};
use crate::messages::needs_safe;
use crate::packet::{Data, MAX_REQUESTS, Payload, Token};
use crate::{Bytes, ViewId};
use ais_wire::NodeId;

/// After that many rotations without a new frame the representative lets the
/// token rest. By then every member knows that all have all frames.
pub(super) const IDLE_ROTATIONS: u32 = 5;
/// A member that lacks a frame for that many rotations, and for the consensus
/// timeout, does not receive.
const STUCK_ROTATIONS: u32 = 16;
/// Frames that a member lacks are sent again in so many rotations in a row, and
/// then in ever fewer.
const EAGER_ROTATIONS: u32 = 8;

#[derive(Debug)]
pub(super) struct Circuit {
    pub(super) id: ViewId,
    /// The members of the ring, in ascending order.
    pub(super) members: Vec<NodeId>,
    pub(super) frames: Frames,
    /// All frames up to this one are delivered, or carry nothing to deliver.
    pub(super) delivered: u64,
    /// All members have all frames up to this one.
    pub(super) stable: u64,
    /// See [`crate::packet::OldRing::obliged`].
    pub(super) obliged: Vec<NodeId>,
    /// When the token was last here.
    pub(super) token_at: u64,
    /// `idle` of the token when it was last here.
    pub(super) idle: u32,
    /// The token has been passed on, and nothing shows yet that it arrived.
    pub(super) passed: Option<Passed>,
    pub(super) patience: Patience,
    /// The frame that came last is followed by the token at once.
    token_follows: bool,
    /// Up to which frame each of `members` has said that it has all, and this
    /// one that it needs none.
    acknowledged: Vec<u64>,
    me: NodeId,
    successor: NodeId,
    predecessor: NodeId,
    flow: Flow,
    /// What `token_seq` is on the next visit: it counts every hop.
    next_token: u64,
    /// The token is here, with this `seq`: nobody else can send.
    seq_here: Option<u64>,
    /// `seq`, `aru` and requests of the token as it was passed on.
    seq_then: u64,
    aru_then: u64,
    requests_then: Vec<u64>,
    /// Frames that were sent again in the last visit.
    served_then: Vec<u64>,
    stuck: Option<Stuck>,
}

/// A packet that its receiver has to act on, kept to be sent again.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) to: NodeId,
    pub(super) bytes: Bytes,
    /// When to send the packet again, and again after that.
    pub(super) again: u64,
    pub(super) interval: u64,
}

/// `aru` does not move because a member lacks a frame.
#[derive(Debug)]
struct Stuck {
    aru: u64,
    who: NodeId,
    since: u64,
    rotations: u32,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The token has been here before.
    Copy,
    /// No member can have sent the token.
    Wrong,
    /// The token is the next one, and frames have been taken here for delivery that no
    /// member can have sent yet.
    Diverged,
}

impl Circuit {
    /// The ring `id` before its first token. `None` if `me` is no member.
    pub(super) fn new(
        id: ViewId,
        members: Vec<NodeId>,
        me: NodeId,
        first: u64,
        now: u64,
    ) -> Option<Self> {
        let place = members.binary_search(&me).ok()?;
        let successor = *members.get(place + 1).or(members.first())?;
        let predecessor = *place.checked_sub(1).map_or(members.last(), |i| members.get(i))?;
        let first = first.min(LAST_SEQ - SPAN);
        let others = |&member: &NodeId| if member == me { u64::MAX } else { first };
        let acknowledged = members.iter().map(others).collect();
        Some(Self {
            id,
            frames: Frames::new(first),
            delivered: first,
            stable: first,
            obliged: Vec::new(),
            token_at: now,
            idle: 0,
            passed: None,
            patience: Patience::default(),
            token_follows: false,
            acknowledged,
            me,
            successor,
            predecessor,
            flow: Flow::default(),
            next_token: place as u64,
            seq_here: None,
            seq_then: first,
            aru_then: first,
            requests_then: Vec::new(),
            served_then: Vec::new(),
            stuck: None,
            members,
        })
    }

    pub(super) fn is_alone(&self) -> bool {
        self.members.len() == 1
    }

    pub(super) fn is_representative(&self) -> bool {
        self.me == self.id.representative
    }

    pub(super) fn has(&self, node: NodeId) -> bool {
        self.members.binary_search(&node).is_ok()
    }

    pub(super) fn successor(&self) -> NodeId {
        self.successor
    }

    /// The first token of the ring, for its representative.
    pub(super) fn first_token(&mut self, now: u64) -> Token {
        self.token_at = now;
        self.next_token = self.members.len() as u64;
        self.seq_here = Some(self.seq_then);
        Token {
            ring: self.id,
            token_seq: 0,
            seq: self.seq_then,
            aru: self.seq_then,
            aru_from: None,
            sent: 0,
            backlog: 0,
            idle: 0,
            recovering: false,
            requests: Vec::new(),
        }
    }

    /// Takes a frame that came from `sender`, if it is one of this ring.
    pub(super) fn take(&mut self, sender: NodeId, data: Data) -> Option<Inserted> {
        let (origin, is_mine) = match &data.payload {
            Payload::New { from, .. } => (self.has(*from), *from == self.me),
            Payload::Recovered { .. } => (true, false),
        };
        if data.ring != self.id || !self.has(sender) || !origin {
            return None;
        }
        let is_unknown = data.seq > self.frames.released() && self.frames.get(data.seq).is_none();
        if is_unknown && (is_mine || self.seq_here.is_some_and(|seq| data.seq > seq)) {
            return Some(Inserted::Forged);
        }
        let is_sent = data.seq <= self.seq_then.saturating_add(self.most_between_visits());
        if !is_sent || !self.frames.has_room(data.seq, data.payload.chunks().len()) {
            return Some(Inserted::TooFar);
        }
        if data.seq > self.seq_then {
            self.passed = None;
        }
        self.token_follows = !data.asks;
        Some(self.insert(data.seq, data.payload))
    }

    /// Takes a frame as [`Self::take`] does, and notes when it came if it shows that
    /// the token has arrived.
    pub(super) fn take_at(&mut self, now: u64, sender: NodeId, data: Data) -> Option<Inserted> {
        let taken = self.take(sender, data);
        if self.passed.is_none() {
            self.patience.note_progress(now);
        }
        taken
    }

    /// The token has come from `from`. What it says and cannot be is put
    /// right, so that nothing forged goes round for ever.
    ///
    /// # Errors
    /// Why it is not to be taken.
    pub(super) fn accept(
        &mut self,
        from: NodeId,
        token: &mut Token,
        now: u64,
    ) -> Result<(), Refused> {
        if token.token_seq.wrapping_sub(self.next_token) > u64::MAX / 2 {
            return Err(Refused::Copy);
        }
        let is_next = from == self.predecessor && token.token_seq == self.next_token;
        let most = self.seq_then.saturating_add(self.most_between_visits());
        let can_be = (self.seq_then..=most).contains(&token.seq) && self.frames.is_near(token.seq);
        if !is_next || !can_be {
            return Err(Refused::Wrong);
        }
        // Only the member that has the token sends, and that is this one.
        if self.frames.aru() > token.seq {
            return Err(Refused::Diverged);
        }
        self.frames.forget_above(token.seq);
        self.seq_here = Some(token.seq);
        self.correct(token);
        self.next_token = self.next_token.wrapping_add(self.members.len() as u64);
        self.token_at = now;
        self.passed = None;
        self.patience.note_return(now);
        self.stable = self.stable.max(self.aru_then.min(token.aru).min(self.frames.aru()));
        self.note_stuck(token, now);
        Ok(())
    }

    /// Whether a token is the one that was taken last.
    pub(super) fn is_last(&self, from: NodeId, token: &Token) -> bool {
        let next = token.token_seq.wrapping_add(self.members.len() as u64);
        from == self.predecessor && token.ring == self.id && next == self.next_token
    }

    /// Puts right what no member can have said on the token.
    fn correct(&self, token: &mut Token) {
        self.flow.correct(token, token.seq.saturating_sub(self.seq_then));
        token.aru = token.aru.max(self.stable.min(token.seq));
        if token.aru_from.is_some_and(|node| !self.has(node)) {
            token.aru_from = None;
        }
        // All have what is stable, and nobody has sent it in a whole rotation.
        let is_vain = |seq: &u64| *seq <= self.stable && self.requests_then.contains(seq);
        token.requests.retain(|seq| !is_vain(seq));
        token.requests.sort_unstable();
        token.requests.dedup();
    }

    fn most_between_visits(&self) -> u64 {
        most_between_visits(self.members.len())
    }

    /// Counts rotations in which nothing happened; the representative does.
    pub(super) fn count_idle(&self, token: &mut Token) {
        let is_idle = token.seq == self.seq_then
            && !self.flow.has_sent()
            && token.aru == token.seq
            && token.requests.is_empty()
            && !token.recovering;
        token.idle = if is_idle { token.idle.saturating_add(1) } else { 0 };
        if token.idle > 1 {
            // Both are 0 already, unless a member counts wrong and the ring stands
            // still for it.
            (token.sent, token.backlog) = (0, 0);
        }
    }

    /// Whether nobody but this member sent frames in the last rotation.
    pub(super) fn is_lone_sender(&self, token: &Token) -> bool {
        self.flow.is_lone_sender(token)
    }

    /// Whether frames are missing here, and only some that were sent since the
    /// last visit of the token, so that they may be on their way.
    pub(super) fn is_overtaken_by(&self, token: &Token) -> bool {
        (self.seq_then..token.seq).contains(&self.frames.aru())
    }

    /// Whether all have what this member had sent when the token was last here.
    pub(super) fn is_sent_stable(&self) -> bool {
        self.stable >= self.seq_then
    }

    /// The members that have not said that they have all frames up to `seq`.
    pub(super) fn lacking(&self, seq: u64) -> Vec<NodeId> {
        let members = self.members.iter().zip(&self.acknowledged);
        members.filter(|(_, has)| **has < seq).map(|(member, _)| *member).collect()
    }

    /// Whether frames have come that were sent just before the token, after it
    /// was here.
    pub(super) fn expects_token(&self) -> bool {
        self.token_follows && self.frames.high() > self.seq_then
    }

    /// A member has all frames up to `aru`. Whether it is one, and there are as
    /// many.
    pub(super) fn acknowledge(&mut self, from: NodeId, aru: u64) -> bool {
        if aru > self.frames.high() {
            return false;
        }
        let place = self.members.binary_search(&from);
        let Some(has) = place.ok().and_then(|place| self.acknowledged.get_mut(place)) else {
            return false;
        };
        *has = aru.max(*has);
        let all = self.acknowledged.iter().min().map_or(0, |&all| all.min(self.frames.aru()));
        self.stable = self.stable.max(all);
        true
    }

    /// The frames that the token asks for and this member has, at most `most`,
    /// taken from the token.
    ///
    /// What was sent in the last visit and is asked for again others are to send
    /// this time: it may be the way from here that is bad.
    pub(super) fn serve(&mut self, token: &mut Token, most: u32) -> Vec<Data> {
        let mut served = Vec::new();
        let rotations = self.stuck.as_ref().map_or(0, |stuck| stuck.rotations);
        if rotations > EAGER_ROTATIONS && !rotations.is_power_of_two() {
            return served;
        }
        let in_vain = std::mem::take(&mut self.served_then);
        let others_can = self.members.len() > 2;
        token.requests.retain(|&seq| {
            let Some(frame) = self.frames.get(seq) else { return true };
            if served.len() >= most as usize || others_can && in_vain.contains(&seq) {
                return true;
            }
            served.push(Data { ring: self.id, seq, asks: false, payload: frame.payload.clone() });
            false
        });
        self.served_then = served.iter().map(|data: &Data| data.seq).collect();
        served
    }

    /// How many frames may be sent in this visit, of `waiting` that wait.
    pub(super) fn allowance(&self, token: &Token, waiting: u32) -> u32 {
        let members = self.members.len();
        let per_visit = self.patience.frames_in_a_visit(members);
        self.flow.allowance(token, waiting, self.stable, members, per_visit)
    }

    /// A new frame of this member.
    pub(super) fn add(&mut self, token: &mut Token, payload: Payload) -> Data {
        token.seq += 1;
        self.seq_here = Some(token.seq);
        self.insert(token.seq, payload.clone());
        Data { ring: self.id, seq: token.seq, asks: false, payload }
    }

    /// Makes the token ready to be passed on: `sent` frames were sent, about
    /// `waiting` still wait.
    pub(super) fn finish(&mut self, token: &mut Token, sent: u32, waiting: u32) {
        self.flow.tell(token, sent, waiting);
        // What is newer may still be on its way.
        for seq in self.frames.missing(self.seq_then.min(token.seq)) {
            if token.requests.len() >= MAX_REQUESTS {
                break;
            }
            if !token.requests.contains(&seq) {
                token.requests.push(seq);
            }
        }
        update_aru(token, self.me, self.frames.aru());
        token.token_seq = token.token_seq.wrapping_add(1);
        self.seq_here = None;
        self.seq_then = token.seq;
        self.aru_then = token.aru;
        self.requests_then.clone_from(&token.requests);
        self.idle = token.idle;
    }

    /// The member that has not received a frame for so long that it never will. Only a
    /// member that has that frame can tell.
    pub(super) fn does_not_receive(&self, now: u64, time: u64) -> Option<NodeId> {
        let stuck = self.stuck.as_ref().filter(|stuck| self.frames.aru() > stuck.aru)?;
        let long = now >= stuck.since.saturating_add(time) && stuck.rotations >= STUCK_ROTATIONS;
        (long && stuck.who != self.me).then_some(stuck.who)
    }

    /// The member that has lacked a frame for a while, as far as this one can
    /// tell.
    pub(super) fn laggard(&self) -> Option<NodeId> {
        let stuck = self.stuck.as_ref().filter(|stuck| self.frames.aru() > stuck.aru)?;
        (stuck.rotations >= STUCK_ROTATIONS / 2).then_some(stuck.who)
    }

    /// Whether this member lacks a frame for so long that the members that have it, if
    /// there are any, would have said that one does not receive.
    pub(super) fn lacks_for_ever(&self, now: u64, time: u64) -> bool {
        self.stuck.as_ref().is_some_and(|stuck| {
            self.frames.aru() <= stuck.aru
                && now >= stuck.since.saturating_add(time.saturating_mul(2))
                && stuck.rotations >= 2 * STUCK_ROTATIONS
        })
    }

    /// A frame of this ring as the next one carries it.
    pub(super) fn recovered(&self, seq: u64) -> Option<Payload> {
        match &self.frames.get(seq)?.payload {
            Payload::New { from, chunks } => {
                Some(Payload::Recovered { ring: self.id, seq, from: *from, chunks: chunks.clone() })
            }
            Payload::Recovered { .. } => None,
        }
    }

    /// Puts in a frame that the next ring brought.
    pub(super) fn recover(&mut self, seq: u64, payload: Payload) -> Inserted {
        self.insert(seq, payload)
    }

    /// The number of a message in a ring of one member.
    pub(super) fn pass_alone(&mut self) -> u64 {
        let seq = self.frames.pass();
        self.delivered = seq;
        self.stable = seq;
        seq
    }

    /// Frames that everybody has and this member has delivered are not needed.
    pub(super) fn release(&mut self) {
        self.frames.release(self.stable.min(self.delivered));
    }

    fn insert(&mut self, seq: u64, payload: Payload) -> Inserted {
        let needs_safe = match &payload {
            Payload::New { chunks, .. } => needs_safe(chunks),
            Payload::Recovered { .. } => false,
        };
        self.frames.insert(seq, Frame { payload, needs_safe })
    }

    fn note_stuck(&mut self, token: &Token, now: u64) {
        let Some(who) = token.aru_from.filter(|_| token.aru < token.seq) else {
            self.stuck = None;
            return;
        };
        match &mut self.stuck {
            Some(stuck) if stuck.aru == token.aru && stuck.who == who => {
                stuck.rotations = stuck.rotations.saturating_add(1);
            }
            stuck => *stuck = Some(Stuck { aru: token.aru, who, since: now, rotations: 0 }),
        }
    }
}
