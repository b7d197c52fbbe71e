//! The timers of all services.

use crate::holds::{Holds, Mark};
use crate::{SessionId, Timer};
use ais_proto::Service;
use std::collections::{BTreeMap, BTreeSet};

/// Timers by what they are and by when they come.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: BTreeMap<(Service, Timer), Deadline>,
    order: BTreeSet<(u64, Service, Timer)>,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: u64,
    whose: Option<Whose>,
}

/// A timer gives a process its time, and what is held up does not count.
#[derive(Debug, Clone, Copy)]
struct Whose {
    session: SessionId,
    /// What it had been held when the timer was set.
    mark: Mark,
    /// When the timer comes if nothing is held up after that.
    at: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, service: Service, timer: Timer, deadline: u64) {
        self.put(service, timer, Deadline { at: deadline, whose: None });
    }

    /// Sets a timer that waits for a process until then, and longer by the time
    /// that this node holds that up.
    pub(crate) fn set_for(
        &mut self,
        service: Service,
        timer: Timer,
        deadline: u64,
        (session, mark): (SessionId, Mark),
    ) {
        let whose = Some(Whose { session, mark, at: deadline });
        self.put(service, timer, Deadline { at: deadline, whose });
    }

    fn put(&mut self, service: Service, timer: Timer, deadline: Deadline) {
        self.cancel(service, timer);
        self.deadlines.insert((service, timer), deadline);
        self.order.insert((deadline.at, service, timer));
    }

    pub(crate) fn cancel(&mut self, service: Service, timer: Timer) {
        if let Some(deadline) = self.deadlines.remove(&(service, timer)) {
            self.order.remove(&(deadline.at, service, timer));
        }
    }

    /// When the next timer comes.
    pub(crate) fn next(&self) -> Option<u64> {
        self.order.first().map(|(deadline, ..)| *deadline)
    }

    /// Has the timers that have come at `now`, and whose process was held up,
    /// come later by as much.
    pub(crate) fn postpone(&mut self, now: u64, holds: &Holds) {
        let have_come = self.order.iter().take_while(|(deadline, ..)| *deadline <= now);
        let later = |(deadline, service, timer): &(u64, Service, Timer)| {
            let whose = self.deadlines.get(&(*service, *timer))?.whose?;
            let at = whose.at.saturating_add(holds.since(whose.mark, whose.session, now));
            (at > *deadline).then_some((*service, *timer, Deadline { at, whose: Some(whose) }))
        };
        for (service, timer, deadline) in have_come.filter_map(later).collect::<Vec<_>>() {
            self.put(service, timer, deadline);
        }
    }

    /// Takes the next timer that has come at `now`.
    pub(crate) fn take(&mut self, now: u64) -> Option<(Service, Timer)> {
        let (deadline, service, timer) = *self.order.first()?;
        if deadline > now {
            return None;
        }
        self.cancel(service, timer);
        Some((service, timer))
    }
}
