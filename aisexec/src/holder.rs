//! Which process holds a lock on a file, or listens on a socket, as the kernel
//! knows it: what is written in a file may be old, or anybody's.

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt,
};
use std::fmt;
use std::fs::{self, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What this program is called, in the 15 characters that the kernel keeps.
const EXECUTIVE: &str = "aisexec";

/// A process, for people. Prints as `aisexec (pid 4711, uid 0)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// 0 if it cannot be seen from here.
    pub(crate) pid: u32,
    /// Its effective user, if it still is there.
    uid: Option<u32>,
    program: String,
}

impl Holder {
    /// The process that has locked a file with flock(2); `None` if none has that this
    /// process can see.
    pub(crate) fn of(file: &Metadata) -> Option<Self> {
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let (major, minor) = (libc::major(file.dev()), libc::minor(file.dev()));
        let device = format!("{major:02x}:{minor:02x}:");
        let number = format!(":{}", file.ino());
        let find = |device: &str| locks.lines().find_map(|line| pid_of(line, device, &number));
        // Layered file systems tell programs of another device.
        Self::named(find(&device).or_else(|| find(""))?)
    }

    /// The process of this number; `None` if it is the number of none.
    pub(crate) fn named(pid: u32) -> Option<Self> {
        // Not the owner of the files in /proc, who is root for some programs
        // of others.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok();
        let field = |name: &str| {
            let line = status.as_deref()?.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let uid = field("Uid:").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        let program = field("Name:").unwrap_or_else(|| "a process".into());
        (pid > 0).then(|| Self { pid, uid, program: program.escape_debug().to_string() })
    }

    fn unseen() -> Self {
        Self { pid: 0, uid: None, program: String::new() }
    }

    /// Whether it runs as one of these users.
    pub(crate) fn is_one_of(&self, users: impl IntoIterator<Item = u32>) -> bool {
        users.into_iter().any(|user| self.uid == Some(user))
    }

    /// Whether it is called as this program is.
    pub(crate) fn is_executive(&self) -> bool {
        self.program == EXECUTIVE
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { pid: 0, .. } => f.write_str("a process that cannot be seen from here"),
            Self { pid, uid: Some(uid), program } => {
                write!(f, "{program} (pid {pid}, uid {uid})")
            }
            Self { pid, uid: None, program } => write!(f, "{program} (pid {pid})"),
        }
    }
}

/// The process in a line of /proc/locks, such as
/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF`, if that is held on a file
/// whose name begins with `device` and ends with `number`. (A line of one that
/// waits has `->` before its kind.)
fn pid_of(line: &str, device: &str, number: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    let (kind, _, _, pid) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let file = words.next()?;
    let is_wanted = kind == "FLOCK" && file.starts_with(device) && file.ends_with(number);
    is_wanted.then(|| pid.parse().ok())?
}

/// The process that listens on the socket at `path`; `None` if none does. It notices a
/// connection that ends at once.
pub(crate) fn listening(path: &Path) -> Option<Holder> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).ok()?;
    match connect(socket.as_raw_fd(), &UnixAddr::new(path).ok()?) {
        Ok(()) => {
            let peer = getsockopt(&socket, sockopt::PeerCredentials).ok()?;
            Some(Holder::named(peer.pid().unsigned_abs()).unwrap_or_else(Holder::unseen))
        }
        // So many wait there that it does not say who it is.
        Err(Errno::EAGAIN) => Some(Holder::unseen()),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_locks_are_read() {
        let held = "12: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF";
        let pid = |line| pid_of(line, "08:01:", ":131");
        assert_eq!(pid(held), Some(4711));
        assert_eq!(pid_of(held, "", ":131"), Some(4711));
        assert_eq!(pid_of(held, "08:01:", ":13"), None);
        assert_eq!(pid_of(held, "08:02:", ":131"), None);
        assert_eq!(pid("12: -> FLOCK  ADVISORY  WRITE 5 08:01:131 0 EOF"), None);
        assert_eq!(pid("1: POSIX  ADVISORY  WRITE 5 08:01:131 0 EOF"), None);
        for line in ["", "1:", "1: FLOCK ADVISORY WRITE x 08:01:131 0 EOF"] {
            assert_eq!(pid(line), None);
        }
    }

    #[test]
    fn this_process_has_a_name() {
        let holder = Holder::named(std::process::id()).unwrap();
        assert!(holder.is_one_of([nix::unistd::geteuid().as_raw()]));
        assert_eq!(Holder::named(0), None);
    }
}
