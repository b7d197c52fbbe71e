//! The components of conf/groups.conf, played by C programs that print when
//! they are called back, and the proof from those times that no two of them
//! were ever active for one protection group.

use crate::cluster::{Settings, wait_until};
use crate::node::Node;
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Microseconds of the clock that the programs read too.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What a program has printed.
#[derive(Debug, Default)]
struct Said {
    /// Callbacks, and when they came.
    callbacks: Vec<(u64, String)>,
    others: Vec<String>,
    ended_at: Option<u64>,
}

/// One process of a component.
#[derive(Debug)]
struct Component {
    name: String,
    child: Child,
    said: Arc<Mutex<Said>>,
    /// Ends when all that the program says was read.
    reader: Option<JoinHandle<()>>,
    /// When its daemon was killed: it works on until it notices, which is beyond
    /// what anybody can promise.
    killed_at: Arc<OnceLock<u64>>,
    /// At these times it stopped being active, whether it knows or not.
    fails_at: Vec<u64>,
    /// Its daemon has ended under it, which it may complain about.
    is_orphan: bool,
}

impl Component {
    fn said<R>(&self, look: impl FnOnce(&Said) -> R) -> R {
        look(&self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the end of the process, and reads all that it said.
    fn read_all(&mut self) {
        let _ = self.child.wait();
        // Its pipe is at its end. The reader cannot fail.
        let _ = self.reader.take().map(JoinHandle::join);
    }

    fn end(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        self.read_all();
    }

    /// When it was called back so for the last time, if nothing of the kind
    /// came later.
    fn last(&self, kind: &str, state: &str) -> Option<u64> {
        self.said(|said| {
            let of_kind = |(_, line): &&(u64, String)| line.contains(kind);
            let (at, line) = said.callbacks.iter().rev().find(of_kind)?;
            line.contains(state).then_some(*at)
        })
    }

    /// When it was active, for each protection group, before this time.
    fn spans(&self, until: u64) -> Vec<(String, u64, u64)> {
        self.said(|said| {
            let ends = [said.ended_at, self.killed_at.get().copied()];
            let end = ends.into_iter().flatten().fold(until, u64::min);
            let fails = |after| self.fails_at.iter().copied().find(|at| *at >= after);
            let (mut spans, mut active) = (Vec::new(), BTreeMap::<String, u64>::new());
            for (at, line) in &said.callbacks {
                let mut words = line.split_whitespace().skip(1);
                match (words.next(), words.next(), words.next()) {
                    (Some("CSI"), Some(group), Some("ACTIVE")) => {
                        active.entry(group.to_owned()).or_insert(*at);
                    }
                    (Some("unregisters"), ..) => {
                        let all = std::mem::take(&mut active).into_iter();
                        spans.extend(all.map(|(group, began)| (group, began, *at)));
                    }
                    (Some("CSI"), Some(group), _) => {
                        let began = active.remove(group);
                        spans.extend(began.map(|began| (group.to_owned(), began, *at)));
                    }
                    _ => {}
                }
            }
            spans.extend(active.into_iter().map(|(group, began)| (group, began, u64::MAX)));
            spans
                .into_iter()
                .map(|(group, began, ended)| {
                    let ended = fails(began).map_or(ended, |at| at.min(ended));
                    (group, began, ended.min(end))
                })
                .filter(|(_, began, ended)| began < ended)
                .collect()
        })
    }
}

/// All processes of a run, by the number of the program that plays them, 1 to
/// 6, and those that are gone.
#[derive(Debug)]
pub(crate) struct Cast {
    settings: Settings,
    playing: BTreeMap<usize, Component>,
    gone: Vec<Component>,
}

impl Cast {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), playing: BTreeMap::new(), gone: Vec::new() }
    }

    /// A process begins to play this component on a node.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start(&mut self, number: usize, node: &Node) -> Result<(), String> {
        let name = format!("testamf{number}");
        let mut command = Command::new(self.settings.ctests.join(&name));
        command.args(["-q", "-T", "-t", "600"]);
        self.spawn(number, name, command, node)
    }

    /// A process with one thread begins to play this component: it makes such a
    /// call again and again, and dispatches in between.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start_caller(
        &mut self,
        number: usize,
        call: &str,
        node: &Node,
    ) -> Result<(), String> {
        let component =
            ["a_in_su_x", "b_in_su_x", "a_in_su_y", "b_in_su_y", "a_in_su_z", "b_in_su_z"];
        let component = format!("comp_{}", component[number - 1]);
        let mut command = Command::new(self.settings.ctests.join("amf_caller"));
        command.args(["-n", &component, "-c", call]);
        self.spawn(number, format!("{component} ({call})"), command, node)
    }

    fn spawn(
        &mut self,
        number: usize,
        name: String,
        mut command: Command,
        node: &Node,
    ) -> Result<(), String> {
        let mut child = command
            .env("AIS_SOCKET", node.socket())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let said = Arc::<Mutex<Said>>::default();
        let reader = child.stdout.take().map(|stdout| {
            let said = Arc::clone(&said);
            std::thread::spawn(move || read(stdout, &said))
        });
        let name = format!("{name} on {}", node.address);
        let component = Component {
            name,
            child,
            said,
            reader,
            killed_at: node.killed_at(),
            fails_at: Vec::new(),
            is_orphan: false,
        };
        self.gone.extend(self.playing.insert(number, component));
        Ok(())
    }

    /// Both components of a unit; 0 is the first unit.
    pub(crate) fn start_unit(&mut self, unit: usize, node: &Node) -> Result<(), String> {
        self.start(2 * unit + 1, node)?;
        self.start(2 * unit + 2, node)
    }

    /// Waits until these were told this state last.
    ///
    /// # Errors
    /// If it does not come.
    pub(crate) fn wait(&self, numbers: &[usize], state: &str) -> Result<(), String> {
        let kind = kind_of(state);
        let are = |number: &usize| self.playing[number].last(kind, state).is_some();
        wait_until(&format!("{numbers:?} to be {state}"), || Ok(numbers.iter().all(are)))
            .map_err(|message| format!("{message}; {self:?}"))
    }

    /// What each of these was called back for, but for heartbeats.
    pub(crate) fn callbacks(&self, numbers: &[usize]) -> Vec<(String, Vec<String>)> {
        let lines = |said: &Said| said.callbacks.iter().map(|(_, line)| line.clone()).collect();
        let playing = numbers.iter().filter_map(|number| self.playing.get(number));
        playing.map(|of| (of.name.clone(), of.said(lines))).collect()
    }

    /// Ends these, which [`Cast::start_caller`] has begun: how long the longest
    /// call of each has taken, in ms.
    ///
    /// # Errors
    /// If one has ended by itself.
    pub(crate) fn longest_calls(&mut self, numbers: &[usize]) -> Result<Vec<u64>, String> {
        let mut times = Vec::new();
        for number in numbers {
            self.end(*number, Signal::SIGTERM);
            let Some(component) = self.gone.last() else { continue };
            let longest = |said: &Said| {
                let line = said.others.iter().find(|line| line.starts_with("calls "))?;
                line.split_whitespace().rev().nth(1)?.parse().ok()
            };
            let time = component.said(longest);
            times.push(time.ok_or_else(|| format!("{} has ended by itself", component.name))?);
        }
        Ok(times)
    }

    /// When it was told this state last.
    pub(crate) fn told(&self, number: usize, state: &str) -> Option<u64> {
        self.playing[&number].last(kind_of(state), state)
    }

    /// The unit is at this state now, both components of it.
    pub(crate) fn wait_unit(&self, unit: usize, state: &str) -> Result<(), String> {
        self.wait(&[2 * unit + 1, 2 * unit + 2], state)
    }

    /// Sends a signal; with SIGKILL and SIGSTOP the component has failed.
    /// When that was.
    pub(crate) fn signal(&mut self, number: usize, signal: Signal) -> u64 {
        let at = now();
        if let Some(component) = self.playing.get_mut(&number) {
            if matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
                component.fails_at.push(at);
            }
            // It may have ended, which shows elsewhere.
            let _ = kill(Pid::from_raw(component.child.id().cast_signed()), signal);
        }
        at
    }

    /// Ends a process so, and waits for its end.
    pub(crate) fn end(&mut self, number: usize, signal: Signal) {
        self.signal(number, signal);
        self.wait_end(number);
    }

    /// The daemon of a process has ended: waits until the process has too, by
    /// itself.
    pub(crate) fn lose(&mut self, number: usize) {
        if let Some(component) = self.playing.get_mut(&number) {
            component.is_orphan = true;
        }
        self.wait_end(number);
    }

    /// Waits for the end of a process. It plays no more.
    pub(crate) fn wait_end(&mut self, number: usize) {
        let Some(mut component) = self.playing.remove(&number) else { return };
        component.read_all();
        self.gone.push(component);
    }

    /// Ends the run: no two were active for one protection group at any time
    /// of it, and nobody was told anything illegal. The processes end first:
    /// each line is read by a thread of its own, so that of two components the
    /// later may be known before the earlier until all is read.
    ///
    /// # Errors
    /// Which components were, or what one was told.
    pub(crate) fn check(mut self) -> Result<(), String> {
        let until = now();
        for mut component in std::mem::take(&mut self.playing).into_values() {
            component.end();
            self.gone.push(component);
        }
        let mut spans = BTreeMap::<String, Vec<(u64, u64, &str)>>::new();
        for component in &self.gone {
            for (group, began, ended) in component.spans(until) {
                spans.entry(group).or_default().push((began, ended, &component.name));
            }
            let wrong =
                |said: &Said| said.others.iter().find(|line| line.contains("FAIL")).cloned();
            let is_whole = component.fails_at.is_empty() && !component.is_orphan;
            if let Some(line) = component.said(wrong).filter(|_| is_whole) {
                return Err(format!("{}: {line}", component.name));
            }
        }
        for (group, spans) in &mut spans {
            spans.sort_unstable();
            for pair in spans.windows(2) {
                if pair[1].0 < pair[0].1 {
                    return Err(format!("two are active for {group}: {pair:?}"));
                }
            }
        }
        if spans.is_empty() { Err("nobody was ever active".into()) } else { Ok(()) }
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        self.playing.values_mut().for_each(Component::end);
    }
}

