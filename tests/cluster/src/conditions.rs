//! By hand: what a cluster does on networks of every kind, as a table. Each
//! condition has a cluster of its own with quorum, and programs that write as
//! fast as they are answered.

use crate::cluster::{Cluster, Settings};
use crate::components::now;
use crate::switch::{Cast, Link, Network, Rate};
use crate::timed::{Habit, TimedWriters, Written, since};
use crate::watch::{Seen, Watch};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is done to the network.
#[derive(Clone, Copy)]
enum Fault {
    Links(fn(&mut Network)),
    /// The links of the third node go and come each so many milliseconds.
    Flap(u64),
    /// The third node joins only then, and is sent what the others have.
    Join(fn(&mut Network)),
}

struct Condition {
    name: &'static str,
    nodes: usize,
    habit: Habit,
    /// The core, which is the largest set of nodes that can all talk to each
    /// other, begins and ends with these nodes.
    core: (usize, usize),
    /// Whether the core may part for a moment, and come together one by one: what
    /// is under way when the network gets bad has no way any more, and who has it
    /// cannot stay with who lacks it.
    may_part: bool,
    fault: Fault,
}

/// Everybody can talk to everybody.
const fn all(name: &'static str, change: fn(&mut Network)) -> Condition {
    of_core(name, (0, 2), change)
}

/// The core is the first two nodes.
const fn two(name: &'static str, change: fn(&mut Network)) -> Condition {
    of_core(name, (0, 1), change)
}

const fn of_core(name: &'static str, core: (usize, usize), change: fn(&mut Network)) -> Condition {
    of_fault(name, core, Fault::Links(change))
}

const fn of_fault(name: &'static str, core: (usize, usize), fault: Fault) -> Condition {
    Condition { name, nodes: 3, habit: Habit::BUSY, core, may_part: false, fault }
}

/// With writes that need large packets.
const fn large(condition: Condition) -> Condition {
    Condition { habit: Habit { bytes: Habit::LARGE.bytes, ..Habit::BUSY }, ..condition }
}

const fn flap(name: &'static str, milliseconds: u64) -> Condition {
    of_fault(name, (0, 1), Fault::Flap(milliseconds))
}

const fn join(name: &'static str, change: fn(&mut Network)) -> Condition {
    of_fault(name, (0, 1), Fault::Join(change))
}

const fn parting(condition: Condition) -> Condition {
    Condition { may_part: true, ..condition }
}

const fn of_nodes(nodes: usize, condition: Condition) -> Condition {
    Condition { nodes, core: (0, nodes - 1), ..condition }
}

