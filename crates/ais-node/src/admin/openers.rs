//! Who has a checkpoint open, process by process. Each node knows its own, so
//! a question goes to all of them through the group, and so do the answers.
//!
//! An answer may take a walk through thousands of processes, and a question costs
//! next to nothing, so a node answers some in a millisecond and the others in turn;
//! who asks again before that is told of what it asked last.

use crate::ckpt::Ckpt;
use crate::effects::NODE;
use crate::ledger::Kind;
use crate::{Asker, ConnectionId, Delivery, Effects, Event, Promise, SessionId, Timer};
use ais_proto::admin::{self, Opener};
use ais_proto::{DecodeError, Name, NodeId, Reader, Writer};
use std::collections::{BTreeMap, VecDeque};

/// These stand where a message of a probe has the number of the probe, which
/// never gets there.
const QUESTION: u64 = u64::MAX;
const ANSWER: u64 = u64::MAX - 1;
/// Processes in an answer; what the others have open is counted together.
const MOST: usize = 4096;
/// Processes that are gone through in a [`PAUSE`], and one answer more.
const WALK: usize = 8192;
/// Processes that an answer counts for beside those it tells of.
const ANSWERING: usize = 64;
/// Nanoseconds.
const PAUSE: u64 = 1_000_000;
/// Handles of all nodes whose questions may wait. Those beyond get no answer.
const QUESTIONS: usize = 1 << 16;

/// The timer for the answers that are left.
pub(super) const TIMER: Timer = Timer { kind: 2, object: 0 };

/// A handle of some node, by its number there.
type Inquirer = (NodeId, u64);

/// The processes of this node, and who has asked for them.
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

    /// Asks all nodes, for a handle of this one.
    pub(super) fn ask(handle: ConnectionId, asker: Asker, name: &Name, fx: &mut Effects) {
        let mut out = fx.compose(Some(asker), 32 + name.as_bytes().len());
        out.u64(QUESTION).u64(handle.0).name(name);
        fx.multicast(out);
    }

    /// Takes a message in agreed order; whether it was one of these.
    pub(super) fn deliver(
        &mut self,
        delivery: &Delivery<'_>,
        me: NodeId,
        ckpt: &Ckpt,
        fx: &mut Effects,
    ) -> bool {
        let mut input = Reader::new(delivery.message);
        match input.u64() {
            Ok(QUESTION) => {
                // One that cannot be read is of no version of ours.
                if let (Ok(handle), Ok(name)) = (input.u64(), input.name()) {
                    self.take((delivery.from, handle), name);
                    self.answer_some(ckpt, fx);
                }
                if let Some(asker) = delivery.asker {
                    fx.answer(asker, Promise::Delivered, Ok(()), Vec::new());
                }
            }
            Ok(ANSWER) => {
                if let Ok((to, handle, openers)) = decode(&mut input)
                    && to == me
                {
                    let event = admin::Event::Openers { node: delivery.from, openers };
                    fx.event(ConnectionId(handle), Event::Admin(event));
                }
            }
            _ => return false,
        }
        true
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
            if openers.len() < MOST - 1 {
                let process = self.processes.get(&session).copied().unwrap_or(0);
                openers.push(Opener { process, opens });
            } else {
                others.opens = others.opens.saturating_add(opens);
            }
        }
        openers.extend(Some(others).filter(|others| others.opens > 0));
        let mut out = fx.compose(None, 32 + 8 * openers.len());
        encode(to, handle, &openers, &mut out);
        fx.multicast_for(NODE, out);
        passed
    }
}

fn encode(to: NodeId, handle: u64, openers: &[Opener], out: &mut Writer) {
    out.u64(ANSWER).node(to).u64(handle).list(openers, |out, opener| opener.encode(out));
}

fn decode(input: &mut Reader<'_>) -> Result<(NodeId, u64, Vec<Opener>), DecodeError> {
    let (to, handle, openers) = (input.node()?, input.u64()?, input.list(Opener::decode)?);
    if openers.len() > MOST { Err(DecodeError::Invalid) } else { Ok((to, handle, openers)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Effect;
    use crate::golden::assert_golden;

    #[test]
    fn bytes_are_as_they_were() {
        let (mut fx, session, handle) = (Effects::new(), SessionId(7), ConnectionId(8));
        (fx.service, fx.needs_quorum) = (ais_proto::ServiceId::Admin, false);
        let asker = Asker { session, connection: handle, id: 9 };
        Openers::ask(handle, asker, &Name::try_from("abra").unwrap(), &mut fx);
        let Some(Effect::Multicast { bytes, .. }) = fx.list.pop() else { panic!("no message") };
        assert_golden("admin-question", [("Question".into(), bytes)]);
        let openers = [Opener { process: 4711, opens: 2 }, Opener { process: 0, opens: 3 }];
        let mut out = Writer::new();
        encode(NodeId::new([10, 0, 0, 2].into()), 8, &openers, &mut out);
        assert_golden("admin-answer", [("Answer".into(), out.into_bytes())]);
    }

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
