//! The border between the program and the code of the library.
//!
//! A thread crosses it in [`guard`] (or [`inside`]). What the program does to a
//! thread happens outside: before a call begins, after it has ended, in a
//! callback, and where a blocking dispatch waits.
//!
//! The frames between the program's call and a callback, or a cancellation
//! point, hold nothing that has a destructor. They may be left by
//! pthread_exit, a cancellation, a C++ exception or longjmp, and nothing is
//! lost. Therefore the functions of C all have the ABI "C-unwind".

use super::types::SaErrorT;
use super::{error, memory};
use ais_client::AisError;
use ais_client::boundary::within;
use libc::{c_int, nfds_t, pollfd, sigset_t, timespec};
use std::os::fd::RawFd;
use std::ptr;

// Declared here because these may unwind: they are where a thread is cancelled.
unsafe extern "C-unwind" {
    fn pthread_testcancel();
    fn ppoll(
        fds: *mut pollfd,
        count: nfds_t,
        timeout: *const timespec,
        mask: *const sigset_t,
    ) -> c_int;
}

/// Runs the body of a C function as code of the library. A panic, which would
/// abort the program, is `SA_ERR_LIBRARY`. A cancellation acts before anything
/// was done, or after the call has failed, so that no result is lost.
pub(super) fn guard(body: impl FnOnce() -> Result<(), AisError>) -> SaErrorT {
    test_cancel();
    let result = inside(body);
    if result.is_err() {
        test_cancel();
    }
    error::to_c(result)
}

/// The same for what gives something back: it is done also while memory is
/// short.
pub(super) fn guard_release(body: impl FnOnce() -> Result<(), AisError>) -> SaErrorT {
    test_cancel();
    let result = within(body);
    if result.is_err() {
        test_cancel();
    }
    error::to_c(result)
}

/// A cancellation point.
pub(super) fn test_cancel() {
    // SAFETY: no frame from here to the program's has a destructor to run.
    unsafe { pthread_testcancel() };
}

/// Runs `body` as code of the library, unless memory is short.
///
/// # Errors
/// As [`within`]; `NoMemory` also if memory is short.
pub(super) fn inside<T: Copy>(body: impl FnOnce() -> Result<T, AisError>) -> Result<T, AisError> {
    within(|| if memory::is_short() { Err(AisError::NoMemory) } else { body() })
}

/// Waits outside of the library until a descriptor is readable or a signal
/// has come. The thread can be cancelled here.
pub(super) fn wait_outside(fd: RawFd) {
    let mut asked = pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: valid pointers, or null for none; no frame from here to the
    // program's has a destructor. What it says, a look at the socket tells.
    unsafe { ppoll(&raw mut asked, 1, ptr::null(), ptr::null()) };
}
