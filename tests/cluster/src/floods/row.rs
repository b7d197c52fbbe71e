//! A row of the table: a cluster of its own, the victim alone, then beside a
//! flood; and whether it fared as it should.

use super::meanwhile::{self, Answers};
use super::standstill::Watch;
use super::tally::Tally;
use super::ways::{CHECKPOINTS, Way};
use super::{TIME, VICTIM};
use crate::cluster::{Cluster, Settings};
use crate::components::now;
use crate::node::Node;
use crate::timed::{Habit, TimedWriters, Window, since};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the victim writes alone.
const ALONE: Duration = Duration::from_secs(3);
/// What a flood leaves behind is looked at for so long after it.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// No process of a flood lasts longer beyond its end; and memory that is not given
/// back by then never will be.
const PATIENCE: Duration = Duration::from_secs(20);
/// The victim: an ordinary program that writes a little all the time.
const HABIT: Habit =
    Habit { bytes: 100, gap: Duration::from_millis(1), most: u64::MAX, user: Some(VICTIM) };

/// The p99 of the victim is so many times that without the flood at most, or this.
const TIMES: f64 = 10.0;
const P99: f64 = 20.0;
/// The longest wait of a write, which one percentile says nothing of, and of root.
const WAIT: Duration = Duration::from_secs(1);
/// The longest step of the loop.
const STEP: Duration = Duration::from_millis(20);
/// Memory that the allocator keeps (docs/LIMITS.md), in KiB, and what is below a
/// page here and there.
const KEPT: u64 = (46 + 8) << 10;
/// What may be logged meanwhile, in KiB.
const LOGGED: u64 = 1024;

pub(super) const HEADING: &str = concat!(
    "                                           p99 (ms)   longest         ",
    "RSS of the flooded (MiB)  longest  stood    root (ms)   log\n",
    "flood                                 alone   flood wait (ms) views ",
    "before   most bound after step (ms)  still  status  write  KiB  verdict",
);

/// Memory of a daemon, in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) before: u64,
    pub(super) most: u64,
    pub(super) after: u64,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    /// In ms; none if no write was acknowledged.
    alone: Option<f64>,
    flooded: Option<f64>,
    longest_wait: Duration,
    views: usize,
    /// Of each daemon; the first was flooded.
    memory: Vec<Memory>,
    /// What each may have more, in KiB.
    bound: u64,
    /// Of all daemons since their start.
    longest_step: Duration,
    /// The longest time that a processor stood still meanwhile, if it can be told.
    stood_still: Option<Duration>,
    /// Of root: the status, and a write.
    answers: [Answers; 2],
    /// What the daemon that logged most has logged, in KiB.
    logged: u64,
    done: Tally,
    /// What the logs say of long steps.
    steps: Vec<String>,
}

impl Row {
    /// Floods in this way.
    ///
    /// # Errors
    /// What went wrong altogether.
    pub(super) fn of(way: &Way, settings: &Settings) -> Result<Self, String> {
        let mut cluster = Cluster::new(3, settings)?;
        let row = Self::on(&mut cluster, way);
        row.map_err(|error| format!("{error}; files: {}", cluster.keep_files()))
    }

    fn on(cluster: &mut Cluster, way: &Way) -> Result<Self, String> {
        for node in &cluster.nodes {
            node.configure("checkpoint-memory", &format!("{CHECKPOINTS}m"))?;
        }
        let processors = Watch::start()?;
        crate::suite::start_all(cluster)?;
        open_to_others(&cluster.nodes[0])?;
        let writers = TimedWriters::start(cluster, &[0], HABIT)?;
        let mut memory = memory_of(cluster);
        if way.is_small {
            play(&cluster.nodes[0], way, &mut Tally::default())?;
            sleep(AFTERWARDS);
            settle(cluster, &mut memory, way.bound << 10)?;
            memory = memory_of(cluster);
        }
        let alone = beside(cluster, way, || sleep(ALONE))?;
        let views = |cluster: &Cluster| -> usize {
            cluster.nodes.iter().map(|node| node.views().len()).sum()
        };
        let (views_before, logs_before) = (views(cluster), logs(cluster));
        let flooded = flood(cluster, way, &mut memory)?;
        cluster.all_alive()?;
        // What is too much stands in the table.
        let _ = settle(cluster, &mut memory, 0);
        let written = writers.end()?.pop().ok_or("no victim")?;
        let views = views(cluster) - views_before;
        if views == 0 {
            written.check(cluster)?;
        }
        let logged = logs(cluster).into_iter().zip(logs_before).map(|(now, before)| now - before);
        let row = Self {
            name: way.name,
            alone: written.percentile(99, alone),
            flooded: written.percentile(99, flooded.window),
            longest_wait: written.longest_wait(flooded.window),
            views,
            memory,
            bound: way.bound << 10,
            longest_step: longest_step(cluster, way)?,
            stood_still: processors.end()?,
            answers: flooded.answers,
            logged: logged.max().unwrap_or_default() >> 10,
            done: flooded.done,
            steps: long_steps(cluster),
        };
        cluster.stop()?;
        if row.done.is_flood() {
            return Ok(row);
        }
        Err(format!("nothing was sent: {}", row.done.shown()))
    }

