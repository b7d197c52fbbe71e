//! `aisctl bench tput`: as many messages as the group takes.

use super::clock::now;
use super::header::{Header, Kind};
use crate::Failure;
use crate::output::print;
use ais_client::admin::{Deliveries, Probe};
use std::process::ExitCode;
use std::time::Duration;

/// Bytes of the messages in one request, about: the more, the fewer system
/// calls; the fewer, the sooner the group has something to do.
const REQUEST: usize = 16 << 10;
/// Requests that are not delivered yet at most. The executive reads no further
/// beyond twice as many.
const IN_FLIGHT: usize = 8;
/// How long to wait for a delivery before looking at the clock.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Counts {
    sent: u64,
    /// How often nothing more could be sent.
    again: u64,
    delivered: u64,
    bytes: u64,
    /// Own messages that are under way.
    in_flight: usize,
}

pub(super) fn tput(size: usize, time: Duration) -> Result<ExitCode, Failure> {
    let mut probe = Probe::open()?;
    let mut message = vec![0; size];
    Header::of(&probe, Kind::Load, 0).write(&mut message);
    let batch = (REQUEST / (size + 4)).max(1);
    let mut counts = Counts::default();
    let start = now();
    let mut end = start;
    while end < start + time {
        while counts.in_flight + batch <= batch * IN_FLIGHT {
            probe.send(vec![&message; batch])?;
            counts.sent += batch as u64;
            counts.in_flight += batch;
        }
        counts.again += 1;
        if let Some(deliveries) = probe.receive(LOOK)? {
            counts.add(&deliveries);
        }
        end = now();
    }
    let seconds = (end - start).as_secs_f64();
    let Counts { sent, again, delivered, bytes, .. } = counts;
    print(&format!(
        "tput size={size} secs={seconds:.3} sent={sent} again={again} delivered={delivered} \
         ops_s={:.0} MB_s={:.2} last_rc=1\n",
        delivered as f64 / seconds,
        bytes as f64 / seconds / 1e6,
    ))?;
    Ok(ExitCode::SUCCESS)
}

impl Counts {
    /// Counts what was delivered, whoever sent it.
    fn add(&mut self, deliveries: &Deliveries) {
        for delivered in deliveries.iter() {
            self.delivered += 1;
            self.bytes += delivered.message.len() as u64;
        }
        self.in_flight = self.in_flight.saturating_sub(deliveries.own() as usize);
    }
}
