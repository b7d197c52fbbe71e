//! What the library has in a process, and what becomes of it in a child.
//!
//! A child of `fork` may hold locks that nobody will ever release and shares
//! its sockets with the parent. A child therefore starts anew: the handler
//! closes the sockets and counts the fork, by which all that was inherited is
//! known. It is left as it is, never locked and never dropped.

use super::thread::asynchronous;
use super::{descriptors, poll};
use libc::sigset_t;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);
/// [`HANDLERS_SET`], or the process in which a thread is about to set them.
static HANDLERS: AtomicU32 = AtomicU32::new(0);
const HANDLERS_SET: u32 = u32::MAX;

/// How often this process was forked since the library was loaded: what has
/// another number now was inherited.
#[must_use]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// A value that a process has, made when it is first asked for. The child of a
/// fork has another one: what it inherited is left as it is.
#[derive(Debug)]
pub struct PerProcess<T: 'static> {
    make: fn() -> T,
    current: AtomicPtr<Owned<T>>,
}

#[derive(Debug)]
struct Owned<T> {
    /// The process, counted in forks.
    generation: u32,
    value: T,
    /// What the parent had.
    #[expect(dead_code, reason = "leak checkers shall see that it was not lost by mistake")]
    inherited: AtomicPtr<Self>,
}

impl<T: Send + Sync> PerProcess<T> {
    /// One that `make` makes for each process.
    #[must_use]
    pub const fn new(make: fn() -> T) -> Self {
        Self { make, current: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value of this process.
    pub fn get(&'static self) -> &'static T {
        let current = self.current.load(Ordering::Acquire);
        // SAFETY: null, or made by Box::into_raw in `make_own` and never freed.
        match unsafe { current.as_ref() } {
            Some(owned) if owned.generation == generation() => &owned.value,
            _ => self.make_own(current),
        }
    }

    /// Makes the value of this process, unless another thread is faster.
    fn make_own(&'static self, inherited: *mut Owned<T>) -> &'static T {
        set_handlers();
        let owned = Owned {
            generation: generation(),
            value: (self.make)(),
            inherited: AtomicPtr::new(inherited),
        };
        let fresh = Box::into_raw(Box::new(owned));
        let (order, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let current = match self.current.compare_exchange(inherited, fresh, order, failure) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: `fresh` came from Box::into_raw above and no other
                // thread has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
        // SAFETY: not null, made by Box::into_raw in this function, and never
        // freed: a child leaves what it inherits as it is.
        unsafe { &(*current).value }
    }
}

/// Sets the handlers once. Who finds another thread at it waits, so that no
/// descriptor is made before; but not for a thread that a fork left behind.
fn set_handlers() {
    let own = std::process::id();
    loop {
        let seen = HANDLERS.load(Ordering::Acquire);
        if seen == HANDLERS_SET {
            return;
        }
        if seen == own {
            std::thread::yield_now();
            continue;
        }
        let won = HANDLERS.compare_exchange(seen, own, Ordering::AcqRel, Ordering::Acquire);
        if won.is_err() {
            continue;
        }
        // SAFETY: the handlers are functions of this library. That of the
        // child calls only what may be called in the child of a process with
        // threads.
        let set = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        // Where there was no memory for them a later call sets them.
        HANDLERS.store(if set == 0 { HANDLERS_SET } else { 0 }, Ordering::Release);
        return;
    }
}

/// The signals that the thread that forks let come before.
struct Mask(UnsafeCell<MaybeUninit<sigset_t>>);

// SAFETY: touched only by the thread that has the lock for a fork.
unsafe impl Sync for Mask {}

static MASK: Mask = Mask(UnsafeCell::new(MaybeUninit::uninit()));

/// Runs before `fork` copies the process. A signal handler that ran between
/// this and the end of the fork might wait for the lock.
extern "C" fn before() {
    let blocked = asynchronous();
    let mut mask = MaybeUninit::uninit();
    // SAFETY: valid pointers; the lock is held when the mask is kept.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, mask.as_mut_ptr());
        descriptors::before_fork();
        *MASK.0.get() = mask;
    }
}

/// Runs in the parent before `fork` returns.
extern "C" fn in_parent() {
    // SAFETY: this thread still has the lock, and `before` kept the mask.
    let mask = unsafe { *MASK.0.get() };
    descriptors::in_parent();
    restore(&mask);
}

/// Runs in the child before `fork` returns.
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    poll::forget_pollers();
    descriptors::in_child();
    // SAFETY: the only thread, and `before` kept the mask.
    restore(&unsafe { *MASK.0.get() });
}

fn restore(mask: &MaybeUninit<sigset_t>) {
    // SAFETY: what pthread_sigmask has written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ptr(), ptr::null_mut()) };
}
