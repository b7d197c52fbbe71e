//! The sections whose end was near when it was given. The member that leads
//! watches each by itself: one that is past by then is there for another
//! second, for a program may use what it has just made; any other goes at its
//! end.

use super::message::{CheckpointId, Expiry};
use crate::{Effects, Timer};
use std::collections::BTreeMap;

/// The kind of the timers.
pub(super) const NEAR: u8 = 4;
/// While a section is to expire the wall clock is looked at so often, in
/// nanoseconds: it may jump.
pub(super) const LOOK: i64 = 1_000_000_000;
/// Nanoseconds that a section is there whose end was past when it was given,
/// counted from the delivery.
const GRACE: u64 = 1_000_000_000;

/// The watched sections.
#[derive(Debug, Default)]
pub(super) struct Near {
    watches: BTreeMap<u64, Watch>,
    /// The timer of each section.
    timers: BTreeMap<(CheckpointId, u64), u64>,
    /// The last timer that was used.
    last: u64,
}

#[derive(Debug)]
struct Watch {
    end: Expiry,
    seen: Seen,
}

/// How the end was when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    NotYet,
    Ahead,
    /// The end was past from the start.
    Past,
}

impl Near {
    /// A section has been given this end.
    pub(super) fn watch(&mut self, end: Expiry, fx: &mut Effects) {
        self.last += 1;
        if let Some(timer) = self.timers.insert((end.checkpoint, end.section), self.last) {
            self.watches.remove(&timer);
            fx.cancel_timer(Timer { kind: NEAR, object: timer });
        }
        self.watches.insert(self.last, Watch { end, seen: Seen::NotYet });
        // Here is no clock, so the timer comes at once and looks at it.
        fx.set_timer(Timer { kind: NEAR, object: self.last }, 0);
    }

    /// These are the ends of such sections, some of which may be watched.
    pub(super) fn watch_all(&mut self, ends: impl Iterator<Item = Expiry>, fx: &mut Effects) {
        for end in ends {
            if !self.timers.contains_key(&(end.checkpoint, end.section)) {
                self.watch(end, fx);
            }
        }
    }

    /// Another member watches.
    pub(super) fn forget(&mut self, fx: &mut Effects) {
        self.timers.clear();
        for timer in std::mem::take(&mut self.watches).into_keys() {
            fx.cancel_timer(Timer { kind: NEAR, object: timer });
        }
    }

    /// A timer has come. The end of its section, if that is now.
    pub(super) fn look(&mut self, timer: u64, wall: i64, fx: &mut Effects) -> Option<Expiry> {
        let watch = self.watches.get_mut(&timer)?;
        let ahead = watch.end.at.saturating_sub(wall).clamp(0, LOOK).cast_unsigned();
        let (seen, wait) = match watch.seen {
            Seen::NotYet if ahead == 0 => (Seen::Past, GRACE),
            Seen::NotYet | Seen::Ahead if ahead > 0 => (Seen::Ahead, ahead),
            _ => {
                let end = self.watches.remove(&timer)?.end;
                self.timers.remove(&(end.checkpoint, end.section));
                return Some(end);
            }
        };
        watch.seen = seen;
        fx.set_timer(Timer { kind: NEAR, object: timer }, wait);
        None
    }
}
