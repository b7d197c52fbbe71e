//! Components that work, on nodes 0 and 1, each with one thread that is in a
//! call most of the time, while a third node, which has no part in that or only
//! a unit of its own, is cut off, stands still or dies. None of them is ever
//! told to let go.

use crate::cluster::{Cluster, Settings};
use crate::components::Cast;
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::Duration;

/// Milliseconds of `token`. A lost node is out after twice that; a component
/// may be silent for only half as long.
const TOKEN: u64 = 2000;
/// What the components call between their answers.
const CALLS: [[&str; 6]; 2] = [
    ["write", "open", "overwrite", "section", "report", "state"],
    ["synchronize", "unlink", "retention", "report", "write", "section"],
];
/// The node that something happens to.
const OTHER: usize = 2;

/// Something happens to a node, and is over.
type Fault = fn(&mut Cluster) -> Result<(), String>;

const FAULTS: [(&str, Fault); 4] =
    [("cut", cut), ("paused", pause), ("killed", kill), ("stopped", stop)];

/// Two units: one is active and one standby.
///
/// # Errors
/// The nodes that were taken out, or what did not happen.
pub(crate) fn two_units(cluster: &mut Cluster) -> Result<(), String> {
    all_faults(cluster, &[0, 1], &CALLS[0])
}

/// Three units on the same two nodes.
///
/// # Errors
/// The same.
pub(crate) fn three_units(cluster: &mut Cluster) -> Result<(), String> {
    all_faults(cluster, &[0, 1, 0], &CALLS[1])
}

/// Three units, one on each node; those on the first two work on.
///
/// # Errors
/// The same.
pub(crate) fn three_nodes(cluster: &mut Cluster) -> Result<(), String> {
    all_faults(cluster, &[0, 1, OTHER], &CALLS[0])
}

/// The same again and again, each time with other calls, with quorum and
/// without.
///
/// # Errors
/// The same.
pub(crate) fn run(settings: &Settings, rounds: u64) -> Result<(), String> {
    for round in 0..rounds {
        for quorum in [true, false] {
            let transport = if round % 2 == 0 { "multicast" } else { "unicast" };
            let settings = Settings { quorum, transport: transport.into(), ..settings.clone() };
            let mut cluster = Cluster::new(OTHER + 1, &settings)?;
            let mut calls = CALLS[round as usize % 2];
            calls.rotate_left(round as usize % 6);
            let places = [0, 1, if round % 3 == 0 { OTHER } else { 0 }];
            let result = all_faults(&mut cluster, &places, &calls);
            result.map_err(|error| format!("{error}; files: {}", cluster.keep_files()))?;
            cluster.stop()?;
            println!("  round {round}, quorum {quorum}, {transport}: nobody was taken out");
        }
    }
    Ok(())
}

/// `places`: the node of each unit.
fn all_faults(cluster: &mut Cluster, places: &[usize], calls: &[&str]) -> Result<(), String> {
    for number in 0..=OTHER {
        let node = &cluster.nodes[number];
        node.configure("token", &TOKEN.to_string())?;
        node.configure("api-timeout", &(3 * TOKEN).to_string())?;
        node.edit_groups(impatient)?;
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    let mut cast = Cast::new(&cluster.settings);
    let mut working = Vec::new();
    for (unit, place) in places.iter().enumerate() {
        for number in [2 * unit + 1, 2 * unit + 2] {
            cast.start_caller(number, calls[number - 1], &cluster.nodes[*place])?;
            working.extend((*place != OTHER).then_some(number));
        }
        cast.wait_unit(unit, if unit == 0 { "ACTIVE" } else { "STANDBY" })?;
    }
    let before = cast.callbacks(&working);
    for (name, fault) in FAULTS {
        let result = fault(cluster).and_then(|()| cluster.wait_all_together());
        result.map_err(|error| format!("the other node is {name}: {error}"))?;
        // Whoever counts as hung is told so when its call is over.
        sleep(Duration::from_millis(2 * TOKEN));
        let after = cast.callbacks(&working);
        if before != after {
            return Err(format!("the other node was {name}: {before:?} became {after:?}"));
        }
    }
    let longest = cast.longest_calls(&working)?;
    if longest.iter().all(|time| *time < TOKEN / 2) {
        return Err(format!("no call was held up by any fault: {longest:?} ms"));
    }
    Ok(())
}

/// The times of a component that may not be silent for long.
fn impatient(groups: &str) -> String {
    let times = format!(
        "model = x_active\n\t\t\thealthcheck-timeout = {TOKEN}\n\t\t\tcallback-timeout = {TOKEN}\n\
         \t\t\tquiesce-timeout = {TOKEN}\n"
    );
    let own = |line: &&str| !line.contains("-timeout");
    let lines: Vec<_> = groups.lines().filter(own).collect();
    (lines.join("\n") + "\n").replace("model = x_active\n", &times)
}

fn cut(cluster: &mut Cluster) -> Result<(), String> {
    cluster.nodes[OTHER].host.cut()?;
    cluster.wait_together(&[0, 1])?;
    cluster.wait_together(&[OTHER])?;
    cluster.nodes[OTHER].host.heal()
}

fn pause(cluster: &mut Cluster) -> Result<(), String> {
    cluster.nodes[OTHER].signal(Signal::SIGSTOP);
    let result = cluster.wait_together(&[0, 1]);
    cluster.nodes[OTHER].signal(Signal::SIGCONT);
    result
}

fn kill(cluster: &mut Cluster) -> Result<(), String> {
    end(cluster, Signal::SIGKILL)
}

fn stop(cluster: &mut Cluster) -> Result<(), String> {
    end(cluster, Signal::SIGTERM)
}

fn end(cluster: &mut Cluster, signal: Signal) -> Result<(), String> {
    cluster.nodes[OTHER].end(signal)?;
    cluster.wait_together(&[0, 1])?;
    cluster.start(OTHER)
}

/// The daemon of the nodes with the components stands still for longer than a
/// component may be silent, and not so long that it is lost.
///
/// # Errors
/// The nodes that were taken out.
pub(crate) fn own_daemon(cluster: &mut Cluster) -> Result<(), String> {
    let token = 4 * TOKEN;
    for number in 0..cluster.nodes.len() {
        let node = &cluster.nodes[number];
        node.configure("token", &token.to_string())?;
        node.edit_groups(impatient)?;
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    let mut cast = Cast::new(&cluster.settings);
    for (unit, calls) in [["write", "state"], ["open", "report"]].into_iter().enumerate() {
        for (number, call) in (2 * unit + 1..).zip(calls) {
            cast.start_caller(number, call, &cluster.nodes[unit])?;
        }
        cast.wait_unit(unit, if unit == 0 { "ACTIVE" } else { "STANDBY" })?;
    }
    let callers = [1, 2, 3, 4];
    let before = cast.callbacks(&callers);
    for number in [0, 1] {
        cluster.nodes[number].signal(Signal::SIGSTOP);
        sleep(Duration::from_millis(TOKEN + TOKEN / 2));
        cluster.nodes[number].signal(Signal::SIGCONT);
        sleep(Duration::from_millis(2 * TOKEN));
    }
    let after = cast.callbacks(&callers);
    if before != after {
        return Err(format!("its daemon stood still: {before:?} became {after:?}"));
    }
    cast.longest_calls(&callers).map(|_| ())
}
