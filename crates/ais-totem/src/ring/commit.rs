//! Commit: the commit token goes round twice, first to collect where members
//! come from, then to tell everybody ([SRP95] 5.2).

use super::circuit::{Circuit, Passed};
use super::gather::Gather;
use super::greeting::contains;
use super::numbers::LAST_NUMBER;
use super::recovery::Recovery;
use super::{Ring, State};
use crate::config::milliseconds;
use crate::packet::{Commit, CommitEntry, Join, OldRing, Packet};
use crate::{Destination, ViewId};
use ais_wire::NodeId;

#[derive(Debug)]
pub(super) struct Committing {
    /// The commit token as it is to be passed on.
    token: Commit,
    /// The commit token as it was passed on. `None`: the number of the ring has yet to
    /// be reserved.
    passed: Option<Passed>,
    entered_at: u64,
    deadline: u64,
    /// The JOIN that says, as this member said it, what all agreed on, and the gather in
    /// which they did.
    agreed: Join,
    gather: Box<Gather>,
    /// When to send that JOIN again: a node that has just come back has not heard it.
    join_at: u64,
}

impl Committing {
    pub(super) fn number(&self) -> u64 {
        self.token.ring.number
    }

    pub(super) fn entered_at(&self) -> u64 {
        self.entered_at
    }

    pub(super) fn has(&self, node: NodeId) -> bool {
        self.token.members.iter().any(|entry| entry.node == node)
    }

    pub(super) fn members(&self) -> Vec<NodeId> {
        nodes(&self.token)
    }

    /// Whether a JOIN wants nothing that was not agreed on: it was sent before
    /// its sender agreed.
    pub(super) fn has_agreed_to(&self, join: &Join) -> bool {
        let wants = join.members.iter().filter(|node| !contains(&join.failed, **node));
        wants.eq(self.token.members.iter().map(|entry| &entry.node))
            || join.members.iter().all(|&node| contains(&self.agreed.members, node))
                && join.failed.iter().all(|&node| contains(&self.agreed.failed, node))
    }

    /// Whether all had to show their links before they agreed.
    pub(super) fn is_careful(&self) -> bool {
        self.agreed.careful
    }

    /// Back to the gather.
    pub(super) fn into_gather(self) -> Gather {
        *self.gather
    }

    pub(super) fn next(&self) -> u64 {
        let again = self.passed.as_ref().map_or(self.deadline, |passed| passed.again);
        again.min(self.deadline).min(self.join_at)
    }
}

impl Ring {
    /// All agree on `members`, and this member is the lowest of them.
    pub(super) fn begin_commit(&mut self, now: u64, members: &[NodeId], known: u64) {
        let number = self.core.number().max(known).saturating_add(1);
        if number > LAST_NUMBER {
            let line = format!("view number {number} is too high: remove the state directories");
            self.core.say(now, &line);
            return;
        }
        let ring = ViewId { number, representative: self.core.me };
        let entries = members.iter().map(|&node| CommitEntry { node, old: None });
        let token = Commit { ring, hop: 0, members: entries.collect(), size: u16::MAX };
        self.enter_commit(now, token);
    }

    #[cold]
    pub(super) fn on_commit(&mut self, now: u64, from: NodeId, commit: Commit) {
        let expected = neighbours(&commit, self.core.me)
            .is_some_and(|(predecessor, _)| predecessor == from)
            && self.core.believe(now, commit.ring.number);
        let taken = expected
            && match &self.state {
                State::Gather(_) => self.commit_in_gather(now, commit),
                State::Commit(_) => self.commit_again(now, commit),
                State::Recovery(_) => self.commit_in_recovery(now, &commit),
                State::Operational(_) | State::Left => false,
            };
        self.core.counters.wrong_commits += u64::from(!taken);
    }

    /// The first round: this member says where it comes from.
    fn commit_in_gather(&mut self, now: u64, commit: Commit) -> bool {
        let State::Gather(gather) = &self.state else { return false };
        let place = commit.members.iter().position(|entry| entry.node == self.core.me);
        let filled = commit.members.iter().take_while(|entry| entry.old.is_some()).count();
        let is_first_round = place == Some(filled)
            && commit.members.iter().skip(filled).all(|entry| entry.old.is_none())
            && commit.hop as usize == filled;
        if !is_first_round
            || commit.ring.number <= self.core.number()
            || !gather.explains(self.core.number(), commit.ring.number)
            || gather.wanted() != nodes(&commit)
        {
            return false;
        }
        self.enter_commit(now, commit);
        true
    }

    fn enter_commit(&mut self, now: u64, mut token: Commit) {
        // With the number from before: it was wanted before this ring.
        let Some(agreed) = self.join_of_gather(now) else { return };
        let old = self.where_from();
        for entry in token.members.iter_mut().filter(|entry| entry.node == self.core.me) {
            entry.old = Some(old.clone());
        }
        let others = nodes(&token).into_iter().filter(|node| *node != self.core.me);
        token.size = token.size.min(self.core.links.size_among(now, others));
        token.hop += 1;
        self.core.agree_to(token.ring.number);
        let deadline = now.saturating_add(self.core.timing.consensus());
        let join_at = now.saturating_add(self.core.links.join_again());
        let State::Gather(gather) = std::mem::replace(&mut self.state, State::Left) else { return };
        let (passed, entered_at, gather) = (None, now, Box::new(gather));
        let commit = Committing { token, passed, entered_at, deadline, agreed, gather, join_at };
        self.state = State::Commit(commit);
        self.commit_if_reserved(now);
    }

