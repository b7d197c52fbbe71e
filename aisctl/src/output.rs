//! Standard output and standard error. What could not be written is a failure
//! of the command.

use crate::{Failure, start};
use nix::errno::Errno;
use nix::unistd::close;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// Standard output. That of the standard library takes writing to a descriptor
/// that is not open for it as done, and keeps back half a line.
///
/// # Errors
/// [`Failure::Output`] if it is closed.
pub(crate) fn stdout() -> Result<File, Failure> {
    if start::is_output_closed() {
        return Err(Failure::Output(Errno::EBADF.into()));
    }
    let fd = io::stdout().as_fd().try_clone_to_owned();
    fd.map(File::from).map_err(Failure::Output)
}

/// Ends what was written there: some file systems tell only then that there is
/// no room.
pub(crate) fn finish(out: File) -> Result<(), Failure> {
    close(out).map_err(|error| Failure::Output(error.into()))
}

/// Prints a text.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout()?;
    out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    finish(out)
}

/// Says something on standard error; if that is closed or full nobody reads
/// it, and the exit status has to do.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
