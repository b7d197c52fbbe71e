//! How many descriptors this process may open, and the kernel's table of them.

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::close;
use std::fs::File;

/// Descriptors that the kernel's table has room for from the start, at most: it
/// takes 8 bytes for each. A process with threads waits 10 to 20 ms in whatever
/// opens a descriptor when its table grows (`synchronize_rcu` in
/// `expand_fdtable`), and all the programs with it.
const ROOM: usize = 64 << 10;

/// Raises the number of descriptors to what is permitted, and says how many
/// that is.
pub(crate) fn raise() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => hard,
            Err(_) => soft,
        }
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    make_room(limit.min(ROOM));
    limit
}

/// Has the kernel's table grow to so many descriptors now; it never shrinks.
/// Where that fails, the table grows when it is full.
fn make_room(descriptors: usize) {
    let Ok(last) = i32::try_from(descriptors.saturating_sub(1)) else { return };
    let Ok(file) = File::open("/dev/null") else { return };
    if let Ok(copy) = fcntl(&file, FcntlArg::F_DUPFD_CLOEXEC(last)) {
        // It is this process's own, and nothing was written.
        let _ = close(copy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_table_of_the_kernel_has_room_before_descriptors_are_opened() {
        let limit = raise();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        let size: usize = size.trim().parse().unwrap();
        assert!(size >= limit.min(ROOM), "room for {size} of {limit}");
    }
}
