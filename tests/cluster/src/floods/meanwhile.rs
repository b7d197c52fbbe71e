//! What is looked at while a daemon is flooded: the memory of all daemons, and
//! whether root gets in.

use super::row::Memory;
use crate::cluster::{Cluster, Settings};
use crate::node::Node;
use crate::timed::program;
use nix::sys::signal::Signal;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(10);
/// Between two tries to get in.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the ring stands still, a part of the token of the run, and runs.
const STANDS: Duration = Duration::from_millis(300);
const RUNS: Duration = Duration::from_millis(700);

/// Keeps the most of each daemon until it is over.
pub(super) fn watch_memory(cluster: &Cluster, memory: &mut [Memory], is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for (node, memory) in cluster.nodes.iter().zip(&mut *memory) {
            memory.most = memory.most.max(node.resident());
        }
        sleep(LOOK);
    }
}

/// What root asks for, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) slowest: Duration,
    /// What was said where there was none.
    pub(super) failures: Vec<String>,
}

impl Answers {
    fn time(&mut self, node: &Node, command: &mut Command) {
        let begun = Instant::now();
        let result = node.run(command);
        self.slowest = self.slowest.max(begun.elapsed());
        self.failures.extend(result.err());
    }
}

/// Has root ask for the status, and a program of root open a checkpoint and write,
/// again and again until it is over.
pub(super) fn look_in(
    node: &Node,
    settings: &Settings,
    is_over: &AtomicBool,
) -> Result<[Answers; 2], String> {
    let [mut status, mut write] = [Answers::default(), Answers::default()];
    while !is_over.load(Ordering::Relaxed) {
        status.time(node, Command::new(settings.bin.join("aisctl")).arg("status"));
        write.time(node, program()?.args(["once", "root"]));
        sleep(PAUSE);
    }
    Ok([status, write])
}

/// Has the ring stand still now and then until it is over.
pub(super) fn pause(node: &Node, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        node.signal(Signal::SIGSTOP);
        sleep(STANDS);
        node.signal(Signal::SIGCONT);
        sleep(RUNS);
    }
}
