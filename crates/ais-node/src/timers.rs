//! The timers of all services.

use crate::holds::{Holds, Mark};
use crate::{SessionId, Timer};
use ais_proto::ServiceId;
use std::collections::{BTreeMap, BTreeSet};

/// Timers by what they are and by when they come.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: BTreeMap<(ServiceId, Timer), Deadline>,
    order: BTreeSet<(u64, ServiceId, Timer)>,
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
    pub(crate) fn set(&mut self, service: ServiceId, timer: Timer, deadline: u64) {
        self.put(service, timer, Deadline { at: deadline, whose: None });
    }

    /// Sets a timer that waits for a process until then, and longer by the time
    /// that this node holds that up.
    pub(crate) fn set_for(
        &mut self,
        service: ServiceId,
        timer: Timer,
        deadline: u64,
        (session, mark): (SessionId, Mark),
    ) {
        let whose = Some(Whose { session, mark, at: deadline });
        self.put(service, timer, Deadline { at: deadline, whose });
    }

    fn put(&mut self, service: ServiceId, timer: Timer, deadline: Deadline) {
        self.cancel(service, timer);
        self.deadlines.insert((service, timer), deadline);
        self.order.insert((deadline.at, service, timer));
    }

    pub(crate) fn cancel(&mut self, service: ServiceId, timer: Timer) {
        if let Some(deadline) = self.deadlines.remove(&(service, timer)) {
            self.order.remove(&(deadline.at, service, timer));
        }
    }

    /// When the next timer comes.
    pub(crate) fn next(&self) -> Option<u64> {
        self.order.first().map(|(deadline, ..)| *deadline)
    }

    /// The timers that have come at `now`, the first so many of them. Those
    /// whose process was held up come later by as much.
    pub(crate) fn due(&mut self, now: u64, most: usize, holds: &Holds) -> Vec<(ServiceId, Timer)> {
        let have_come = self.order.iter().take_while(|(deadline, ..)| *deadline <= now);
        let have_come: Vec<_> = have_come.take(most).copied().collect();
        let later = |(deadline, service, timer): (u64, ServiceId, Timer)| {
            let whose = self.deadlines.get(&(service, timer))?.whose?;
            let at = whose.at.saturating_add(holds.since(whose.mark, whose.session, now));
            (at > deadline).then_some(Deadline { at, whose: Some(whose) })
        };
        let (mut due, mut postponed) = (Vec::new(), Vec::new());
        for timer in have_come {
            match later(timer) {
                Some(deadline) => postponed.push((timer.1, timer.2, deadline)),
                None => due.push((timer.1, timer.2)),
            }
        }
        for (service, timer, deadline) in postponed {
            self.put(service, timer, deadline);
        }
        due
    }

    /// Takes a timer, if it has come at `now` still.
    pub(crate) fn take(&mut self, now: u64, service: ServiceId, timer: Timer) -> bool {
        let deadline = self.deadlines.get(&(service, timer));
        let has_come = deadline.is_some_and(|deadline| deadline.at <= now);
        if has_come {
            self.cancel(service, timer);
        }
        has_come
    }

    /// Takes the next timer that has come at `now`.
    #[cfg(test)]
    pub(crate) fn take_next(&mut self, now: u64) -> Option<(ServiceId, Timer)> {
        let (deadline, service, timer) = *self.order.first()?;
        if deadline > now {
            return None;
        }
        self.cancel(service, timer);
        Some((service, timer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: u8 = 1;

    fn timer(object: u64) -> Timer {
        Timer { kind: KIND, object }
    }

    #[test]
    fn as_many_as_are_wanted_come_in_order_and_each_once() {
        let (mut timers, holds) = (Timers::default(), Holds::new(0));
        for object in 0..1000 {
            timers.set(ServiceId::Ckpt, timer(object), 1000 - object);
        }
        let due = timers.due(500, 64, &holds);
        assert!(due.iter().map(|(_, timer)| timer.object).eq((936..1000).rev()));
        for (service, timer) in due {
            // One that is set anew for now has its turn again later.
            assert!(timers.take(500, service, timer));
            timers.set(service, timer, 500);
        }
        assert_eq!(timers.next(), Some(65));
        assert_eq!(timers.due(500, 1, &holds), [(ServiceId::Ckpt, timer(935))]);
        timers.set(ServiceId::Ckpt, timer(935), 501);
        assert!(!timers.take(500, ServiceId::Ckpt, timer(935)), "it was moved");
        timers.cancel(ServiceId::Ckpt, timer(934));
        assert!(!timers.take(500, ServiceId::Ckpt, timer(934)));
    }
}