    /// What this member has of the ring it was last operational in.
    fn where_from(&self) -> OldRing {
        let nowhere = OldRing { ring: None, aru: 0, high: 0, safe: 0, obliged: Vec::new() };
        self.trusted_ring().map_or(nowhere, |ring| OldRing {
            ring: Some(ring.id),
            aru: ring.frames.aru(),
            high: ring.frames.high(),
            safe: ring.stable,
            obliged: ring.obliged.clone(),
        })
    }

    /// Passes the commit token on once the number of its ring cannot be used
    /// again after a crash.
    pub(super) fn commit_if_reserved(&mut self, now: u64) {
        let State::Commit(commit) = &mut self.state else { return };
        if commit.passed.is_some() || !self.core.is_reserved(commit.number()) {
            return;
        }
        if commit.token.members.len() == 1 {
            let token = commit.token.clone();
            self.enter_recovery(now, token, None);
            return;
        }
        commit.passed = self.core.pass_commit(now, &commit.token);
    }

    /// A round is complete, or a copy has come.
    fn commit_again(&mut self, now: u64, mut commit: Commit) -> bool {
        let State::Commit(mine) = &self.state else { return false };
        let me = self.core.me;
        let place = commit.members.iter().position(|entry| entry.node == me).unwrap_or(0);
        let same = commit.ring == mine.token.ring
            && nodes(&commit) == nodes(&mine.token)
            && commit.members.get(place) == mine.token.members.get(place);
        let is_second_round = commit.members.iter().all(|entry| entry.old.is_some())
            && commit.hop as usize == commit.members.len() + place;
        if !same || !is_second_round || mine.passed.is_none() {
            return false;
        }
        commit.hop += 1;
        let passed = self.core.pass_commit(now, &commit);
        self.enter_recovery(now, commit, passed);
        true
    }

    /// The representative has the commit token back: the ring can begin.
    fn commit_in_recovery(&mut self, now: u64, commit: &Commit) -> bool {
        let State::Recovery(recovery) = &self.state else { return false };
        let is_end = commit.ring == recovery.ring()
            && commit.ring.representative == self.core.me
            && commit.hop as usize == 2 * commit.members.len();
        is_end && self.begin_token(now)
    }

    fn enter_recovery(&mut self, now: u64, commit: Commit, passed: Option<Passed>) {
        let members = nodes(&commit);
        let first = self.core.first_seq;
        let Some(circuit) = Circuit::new(commit.ring, members, self.core.me, first, now) else {
            return;
        };
        let recovery =
            Recovery::new(now, self.core.me, circuit, commit, self.trusted_ring(), passed);
        let is_alone = recovery.is_alone();
        self.state = State::Recovery(Box::new(recovery));
        if is_alone {
            self.install(now);
        }
    }

    pub(super) fn time_in_commit(&mut self, now: u64) {
        let (heard, mutual) = self.links_but(now, &[]);
        let State::Commit(commit) = &mut self.state else { return };
        if now >= commit.deadline {
            self.core.counters.gathers_commit += 1;
            let time = milliseconds(self.core.timing.consensus());
            // Nobody else can go on as long as this member has not said where it
            // comes from.
            if commit.passed.is_none() {
                let why = format!("no view number could be reserved for {time} ms");
                return self.gather_alone(now, why);
            }
            return self.gather_carefully(now, format!("no commit token for {time} ms"));
        }
        if let Some(passed) = commit.passed.as_mut().filter(|passed| now >= passed.again) {
            self.core.send_again(now, passed);
        }
        if now >= commit.join_at {
            commit.join_at = now.saturating_add(self.core.links.join_again());
            let join = Join { heard, mutual, ..commit.agreed.clone() };
            self.core.send(Destination::All, &Packet::Join(join));
        }
    }
}

impl super::Core {
    fn pass_commit(&mut self, now: u64, commit: &Commit) -> Option<Passed> {
        let (_, to) = neighbours(commit, self.me)?;
        let bytes = self.codec.encode(&Packet::Commit(commit.clone()));
        self.send_bytes(Destination::One(to), bytes.clone());
        let interval = self.timing.retransmit();
        Some(Passed { to, bytes, again: now.saturating_add(interval), interval })
    }
}

fn nodes(commit: &Commit) -> Vec<NodeId> {
    commit.members.iter().map(|entry| entry.node).collect()
}

/// The members before and after `me` in the ring that is being formed; `None` in a ring
/// of one.
fn neighbours(commit: &Commit, me: NodeId) -> Option<(NodeId, NodeId)> {
    let members = &commit.members;
    let place = members.iter().position(|entry| entry.node == me)?;
    let successor = members.get(place + 1).or(members.first())?;
    let predecessor = place.checked_sub(1).map_or(members.last(), |before| members.get(before))?;
    (members.len() > 1).then_some((predecessor.node, successor.node))
}
