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

/// How many bytes a socket has received that nobody has taken; of a
/// SOCK_SEQPACKET socket in all packets together. 0 if that cannot be told.
pub(crate) fn pending_bytes(socket: RawFd) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, and `count` is one.
    let result = unsafe { libc::ioctl(socket, libc::FIONREAD, &raw mut count) };
    if result == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}
