//! Subscriptions: which events of a track callback are still wanted, and which
//! buffer of the program each of them fills.

use crate::sys::thread::Holding;
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, MAX_ASYNC_PER_HANDLE, Name};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the program wants the notifications. What the address means only
/// the caller of this crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffer {
    /// The address of the first notification.
    pub(crate) address: usize,
    /// How many notifications fit.
    pub(crate) capacity: u64,
}

#[derive(Debug)]
struct Subscription {
    /// What is tracked; CLM tracks but one thing and leaves it empty.
    subject: Name,
    buffer: Buffer,
    /// Whether it lasts until it is stopped or replaced; else it ends with its
    /// one event.
    lasts: bool,
}

/// The subscriptions of a handle.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    numbered: Mutex<Numbered>,
    /// Held while one starts, so that numbers reach aisexec in order.
    starting: Mutex<()>,
}

#[derive(Debug)]
struct Numbered {
    last: u32,
    open: BTreeMap<u32, Subscription>,
}

impl Subscriptions {
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
        buffer: Buffer,
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
            let subscription = Subscription { subject: subject.clone(), buffer, lasts };
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

    /// Fills the buffer of a subscription with `count` notifications if they
    /// fit, with the lock held: who has ended the subscription may free the
    /// buffer. Tells the buffer and whether they fitted; `None` if the event
    /// is stale.
    pub(crate) fn deliver(
        &self,
        number: u32,
        count: usize,
        fill: impl FnOnce(Buffer),
    ) -> Option<(Buffer, Result<(), AisError>)> {
        let mut subscriptions = self.lock();
        let subscription = subscriptions.open.get(&number)?;
        let (buffer, lasts) = (subscription.buffer, subscription.lasts);
        if !lasts {
            subscriptions.open.remove(&number);
        }
        if u64::try_from(count).is_ok_and(|count| count <= buffer.capacity) {
            fill(buffer);
            Some((buffer, Ok(())))
        } else {
            Some((buffer, Err(AisError::NoSpace)))
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.numbered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(address: usize) -> Buffer {
        Buffer { address, capacity: 2 }
    }

    #[test]
    fn subscriptions_replace_and_end_one_another() {
        let all = Name::default();
        let subscriptions = Subscriptions::new();
        let deliver = |number, count| {
            let mut filled = false;
            let delivered = subscriptions.deliver(number, count, |_| filled = true);
            let delivered = delivered.map(|(buffer, result)| (buffer.address, result));
            assert_eq!(filled, matches!(delivered, Some((_, Ok(())))));
            delivered
        };
        let start = |flags, address| {
            assert_eq!(subscriptions.start(&all, flags, buffer(address), |_| Ok(())), Ok(()));
        };
        // For one time: each has its event.
        start(TrackFlags::CURRENT, 5);
        start(TrackFlags::CURRENT, 6);
        assert_eq!(deliver(1, 0), Some((5, Ok(()))));
        assert_eq!(deliver(1, 0), None);
        assert_eq!(deliver(2, 0), Some((6, Ok(()))));
        start(TrackFlags::CHANGES, 10);
        assert_eq!(deliver(3, 2), Some((10, Ok(()))));
        assert_eq!(deliver(3, 3), Some((10, Err(AisError::NoSpace))));
        // One for one time beside one that lasts.
        start(TrackFlags::CURRENT, 20);
        assert_eq!(deliver(3, 1), Some((10, Ok(()))));
        assert_eq!(deliver(4, 0), Some((20, Ok(()))));
        assert_eq!(deliver(4, 0), None);
        assert_eq!(deliver(3, 1), Some((10, Ok(()))));
        // A failing one leaves the older one in place.
        let busy = Err(AisError::Busy);
        let refused = subscriptions.start(&all, TrackFlags::CHANGES_ONLY, buffer(30), |_| busy);
        assert_eq!(refused, busy);
        assert_eq!(deliver(3, 1), Some((10, Ok(()))));
        start(TrackFlags::CHANGES_ONLY | TrackFlags::CURRENT, 40);
        assert_eq!(deliver(3, 1), None);
        assert_eq!(deliver(6, 1), Some((40, Ok(()))));
        subscriptions.stop(&all);
        assert_eq!(deliver(6, 1), None);
    }
}
