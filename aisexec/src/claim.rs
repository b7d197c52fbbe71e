//! The right to the socket at a path: a lock on a file beside it, held until
//! the process ends. A socket that nobody holds it for is left over and may be
//! replaced, without a moment in which two could think so.
//!
//! The file is for its owner alone. A lock that somebody else could take on it
//! says nothing, so a file that others can open is replaced by one of our own.

use crate::holder::{Holder, listening};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The mode of the lock file.
const MODE: u32 = 0o600;
/// How often the file may be exchanged by others while it is being locked.
const ATTEMPTS: u32 = 8;

/// The lock on the file beside a socket.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    lock: PathBuf,
    file: Flock<File>,
}

impl Claim {
    /// Claims the socket at `path`, which is opened later. The directory is
    /// made if it is missing.
    ///
    /// # Errors
    /// Why not, in words; another aisexec holds it, for one.
    pub(crate) fn new(path: &Path) -> Result<Self, String> {
        is_left_over(path)?;
        make_directory(path)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let file = lock_file(path, &lock)?;
        if let Some(process) = listening(path) {
            return Err(format!(
                "{process} serves {} already, though it does not hold {}, which somebody must \
                 have removed; stop it, or name another socket with --socket",
                path.display(),
                lock.display()
            ));
        }
        Ok(Self { path: path.into(), lock, file })
    }

    /// Looks whether the file at its path still is the one that is locked, and
    /// locks another one if not: else somebody could claim the socket as well.
    ///
    /// # Errors
    /// Why that cannot be, in words; somebody else has locked one, for one.
    pub(crate) fn keep(&mut self) -> Result<(), String> {
        if is_at(&self.file, &self.lock) {
            return Ok(());
        }
        make_directory(&self.path)?;
        let lock = self.lock.display();
        self.file = lock_file(&self.path, &self.lock).map_err(|why| {
            format!(
                "{lock} was removed or replaced, and this process cannot lock it again, so that it \
                 makes no socket anew: {why}"
            )
        })?;
        log::warn!("{lock} was removed or replaced: it is made anew");
        Ok(())
    }

    /// The path of the socket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether there is a socket at `path`.
///
/// # Errors
/// In words, if there is something else.
pub(crate) fn is_left_over(path: &Path) -> Result<bool, String> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(format!(
            "{} is there and is no socket; remove it, or name another socket with --socket",
            path.display()
        )),
        Err(_) => Ok(false),
    }
}

/// Makes the directory of the socket at `path`, if it is missing.
pub(crate) fn make_directory(path: &Path) -> Result<(), String> {
    let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|error| {
        format!(
            "the directory {} cannot be made ({error}); make it, or name another socket with \
             --socket",
            directory.display()
        )
    })
}

/// Opens and locks the file `lock` for the socket at `path`.
fn lock_file(path: &Path, lock: &Path) -> Result<Flock<File>, String> {
    for _ in 0..ATTEMPTS {
        let found = match fs::symlink_metadata(lock) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(lock)?;
                continue;
            }
            Err(error) => return Err(not_opened(lock, &error)),
        };
        if !found.file_type().is_file() {
            return Err(format!(
                "{} is there and is no regular file; remove it, or name another socket with \
                 --socket",
                lock.display()
            ));
        }
        if let Some(why) = not_ours(&found) {
            take_away(path, lock, &found, Some(&why))?;
            continue;
        }
        let file = match open(lock, OpenOptions::new().read(true).write(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(not_opened(lock, &error)),
        };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) if is_at(&locked, lock) => return Ok(noted(locked)),
            Ok(_) => {}
            Err((_, Errno::EWOULDBLOCK)) => take_away(path, lock, &found, None)?,
            Err((_, error)) => return Err(not_locked(lock, error)),
        }
    }
    Err(format!("{} is exchanged again and again; find out by whom", lock.display()))
}

/// Makes the file, unless somebody was quicker.
fn create(lock: &Path) -> Result<(), String> {
    match open(lock, OpenOptions::new().write(true).create_new(true).mode(MODE)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(not_opened(lock, &error)),
        _ => Ok(()),
    }
}

/// Opens a file that may have become something else since it was looked at: a
/// link is not followed, and nobody is waited for.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// Why a lock on this file says nothing, if it does not.
fn not_ours(found: &Metadata) -> Option<String> {
    let mode = found.mode() & 0o7777;
    if found.uid() != geteuid().as_raw() {
        Some(format!("belongs to uid {}", found.uid()))
    } else if mode & 0o077 != 0 {
        Some(format!("has mode {mode:04o}"))
    } else if found.nlink() != 1 {
        Some(format!("has {} names", found.nlink()))
    } else {
        None
    }
}

