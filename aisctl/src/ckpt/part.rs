//! A file in the making: it takes its name when it is complete, and if that
//! does not come to pass nothing of it stays.

use super::target::directory;
use super::told;
use crate::{Failure, escape};
use nix::sys::signal::{SigSet, Signal, raise};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;

/// Files of others that are passed over when a name is looked for.
const TRIES: u32 = 100;

/// The file, and the name it is to get.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    part: PathBuf,
    path: PathBuf,
    is_there: bool,
}

impl Part {
    /// Begins a file in the directory of that which it is to replace, or to
    /// be. It is for its owner alone; as soon as it replaces one it has the
    /// owner and mode of that, as far as this user can give them.
    ///
    /// # Errors
    /// In words, if the directory or the file may not be written.
    pub(super) fn beside(path: &Path) -> Result<Self, Failure> {
        let old = match OpenOptions::new().write(true).open(path) {
            Ok(old) => Some(old.metadata().map_err(|error| told(path, &error))?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let path = escape::path(path);
                return Err(Failure::Words(format!("{path}: {error}; it is as it was")));
            }
        };
        let signals = block_signals();
        let (file, part) = create(directory(path))?;
        watch(signals, part.clone());
        let made = Self { file, part, path: path.into(), is_there: old.is_some() };
        if let Some(old) = old {
            let failure = |error| made.failure(&error);
            // Without its group the mode would open it to another one.
            let owner = fchown(&made.file, Some(old.uid()), Some(old.gid()));
            let mode = old.mode() & if owner.is_ok() { 0o777 } else { 0o700 };
            made.file.set_permissions(Permissions::from_mode(mode)).map_err(failure)?;
        }
        Ok(made)
    }

    /// What to write to.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// What an error of that is.
    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        let state = if self.is_there { "it is as it was" } else { "nothing of it was made" };
        Failure::Words(format!("{}: {error}; {state}", escape::path(&self.path)))
    }

    /// Gives the file its name, once all of it is on the disk.
    ///
    /// # Errors
    /// As [`failure`](Self::failure).
    pub(super) fn complete(self) -> Result<(), Failure> {
        let done = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.path));
        done.map_err(|error| self.failure(&error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // With its name it is not there any more.
        let _ = fs::remove_file(&self.part);
    }
}

/// A new file with a name that nobody else has.
fn create(directory: &Path) -> Result<(File, PathBuf), Failure> {
    let process = std::process::id();
    let mut number = 0;
    loop {
        let path = directory.join(format!(".aisctl-{process}-{number}.part"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < TRIES => number += 1,
            Err(error) => {
                let directory = escape::path(directory);
                return Err(Failure::Words(format!(
                    "the directory {directory}: no file can be made in it: {error}; nothing was \
                     changed"
                )));
            }
        }
    }
}

/// Has the signals that would end the process wait, but for those that it was
/// started to ignore.
fn block_signals() -> SigSet {
    let ignored = ignored();
    let ends = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
    let signals: SigSet =
        ends.into_iter().filter(|signal| ignored & (1 << (*signal as u32 - 1)) == 0).collect();
    // A file that becomes too large is an error of the write then.
    let mut blocked = signals;
    blocked.add(Signal::SIGXFSZ);
    // It has no reason to fail.
    let _ = blocked.thread_block();
    signals
}

/// The signals that the process ignores, as the kernel shows them: bit n is
/// signal n + 1.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Removes the file when one of the signals comes, and lets the process end by
/// it. A thread, as the library may wait for aisexec just then.
fn watch(signals: SigSet, part: PathBuf) {
    let watcher = thread::Builder::new().spawn(move || {
        while let Ok(signal) = signals.wait() {
            let _ = fs::remove_file(&part);
            let _ = signals.thread_unblock();
            let _ = raise(signal);
        }
    });
    if watcher.is_err() {
        // The process can be ended all the same; what is there of the file stays.
        let _ = signals.thread_unblock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::words;

    fn names(directory: &Path) -> Vec<String> {
        let found = fs::read_dir(directory).unwrap();
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        found.map(name).collect()
    }

    #[test]
    fn it_is_complete_or_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mode = || fs::metadata(&path).unwrap().mode() & 0o777;
        let write = |text: &str| {
            let part = Part::beside(&path).unwrap();
            io::Write::write_all(&mut part.writer().unwrap(), text.as_bytes()).unwrap();
            part
        };
        drop(write("lost"));
        assert_eq!(names(directory.path()), Vec::<String>::new());
        write("first").complete().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("first", 0o600));
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let said = words(&write("lost").failure(&nix::errno::Errno::ENOSPC.into()));
        assert!(said.ends_with("it is as it was"), "{said}");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("first", 0o640));
        write("second").complete().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("second", 0o640));
        assert_eq!(names(directory.path()), ["file"]);
        let missing = words(&Part::beside(&directory.path().join("none/file")).unwrap_err());
        assert!(missing.contains("none: no file can be made in it: No such file"), "{missing}");
    }
}
