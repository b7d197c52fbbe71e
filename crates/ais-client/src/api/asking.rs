//! Asynchronous requests of a handle that wait for their callback.

use ais_proto::{AisError, MAX_ASYNC_PER_HANDLE};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the program said when it asked, by the tag that the event brings back.
#[derive(Debug)]
pub(crate) struct Asked<T>(Mutex<Tags<T>>);

#[derive(Debug)]
struct Tags<T> {
    last: u32,
    open: BTreeMap<u32, T>,
}

impl<T> Asked<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Tags { last: 0, open: BTreeMap::new() }))
    }

    /// Sends a request with a fresh tag; the event may arrive before `send`
    /// has returned. A request that fails is forgotten.
    ///
    /// # Errors
    /// `TryAgain` if too many are open; what `send` returns.
    pub(crate) fn ask(
        &self,
        question: T,
        send: impl FnOnce(u32) -> Result<(), AisError>,
    ) -> Result<(), AisError> {
        let tag = {
            let mut tags = self.lock();
            if tags.open.len() >= MAX_ASYNC_PER_HANDLE {
                return Err(AisError::TryAgain);
            }
            tags.last = tags.last.wrapping_add(1);
            let tag = tags.last;
            tags.open.insert(tag, question);
            tag
        };
        send(tag).inspect_err(|_| {
            self.lock().open.remove(&tag);
        })
    }

    /// Hands what belongs to the tag to `end`, with the lock held, so that
    /// [`Asked::forget`] returns only when nobody uses it any more.
    pub(crate) fn end<R>(&self, tag: u32, end: impl FnOnce(T) -> R) -> Option<R> {
        let mut tags = self.lock();
        tags.open.remove(&tag).map(end)
    }

    /// Forgets all; their events are stale from then on.
    pub(crate) fn forget(&self) {
        self.lock().open.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Tags<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_and_stale_tags_are_nobodys() {
        let asked = Asked::new();
        assert_eq!(asked.ask(0, |_| Err(AisError::Busy)), Err(AisError::Busy));
        for number in 0..MAX_ASYNC_PER_HANDLE {
            assert_eq!(asked.ask(number, |_| Ok(())), Ok(()));
        }
        assert_eq!(asked.ask(9, |_| Ok(())), Err(AisError::TryAgain));
        assert_eq!(asked.end(1, |question| question), None);
        assert_eq!(asked.end(2, |question| question), Some(0));
        assert_eq!(asked.ask(9, |_| Ok(())), Ok(()));
        asked.forget();
        assert_eq!(asked.end(3, |question| question), None);
    }
}