const CONDITIONS: [Condition; 35] = [
    all("clean", |_| {}),
    all("loss 0.1 %", |network| loss(network, 1_000)),
    all("loss 1 %", |network| loss(network, 10_000)),
    all("loss 5 %", |network| loss(network, 50_000)),
    all("loss 20 %", |network| loss(network, 200_000)),
    all("delay 1 ms, jitter 0.4 ms", |network| delay(network, 1_000, 400)),
    all("delay 10 ms, jitter 6 ms", |network| delay(network, 10_000, 6_000)),
    all("delay 50 ms, jitter 20 ms", |network| delay(network, 50_000, 20_000)),
    all("delay 200 ms, jitter 100 ms", |network| delay(network, 200_000, 100_000)),
    all("delay 100 ms to and from one node", |network| {
        network.change_node(OTHER, |link| link.delay = Duration::from_millis(100));
    }),
    all("late 25 %", |network| network.change_all(|link| link.late = 250_000)),
    all("late 25 %, delay 10 ms", |network| {
        delay(network, 10_000, 0);
        network.change_all(|link| link.late = 250_000);
    }),
    all("duplicates 5 %", |network| network.change_all(|link| link.duplicate = 50_000)),
    all("damage 1 %", |network| network.change_all(|link| link.corrupt = 10_000)),
    all("10 Mbit/s, queue 20 kB", |network| narrow(network, 20_000)),
    all("10 Mbit/s, queue 200 kB", |network| narrow(network, 200_000)),
    all("10 Mbit/s between each two, queue 20 kB", |network| {
        let rate = Some(Rate { bits: 10_000_000, queue: 20_000 });
        network.change_all(|link| link.rate = rate);
    }),
    join("a node joins behind 10 Mbit/s, queue 20 kB", |network| {
        network.narrow(OTHER, Rate { bits: 10_000_000, queue: 20_000 });
    }),
    all("loss 20 % to and from one node", |network| {
        network.change_node(OTHER, |link| link.loss = 200_000);
    }),
    all("some of everything", |network| {
        delay(network, 10_000, 10_000);
        network.change_all(|link| {
            (link.loss, link.duplicate, link.corrupt) = (10_000, 10_000, 2_000);
        });
    }),
    of_core("one pair cut in one direction", (OTHER, OTHER), |network| {
        network.change(|from, to| (from, to) == (0, 1), Link::cut);
    }),
    of_core("one pair cut in both directions", (OTHER, OTHER), |network| {
        network.change(|from, to| from + to == 1, Link::cut);
    }),
    two("one node hears nobody", |network| network.change(|_, to| to == OTHER, Link::cut)),
    two("nobody hears one node", |network| network.change(|from, _| from == OTHER, Link::cut)),
    two("unicast of one node lost", |network| {
        network.change(|from, _| from == OTHER, |link| link.limit(&[Cast::Unicast], 0));
    }),
    two("unicast to one node lost", |network| {
        network.change(|_, to| to == OTHER, |link| link.limit(&[Cast::Unicast], 0));
    }),
    two("multicast of one node lost", |network| {
        network.change(|from, _| from == OTHER, |link| link.limit(&[Cast::Multicast], 0));
    }),
    two("multicast to one node lost", |network| {
        network.change(|_, to| to == OTHER, |link| link.limit(&[Cast::Multicast], 0));
    }),
    large(two("1400 bytes at most to one node", |network| {
        network.change(|_, to| to == OTHER, |link| link.limit(Cast::BOTH, 1400));
    })),
    large(two("1280 bytes at most to and from one node", |network| {
        network.change_node(OTHER, |link| link.limit(Cast::BOTH, 1280));
    })),
    // Nobody can talk to anybody, unless all find out and send less at a time.
    parting(large(all("1400 bytes at most everywhere", |network| {
        network.change_all(|link| link.limit(Cast::BOTH, 1400));
    }))),
    flap("one node goes and comes each 300 ms", 300),
    flap("one node goes and comes each 2 s", 2_000),
    of_nodes(16, all("16 nodes, loss 5 %", |network| loss(network, 50_000))),
    of_nodes(64, all("64 nodes, clean", |_| {})),
];

/// The node that something is done to.
const OTHER: usize = 2;
/// Writers, on the first nodes.
const WRITERS: usize = 3;
/// MiB that a node which joins is sent.
const BALLAST: &str = "4";
/// Views that a node of the core may install while the network is bad.
const VIEWS: usize = 2;

fn loss(network: &mut Network, chance: u64) {
    network.change_all(|link| link.loss = chance);
}

/// In microseconds.
fn delay(network: &mut Network, least: u64, jitter: u64) {
    let [least, jitter] = [least, jitter].map(Duration::from_micros);
    network.change_all(|link| (link.delay, link.jitter) = (least, jitter));
}

fn narrow(network: &mut Network, queue: u64) {
    for node in 0..=OTHER {
        network.narrow(node, Rate { bits: 10_000_000, queue });
    }
}

/// Prints the row of each condition with this text in its name.
///
/// # Errors
/// If a row is not as it should be.
pub(crate) fn run(settings: &Settings, seconds: u64, only: &str) -> Result<(), String> {
    println!(
        "token {} ms, {}, quorum; writers on {WRITERS} nodes, {seconds} s each; writes/s, p99 and \
         longest wait of one of the core\n",
        settings.token, settings.transport
    );
    println!(
        "| condition | views | wrongly out | writes/s | p99 | longest wait | healed after | |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let (mut failed, mut count) = (0, 0);
    for condition in CONDITIONS.iter().filter(|condition| condition.name.contains(only)) {
        let row = condition.play(settings, seconds);
        let is_good = row.as_ref().is_ok_and(|row| row.is_good(condition, settings));
        match row {
            Ok(row) => println!("| {} | {row} | {} |", condition.name, verdict(is_good)),
            Err(error) => println!("| {} | {error} | | | | | | bad |", condition.name),
        }
        count += 1;
        failed += usize::from(!is_good);
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {count} conditions")) }
}

fn verdict(is_good: bool) -> &'static str {
    if is_good { "good" } else { "bad" }
}

/// What was seen.
struct Row {
    seen: Seen,
    rate: f64,
    /// In ms; of no write there is none.
    p99: Option<f64>,
    longest_wait: Duration,
    healed_after: Duration,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seen: Seen { views, wrongly_out, .. }, rate, p99, .. } = self;
        let p99 = p99.map_or("-".into(), |p99| format!("{p99:.1} ms"));
        let [wait, healed] = [self.longest_wait, self.healed_after].map(|of| of.as_secs_f64());
        write!(f, "{views} | {wrongly_out} | {rate:.0} | {p99} | {wait:.2} s | {healed:.2} s")
    }
}

