//! The commands that show something, as a table for people or as JSON.

mod amf;
mod ckpt;
mod members;
mod ring;
mod status;
mod table;
mod units;

use crate::{Failure, Usage, print};
use serde_json::Value;
use std::process::ExitCode;

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Status,
    Members,
    Ring,
    Ckpt,
    Amf,
}

/// Something that was asked for and came.
trait Report {
    fn table(&self) -> String;
    fn json(&self) -> Value;
    /// 0, unless what is shown is an alarm.
    fn code(&self) -> u8 {
        0
    }
}

/// Understands a command.
pub(crate) fn parse(arguments: &[&str]) -> Result<What, Usage> {
    match arguments {
        ["status"] => Ok(What::Status),
        ["members"] => Ok(What::Members),
        ["ring"] => Ok(What::Ring),
        ["ckpt"] => Ok(What::Ckpt),
        ["amf"] => Ok(What::Amf),
        [] => Err(Usage("a command is missing".into())),
        other => {
            let text = other.join(" ");
            Err(Usage(format!("\"{}\" is not a command", text.escape_debug())))
        }
    }
}

/// Asks, and prints what comes.
pub(crate) fn run(what: What, is_json: bool) -> Result<ExitCode, Failure> {
    let report: Box<dyn Report> = match what {
        What::Status => Box::new(ais::admin::status()?),
        What::Members => Box::new(members::Members::get()?),
        What::Ring => Box::new(ring::Shown(ais::admin::ring()?)),
        What::Ckpt => Box::new(ckpt::Shown(ais::admin::checkpoints()?)),
        What::Amf => Box::new(amf::Shown::get()?),
    };
    let text = if is_json { format!("{}\n", report.json()) } else { report.table() };
    print(&text)?;
    Ok(ExitCode::from(report.code()))
}

/// Every key stands in aisctl(8), but for those of the objects that are named
/// as open to any key.
#[cfg(test)]
fn assert_documented(json: &Value, open: &[&str]) {
    fn visit(value: &Value, path: &str, open: &[&str]) {
        let man = include_str!("../../../docs/man/aisctl.8");
        match value {
            Value::Object(object) if !open.contains(&path) => {
                for (key, value) in object {
                    let dot = if path.is_empty() { "" } else { "." };
                    visit(value, &format!("{path}{dot}{key}"), open);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().for_each(|item| visit(item, &format!("{path}[]"), open));
            }
            _ => assert!(man.contains(&format!("\n.B {path}\n")), "{path} is not in aisctl(8)"),
        }
    }
    visit(json, "", open);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood() {
        assert_eq!(parse(&["status"]), Ok(What::Status));
        assert_eq!(parse(&[]), Err(Usage("a command is missing".into())));
        let wrong = parse(&["status", "now\n"]);
        assert_eq!(wrong, Err(Usage("\"status now\\n\" is not a command".into())));
    }
}
