//! The commands that show something, as a table for people or as JSON.

mod amf;
mod ckpt;
mod keys;
mod members;
mod ring;
mod status;
mod table;
pub(crate) mod units;

pub(crate) use ckpt::option;
pub(crate) use status::{line as status_line, serves_all};
pub(crate) use table::columns;

use crate::given::Given;
use crate::{Failure, output};
use serde_json::Value;
use std::process::ExitCode;

/// Something that was asked for and came.
pub(crate) trait Report {
    fn table(&self) -> String;
    fn json(&self) -> Value;
    /// 0, unless what is shown is an alarm.
    fn code(&self) -> u8 {
        0
    }
}

/// `aisctl status`.
pub(crate) fn status(given: &Given) -> Result<ExitCode, Failure> {
    let status = ais_client::admin::status()?;
    // An executive of an older version does not tell.
    let keys = ais_client::admin::keys().ok().flatten();
    print(&status::Shown { status, keys }, given)
}

/// `aisctl members`.
pub(crate) fn members(given: &Given) -> Result<ExitCode, Failure> {
    print(&members::Members::get()?, given)
}

/// `aisctl ring`.
pub(crate) fn ring(given: &Given) -> Result<ExitCode, Failure> {
    print(&ring::Shown(ais_client::admin::ring()?), given)
}

/// `aisctl key status`.
pub(crate) fn keys(given: &Given) -> Result<ExitCode, Failure> {
    print(&keys::Shown(ais_client::admin::keys()?), given)
}

/// `aisctl ckpt`.
pub(crate) fn checkpoints(given: &Given) -> Result<ExitCode, Failure> {
    print(&ckpt::Shown(ais_client::admin::checkpoints()?), given)
}

/// `aisctl amf`.
pub(crate) fn amf(given: &Given) -> Result<ExitCode, Failure> {
    print(&amf::Shown::get()?, given)
}

/// Prints a report.
pub(crate) fn print(report: &dyn Report, given: &Given) -> Result<ExitCode, Failure> {
    let text = if given.is_json() { format!("{}\n", report.json()) } else { report.table() };
    output::print(&text)?;
    Ok(ExitCode::from(report.code()))
}

/// Every key stands in aisctl(8), but for those of the objects that are named
/// as open to any key.
#[cfg(test)]
pub(crate) fn assert_documented(json: &Value, open: &[&str]) {
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
