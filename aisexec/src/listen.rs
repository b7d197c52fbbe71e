//! The socket that programs connect to. Others may do to its file what they
//! like, cleaners of /run and /tmp above all: a look now and then finds that,
//! and puts right what can be put right.

use crate::claim::{Claim, is_left_over, make_directory};
use crate::holder::listening;
use crate::sys;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Gid;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The group whose members may use the executive.
pub(crate) const GROUP: &str = "ais";
/// Connections that may wait to be accepted.
pub(crate) const BACKLOG: u16 = 1024;
/// The mode of the socket: for its owner and its group.
const MODE: u32 = 0o660;

/// The socket while it is served. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    claim: Claim,
    file: SocketFile,
    /// The group it was given to.
    group: Option<Gid>,
    /// What was wrong with the file at the last look.
    complaint: Option<String>,
    /// What was wrong with the directories above it then.
    directories: Vec<String>,
}

/// The file of the socket, as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SocketFile {
    /// Device and number.
    place: (u64, u64),
    /// The user it belongs to.
    owner: u32,
}

impl SocketFile {
    fn of(found: &Metadata) -> Self {
        Self { place: (found.dev(), found.ino()), owner: found.uid() }
    }
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
        let (listener, file) = open(claim.path())?;
        let directories = Vec::new();
        let mut opened = Self { listener, claim, file, group, complaint: None, directories };
        match group {
            Some(_) => opened.give_to_group(),
            None => log::warn!(
                "there is no group `{GROUP}`: only root and the user aisexec runs as may connect"
            ),
        }
        opened.look_at_directories();
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

    /// Looks whether the socket, its lock and the directories above are still
    /// where and what they were, and puts right what belongs to this process. If the socket had to be made anew, that is
    /// the one to watch from now on, and the old one is returned: programs may
    /// have connected to it.
    pub(crate) fn look(&mut self) -> Option<UnixListener> {
        self.look_at_directories();
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
            Ok(found) if SocketFile::of(&found).place == self.file.place => {
                return self.mend_file(&found).map(|()| None);
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
        let (listener, file) = open(path)?;
        let old = std::mem::replace(&mut self.listener, listener);
        self.file = file;
        self.give_to_group();
        self.listen()?;
        log::warn!(
            "the socket {} was {what}: it is made anew, and programs that are connected notice \
             nothing",
            self.claim.path().display()
        );
        Ok(Some(old))
    }

    /// Says what of the directories above the socket has come to keep its group
    /// out, or to let others in, since the last look.
    fn look_at_directories(&mut self) {
        let found = doubts_of_directories(self.claim.path(), self.group);
        for doubt in found.iter().filter(|doubt| !self.directories.contains(doubt)) {
            log::warn!("{doubt}");
        }
        self.directories = found;
    }

    /// Gives back what the owner and the group lack, and complains of what
    /// others have.
    fn mend_file(&mut self, found: &Metadata) -> Result<(), String> {
        let (path, mode) = (self.claim.path(), found.mode() & 0o7777);
        let owner = self.file.owner;
        if found.uid() != owner {
            lchown(path, Some(owner), None).map_err(|error| {
                format!(
                    "{0} was given to user {1} and cannot be taken back ({error}): that user says \
                     who gets to it; chown {owner} {0}",
                    path.display(),
                    found.uid()
                )
            })?;
            log::warn!("{} was given to user {}: it is taken back", path.display(), found.uid());
        }
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
        if let Some(group) = self.group
            && let Err(error) = lchown(path, None, Some(group.as_raw()))
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
        let is_ours = fs::symlink_metadata(path)
            .is_ok_and(|found| SocketFile::of(&found).place == self.file.place);
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
/// first moment on; with its file.
fn open(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let not_opened = |error: io::Error| format!("{} cannot be opened: {error}", path.display());
    let listener = bound(path).map_err(|error| not_opened(error.into()))?;
    let found = fs::symlink_metadata(path).map_err(not_opened)?;
    Ok((listener, SocketFile::of(&found)))
}

fn bound(path: &Path) -> Result<UnixListener, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    sys::refuse_descriptors(&fd);
    let address = UnixAddr::new(path)?;
    let before = umask(Mode::from_bits_truncate(!MODE & 0o777));
    let bound = bind(fd.as_raw_fd(), &address);
    umask(before);
    bound.map(|()| UnixListener::from(fd))
}

/// Which directory keeps the group from the socket, or has others remove it.
fn doubts_of_directories(path: &Path, group: Option<Gid>) -> Vec<String> {
    let mut doubts = Vec::new();
    for directory in path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
        let Ok(found) = fs::metadata(directory) else { continue };
        let (mode, directory) = (found.mode() & 0o7777, directory.display());
        let is_open =
            |group: Gid| mode & 0o001 != 0 || found.gid() == group.as_raw() && mode & 0o010 != 0;
        if !group.is_none_or(is_open) {
            doubts.push(format!(
                "{directory} has mode {mode:04o}, so that members of group `{GROUP}` do not get \
                 to the socket {}; chmod {:04o} {directory}",
                path.display(),
                mode | 0o111
            ));
        }
        if mode & 0o1002 == 0o002 {
            doubts.push(format!(
                "{directory} has mode {mode:04o}, so that anybody can remove or replace the \
                 socket {}; chmod {:04o} {directory}",
                path.display(),
                mode & !0o002
            ));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_doubted_for_what_its_mode_lets_whom_do() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("run");
        fs::create_dir(&run).unwrap();
        let owner = fs::metadata(&run).unwrap().gid();
        let (own, other) = (Gid::from_raw(owner), Gid::from_raw(owner + 1));
        for (mode, group, expected) in [
            (0o755, Some(other), None),
            (0o700, Some(own), Some("do not get to the socket")),
            (0o700, None, None),
            (0o750, Some(own), None),
            (0o750, Some(other), Some("do not get to the socket")),
            (0o777, Some(other), Some("can remove or replace the socket")),
            (0o777, None, Some("can remove or replace the socket")),
            (0o1777, Some(other), None),
        ] {
            fs::set_permissions(&run, Permissions::from_mode(mode)).unwrap();
            let doubts = doubts_of_directories(&run.join("socket"), group);
            // Those above have modes of their own.
            let begin = format!("{} has mode {mode:04o}, ", run.display());
            let found: Vec<_> = doubts.iter().filter(|doubt| doubt.starts_with(&begin)).collect();
            assert_eq!(found.len(), usize::from(expected.is_some()), "{mode:o} {found:?}");
            assert!(found.iter().all(|doubt| doubt.contains(expected.unwrap_or_default())));
        }
    }
}
