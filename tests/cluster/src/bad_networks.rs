//! Networks that are not perfect, one of each kind, and what may happen there:
//! the core, which is the largest set of nodes that can all talk to each other,
//! stays one view, changes it at most twice and is never without one of its own
//! for longer than twice `token`; and what is healed is back within that.

use crate::cluster::{Cluster, wait_until};
use crate::components::now;
use crate::suite::{Scenario, start_all};
use crate::switch::{Cast, Link, Network};
use crate::timed::{Habit, TimedWriters, since};
use crate::watch::Watch;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Milliseconds of `token`: long enough that nobody is lost on a machine that
/// does much else, and short, as all of this waits for multiples of it.
pub(crate) const TOKEN: u64 = 2000;

pub(crate) const SCENARIOS: [(&str, usize, Scenario); 7] = [
    ("bad network: a node joins whose unicast has no way, with quorum", 3, no_unicast),
    ("bad network: a node joins that gets small packets only, with quorum", 3, small_packets),
    ("bad network: unicast to a member is lost, with quorum", 4, unicast_lost),
    ("bad network: a link works one way, with quorum", 4, one_way),
    ("bad network: large packets are lost everywhere, one large write", 3, large_write),
    ("bad network: a hole that heals, with quorum", 3, hole),
    ("bad network: a member that comes and goes, with quorum", 3, flapping),
];

/// Views that the core may install for each thing that goes bad or heals.
const VIEWS: usize = 2;
/// What it takes until this process has read and judged a view, at most.
const SLACK: Duration = Duration::from_millis(250);
/// The last node: what happens to one node happens to it.
const OTHER: usize = 2;

fn tokens(count: u32) -> Duration {
    Duration::from_millis(TOKEN) * count
}

/// Twice `token`.
fn bound() -> Duration {
    tokens(2) + SLACK
}

