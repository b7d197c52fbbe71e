//! aisexec, the AIS cluster executive.

#![forbid(unsafe_code)]

use aisexec::args::{self, Command, EXIT_USAGE, USAGE, VERSION};
use aisexec::run;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(args)) => run::run(&args),
        Ok(Command::Check(args)) => run::check(&args),
        Ok(Command::Help) => print(USAGE),
        Ok(Command::Version) => print(VERSION),
        Err(error) => {
            // The status says it too.
            let _ = write!(io::stderr(), "aisexec: {error}\n{USAGE}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
