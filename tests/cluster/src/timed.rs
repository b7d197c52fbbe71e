//! Writers whose every write is timed: how many are done, how long they take,
//! and how long none is; and the check that nothing acknowledged was lost.

use crate::cluster::{Cluster, wait_until};
use crate::components::now;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How a writer writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    pub(crate) bytes: usize,
    /// From an answer to the next write.
    pub(crate) gap: Duration,
    /// How often at most.
    pub(crate) most: u64,
    /// As which user, if not that of this process.
    pub(crate) user: Option<u32>,
}

impl Habit {
    /// A little all the time: notices whenever the node is not served, and keeps
    /// no processor busy.
    pub(crate) const STEADY: Self =
        Self { bytes: 64, gap: Duration::from_millis(20), most: u64::MAX, user: None };
    /// The same with writes that need several packets.
    pub(crate) const LARGE: Self = Self { bytes: 8000, ..Self::STEADY };
    /// Each write as soon as the one before it is answered.
    pub(crate) const BUSY: Self = Self { gap: Duration::ZERO, ..Self::STEADY };
}

/// Writers, one on each of some nodes.
#[derive(Debug)]
pub(crate) struct TimedWriters(Vec<Program>);

#[derive(Debug)]
struct Program {
    process: Child,
    /// It writes until this is closed.
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    section: String,
}

/// What one of them has written.
#[derive(Debug)]
pub(crate) struct Written {
    section: String,
    acknowledged: u64,
    /// When each write began and was acknowledged, by the clock of [`now`].
    times: Vec<(u64, u64)>,
}

/// From when to when something is looked at, by the clock of [`now`].
pub(crate) type Window = (u64, u64);

impl TimedWriters {
    /// Starts one on each of these nodes; the first write of each has been
    /// acknowledged when this returns.
    ///
    /// # Errors
    /// If they do not start.
    pub(crate) fn start(cluster: &Cluster, nodes: &[usize], habit: Habit) -> Result<Self, String> {
        let mut writers = Self::begin(cluster, nodes, habit)?;
        writers.0.iter_mut().try_for_each(Program::await_start)?;
        Ok(writers)
    }

