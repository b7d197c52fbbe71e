//! By hand: what a write costs a lone program, in rotations of the token, on
//! links that take long or lose packets.

use crate::cluster::{Cluster, Settings};
use crate::components::now;
use crate::hop;
use crate::switch::Link;
use crate::timed::{Habit, TimedWriters, since};
use std::thread::sleep;
use std::time::Duration;

const NODES: usize = 3;
/// The node of the program: not the representative, which has a part of its own
/// in everything.
const WRITER: usize = 1;
/// Rotations that a write costs at most where the links take a millisecond.
const MOST_ROTATIONS: f64 = 1.2;
/// What remains at least of the writes a second where one packet in a hundred
/// is lost.
const LEAST_SHARE: f64 = 1.0 / 3.0;

/// Writes of a lone program.
struct Measured {
    rate: f64,
    /// In ms.
    median: f64,
    /// How long a datagram takes from one node to another, in ms. A rotation
    /// takes that once for each node.
    one_way: f64,
}

impl Measured {
    fn rotations(&self) -> f64 {
        self.median / (self.one_way * NODES as f64)
    }
}

/// Measures each for so many seconds, and prints a table.
///
/// # Errors
/// If a write costs too much.
pub(crate) fn run(settings: &Settings, seconds: u64) -> Result<(), String> {
    let settings = Settings { quorum: true, ..settings.clone() };
    let mut cluster = Cluster::new(NODES, &settings)?;
    cluster.use_switch()?;
    crate::suite::start_all(&mut cluster)?;
    println!(
        "{NODES} nodes, token {} ms, {}, one writer, {seconds} s each; a rotation is {NODES} times \
         the measured one way",
        settings.token, settings.transport
    );
    let mut measure = |name: &str, change: fn(&mut Link)| {
        cluster.network()?.change_all(change);
        let measured = measure(&cluster, seconds);
        cluster.network()?.mend();
        cluster.wait_all_together()?;
        let measured = measured?;
        let Measured { rate, median, one_way } = measured;
        println!(
            "{name:<12} one way {one_way:7.3} ms   median write {median:8.3} ms   {:6.2} rotations \
             {rate:8.0} writes/s",
            measured.rotations()
        );
        Ok::<_, String>(measured)
    };
    let clean = measure("clean", |_| {})?;
    let lossy = measure("loss 1 %", |link| link.loss = 10_000)?;
    measure("loss 5 %", |link| link.loss = 50_000)?;
    let slow = measure("delay 1 ms", |link| link.delay = Duration::from_millis(1))?;
    measure("delay 10 ms", |link| link.delay = Duration::from_millis(10))?;
    measure("delay 50 ms", |link| link.delay = Duration::from_millis(50))?;
    cluster.stop()?;
    let rotations = slow.rotations();
    let share = lossy.rate / clean.rate;
    println!(
        "delay 1 ms: a write costs {rotations:.2} rotations, {MOST_ROTATIONS} at most\n\
         loss 1 %: {share:.2} of the clean rate, {LEAST_SHARE:.2} at least"
    );
    if rotations <= MOST_ROTATIONS && share >= LEAST_SHARE {
        return Ok(());
    }
    Err("writes cost too much".into())
}

fn measure(cluster: &Cluster, seconds: u64) -> Result<Measured, String> {
    let one_way = hop::measure(cluster)?;
    let writers = TimedWriters::start(cluster, &[WRITER], Habit::BUSY)?;
    let begun = now();
    sleep(Duration::from_secs(seconds));
    let window = since(begun);
    let written = writers.end()?.pop().ok_or("no writer")?;
    written.check(cluster)?;
    Ok(Measured {
        rate: written.rate(window),
        median: written.percentile(50, window).ok_or("no write was acknowledged")?,
        one_way: one_way.as_secs_f64() * 1e3,
    })
}
