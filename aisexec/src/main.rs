//! aisexec, the AIS cluster executive.

#![forbid(unsafe_code)]

use aisexec::args::{self, Command, EXIT_USAGE, USAGE, VERSION};
use aisexec::{output, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(args)) => run::run(&args),
        Ok(Command::Check(args)) => run::check(&args),
        Ok(Command::Help) => output::print(USAGE),
        Ok(Command::Version) => output::print(VERSION),
        Err(error) => {
            // The status says it too.
            let _ = output::complain(&format!("aisexec: {error}\n{USAGE}"));
            ExitCode::from(EXIT_USAGE)
        }
    }
}
