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
/// The highest number that is written. No cluster counts that far, so a file
/// that holds it, or a higher one, is damaged, or somebody has driven the numbers
/// up with forged packets.
const HIGHEST: u64 = ais_totem::HIGHEST_NUMBER;
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
    /// `seconds`, and the file is replaced, with an error in the log. If it
    /// cannot be written, they do so too, with a warning, and all count as
    /// reserved.
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
                 {} now",
                reserved.min(HIGHEST)
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

    /// Has the file hold this number, or the highest that it can, or leaves it as
    /// it was. An error names what it is about.
    fn write(&self, number: u64) -> io::Result<()> {
        let number = number.min(HIGHEST);
        let directory = DirBuilder::new().recursive(true).mode(0o750).create(&self.directory);
        directory.map_err(about(&self.directory))?;
        // Not `with_extension`: that would take the last number of an address
        // away.
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = create(&new).map_err(about(&new)).and_then(|mut file| {
            writeln!(file, "{number}").map_err(about(&new))?;
            file.sync_all().map_err(about(&new))?;
            fs::rename(&new, &self.path).map_err(about(&self.path))
        });
        if written.is_err() {
            // What did not fit is not to fill the disk either.
            let _ = fs::remove_file(&new);
        }
        written?;
        let directory = File::open(&self.directory).and_then(|directory| directory.sync_all());
        directory.map_err(about(&self.directory))
    }
}

/// An error with the path that it is about.
fn about(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
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
            "holds `{}`, which is not the number of a configuration (a whole number below \
             {HIGHEST}; higher ones come of damage, or of forged packets)",
            shown.strip_suffix('\n').unwrap_or(&shown).escape_debug()
        )
    })
}

/// The number that is all of a file, whatever an editor ends lines with.
fn number(bytes: &[u8]) -> Option<u64> {
    let ends: [&[u8]; 2] = [b"\r\n", b"\n"];
    let digits = ends.into_iter().find_map(|end| bytes.strip_suffix(end)).unwrap_or(bytes);
    // A sign is no digit.
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    text.parse().ok().filter(|number| *number < HIGHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeId {
        NodeId::new([127, 0, 0, 1].into())
    }

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
            "4398046511104",
            "281474976710656",
            "9223372036854775807",
            "18446744073709551615",
            "99999999999999999999999999999999999999",
            "\0\0\0\0",
            "\u{7f}ELF",
        ] {
            fs::write(&path, text).unwrap();
            let damage = read(&path).unwrap_err();
            assert!(damage.contains("below 4398046511104"), "{damage}");
            assert_eq!(open(directory.path(), 1), (1000, 1016), "{text:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "1016\n");
        }
        for (text, number) in [("4398046511103", HIGHEST - 1), ("5\r\n", 5), ("5", 5)] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path), Ok(number));
        }
        // What cannot be seen is shown.
        for (text, shown) in [("5\r\r\n", "`5\\r\\r`"), (" 5 \n", "` 5 `"), ("\n", "``")] {
            fs::write(&path, text).unwrap();
            let damage = read(&path).unwrap_err();
            assert!(damage.starts_with(&format!("holds {shown}, which")), "{damage}");
        }
    }

    /// Then a cluster that was driven up counts from the time of day again when
    /// its nodes start again.
    #[test]
    fn at_the_highest_number_the_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring-127.0.0.1");
        for below in [AHEAD + 1, AHEAD, AHEAD - 1, 1] {
            fs::write(&path, format!("{}\n", HIGHEST - below)).unwrap();
            let mut last = 0;
            let mut lives = (0..4).map(|_| open(directory.path(), 1));
            let anew = lives.find(|(next, reserved)| {
                assert!(reserved > next);
                let goes_on = *next >= last;
                last = *reserved;
                !goes_on
            });
            assert_eq!(anew, Some((1000, 1016)));
            assert_eq!(read(&path), Ok(1016));
        }
        let (mut file, _) = NumberFile::open(directory.path(), node(), 1000);
        file.reserve(u64::MAX >> 1);
        assert!(read(&path).unwrap_err().contains("forged"));
        assert_eq!(open(directory.path(), 1), (1000, 1016));
    }

    #[test]
    fn an_error_names_what_it_is_about() {
        let directory = tempfile::tempdir().unwrap();
        let (file, _) = NumberFile::open(directory.path(), node(), 1000);
        let new = directory.path().join("ring-127.0.0.1.new");
        fs::create_dir(&new).unwrap();
        let error = file.write(7).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", new.display())), "{error}");
        fs::remove_dir(&new).unwrap();
        let path = directory.path().join("ring-127.0.0.1");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = file.write(7).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
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
