//! Subscriptions: which events of a track callback are still wanted, and whom
//! each of them is for.

use crate::sys::thread::Holding;
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, MAX_ASYNC_PER_HANDLE, Name};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Subscription<S> {
    /// What is tracked; CLM tracks but one thing and leaves it empty.
    subject: Name,
    /// What the program knows it by.
    to: S,
    /// Whether it lasts until it is stopped or replaced; else it ends with its
    /// one event.
    lasts: bool,
}

/// The subscriptions of a handle.
#[derive(Debug)]
pub(crate) struct Subscriptions<S> {
    numbered: Mutex<Numbered<S>>,
    /// Held while one starts, so that numbers reach aisexec in order.
    starting: Mutex<()>,
}

#[derive(Debug)]
struct Numbered<S> {
    last: u32,
    open: BTreeMap<u32, Subscription<S>>,
}

impl<S> Subscriptions<S> {
    pub(crate) fn new() -> Self {
        let numbered = Mutex::new(Numbered { last: 0, open: BTreeMap::new() });
        Self { numbered, starting: Mutex::new(()) }
    }

    /// Subscribes with `send`; the first event may arrive before that has
    /// returned. If it succeeds, an older lasting subscription to the same
    /// subject gives way to a lasting one.
    ///
    /// # Errors
    /// `TryAgain` if too many events are waited for; what `send` returns.
    pub(crate) fn start(
        &self,
        subject: &Name,
        flags: TrackFlags,
        to: S,
        send: impl FnOnce(u32) -> Result<(), AisError>,
    ) -> Result<(), AisError> {
        let _holding = Holding::begin();
        let _turn = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = {
            let mut subscriptions = self.lock();
            if subscriptions.open.len() >= MAX_ASYNC_PER_HANDLE {
                return Err(AisError::TryAgain);
            }
            subscriptions.last = subscriptions.last.wrapping_add(1);
            let number = subscriptions.last;
            let lasts = flags.subscribes();
            let subscription = Subscription { subject: subject.clone(), to, lasts };
            subscriptions.open.insert(number, subscription);
            number
        };
        let sent = send(number);
        let mut subscriptions = self.lock();
        match sent {
            Ok(()) if flags.subscribes() => subscriptions.open.retain(|other, subscription| {
                *other >= number || !subscription.lasts || subscription.subject != *subject
            }),
            Ok(()) => {}
            Err(_) => {
                subscriptions.open.remove(&number);
            }
        }
        sent
    }

    /// Ends all subscriptions to a subject.
    pub(crate) fn stop(&self, subject: &Name) {
        self.lock().open.retain(|_, subscription| subscription.subject != *subject);
    }

    /// Ends all subscriptions.
    pub(crate) fn forget(&self) {
        self.lock().open.clear();
    }

    /// Hands an event of a subscription to `tell`, with the lock held, so that
    /// [`Subscriptions::stop`] and [`Subscriptions::forget`] return only when
    /// nobody uses it any more. `None` if the event is stale.
    pub(crate) fn deliver<R>(&self, number: u32, tell: impl FnOnce(&S) -> R) -> Option<R> {
        let mut subscriptions = self.lock();
        let subscription = subscriptions.open.get(&number)?;
        let told = tell(&subscription.to);
        if !subscription.lasts {
            subscriptions.open.remove(&number);
        }
        Some(told)
    }

    fn lock(&self) -> MutexGuard<'_, Numbered<S>> {
        self.numbered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_replace_and_end_one_another() {
        let all = Name::default();
        let subscriptions = Subscriptions::new();
        let deliver = |number| subscriptions.deliver(number, |to| *to);
        let start = |flags, to| {
            assert_eq!(subscriptions.start(&all, flags, to, |_| Ok(())), Ok(()));
        };
        // For one time: each has its event.
        start(TrackFlags::CURRENT, 5);
        start(TrackFlags::CURRENT, 6);
        assert_eq!(deliver(1), Some(5));
        assert_eq!(deliver(1), None);
        assert_eq!(deliver(2), Some(6));
        start(TrackFlags::CHANGES, 10);
        assert_eq!(deliver(3), Some(10));
        // One for one time beside one that lasts.
        start(TrackFlags::CURRENT, 20);
        assert_eq!(deliver(3), Some(10));
        assert_eq!(deliver(4), Some(20));
        assert_eq!(deliver(4), None);
        assert_eq!(deliver(3), Some(10));
        // A failing one leaves the older one in place.
        let busy = Err(AisError::Busy);
        let refused = subscriptions.start(&all, TrackFlags::CHANGES_ONLY, 30, |_| busy);
        assert_eq!(refused, busy);
        assert_eq!(deliver(3), Some(10));
        start(TrackFlags::CHANGES_ONLY | TrackFlags::CURRENT, 40);
        assert_eq!(deliver(3), None);
        assert_eq!(deliver(6), Some(40));
        subscriptions.stop(&all);
        assert_eq!(deliver(6), None);
    }
}