    /// The longest step, without what a processor stood still at most.
    pub(super) fn own_step(&self) -> Duration {
        self.longest_step.saturating_sub(self.stood_still.unwrap_or_default())
    }

    /// What is not as it should be.
    pub(super) fn faults(&self) -> Vec<&'static str> {
        let p99_is_good = match (self.alone, self.flooded) {
            (Some(alone), Some(flooded)) => flooded <= (TIMES * alone).max(P99),
            _ => false,
        };
        let grows = |of: fn(&Memory) -> u64, bound: u64| {
            self.memory.iter().any(|memory| of(memory) > memory.before + bound)
        };
        let [status, write] = self.answers.each_ref().map(|answers| {
            !answers.failures.is_empty() || answers.slowest > WAIT || answers.slowest.is_zero()
        });
        let all = [
            (!p99_is_good, "p99"),
            (self.longest_wait > WAIT, "longest wait"),
            (self.views > 0, "views"),
            (grows(|memory| memory.most, self.bound + KEPT), "RSS"),
            (grows(|memory| memory.after, KEPT), "RSS after"),
            (self.own_step() >= STEP, "step"),
            (status, "root's status"),
            (write, "root's write"),
            (self.logged > LOGGED, "log"),
        ];
        all.into_iter().filter_map(|(is_bad, what)| is_bad.then_some(what)).collect()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p99 = |p99: Option<f64>| p99.map_or("-".into(), |p99| format!("{p99:.1}"));
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let Memory { before, most, after } = self.memory.first().copied().unwrap_or_default();
        let [status, write] = &self.answers;
        let faults = self.faults();
        writeln!(
            f,
            "{:<36} {:>6} {:>7} {:>9.0} {:>5} {:>6} {:>6} {:>5} {:>5} {:>9.1} {:>6} {:>7.0} {:>6.0} {:>4}  {}",
            self.name,
            p99(self.alone),
            p99(self.flooded),
            ms(self.longest_wait),
            self.views,
            before >> 10,
            most >> 10,
            (before + self.bound + KEPT) >> 10,
            after >> 10,
            ms(self.longest_step),
            self.stood_still.map_or("-".into(), |time| format!("{:.1}", ms(time))),
            ms(status.slowest),
            ms(write.slowest),
            self.logged,
            if faults.is_empty() { "good".into() } else { format!("BAD: {}", faults.join(", ")) },
        )?;
        writeln!(f, "    {}", self.done.shown())?;
        for line in &self.steps {
            writeln!(f, "    {line}")?;
        }
        for answers in &self.answers {
            let failures = &answers.failures;
            if let Some(last) = failures.last() {
                writeln!(f, "    root failed {} times, at last: {}", failures.len(), last.trim())?;
            }
        }
        Ok(())
    }
}

/// What came of the time of the flood.
struct Flooded {
    window: Window,
    answers: [Answers; 2],
    done: Tally,
}

/// Floods the first node, and looks at the others and for root meanwhile.
fn flood(cluster: &Cluster, way: &Way, memory: &mut [Memory]) -> Result<Flooded, String> {
    let (node, settings) = (&cluster.nodes[0], &cluster.settings);
    let is_over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| meanwhile::watch_memory(cluster, memory, is_over));
        let root = scope.spawn(|| meanwhile::look_in(node, settings, is_over));
        let mut done = Tally::default();
        let mut result = Ok(());
        let window = beside(cluster, way, || {
            result = play(node, way, &mut done);
            sleep(AFTERWARDS);
        });
        is_over.store(true, Ordering::Relaxed);
        let answers = root.join().map_err(|_| "root's thread ended")??;
        result?;
        Ok(Flooded { window: window?, answers, done })
    })
}

/// Does something, on a ring with pauses if the flood has such; from when to when.
fn beside(cluster: &Cluster, way: &Way, act: impl FnOnce()) -> Result<Window, String> {
    let is_over = &AtomicBool::new(false);
    let last = cluster.nodes.last().ok_or("no nodes")?;
    Ok(std::thread::scope(|scope| {
        if way.pauses {
            scope.spawn(|| meanwhile::pause(last, is_over));
        }
        let begun = now();
        act();
        is_over.store(true, Ordering::Relaxed);
        since(begun)
    }))
}

