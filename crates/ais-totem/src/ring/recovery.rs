//! Recovery: the members that come from the same old ring give each other
//! what some of them lack, in frames of the new ring ([SRP95] 5.3).

use super::circuit::{Circuit, Passed, Refused};
use super::diverged::FRAMES_OF_NOBODY;
use super::frames::Inserted;
use super::visit::Visit;
use super::{Ring, State};
use crate::config::milliseconds;
use crate::packet::{Commit, CommitEntry, Data, Payload, Token};
use crate::{Timing, ViewId};
use ais_wire::NodeId;
use std::collections::{BTreeSet, VecDeque};

/// Visits in a row on which no member had old frames to send, after which
/// there are none.
const CLEAR_VISITS: u32 = 2;
/// Visits in a row that brought nothing, after which no other one will. Where no
/// member has anything to send any more, a ring is installed after half as many.
const VAIN_VISITS: u32 = 16;

#[derive(Debug)]
pub(super) struct Recovery {
    /// The new ring.
    pub(super) circuit: Circuit,
    pub(super) entries: Vec<CommitEntry>,
    /// Bytes that the datagrams of the new ring have at most.
    pub(super) size: u16,
    /// The members that come from the same old ring as this one, itself
    /// included, in ascending order (EVS: the transitional configuration).
    pub(super) together: Vec<NodeId>,
    /// The nodes all of whose frames `together` has between them. Frames of
    /// these are delivered even behind a gap.
    pub(super) owed: Vec<NodeId>,
    /// All members of the old ring had all its frames up to this one.
    pub(super) safe: u64,
    /// Frames of the old ring that this member has to send.
    to_send: VecDeque<u64>,
    /// This member has set `recovering` on the token.
    raised: bool,
    clear_visits: u32,
    /// When all members have the new ring's frames up to this one it can be
    /// installed.
    install_at: Option<u64>,
    commit_passed: Option<Passed>,
    begun: bool,
    /// What the token said last of how far frames have come, when that was new,
    /// and how often it has said so again.
    progress: (u64, u64),
    progress_at: u64,
    vain_visits: u32,
}

impl Recovery {
    pub(super) fn new(
        now: u64,
        me: NodeId,
        circuit: Circuit,
        commit: Commit,
        old: Option<&Circuit>,
        commit_passed: Option<Passed>,
    ) -> Self {
        let mut recovery = Self {
            circuit,
            together: vec![me],
            owed: vec![me],
            safe: 0,
            to_send: VecDeque::new(),
            raised: false,
            clear_visits: 0,
            install_at: None,
            commit_passed,
            begun: false,
            progress: (0, 0),
            progress_at: now,
            vain_visits: 0,
            size: commit.size,
            entries: commit.members,
        };
        if let Some(old) = old {
            recovery.plan(me, old);
        }
        recovery
    }

    /// Finds which members come along from the old ring, and what this member has to
    /// send.
    fn plan(&mut self, me: NodeId, old: &Circuit) {
        let mates = self.entries.iter().filter_map(|entry| {
            let from = entry.old.as_ref().filter(|from| from.ring == Some(old.id))?;
            Some((entry.node, from))
        });
        let mates: Vec<_> = mates.filter(|(node, _)| old.has(*node)).collect();
        self.together = mates.iter().map(|(node, _)| *node).collect();
        let owed = mates.iter().flat_map(|(node, from)| from.obliged.iter().chain([node]));
        self.owed = owed.copied().collect::<BTreeSet<_>>().into_iter().collect();
        self.safe = mates.iter().map(|(_, from)| from.safe).max().unwrap_or(0);
        let low = mates.iter().map(|(_, from)| from.aru).min().unwrap_or(0);
        if mates.len() < 2 {
            return;
        }
        let low = low.max(old.frames.released());
        let is_mine = |seq: u64| {
            // The lowest that surely has it; if nobody has all up to there,
            // everybody that has it.
            mates.iter().find(|(_, from)| from.aru >= seq).is_none_or(|(node, _)| *node == me)
        };
        let here = (low + 1..=old.frames.high()).filter(|&seq| old.frames.get(seq).is_some());
        self.to_send = here.filter(|&seq| is_mine(seq)).collect();
    }

    pub(super) fn ring(&self) -> ViewId {
        self.circuit.id
    }

    pub(super) fn number(&self) -> u64 {
        self.circuit.id.number
    }

    pub(super) fn has(&self, node: NodeId) -> bool {
        self.circuit.has(node)
    }

    pub(super) fn members(&self) -> Vec<NodeId> {
        self.circuit.members.clone()
    }

    pub(super) fn is_alone(&self) -> bool {
        self.circuit.is_alone()
    }

    pub(super) fn next(&self, timing: Timing) -> u64 {
        let loss = self.circuit.token_at.saturating_add(timing.token_loss());
        let passed = [&self.commit_passed, &self.circuit.passed].into_iter().flatten();
        passed.map(|passed| passed.again).fold(loss, u64::min)
    }

    /// What is to be done on a visit of the token before it is passed on:
    /// whether the ring can be installed.
    fn note_visit(&mut self, token: &Token, old: Option<&mut Circuit>) -> bool {
        self.clear_visits = if token.recovering { 0 } else { self.clear_visits.saturating_add(1) };
        let knew = self.install_at.is_some();
        if self.clear_visits >= CLEAR_VISITS && !knew {
            // Nobody is operational before all have come here once, so these
            // are all old frames.
            self.install_at = Some(token.seq);
        }
        let Some(install_at) = self.install_at else { return false };
        if let Some(old) = old
            && self.circuit.frames.aru() >= install_at
        {
            // The others may install the ring as soon as they know.
            old.obliged.clone_from(&self.owed);
        }
        // Were it installed at once, the others would take what is then sent for
        // old frames, and not be there when it is delivered safe.
        knew && self.circuit.stable >= install_at
    }

