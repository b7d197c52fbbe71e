//! What people are told of a command that came to nothing. Where the error does not say why,
//! this looks.

mod reach;

use crate::{Failure, show};
use ais_client::AisError;

/// What is said of a failure.
pub(crate) fn words(failure: &Failure) -> String {
    match failure {
        Failure::Usage(words) | Failure::Words(words) => words.clone(),
        Failure::Output(error) => {
            format!("standard output: {error}; not all that was to be said is there")
        }
        Failure::Ais(error) => words_of(*error),
    }
}

fn words_of(error: AisError) -> String {
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
        Err(error) => words_of(error),
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
