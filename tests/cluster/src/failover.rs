//! How long it takes until a standby is told to be active: from the SIGKILL
//! of a process of the active unit, and of a whole node, to the CSISet(ACTIVE)
//! callbacks of the standby unit, by one clock that all of them read.

use crate::cluster::{Cluster, Settings};
use crate::components::{Cast, now};
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::Duration;

/// Prints a table of all figures, in ms.
///
/// # Errors
/// If a standby does not take over.
pub(crate) fn run(settings: &Settings, rounds: u64) -> Result<(), String> {
    let mut cluster = Cluster::started(3, settings)?;
    let mut cast = Cast::new(settings);
    for unit in 0..3 {
        cast.start_unit(unit, &cluster.nodes[unit])?;
        cast.wait_unit(unit, if unit == 0 { "ACTIVE" } else { "STANDBY" })?;
    }
    println!(
        "failover: 3 nodes on one machine, token {} ms, {}; units of two components, active and \
         standby on different nodes.\nms from kill(2), read by CLOCK_MONOTONIC just before it and \
         first thing in the callback.",
        settings.token, settings.transport
    );
    let mut process = Process::default();
    for _ in 0..rounds {
        process.round(&cluster, &mut cast)?;
    }
    process.print("SIGKILL of a process of the active unit");
    let mut node = Node::default();
    for _ in 0..rounds.div_ceil(10) {
        node.round(&mut cluster, &mut cast)?;
    }
    node.print("SIGKILL of all that runs on the node of the active unit");
    cast.check()?;
    cluster.stop()
}

/// The unit that is active, and the one that takes over from it.
fn roles(cast: &Cast) -> Result<(usize, usize), String> {
    let active = |unit: &usize| cast.told(2 * unit + 1, "ACTIVE").is_some();
    let active = (0..3).find(active).ok_or("no unit is active")?;
    Ok((active, if active == 0 { 1 } else { 0 }))
}

/// Longer than a heartbeat, so that it comes at any point of it.
fn rest() {
    sleep(Duration::from_millis(137));
}

fn milliseconds(from: u64, to: Option<u64>) -> f64 {
    to.map_or(f64::NAN, |to| (to as f64 - from as f64) / 1000.0)
}

#[derive(Default)]
struct Process {
    quiesced: Vec<f64>,
    out: Vec<f64>,
    first: Vec<f64>,
    whole: Vec<f64>,
}

impl Process {
    fn round(&mut self, cluster: &Cluster, cast: &mut Cast) -> Result<(), String> {
        rest();
        let (active, standby) = roles(cast)?;
        let (victim, sibling) = (2 * active + 1, 2 * active + 2);
        let at = cast.signal(victim, Signal::SIGKILL);
        cast.wait_unit(standby, "ACTIVE")?;
        cast.wait(&[sibling], "OUT_OF_SERVICE")?;
        let told = [2 * standby + 1, 2 * standby + 2].map(|number| cast.told(number, "ACTIVE"));
        self.first.push(milliseconds(at, told.into_iter().flatten().min()));
        self.whole.push(milliseconds(at, told.into_iter().flatten().max()));
        self.quiesced.push(milliseconds(at, cast.told(sibling, "QUIESCED")));
        self.out.push(milliseconds(at, cast.told(sibling, "OUT_OF_SERVICE")));
        cast.wait_end(victim);
        cast.start(victim, &cluster.nodes[active])?;
        cast.wait_unit(active, "STANDBY")
    }

    fn print(mut self, what: &str) {
        println!("{what}");
        print("its sibling is told QUIESCED", &mut self.quiesced);
        print("its sibling is told OUT_OF_SERVICE", &mut self.out);
        print("the first of the standby is told ACTIVE", &mut self.first);
        print("all of the standby is told ACTIVE", &mut self.whole);
    }
}

#[derive(Default)]
struct Node {
    detected: Vec<f64>,
    assigned: Vec<f64>,
    whole: Vec<f64>,
}

impl Node {
    fn round(&mut self, cluster: &mut Cluster, cast: &mut Cast) -> Result<(), String> {
        rest();
        let (active, standby) = roles(cast)?;
        let (start, at) = (std::time::Instant::now(), now());
        cluster.nodes[active].end(Signal::SIGKILL)?;
        for number in [2 * active + 1, 2 * active + 2] {
            cast.end(number, Signal::SIGKILL);
        }
        cast.wait_unit(standby, "ACTIVE")?;
        let running = cluster.running();
        cluster.wait_together(&running)?;
        let announced = cluster.announced(&[standby], &running, start);
        let detected = announced.into_iter().flatten().next().unwrap_or(f64::NAN);
        let told = [2 * standby + 1, 2 * standby + 2].map(|number| cast.told(number, "ACTIVE"));
        let whole = milliseconds(at, told.into_iter().flatten().max());
        self.detected.push(detected);
        self.whole.push(whole);
        self.assigned.push(whole - detected);
        cluster.start(active)?;
        cluster.wait_all_together()?;
        cast.start_unit(active, &cluster.nodes[active])?;
        cast.wait_unit(active, "STANDBY")
    }

    fn print(mut self, what: &str) {
        println!("{what}");
        print("the node of the standby says so", &mut self.detected);
        print("all of the standby is told ACTIVE", &mut self.whole);
        print("  after its node has said so", &mut self.assigned);
    }
}

fn print(name: &str, samples: &mut [f64]) {
    samples.sort_by(f64::total_cmp);
    let at = |hundredth: usize| samples[(samples.len() - 1) * hundredth / 100];
    println!(
        "  {name:<42} p50 {:8.2}   p99 {:8.2}   max {:8.2}   n={}",
        at(50),
        at(99),
        at(100),
        samples.len()
    );
}
