//! What checkpoints have to survive: nodes that are killed under many writers,
//! nodes that join with much to be sent, sides that part and meet.

use crate::cluster::{Cluster, Settings, wait_until};
use crate::ledger::Writers;
use crate::node::Node;
use nix::sys::signal::Signal;
use std::process::Command;
use std::time::{Duration, Instant};

/// Writers of the tests of writers.
const WRITERS: usize = 40;
/// Nodes.
const NODES: usize = 3;
/// Kills between two looks at what the writers wrote.
const LOOK: u64 = 10;

/// Any node is killed under many writers and comes back, so many times.
/// Nothing acknowledged is lost, and when all programs have ended nobody has
/// anything open.
pub(crate) fn kill_rounds(cluster: &mut Cluster, rounds: u64) -> Result<(), String> {
    let mut writes = 0;
    let mut round = 0;
    while round < rounds {
        let writers = Writers::start(cluster, WRITERS)?;
        for _ in 0..LOOK.min(rounds - round) {
            let number = (round * 5 / 3) as usize % NODES;
            cluster.nodes[number].end(Signal::SIGKILL)?;
            let running = cluster.running();
            cluster.wait_together(&running)?;
            cluster.start(number)?;
            cluster.wait_all_together()?;
            round += 1;
        }
        writers.wait_progress(cluster, &cluster.running())?;
        writes += writers.check(cluster, &[])?;
    }
    nothing_is_open(cluster)?;
    println!("  {rounds} kills under {WRITERS} writers: {writes} writes acknowledged, none lost");
    Ok(())
}

/// All programs have ended: no node says that anybody has a checkpoint open.
fn nothing_is_open(cluster: &mut Cluster) -> Result<(), String> {
    let aisctl = cluster.settings.bin.join("aisctl");
    for node in &cluster.nodes {
        wait_until(&format!("nothing to be open, by {}", node.address), || {
            let text = node.run(Command::new(&aisctl).args(["ckpt", "--json"]))?;
            let (all, closed) = (text.matches("\"open\":{").count(), text.matches("\"open\":{}"));
            Ok(all > 0 && all == closed.count())
        })?;
    }
    Ok(())
}

fn wait_for_log(node: &Node, text: &str) -> Result<(), String> {
    wait_until(&format!("the log of {} to say: {text}", node.address), || {
        let log = std::fs::read_to_string(node.log()).map_err(|error| error.to_string())?;
        Ok(log.contains(text))
    })
}