/// Removes a lock file that somebody holds who may not, or that others can
/// open; `why` says that of it. Root may hold it, and so may the user this
/// process runs as, and the owner of the file.
fn take_away(path: &Path, lock: &Path, found: &Metadata, why: Option<&str>) -> Result<(), String> {
    let guard = match open(lock, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(not_opened(lock, &error)),
    };
    // Of two that find the file like this one at a time goes on.
    let (guard, why) = match (Flock::lock(guard, FlockArg::LockExclusiveNonblock), why) {
        // Who held it has let go.
        (Ok(_), None) => return Ok(()),
        (Ok(guard), Some(why)) if is_at(&guard, lock) => (Some(guard), why.to_owned()),
        (Ok(_), Some(_)) => return Ok(()),
        (Err((file, Errno::EWOULDBLOCK)), _) => {
            let may_hold = [0, geteuid().as_raw(), found.uid()];
            match Holder::of(found).or_else(|| read_note(file)) {
                Some(holder) if !holder.is_one_of(may_hold) => {
                    (None, format!("is locked by {holder}"))
                }
                holder => return Err(taken(path, lock, holder)),
            }
        }
        (Err((_, error)), _) => return Err(not_locked(lock, error)),
    };
    fs::remove_file(lock).map_err(|error| {
        format!("{} {why} and cannot be removed ({error}); remove it", lock.display())
    })?;
    drop(guard);
    log::warn!(
        "{} {why}: it is replaced by one that only its owner can open (mode {MODE:04o})",
        lock.display()
    );
    Ok(())
}

/// Whether this is the file that is found at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let Ok(there) = fs::symlink_metadata(path) else { return false };
    file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

fn taken(path: &Path, lock: &Path, holder: Option<Holder>) -> String {
    let path = path.display();
    match holder {
        Some(holder) if holder.is_executive() => format!(
            "another aisexec (pid {}) serves {path} already; stop it, or name another socket with \
             --socket",
            holder.pid
        ),
        Some(holder) => format!(
            "{} is locked by {holder}, so {path} cannot be served; stop that, or name another \
             socket with --socket",
            lock.display()
        ),
        None => format!(
            "{} is locked by a process that cannot be seen from here, so {path} cannot be served; \
             name another socket with --socket",
            lock.display()
        ),
    }
}

/// Writes the number of this process into the file it has locked, for people,
/// and for those who are not shown the locks of the kernel.
fn noted(mut locked: Flock<File>) -> Flock<File> {
    // The lock holds without it.
    let _ = locked.set_len(0).and_then(|()| writeln!(locked, "{}", std::process::id()));
    locked
}

/// The process that has written down that it holds the lock.
fn read_note(file: File) -> Option<Holder> {
    let mut text = String::new();
    // Sixteen bytes hold every number of a process.
    file.take(16).read_to_string(&mut text).ok()?;
    Holder::named(text.trim().parse().ok()?)
}

fn not_opened(lock: &Path, error: &io::Error) -> String {
    format!(
        "{} cannot be opened ({error}); run as a user who may, or name another socket with \
         --socket",
        lock.display()
    )
}

fn not_locked(lock: &Path, error: Errno) -> String {
    format!("{} cannot be locked: {error}", lock.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    fn site() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let (path, lock) = (directory.path().join("s"), directory.path().join("s.lock"));
        (directory, path, lock)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_lock_file_is_for_its_owner_alone() {
        let (_directory, path, lock) = site();
        let claim = Claim::new(&path).unwrap();
        assert_eq!(mode(&lock), 0o600);
        assert!(is_at(&claim.file, &lock));
        drop(claim);
        // One of an earlier version, which somebody else may have open.
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
        let theirs = File::open(&lock).unwrap();
        let _claim = Claim::new(&path).unwrap();
        assert_eq!(mode(&lock), 0o600);
        assert!(!is_at(&theirs, &lock));
    }

    #[test]
    fn a_file_with_a_second_name_is_left_as_it_was() {
        let (directory, path, lock) = site();
        let precious = directory.path().join("precious");
        fs::write(&precious, "data").unwrap();
        fs::set_permissions(&precious, fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(&precious, &lock).unwrap();
        let _claim = Claim::new(&path).unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "data");
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let (directory, path, lock) = site();
        let precious = directory.path().join("precious");
        fs::write(&precious, "data").unwrap();
        symlink(&precious, &lock).unwrap();
        let refusal = |path: &Path| Claim::new(path).unwrap_err();
        assert!(refusal(&path).contains("s.lock is there and is no regular file; remove it"));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "data");
        fs::remove_file(&lock).unwrap();
        nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(refusal(&path).contains("is no regular file"));
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        assert!(refusal(&path).contains("is no regular file"));
    }

    #[test]
    fn who_holds_the_lock_is_named() {
        let (_directory, path, lock) = site();
        let _claim = Claim::new(&path).unwrap();
        // This process is no aisexec.
        let expected = format!("(pid {}, uid {})", std::process::id(), geteuid());
        let refusal = Claim::new(&path).unwrap_err();
        assert!(refusal.contains(&format!("{} is locked by ", lock.display())), "{refusal}");
        assert!(refusal.contains(&expected), "{refusal}");
    }

    #[test]
    fn who_listens_is_not_replaced_though_the_lock_is_gone() {
        let (_directory, path, lock) = site();
        let claim = Claim::new(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        fs::remove_file(&lock).unwrap();
        assert!(!is_at(&claim.file, &lock));
        let refusal = Claim::new(&path).unwrap_err();
        assert!(refusal.contains("serves") && refusal.contains("does not hold"), "{refusal}");
        drop(listener);
        let _second = Claim::new(&path).unwrap();
    }
}
