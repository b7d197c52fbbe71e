//! Long runs by hand: faults at random, or none at all.

use crate::cluster::{Cluster, Settings};
use crate::ledger::Writers;
use crate::random::Random;
use nix::sys::signal::Signal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Nodes of a soak run.
const NODES: usize = 5;
/// Faults between two looks at what the writers wrote.
const ROUND: u64 = 8;

/// Faults at random for so many seconds, under load, with quorum, so that
/// nothing acknowledged may be lost.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn run(settings: &Settings, seconds: u64, seed: u64) -> Result<(), String> {
    let settings = Settings { quorum: true, ..settings.clone() };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut cluster = Cluster::started(NODES, &settings)?;
    let mut random = Random(seed);
    let (mut faults, mut writes) = (0, 0);
    let result = (|| {
        while Instant::now() < end {
            let writers = Writers::start(&cluster, NODES)?;
            for _ in 0..ROUND {
                disturb(&mut cluster, &mut random)?;
                cluster.wait_all_together()?;
                faults += 1;
            }
            writes += writers.check(&cluster, &[])?;
        }
        cluster.stop()
    })();
    println!("soak: seed {seed}, {faults} faults, {writes} writes acknowledged, none lost");
    result.map_err(|message| {
        format!("after {faults} faults: {message}; files: {}", cluster.keep_files())
    })
}

/// One fault, over when this returns.
fn disturb(cluster: &mut Cluster, random: &mut Random) -> Result<(), String> {
    let number = random.below(NODES as u64) as usize;
    let token = cluster.settings.token;
    let a_while = Duration::from_millis(random.below(3 * token));
    let what = random.below(6);
    let address = cluster.nodes[number].address.clone();
    match what {
        0 | 1 => {
            let signal = if what == 0 { Signal::SIGKILL } else { Signal::SIGTERM };
            println!("  {signal} to {address}, back after {a_while:?}");
            cluster.nodes[number].end(signal)?;
            sleep(a_while);
            cluster.start(number)?;
        }
        2 | 3 => {
            println!("  {address} stopped for {a_while:?}");
            cluster.nodes[number].signal(Signal::SIGSTOP);
            sleep(a_while);
            cluster.nodes[number].signal(Signal::SIGCONT);
        }
        _ => {
            let other = (number + 1 + random.below(NODES as u64 - 1) as usize) % NODES;
            println!("  {address} and {} cut for {a_while:?}", cluster.nodes[other].address);
            cluster.nodes[number].host.cut()?;
            cluster.nodes[other].host.cut()?;
            sleep(a_while);
            cluster.nodes[number].host.heal()?;
            cluster.nodes[other].host.heal()?;
        }
    }
    Ok(())
}

/// Three nodes do nothing for so many seconds.
///
/// # Errors
/// If a configuration changes.
pub(crate) fn idle(settings: &Settings, seconds: u64) -> Result<(), String> {
    let mut cluster = Cluster::started(3, settings)?;
    let load = settings.busy.then(Load::on_all_processors);
    let before: Vec<usize> = cluster.nodes.iter().map(|node| node.views().len()).collect();
    let ticks = cpu_ticks(&cluster);
    sleep(Duration::from_secs(seconds));
    drop(load);
    cluster.all_alive()?;
    let used = cpu_ticks(&cluster).saturating_sub(ticks);
    let after: Vec<usize> = cluster.nodes.iter().map(|node| node.views().len()).collect();
    println!(
        "idle: {seconds} s at token {} ms, busy: {}; configurations before {before:?}, after \
         {after:?}; {used} ticks of processor time for three daemons",
        settings.token, settings.busy
    );
    for node in &cluster.nodes {
        println!("  {}: {} KiB resident", node.address, node.resident());
    }
    if before == after { cluster.stop() } else { Err("a node was wrongly lost".into()) }
}

/// Threads that keep all processors busy until they are dropped.
struct Load {
    over: Arc<AtomicBool>,
}

impl Load {
    fn on_all_processors() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..processors {
            let over = Arc::clone(&over);
            std::thread::spawn(move || while !over.load(Ordering::Relaxed) {});
        }
        Self { over }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Processor time of all daemons, in ticks of 10 ms.
fn cpu_ticks(cluster: &Cluster) -> u64 {
    let ticks = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields = fields.split_whitespace().skip(11).take(2);
        fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>()
    };
    cluster.nodes.iter().filter_map(|node| node.pid()).map(ticks).sum()
}
