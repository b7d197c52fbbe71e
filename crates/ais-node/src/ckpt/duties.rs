//! What the lowest member does for all: it watches the time and proposes what
//! time brings. Proposals are messages, so all nodes act on them alike; one
//! that has been overtaken is void.

use super::message::{CheckpointId, Expiry, Message};
use super::state::State;
use crate::{Effects, Now, Timer};
use std::collections::BTreeMap;

/// The timer for the section that expires first.
const EXPIRY: Timer = Timer { kind: 1, object: 0 };
/// The kind of the timers for checkpoints that are retained.
const RETENTION: u8 = 2;
/// While a section is to expire the wall clock is looked at so often, in
/// nanoseconds: it may jump.
const LOOK: i64 = 1_000_000_000;
/// Sections in one proposal.
const BATCH: usize = 1024;

/// The watches of this node. On all but the lowest member there are none.
///
/// A new lowest member counts the retention of each checkpoint from its start
/// again: a checkpoint may live longer for that, never shorter.
#[derive(Debug, Default)]
pub(super) struct Duties {
    is_lowest: bool,
    /// The first expiry that the timer was set for.
    first: Option<Expiry>,
    /// The retained checkpoints: their timer and version.
    retained: BTreeMap<CheckpointId, (u64, u64)>,
    /// Which checkpoint a timer is for.
    timers: BTreeMap<u64, CheckpointId>,
    /// The last timer that was used.
    last: u64,
}

impl Duties {
    /// The members changed.
    pub(super) fn install(&mut self, is_lowest: bool, state: &State, fx: &mut Effects) {
        self.is_lowest = is_lowest;
        let mut ids: Vec<_> = self.retained.keys().copied().collect();
        ids.extend(state.ids());
        for id in ids {
            self.watch_retention(id, state, fx);
        }
        self.watch_expiry(state, fx);
    }

    /// To be called when a checkpoint may have been opened, closed or deleted.
    pub(super) fn watch_retention(&mut self, id: CheckpointId, state: &State, fx: &mut Effects) {
        let retention = if self.is_lowest { state.retention(id) } else { None };
        let watched = self.retained.get(&id).map(|(_, version)| *version);
        if watched == retention.map(|(version, _)| version) {
            return;
        }
        if let Some((object, _)) = self.retained.remove(&id) {
            self.timers.remove(&object);
            fx.cancel_timer(Timer { kind: RETENTION, object });
        }
        if let Some((version, nanoseconds)) = retention {
            self.last += 1;
            self.retained.insert(id, (self.last, version));
            self.timers.insert(self.last, id);
            fx.set_timer(Timer { kind: RETENTION, object: self.last }, nanoseconds);
        }
    }

    /// To be called when another section may be the first to expire.
    pub(super) fn watch_expiry(&mut self, state: &State, fx: &mut Effects) {
        let first = if self.is_lowest { state.expiries().first().copied() } else { None };
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

    /// A timer has come.
    pub(super) fn on_timer(&mut self, now: Now, timer: Timer, state: &State, fx: &mut Effects) {
        if timer.kind == RETENTION {
            self.propose_retirement(timer.object, fx);
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

    fn propose_retirement(&mut self, object: u64, fx: &mut Effects) {
        if let Some(checkpoint) = self.timers.remove(&object)
            && let Some((_, version)) = self.retained.remove(&checkpoint)
        {
            super::send(&Message::Retire { checkpoint, version }, None, fx);
        }
    }

    fn propose_expiry(wall: i64, state: &State, fx: &mut Effects) {
        let expired = state.expiries().iter().take_while(|expiry| expiry.at <= wall);
        let sections = expired.take(BATCH).copied().collect();
        super::send(&Message::Expire { sections }, None, fx);
    }
}
