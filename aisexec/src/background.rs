//! `--daemon`: going to the background.

use crate::sys;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, setsid};
use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::path::Path;
use std::process::ExitCode;

/// Which side of the split this is.
#[derive(Debug)]
pub(crate) enum Side {
    /// The process that was started: it ends with this.
    Parent(ExitCode),
    /// The process in the background.
    Child(Background),
}

/// The process in the background, before it is ready.
#[derive(Debug)]
pub(crate) struct Background {
    parent: PipeWriter,
    /// Whether the log may stay on standard error, which is a file then. A
    /// terminal or a pipe would be kept from closing as long as the daemon
    /// lives.
    pub(crate) keeps_stderr: bool,
}

/// Goes to the background. The process that was started waits until the one in
/// the background is ready, and ends with 0 then, or with 1 if that has ended.
///
/// # Errors
/// If there can be no second process.
pub(crate) fn go() -> io::Result<Side> {
    let (reader, writer) = pipe()?;
    match sys::fork()? {
        ForkResult::Parent { .. } => {
            drop(writer);
            Ok(Side::Parent(outcome(reader)))
        }
        ForkResult::Child => {
            drop(reader);
            setsid()?;
            Ok(Side::Child(Background {
                parent: writer,
                keeps_stderr: fstat(io::stderr()).is_ok_and(|stat| {
                    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
                }),
            }))
        }
    }
}

fn outcome(mut reader: PipeReader) -> ExitCode {
    match reader.read(&mut [0]) {
        Ok(1) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

impl Background {
    /// The daemon is ready: lets go of the
    /// terminal, of the directory unless
    /// `paths` depend on it, and of the process that was started.
    ///
    /// # Errors
    /// If there is no /dev/null.
    pub(crate) fn ready(mut self, paths: [&Path; 2]) -> io::Result<()> {
        let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        if !self.keeps_stderr {
            dup2_stderr(&null)?;
        }
        if paths.iter().all(|path| path.is_absolute()) {
            chdir("/")?;
        }
        // Nobody may wait any more.
        let _ = self.parent.write_all(&[1]);
        Ok(())
    }
}
