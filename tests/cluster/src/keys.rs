//! Clusters with a key: it is changed while they work, strangers stay out, and what was
//! recorded, altered or made up does nothing.

use crate::cluster::{Cluster, Settings, wait_until};
use crate::ledger::Writers;
use crate::node::Node;
use crate::random::Random;
use crate::suite::start_all;
use crate::switch::flip;
use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writers while the key is changed.
const WRITERS: usize = 16;
/// Frames that are recorded at most.
const RECORDED: usize = 20_000;
/// Frames that may wait to be carried.
const WAITING: usize = 2_000;
/// Frames that the scenario of the suite plays.
const SOME: u64 = 60_000;

/// A new key, as the line of a file.
///
/// # Errors
/// If `aisctl keygen` fails.
pub(crate) fn new_key(directory: &Path, name: &str, settings: &Settings) -> Result<String, String> {
    let path = directory.join(name);
    let mut keygen = Command::new(settings.bin.join("aisctl"));
    let output = keygen.arg("keygen").arg(&path).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("aisctl keygen: {}", String::from_utf8_lossy(&output.stderr)));
    }
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Gives a new key to all nodes.
///
/// # Errors
/// What cannot be written.
pub(crate) fn give(nodes: &[Node], directory: &Path, settings: &Settings) -> Result<(), String> {
    let key = new_key(directory, "first", settings)?;
    nodes.iter().try_for_each(|node| node.set_keys(&key))
}

/// What a counter of the ring of a node shows.
fn counter(cluster: &Cluster, node: usize, name: &str) -> Result<u64, String> {
    let aisctl = cluster.settings.bin.join("aisctl");
    let text = cluster.nodes[node].run(Command::new(aisctl).arg("ring"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|rest| rest.trim().parse().ok());
    value.ok_or_else(|| format!("aisctl ring has no {name}: {text}"))
}

fn views(cluster: &Cluster) -> Result<Vec<u64>, String> {
    (0..cluster.nodes.len()).map(|node| counter(cluster, node, "views")).collect()
}

fn log_has(node: &Node, text: &str) -> Result<bool, String> {
    let log = fs::read(node.log()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&log).contains(text))
}

/// Has a node read this key file; waits until its log has this.
fn reload(cluster: &Cluster, node: usize, keys: &str, text: &str) -> Result<(), String> {
    let node = &cluster.nodes[node];
    node.set_keys(keys)?;
    node.signal(Signal::SIGHUP);
    wait_until(&format!("`{text}` in the log of {}", node.address), || log_has(node, text))
}

fn id(key: &str) -> &str {
    key.split(' ').nth(1).unwrap_or_default()
}

/// What the key files hold after each step of a change, and the list of it in the log.
fn steps(old: &str, new: &str) -> [(String, String); 3] {
    [
        (format!("{old}{new}"), format!("{}, {}", id(old), id(new))),
        (format!("{new}{old}"), format!("{}, {}", id(new), id(old))),
        (new.to_owned(), id(new).to_owned()),
    ]
}

/// All nodes take a step.
fn take(cluster: &Cluster, (keys, list): &(String, String)) -> Result<(), String> {
    let line = format!("from now on: {list}\n");
    (0..cluster.nodes.len()).try_for_each(|node| reload(cluster, node, keys, &line))
}

/// Changes the key of a cluster that works.
///
/// # Errors
/// If a node does not take a step.
pub(crate) fn change_all(cluster: &Cluster, old: &str, new: &str) -> Result<(), String> {
    steps(old, new).iter().try_for_each(|step| take(cluster, step))
}

/// The key is changed on all nodes, step by step, and nobody notices.
pub(crate) fn change(cluster: &mut Cluster) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let old = new_key(directory.path(), "old", &cluster.settings)?;
    let new = new_key(directory.path(), "new", &cluster.settings)?;
    cluster.nodes.iter().try_for_each(|node| node.set_keys(&old))?;
    start_all(cluster)?;
    let writers = Writers::start(cluster, WRITERS)?;
    let before = views(cluster)?;
    let switched = format!("{new}{old}");
    reload(cluster, 1, &switched, &format!("does not accept key {}", id(&new)))?;
    let [add, switch, remove] = steps(&old, &new);
    take(cluster, &add)?;
    writers.wait_progress(cluster, &cluster.running())?;
    reload(cluster, 0, &new, &format!("seals with key {}", id(&old)))?;
    take(cluster, &switch)?;
    writers.wait_progress(cluster, &cluster.running())?;
    take(cluster, &remove)?;
    writers.wait_progress(cluster, &cluster.running())?;
    let after = views(cluster)?;
    if before != after {
        return Err(format!("there were {before:?} views, now there are {after:?}"));
    }
    writers.check(cluster, &[]).map(|_| ())
}

