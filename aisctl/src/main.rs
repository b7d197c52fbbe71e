//! The operator's tool: shows what the executive of this node knows, moves
//! checkpoints to files and back, operates AMF, and measures the group. It is a
//! program like any other and uses the library.

mod arguments;
mod bench;
mod ckpt;
mod commands;
mod escape;
mod failure;
mod help;
mod operate;
mod output;
mod show;
mod start;

use arguments::Asked;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help(words)) => output::print(&help::text(&words)).map(|()| ExitCode::SUCCESS),
        Ok(Asked::Version) => output::print(concat!("aisctl ", env!("CARGO_PKG_VERSION"), "\n"))
            .map(|()| ExitCode::SUCCESS),
        Ok(Asked::Command(given)) => {
            return failure::code((given.command.run)(&given), Some(given.command));
        }
        Err(wrong) => return failure::code(Err(Failure::Usage(wrong.text)), wrong.command),
    };
    failure::code(done, None)
}
