//! Why a command came to nothing, and what people are told of it.

mod reach;

use crate::commands::Command;
use crate::{escape, help, output, show};
use ais_client::AisError;
use std::io;
use std::process::ExitCode;

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, in words.
    Usage(String),
    /// The executive, or the way to it.
    Ais(AisError),
    /// Standard output.
    Output(io::Error),
    /// Anything else, in words.
    Words(String),
}

/// The exit status for a command line that is not understood.
const WRONG_USAGE: u8 = 2;

impl From<AisError> for Failure {
    fn from(error: AisError) -> Self {
        Self::Ais(error)
    }
}

/// The exit status of a command; a failure is told.
pub(crate) fn code(done: Result<ExitCode, Failure>, command: Option<&'static Command>) -> ExitCode {
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
            output::complain(&format!("aisctl: {}\n", escape::printable(&failure.words())));
        }
    }
    ExitCode::FAILURE
}

impl Failure {
    /// What is said of it. Where the error does not say why, this looks.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Usage(words) | Self::Words(words) => words.clone(),
            Self::Output(error) => {
                format!("standard output: {error}; not all that was to be said is there")
            }
            Self::Ais(error) => words(*error),
        }
    }
}

fn words(error: AisError) -> String {
    let socket = reach::socket();
    match error {
        AisError::TryAgain => not_now(),
        AisError::System => reach::why_not(),
        AisError::Security => reach::why_not_permitted(),
        AisError::Timeout => {
            format!("aisexec does not answer on {socket}: it is stopped, or has too much to do")
        }
        AisError::Version => format!(
            "the aisexec of {socket} speaks another major version of the protocol than this aisctl \
             {}; use the aisctl that came with it",
            env!("CARGO_PKG_VERSION")
        ),
        AisError::Library => ended(),
        AisError::NoResources => format!(
            "no connection to {socket} could be made: aisexec has no descriptor left for this \
             user, or this process may open no more (ulimit -n); end programs, or raise the limit"
        ),
        error => format!("aisexec answers {error}"),
    }
}

/// What `TryAgain` means: there is no aisexec, or it cannot do this.
fn not_now() -> String {
    match ais_client::admin::status() {
        Err(AisError::TryAgain) => reach::why_not(),
        // It has become another one meanwhile.
        Err(error) => words(error),
        Ok(status) if show::serves_all(&status) => {
            "not now: aisexec has too much to do, or the members of the cluster change; nothing \
             was changed, try again"
                .into()
        }
        Ok(status) => format!("not now: {}; nothing was changed", show::status_line(&status)),
    }
}

/// What it means that the connection has ended.
fn ended() -> String {
    match ais_client::admin::status() {
        Ok(status) => format!(
            "aisexec ended the connection, and runs: it was started anew meanwhile, or its version \
             ({}) does not know what aisctl {} asks",
            status.version,
            env!("CARGO_PKG_VERSION")
        ),
        Err(AisError::Library) => format!(
            "aisexec on {} ends the connection each time: it is too old to know what aisctl {} \
             asks, or ends itself; see its log",
            reach::socket(),
            env!("CARGO_PKG_VERSION")
        ),
        Err(_) => format!("aisexec ended while it was asked; now {}", reach::why_not()),
    }
}
