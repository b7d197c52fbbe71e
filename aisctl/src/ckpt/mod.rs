//! `aisctl ckpt` with a verb: looks into one checkpoint, or moves it to a file
//! and back.

mod dump;
mod export;
mod file;
mod hex;
mod import;
mod part;
mod references;
mod sections;
mod source;
mod target;

pub(crate) use dump::run as dump;
pub(crate) use export::run as export;
pub(crate) use import::run as import;

use crate::given::Given;
use crate::{Failure, escape, show};
use ais_client::AisError;
use ais_client::Name;
use ais_client::admin::Inspection;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// `aisctl ckpt sections`.
pub(crate) fn sections(given: &Given) -> Result<ExitCode, Failure> {
    show::print(&sections::get(given.name(0)?)?, given)
}

/// `aisctl ckpt refs`.
pub(crate) fn references(given: &Given) -> Result<ExitCode, Failure> {
    show::print(&references::get(given.name(0)?)?, given)
}

/// Takes a checkpoint as it is now.
fn take(name: &Name) -> Result<Inspection, Failure> {
    Inspection::take(name.clone()).map_err(|error| match error {
        AisError::NotExist => Failure::Words(missing(name)),
        AisError::Busy => Failure::Words(
            "as many programs look into checkpoints of this node as may at a time; try again when \
             one is done"
                .into(),
        ),
        error => error.into(),
    })
}

fn missing(name: &Name) -> String {
    let none = format!("there is no checkpoint \"{name}\"");
    // It is a help only.
    let Ok(found) = ais_client::admin::checkpoints() else { return none };
    let names = found.iter().map(|checkpoint| format!("\"{}\"", checkpoint.name));
    format!("{none}; there are {}", escape::some_of(names, "`aisctl ckpt`"))
}

/// What is wrong with a file.
fn told(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Words(format!("{}: {error}", escape::path(path)))
}

/// Nanoseconds since the epoch.
fn now() -> i64 {
    // The seconds of clock_gettime end in 2038 where they have 32 bits.
    #[expect(clippy::disallowed_methods, reason = "an operator's tool has a clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
