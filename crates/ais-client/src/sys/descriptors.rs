//! The descriptors of the library in a process that does with descriptors
//! what it likes.
//!
//! They are noted with what the kernel knows them by. One whose number means
//! something else meanwhile, because the program closed it and opened another,
//! is not the library's any more and is left alone. A descriptor is made and
//! noted, or forgotten and closed, under one lock that a fork waits for, so
//! that a child can close all that it inherits.

use ais_proto::AisError;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers below it are for what the program reads, prints and complains to,
/// also when they are free.
const FIRST: RawFd = 3;

/// What the kernel knows a descriptor by, whatever its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: libc::dev_t,
    inode: libc::ino_t,
}

impl Identity {
    /// The identity of an open descriptor.
    fn of(fd: RawFd) -> Result<Self, Errno> {
        let mut status = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat writes the structure, or fails. It may be called in
        // the child of a process with threads.
        Errno::result(unsafe { libc::fstat(fd, status.as_mut_ptr()) })?;
        // SAFETY: it has succeeded.
        let status = unsafe { status.assume_init() };
        Ok(Self { device: status.st_dev, inode: status.st_ino })
    }

    /// Whether the number still means this.
    pub(crate) fn is_of(self, fd: RawFd) -> bool {
        Self::of(fd) == Ok(self)
    }
}

struct Registry {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    /// The thread that forks has the lock for so long.
    forker: AtomicUsize,
    /// By number; behind the lock.
    open: UnsafeCell<Vec<Option<Identity>>>,
}

// SAFETY: the mutex is made for many threads, and what it guards is touched
// only by who has locked it.
unsafe impl Sync for Registry {}

static REGISTRY: Registry = Registry {
    mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    forker: AtomicUsize::new(0),
    open: UnsafeCell::new(Vec::new()),
};

fn this_thread() -> usize {
    // SAFETY: it has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    // The address of what the C library keeps of the thread, never 0.
    thread as usize
}

/// The right to make, note and close descriptors.
pub(crate) struct Descriptors {
    /// Whether it is to be given back; a handler of the program that a fork
    /// calls has it already.
    is_locked: bool,
}

impl Descriptors {
    /// Waits until nobody else has it: for some system calls, or for a fork.
    pub(crate) fn lock() -> Self {
        let is_locked = REGISTRY.forker.load(Ordering::Acquire) != this_thread();
        if is_locked {
            // SAFETY: a mutex that is never moved, which this thread has not.
            unsafe { libc::pthread_mutex_lock(REGISTRY.mutex.get()) };
        }
        Self { is_locked }
    }

    /// Notes a descriptor that has just been made, under a number that is not
    /// one of the first three.
    ///
    /// # Errors
    /// `NoResources` if there is no other number, `NoMemory` if it cannot be
    /// noted; it is closed then.
    pub(crate) fn note(&mut self, made: OwnedFd) -> Result<(OwnedFd, Identity), AisError> {
        let fd = if made.as_raw_fd() < FIRST { lift(&made)? } else { made };
        let identity = Identity::of(fd.as_raw_fd()).map_err(|_| AisError::System)?;
        let open = self.open();
        // The kernel's numbers are not negative.
        let index = fd.as_raw_fd() as usize;
        if index >= open.len() {
            open.try_reserve(index + 1 - open.len()).map_err(|_| AisError::NoMemory)?;
            open.resize(index + 1, None);
        }
        open[index] = Some(identity);
        Ok((fd, identity))
    }

    /// Closes a descriptor if it is still the library's, and forgets it.
    pub(crate) fn close(&mut self, fd: OwnedFd, identity: Identity) {
        if let Some(place) = self.open().get_mut(fd.as_raw_fd() as usize)
            && *place == Some(identity)
        {
            *place = None;
        }
        close_own(fd, identity);
    }

    fn open(&mut self) -> &mut Vec<Option<Identity>> {
        // SAFETY: only who has the lock has a value of this type, and no
        // method is called in the middle of another.
        unsafe { &mut *REGISTRY.open.get() }
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        if self.is_locked {
            // SAFETY: locked by `lock`, in this thread.
            unsafe { libc::pthread_mutex_unlock(REGISTRY.mutex.get()) };
        }
    }
}

/// Keeps those of the first three numbers that are free from being given to a
/// descriptor that is about to be made; a thread of the program that uses them
/// all the same shall not reach aisexec.
pub(crate) struct FirstThree([Option<(OwnedFd, Identity)>; FIRST as usize]);

impl FirstThree {
    /// Fills the numbers that are free. Where nothing is there to fill them
    /// with, [`Descriptors::note`] still moves what comes there.
    pub(crate) fn fill(_: &Descriptors) -> Self {
        Self(std::array::from_fn(|number| is_free(number as RawFd).then(filler).flatten()))
    }
}

