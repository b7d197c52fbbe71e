//! `aisctl ckpt` with a verb: looks into one checkpoint, or moves it to a file
//! and back.

mod dump;
mod escape;
mod export;
mod file;
mod hex;
mod import;
mod references;
mod sections;

use crate::{Failure, Usage};
use ais::AisError;
use ais::Name;
use ais::admin::Inspection;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Sections(Name),
    References(Name),
    Dump(dump::Range),
    Export { name: Name, path: PathBuf },
    Import(import::Order),
}

/// Understands what stands after `ckpt`.
pub(crate) fn parse(arguments: &[&str], is_json: bool) -> Result<Verb, Usage> {
    let verb = match *arguments {
        ["sections", name] => return Ok(Verb::Sections(escape::name(name)?)),
        ["refs", name] => return Ok(Verb::References(escape::name(name)?)),
        ["dump", ref range @ ..] => Verb::Dump(dump::parse(range)?),
        ["export", name, path] => Verb::Export { name: escape::name(name)?, path: path.into() },
        ["import", ref order @ ..] => Verb::Import(import::parse(order)?),
        _ => {
            let text = arguments.join(" ");
            let text = text.escape_debug();
            return Err(Usage(format!("\"ckpt {text}\" is not a command")));
        }
    };
    if is_json {
        return Err(Usage(format!("ckpt {} has no --json", arguments[0])));
    }
    Ok(verb)
}

/// Does it.
pub(crate) fn run(verb: Verb, is_json: bool) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Sections(name) => crate::show::print(&sections::get(name)?, is_json),
        Verb::References(name) => crate::show::print(&references::get(name)?, is_json),
        Verb::Dump(range) => dump::run(range),
        Verb::Export { name, path } => export::run(name, &path),
        Verb::Import(order) => import::run(&order),
    }
}

/// Takes a checkpoint as it is now.
fn take(name: &Name) -> Result<Inspection, Failure> {
    Inspection::take(name.clone()).map_err(|error| match error {
        AisError::NotExist => Failure::Words(format!("there is no checkpoint \"{name}\"")),
        AisError::Busy => Failure::Words(
            "others look into checkpoints of this node already; try again when they are done"
                .into(),
        ),
        error => error.into(),
    })
}

/// Nanoseconds since the epoch.
fn now() -> i64 {
    // The seconds of clock_gettime end in 2038 where they have 32 bits.
    #[expect(clippy::disallowed_methods, reason = "an operator's tool has a clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_understood() {
        let name = |text| Name::try_from(text).unwrap();
        assert_eq!(parse(&["sections", "a\\x00"], true), Ok(Verb::Sections(name("a\0"))));
        assert_eq!(parse(&["refs", "a"], false), Ok(Verb::References(name("a"))));
        let export = Verb::Export { name: name("a"), path: "f".into() };
        assert_eq!(parse(&["export", "a", "f"], false), Ok(export));
        for wrong in [&["sections"][..], &["sections", "a", "b"], &["export", "a"], &["nothing"]] {
            assert!(parse(wrong, false).is_err(), "{wrong:?}");
        }
        let wrong = parse(&["export", "a", "f"], true);
        assert_eq!(wrong, Err(Usage("ckpt export has no --json".into())));
    }
}
