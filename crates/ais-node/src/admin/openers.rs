//! Which processes have a checkpoint open. Each node knows its own, so a question
//! goes to all of them through the group, and so do the answers.
//!
//! An answer may take a walk through thousands of processes, and a question costs
//! next to nothing, so a node answers some in a millisecond and the others in turn;
//! a handle that asks again before that is told of what it asked last.

use super::message::{Answer, MOST_OPENERS, Message, Question};
use crate::ckpt::Ckpt;
use crate::effects::NODE;
use crate::ledger::Kind;
use crate::{Asker, ConnectionId, Effects, Promise, SessionId, Timer};
use ais_proto::admin::Opener;
use ais_proto::{Name, NodeId};
use ais_wire::Wire as _;
use std::collections::{BTreeMap, VecDeque};

/// Processes that are gone through in a [`PAUSE`], and one answer more.
const WALK: usize = 8192;
/// Processes that an answer counts for beside those it tells of.
const ANSWERING: usize = 64;
/// Nanoseconds.
const PAUSE: u64 = 1_000_000;
/// Handles of all nodes whose questions may wait. Handles beyond that get no answer.
const QUESTIONS: usize = 1 << 16;

/// The timer for the answers that are left.
pub(super) const TIMER: Timer = Timer { kind: 2, object: 0 };

/// A handle of some node, by its number there.
type Inquirer = (NodeId, u64);

/// The processes of this node, and the handles that have asked for them.
#[derive(Debug)]
pub(super) struct Openers {
    /// The number of each that has a session.
    processes: BTreeMap<SessionId, u32>,
    /// Handles that wait for an answer, in order, and what they have asked for.
    order: VecDeque<Inquirer>,
    questions: BTreeMap<Inquirer, Name>,
    /// Processes that may still be gone through before the timer comes, which is
    /// set if that is less than [`WALK`].
    left: usize,
}

impl Default for Openers {
    fn default() -> Self {
        Self {
            processes: BTreeMap::new(),
            order: VecDeque::new(),
            questions: BTreeMap::new(),
            left: WALK,
        }
    }
}

impl Openers {
    pub(super) fn session_opened(&mut self, session: SessionId, process: u32) {
        self.processes.insert(session, process);
    }

    pub(super) fn session_closed(&mut self, session: SessionId) {
        self.processes.remove(&session);
    }

    /// How many processes have a session here.
    #[cfg(test)]
    pub(super) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Asks all nodes, for a handle of this one.
    pub(super) fn ask(handle: ConnectionId, asker: Asker, name: &Name, fx: &mut Effects) {
        let question = Question { handle: handle.0, name: name.clone() };
        let (awaited, length) = ((asker, Promise::Delivered), 32 + name.as_bytes().len());
        fx.multicast(Some(awaited), length, |out| Message::Question(question).put(out));
    }

    /// Takes a question of a node in agreed order, which `asker` waits for if it was this one.
    pub(super) fn asked(
        &mut self,
        from: NodeId,
        asker: Option<Asker>,
        question: Question,
        ckpt: &Ckpt,
        fx: &mut Effects,
    ) {
        self.take((from, question.handle), question.name);
        self.answer_some(ckpt, fx);
        if let Some(asker) = asker {
            fx.answer(asker, Promise::Delivered, Ok(()), Vec::new());
        }
    }

    /// Time has passed: others have their turn.
    pub(super) fn on_timer(&mut self, ckpt: &Ckpt, fx: &mut Effects) {
        self.left = WALK;
        self.answer_some(ckpt, fx);
    }

    fn take(&mut self, who: Inquirer, name: Name) {
        if let Some(earlier) = self.questions.get_mut(&who) {
            *earlier = name;
        } else if self.questions.len() < QUESTIONS {
            self.questions.insert(who, name);
            self.order.push_back(who);
        }
    }

    /// Answers as many as it may now, as long as the answers find room.
    fn answer_some(&mut self, ckpt: &Ckpt, fx: &mut Effects) {
        let is_whole = self.left == WALK;
        while self.left > 0
            && fx.ledger.may_take(Kind::Outbox, NODE, 1)
            && let Some(who) = self.order.pop_front()
        {
            if let Some(name) = self.questions.remove(&who) {
                let passed = self.answer(who, &name, ckpt, fx);
                self.left = self.left.saturating_sub(passed + ANSWERING);
            }
        }
        if is_whole && (self.left < WALK || !self.order.is_empty()) {
            fx.set_timer(TIMER, PAUSE);
        }
    }

    /// How many processes it went through for that.
    fn answer(&self, who: Inquirer, name: &Name, ckpt: &Ckpt, fx: &mut Effects) -> usize {
        let (to, handle) = who;
        let mut passed = 0;
        let mut openers = Vec::new();
        let mut others = Opener { process: 0, opens: 0 };
        for (session, opens) in ckpt.openers(name) {
            passed += 1;
            if openers.len() < MOST_OPENERS - 1 {
                let process = self.processes.get(&session).copied().unwrap_or(0);
                openers.push(Opener { process, opens });
            } else {
                others.opens = others.opens.saturating_add(opens);
            }
        }
        openers.extend(Some(others).filter(|others| others.opens > 0));
        let length = 32 + 8 * openers.len();
        let answer = Message::Answer(Answer { to, handle, openers });
        fx.multicast_for(NODE, length, |out| answer.put(out));
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_wait_are_bounded() {
        let mut openers = Openers::default();
        let node = NodeId::new([10, 0, 0, 2].into());
        for handle in 0..2 * QUESTIONS as u64 {
            openers.take((node, handle), Name::default());
            openers.take((node, handle), Name::default());
        }
        assert_eq!((openers.order.len(), openers.questions.len()), (QUESTIONS, QUESTIONS));
    }
}
