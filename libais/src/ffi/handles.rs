//! Handles: small numbers for the program, objects for the library.

use super::amf::AmfHandle;
use super::ckpt::{CkptHandle, Listing, OpenCheckpoint};
use super::clm::ClmHandle;
use ais_client::AisError;
use ais_client::boundary::PerProcess;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

static CLM: Numbers = Numbers::new();
static AMF: Numbers = Numbers::new();
static CKPT: Numbers = Numbers::new();
static CHECKPOINTS: Numbers = Numbers::new();
static SECTIONS: Numbers = Numbers::new();

/// The open handles of a process.
#[derive(Debug)]
pub(super) struct Handles {
    pub(super) clm: Table<ClmHandle>,
    pub(super) amf: Table<AmfHandle>,
    pub(super) ckpt: Table<CkptHandle>,
    pub(super) checkpoints: Table<OpenCheckpoint>,
    pub(super) sections: Table<Listing>,
}

/// The handles of this process; a child of the process has none of them.
pub(super) fn handles() -> &'static Handles {
    static HANDLES: PerProcess<Handles> = PerProcess::new(|| Handles {
        clm: Table::new(&CLM),
        amf: Table::new(&AMF),
        ckpt: Table::new(&CKPT),
        checkpoints: Table::new(&CHECKPOINTS),
        sections: Table::new(&SECTIONS),
    });
    HANDLES.get()
}

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

/// The numbers of one kind of handle: 0, 1, 2, ... They go on in a child, so
/// that an inherited number is nobody's there.
#[derive(Debug)]
pub(super) struct Numbers(AtomicI32);

impl Numbers {
    pub(super) const fn new() -> Self {
        Self(AtomicI32::new(0))
    }

    /// The next number. After the greatest comes 0 again, never -1.
    fn next(&self) -> i32 {
        self.0.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }
}

/// The open handles of one kind.
#[derive(Debug)]
pub(super) struct Table<T> {
    numbers: &'static Numbers,
    open: Mutex<BTreeMap<i32, Arc<T>>>,
}

impl<T> Table<T> {
    pub(super) fn new(numbers: &'static Numbers) -> Self {
        Self { numbers, open: Mutex::default() }
    }

    /// Gives the object a number.
    pub(super) fn insert(&self, object: Arc<T>) -> i32 {
        let mut open = self.lock();
        loop {
            let number = self.numbers.next();
            if let std::collections::btree_map::Entry::Vacant(place) = open.entry(number) {
                place.insert(object);
                return number;
            }
        }
    }

    /// The object with this number; it lives as long as somebody uses it.
    ///
    /// # Errors
    /// `BadHandle` if there is none.
    pub(super) fn find(&self, number: i32) -> Result<Arc<T>, AisError> {
        self.lock().get(&number).cloned().ok_or(AisError::BadHandle)
    }

    /// Takes the number back.
    ///
    /// # Errors
    /// `BadHandle` if it is nobody's.
    pub(super) fn remove(&self, number: i32) -> Result<Arc<T>, AisError> {
        self.lock().remove(&number).ok_or(AisError::BadHandle)
    }

    /// Takes the numbers of all objects back that fit.
    pub(super) fn remove_if(&self, fits: impl Fn(&T) -> bool) {
        self.lock().retain(|_, object| !fits(object));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_given_twice() {
        static NUMBERS: Numbers = Numbers::new();
        let table = Table::new(&NUMBERS);
        assert_eq!(table.insert(Arc::new('a')), 0);
        assert_eq!(table.insert(Arc::new('b')), 1);
        assert_eq!(table.remove(0).as_deref(), Ok(&'a'));
        assert_eq!(table.remove(0), Err(AisError::BadHandle));
        assert_eq!(table.insert(Arc::new('c')), 2);
        assert_eq!(table.find(-1), Err(AisError::BadHandle));
        // The table of a child goes on with the numbers.
        let child = Table::new(&NUMBERS);
        assert_eq!(child.find(2), Err::<Arc<char>, _>(AisError::BadHandle));
        assert_eq!(child.insert(Arc::new('d')), 3);
        child.remove_if(|letter| *letter == 'd');
        assert_eq!(child.find(3), Err(AisError::BadHandle));
    }

    #[test]
    fn numbers_wrap_to_zero_and_skip_what_is_open() {
        static NUMBERS: Numbers = Numbers::new();
        let table = Table::new(&NUMBERS);
        assert_eq!(table.insert(Arc::new(())), 0);
        NUMBERS.0.store(i32::MAX, Ordering::Relaxed);
        assert_eq!(table.insert(Arc::new(())), i32::MAX);
        assert_eq!(table.insert(Arc::new(())), 1);
    }
}
