//! Why nobody is reached on the socket of aisexec: the library has one code
//! for all of that, so this tries once more and looks.

use crate::escape;
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// What is to be done if the path is that of no aisexec.
const ELSEWHERE: &str = "set AIS_SOCKET to what aisexec has as --socket";

/// The socket on which aisexec is looked for, for people.
pub(super) fn socket() -> String {
    let path = ais_client::admin::socket();
    escape::path(&std::path::absolute(&path).unwrap_or(path))
}

/// Why nobody is reached, and what would be right.
pub(super) fn why_not() -> String {
    match reach(&ais_client::admin::socket()) {
        Ok(()) => format!("aisexec answers on {} again; try again", socket()),
        Err(error) => {
            format!(
                "no aisexec serves {}: {}",
                socket(),
                reason(&ais_client::admin::socket(), error)
            )
        }
    }
}

/// Why the executive does not let this user in, and which users it would.
pub(super) fn why_not_permitted() -> String {
    let (user, socket) = (nix::unistd::geteuid(), socket());
    let allowed = "root, the user that aisexec runs as, and the group ais (a new member has to log \
                   in anew)";
    match reach(&ais_client::admin::socket()) {
        Err(Errno::EACCES | Errno::EPERM) => format!(
            "not permitted: the modes of {socket} or of the directories on the way to it do not \
             let user {user} in; they are for {allowed}"
        ),
        _ => format!(
            "not permitted: aisexec on {socket} is for {allowed}; user {user} is none of these"
        ),
    }
}

/// What an error of connecting means.
fn reason(path: &Path, error: Errno) -> String {
    match error {
        Errno::ENAMETOOLONG => {
            let length = path.as_os_str().len();
            format!("the path has {length} bytes, and that of a socket 107 at most; {ELSEWHERE}")
        }
        Errno::ENOENT => format!(
            "there is no such file. Start aisexec; one that runs makes it when it has the state of \
             the cluster, and its log says what it lacks; or {ELSEWHERE}"
        ),
        Errno::ENOTDIR => format!("a part of the path is no directory; {ELSEWHERE}"),
        Errno::ECONNREFUSED => match fs::metadata(path).map(|found| found.file_type()) {
            Ok(found) if found.is_socket() => {
                "nobody listens there: the aisexec that made it has ended; start it".into()
            }
            Ok(found) => format!("it is {} and no socket; {ELSEWHERE}", escape::kind(found)),
            Err(error) => error.to_string(),
        },
        // All connections that may wait do; a daemon that is stopped takes none.
        Errno::EAGAIN => "aisexec takes no connection: it is stopped, or has too much to do".into(),
        Errno::EPROTOTYPE => format!("it is a socket of another kind; {ELSEWHERE}"),
        error => format!("{}; {ELSEWHERE}", error.desc()),
    }
}

fn reach(path: &Path) -> Result<(), Errno> {
    let address = UnixAddr::new(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(fd.as_raw_fd(), &address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    #[test]
    fn what_stands_at_the_path_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let said = |name: &str| reason(&at(name), reach(&at(name)).unwrap_err());
        assert!(said("none").starts_with("there is no such file. Start aisexec"));
        fs::write(at("file"), "").unwrap();
        assert!(said("file").starts_with("it is a regular file and no socket; set AIS_SOCKET"));
        assert!(said("file/x").starts_with("a part of the path is no directory"));
        assert!(said("").starts_with("it is a directory and no socket"));
        drop(UnixListener::bind(at("dead")).unwrap());
        assert!(said("dead").ends_with("has ended; start it"));
        let _other = UnixDatagram::bind(at("other")).unwrap();
        assert!(said("other").starts_with("it is a socket of another kind"));
        let _listener = UnixListener::bind(at("alive")).unwrap();
        assert_eq!(reach(&at("alive")), Ok(()));
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        assert!(said("circle").contains("symbolic links"), "{}", said("circle"));
        let long = said(&"n".repeat(200));
        assert!(long.contains(" bytes, and that of a socket 107 at most"), "{long}");
    }
}
