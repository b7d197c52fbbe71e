//! `aisctl bench watch` and `join`: when which view came.

use super::clock::{now, pause};
use crate::output::print;
use crate::{Failure, escape};
use ais_client::AisError;
use ais_client::admin::{NodeId, View, Watch};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// How often `join` knocks.
const KNOCK: Duration = Duration::from_millis(5);
/// How long it does.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn watch() -> Result<ExitCode, Failure> {
    follow(Watch::open()?)
}

pub(super) fn join() -> Result<ExitCode, Failure> {
    let end = now() + PATIENCE;
    knock(end, ais_client::admin::status)?;
    print(&format!("{} INIT_OK\n", stamp()))?;
    let watch = knock(end, Watch::open)?;
    print(&format!("{} JOIN_OK\n", stamp()))?;
    follow(watch)
}

/// Tries until there is an executive that answers.
fn knock<T>(end: Duration, attempt: impl Fn() -> Result<T, AisError>) -> Result<T, AisError> {
    loop {
        match attempt() {
            // `Library`: it ended while it was asked.
            Err(AisError::TryAgain | AisError::Library) if now() < end => pause(KNOCK),
            result => return result,
        }
    }
}

/// Prints every view until the executive ends, or nobody reads on.
fn follow(mut watch: Watch) -> Result<ExitCode, Failure> {
    loop {
        match watch.next_view() {
            Ok(view) => print(&lines(&stamp(), &view))?,
            Err(AisError::Library) => {
                print(&format!("{} DISCONNECTED\n", stamp()))?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// `CLOCK_MONOTONIC` in seconds.
fn stamp() -> String {
    format!("{:.6}", now().as_secs_f64())
}

fn lines(stamp: &str, view: &View) -> String {
    let View { id, members, why, skipped, .. } = view;
    let list = |nodes: &[NodeId], reason: &str| {
        let mut text = String::new();
        for node in nodes {
            // Writing to a string does not fail.
            let _ = write!(text, "{node}{reason},");
        }
        text
    };
    // Reason 3 is what CPG says of a node that left, however it did.
    format!(
        "{stamp} CONFCHG members={} left={} joined={}\n\
         {stamp} TOTEM ring={}.{} n={}\n\
         {stamp} WHY skipped={skipped} {}\n",
        members.len(),
        list(&view.left, "(r3)"),
        list(&view.joined, ""),
        id.representative,
        id.number,
        members.len(),
        escape::printable(why),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::admin::ViewId;

    #[test]
    fn a_view_is_told_in_lines_like_those_of_cpg() {
        let node = |last| NodeId::new([10, 0, 0, last].into());
        let view = View {
            id: ViewId { number: 7, representative: node(1) },
            members: vec![node(1), node(2)],
            joined: vec![node(2)],
            left: vec![node(3), node(4)],
            why: "10.0.0.3 is\ngone".into(),
            skipped: 1,
        };
        assert_eq!(
            lines("5.000000", &view),
            "5.000000 CONFCHG members=2 left=10.0.0.3(r3),10.0.0.4(r3), joined=10.0.0.2,\n\
             5.000000 TOTEM ring=10.0.0.1.7 n=2\n\
             5.000000 WHY skipped=1 10.0.0.3 is\\ngone\n"
        );
    }
}
