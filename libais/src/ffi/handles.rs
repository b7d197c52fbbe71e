//! Handles: small numbers for the program, objects for the library.

use ais_client::AisError;
use ais_client::boundary::PerProcess;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Deref;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle of a service, and the callbacks that the program gave for it.
#[derive(Debug)]
pub(super) struct WithCallbacks<H, C> {
    pub(super) handle: H,
    pub(super) callbacks: C,
}

impl<H, C> Deref for WithCallbacks<H, C> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

/// The open handles of one kind. Their numbers are 0, 1, 2, ... The child of a process has
/// none of them, and the numbers go on there, so that an inherited one is nobody's.
#[derive(Debug)]
pub(super) struct Handles<T: 'static> {
    next: AtomicI32,
    open: PerProcess<Mutex<BTreeMap<i32, Arc<T>>>>,
}

impl<T: Send + Sync> Handles<T> {
    pub(super) const fn new() -> Self {
        Self { next: AtomicI32::new(0), open: PerProcess::new(Mutex::default) }
    }

    /// Gives the object a number. After the greatest comes 0 again, never -1.
    pub(super) fn insert(&'static self, object: Arc<T>) -> i32 {
        let mut open = self.lock();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if let Entry::Vacant(place) = open.entry(number) {
                place.insert(object);
                return number;
            }
        }
    }

    /// The object with this number; it lives as long as somebody uses it.
    ///
    /// # Errors
    /// `BadHandle` if there is none.
    pub(super) fn find(&'static self, number: i32) -> Result<Arc<T>, AisError> {
        self.lock().get(&number).cloned().ok_or(AisError::BadHandle)
    }

    /// Takes the number back.
    ///
    /// # Errors
    /// `BadHandle` if it is nobody's.
    pub(super) fn remove(&'static self, number: i32) -> Result<Arc<T>, AisError> {
        self.lock().remove(&number).ok_or(AisError::BadHandle)
    }

    /// Takes the numbers of all objects back that fit.
    pub(super) fn remove_if(&'static self, fits: impl Fn(&T) -> bool) {
        self.lock().retain(|_, object| !fits(object));
    }

    fn lock(&'static self) -> MutexGuard<'static, BTreeMap<i32, Arc<T>>> {
        self.open.get().lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_given_twice() {
        static HANDLES: Handles<char> = Handles::new();
        assert_eq!(HANDLES.insert(Arc::new('a')), 0);
        assert_eq!(HANDLES.insert(Arc::new('b')), 1);
        assert_eq!(HANDLES.remove(0).as_deref(), Ok(&'a'));
        assert_eq!(HANDLES.remove(0), Err(AisError::BadHandle));
        assert_eq!(HANDLES.insert(Arc::new('c')), 2);
        assert_eq!(HANDLES.find(-1), Err(AisError::BadHandle));
        HANDLES.remove_if(|letter| *letter == 'c');
        assert_eq!(HANDLES.find(2), Err(AisError::BadHandle));
        assert_eq!(HANDLES.find(1).as_deref(), Ok(&'b'));
    }

    #[test]
    fn numbers_wrap_to_zero_and_skip_what_is_open() {
        static HANDLES: Handles<()> = Handles::new();
        assert_eq!(HANDLES.insert(Arc::new(())), 0);
        HANDLES.next.store(i32::MAX, Ordering::Relaxed);
        assert_eq!(HANDLES.insert(Arc::new(())), i32::MAX);
        assert_eq!(HANDLES.insert(Arc::new(())), 1);
    }
}
