//! How long programs wait for their writes on links that take long or lose
//! packets: a table for people, and what it has to show.

use super::World;
use crate::Rng;
use crate::fabric::{Clock, Habits, Network, node_of};
use crate::hazards::Hazards;
use crate::history::Uid;
use crate::plan::{MICROSECOND, MILLISECOND, Plan};
use crate::trace::Trace;
use ais_group::{Guarantee, Lane};
use ais_totem::Timing;
use std::fmt::Write;

const HOSTS: usize = 3;
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
const DELAYS: [u64; 6] = [0, 100, 1_000, 5_000, 20_000, 50_000];
/// Packets lost, in percent.
const LOSSES: [u64; 3] = [0, 1, 5];

/// The programs that write.
struct Writers {
    name: &'static str,
    /// Where programs run.
    hosts: &'static [usize],
}

/// One is not on the representative, which has a part of its own in everything.
const WRITERS: [Writers; 3] = [
    Writers { name: "one", hosts: &[1] },
    Writers { name: "one per node", hosts: &[0, 1, 2] },
    Writers { name: "4 on a node", hosts: &[1, 1, 1, 1] },
];

/// How long writes took, in nanoseconds.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    /// In ascending order.
    times: Vec<u64>,
    /// All together, with what the programs did between them.
    all: u64,
    /// One way, in the mean.
    delay: u64,
}

impl Measured {
    /// The time that so many percent of the writes did not take longer than.
    fn percentile(&self, percent: usize) -> u64 {
        let place = self.times.len().saturating_sub(1) * percent / 100;
        self.times.get(place).copied().unwrap_or(LONGEST)
    }

    fn a_second(&self) -> f64 {
        self.times.len() as f64 * 1e9 / self.all.max(1) as f64
    }

    /// How many rotations a write took in the mean: one is one way for each
    /// host. `None` if that takes no time.
    fn rotations(&self) -> Option<f64> {
        let rotation = HOSTS as u64 * self.delay;
        let mean = self.times.iter().sum::<u64>() as f64 / self.times.len().max(1) as f64;
        (rotation > 0).then(|| mean / rotation as f64)
    }
}

/// The table: how long a write takes, also in rotations, and how many there are
/// in a second.
///
/// # Errors
/// What a ring did wrong.
pub(crate) fn table() -> Result<String, String> {
    let mut table = format!(
        "{HOSTS} nodes, token {TOKEN} ms; a program writes {MESSAGE} bytes, waits until they are \
         stable, and takes {} us at most for the next\n\
         writers       one way  loss      median         p99  rotations  writes/s\n",
        THINKS / MICROSECOND
    );
    for writers in WRITERS {
        for delay in DELAYS {
            for loss in LOSSES {
                let measured = measure(delay * MICROSECOND, 0, loss, writers.hosts)?;
                let rotations =
                    measured.rotations().map_or("-".into(), |mean| format!("{mean:.2}"));
                let _ = writeln!(
                    table,
                    "{:<12}  {:>4.1} ms  {loss:>2} %  {:>7.3} ms  {:>7.3} ms  {rotations:>9}  {:>8.1}",
                    writers.name,
                    delay as f64 / 1e3,
                    measured.percentile(50) as f64 / 1e6,
                    measured.percentile(99) as f64 / 1e6,
                    measured.a_second(),
                );
            }
        }
    }
    Ok(table)
}

/// How long the writes of programs on these hosts take, on links that take so
/// long, up to `jitter` longer, and lose so many percent of the packets. With
/// jitter packets overtake each other.
fn measure(delay: u64, jitter: u64, percent: u64, hosts: &[usize]) -> Result<Measured, String> {
    let mut world = world(delay, jitter, percent * 10_000);
    for host in 0..HOSTS {
        world.start(host);
    }
    world.settle()?;
    let end = world.fabric.now + LONGEST;
    let mut programs: Vec<Program> =
        hosts.iter().map(|host| Program { host: *host, awaits: None, at: 0 }).collect();
    world.writes(&mut programs, BEFORE * hosts.len(), end)?;
    let begun = world.fabric.now;
    let mut times = world.writes(&mut programs, WRITES, end)?;
    times.sort_unstable();
    Ok(Measured { times, all: world.fabric.now - begun, delay: delay + jitter / 2 })
}

/// A program.
struct Program {
    host: usize,
    /// What it waits for; else it thinks.
    awaits: Option<Uid>,
    /// When it wrote that, or writes next.
    at: u64,
}

