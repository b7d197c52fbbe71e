//! What the library has in a process, and what becomes of it in a child.
//!
//! A child of `fork` may hold locks that nobody will ever release and shares
//! its sockets with the parent. So it starts anew: the handler closes the
//! sockets and forgets the state, which is left as it is (never locked, never
//! dropped); inherited handles are bad handles, because their numbers go on.

use super::descriptors;
use super::entry::asynchronous;
use super::memory;
use crate::process::Process;
use libc::sigset_t;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);
/// [`HANDLERS_SET`], or the process in which a thread is about to set them.
static HANDLERS: AtomicU32 = AtomicU32::new(0);
const HANDLERS_SET: u32 = u32::MAX;
static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());
/// What the parent had.
static INHERITED: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// How often this process was forked since the library was loaded.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// What the library has in this process.
pub(crate) fn process() -> &'static Process {
    let mut process = PROCESS.load(Ordering::Acquire);
    if process.is_null() {
        set_handlers();
        let fresh = Box::into_raw(Box::new(Process::new(INHERITED.load(Ordering::Relaxed))));
        process = match PROCESS.compare_exchange(
            ptr::null_mut(),
            fresh,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: `fresh` came from Box::into_raw above and no other
                // thread has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
    }
    // SAFETY: not null, made by Box::into_raw, and never freed: a child
    // forgets the pointer and leaves what it points to as it is.
    unsafe { &*process }
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
    let inherited = PROCESS.swap(ptr::null_mut(), Ordering::SeqCst);
    if !inherited.is_null() {
        INHERITED.store(inherited, Ordering::Relaxed);
    }
    crate::poll::forget_pollers();
    memory::in_child();
    descriptors::in_child();
    // SAFETY: the only thread, and `before` kept the mask.
    restore(&unsafe { *MASK.0.get() });
}

fn restore(mask: &MaybeUninit<sigset_t>) {
    // SAFETY: what pthread_sigmask has written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ptr(), ptr::null_mut()) };
}
