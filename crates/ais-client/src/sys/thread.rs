//! A thread that runs code of the library.
//!
//! In [`within`] a thread is the library's own: it cannot be cancelled, and no
//! signal handler of the program runs in the middle of it, when a lock is held
//! or memory is being allocated. A long wait lets handlers run, with no lock
//! held.

use ais_proto::AisError;
use libc::{c_int, c_long, c_ulong, c_void, nfds_t, pollfd, pthread_key_t, sigset_t, timespec};
use nix::errno::Errno;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

// Declared here because these may unwind: they are where a thread is cancelled.
unsafe extern "C-unwind" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn ppoll(
        fds: *mut pollfd,
        count: nfds_t,
        timeout: *const timespec,
        mask: *const sigset_t,
    ) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE`, which the libc crate lacks.
const CANCEL_DISABLE: c_int = 1;
/// What an instruction of the library itself causes cannot wait for its end:
/// the kernel ends a process that holds it. SIGABRT is none of these, because
/// abort(3) lets it come by itself.
const SYNCHRONOUS: [c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];
/// Signal 32 in the first word of a set, by which the C library cancels a
/// thread that has `PTHREAD_CANCEL_ASYNCHRONOUS`. One that is under way when
/// cancellation is disabled acts all the same, so it has to be held too.
const CANCELLATION: c_ulong = 1 << 31;
/// The length of a set of signals as the kernel knows it, in bytes.
const KERNEL_SET: usize = 8;

/// Runs `body` as code of the library. The frames from the program to this one
/// shall hold nothing that has a destructor: a cancellation, or a handler that
/// calls longjmp, may leave them when it has waited for the end of `body`.
///
/// # Errors
/// What `body` returns; `Library` if it panics; `NoMemory` or `NoResources` if
/// the thread has no room to be noted.
pub fn within<T: Copy>(body: impl FnOnce() -> Result<T, AisError>) -> Result<T, AisError> {
    let mut entry = Entry::new();
    entry.enter()?;
    let result = contained(body);
    entry.leave();
    result
}

/// All destructors run in here.
#[inline(never)]
fn contained<T>(body: impl FnOnce() -> Result<T, AisError>) -> Result<T, AisError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(AisError::Library))
}

/// A thread in the library, and what it was like before. It has no destructor.
struct Entry {
    mask: sigset_t,
    cancel_state: c_int,
    /// What this thread holds that a call in a signal handler may wait for.
    holding: Cell<u32>,
    /// The call that a signal handler has interrupted to make this one.
    outer: *mut c_void,
}

impl Entry {
    fn new() -> Self {
        let (holding, outer) = (Cell::new(0), ptr::null_mut());
        // SAFETY: any bytes are a set of signals; it is filled by `enter`.
        let mask = unsafe { MaybeUninit::zeroed().assume_init() };
        Self { mask, cancel_state: 0, holding, outer }
    }

    fn enter(&mut self) -> Result<(), AisError> {
        let key = key()?;
        let blocked = with_cancellation(asynchronous());
        // SAFETY: the pointers are of this frame, and the key is one. The entry
        // stays where it is until `leave` takes its address back.
        unsafe {
            change_mask(libc::SIG_BLOCK, &raw const blocked, &raw mut self.mask);
            pthread_setcancelstate(CANCEL_DISABLE, &raw mut self.cancel_state);
            self.outer = libc::pthread_getspecific(key);
            if libc::pthread_setspecific(key, ptr::from_ref(self).cast()) != 0 {
                self.restore();
                return Err(AisError::NoMemory);
            }
        }
        Ok(())
    }

    fn leave(&self) {
        if let Ok(key) = key() {
            // SAFETY: the key is one, and a value was there before, so this
            // one has room.
            unsafe { libc::pthread_setspecific(key, self.outer) };
        }
        // SAFETY: no frame from here to the program's has a destructor.
        unsafe { self.restore() };
    }

    /// Lets signals and a cancellation come that have waited.
    ///
    /// # Safety
    /// No frame from here to the program's may have a destructor.
    unsafe fn restore(&self) {
        // SAFETY: the values are those that were there, and the caller.
        unsafe {
            pthread_setcancelstate(self.cancel_state, ptr::null_mut());
            change_mask(libc::SIG_SETMASK, &raw const self.mask, ptr::null_mut());
        }
    }

    /// The entry of this thread, if it came by [`within`].
    fn current<'a>() -> Option<&'a Self> {
        let key = key().ok()?;
        // SAFETY: the key is one; its value is null or an entry of a frame
        // below this one, for it is taken back before that ends.
        unsafe { libc::pthread_getspecific(key).cast::<Self>().as_ref() }
    }
}

/// All signals but the synchronous ones.
pub(crate) fn asynchronous() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset writes the set, sigdelset takes single ones away.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for signal in SYNCHRONOUS {
            libc::sigdelset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// The same and the signal of a cancellation, which the functions of C leave
/// out of every set.
fn with_cancellation(mut set: sigset_t) -> sigset_t {
    // SAFETY: a set of signals is an array of words of this type.
    unsafe { *(&raw mut set).cast::<c_ulong>() |= CANCELLATION };
    set
}

/// Changes the signals that this thread holds, and tells which it held. The
/// function of C for this does not hold the signal of a cancellation.
///
/// # Safety
/// Valid pointers, `old` may be null. No frame from here to the program's may
/// have a destructor.
unsafe fn change_mask(how: c_int, set: *const sigset_t, old: *mut sigset_t) {
    // SAFETY: both sets are longer than what the kernel reads and writes. It
    // fails only with another length or a bad pointer.
    unsafe { syscall(libc::SYS_rt_sigprocmask, how, set, old, KERNEL_SET) };
}

/// The key under which a thread keeps its [`Entry`]. No thread-local variable:
/// those of a module that was loaded later are allocated at their first use,
/// and the C library aborts the program if that fails.
fn key() -> Result<pthread_key_t, AisError> {
    static KEY: Key = Key::new(None);
    KEY.get()
}

/// A key of thread-specific data, made at its first use.
#[derive(Debug)]
struct Key {
    /// One more than the key; 0 is none.
    number: AtomicU64,
    destructor: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl Key {
    const fn new(destructor: Option<unsafe extern "C" fn(*mut c_void)>) -> Self {
        Self { number: AtomicU64::new(0), destructor }
    }

    /// The key. No thread waits for another that makes it: the child of a fork
    /// might wait for ever.
    ///
    /// # Errors
    /// `NoResources` if the process has too many keys.
    fn get(&self) -> Result<pthread_key_t, AisError> {
        let number = self.number.load(Ordering::Acquire);
        if number != 0 {
            return Ok((number - 1) as pthread_key_t);
        }
        let mut key = 0;
        // SAFETY: a valid pointer, and a destructor that takes what is set.
        if unsafe { libc::pthread_key_create(&raw mut key, self.destructor) } != 0 {
            return Err(AisError::NoResources);
        }
        let fresh = u64::from(key) + 1;
        let made = self.number.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire);
        made.map(|_| key).or_else(|other| {
            // SAFETY: nobody has seen this key.
            unsafe { libc::pthread_key_delete(key) };
            Ok((other - 1) as pthread_key_t)
        })
    }
}

/// A value that each thread has for itself, made when the thread needs it and
/// dropped when the thread ends. A thread-local variable would abort the
/// program where there is no memory for it.
#[derive(Debug)]
pub struct PerThread<T> {
    key: Key,
    value: PhantomData<fn() -> T>,
}

impl<T: Default + 'static> PerThread<T> {
    /// One that no thread has a value of yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { key: Key::new(Some(drop_value::<T>)), value: PhantomData }
    }

    /// Lends `work` the value of this thread. Nothing that `work` calls finds
    /// it meanwhile: a value that is made then is dropped.
    ///
    /// # Errors
    /// `NoMemory` or `NoResources` if the thread has no room for it; it is
    /// dropped then.
    pub fn with<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> Result<R, AisError> {
        let key = self.key.get()?;
        let mut value = take_value(key).unwrap_or_default();
        let result = work(&mut value);
        drop(take_value::<T>(key));
        let value = Box::into_raw(value);
        // SAFETY: the key is one.
        if unsafe { libc::pthread_setspecific(key, value.cast()) } != 0 {
            // SAFETY: made above, and the thread has not got it.
            drop(unsafe { Box::from_raw(value) });
            return Err(AisError::NoMemory);
        }
        Ok(result)
    }
}

impl<T: Default + 'static> Default for PerThread<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes the value of this thread away, if it has one. The key is that of a
/// [`PerThread`] of this type.
fn take_value<T>(key: pthread_key_t) -> Option<Box<T>> {
    // SAFETY: the key is one; its value is null or from Box::into_raw in `with`,
    // and nobody has it any more. Where a value was, null has room.
    unsafe {
        let value = libc::pthread_getspecific(key).cast::<T>();
        if value.is_null() {
            return None;
        }
        libc::pthread_setspecific(key, ptr::null());
        Some(Box::from_raw(value))
    }
}

/// Drops the value of a thread that ends, perhaps in the middle of a wait.
unsafe extern "C" fn drop_value<T>(value: *mut c_void) {
    let _ = within(|| {
        // SAFETY: from Box::into_raw in `with`, and the thread has no more of it.
        drop(unsafe { Box::from_raw(value.cast::<T>()) });
        Ok(())
    });
}

/// Something of which there is but one, which this thread has until it is
/// dropped. A handler that made a call then might wait for its own thread, so
/// no handler runs meanwhile, even in a long wait.
pub(crate) struct Holding(());

impl Holding {
    pub(crate) fn begin() -> Self {
        count_holding(1);
        Self(())
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        count_holding(-1);
    }
}

fn count_holding(change: i32) {
    if let Some(entry) = Entry::current() {
        entry.holding.set(entry.holding.get().saturating_add_signed(change));
    }
}

/// Which signals may interrupt a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signals {
    /// None.
    Held,
    /// The handlers that the program lets run, unless the thread is
    /// [`Holding`] something.
    Delivered,
}

/// Waits until a descriptor is ready, `left` at the longest. How many are.
///
/// # Errors
/// What ppoll(2) says; `EINTR` after a signal handler.
pub(crate) fn poll(
    fd: RawFd,
    events: libc::c_short,
    left: Option<Duration>,
    signals: Signals,
) -> Result<usize, Errno> {
    let mask = if signals == Signals::Delivered { deliverable() } else { None };
    let mask = mask.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut asked = pollfd { fd, events, revents: 0 };
    let limit = left.map(to_timespec);
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: valid pointers, or null where that means none. It does not
    // unwind: a thread in `within` cannot be cancelled.
    let count = unsafe { ppoll(&raw mut asked, 1, limit, mask) };
    usize::try_from(count).map_err(|_| Errno::last())
}

/// Lets handlers run whose signals have waited, unless the thread is
/// [`Holding`] something. They may make calls, so no lock may be held; one
/// that forked returns here in the child too.
pub(crate) fn let_handlers_run() {
    if let Some(mask) = deliverable() {
        let at_once = to_timespec(Duration::ZERO);
        // SAFETY: valid pointers, or null for no descriptors. It does not
        // unwind: a thread in `within` cannot be cancelled.
        unsafe { ppoll(ptr::null_mut(), 0, &raw const at_once, &raw const mask) };
    }
}

/// What stays held while handlers run in the middle of a call; `None` if none
/// may run now.
fn deliverable() -> Option<sigset_t> {
    let entry = Entry::current().filter(|entry| entry.holding.get() == 0)?;
    Some(with_cancellation(entry.mask))
}

fn to_timespec(duration: Duration) -> timespec {
    // SAFETY: any bytes are a timespec; on some platforms it has padding.
    let mut spec: timespec = unsafe { MaybeUninit::zeroed().assume_init() };
    spec.tv_sec = duration.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    // Less than 10^9, which every type of that field holds.
    spec.tv_nsec = duration.subsec_nanos() as _;
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    static DROPPED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

    #[derive(Default)]
    struct Value(u32);

    impl Drop for Value {
        fn drop(&mut self) {
            DROPPED.lock().unwrap().push(self.0);
        }
    }

    #[test]
    fn each_thread_has_a_value_until_it_ends() {
        static VALUES: PerThread<Value> = PerThread::new();
        VALUES.with(|value| value.0 = 1).unwrap();
        let other = std::thread::spawn(|| {
            let before = VALUES.with(|value| std::mem::replace(&mut value.0, 2));
            assert_eq!((before, VALUES.with(|value| value.0)), (Ok(0), Ok(2)));
        });
        other.join().unwrap();
        assert_eq!(*DROPPED.lock().unwrap(), [2]);
        // One that is made while the value is lent does not stay.
        let of_the_inner = VALUES.with(|outer| (outer.0, VALUES.with(|inner| inner.0)));
        assert_eq!(of_the_inner, Ok((1, Ok(0))));
        assert_eq!(*DROPPED.lock().unwrap(), [2, 0]);
        assert_eq!(VALUES.with(|value| value.0), Ok(1));
    }

    #[test]
    fn a_panic_is_an_error_and_leaves_the_thread_as_it_was() {
        let held = || {
            let mut set = MaybeUninit::<sigset_t>::uninit();
            // SAFETY: it writes the set, which is read then.
            unsafe {
                libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), set.as_mut_ptr());
                libc::sigismember(set.as_ptr(), libc::SIGUSR1)
            }
        };
        assert_eq!(held(), 0);
        assert_eq!(within(|| Ok(held())), Ok(1));
        assert_eq!(within(|| -> Result<(), _> { panic!() }), Err(AisError::Library));
        assert_eq!(held(), 0);
    }

    #[test]
    fn what_there_is_one_of_is_held_until_it_is_dropped() {
        let held = || Entry::current().map(|entry| entry.holding.get());
        assert_eq!(held(), None);
        let within = within(|| {
            let outer = Holding::begin();
            let inner = Holding::begin();
            let both = held();
            drop(inner);
            let one = held();
            drop(outer);
            Ok([both, one, held()])
        });
        assert_eq!(within, Ok([Some(2), Some(1), Some(0)]));
    }
}
