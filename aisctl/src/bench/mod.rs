//! `aisctl bench`: measures the group as the small probe of corosync's CPG
//! does that it is compared with: the same verbs, the same lines.

mod clock;
mod header;
mod load;
mod round;
mod watch;

use crate::{Failure, Usage};
use ais::admin::MAX_PROBE_MESSAGE;
use header::Header;
use std::process::ExitCode;
use std::time::Duration;

/// What is measured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Flat out: how many messages are delivered.
    Tput { size: usize, time: Duration },
    /// One in flight: from sending to the own delivery.
    Lat { size: usize, count: usize, gap: Duration },
    /// Answers pings.
    Echo,
    /// One in flight: to another's echo and back.
    Ping { size: usize, count: usize },
    /// Prints every view.
    Watch,
    /// The same, from when there is an executive.
    Join,
}

/// Measurements of one run at most.
const MAX_COUNT: u64 = 10_000_000;
/// Seconds of one run at most.
const MAX_SECONDS: u64 = 86_400;
/// Microseconds between two messages at most.
const MAX_GAP: u64 = 60_000_000;

/// Understands what follows `bench`.
pub(crate) fn parse(arguments: &[&str]) -> Result<Verb, Usage> {
    Ok(match *arguments {
        ["tput", size, seconds] => Verb::Tput {
            size: self::size(size)?,
            time: Duration::from_secs(number("SECONDS", seconds, 1..=MAX_SECONDS)?),
        },
        ["lat", size, count] => lat(size, count, "0")?,
        ["lat", size, count, gap] => lat(size, count, gap)?,
        ["echo"] => Verb::Echo,
        ["ping", size, count] => Verb::Ping { size: self::size(size)?, count: self::count(count)? },
        ["watch"] => Verb::Watch,
        ["join"] => Verb::Join,
        _ => {
            let text = arguments.join(" ");
            return Err(Usage(format!("\"bench {}\" is not a command", text.escape_debug())));
        }
    })
}

fn lat(size: &str, count: &str, gap: &str) -> Result<Verb, Usage> {
    let gap = Duration::from_micros(number("GAP", gap, 0..=MAX_GAP)?);
    Ok(Verb::Lat { size: self::size(size)?, count: self::count(count)?, gap })
}

/// The size of a message in bytes; none is smaller than its header.
fn size(text: &str) -> Result<usize, Usage> {
    let size = number("SIZE", text, 0..=MAX_PROBE_MESSAGE as u64)?;
    Ok((size as usize).max(Header::LENGTH))
}

fn count(text: &str) -> Result<usize, Usage> {
    number("COUNT", text, 1..=MAX_COUNT).map(|count| count as usize)
}

fn number(what: &str, text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, Usage> {
    let parsed = text.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| {
        let text = text.escape_debug();
        Usage(format!("{what} is \"{text}\"; give {} to {}", range.start(), range.end()))
    })
}

/// Measures, and prints what came of it.
pub(crate) fn run(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Tput { size, time } => load::tput(size, time),
        Verb::Lat { size, count, gap } => round::lat(size, count, gap),
        Verb::Echo => round::echo(),
        Verb::Ping { size, count } => round::ping(size, count),
        Verb::Watch => watch::watch(),
        Verb::Join => watch::join(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_understood() {
        let second = Duration::from_secs(1);
        assert_eq!(parse(&["tput", "64", "1"]), Ok(Verb::Tput { size: 64, time: second }));
        assert_eq!(parse(&["tput", "0", "1"]), Ok(Verb::Tput { size: 16, time: second }));
        let gap = Duration::from_micros(50);
        assert_eq!(parse(&["lat", "64", "9", "50"]), Ok(Verb::Lat { size: 64, count: 9, gap }));
        assert_eq!(parse(&["ping", "99", "9"]), Ok(Verb::Ping { size: 99, count: 9 }));
        assert_eq!(parse(&["echo"]), Ok(Verb::Echo));
        let wrong = |arguments: &[&str]| parse(arguments).map_err(|Usage(text)| text).unwrap_err();
        assert_eq!(wrong(&["tput", "64"]), "\"bench tput 64\" is not a command");
        assert_eq!(wrong(&["tput", "65001", "1"]), "SIZE is \"65001\"; give 0 to 65000");
        assert_eq!(wrong(&["lat", "64", "-1"]), "COUNT is \"-1\"; give 1 to 10000000");
        assert_eq!(wrong(&["lat", "64", "0"]), "COUNT is \"0\"; give 1 to 10000000");
        assert_eq!(wrong(&["lat", "64", "1", "x\n"]), "GAP is \"x\\n\"; give 0 to 60000000");
        assert_eq!(wrong(&[]), "\"bench \" is not a command");
    }
}
