//! Everything at once, by hand: a cluster of five with a key and writers, and faults of
//! every kind at random, each over before the next. The same seed does the same.

use crate::cluster::{Cluster, Settings};
use crate::keys;
use crate::ledger::Writers;
use crate::random::Random;
use crate::switch::{Cast, Link};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

const NODES: usize = 5;
/// Faults between two looks at what the writers wrote.
const ROUND: u64 = 10;
/// Frames that are recorded in a round, to be played later.
const RECORDED: usize = 5_000;
/// Resident memory of a daemon at most, in KiB.
const MOST_RESIDENT: u64 = 512 << 10;

/// A fault: what it is called, and how it is done.
type Fault = (&'static str, fn(&mut Chaos) -> Result<(), String>);

const FAULTS: [Fault; 14] = [
    ("kill -9", |chaos| chaos.restart(Signal::SIGKILL)),
    ("clean stop", |chaos| chaos.restart(Signal::SIGTERM)),
    ("SIGSTOP", Chaos::stop),
    ("cut in two", Chaos::cut),
    ("cut in one direction", Chaos::cut_one_way),
    ("unicast cut from a node", Chaos::cut_unicast),
    ("loss", |chaos| chaos.weather(|random, link| link.loss = random.below(200_000))),
    ("delay", |chaos| {
        chaos.weather(|random, link| {
            link.delay = random.up_to(Duration::from_millis(10));
            link.jitter = random.up_to(Duration::from_millis(5));
        })
    }),
    ("duplication", |chaos| chaos.weather(|random, link| link.duplicate = random.below(300_000))),
    ("reordering", |chaos| chaos.weather(|random, link| link.late = random.below(100_000))),
    ("damage", |chaos| chaos.weather(|random, link| link.corrupt = random.below(20_000))),
    ("small packets only", |chaos| {
        chaos.weather(|random, link| link.limit(Cast::BOTH, 600 + random.below(900) as usize))
    }),
    ("change of the key", Chaos::change_key),
    ("forged and replayed packets", Chaos::forge),
];

/// What a run works with.
struct Chaos {
    cluster: Cluster,
    random: Random,
    /// Names the next key.
    keys: u64,
    /// The key that all have.
    key: String,
    recorded: Vec<crate::switch::Frame>,
    directory: tempfile::TempDir,
}

/// Faults of every kind for so many minutes. With quorum nothing that was acknowledged
/// may be lost; without, all nodes have to hold the same once they are together.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn run(settings: &Settings, minutes: u64, seed: u64) -> Result<(), String> {
    let settings = Settings { sealed: true, ..settings.clone() };
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut writes = 0;
    let mut chaos = Chaos::begin(&settings, seed)?;
    let result = (|| {
        while Instant::now() < end {
            writes += chaos.round(settings.quorum, &mut counts)?;
        }
        chaos.cluster.stop()
    })();
    for (name, count) in &counts {
        println!("{count:6}  {name}");
    }
    let faults: u64 = counts.values().sum();
    println!(
        "chaos: {minutes} min with seed {seed}, quorum: {}; {faults} faults, {writes} writes \
         acknowledged",
        settings.quorum
    );
    result.map_err(|message| {
        let files = chaos.cluster.keep_files();
        format!("after {faults} faults: {message}; files: {files}")
    })
}

