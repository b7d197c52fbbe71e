//! How long a lone writer waits on links that take long or lose packets: a
//! measure for people, not a check.

use super::World;
use crate::Rng;
use crate::fabric::{Clock, Habits, Network, node_of};
use crate::hazards::Hazards;
use crate::plan::{MICROSECOND, MILLISECOND, Plan};
use crate::report::Trace;
use ais_totem::{Guarantee, Timing};
use std::fmt::Write;

const HOSTS: usize = 3;
/// Not the representative, which has a part of its own in everything.
const WRITER: usize = 1;
const TOKEN: u32 = 1000;
const MESSAGE: usize = 100;
/// Writes that are measured, after some that are not.
const WRITES: usize = 400;
const BEFORE: usize = 20;
/// What a program takes at most from an answer to its next call, its way to the
/// daemon and back included, in nanoseconds.
const THINKS: u64 = 200 * MICROSECOND;
/// The rest is not waited for, in nanoseconds.
const LONGEST: u64 = 1_000_000 * MILLISECOND;
/// One-way delays, in microseconds.
const DELAYS: [u64; 5] = [0, 100, 1_000, 10_000, 50_000];
/// Packets lost, in percent.
const LOSSES: [u64; 3] = [0, 1, 5];

/// The table: how long a write takes, in the median, also in rotations, and how
/// many there are in a second. A rotation is one way for each host.
///
/// # Errors
/// What a ring did wrong.
pub(crate) fn table() -> Result<String, String> {
    let mut table = format!(
        "{HOSTS} nodes, token {TOKEN} ms, one writer of {MESSAGE} bytes that waits for each to be \
         stable and {} us at most for the next\none way  loss  median write  rotations  writes/s\n",
        THINKS / MICROSECOND
    );
    for delay in DELAYS {
        for loss in LOSSES {
            let (mut sorted, all) = writes(delay * MICROSECOND, loss * 10_000)?;
            sorted.sort_unstable();
            let median = sorted.get(sorted.len() / 2).copied().unwrap_or(LONGEST);
            let rotation = HOSTS as u64 * delay * MICROSECOND;
            let rotations = match rotation {
                0 => "-".into(),
                _ => format!("{:.2}", median as f64 / rotation as f64),
            };
            let _ = writeln!(
                table,
                "{:>4.1} ms  {loss:>2} %  {:>9.3} ms  {rotations:>9}  {:>8.1}",
                delay as f64 / 1e3,
                median as f64 / 1e6,
                sorted.len() as f64 * 1e9 / all.max(1) as f64
            );
        }
    }
    Ok(table)
}

/// How long each write took, and all together with what the program did between
/// them, on links that take so long and lose so many packets of a million.
fn writes(delay: u64, loss: u64) -> Result<(Vec<u64>, u64), String> {
    let mut world = world(delay, loss);
    for host in 0..HOSTS {
        world.start(host);
    }
    world.settle()?;
    let end = world.fabric.now + LONGEST;
    for _ in 0..BEFORE {
        world.write(end)?;
    }
    let begun = world.fabric.now;
    let mut times = Vec::new();
    while times.len() < WRITES && world.fabric.now < end {
        times.push(world.write(end)?);
    }
    Ok((times, world.fabric.now - begun))
}

fn world(delay: u64, loss: u64) -> World {
    let plan = Plan {
        hosts: HOSTS,
        token: TOKEN,
        timing: Timing::from_token(TOKEN),
        mtu: 1472,
        linger: 50 * MICROSECOND,
        first_seq: 0,
        faults: Vec::new(),
        spells: 0,
        messages: 0,
    };
    let habits =
        Habits { unicast: false, loops_back: false, room: 1 << 20, batch: 256, disk: MILLISECOND };
    let mut network = Network::new(HOSTS, delay, 0, true);
    for (from, to) in (0..HOSTS).flat_map(|from| (0..HOSTS).map(move |to| (from, to))) {
        network.link_mut(from, to).loss = loss;
    }
    let clocks = vec![Clock { origin: 0, speed: 1_000_000 }; HOSTS];
    World::new(plan, Rng::new(1), network, habits, clocks, Trace(false))
}

impl World {
    /// The program writes, after a while; how long that takes, or until the end.
    fn write(&mut self, end: u64) -> Result<u64, String> {
        let pause = self.fabric.rng.below(THINKS);
        self.go(pause)?;
        let begun = self.fabric.now;
        if !self.send(WRITER, MESSAGE, Guarantee::Acknowledged) {
            return Err("a queue that was empty is full".into());
        }
        while self.is_writing() && self.fabric.now < end {
            self.fabric.step(end)?;
            self.take_events()?;
        }
        Ok(self.fabric.now - begun)
    }

    /// Whether the writer still waits for its last message to be stable.
    fn is_writing(&self) -> bool {
        let life = self.history.life(node_of(WRITER));
        let Some((life, span)) = life.and_then(|life| Some((life, life.spans.last()?))) else {
            return true;
        };
        let last = span.deliveries.last().filter(|(_, uid)| Some(uid) == life.sent.last());
        last.is_none_or(|(number, _)| *number > span.stable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_takes_the_way_there_and_back_and_no_chance_enters() {
        let (times, all) = writes(MILLISECOND, 0).unwrap();
        assert_eq!(times.len(), WRITES);
        assert!(times.iter().all(|time| *time >= 2 * MILLISECOND));
        assert!(all > times.iter().sum());
        assert_eq!(writes(MILLISECOND, 0).unwrap(), (times, all));
    }
}
