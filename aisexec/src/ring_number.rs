//! The numbers of views, which are higher than any that this node had in an
//! earlier life. They are reserved ahead in a file, written before they are
//! used, so that a crash loses none.

use ais_wire::NodeId;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Numbers reserved at start, so that the first views need not wait.
const AHEAD: u64 = 16;
/// The highest number that a file is believed: a view each microsecond would
/// take nine years to get there.
const HIGHEST: u64 = 1 << 48;
/// No file of a number is longer, in bytes.
const LONGEST: u64 = 32;

/// The file of a node.
#[derive(Debug)]
pub(crate) struct NumberFile {
    directory: PathBuf,
    path: PathBuf,
    is_kept: bool,
}

/// What is known of the numbers at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Views have higher ones than this.
    pub(crate) last: u64,
    /// They are reserved up to this one.
    pub(crate) reserved: u64,
}

impl NumberFile {
    /// Reads the file of `node` in `directory` and reserves some numbers. If
    /// it holds none that can be right, numbers go on from the time of day
    /// `seconds`, with an error in the log. If it cannot be written, they do
    /// so too, with a warning, and all count as reserved.
    pub(crate) fn open(directory: &Path, node: NodeId, seconds: u64) -> (Self, Numbers) {
        let path = directory.join(format!("ring-{node}"));
        let mut file = Self { directory: directory.into(), path, is_kept: true };
        let last = read(&file.path);
        let next = *last.as_ref().unwrap_or(&seconds);
        let reserved = next.saturating_add(AHEAD);
        let written = file.write(reserved);
        let path = file.path.display();
        match (&last, written) {
            (Ok(_), Ok(())) => {}
            (Ok(_), Err(error)) => file.warn(&error),
            (Err(damage), Ok(())) => log::error!(
                "{path} {damage}: counting goes on from the time of day, and {path} holds \
                 {reserved} now"
            ),
            (Err(damage), Err(error)) => {
                log::error!(
                    "{path} {damage}, and cannot be written ({error}): the ring number is taken \
                     from the clock at each start, and may repeat if that goes back; remove \
                     {path}, or name another directory with --state-dir"
                );
                file.is_kept = false;
            }
        }
        let numbers = match file.is_kept {
            true => Numbers { last: next, reserved },
            false => Numbers { last: next.max(seconds), reserved: u64::MAX },
        };
        (file, numbers)
    }

    /// Reserves the numbers up to this one. When this returns that will
    /// survive a crash of the machine, or was warned of.
    pub(crate) fn reserve(&mut self, number: u64) {
        match self.write(number) {
            Ok(()) => self.is_kept = true,
            Err(error) => self.warn(&error),
        }
    }

    fn warn(&mut self, error: &io::Error) {
        if std::mem::take(&mut self.is_kept) {
            log::warn!(
                "{} cannot be kept ({error}): the ring number is taken from the clock, and may \
                 repeat if that goes back; name a directory that can be written with --state-dir",
                self.path.display()
            );
        }
    }

    /// Replaces the file, or leaves it as it was.
    fn write(&self, number: u64) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o750).create(&self.directory)?;
        // Not `with_extension`: that would take the last number of an address
        // away.
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = create(&new).and_then(|mut file| {
            writeln!(file, "{number}")?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        });
        if written.is_err() {
            // What did not fit is not to fill the disk either.
            let _ = fs::remove_file(&new);
        }
        written?;
        File::open(&self.directory)?.sync_all()
    }
}

/// A new file at `path`, in place of one that a crash may have left there, or
/// that others have put there: it is not written through a link.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The number in the file; 0 if there is none. Else what is wrong with it, as
/// words that follow its path.
fn read(path: &Path) -> Result<u64, String> {
    let unreadable = |error: io::Error| format!("cannot be read ({error})");
    // A link is not followed, and the writer of a FIFO not waited for.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err("is a symbolic link rather than a file".into());
        }
        Err(error) => return Err(unreadable(error)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err("is no regular file".into());
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    number(&bytes).ok_or_else(|| {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST as usize)]);
        format!(
            "holds `{}`, which is not the number of a configuration (a whole number up to \
             {HIGHEST})",
            shown.trim_end().escape_debug()
        )
    })
}

/// The number that is all of a file.
fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    // A sign is no digit.
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    text.parse().ok().filter(|number| *number <= HIGHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path, last: u8) -> (u64, u64) {
        let (_, numbers) = NumberFile::open(directory, NodeId::new([127, 0, 0, last].into()), 1000);
        (numbers.last, numbers.reserved)
    }

    #[test]
    fn every_life_goes_on_behind_what_was_reserved() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        assert_eq!(open(&state, 1), (0, 16));
        let (mut file, numbers) =
            NumberFile::open(&state, NodeId::new([127, 0, 0, 1].into()), 1000);
        assert_eq!(numbers, Numbers { last: 16, reserved: 32 });
        file.reserve(100);
        assert_eq!(fs::read_to_string(state.join("ring-127.0.0.1")).unwrap(), "100\n");
        assert_eq!(open(&state, 1), (100, 116));
        assert_eq!(open(&state, 2), (0, 16));
    }

    #[test]
    fn a_number_that_cannot_be_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring-127.0.0.1");
        for text in [
            "",
            "\n",
            "-1\n",
            "+1\n",
            "1 2\n",
            "1\n2\n",
            "12 views",
            "0x10",
            "281474976710657",
            "9223372036854775807",
            "18446744073709551615",
            "99999999999999999999999999999999999999",
            "\0\0\0\0",
            "\u{7f}ELF",
        ] {
            fs::write(&path, text).unwrap();
            let damage = read(&path).unwrap_err();
            assert!(damage.contains("281474976710656"), "{damage}");
            assert_eq!(open(directory.path(), 1), (1000, 1016), "{text:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "1016\n");
        }
        fs::write(&path, "281474976710656").unwrap();
        assert_eq!(read(&path), Ok(HIGHEST));
    }

    #[test]
    fn what_others_put_in_the_directory_is_neither_followed_nor_waited_for() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("precious");
        fs::write(&precious, "7").unwrap();
        let path = directory.path().join("ring-127.0.0.1");
        for at in ["ring-127.0.0.1", "ring-127.0.0.1.new"] {
            symlink(&precious, directory.path().join(at)).unwrap();
        }
        assert_eq!(open(directory.path(), 1), (1000, 1016));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "7");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(open(directory.path(), 1), (1000, 1016));
        // Nothing can be written in its place.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(open(directory.path(), 1), (1000, u64::MAX));
        assert!(!directory.path().join("ring-127.0.0.1.new").exists());
    }

    #[test]
    fn without_a_file_the_clock_counts() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(open(&file, 1), (1000, u64::MAX));
        fs::write(directory.path().join("ring-127.0.0.1"), "garbage").unwrap();
        assert_eq!(open(directory.path(), 1), (1000, 1016));
        assert_eq!(open(directory.path(), 1), (1016, 1032));
    }
}
