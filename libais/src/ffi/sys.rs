//! Single system calls that have no safe form.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Whether the program runs with more rights than its user, so that its
/// environment is not to be trusted.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: getauxval only reads what the kernel gave the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Takes possession of descriptors that a message has just brought.
pub(crate) fn own(fds: Vec<RawFd>) -> Vec<OwnedFd> {
    // SAFETY: the kernel opened them for this message; only the caller, who
    // hands them over, knows their numbers.
    fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
}