impl Drop for FirstThree {
    fn drop(&mut self) {
        for (fd, identity) in self.0.iter_mut().filter_map(Option::take) {
            close_own(fd, identity);
        }
    }
}

fn is_free(number: RawFd) -> bool {
    // SAFETY: it only asks, whatever the number is.
    unsafe { libc::fcntl(number, libc::F_GETFD) == -1 }
}

/// A socket without another side, to which nothing can be written, and from
/// which nothing comes; nobody else has its identity.
fn filler() -> Option<(OwnedFd, Identity)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None).ok()?;
    let identity = Identity::of(fd.as_raw_fd()).ok()?;
    Some((fd, identity))
}

/// Closes a descriptor, unless the number means something else by now.
fn close_own(fd: OwnedFd, identity: Identity) {
    let number = fd.into_raw_fd();
    if identity.is_of(number) {
        // SAFETY: the library opened it, and nobody has it but the caller.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}

/// The same descriptor under a higher number.
fn lift(low: &OwnedFd) -> Result<OwnedFd, AisError> {
    let high = fcntl(low, FcntlArg::F_DUPFD_CLOEXEC(FIRST)).map_err(|error| match error {
        Errno::EMFILE | Errno::EINVAL => AisError::NoResources,
        _ => AisError::System,
    })?;
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}

/// Before a fork: takes the lock along, so that nothing is half made.
pub(super) fn before_fork() {
    std::mem::forget(Descriptors::lock());
    REGISTRY.forker.store(this_thread(), Ordering::Release);
}

/// After it, in the parent.
pub(super) fn in_parent() {
    REGISTRY.forker.store(0, Ordering::Release);
    drop(Descriptors { is_locked: true });
}

/// After it, in the child: closes all and forgets them. Nothing in the child
/// uses them, for a socket compares generations. Only what may be called in
/// the child of a process with threads.
pub(super) fn in_child() {
    // SAFETY: the child has this one thread, which has the lock.
    let open = unsafe { &mut *REGISTRY.open.get() };
    for (number, place) in open.iter_mut().enumerate() {
        if let Some(identity) = place.take()
            && identity.is_of(number as RawFd)
        {
            // SAFETY: inherited from the library of the parent, and nobody
            // else's.
            unsafe { libc::close(number as RawFd) };
        }
    }
    REGISTRY.forker.store(0, Ordering::Release);
    // SAFETY: no other thread is there to use it.
    unsafe { *REGISTRY.mutex.get() = libc::PTHREAD_MUTEX_INITIALIZER };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn note(file: File) -> (OwnedFd, Identity) {
        Descriptors::lock().note(file.into()).unwrap()
    }

    #[test]
    fn what_has_become_anothers_is_left_alone() {
        let (fd, identity) = note(File::open("/dev/null").unwrap());
        let number = fd.as_raw_fd();
        assert!(identity.is_of(number));
        // What a program does that closes all and opens its own.
        let other = File::open("/dev/zero").unwrap();
        // SAFETY: the number is that of `fd`, which does not mind.
        assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), number) }, number);
        assert!(!identity.is_of(number));
        Descriptors::lock().close(fd, identity);
        let theirs = Identity::of(other.as_raw_fd()).unwrap();
        assert!(theirs.is_of(number));
        // SAFETY: made by dup2 above.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }

    #[test]
    fn what_is_the_librarys_is_closed() {
        let (fd, identity) = note(File::open("/proc/self/stat").unwrap());
        let number = fd.as_raw_fd();
        Descriptors::lock().close(fd, identity);
        assert!(!identity.is_of(number));
    }

    #[test]
    fn none_of_the_first_three_numbers_is_taken() {
        let name = "sys::descriptors::tests::none_of_the_first_three_numbers_is_taken";
        ais_fake::in_own_process(name, &[], || {
            // SAFETY: nobody else has it, and nothing is read from it any more.
            drop(unsafe { OwnedFd::from_raw_fd(0) });
            let mut descriptors = Descriptors::lock();
            let made = File::open("/dev/null").unwrap();
            assert_eq!(made.as_raw_fd(), 0);
            let (lifted, identity) = descriptors.note(made.into()).unwrap();
            assert!(lifted.as_raw_fd() >= FIRST);
            assert!(is_free(0), "for the program");
            let filled = FirstThree::fill(&descriptors);
            assert!(!is_free(0));
            drop(filled);
            assert!(is_free(0) && !is_free(1));
            descriptors.close(lifted, identity);
        });
    }
}
