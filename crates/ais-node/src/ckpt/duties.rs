//! What one member, which leads, does for all: it watches the time and proposes
//! what time brings. Proposals are messages, so all nodes act on them alike;
//! one that has been overtaken is void.

use super::message::{CheckpointId, Expiry, Message};
use super::near::{LOOK, NEAR, Near};
use super::state::State;
use crate::message_id::FIRST_ID;
use crate::{Effects, Now, Timer};
use std::collections::BTreeMap;

/// The timer for the section that expires first.
const EXPIRY: Timer = Timer { kind: 1, object: 0 };
/// The kind of the timers for checkpoints that are retained.
const RETENTION: u8 = 2;
/// Sections in one proposal.
const BATCH: usize = 1024;
/// All members are told what is left of a retention when so many nanoseconds
/// more have passed,
const STEP: u64 = 5_000_000_000;
/// or, of one that is long, this part of what is left.
const STEP_PART: u64 = 16;

/// The timer for giving memory back.
const BURIAL: Timer = Timer { kind: 3, object: 0 };

/// The watches of this node. Where it does not lead there are none.
///
/// A node that comes to lead goes on with the retention of each checkpoint
/// where all were told last: it may live a step longer for that, never
/// shorter.
#[derive(Debug, Default)]
pub(super) struct Duties {
    leads: bool,
    /// The first expiry that the timer was set for.
    first: Option<Expiry>,
    near: Near,
    /// From where on checkpoints are still to be looked at.
    next: Option<CheckpointId>,
    /// The retained checkpoints.
    retained: BTreeMap<CheckpointId, Watch>,
    /// Which checkpoint a timer is for.
    timers: BTreeMap<u64, CheckpointId>,
    /// The last timer that was used.
    last: u64,
    /// The timer for giving memory back is set.
    buries: bool,
}

/// The retention of a checkpoint.
#[derive(Debug, Clone, Copy)]
struct Watch {
    timer: u64,
    version: u64,
    /// Nanoseconds that are left when the timer comes.
    left: u64,
}

impl Duties {
    /// From now on this node leads, or does not. To be followed by
    /// [`Duties::go_on`].
    pub(super) fn lead(&mut self, leads: bool, fx: &mut Effects) {
        self.leads = leads;
        if !leads {
            self.near.forget(fx);
        }
        self.watch_all();
    }

    /// To be called when anything may have changed; to be followed by
    /// [`Duties::go_on`].
    pub(super) fn watch_all(&mut self) {
        self.next = Some(FIRST_ID);
    }

    /// Looks at so many more checkpoints. How many there were; 0: at all of
    /// them.
    pub(super) fn go_on(&mut self, most: usize, state: &State, fx: &mut Effects) -> usize {
        let Some(next) = self.next.take() else { return 0 };
        // What is watched need not be there any more.
        let watched = self.retained.range(next..).map(|(id, _)| *id).take(most);
        let mut ids: Vec<_> = watched.chain(state.ids_from(next).take(most)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(most);
        for id in &ids {
            self.watch_retention(*id, state, fx);
            if self.leads {
                self.near.watch_all(state.near_ends(*id), fx);
            }
        }
        if ids.len() == most {
            self.next = ids.last().map(|last| last.next());
        }
        self.watch_expiry(state, fx);
        ids.len()
    }

    /// Whether some are still to be looked at.
    pub(super) fn have_more(&self) -> bool {
        self.next.is_some()
    }

    /// To be called when a section has been given an `expirationTime`.
    pub(super) fn watch_near(
        &mut self,
        id: CheckpointId,
        section: u64,
        state: &State,
        fx: &mut Effects,
    ) {
        if let Some(end) = state.near_end(id, section).filter(|_| self.leads) {
            self.near.watch(end, fx);
        }
    }

    /// To be called when a checkpoint may have been opened, closed or deleted.
    pub(super) fn watch_retention(&mut self, id: CheckpointId, state: &State, fx: &mut Effects) {
        let retention = if self.leads { state.retention(id) } else { None };
        let watched = self.retained.get(&id).map(|watch| watch.version);
        if watched == retention.map(|(version, _)| version) {
            return;
        }
        if let Some(Watch { timer, .. }) = self.retained.remove(&id) {
            self.timers.remove(&timer);
            fx.cancel_timer(Timer { kind: RETENTION, object: timer });
        }
        if let Some((version, remaining)) = retention {
            self.last += 1;
            self.timers.insert(self.last, id);
            let mut watch = Watch { timer: self.last, version, left: remaining };
            watch.count(fx);
            self.retained.insert(id, watch);
        }
    }

    /// To be called when another section may be the first to expire.
    pub(super) fn watch_expiry(&mut self, state: &State, fx: &mut Effects) {
        let first = if self.leads { state.first_expiry() } else { None };
        if first == self.first {
            return;
        }
        self.first = first;
        // Here is no clock, so the timer comes at once and looks at it.
        match first {
            Some(_) => fx.set_timer(EXPIRY, 0),
            None => fx.cancel_timer(EXPIRY),
        }
    }

    /// To be called when checkpoints may have been deleted. Unlike the rest
    /// this is for every node.
    pub(super) fn watch_graves(&mut self, state: &State, fx: &mut Effects) {
        if state.has_graves() && !self.buries {
            self.buries = true;
            fx.set_timer(BURIAL, super::PAUSE);
        }
    }

    /// A timer has come.
    pub(super) fn on_timer(&mut self, now: Now, timer: Timer, state: &mut State, fx: &mut Effects) {
        if timer.kind == BURIAL.kind {
            state.dig();
            self.buries = false;
            self.watch_graves(state, fx);
        } else if timer.kind == RETENTION {
            self.count_retention(timer.object, fx);
        } else if timer.kind == NEAR {
            let is_so = |end: &Expiry| state.near_end(end.checkpoint, end.section) == Some(*end);
            if let Some(end) = self.near.look(timer.object, now.wall, fx).filter(is_so) {
                super::send(&Message::Expire { sections: vec![end] }, None, fx);
            }
        } else if let Some(first) = self.first {
            let mut wait = first.at.saturating_sub(now.wall).clamp(0, LOOK);
            if wait == 0 {
                Self::propose_expiry(now.wall, state, fx);
                // The delivery brings another first one; this is only for a
                // proposal that gets lost with a view.
                wait = LOOK;
            }
            fx.set_timer(EXPIRY, wait.cast_unsigned());
        }
    }

    fn count_retention(&mut self, timer: u64, fx: &mut Effects) {
        let Some(id) = self.timers.get(&timer).copied() else { return };
        let Some(watch) = self.retained.get_mut(&id) else { return };
        let (checkpoint, version, remaining) = (id, watch.version, watch.left);
        if remaining > 0 {
            watch.count(fx);
            return super::send(&Message::Retain { checkpoint, version, remaining }, None, fx);
        }
        self.timers.remove(&timer);
        self.retained.remove(&id);
        super::send(&Message::Retire { checkpoint, version }, None, fx);
    }

    fn propose_expiry(wall: i64, state: &State, fx: &mut Effects) {
        let sections = state.expired(wall, BATCH);
        super::send(&Message::Expire { sections }, None, fx);
    }
}

impl Watch {
    /// Sets the timer for the next step.
    fn count(&mut self, fx: &mut Effects) {
        let step = self.left.min(STEP.max(self.left / STEP_PART));
        self.left -= step;
        fx.set_timer(Timer { kind: RETENTION, object: self.timer }, step);
    }
}