/// Runs the processes of a flood to their end. They leave processors to whoever
/// wants them (SCHED_IDLE), so that it is the daemon that makes others wait, if
/// anybody does.
fn play(node: &Node, way: &Way, done: &mut Tally) -> Result<(), String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let start = |place: u32| {
        Command::new("chrt")
            .args(["--idle", "0"])
            .arg(&me)
            .args(["flood", way.name, &place.to_string(), &TIME.as_millis().to_string()])
            .env("AIS_SOCKET", node.socket())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("a flood: {error}"))
    };
    let mut processes = (0..way.processes).map(start).collect::<Result<Vec<_>, _>>()?;
    let end = Instant::now() + TIME + PATIENCE;
    let has_ended = |process: &mut Child| !matches!(process.try_wait(), Ok(None));
    while Instant::now() < end && !processes.iter_mut().all(has_ended) {
        sleep(Duration::from_millis(5));
    }
    for process in &mut processes {
        if !has_ended(process) {
            // It is to be gone.
            let _ = process.kill();
            done.add("processes did not end", 1);
        }
    }
    for process in processes {
        let output = process.wait_with_output().map_err(|error| error.to_string())?;
        done.read(&String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

/// What each daemon has now.
fn memory_of(cluster: &Cluster) -> Vec<Memory> {
    let before = cluster.nodes.iter().map(Node::resident);
    before.map(|before| Memory { before, most: before, after: 0 }).collect()
}

/// Waits until each daemon has no more than so many KiB beyond what it had.
///
/// # Errors
/// If that takes too long.
fn settle(cluster: &Cluster, memory: &mut [Memory], more: u64) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        for (node, memory) in cluster.nodes.iter().zip(&mut *memory) {
            memory.after = node.resident();
        }
        if memory.iter().all(|memory| memory.after <= memory.before + more + KEPT) {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("memory is kept: {memory:?}"));
        }
        sleep(Duration::from_millis(5));
    }
}

/// Lets other users reach the socket.
fn open_to_others(node: &Node) -> Result<(), String> {
    let socket = node.socket();
    let Some(parent) = socket.ancestors().nth(2) else { return Ok(()) };
    let mode = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(parent, mode).map_err(|error| format!("{}: {error}", parent.display()))
}

/// Bytes of each log.
fn logs(cluster: &Cluster) -> Vec<u64> {
    let length = |node: &Node| std::fs::metadata(node.log()).map_or(0, |log| log.len());
    cluster.nodes.iter().map(length).collect()
}

/// The longest step of all daemons, as each has counted: of one that was stopped
/// it is how long that was.
fn longest_step(cluster: &Cluster, way: &Way) -> Result<Duration, String> {
    let mut longest = Duration::ZERO;
    let ran = cluster.nodes.len() - usize::from(way.pauses);
    for node in cluster.nodes.iter().take(ran) {
        let ring = node.run(Command::new(cluster.settings.bin.join("aisctl")).arg("ring"))?;
        let value = ring.lines().find_map(|line| line.strip_prefix("steps-longest-us"));
        let value = value.and_then(|value| value.trim().parse().ok());
        longest = longest.max(Duration::from_micros(value.ok_or("no counter of steps")?));
    }
    Ok(longest)
}

/// What the logs say of steps that took long.
fn long_steps(cluster: &Cluster) -> Vec<String> {
    let lines = |node: &Node| {
        let text = std::fs::read(node.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let of_steps = text.lines().filter(|line| line.contains("a step of the loop took"));
        of_steps.map(|line| format!("{}: {line}", node.address)).collect::<Vec<_>>()
    };
    cluster.nodes.iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Row {
        let answered = || Answers { slowest: Duration::from_millis(9), failures: Vec::new() };
        let mut done = Tally::default();
        done.sent();
        Row {
            name: "a flood",
            alone: Some(1.0),
            flooded: Some(15.0),
            longest_wait: Duration::from_millis(100),
            views: 0,
            memory: vec![Memory { before: 20 << 10, most: 80 << 10, after: 40 << 10 }; 3],
            bound: 32 << 10,
            longest_step: Duration::from_millis(3),
            stood_still: Some(Duration::from_millis(1)),
            answers: [answered(), answered()],
            logged: 3,
            done,
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_row_is_bad_if_anything_is() {
        assert!(good().faults().is_empty());
        let bad = |spoil: fn(&mut Row)| {
            let mut row = good();
            spoil(&mut row);
            row.faults()
        };
        assert_eq!(bad(|row| row.flooded = Some(20.1)), ["p99"]);
        assert_eq!(bad(|row| row.flooded = None), ["p99"]);
        assert_eq!(bad(|row| row.longest_wait = Duration::from_millis(1001)), ["longest wait"]);
        assert_eq!(bad(|row| row.views = 1), ["views"]);
        assert_eq!(bad(|row| row.memory[2].most = 107 << 10), ["RSS"]);
        assert_eq!(bad(|row| row.memory[1].after = 75 << 10), ["RSS after"]);
        assert_eq!(bad(|row| row.longest_step = STEP + Duration::from_millis(1)), ["step"]);
        let held_up = bad(|row| (row.longest_step, row.stood_still) = (2 * STEP, Some(2 * STEP)));
        assert!(held_up.is_empty());
        assert_eq!(bad(|row| (row.longest_step, row.stood_still) = (STEP, None)), ["step"]);
        assert_eq!(bad(|row| row.answers[0].failures.push("no".into())), ["root's status"]);
        assert_eq!(bad(|row| row.answers[1].slowest = 2 * WAIT), ["root's write"]);
        assert_eq!(bad(|row| row.logged = 5000), ["log"]);
        // A victim that is slow anyway may be ten times as slow.
        let slow = bad(|row| (row.alone, row.flooded) = (Some(5.0), Some(49.0)));
        assert!(slow.is_empty());
    }
}