impl Row {
    /// Whether the core was as it should be.
    fn is_good(&self, condition: &Condition, settings: &Settings) -> bool {
        let bound = 2 * Duration::from_millis(settings.token);
        let (views, back) = match condition.fault {
            Fault::Links(_) if condition.may_part => (condition.nodes, bound),
            Fault::Links(_) | Fault::Join(_) => (VIEWS, bound),
            // Each return waits longer, up to a limit.
            Fault::Flap(_) => (usize::MAX, 8 * bound),
        };
        let is_whole = self.seen.wrongly_out == 0;
        (is_whole || condition.may_part && self.seen.apart <= bound)
            && self.seen.views <= views
            && self.longest_wait <= bound
            && self.healed_after <= back
    }
}

impl Condition {
    fn play(&self, settings: &Settings, seconds: u64) -> Result<Row, String> {
        let settings = Settings { quorum: true, ..settings.clone() };
        let mut cluster = Cluster::new(self.nodes, &settings)?;
        let result = self.play_on(&mut cluster, Duration::from_secs(seconds));
        result.map_err(|error| format!("{error}; files: {}", cluster.keep_files()))
    }

    fn play_on(&self, cluster: &mut Cluster, time: Duration) -> Result<Row, String> {
        self.start(cluster)?;
        let core: Vec<_> = (self.core.0..=self.core.1).collect();
        let running = cluster.running();
        let places = &running[..WRITERS.min(running.len())];
        let writers = TimedWriters::start(cluster, places, self.habit)?;
        let (begun, watch) = (now(), Watch::begin(&core));
        self.spoil(cluster, time)?;
        let (window, seen) = (since(begun), watch.seen(cluster));
        let healed = Watch::begin(&cluster.running());
        cluster.network()?.mend();
        cluster.wait_all_together()?;
        let healed_after = healed.whole_after(cluster).unwrap_or_default();
        let all = writers.end()?;
        all.iter().try_for_each(|written| written.check(cluster))?;
        let written: &Written = &all[self.core.0];
        cluster.stop()?;
        Ok(Row {
            seen,
            rate: written.rate(window),
            p99: written.percentile(99, window),
            longest_wait: written.longest_wait(window),
            healed_after,
        })
    }

    /// The cluster before anything goes bad.
    fn start(&self, cluster: &mut Cluster) -> Result<(), String> {
        cluster.use_switch()?;
        if !matches!(self.fault, Fault::Join(_)) {
            return crate::suite::start_all(cluster);
        }
        (0..OTHER).try_for_each(|node| cluster.start(node))?;
        cluster.wait_all_together()?;
        let ballast = cluster.settings.ctests.join("ballast");
        cluster.nodes[0].run(Command::new(ballast).args(["-m", BALLAST])).map(|_| ())
    }

    /// The network is bad for so long.
    fn spoil(&self, cluster: &mut Cluster, time: Duration) -> Result<(), String> {
        match self.fault {
            Fault::Links(change) => {
                change(&mut *cluster.network()?);
                sleep(time);
            }
            Fault::Join(change) => {
                change(&mut *cluster.network()?);
                cluster.start(OTHER)?;
                sleep(time);
            }
            Fault::Flap(milliseconds) => {
                let end = Instant::now() + time;
                while Instant::now() < end {
                    cluster.network()?.change_node(OTHER, Link::cut);
                    sleep(Duration::from_millis(milliseconds));
                    cluster.network()?.mend();
                    sleep(Duration::from_millis(milliseconds));
                }
            }
        }
        cluster.all_alive()
    }
}