    /// The same without waiting for the first write.
    ///
    /// # Errors
    /// If they do not start.
    pub(crate) fn begin(cluster: &Cluster, nodes: &[usize], habit: Habit) -> Result<Self, String> {
        let programs = nodes.iter().map(|node| Program::start(cluster, *node, habit));
        programs.collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them has had its first write acknowledged, or any after
    /// that.
    ///
    /// # Errors
    /// If it has ended without.
    pub(crate) fn has_begun(&mut self) -> Result<bool, String> {
        for program in &mut self.0 {
            let mut out = [PollFd::new(program.out.get_ref().as_fd(), PollFlags::POLLIN)];
            let is_ready = poll(&mut out, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
            if is_ready {
                return program.await_start().map(|()| true);
            }
        }
        Ok(false)
    }

    /// Ends them.
    ///
    /// # Errors
    /// If one did not end well.
    pub(crate) fn end(mut self) -> Result<Vec<Written>, String> {
        for program in &mut self.0 {
            program.input = None;
        }
        self.0.iter_mut().map(Program::result).collect()
    }
}

impl Drop for TimedWriters {
    fn drop(&mut self) {
        for program in &mut self.0 {
            // They may have ended.
            let _ = program.process.kill();
            let _ = program.process.wait();
        }
    }
}

impl Program {
    fn start(cluster: &Cluster, node: usize, habit: Habit) -> Result<Self, String> {
        let node = &cluster.nodes[node];
        let Habit { bytes, gap, most, user } = habit;
        let section = format!("{} {bytes}", node.address);
        let numbers = [bytes as u64, gap.as_micros() as u64, most].map(|of| of.to_string());
        let user = user.map(|user| ["as".to_owned(), user.to_string()]);
        let mut process = program()?
            .args(user.into_iter().flatten())
            .args(["write", &section])
            .args(numbers)
            .env("AIS_SOCKET", node.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("a writer: {error}"))?;
        let out = process.stdout.take().ok_or("a writer without output")?;
        let input = process.stdin.take();
        Ok(Self { process, input, out: BufReader::new(out), section })
    }

    /// Waits until it says that it counts.
    fn await_start(&mut self) -> Result<(), String> {
        let mut said = String::new();
        self.out.read_line(&mut said).map_err(|error| error.to_string())?;
        if said == "counting\n" {
            return Ok(());
        }
        Err(format!("the writer of '{}' does not begin: {}", self.section, said.trim()))
    }

    fn result(&mut self) -> Result<Written, String> {
        let mut text = String::new();
        self.out.read_to_string(&mut text).map_err(|error| error.to_string())?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        let mut lines = text.lines();
        let acknowledged = lines.next().and_then(|line| line.strip_prefix("acknowledged "));
        let acknowledged = acknowledged.and_then(|number| number.parse().ok());
        let (Some(acknowledged), true) = (acknowledged, status.success()) else {
            let said = text.lines().last().unwrap_or_default();
            return Err(format!("the writer of '{}' failed: {status} {said}", self.section));
        };
        let time = |line: &str| {
            let (began, ended) = line.split_once(' ')?;
            Some((began.parse().ok()?, ended.parse().ok()?))
        };
        let times = lines.filter_map(time).collect();
        Ok(Written { section: self.section.clone(), acknowledged, times })
    }
}

/// This program, to be run in a process of its own.
pub(crate) fn program() -> Result<Command, String> {
    std::env::current_exe().map(Command::new).map_err(|error| error.to_string())
}

impl Written {
    fn within(&self, (from, to): Window) -> impl Iterator<Item = &(u64, u64)> {
        self.times.iter().filter(move |(_, ended)| (from..to).contains(ended))
    }

    /// Writes a second.
    pub(crate) fn rate(&self, window: Window) -> f64 {
        self.within(window).count() as f64 * 1e6 / (window.1 - window.0).max(1) as f64
    }

    /// How long a write takes, which so many of a hundred do not reach, in ms.
    pub(crate) fn percentile(&self, of_hundred: usize, window: Window) -> Option<f64> {
        let mut took: Vec<_> = self.within(window).map(|(began, ended)| ended - began).collect();
        took.sort_unstable();
        let place = (took.len() * of_hundred / 100).min(took.len().saturating_sub(1));
        took.get(place).map(|took| *took as f64 / 1000.0)
    }

    /// The longest time in which no write was acknowledged.
    pub(crate) fn longest_wait(&self, (from, to): Window) -> Duration {
        let ends = self.within((from, to)).map(|(_, ended)| *ended).chain([to]);
        let mut last = from;
        let waits = ends.map(|end| end.saturating_sub(std::mem::replace(&mut last, end)));
        Duration::from_micros(waits.max().unwrap_or_default())
    }

    /// Compares what was acknowledged with what every node holds: all the same,
    /// and none less.
    ///
    /// # Errors
    /// What was lost.
    pub(crate) fn check(&self, cluster: &Cluster) -> Result<(), String> {
        let Self { section, acknowledged, .. } = self;
        let all = || -> Result<Vec<u64>, String> {
            let nodes = cluster.running().into_iter().map(|place| &cluster.nodes[place]);
            let numbers = nodes.map(|node| {
                let text = node.run(program()?.args(["held", section]))?;
                text.trim().parse().map_err(|_| format!("'{section}': {text}"))
            });
            numbers.collect()
        };
        // A write that nobody waited for to the end may still be under way.
        wait_until(&format!("all nodes to hold the same in '{section}'"), || {
            Ok(all()?.is_sorted_by(|one, other| one == other))
        })?;
        let held = all()?;
        if held.iter().any(|held| held < acknowledged) {
            return Err(format!("'{section}': {held:?} is held, {acknowledged} was acknowledged"));
        }
        Ok(())
    }
}

/// The window from a time on until now.
pub(crate) fn since(from: u64) -> Window {
    (from, now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_within_the_window() {
        let times = vec![(0, 1_000), (1_000, 3_000), (3_000, 4_000), (4_000, 9_000)];
        let written = Written { section: String::new(), acknowledged: 4, times };
        assert_eq!(written.rate((1_000, 5_000)), 750.0);
        assert_eq!(written.percentile(50, (0, 10_000)), Some(2.0));
        assert_eq!(written.percentile(99, (0, 10_000)), Some(5.0));
        assert_eq!(written.percentile(50, (5_000, 8_000)), None);
        assert_eq!(written.longest_wait((0, 5_000)), Duration::from_millis(2));
        assert_eq!(written.longest_wait((500, 20_000)), Duration::from_millis(11));
        assert_eq!(written.longest_wait((5_000, 8_000)), Duration::from_millis(3));
    }
}