/// The kind of callback that brings a state.
fn kind_of(state: &str) -> &'static str {
    if state.contains("SERVICE") { "readiness" } else { "CSI" }
}

/// Reads what a program prints until it ends.
fn read(stdout: ChildStdout, said: &Mutex<Said>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(Ok(line)) = lines.next() {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        match line.split_once(' ').map(|(at, rest)| (at.parse(), rest)) {
            Some((Ok(at), rest)) => said.callbacks.push((at, rest.to_owned())),
            _ => said.others.push(line),
        }
    }
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.ended_at = Some(now());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(name: &str, lines: &[(u64, &str)], fails_at: Option<u64>) -> Component {
        let callbacks = lines.iter().map(|(at, line)| (*at, (*line).to_owned())).collect();
        let said = Said { callbacks, ..Said::default() };
        let child = Command::new("true").spawn().unwrap();
        Component {
            name: name.into(),
            child,
            said: Arc::new(Mutex::new(said)),
            reader: None,
            killed_at: Arc::default(),
            fails_at: fails_at.into_iter().collect(),
            is_orphan: false,
        }
    }

    fn cast(second_from: u64, first_fails: Option<u64>) -> Cast {
        let first = [(10, "one: CSI pgA ACTIVE (new)"), (30, "one: CSI pgA QUIESCED (x)")];
        let second = [(5, "two: readiness IN_SERVICE"), (second_from, "two: CSI pgA ACTIVE (x)")];
        let gone = vec![played("one", &first, first_fails), played("two", &second, None)];
        Cast { settings: Settings::default(), playing: BTreeMap::new(), gone }
    }

    #[test]
    fn two_at_a_time_are_found() {
        assert!(cast(31, None).check().is_ok());
        assert!(cast(29, None).check().is_err());
        assert!(cast(29, Some(28)).check().is_ok());
        assert!(cast(11, Some(28)).check().is_err());
    }

    #[test]
    fn who_has_lost_the_daemon_works_no_more() {
        let cast = cast(29, None);
        cast.gone[0].killed_at.get_or_init(|| 28);
        assert!(cast.check().is_ok());
    }
}