    /// Whether the token has gone round for so long, and often, and brought nothing:
    /// then it says falsely that some member has more to send.
    fn stands_still(&mut self, now: u64, token: &Token, time: u64) -> bool {
        let progress = (token.seq, token.aru);
        self.vain_visits = self.vain_visits.saturating_add(1);
        if std::mem::replace(&mut self.progress, progress) != progress {
            (self.progress_at, self.vain_visits) = (now, 0);
        }
        self.vain_visits >= VAIN_VISITS && now >= self.progress_at.saturating_add(time)
    }

    /// Says on the token whether this member still has something to send.
    fn set_flag(&mut self, token: &mut Token) {
        if !token.recovering {
            self.raised = !self.to_send.is_empty();
            token.recovering = self.raised;
        } else if self.raised && self.to_send.is_empty() {
            self.raised = false;
            token.recovering = false;
        }
    }

    /// Frames of the old ring have done their duty once they are here.
    fn release(&mut self) {
        let circuit = &mut self.circuit;
        while let Some(frame) = circuit.frames.get(circuit.delivered + 1) {
            if let Payload::New { .. } = frame.payload {
                break;
            }
            circuit.delivered += 1;
        }
        circuit.release();
    }
}

impl Ring {
    /// A frame of the new ring; what it carries of the old one is put there.
    #[cold]
    pub(super) fn take_in_recovery(&mut self, from: NodeId, data: Data) -> Option<Inserted> {
        let State::Recovery(recovery) = &mut self.state else { return None };
        let payload = data.payload.clone();
        let taken = recovery.circuit.take(from, data)?;
        recovery.commit_passed = None;
        if let Payload::Recovered { ring, seq, from, chunks } = payload
            && let Some(old) = self.ring.as_mut().filter(|old| old.id == ring && old.has(from))
            && !self.is_diverged
            && taken == Inserted::New
        {
            recovery.to_send.retain(|&mine| mine != seq);
            if old.recover(seq, Payload::New { from, chunks }) == Inserted::Other {
                return Some(Inserted::Other);
            }
        }
        Some(taken)
    }

    pub(super) fn token_in_recovery(&mut self, now: u64, from: NodeId, mut token: Token) {
        let State::Recovery(recovery) = &mut self.state else { return };
        match self.core.accept(&mut recovery.circuit, from, &mut token, now) {
            Ok(()) => {}
            Err(Refused::Diverged) => return self.leave_diverged(now, FRAMES_OF_NOBODY),
            Err(_) => return,
        }
        recovery.commit_passed = None;
        if let Some(deaf) = recovery.circuit.does_not_receive(now, self.core.timing.consensus()) {
            return self.gather_for_deaf(now, deaf);
        }
        if recovery.circuit.lacks_for_ever(now, self.core.timing.consensus()) {
            self.core.counters.gathers_missing += 1;
            return self.gather_carefully(now, "a frame is missing that nobody sends".into());
        }
        if recovery.stands_still(now, &token, self.core.timing.token_loss()) {
            self.core.counters.gathers_recovery += 1;
            return self.gather_carefully(now, "recovery made no progress".into());
        }
        if recovery.note_visit(&token, self.ring.as_mut()) {
            self.install(now);
            if let Some(ring) = &self.ring {
                let visit = Visit::new(ring, token);
                self.visit(now, visit);
            }
        } else {
            self.visit_in_recovery(now, token);
        }
    }

    /// The representative makes the token of the new ring.
    pub(super) fn begin_token(&mut self, now: u64) -> bool {
        let State::Recovery(recovery) = &mut self.state else { return false };
        if std::mem::replace(&mut recovery.begun, true) {
            return false;
        }
        recovery.commit_passed = None;
        let token = recovery.circuit.first_token(now);
        self.visit_in_recovery(now, token);
        true
    }

    fn visit_in_recovery(&mut self, now: u64, mut token: Token) {
        let (State::Recovery(recovery), core) = (&mut self.state, &mut self.core) else { return };
        let waiting = |queue: &VecDeque<u64>| u32::try_from(queue.len()).unwrap_or(u32::MAX);
        let allowance = recovery.circuit.allowance(&token, waiting(&recovery.to_send));
        let mut sent = core.serve(&mut recovery.circuit, &mut token);
        while sent < allowance
            && let Some(seq) = recovery.to_send.pop_front()
        {
            let Some(payload) = self.ring.as_ref().and_then(|old| old.recovered(seq)) else {
                continue;
            };
            let data = recovery.circuit.add(&mut token, payload);
            core.counters.frames_recovered += 1;
            core.send_frame(&data);
            sent += 1;
        }
        recovery.set_flag(&mut token);
        core.pass(now, &mut recovery.circuit, token, sent, waiting(&recovery.to_send));
        recovery.release();
    }

    pub(super) fn time_in_recovery(&mut self, now: u64) {
        let State::Recovery(recovery) = &mut self.state else { return };
        let timing = self.core.timing;
        let circuit = &mut recovery.circuit;
        if now >= circuit.token_at.saturating_add(timing.token_loss()) {
            self.core.counters.gathers_recovery += 1;
            let time = milliseconds(timing.token_loss());
            return self.gather_carefully(now, format!("no token for {time} ms"));
        }
        let passed = [&mut recovery.commit_passed, &mut circuit.passed].into_iter().flatten();
        for passed in passed.filter(|passed| now >= passed.again) {
            self.core.send_again(now, passed);
        }
    }
}
