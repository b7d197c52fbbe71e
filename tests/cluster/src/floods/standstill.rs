//! How long a processor of this machine stood still. A virtual processor does when its
//! host takes it away or has to find memory for it, and its kernel counts that as time of
//! whoever ran there. So a process on each processor, which all others make way for
//! (SCHED_FIFO), sleeps and looks how late it is: that is the control of the longest step
//! of a daemon.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

/// How long it sleeps each time.
const SLEEP: Duration = Duration::from_millis(1);
/// A watch that nobody ends is over by then.
const LONGEST: Duration = Duration::from_secs(300);

/// The processes.
#[derive(Debug)]
pub(super) struct Watch(Vec<Child>);

impl Watch {
    /// Watches each processor until [`Watch::end`].
    ///
    /// # Errors
    /// If a process does not start.
    pub(super) fn start() -> Result<Self, String> {
        let me = std::env::current_exe().map_err(|error| error.to_string())?;
        let start = |processor: usize| {
            Command::new("chrt")
                .args(["--fifo", "99"])
                .arg(&me)
                .args(["processor", &processor.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("a watch of a processor: {error}"))
        };
        let count = available_parallelism().map_or(1, usize::from);
        (0..count).map(start).collect::<Result<_, _>>().map(Self)
    }

    /// The longest time that a processor stood still; nothing where that cannot be told,
    /// as this process may not go before all others.
    ///
    /// # Errors
    /// If a process cannot be waited for.
    pub(super) fn end(mut self) -> Result<Option<Duration>, String> {
        let mut longest = Some(Duration::ZERO);
        for mut process in self.0.drain(..) {
            // One that could not start has ended by itself.
            let _ = process.kill();
            let output = process.wait_with_output().map_err(|error| error.to_string())?;
            let said = String::from_utf8_lossy(&output.stdout);
            let late = said.lines().last().and_then(|line| line.parse().ok());
            longest =
                longest.zip(late.map(Duration::from_micros)).map(|(one, other)| one.max(other));
        }
        Ok(longest)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill().and_then(|()| process.wait());
        }
    }
}

/// Watches this processor until it is ended. Says how many microseconds the processor has
/// stood still at most, each time that it is more.
///
/// # Errors
/// If there is no such processor.
pub(crate) fn watch(processor: u32) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(processor as usize)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .map_err(|error| format!("processor {processor}: {error}"))?;
    let end = Instant::now() + LONGEST;
    let mut longest = None;
    let mut before = Instant::now();
    while before < end {
        sleep(SLEEP);
        let now = Instant::now();
        let late = Some(now.duration_since(before).saturating_sub(SLEEP).as_micros());
        if late > longest {
            longest = late;
            println!("{}", longest.unwrap_or_default());
        }
        before = now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Child {
        let mut process = Command::new("printf").arg(text).stdout(Stdio::piped()).spawn().unwrap();
        process.wait().unwrap();
        process
    }

    #[test]
    fn the_longest_counts_and_only_if_each_processor_was_watched() {
        let longest = |texts: &[&str]| Watch(texts.iter().map(|text| said(text)).collect()).end();
        assert_eq!(longest(&["200\n", "9\n31000\n", "7\n"]), Ok(Some(Duration::from_millis(31))));
        assert_eq!(longest(&["200\n", "", "7\n"]), Ok(None));
        assert_eq!(longest(&["", "7\n"]), Ok(None));
    }
}
