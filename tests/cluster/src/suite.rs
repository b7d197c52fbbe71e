//! Every scenario once: what the tests of the project run.

use crate::addresses;
use crate::amf;
use crate::bad_networks;
use crate::checkpoints;
use crate::cluster::{Cluster, Settings};
use crate::keys;
use crate::ledger::Writers;
use crate::switch::Link;
use crate::uninvolved;
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::Duration;

/// What is done to a cluster; it has quorum if its name ends with that.
pub(crate) type Scenario = fn(&mut Cluster) -> Result<(), String>;

const SCENARIOS: [(&str, usize, Scenario); 25] = [
    ("nodes join one after the other", 4, join),
    ("a node leaves and comes back", 3, leave),
    ("kill -9 of a node, which comes back", 3, kill),
    ("kill -9 of the lowest node, which comes back", 3, kill_lowest),
    ("SIGSTOP for 0.4 tokens: nobody is lost", 3, stop_briefly),
    ("SIGSTOP for 3 tokens: out, and in again", 3, stop_long),
    ("a link is cut and healed", 3, cut),
    ("a cluster of five splits in two and three, and merges", 5, split),
    ("rolling restart under load", 3, rolling_restart),
    ("kill -9 of any node under 40 writers", 3, kills),
    ("a node joins with much to be sent, under 40 writers", 3, join_with_much),
    ("a node joins with too little memory, then with enough", 2, checkpoints::join_without_memory),
    ("a node parts, writes and meets the others", 3, checkpoints::part_and_meet),
    ("a node parts and meets the others, with quorum", 3, checkpoints::part_and_meet),
    ("takeovers on three nodes, never two active", 3, amf::takeovers),
    ("takeovers on two nodes, a unit on both", 2, amf::two_nodes),
    ("a node without components fails under callers, with quorum", 3, uninvolved::two_units),
    ("a node without components fails under callers of three units", 3, uninvolved::three_units),
    ("a node with a standby fails beside callers, with quorum", 3, uninvolved::three_nodes),
    ("the daemons of callers stand still", 2, uninvolved::own_daemon),
    ("several interfaces that may be meant", 2, addresses::several_interfaces),
    ("a machine is copied with its address", 4, addresses::copied_machine),
    ("the key is changed under 16 writers, with a key", 3, keys::change),
    ("who has no key or another one stays out, with a key", 4, keys::strangers),
    ("recordings and forged datagrams under load, with a key", 3, keys::some_replays),
];

/// How the scenarios are played, in turn: the transport, and whether there is a key.
const WAYS: [(&str, bool); 4] =
    [("multicast", false), ("unicast", true), ("multicast", true), ("unicast", false)];

/// Runs all scenarios with this in their name, on both transports and with and without
/// a key in turn, and those of bad networks, which mostly wait, side by side.
///
/// # Errors
/// How many failed.
pub(crate) fn run(settings: &Settings, only: &str) -> Result<(), String> {
    let mut all_passed = Vec::new();
    for (scenario, (transport, sealed)) in SCENARIOS.iter().zip(WAYS.iter().cycle()) {
        if scenario.0.contains(only) {
            let (transport, sealed) = ((*transport).into(), *sealed || settings.sealed);
            let settings = Settings { transport, sealed, ..settings.clone() };
            all_passed.push(play(scenario, settings));
        }
    }
    let settings = &Settings { token: bad_networks::TOKEN, ..settings.clone() };
    let named = bad_networks::SCENARIOS.iter().filter(|scenario| scenario.0.contains(only));
    std::thread::scope(|scope| {
        let spawn = |(scenario, (_, sealed)): (_, &(&str, bool))| {
            let sealed = *sealed || settings.sealed;
            scope.spawn(move || play(scenario, Settings { sealed, ..settings.clone() }))
        };
        let threads: Vec<_> = named.zip(WAYS.iter().cycle()).map(spawn).collect();
        all_passed.extend(threads.into_iter().map(|thread| thread.join().unwrap_or(false)));
    });
    let failed = all_passed.iter().filter(|passed| !**passed).count();
    println!("cluster: {} passed, {failed} failed", all_passed.len() - failed);
    if failed == 0 { Ok(()) } else { Err(format!("{failed} scenarios failed")) }
}

/// Plays a scenario and says how it went; whether it went well.
fn play((name, count, scenario): &(&str, usize, Scenario), settings: Settings) -> bool {
    let quorum = name.ends_with("with quorum");
    let sealed = settings.sealed || name.ends_with("with a key");
    let settings = Settings { quorum, sealed, ..settings };
    let transport = &settings.transport;
    match run_one(*count, &settings, *scenario) {
        Ok(()) => println!("ok: {name} ({count} nodes, {transport})"),
        Err(message) => {
            println!("FAILED: {name} ({count} nodes, {transport}): {message}");
            return false;
        }
    }
    true
}

