//! Running ahead of other programs, with memory that is never swapped out.

use crate::sys;
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use std::fs;

/// Any real-time priority is ahead of all normal programs. This one stays
/// behind the kernel's interrupt threads (50), on which the network depends.
const PRIORITY: i32 = 10;
const CAP_IPC_LOCK: u32 = 14;

/// Asks for both; what is not permitted costs a line in the log.
pub(crate) fn ask() {
    if let Err(error) = sys::round_robin(PRIORITY) {
        log::warn!(
            "no real-time priority ({error}): under load other nodes may think this one dead; \
             grant CAP_SYS_NICE, or set `realtime:no`"
        );
    }
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
    let unlimited =
        getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == RLIM_INFINITY);
    unlimited
        || fs::read_to_string("/proc/self/status")
            .is_ok_and(|status| has_capability(&status, CAP_IPC_LOCK))
}

/// Whether a /proc status names the capability as effective.
fn has_capability(status: &str, capability: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
        .is_some_and(|set| set >> capability & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_bits() {
        let status = "Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000004000\n";
        assert!(has_capability(status, CAP_IPC_LOCK));
        assert!(!has_capability(status, 23));
        assert!(!has_capability("Name:\tx\n", CAP_IPC_LOCK));
    }
}
