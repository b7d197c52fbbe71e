//! What aisexec tells whoever runs it at a terminal or in a script, beside its
//! log. What could not be written is a failure.

use crate::sys::{self, Closed};
use nix::errno::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

/// Prints a text on standard output: 0; or 1 if it did not get there, which
/// standard error says.
#[must_use]
pub fn print(text: &str) -> ExitCode {
    let Closed { output, .. } = sys::closed_at_start();
    match write(io::stdout(), output, text) {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads no further wants to be told nothing.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            // The status says it too.
            let _ = complain(&format!(
                "aisexec: standard output: {error}; not all that was to be said is there\n"
            ));
            ExitCode::FAILURE
        }
    }
}

/// Writes a text to standard error.
///
/// # Errors
/// What write(2) says; EBADF if the process began without a standard error.
pub fn complain(text: &str) -> io::Result<()> {
    write(io::stderr(), sys::closed_at_start().error, text)
}

/// The streams of the standard library take writing to a descriptor that is not
/// open for it as done, so this does not go through them.
fn write(stream: impl AsFd, is_closed: bool, text: &str) -> io::Result<()> {
    if is_closed {
        return Err(Errno::EBADF.into());
    }
    let mut file = File::from(stream.as_fd().try_clone_to_owned()?);
    file.write_all(text.as_bytes())?;
    // Some file systems tell only then that there is no room.
    nix::unistd::close(file).map_err(io::Error::from)
}
