//! `aisctl bench lat`, `ping` and `echo`: one message in flight.

use super::clock::{now, pause};
use super::header::{Header, Kind};
use crate::Failure;
use crate::output::print;
use ais_client::admin::Probe;
use std::process::ExitCode;
use std::time::Duration;

/// How long a message may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn lat(size: usize, count: usize, gap: Duration) -> Result<ExitCode, Failure> {
    measure("lat", Kind::Load, size, count, gap)
}

pub(super) fn ping(size: usize, count: usize) -> Result<ExitCode, Failure> {
    measure("ping", Kind::Ping, size, count, Duration::ZERO)
}

/// Sends messages one after the other and waits for each, or for its echo.
fn measure(
    verb: &str,
    kind: Kind,
    size: usize,
    count: usize,
    gap: Duration,
) -> Result<ExitCode, Failure> {
    let mut probe = Probe::open()?;
    let mut message = vec![0; size];
    let mut times = Vec::with_capacity(count);
    for sequence in 0..count as u64 {
        pause(gap);
        let question = Header::of(&probe, kind, sequence);
        let wanted =
            if kind == Kind::Ping { Header { kind: Kind::Pong, ..question } } else { question };
        question.write(&mut message);
        let start = now();
        probe.send(vec![&message])?;
        wait_for(&mut probe, wanted, start)?;
        times.push(now() - start);
    }
    print(&format!("{verb} size={size} n={count} us: {}\n", Spread::of(times)))?;
    Ok(ExitCode::SUCCESS)
}

fn wait_for(probe: &mut Probe, wanted: Header, start: Duration) -> Result<(), Failure> {
    while now() < start + PATIENCE {
        let Some(deliveries) = probe.receive(PATIENCE)? else { continue };
        if deliveries.iter().any(|delivered| Header::read(&delivered) == Some(wanted)) {
            return Ok(());
        }
    }
    let seconds = PATIENCE.as_secs();
    Err(Failure::Words(match wanted.kind {
        Kind::Pong => format!("no echo in {seconds} s; run `aisctl bench echo` on another node"),
        _ => format!("no delivery in {seconds} s; see `aisctl status`"),
    }))
}

pub(super) fn echo() -> Result<ExitCode, Failure> {
    let mut probe = Probe::open()?;
    // Whoever starts it knows by this that pings are answered from now on.
    print("echo ready\n")?;
    loop {
        let Some(deliveries) = probe.receive(PATIENCE)? else { continue };
        for delivered in deliveries.iter() {
            if let Some(header @ Header { kind: Kind::Ping, .. }) = Header::read(&delivered) {
                let mut answer = delivered.message.to_vec();
                Header { kind: Kind::Pong, ..header }.write(&mut answer);
                probe.send(vec![&answer])?;
            }
        }
    }
}

/// How times are spread, in whole microseconds.
#[derive(Debug)]
struct Spread {
    sorted: Vec<Duration>,
}

impl Spread {
    /// Of at least one time.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { sorted: times }
    }

    /// The time that so many of a hundred do not reach.
    fn percentile(&self, of_hundred: usize) -> f64 {
        let count = self.sorted.len();
        let place = (count * of_hundred / 100).min(count.saturating_sub(1));
        self.sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    fn mean(&self) -> f64 {
        let sum: Duration = self.sorted.iter().sum();
        sum.as_secs_f64() * 1e6 / self.sorted.len().max(1) as f64
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "min={:.0} p50={:.0} mean={:.0} p90={:.0} p99={:.0} max={:.0}",
            self.percentile(0),
            self.percentile(50),
            self.mean(),
            self.percentile(90),
            self.percentile(99),
            self.percentile(100),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_in_microseconds() {
        let times = |range: std::ops::RangeInclusive<u64>| range.rev().map(Duration::from_micros);
        let spread = Spread::of(times(1..=100).collect());
        assert_eq!(spread.to_string(), "min=1 p50=51 mean=50 p90=91 p99=100 max=100");
        let one = Spread::of(times(7..=7).collect());
        assert_eq!(one.to_string(), "min=7 p50=7 mean=7 p90=7 p99=7 max=7");
    }
}
