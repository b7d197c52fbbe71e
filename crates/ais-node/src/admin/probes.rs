//! Probes: programs that send messages through the group and see them, and
//! those of all other probes, arrive in order.
//!
//! What is delivered is kept once, however many probes have not read it; a probe that
//! falls behind by more than is kept is told how much it has missed.

use super::message::{Message, Probed};
use crate::{Asker, ConnectionId, Effects, Malformed, Promise};
use ais_proto::admin::{Delivered, Deliveries};
use ais_wire::{NodeId, Wire as _};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes of messages that are kept for the probes of a node, of all together.
const MOST_KEPT: usize = 8 << 20;
/// Bytes that a piece counts for beside its messages.
const PIECE_OVERHEAD: usize = 128;

/// The probes of this node, and what some of them have not been told yet.
#[derive(Debug)]
pub(super) struct Probes {
    me: NodeId,
    probes: BTreeMap<ConnectionId, Probe>,
    /// The probes that have been told all.
    up_to_date: BTreeSet<ConnectionId>,
    /// What was delivered, the oldest first.
    pieces: VecDeque<Piece>,
    /// The number of the first piece.
    first: u64,
    /// Bytes that the pieces take.
    kept: usize,
    /// Messages delivered so far.
    delivered: u64,
    /// Some came since those that were told all were last asked for.
    has_news: bool,
    /// The askers whose requests were delivered to the last message.
    answers: Vec<Asker>,
}

/// How far a probe has been told.
#[derive(Debug)]
struct Probe {
    /// The number of the first piece that it has not been told.
    next: u64,
    /// Messages delivered before that.
    before: u64,
    /// How many of its own it will not be told.
    own_missed: u64,
}

/// Messages that fit into one event.
#[derive(Debug)]
struct Piece {
    messages: Deliveries,
    /// How many were delivered before these.
    before: u64,
    /// Some probe was told it: nothing is added any more.
    is_told: bool,
}

impl Piece {
    fn bytes(&self) -> usize {
        PIECE_OVERHEAD + self.messages.capacity()
    }
}

impl Probes {
    /// None yet, on this node.
    pub(super) fn new(me: NodeId) -> Self {
        Self {
            me,
            probes: BTreeMap::new(),
            up_to_date: BTreeSet::new(),
            pieces: VecDeque::new(),
            first: 0,
            kept: 0,
            delivered: 0,
            has_news: false,
            answers: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, connection: ConnectionId) {
        self.end_piece();
        let next = self.first + self.pieces.len() as u64;
        let probe = Probe { next, before: self.delivered, own_missed: 0 };
        if self.probes.insert(connection, probe).is_none() {
            self.up_to_date.insert(connection);
        }
    }

    pub(super) fn stop(&mut self, connection: ConnectionId) {
        self.probes.remove(&connection);
        self.up_to_date.remove(&connection);
        self.forget_told();
    }

    /// Sends messages to the probes of all nodes.
    ///
    /// # Errors
    /// [`Malformed`] if nothing was started on this connection.
    pub(super) fn send(
        &self,
        connection: ConnectionId,
        asker: Asker,
        messages: &[&[u8]],
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        if !self.probes.contains_key(&connection) {
            return Err(Malformed);
        }
        for (place, message) in messages.iter().enumerate() {
            let is_last = place + 1 == messages.len();
            let probed = Probed { probe: connection.0, message };
            let awaited = is_last.then_some((asker, Promise::Delivered));
            fx.multicast(awaited, 8 + message.len(), |out| Message::Probed(probed).put(out));
        }
        Ok(())
    }

    /// Takes a message of a probe in agreed order.
    pub(super) fn deliver(&mut self, from: NodeId, asker: Option<Asker>, probed: Probed<'_>) {
        self.answers.extend(asker);
        if !self.probes.is_empty() {
            self.keep(Delivered { from, probe: probed.probe, message: probed.message });
        }
    }

    /// The probes that have something new to be told.
    pub(super) fn take_behind(&mut self) -> BTreeSet<ConnectionId> {
        let has_news = std::mem::take(&mut self.has_news);
        if has_news { std::mem::take(&mut self.up_to_date) } else { BTreeSet::new() }
    }

    /// The askers that wait for an answer, which is to be given when their own probe was
    /// told what there is.
    pub(super) fn take_answers(&mut self) -> Vec<Asker> {
        std::mem::take(&mut self.answers)
    }

    /// What a probe is told next, if there is anything, and whether that is all.
    pub(super) fn tell(&mut self, connection: ConnectionId) -> Option<(Deliveries, bool)> {
        let probe = self.probes.get_mut(&connection)?;
        let mut told = Deliveries::new(self.me, connection.0);
        if probe.next < self.first {
            let before = self.pieces.front().map_or(self.delivered, |piece| piece.before);
            told.skipped = before - probe.before;
            told.own_skipped = std::mem::take(&mut probe.own_missed);
            (probe.next, probe.before) = (self.first, before);
        } else {
            let from = (probe.next - self.first) as usize;
            for piece in self.pieces.range_mut(from.min(self.pieces.len())..) {
                if !told.append(&piece.messages) {
                    break;
                }
                piece.is_told = true;
                probe.next += 1;
            }
            let next = self.pieces.get((probe.next - self.first) as usize);
            probe.before = next.map_or(self.delivered, |piece| piece.before);
        }
        let is_all = probe.next == self.first + self.pieces.len() as u64;
        if is_all {
            self.up_to_date.insert(connection);
            self.forget_told();
        }
        (!told.is_empty()).then_some((told, is_all))
    }

    fn keep(&mut self, message: Delivered<'_>) {
        let last = self.pieces.back_mut().filter(|piece| !piece.is_told);
        let before = last.as_ref().map_or(0, |piece| piece.bytes());
        let added = last.and_then(|piece| piece.messages.push(message).then(|| piece.bytes()));
        if let Some(now) = added {
            self.kept = self.kept - before + now;
        } else {
            let messages = Deliveries::new(self.me, 0);
            let mut piece = Piece { messages, before: self.delivered, is_told: false };
            // One that fits into no event came from no probe of this version.
            if !piece.messages.push(message) {
                return;
            }
            self.kept += piece.bytes();
            self.pieces.push_back(piece);
        }
        self.delivered += 1;
        self.has_news = true;
        while self.kept > MOST_KEPT && self.pieces.len() > 1 {
            self.forget_first();
        }
    }

    /// Forgets the first piece; probes that have not been told it never are.
    fn forget_first(&mut self) {
        let Some(piece) = self.pieces.pop_front() else { return };
        self.kept -= piece.bytes();
        for message in piece.messages.iter().filter(|message| message.from == self.me) {
            let probe = self.probes.get_mut(&ConnectionId(message.probe));
            if let Some(probe) = probe.filter(|probe| probe.next <= self.first) {
                probe.own_missed += 1;
            }
        }
        self.first += 1;
    }

    /// Forgets everything if all have been told all.
    fn forget_told(&mut self) {
        if self.up_to_date.len() == self.probes.len() {
            self.first += self.pieces.len() as u64;
            self.pieces.clear();
            self.kept = 0;
        }
    }

    /// A probe that comes now is not told what is there.
    fn end_piece(&mut self) {
        if let Some(last) = self.pieces.back_mut() {
            last.is_told = true;
        }
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let bytes: usize = self.pieces.iter().map(Piece::bytes).sum();
        assert_eq!(bytes, self.kept);
        bytes
    }
}
