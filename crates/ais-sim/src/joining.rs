//! What a node that joins over a slow link costs those that write: a measure
//! for people, and what it has to show.

use crate::Rng;
use crate::fabric::{Clock, Fabric, Habits, Network};
use crate::nodes::{Nodes, SECOND};
use crate::plan::{MICROSECOND, MILLISECOND};
use crate::trace::Trace;
use ais_node::Pace;
use ais_proto::ckpt::Request;
use ais_totem::Timing;
use std::fmt::Write;

/// The last one joins.
const HOSTS: usize = 4;
const JOINER: usize = HOSTS - 1;
const TOKEN: u32 = 1000;
/// Bytes that a write has, and that the joiner is sent, in sections.
const MESSAGE: usize = 100;
const SECTIONS: u64 = 8;
const SECTION: usize = 100_000;
/// A program takes at most so long from an answer to its next call.
const THINKS: u64 = 200 * MICROSECOND;

/// What a program on the first node had.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    /// Writes, and nanoseconds, while the node joined.
    joining: (u64, u64),
    /// Writes, and nanoseconds, after that, for as long.
    after: (u64, u64),
}

impl Measured {
    fn rates(&self) -> (f64, f64) {
        let rate = |(writes, time): (u64, u64)| writes as f64 * 1e9 / time.max(1) as f64;
        (rate(self.joining), rate(self.after))
    }
}

/// The table: how many writes there are in a second while a node joins over
/// links of some rates, and when it is there.
///
/// # Errors
/// What a node did wrong.
pub(crate) fn table() -> Result<String, String> {
    let mut table = format!(
        "{} nodes, one joins and is sent {} kB; a program writes {MESSAGE} bytes, waits for the \
         answer and {} us at most\nto the joiner  room for  takes      writes/s meanwhile  after\n",
        HOSTS,
        SECTIONS * SECTION as u64 / 1000,
        THINKS / MICROSECOND
    );
    for (rate, room) in [(0, 0), (100, 200), (10, 200), (10, 20), (2, 200)] {
        let measured = measure(rate, room)?;
        let (joining, after) = measured.rates();
        let _ = writeln!(
            table,
            "{rate:>4} Mbit/s     {room:>3} kB    {:>6.2} s  {joining:>18.1}  {after:>7.1}",
            measured.joining.1 as f64 / 1e9,
        );
    }
    Ok(table)
}

/// `rate`: the Mbit/s that come to the node that joins, 0 without a bound; `room`:
/// the kB that wait for that.
fn measure(rate: u64, room: u64) -> Result<Measured, String> {
    let mut network = Network::new(HOSTS, 50 * MICROSECOND, 0, true);
    network.narrow(JOINER, rate * 125_000, room * 1000);
    let habits =
        Habits { unicast: false, loops_back: false, room: 1 << 20, batch: 256, disk: MILLISECOND };
    let clocks = vec![Clock { origin: 0, speed: 1_000_000 }; HOSTS];
    let fabric = Fabric::new(Rng::new(1), network, habits, clocks, Trace(false));
    let mut nodes = Nodes::new(fabric, Timing::from_token(TOKEN), 1472, Pace::default());
    (0..JOINER).for_each(|host| nodes.start(host));
    nodes.until(|nodes| nodes.serves[0])?;
    let checkpoint = fill(&mut nodes)?;
    nodes.start(JOINER);
    let joining = write_until(&mut nodes, checkpoint, |nodes| nodes.serves[JOINER])?;
    let end = nodes.fabric.now + SECOND;
    let after = write_until(&mut nodes, checkpoint, |nodes| nodes.fabric.now >= end)?;
    Ok(Measured { joining, after })
}

/// Makes the state, on the first node; the checkpoint.
fn fill(nodes: &mut Nodes) -> Result<u32, String> {
    let checkpoint = nodes.open(0, SECTION as u32)?;
    let data = vec![7; SECTION];
    for number in 0..SECTIONS {
        let id = number.to_be_bytes();
        let (id, expiration) = (Some(&id[..]), i64::MAX);
        nodes.call(0, &Request::SectionCreate { checkpoint, id, expiration, data: &data })?;
    }
    Ok(checkpoint)
}

/// The program on the first node writes, one call after the other. How many were
/// answered, and how long that took.
fn write_until(
    nodes: &mut Nodes,
    checkpoint: u32,
    done: impl Fn(&Nodes) -> bool,
) -> Result<(u64, u64), String> {
    let (begun, mut writes, mut next) = (nodes.fabric.now, 0, Some(nodes.fabric.now));
    let end = begun + 600 * SECOND;
    while !done(nodes) && nodes.fabric.now < end {
        if next.is_some_and(|next| nodes.fabric.now >= next) {
            nodes.ask(0, &Request::Overwrite { checkpoint, id: b"", data: &[7; MESSAGE] })?;
            next = None;
        }
        nodes.step(next.unwrap_or(end))?;
        if let Some(answer) = nodes.answers.pop() {
            answer.result.map_err(|error| format!("a write failed: {error:?}"))?;
            writes += 1;
            next = Some(nodes.fabric.now + nodes.fabric.rng.below(THINKS));
        }
    }
    if next.is_none() {
        nodes.until(|nodes| !nodes.answers.is_empty())?;
        nodes.answers.pop();
    }
    Ok((writes, nodes.fabric.now - begun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joiner_behind_a_slow_link_slows_writers_by_a_small_factor() {
        for (rate, room) in [(0, 0), (100, 200), (10, 20)] {
            let measured = measure(rate, room).unwrap();
            let (joining, after) = measured.rates();
            assert!(joining * 2.0 >= after, "{rate} Mbit/s, {room} kB: {joining} and {after}");
            // The node joins as fast as the link allows, but for the rests.
            assert!(measured.joining.1 < 60 * SECOND, "{measured:?}");
        }
    }
}