impl Chaos {
    fn begin(settings: &Settings, seed: u64) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let key = keys::new_key(directory.path(), "0", settings)?;
        let mut cluster = Cluster::new(NODES, settings)?;
        cluster.nodes.iter().try_for_each(|node| node.set_keys(&key))?;
        cluster.use_switch()?;
        for number in 0..NODES {
            cluster.start(number)?;
        }
        cluster.wait_all_together()?;
        let (random, recorded) = (Random(seed), Vec::new());
        Ok(Self { cluster, random, keys: 0, key, recorded, directory })
    }

    /// Some faults under writers, and the look at what is left. How many writes were
    /// acknowledged.
    fn round(
        &mut self,
        quorum: bool,
        counts: &mut BTreeMap<&'static str, u64>,
    ) -> Result<u64, String> {
        let writers = Writers::start(&self.cluster, NODES)?;
        self.recorded = self.cluster.network()?.record(RECORDED);
        for _ in 0..ROUND {
            let (name, fault) = FAULTS[self.random.below(FAULTS.len() as u64) as usize];
            let begun = Instant::now();
            fault(self).map_err(|message| format!("{name}: {message}"))?;
            self.cluster.network()?.mend();
            self.cluster.wait_all_together().map_err(|message| format!("{name}: {message}"))?;
            println!("  {name}, whole again after {:?}", begun.elapsed());
            *counts.entry(name).or_default() += 1;
        }
        // Without quorum a side that ranks second loses what was acknowledged there.
        let losers: Vec<usize> = if quorum { Vec::new() } else { (0..NODES).collect() };
        let writes = writers.check(&self.cluster, &losers)?;
        for node in &self.cluster.nodes {
            if node.resident() > MOST_RESIDENT {
                return Err(format!("{} has {} KiB", node.address, node.resident()));
            }
        }
        Ok(writes)
    }

    fn node(&mut self) -> usize {
        self.random.below(NODES as u64) as usize
    }

    /// Waits for up to three tokens.
    fn wait(&mut self) {
        let most = 3 * self.cluster.settings.token;
        sleep(Duration::from_millis(self.random.below(most)));
    }

    fn restart(&mut self, signal: Signal) -> Result<(), String> {
        let number = self.node();
        self.cluster.nodes[number].end(signal)?;
        self.wait();
        self.cluster.start(number)
    }

    fn stop(&mut self) -> Result<(), String> {
        let number = self.node();
        self.cluster.nodes[number].signal(Signal::SIGSTOP);
        self.wait();
        self.cluster.nodes[number].signal(Signal::SIGCONT);
        Ok(())
    }

    fn cut(&mut self) -> Result<(), String> {
        let sides = self.random.below(1 << NODES);
        let side = |node: usize| sides >> node & 1;
        self.cluster.network()?.change(|from, to| side(from) != side(to), Link::cut);
        self.wait();
        Ok(())
    }

    fn cut_one_way(&mut self) -> Result<(), String> {
        let (one, other) = (self.node(), self.node());
        self.cluster.network()?.change(|from, to| (from, to) == (one, other), Link::cut);
        self.wait();
        Ok(())
    }

    fn cut_unicast(&mut self) -> Result<(), String> {
        let node = self.node();
        let limit = |link: &mut Link| link.limit(&[Cast::Unicast], 0);
        self.cluster.network()?.change(|from, _| from == node, limit);
        self.wait();
        Ok(())
    }

    /// All links of the cluster, or those of a node, are so for a while.
    fn weather(&mut self, change: fn(&mut Random, &mut Link)) -> Result<(), String> {
        let node = self.node();
        let mut link = Link::GOOD;
        change(&mut self.random, &mut link);
        let is_everywhere = self.random.below(2) == 0;
        let which = |from, to| is_everywhere || from == node || to == node;
        self.cluster.network()?.change(which, |of| *of = link);
        self.wait();
        Ok(())
    }

    fn change_key(&mut self) -> Result<(), String> {
        self.keys += 1;
        let name = self.keys.to_string();
        let new = keys::new_key(self.directory.path(), &name, &self.cluster.settings)?;
        keys::change_all(&self.cluster, &self.key, &new)?;
        self.key = new;
        Ok(())
    }

    /// What was recorded in the round before comes again, some of it altered.
    fn forge(&mut self) -> Result<(), String> {
        let frames = (0..).zip(&self.recorded);
        let random = &mut self.random;
        let altered =
            frames.map(|(number, (from, frame))| (*from, keys::altered(random, number, frame)));
        let altered: Vec<_> = altered.collect();
        self.cluster.network()?.play(altered);
        self.wait();
        Ok(())
    }
}