/// A node joins and is sent so many MiB while many write.
pub(crate) fn join_with(cluster: &mut Cluster, mebibytes: u64) -> Result<(), String> {
    for number in 0..NODES - 1 {
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    let ballast = |cluster: &Cluster, number: usize, looks: bool| {
        let mut command = Command::new(cluster.settings.ctests.join("ballast"));
        command.args(["-m", &mebibytes.to_string()]);
        cluster.nodes[number].run(if looks { command.arg("-v") } else { &mut command })
    };
    let begin = Instant::now();
    ballast(cluster, 0, false)?;
    let filled = begin.elapsed();
    let a_while = Duration::from_millis(500 + 4 * mebibytes);
    let rest = |_: &mut Cluster| {
        std::thread::sleep(a_while);
        Ok(())
    };
    let before_it = rate_while(cluster, rest)?;
    let before = cluster.nodes[0].resident();
    let mut took = Duration::ZERO;
    let served = rate_while(cluster, |cluster| {
        let begin = Instant::now();
        cluster.start(NODES - 1)?;
        cluster.wait_all_together()?;
        took = begin.elapsed();
        Ok(())
    })?;
    let after_it = rate_while(cluster, rest)?;
    println!(
        "  {mebibytes} MiB, written in {:.1} s: joined after {:.1} s; writes/s of {WRITERS} \
         writers: {before_it:.0} before, {served:.0} meanwhile, {after_it:.0} after",
        filled.as_secs_f64(),
        took.as_secs_f64(),
    );
    println!("  sender before: {before} KiB resident");
    println!("  sender after: {} KiB", cluster.nodes[0].resident());
    println!("  joiner: {} KiB", cluster.nodes[NODES - 1].resident());
    ballast(cluster, NODES - 1, true)?;
    nothing_is_open(cluster)
}

/// A node joins whose `checkpoint-memory` is too small for what the others
/// have: they go on, no program can use it, and its log names the key. With
/// enough it gets all of it.
pub(crate) fn join_without_memory(cluster: &mut Cluster) -> Result<(), String> {
    let (mebibytes, late) = ("4", 1);
    cluster.start(0)?;
    cluster.wait_all_together()?;
    let ballast = |cluster: &Cluster, number: usize, looks: bool| {
        let mut command = Command::new(cluster.settings.ctests.join("ballast"));
        command.args(["-m", mebibytes]);
        cluster.nodes[number].run(if looks { command.arg("-v") } else { &mut command })
    };
    ballast(cluster, 0, false)?;
    let writers = Writers::start(cluster, 2)?;
    cluster.nodes[late].configure("checkpoint-memory", "1m")?;
    cluster.start(late)?;
    let line = "raise checkpoint-memory in network.conf and start this node anew";
    wait_for_log(&cluster.nodes[late], line)?;
    // It is a member, and serves nobody.
    cluster.wait_together(&[0, late])?;
    if cluster.nodes[late].socket().exists() {
        return Err("a node without the state can be connected to".into());
    }
    ballast(cluster, 0, true)?;
    cluster.nodes[late].end(Signal::SIGTERM)?;
    cluster.wait_together(&[0])?;
    cluster.nodes[late].configure("checkpoint-memory", "64m")?;
    cluster.start(late)?;
    cluster.wait_all_together()?;
    ballast(cluster, late, true)?;
    writers.check(cluster, &[])?;
    nothing_is_open(cluster)
}

/// Acknowledged writes a second of all writers while this is done; none is
/// lost.
fn rate_while(
    cluster: &mut Cluster,
    work: impl FnOnce(&mut Cluster) -> Result<(), String>,
) -> Result<f64, String> {
    let writers = Writers::start(cluster, WRITERS)?;
    let begin = Instant::now();
    work(cluster)?;
    let took = begin.elapsed();
    Ok(writers.check(cluster, &[])? as f64 / took.as_secs_f64())
}

/// A node is alone for a while, and writes if it may; then the copy of the
/// others stands, and the log names the checkpoint.
pub(crate) fn part_and_meet(cluster: &mut Cluster) -> Result<(), String> {
    let alone = NODES - 1;
    for number in 0..NODES {
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    Writers::make_sections(cluster, NODES)?;
    let writers = Writers::start(cluster, NODES)?;
    cluster.nodes[alone].host.cut()?;
    cluster.wait_together(&[0, 1])?;
    cluster.wait_together(&[alone])?;
    // With quorum nothing is acknowledged on the side that has to lose.
    let (losers, writing): (&[usize], &[usize]) =
        if cluster.settings.quorum { (&[], &[0, 1]) } else { (&[alone], &[0, 1, alone]) };
    writers.wait_progress(cluster, writing)?;
    cluster.nodes[alone].host.heal()?;
    cluster.wait_all_together()?;
    writers.check(cluster, losers)?;
    let line =
        format!("checkpoint ledger: the copy of {} was dropped", cluster.nodes[alone].address);
    for node in &cluster.nodes {
        wait_for_log(node, &line)?;
    }
    nothing_is_open(cluster)
}

/// By hand: so many kills.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn kills(settings: &Settings, rounds: u64) -> Result<(), String> {
    let mut cluster = Cluster::started(NODES, settings)?;
    let result = kill_rounds(&mut cluster, rounds).and_then(|()| cluster.stop());
    result.map_err(|message| format!("{message}; files: {}", cluster.keep_files()))
}

/// By hand: a node joins with so many MiB to be sent.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn join(settings: &Settings, mebibytes: u64) -> Result<(), String> {
    let mut cluster = Cluster::new(NODES, settings)?;
    let result = join_with(&mut cluster, mebibytes).and_then(|()| cluster.stop());
    result.map_err(|message| format!("{message}; files: {}", cluster.keep_files()))
}