/// A daemon without the key, and one with another, on the same network.
pub(crate) fn strangers(cluster: &mut Cluster) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let first = new_key(directory.path(), "first", &cluster.settings)?;
    let other = new_key(directory.path(), "other", &cluster.settings)?;
    (0..3).try_for_each(|node| cluster.nodes[node].set_keys(&first))?;
    (0..3).try_for_each(|node| cluster.start(node))?;
    cluster.wait_together(&[0, 1, 2])?;
    cluster.wait_serving(0)?;
    let before = counter(cluster, 0, "views")?;
    cluster.nodes[3].remove_keys()?;
    let (mine, theirs) = (cluster.nodes[0].address.clone(), cluster.nodes[3].address.clone());
    for (says, hears) in [
        (format!("sealed with key {}, and this node has no key", id(&first)), "not sealed".into()),
        (format!("sealed with key {}", id(&first)), format!("sealed with key {}", id(&other))),
    ] {
        cluster.start(3)?;
        cluster.wait_together(&[3])?;
        cluster.wait_serving(3)?;
        let line = format!("packets of {mine} are ignored: they are {says}");
        wait_until(&line, || log_has(&cluster.nodes[3], &line))?;
        let aisctl = cluster.settings.bin.join("aisctl");
        let line = format!("packets of {theirs} are ignored: they are {hears}");
        wait_until(&line, || {
            let text = cluster.nodes[0].run(Command::new(&aisctl).arg("status"))?;
            Ok(text.contains(&line))
        })?;
        cluster.nodes[3].end(Signal::SIGTERM)?;
        cluster.nodes[3].set_keys(&other)?;
    }
    let after = counter(cluster, 0, "views")?;
    if before != after {
        return Err(format!("the strangers have made {} views", after - before));
    }
    Ok(())
}

pub(crate) fn some_replays(cluster: &mut Cluster) -> Result<(), String> {
    attack(cluster, SOME).map(|_| ())
}

/// So many datagrams that were recorded, altered or made up, against three nodes.
///
/// # Errors
/// What they have brought about.
pub(crate) fn replays(settings: &Settings, count: u64) -> Result<(), String> {
    let settings = Settings { sealed: true, ..settings.clone() };
    let mut cluster = Cluster::new(3, &settings)?;
    let [alone, meanwhile] = attack(&mut cluster, count)?;
    println!("{count} datagrams played: no view, no order changed");
    println!("without them {alone} messages/s of 200 bytes, with them {meanwhile}");
    cluster.stop()
}

/// Messages in a second that a program of a node sends, for a while.
fn throughput(cluster: &Cluster, seconds: &str) -> Result<u64, String> {
    let aisctl = cluster.settings.bin.join("aisctl");
    let text =
        cluster.nodes[0].run(Command::new(aisctl).args(["bench", "tput", "200", seconds]))?;
    let rate = text.split_whitespace().find_map(|word| word.strip_prefix("ops_s="));
    rate.and_then(|rate| rate.parse().ok()).ok_or(text)
}

/// Records the first life of a cluster and plays it to the second: as it was, altered,
/// and with other bytes in it. Writers and their order notice nothing. How many messages
/// a program sends in a second without that, and meanwhile.
fn attack(cluster: &mut Cluster, count: u64) -> Result<[u64; 2], String> {
    cluster.use_switch()?;
    cluster.network()?.record(RECORDED);
    start_all(cluster)?;
    let writers = Writers::start(cluster, 3)?;
    writers.wait_progress(cluster, &[0, 1, 2])?;
    drop(writers);
    for node in &mut cluster.nodes {
        node.end(Signal::SIGTERM)?;
    }
    let mut recorded = cluster.network()?.record(RECORDED);
    start_all(cluster)?;
    let writers = Writers::start(cluster, 3)?;
    let alone = throughput(cluster, "2")?;
    // And what is sent in this life.
    recorded.append(&mut cluster.network()?.record(0));
    let before = views(cluster)?;
    let mut random = Random(1);
    let mut played = 0;
    let mut play_all = || {
        wait_until(&format!("{count} datagrams to be played"), || {
            let mut network = cluster.network()?;
            while network.left_to_play() < WAITING && played < count {
                let (from, frame) = &recorded[random.below(recorded.len() as u64) as usize];
                network.play([(*from, altered(&mut random, played, frame))]);
                played += 1;
            }
            Ok(played == count && network.left_to_play() == 0)
        })
    };
    let meanwhile = std::thread::scope(|scope| {
        let measured = scope.spawn(|| throughput(cluster, "2"));
        play_all()?;
        measured.join().unwrap_or(Err("the measurement failed".into()))
    })?;
    writers.wait_progress(cluster, &[0, 1, 2])?;
    let after = views(cluster)?;
    if before != after {
        return Err(format!("there were {before:?} views, now there are {after:?}"));
    }
    let mut dropped = 0;
    for name in ["dropped-forged", "dropped-replayed", "dropped-unproven", "dropped-foreign"] {
        dropped += counter(cluster, 0, name)?;
    }
    if dropped < count / 10 {
        return Err(format!("of {count} datagrams {dropped} came"));
    }
    writers.check(cluster, &[]).map(|_| [alone, meanwhile])
}

/// A frame as an attacker makes it of one that was recorded.
pub(crate) fn altered(random: &mut Random, number: u64, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    match number % 4 {
        0 | 1 => {}
        2 => flip(&mut frame, random.below(1 << 20)),
        _ => (0..20).for_each(|_| flip(&mut frame, random.below(1 << 20))),
    }
    frame
}
