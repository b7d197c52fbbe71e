//! How long membership changes take with three nodes: from the fault until
//! each of the others announces the new configuration.

use crate::cluster::{Cluster, Settings};
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The rows of the table.
const NAMES: [&str; 5] =
    ["kill -9 of a daemon", "clean leave", "join, from exec", "link cut", "heal"];

/// Prints a table of all figures.
///
/// # Errors
/// If a change does not come.
pub(crate) fn run(settings: &Settings, rounds: u64) -> Result<(), String> {
    let mut table = NAMES.map(Row::new);
    println!(
        "3 nodes, token {} ms, {}, {rounds} rounds; ms until the others announce it",
        settings.token, settings.transport
    );
    for _ in 0..rounds {
        for (place, signal) in [Signal::SIGKILL, Signal::SIGTERM].into_iter().enumerate() {
            end_and_start(settings, signal, place, &mut table)?;
        }
        cut_and_heal(settings, &mut table)?;
    }
    for row in &mut table {
        row.print();
    }
    Ok(())
}

/// A daemon ends and is started again. The cluster is new each time: a node that is lost
/// again and again within a minute would be let in later each time.
fn end_and_start(
    settings: &Settings,
    signal: Signal,
    place: usize,
    table: &mut [Row],
) -> Result<(), String> {
    let mut cluster = Cluster::started(3, settings)?;
    settle();
    let start = Instant::now();
    cluster.nodes[2].end(signal)?;
    cluster.wait_together(&[0, 1])?;
    table[place].add(cluster.announced(&[0, 1], &[0, 1], start));
    settle();
    let start = Instant::now();
    cluster.start(2)?;
    cluster.wait_all_together()?;
    table[2].add(cluster.announced(&[0, 1], &[0, 1, 2], start));
    cluster.stop()
}

/// A node is cut off and is back, in a cluster that is new each time.
fn cut_and_heal(settings: &Settings, table: &mut [Row]) -> Result<(), String> {
    let mut cluster = Cluster::started(3, settings)?;
    settle();
    let start = Instant::now();
    cluster.nodes[2].host.cut()?;
    cluster.wait_together(&[0, 1])?;
    table[3].add(cluster.announced(&[0, 1], &[0, 1], start));
    cluster.wait_together(&[2])?;
    settle();
    let start = Instant::now();
    cluster.nodes[2].host.heal()?;
    cluster.wait_all_together()?;
    table[4].add(cluster.announced(&[0, 1], &[0, 1, 2], start));
    cluster.stop()
}

/// Longer than any round of the idle token, so that each fault comes at
/// another point of it.
fn settle() {
    sleep(Duration::from_millis(737));
}

struct Row {
    name: &'static str,
    samples: Vec<f64>,
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new() }
    }

    fn add(&mut self, samples: Vec<Option<f64>>) {
        self.samples.extend(samples.into_iter().flatten());
    }

    fn print(&mut self) {
        self.samples.sort_by(f64::total_cmp);
        let Some((low, high)) = self.samples.first().zip(self.samples.last()) else { return };
        println!(
            "  {:<20} median {:6.0}   min {low:6.0}   max {high:6.0}   n={}",
            self.name,
            self.samples[self.samples.len() / 2],
            self.samples.len()
        );
    }
}
