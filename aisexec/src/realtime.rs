//! Running ahead of other programs, with memory that is never swapped out.

use crate::sys;
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

/// Any real-time priority is ahead of all normal programs. This one stays
/// behind the kernel's interrupt threads (50), on which the network depends.
const PRIORITY: i32 = 10;

/// Asks for both; what is not permitted costs a line in the log. Whether this
/// process runs ahead of others.
pub(crate) fn ask() -> bool {
    let priority = sys::round_robin(PRIORITY);
    if let Err(error) = &priority {
        log::warn!(
            "no real-time priority ({error}): under load other nodes may think this one dead; \
             grant CAP_SYS_NICE, or set `realtime:no`"
        );
    }
    lock_memory();
    priority.is_ok()
}

fn lock_memory() {
    if !may_lock() {
        log::warn!(
            "memory is not locked: a swapped-out page may delay an answer; grant CAP_IPC_LOCK, \
             set RLIMIT_MEMLOCK to unlimited, or set `realtime:no`"
        );
        return;
    }
    // On fault: what is never touched takes no memory.
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    let flags = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault;
    if let Err(error) = mlockall(flags) {
        log::warn!("memory is not locked ({error}): a swapped-out page may delay an answer");
    }
}

/// Whether memory can be locked without a limit. With one, some later
/// allocation would fail and end the daemon.
fn may_lock() -> bool {
    getrlimit(Resource::RLIMIT_MEMLOCK)
        .is_ok_and(|(soft, _)| soft == RLIM_INFINITY || sys::may_lock_more_than(soft))
}
