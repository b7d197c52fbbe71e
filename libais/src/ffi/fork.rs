//! What the library has in a process, and what becomes of it in a child.
//!
//! A child of `fork` may hold locks that nobody will ever release and shares
//! its sockets with the parent. So it starts anew: the handler closes the
//! sockets and forgets the state, which is left as it is (never locked, never
//! dropped); inherited handles are bad handles, because their numbers go on.

use crate::process::Process;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Descriptors below this number can be closed in a child.
const MAX_DESCRIPTORS: usize = 1 << 20;
const WORDS: usize = MAX_DESCRIPTORS / 64;

/// One bit for each descriptor that the library has open.
static OPEN: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
/// No word from here on has ever had a bit.
static WORDS_USED: AtomicUsize = AtomicUsize::new(0);
static GENERATION: AtomicU32 = AtomicU32::new(0);
static HANDLER_SET: AtomicBool = AtomicBool::new(false);
static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());
/// What the parent had.
static INHERITED: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// How often this process was forked since the library was loaded.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Notes a descriptor of the library; false if its number is too high.
pub(crate) fn register(fd: RawFd) -> bool {
    let Some((word, bit)) = place(fd) else { return false };
    OPEN[word].fetch_or(bit, Ordering::SeqCst);
    WORDS_USED.fetch_max(word + 1, Ordering::SeqCst);
    true
}

/// Forgets a descriptor that is about to be closed.
pub(crate) fn unregister(fd: RawFd) {
    if let Some((word, bit)) = place(fd) {
        OPEN[word].fetch_and(!bit, Ordering::SeqCst);
    }
}

fn place(fd: RawFd) -> Option<(usize, u64)> {
    let fd = usize::try_from(fd).ok().filter(|fd| *fd < MAX_DESCRIPTORS)?;
    Some((fd / 64, 1 << (fd % 64)))
}

/// What the library has in this process.
pub(crate) fn process() -> &'static Process {
    let mut process = PROCESS.load(Ordering::Acquire);
    if process.is_null() {
        set_handler();
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

/// Two threads may both set the handler; it does no harm twice. To wait for
/// one another could last for ever in a child.
fn set_handler() {
    if !HANDLER_SET.load(Ordering::Acquire) {
        // SAFETY: the handler is a function of this library and calls only
        // what may be called in the child of a process with threads.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        HANDLER_SET.store(true, Ordering::Release);
    }
}

/// Runs in the child before `fork` returns: atomics and close(2) only.
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    let inherited = PROCESS.swap(ptr::null_mut(), Ordering::SeqCst);
    if !inherited.is_null() {
        INHERITED.store(inherited, Ordering::Relaxed);
    }
    crate::poll::forget_pollers();
    let used = WORDS_USED.load(Ordering::SeqCst).min(WORDS);
    for (index, word) in OPEN[..used].iter().enumerate() {
        let mut bits = word.swap(0, Ordering::SeqCst);
        while bits != 0 {
            let fd = index * 64 + bits.trailing_zeros() as usize;
            // SAFETY: the bit says that the descriptor is the library's, and
            // nothing in the child uses it: Socket compares generations.
            unsafe { libc::close(fd as RawFd) };
            bits &= bits - 1;
        }
    }
}
