//! `aisctl bench`: measures the group as the small probe of corosync's CPG
//! does that it is compared with: the same verbs, the same lines.

mod clock;
mod header;
mod load;
mod round;
mod watch;

use crate::Failure;
use crate::given::Given;
use ais_client::admin::MAX_PROBE_MESSAGE;
use header::Header;
use std::process::ExitCode;
use std::time::Duration;

/// Measurements of one run at most.
const MAX_COUNT: u64 = 10_000_000;
/// Seconds of one run at most.
const MAX_SECONDS: u64 = 86_400;
/// Microseconds between two messages at most.
const MAX_GAP: u64 = 60_000_000;

/// Flat out: how many messages are delivered.
pub(crate) fn tput(given: &Given) -> Result<ExitCode, Failure> {
    let size = size(given)?;
    let seconds = given.number(1, "SECONDS", 1..=MAX_SECONDS)?;
    load::tput(size, Duration::from_secs(seconds))
}

/// One in flight: from sending to the own delivery.
pub(crate) fn lat(given: &Given) -> Result<ExitCode, Failure> {
    let (size, count) = (size(given)?, count(given)?);
    let gap = match given.given(2) {
        Some(_) => given.number(2, "GAP", 0..=MAX_GAP)?,
        None => 0,
    };
    round::lat(size, count, Duration::from_micros(gap))
}

/// One in flight: to another's echo and back.
pub(crate) fn ping(given: &Given) -> Result<ExitCode, Failure> {
    round::ping(size(given)?, count(given)?)
}

/// Answers pings.
pub(crate) fn echo(_: &Given) -> Result<ExitCode, Failure> {
    round::echo()
}

/// Prints every view.
pub(crate) fn watch(_: &Given) -> Result<ExitCode, Failure> {
    watch::watch()
}

/// The same, from when there is an executive.
pub(crate) fn join(_: &Given) -> Result<ExitCode, Failure> {
    watch::join()
}

/// The size of a message in bytes; none is smaller than its header.
fn size(given: &Given) -> Result<usize, Failure> {
    let range = Header::LENGTH as u64..=MAX_PROBE_MESSAGE as u64;
    given.number(0, "SIZE", range).map(|size| size as usize)
}

fn count(given: &Given) -> Result<usize, Failure> {
    given.number(1, "COUNT", 1..=MAX_COUNT).map(|count| count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let wrong = |words: &[&str]| {
            let given = Given::of(&[&["bench"], words].concat());
            match (given.command.run)(&given) {
                Err(Failure::Usage(text)) => text,
                other => panic!("{words:?}: {other:?}"),
            }
        };
        let whole = "give a whole number,";
        for size in ["0", "15", "65001", "-64", "64k", ""] {
            let expected = format!("SIZE is \"{size}\"; {whole} 16 to 65000");
            assert_eq!(wrong(&["tput", size, "1"]), expected);
            assert_eq!(wrong(&["lat", size, "1"]), expected);
            assert_eq!(wrong(&["ping", size, "1"]), expected);
        }
        assert_eq!(wrong(&["tput", "64", "0"]), format!("SECONDS is \"0\"; {whole} 1 to 86400"));
        assert_eq!(wrong(&["lat", "64", "-1"]), format!("COUNT is \"-1\"; {whole} 1 to 10000000"));
        let gap = wrong(&["lat", "64", "1", "x\n"]);
        assert_eq!(gap, format!("GAP is \"x\\n\"; {whole} 0 to 60000000"));
    }
}