/// Watches the core for so long: fails as soon as it was not as it should be.
fn go_on(cluster: &mut Cluster, watch: &Watch, time: Duration) -> Result<(), String> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        cluster.all_alive()?;
        let seen = watch.seen(cluster);
        if seen.views > VIEWS || seen.apart > bound() {
            return Err(format!("after {:.1} s: {seen:?}", watch.seconds()));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// All is good again: everybody is back in time.
fn heal(cluster: &mut Cluster) -> Result<(), String> {
    let all = Watch::begin(&cluster.running());
    cluster.network()?.mend();
    wait_until("all to be together on a healed network", || {
        cluster.all_alive()?;
        Ok(all.whole_after(cluster).is_some())
    })?;
    let took = all.whole_after(cluster).unwrap_or_default();
    if took > bound() {
        return Err(format!(
            "it took {:.1} s until the healed network was whole",
            took.as_secs_f64()
        ));
    }
    go_on(cluster, &all, tokens(1)).map_err(|seen| format!("on a healed network {seen}"))?;
    cluster.wait_all_together()
}

/// What the core lives through: the network goes bad, stays so, and heals,
/// while programs on it write. `fault` makes it bad.
fn endure(
    cluster: &mut Cluster,
    core: &[usize],
    habit: Habit,
    time: Duration,
    fault: impl FnOnce(&mut Cluster) -> Result<(), String>,
) -> Result<(), String> {
    let writers = TimedWriters::start(cluster, core, habit)?;
    let (begun, seen) = (now(), Watch::begin(core));
    fault(cluster)?;
    go_on(cluster, &seen, time)?;
    heal(cluster)?;
    let window = since(begun);
    for written in writers.end()? {
        written.check(cluster)?;
        let wait = written.longest_wait(window);
        if wait > bound() {
            return Err(format!("a program of the core waited {:.1} s", wait.as_secs_f64()));
        }
    }
    Ok(())
}

/// The first two nodes are a cluster and write; then the last one starts, on a
/// network that this has made bad.
fn join_badly(cluster: &mut Cluster, habit: Habit, spoil: fn(&mut Network)) -> Result<(), String> {
    cluster.use_switch()?;
    for number in [0, 1] {
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    spoil(&mut *cluster.network()?);
    endure(cluster, &[0, 1], habit, tokens(5), |cluster| cluster.start(OTHER))
}

/// It hears all and is heard by multicast, and what it sends to one is lost.
fn no_unicast(cluster: &mut Cluster) -> Result<(), String> {
    join_badly(cluster, Habit::STEADY, |network| {
        network.change(|from, _| from == OTHER, |link| link.limit(&[Cast::Unicast], 0));
    })
}

/// The path to it has a smaller MTU than all think, and loses the rest.
fn small_packets(cluster: &mut Cluster) -> Result<(), String> {
    join_badly(cluster, Habit::LARGE, |network| {
        network.change(|_, to| to == OTHER, |link| link.limit(Cast::BOTH, 1400));
    })
}

/// A member still hears what goes to all.
fn unicast_lost(cluster: &mut Cluster) -> Result<(), String> {
    cluster.use_switch()?;
    start_all(cluster)?;
    endure(cluster, &[0, 1, 2], Habit::STEADY, tokens(5), |cluster| {
        cluster.network()?.change(|_, to| to == 3, |link| link.limit(&[Cast::Unicast], 0));
        Ok(())
    })
}

/// Nothing comes from one node to another; either of them may have to go.
fn one_way(cluster: &mut Cluster) -> Result<(), String> {
    cluster.use_switch()?;
    start_all(cluster)?;
    endure(cluster, &[2, 3], Habit::STEADY, tokens(3), |cluster| {
        cluster.network()?.change(|from, to| (from, to) == (0, 1), Link::cut);
        Ok(())
    })
}

/// A node was in, is behind a hole for large packets for so long that whoever
/// lets it in again and again has lost it often, and is well again.
fn hole(cluster: &mut Cluster) -> Result<(), String> {
    cluster.use_switch()?;
    start_all(cluster)?;
    endure(cluster, &[0, 1], Habit::LARGE, tokens(4), |cluster| {
        cluster.network()?.change_node(OTHER, |link| link.limit(Cast::BOTH, 1280));
        Ok(())
    })
}

/// All paths lose what is longer than 1400 bytes, and one write needs that. A
/// while later every node serves or says that it does not, and sends little.
fn large_write(cluster: &mut Cluster) -> Result<(), String> {
    cluster.use_switch()?;
    start_all(cluster)?;
    cluster.network()?.change_all(|link| link.limit(Cast::BOTH, 1400));
    let write = Habit { most: 1, ..Habit::LARGE };
    // It may never be answered.
    let large = TimedWriters::begin(cluster, &[0], write)?;
    let begun = Instant::now();
    sleep(tokens(1));
    for node in cluster.running() {
        wait_until_settled(cluster, node, begun)?;
    }
    drop(large);
    wait_until_quiet(cluster)?;
    heal(cluster)
}

/// The node serves a program, or says that it is not well, in time.
fn wait_until_settled(cluster: &mut Cluster, node: usize, begun: Instant) -> Result<(), String> {
    let small = Habit { most: 1, ..Habit::STEADY };
    let mut writer = TimedWriters::begin(cluster, &[node], small)?;
    let aisctl = cluster.settings.bin.join("aisctl");
    let latest = tokens(6);
    while begun.elapsed() < latest {
        cluster.all_alive()?;
        let status = cluster.nodes[node].run(Command::new(&aisctl).arg("status"));
        if writer.has_begun()? || status.is_err() {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    let address = &cluster.nodes[node].address;
    Err(format!("{address} says that it is well, and does no write in {} s", latest.as_secs()))
}

/// Nodes that have nothing to do send little, soon.
fn wait_until_quiet(cluster: &Cluster) -> Result<(), String> {
    let sent = |cluster: &Cluster| -> Result<Vec<u64>, String> {
        let network = cluster.network()?;
        Ok((0..cluster.nodes.len()).map(|node| network.sent(node)).collect())
    };
    // The idle token and HELLOs.
    let most = 200 + TOKEN / 20;
    let mut last = 0;
    for _ in 0..3 {
        let before = sent(cluster)?;
        sleep(tokens(1));
        let each = sent(cluster)?.into_iter().zip(before).map(|(after, before)| after - before);
        last = each.max().unwrap_or_default();
        if last <= most {
            return Ok(());
        }
    }
    Err(format!("a node sends {last} packets in {TOKEN} ms, and has nothing to do"))
}

/// A member whose link fails and recovers again and again: each time it returns
/// it waits longer, so that the others have rest.
fn flapping(cluster: &mut Cluster) -> Result<(), String> {
    const TIMES: usize = 8;
    cluster.use_switch()?;
    start_all(cluster)?;
    let core = [0, 1];
    let writers = TimedWriters::start(cluster, &core, Habit::STEADY)?;
    let (begun, seen) = (now(), Watch::begin(&core));
    for _ in 0..TIMES {
        cluster.network()?.change_node(OTHER, Link::cut);
        cluster.wait_together(&core)?;
        cluster.network()?.mend();
        sleep(tokens(1) / 2);
    }
    let seen = seen.seen(cluster);
    if seen.apart > Duration::ZERO || seen.views > TIMES * 3 / 2 {
        return Err(format!("a member went and came {TIMES} times: {seen:?}"));
    }
    cluster.wait_all_together()?;
    let window = since(begun);
    for written in writers.end()? {
        written.check(cluster)?;
        let wait = written.longest_wait(window);
        if wait > bound() {
            return Err(format!("a program of the others waited {:.1} s", wait.as_secs_f64()));
        }
    }
    Ok(())
}
