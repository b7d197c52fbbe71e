//! The numbers of views, which are higher than any that this node had in an
//! earlier life. They are reserved ahead in a file, written before they are
//! used, so that a crash loses none.

use ais_wire::NodeId;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Numbers reserved at start, so that the first views need not wait.
const AHEAD: u64 = 16;

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
    /// it cannot be written, numbers go on from the time of day `seconds`,
    /// with a warning, and all count as reserved.
    pub(crate) fn open(directory: &Path, node: NodeId, seconds: u64) -> (Self, Numbers) {
        let path = directory.join(format!("ring-{node}"));
        let mut file = Self { directory: directory.into(), path, is_kept: true };
        let last = match file.read(seconds) {
            Ok(last) => last,
            Err(error) => {
                file.warn(&error);
                seconds
            }
        };
        let reserved = last.saturating_add(AHEAD);
        file.reserve(reserved);
        let numbers = match file.is_kept {
            true => Numbers { last, reserved },
            false => Numbers { last: last.max(seconds), reserved: u64::MAX },
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

    fn read(&self, seconds: u64) -> io::Result<u64> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.trim().parse().unwrap_or_else(|_| {
                log::warn!(
                    "{} holds no number; counting goes on from the time of day",
                    self.path.display()
                );
                seconds
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file, or leaves it as it was.
    fn write(&self, number: u64) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        // Not `with_extension`: that would take the last number of an address
        // away.
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let mut file = File::create(&new)?;
        writeln!(file, "{number}")?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(&self.directory)?.sync_all()
    }
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
