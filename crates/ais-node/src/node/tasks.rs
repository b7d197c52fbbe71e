//! What the group has brought, in order, and what follows from it. Mostly it is
//! done at once. Where much was held, or is to be walked through, a part is done
//! in each step, and what comes meanwhile waits in its place; so the ring never
//! waits, and the state of this node is what it would be.
//!
//! Programs are not served meanwhile ([`Node::is_congested`]): they would see a
//! state that others have left behind.

use super::{Node, Output};
use crate::Now;
use crate::sync::{Logged, Plan};
use ais_group::Output as FromGroup;
use ais_proto::AisError;

/// What a piece of a walk through the state counts for, in messages.
const PIECE_OF_WALK: usize = 256;
/// Bytes of a message that count for another one.
const BYTES: usize = 8 << 10;
/// How many steps a node may be behind before it does more in each of them: then
/// the ring waits for it.
const STEPS_BEHIND: usize = 4;

/// Something to be done.
#[derive(Debug)]
pub(super) enum Task {
    /// The group has brought this.
    Take(FromGroup),
    /// These messages were held or logged.
    Apply(Log),
    /// A service goes on with what it has begun.
    GoOn,
    /// This node has the state of the cluster.
    Serve,
    /// The states that this plan names are to be sent.
    Exchange(Plan),
    /// The state of this node is to be frozen for this plan.
    Freeze(Plan),
}

/// Messages that were held or logged.
#[derive(Debug)]
pub(super) struct Log {
    messages: std::vec::IntoIter<Logged>,
    how: How,
}

/// What becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// They are applied as if they were delivered now.
    Now,
    /// The same, with quorum as it was when they were delivered: others have
    /// applied them then, or will with this. `is_cut_short`: what they were held
    /// for did not come.
    AsLogged { is_cut_short: bool },
    /// They are dropped.
    Lost,
}

impl Task {
    fn cost(&self) -> usize {
        match self {
            Self::Take(FromGroup::Deliver { bytes, .. }) => cost(bytes),
            Self::Apply(log) => log.messages.as_slice().first().map_or(0, |of| cost(&of.bytes)),
            Self::GoOn | Self::Freeze(_) => PIECE_OF_WALK,
            Self::Take(_) | Self::Serve | Self::Exchange(_) => 0,
        }
    }
}

fn cost(message: &[u8]) -> usize {
    1 + message.len() / BYTES
}

impl Node {
    /// Takes what the group has brought. Once much of that waits, twice as much as
    /// comes is done at once, so that it becomes less however much comes.
    pub(super) fn take(&mut self, output: FromGroup) {
        let task = Task::Take(output);
        self.behind += task.cost();
        if self.behind > STEPS_BEHIND.saturating_mul(self.config.pace.messages) {
            self.work_left = self.work_left.saturating_add(2 * task.cost());
        }
        self.tasks.push_back(task);
    }

    /// Does what there is to do, as much as one step may.
    pub(super) fn work(&mut self, now: Now) {
        while let Some(task) = self.tasks.pop_front() {
            let cost = task.cost();
            if cost > self.work_left && self.work_left < self.config.pace.messages {
                return self.tasks.push_front(task);
            }
            self.work_left = self.work_left.saturating_sub(cost);
            if matches!(task, Task::Take(_)) {
                self.behind = self.behind.saturating_sub(cost);
            }
            self.carry_out(now, task);
            while let Some(next) = self.following.pop() {
                self.tasks.push_front(next);
            }
        }
    }

    fn carry_out(&mut self, now: Now, task: Task) {
        match task {
            Task::Take(FromGroup::Transitional(members)) => {
                self.sync.on_transitional(members.len());
            }
            Task::Take(FromGroup::View(view)) => self.on_view(now, view),
            Task::Take(FromGroup::Deliver { number, from, bytes }) => {
                self.on_deliver(now, number, from, bytes);
            }
            Task::Take(FromGroup::Stable(number)) => {
                self.on_stable(number);
                self.on_stable_chunks(now, number);
            }
            Task::Apply(mut log) => {
                if let Some(message) = log.messages.next() {
                    let how = log.how;
                    self.following.push(Task::Apply(log));
                    self.apply_logged(now, how, &message);
                }
            }
            Task::GoOn => {
                if let Some(id) = self.services.unfinished() {
                    self.with_service(now, id, |service, fx| service.go_on(fx));
                }
                self.go_on_later();
            }
            Task::Serve => {
                if !std::mem::replace(&mut self.has_served, true) {
                    self.outputs.push_back(Output::Serving.into());
                }
            }
            Task::Exchange(plan) | Task::Freeze(plan) => {
                if self.freeze(&plan) {
                    self.exchange(now, plan);
                    self.update_lead(now);
                } else {
                    self.following.push(Task::Freeze(plan));
                }
            }
        }
    }

    #[cold]
    fn apply_logged(&mut self, now: Now, how: How, logged: &Logged) {
        match how {
            How::Now => self.deliver_logged(now, logged),
            How::AsLogged { is_cut_short } => {
                self.is_cut_short = is_cut_short;
                let has_quorum = self.sync.replace_quorum(logged.has_quorum);
                self.deliver_logged(now, logged);
                self.sync.replace_quorum(has_quorum);
                self.is_cut_short = false;
            }
            How::Lost => self.refuse(now, logged.from, logged.to, AisError::Timeout),
        }
    }

    /// Next comes what was held or logged.
    pub(super) fn follow_log(&mut self, how: How) {
        let messages = std::mem::take(&mut self.sync.log).into_iter();
        if messages.len() > 0 {
            self.following.push(Task::Apply(Log { messages, how }));
        }
    }

    /// Next comes the rest of what services have begun, if there is any.
    pub(super) fn go_on_later(&mut self) {
        if self.services.unfinished().is_some() {
            self.following.push(Task::GoOn);
        }
    }
}
