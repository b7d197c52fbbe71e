//! The socket that programs connect to. Others may do to its file what they
//! like, cleaners of /run and /tmp above all: a look now and then finds that,
//! and puts right what can be put right.

use crate::claim::{Claim, is_left_over, make_directory};
use crate::holder::listening;
use crate::ipc::GROUP;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, chown};
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Connections that may wait to be accepted.
pub(crate) const BACKLOG: u16 = 1024;
/// The mode of the socket: for its owner and its group.
const MODE: u32 = 0o660;

/// The socket while it is served. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    claim: Claim,
    /// Device and number of the file.
    place: (u64, u64),
    /// The group it was given to.
    group: Option<Gid>,
    /// What was wrong with the file at the last look.
    complaint: Option<String>,
}

impl Listener {
    /// Opens the claimed socket, in place of one that is left over.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn open(mut claim: Claim, group: Option<Gid>) -> Result<Self, String> {
        claim.keep()?;
        if is_left_over(claim.path())? {
            remove(claim.path())?;
        }
        let (listener, place) = open(claim.path())?;
        let mut opened = Self { listener, claim, place, group, complaint: None };
        match group {
            Some(group) => {
                opened.give_to_group();
                complain_of_directories(opened.claim.path(), group);
            }
            None => log::warn!(
                "there is no group `{GROUP}`: only root and the user aisexec runs as may connect"
            ),
        }
        opened.listen()?;
        Ok(opened)
    }

    /// The next connection; does not wait for one.
    ///
    /// # Errors
    /// What accept(2) says.
    pub(crate) fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(socket, _)| socket)
    }

    /// Looks whether the socket and its lock are still where and what they
    /// were, and puts them right. If the socket had to be made anew, that is
    /// the one to watch from now on, and the old one is returned: programs may
    /// have connected to it.
    pub(crate) fn look(&mut self) -> Option<UnixListener> {
        match self.mend() {
            Ok(old) => {
                self.complaint = None;
                old
            }
            Err(complaint) => {
                if self.complaint.as_ref() != Some(&complaint) {
                    log::error!("{complaint}");
                    self.complaint = Some(complaint);
                }
                None
            }
        }
    }

    fn mend(&mut self) -> Result<Option<UnixListener>, String> {
        self.claim.keep()?;
        let path = self.claim.path();
        let what = match fs::symlink_metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == self.place => {
                return self.mend_mode(&found).map(|()| None);
            }
            Ok(_) => "replaced",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "removed",
            Err(error) => return Err(format!("{} cannot be looked at: {error}", path.display())),
        };
        if let Some(process) = listening(path) {
            return Err(format!(
                "{process} has put a socket of its own at {}: programs that connect now reach \
                 that; stop it, and the socket is made anew",
                path.display()
            ));
        }
        if is_left_over(path)? {
            remove(path)?;
        }
        make_directory(path)?;
        let (listener, place) = open(path)?;
        let old = std::mem::replace(&mut self.listener, listener);
        self.place = place;
        self.give_to_group();
        self.listen()?;
        log::warn!(
            "the socket {} was {what}: it is made anew, and programs that are connected notice \
             nothing",
            self.claim.path().display()
        );
        Ok(Some(old))
    }

    /// Gives back what the owner and the group lack, and complains of what
    /// others have.
    fn mend_mode(&mut self, found: &Metadata) -> Result<(), String> {
        let (path, mode) = (self.claim.path(), found.mode() & 0o7777);
        if mode & MODE != MODE {
            let mended = Permissions::from_mode(mode | MODE);
            fs::set_permissions(path, mended).map_err(|error| {
                format!(
                    "{} has mode {mode:04o} and cannot be given {MODE:04o} ({error}): programs \
                     may not get to it",
                    path.display()
                )
            })?;
            log::warn!("{} had mode {mode:04o}: it is {MODE:04o} again", path.display());
        }
        if self.group.is_some_and(|group| group.as_raw() != found.gid()) {
            log::warn!("{} was given to group {}: it is taken back", path.display(), found.gid());
            self.give_to_group();
        }
        let path = self.claim.path().display();
        if mode & 0o007 != 0 {
            return Err(format!(
                "{path} has mode {mode:04o}: others get to it than those who are served, who are \
                 root, the user aisexec runs as and group `{GROUP}`; chmod {MODE:04o} {path}"
            ));
        }
        Ok(())
    }

    fn give_to_group(&mut self) {
        let path = self.claim.path();
        if self.group.is_some()
            && let Err(error) = chown(path, None, self.group)
        {
            log::warn!(
                "the socket {} cannot be given to group `{GROUP}` ({error}): of its members only \
                 those who may open it otherwise can connect",
                path.display()
            );
            self.group = None;
        }
    }

    fn listen(&self) -> Result<(), String> {
        listen(&self.listener, Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN))
            .map_err(|error| format!("{}: {error}", self.claim.path().display()))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let path = self.claim.path();
        let is_ours =
            fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == self.place);
        if is_ours && let Err(error) = fs::remove_file(path) {
            log::warn!("{} cannot be removed: {error}", path.display());
        }
    }
}

fn remove(path: &Path) -> Result<(), String> {
    fs::remove_file(path)
        .map_err(|error| format!("the old socket {} cannot be removed: {error}", path.display()))
}

/// A bound socket that only its owner and its group may connect to, from the
/// first moment on; with the place of its file.
fn open(path: &Path) -> Result<(UnixListener, (u64, u64)), String> {
    let not_opened = |error: io::Error| format!("{} cannot be opened: {error}", path.display());
    let listener = bound(path).map_err(|error| not_opened(error.into()))?;
    let found = fs::symlink_metadata(path).map_err(not_opened)?;
    Ok((listener, (found.dev(), found.ino())))
}

fn bound(path: &Path) -> Result<UnixListener, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let address = UnixAddr::new(path)?;
    let before = umask(Mode::from_bits_truncate(!MODE & 0o777));
    let bound = bind(fd.as_raw_fd(), &address);
    umask(before);
    bound.map(|()| UnixListener::from(fd))
}

/// Says which directory keeps the group from the socket, or has others remove
/// it.
fn complain_of_directories(path: &Path, group: Gid) {
    for directory in path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
        let Ok(found) = fs::metadata(directory) else { continue };
        let (mode, directory) = (found.mode() & 0o7777, directory.display());
        let is_open = mode & 0o001 != 0 || found.gid() == group.as_raw() && mode & 0o010 != 0;
        if !is_open {
            log::warn!(
                "{directory} has mode {mode:04o}, so that members of group `{GROUP}` do not get \
                 to the socket {}; chmod {:04o} {directory}",
                path.display(),
                mode | 0o111
            );
        }
        if mode & 0o1002 == 0o002 {
            log::warn!(
                "{directory} has mode {mode:04o}, so that anybody can remove or replace the \
                 socket {}; chmod {:04o} {directory}",
                path.display(),
                mode & !0o002
            );
        }
    }
}
