//! The timers of all services.

use crate::Timer;
use ais_proto::Service;
use std::collections::{BTreeMap, BTreeSet};

/// Timers by what they are and by when they come.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: BTreeMap<(Service, Timer), u64>,
    order: BTreeSet<(u64, Service, Timer)>,
}

impl Timers {
    pub(crate) fn set(&mut self, service: Service, timer: Timer, deadline: u64) {
        self.cancel(service, timer);
        self.deadlines.insert((service, timer), deadline);
        self.order.insert((deadline, service, timer));
    }

    pub(crate) fn cancel(&mut self, service: Service, timer: Timer) {
        if let Some(deadline) = self.deadlines.remove(&(service, timer)) {
            self.order.remove(&(deadline, service, timer));
        }
    }

    /// When the next timer comes.
    pub(crate) fn next(&self) -> Option<u64> {
        self.order.first().map(|(deadline, ..)| *deadline)
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