fn world(delay: u64, jitter: u64, loss: u64) -> World {
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
        is_sealed: false,
    };
    let habits =
        Habits { unicast: false, loops_back: false, room: 1 << 20, batch: 256, disk: MILLISECOND };
    let mut network = Network::new(HOSTS, delay, jitter, jitter == 0);
    for (from, to) in (0..HOSTS).flat_map(|from| (0..HOSTS).map(move |to| (from, to))) {
        network.link_mut(from, to).loss = loss;
    }
    let clocks = vec![Clock { origin: 0, speed: 1_000_000 }; HOSTS];
    World::new(plan, Rng::new(1), network, habits, clocks, Trace(false))
}

impl World {
    /// The programs make so many writes together, until the end at most. How
    /// long each took.
    fn writes(
        &mut self,
        programs: &mut [Program],
        count: usize,
        end: u64,
    ) -> Result<Vec<u64>, String> {
        let mut times = Vec::new();
        while times.len() < count && self.fabric.now < end {
            for program in &mut *programs {
                if let Some(time) = self.go_on(program)? {
                    times.push(time);
                }
            }
            let thinking = programs.iter().filter(|program| program.awaits.is_none());
            let next = thinking.map(|program| program.at).fold(end, u64::min);
            self.fabric.step(next)?;
            self.take_events()?;
        }
        Ok(times)
    }

    /// Has a program do what it can. How long its write took, if it was done.
    fn go_on(&mut self, program: &mut Program) -> Result<Option<u64>, String> {
        let now = self.fabric.now;
        match program.awaits {
            None if now >= program.at => {
                if !self.send(program.host, MESSAGE, Guarantee::Acknowledged, Lane::Ordinary) {
                    return Err("a queue that was nearly empty is full".into());
                }
                let life = self.history.life(node_of(program.host));
                program.awaits = life.and_then(|life| life.sent.last().copied());
                program.at = now;
                Ok(None)
            }
            Some(uid) if self.is_stable(program.host, uid) => {
                let took = now - program.at;
                program.awaits = None;
                program.at = now + self.fabric.rng.below(THINKS);
                Ok(Some(took))
            }
            None | Some(_) => Ok(None),
        }
    }

    /// Whether a host knows that all have a message.
    fn is_stable(&self, host: usize, uid: Uid) -> bool {
        let life = self.history.life(node_of(host));
        let Some(span) = life.and_then(|life| life.spans.last()) else { return false };
        let place = span.deliveries.iter().rev().find(|(_, other)| *other == uid);
        place.is_some_and(|(number, _)| *number <= span.stable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_takes_the_way_there_and_back_and_no_chance_enters() {
        let measured = measure(MILLISECOND, 0, 0, &[1]).unwrap();
        assert_eq!(measured.times.len(), WRITES);
        assert!(measured.times.iter().all(|time| *time >= 2 * MILLISECOND));
        assert!(measured.all > measured.times.iter().sum());
        assert_eq!(measure(MILLISECOND, 0, 0, &[1]).unwrap(), measured);
    }

    #[test]
    fn a_write_costs_a_rotation_and_a_fifth_at_most() {
        for Writers { name, hosts } in WRITERS {
            // Several programs think for longer than shorter rotations take.
            let least = if hosts.len() == 1 { 100 } else { MILLISECOND / MICROSECOND };
            for delay in DELAYS.into_iter().filter(|delay| *delay >= least) {
                for jitter in [0, delay / 5] {
                    let measured =
                        measure(delay * MICROSECOND, jitter * MICROSECOND, 0, hosts).unwrap();
                    let rotations = measured.rotations().unwrap();
                    assert!(rotations <= 1.2, "{name}, {delay} + {jitter} us: {rotations}");
                }
            }
        }
    }

    /// Where rotations take little longer than programs think, no program that writes
    /// beside others waits for more than what comes before a write and its own.
    #[test]
    fn who_is_not_alone_keeps_the_token_from_nobody() {
        let measured = measure(100 * MICROSECOND, 0, 0, &[0, 1, 2]).unwrap();
        let rotations = measured.rotations().unwrap();
        assert!(rotations <= 2.0, "{rotations}");
    }

    #[test]
    fn loss_leaves_writers_most_of_their_rate() {
        for Writers { name, hosts } in WRITERS {
            for delay in DELAYS {
                let rate = |loss| measure(delay * MICROSECOND, 0, loss, hosts).unwrap().a_second();
                let [clean, one, five] = LOSSES.map(rate);
                let those = format!("{name}, {delay} us: {clean:.0} {one:.0} {five:.0} a second");
                assert!(one >= clean / 2.0 && five >= clean / 5.0, "{those}");
            }
        }
    }
}