fn run_one(count: usize, settings: &Settings, scenario: Scenario) -> Result<(), String> {
    let mut cluster = Cluster::new(count, settings)?;
    let result = scenario(&mut cluster).and_then(|()| cluster.stop());
    result.map_err(|message| format!("{message}; files: {}", cluster.keep_files()))
}

/// Starts all nodes; they meet.
pub(crate) fn start_all(cluster: &mut Cluster) -> Result<(), String> {
    for number in 0..cluster.nodes.len() {
        cluster.start(number)?;
    }
    cluster.wait_all_together()
}

fn kills(cluster: &mut Cluster) -> Result<(), String> {
    start_all(cluster)?;
    checkpoints::kill_rounds(cluster, 2)
}

fn join_with_much(cluster: &mut Cluster) -> Result<(), String> {
    checkpoints::join_with(cluster, 48)
}

fn tokens(cluster: &Cluster, tenths: u64) -> Duration {
    Duration::from_millis(cluster.settings.token * tenths / 10)
}

fn join(cluster: &mut Cluster) -> Result<(), String> {
    for number in (0..cluster.nodes.len()).rev() {
        cluster.start(number)?;
        cluster.wait_all_together()?;
    }
    Ok(())
}

fn come_back(cluster: &mut Cluster, number: usize, signal: Signal) -> Result<(), String> {
    start_all(cluster)?;
    let writers = Writers::start(cluster, cluster.nodes.len())?;
    cluster.nodes[number].end(signal)?;
    let running = cluster.running();
    cluster.wait_together(&running)?;
    cluster.start(number)?;
    cluster.wait_all_together()?;
    writers.wait_progress(cluster, &cluster.running())?;
    writers.check(cluster, &[]).map(|_| ())
}

fn leave(cluster: &mut Cluster) -> Result<(), String> {
    come_back(cluster, 1, Signal::SIGTERM)
}

fn kill(cluster: &mut Cluster) -> Result<(), String> {
    come_back(cluster, 2, Signal::SIGKILL)
}

fn kill_lowest(cluster: &mut Cluster) -> Result<(), String> {
    come_back(cluster, 0, Signal::SIGKILL)
}

fn stop_briefly(cluster: &mut Cluster) -> Result<(), String> {
    start_all(cluster)?;
    let views = |cluster: &Cluster| -> Vec<usize> {
        cluster.nodes.iter().map(|node| node.views().len()).collect()
    };
    let before = views(cluster);
    let writers = Writers::start(cluster, cluster.nodes.len())?;
    for number in 0..cluster.nodes.len() {
        cluster.nodes[number].signal(Signal::SIGSTOP);
        sleep(tokens(cluster, 4));
        cluster.nodes[number].signal(Signal::SIGCONT);
        // What was written by all of them went round with the token.
        writers.wait_progress(cluster, &cluster.running())?;
    }
    writers.check(cluster, &[])?;
    cluster.wait_all_together()?;
    let after = views(cluster);
    if before == after {
        return Ok(());
    }
    Err(format!("configurations before {before:?}, after {after:?}"))
}

fn stop_long(cluster: &mut Cluster) -> Result<(), String> {
    start_all(cluster)?;
    cluster.nodes[1].signal(Signal::SIGSTOP);
    cluster.wait_together(&[0, 2])?;
    sleep(tokens(cluster, 10));
    cluster.nodes[1].signal(Signal::SIGCONT);
    cluster.wait_all_together()
}

fn cut(cluster: &mut Cluster) -> Result<(), String> {
    start_all(cluster)?;
    cluster.nodes[1].host.cut()?;
    cluster.wait_together(&[0, 2])?;
    cluster.wait_together(&[1])?;
    cluster.nodes[1].host.heal()?;
    cluster.wait_all_together()
}

fn split(cluster: &mut Cluster) -> Result<(), String> {
    cluster.use_switch()?;
    start_all(cluster)?;
    cluster.network()?.change(|from, to| (from < 2) != (to < 2), Link::cut);
    cluster.wait_together(&[2, 3, 4])?;
    cluster.wait_together(&[0, 1])?;
    cluster.network()?.mend();
    cluster.wait_all_together()
}

fn rolling_restart(cluster: &mut Cluster) -> Result<(), String> {
    start_all(cluster)?;
    let writers = Writers::start(cluster, cluster.nodes.len())?;
    for number in 0..cluster.nodes.len() {
        cluster.nodes[number].end(Signal::SIGTERM)?;
        let running = cluster.running();
        cluster.wait_together(&running)?;
        cluster.start(number)?;
        cluster.wait_all_together()?;
        writers.wait_progress(cluster, &cluster.running())?;
    }
    writers.check(cluster, &[]).map(|_| ())
}
