//! Where an import comes from: it is read twice, and a pipe can only be read
//! once.

use super::file::{Loader, Record};
use crate::{Failure, escape};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;

/// A file, or what comes from something else.
#[derive(Debug)]
pub(super) struct Source {
    /// What people call it.
    name: String,
    input: Input,
}

#[derive(Debug)]
enum Input {
    /// A regular file, and where in it to begin.
    File(File, u64),
    /// Anything else, until it is read, and what was read of it.
    Stream(Option<File>, Vec<u8>),
}

impl Source {
    /// Opens a file, or standard input if its name is -.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let (name, file) = if path.as_os_str() == "-" {
            let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
            ("standard input".into(), file)
        } else {
            (escape::path(path), File::open(path))
        };
        let wrong = |error| Failure::Words(format!("{name}: {error}"));
        let mut file = file.map_err(wrong)?;
        let found = file.metadata().map_err(wrong)?;
        if found.is_dir() {
            let text = format!("{name}: it is a directory; name a file that ckpt export wrote");
            return Err(Failure::Words(text));
        }
        let input = if found.is_file() {
            let start = file.stream_position().map_err(wrong)?;
            Input::File(file, start)
        } else {
            Input::Stream(Some(file), Vec::new())
        };
        Ok(Self { name, input })
    }

    /// Reads all records from the first on, any number of times.
    ///
    /// # Errors
    /// What is wrong with the file, and where; and what `each` returns.
    pub(super) fn read(
        &mut self,
        mut each: impl FnMut(Record) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = self.name.clone();
        let wrong = |text: String| Failure::Words(format!("{name}: {text}"));
        let input = self.input.reader().map_err(|error| wrong(error.to_string()))?;
        let mut loader = Loader::new(input).map_err(|fault| wrong(fault.to_string()))?;
        loop {
            let record = loader.next().map_err(|fault| wrong(fault.to_string()))?;
            let is_end = matches!(record, Record::End(_));
            each(record)?;
            if is_end {
                return Ok(());
            }
        }
    }
}

impl Input {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::File(file, start) => {
                file.seek(SeekFrom::Start(*start))?;
                Box::new(BufReader::new(file))
            }
            Self::Stream(input, held) => match input.take() {
                Some(input) => Box::new(Tee { input: BufReader::new(input), held }),
                None => Box::new(Cursor::new(held)),
            },
        })
    }
}

/// Keeps what is read.
struct Tee<'a> {
    input: BufReader<File>,
    held: &'a mut Vec<u8>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.held.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}
