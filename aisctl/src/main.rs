//! The operator's tool: shows what the executive of this node knows, moves
//! checkpoints to files and back, operates AMF, and measures the group. It is a
//! program like any other and uses the library.

mod arguments;
mod bench;
mod ckpt;
mod commands;
mod escape;
mod explain;
mod failure;
mod given;
mod help;
mod keygen;
mod operate;
mod output;
mod show;
mod start;
mod words;

use arguments::Asked;
use failure::Failure;
use given::Command;
use std::io;
use std::process::ExitCode;

/// The exit status for a command line that is not understood.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let done = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help(words)) => output::print(&help::text(&words)).map(|()| ExitCode::SUCCESS),
        Ok(Asked::Version) => output::print(concat!("aisctl ", env!("CARGO_PKG_VERSION"), "\n"))
            .map(|()| ExitCode::SUCCESS),
        Ok(Asked::Command(given)) => {
            return code((given.command.run)(&given), Some(given.command));
        }
        Err(wrong) => return code(Err(Failure::Usage(wrong.text)), wrong.command),
    };
    code(done, None)
}

/// The exit status of a command; a failure is told.
fn code(done: Result<ExitCode, Failure>, command: Option<&'static Command>) -> ExitCode {
    let failure = match done {
        Ok(code) => return code,
        Err(failure) => failure,
    };
    match failure {
        Failure::Usage(text) => {
            let (text, hint) = (escape::printable(&text), help::hint(command));
            output::complain(&format!("aisctl: {text}\n{hint}"));
            return ExitCode::from(WRONG_USAGE);
        }
        // Who read it has seen enough.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        failure => {
            output::complain(&format!(
                "aisctl: {}\n",
                escape::printable(&explain::words(&failure))
            ));
        }
    }
    ExitCode::FAILURE
}
