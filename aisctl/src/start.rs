//! What standard output was when the process began. Before `main` the runtime
//! of Rust opens /dev/null in the place of a descriptor 0, 1 or 2 that is
//! closed, and what is written there seems to have arrived. So this looks
//! before the runtime does.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use std::sync::atomic::{AtomicBool, Ordering};

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: the loader calls the functions in this section one after the other
// before `main`, and ignores what they return; this one has that type. It
// asks for the flags of a descriptor and stores a bool, which need nothing
// that `main` would find prepared.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    let is_closed = fcntl(std::io::stdout(), FcntlArg::F_GETFD) == Err(Errno::EBADF);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Whether the process began without a standard output.
pub(crate) fn is_output_closed() -> bool {
    IS_CLOSED.load(Ordering::Relaxed)
}
