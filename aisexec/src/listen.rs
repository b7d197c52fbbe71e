//! The socket that programs connect to.

use crate::ipc::GROUP;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, chown};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The right to the socket at a path, held until the process ends. It is a
/// lock on a file beside the socket: a socket that nobody holds it for is left
/// over and may be replaced, without a moment in which two could think so.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Claim {
    /// Claims the socket at `path`, which is opened later. The directory is
    /// made if it is missing.
    ///
    /// # Errors
    /// Why not, in words; another aisexec holds it, for one.
    pub(crate) fn new(path: &Path) -> Result<Self, String> {
        is_left_over(path)?;
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|error| {
                format!(
                    "the directory {} cannot be made ({error}); make it, or name another \
                     socket with --socket",
                    directory.display()
                )
            })?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            // Whoever may write in the directory cannot have another file
            // emptied by a link to it.
            .custom_flags(libc::O_NOFOLLOW)
            .open(&lock)
            .map_err(|error| {
                format!(
                    "{} cannot be opened ({error}); run as a user who may, or name another \
                     socket with --socket",
                    lock.display()
                )
            })?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                // Only for the message of a second aisexec.
                let _ = lock.set_len(0);
                let _ = writeln!(lock, "{}", std::process::id());
                Ok(Self { path: path.into(), _lock: lock })
            }
            Err((file, Errno::EWOULDBLOCK)) => Err(format!(
                "another aisexec{} serves {} already; stop it, or name another socket with \
                 --socket",
                holder(file),
                path.display()
            )),
            Err((_, error)) => Err(format!("{} cannot be locked: {error}", lock.display())),
        }
    }

    /// Opens the socket, in place of one that is left over.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn listen(self, group: Option<Gid>) -> Result<Listener, String> {
        let path = self.path.display();
        if is_left_over(&self.path)? {
            fs::remove_file(&self.path)
                .map_err(|error| format!("the old socket {path} cannot be removed: {error}"))?;
        }
        let listener =
            open(&self.path).map_err(|error| format!("{path} cannot be opened: {error}"))?;
        let listener = Listener { listener, claim: self };
        match group {
            Some(_) => chown(&listener.claim.path, None, group).unwrap_or_else(|error| {
                log::warn!(
                    "the socket {} cannot be given to group `{GROUP}` ({error}): of its members \
                     only those who may open it otherwise can connect",
                    listener.claim.path.display()
                );
            }),
            None => log::warn!(
                "there is no group `{GROUP}`: only root and the user aisexec runs as may connect"
            ),
        }
        listen(&listener.listener, Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN))
            .map_err(|error| format!("{}: {error}", listener.claim.path.display()))?;
        Ok(listener)
    }
}

/// Whether there is a socket at `path`.
///
/// # Errors
/// In words, if there is something else.
fn is_left_over(path: &Path) -> Result<bool, String> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(format!(
            "{} is there and is no socket; remove it, or name another socket with --socket",
            path.display()
        )),
        Err(_) => Ok(false),
    }
}

/// A bound socket that only its owner and its group may connect to, from the
/// first moment on.
fn open(path: &Path) -> Result<UnixListener, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let address = UnixAddr::new(path)?;
    let before = umask(Mode::from_bits_truncate(0o117));
    let bound = bind(fd.as_raw_fd(), &address);
    umask(before);
    bound.map(|()| UnixListener::from(fd))
}

/// Who holds a lock, for a message.
fn holder(file: File) -> String {
    let mut text = String::new();
    // Sixteen bytes hold every number of a process.
    match file.take(16).read_to_string(&mut text) {
        Ok(_) => text.trim().parse::<u32>().map_or(String::new(), |pid| format!(" (pid {pid})")),
        Err(_) => String::new(),
    }
}

/// The socket while it is served. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    claim: Claim,
}

impl Listener {
    /// The next connection; does not wait for one.
    ///
    /// # Errors
    /// What accept(2) says.
    pub(crate) fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(socket, _)| socket)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.claim.path) {
            log::warn!("{} cannot be removed: {error}", self.claim.path.display());
        }
    }
}
