//! Load that remembers: programs that count up in a checkpoint, and the check
//! that nothing acknowledged was lost.

use crate::cluster::{Cluster, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Writers, on the nodes in turn, each with a section of its own.
#[derive(Debug)]
pub(crate) struct Writers(Vec<Writer>);

#[derive(Debug)]
struct Writer {
    process: Child,
    out: BufReader<ChildStdout>,
    /// The place of the node it writes on.
    node: usize,
}

impl Writer {
    fn start(cluster: &Cluster, number: usize, node: usize) -> Result<Self, String> {
        let program = cluster.settings.ctests.join("ledger");
        let in_words = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut process = Command::new(&program)
            .args(["-w", "-s", &section(number)])
            .env("AIS_SOCKET", cluster.nodes[node].socket())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(in_words)?;
        let out = process.stdout.take().ok_or("a writer without output")?;
        Ok(Self { process, out: BufReader::new(out), node })
    }

    /// Waits until it says that it counts, or why it does not.
    fn await_start(&mut self, number: usize) -> Result<(), String> {
        let mut said = String::new();
        self.out.read_line(&mut said).map_err(|error| error.to_string())?;
        if said == "counting\n" {
            return Ok(());
        }
        Err(format!("the writer of '{}' does not begin: {said}", section(number)))
    }

    /// The last number that was acknowledged and how many were, when it has
    /// ended well.
    fn result(&mut self, number: usize) -> Result<(u64, u64), String> {
        let mut output = String::new();
        self.out.read_to_string(&mut output).map_err(|error| error.to_string())?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        let line = output.lines().find_map(|line| line.strip_prefix("acknowledged "));
        let mut numbers = line
            .unwrap_or_default()
            .split(", ")
            .map_while(|word| word.split(' ').next().and_then(|number| number.parse::<u64>().ok()));
        match (numbers.next(), numbers.next(), status.success()) {
            (Some(acknowledged), Some(writes), true) => Ok((acknowledged, writes)),
            _ => Err(format!("the writer of '{}' failed: {output}", section(number))),
        }
    }
}

impl Writers {
    /// Starts so many on the nodes that run; each of them has had a write
    /// acknowledged when this returns.
    ///
    /// # Errors
    /// If they do not start.
    pub(crate) fn start(cluster: &Cluster, count: usize) -> Result<Self, String> {
        let running = cluster.running();
        let mut writers = Self(Vec::new());
        for number in 0..count {
            writers.0.push(Writer::start(cluster, number, running[number % running.len()])?);
        }
        for (number, writer) in writers.0.iter_mut().enumerate() {
            writer.await_start(number)?;
        }
        Ok(writers)
    }

    /// Makes the sections of so many before they start, so that they are there on
    /// all nodes.
    ///
    /// # Errors
    /// If a program fails.
    pub(crate) fn make_sections(cluster: &Cluster, count: usize) -> Result<(), String> {
        (0..count).try_for_each(|number| held(cluster, 0, number).map(|_| ()))
    }

    /// Waits until all that write on these nodes have got on.
    ///
    /// # Errors
    /// Which writer has not.
    pub(crate) fn wait_progress(&self, cluster: &Cluster, nodes: &[usize]) -> Result<(), String> {
        for (number, writer) in self.0.iter().enumerate() {
            if nodes.contains(&writer.node) {
                let before = held(cluster, writer.node, number)?;
                wait_until(&format!("'{}' to get on", section(number)), || {
                    Ok(held(cluster, writer.node, number)? > before)
                })?;
            }
        }
        Ok(())
    }

    /// Ends them, and compares what each had acknowledged with what every node
    /// holds: all the same, and none less, but for those that were on a side
    /// that had to lose. The sum of what was written since their start.
    ///
    /// # Errors
    /// What was lost.
    pub(crate) fn check(mut self, cluster: &Cluster, losers: &[usize]) -> Result<u64, String> {
        let mut sum = 0;
        for writer in &self.0 {
            // It may have ended by itself; then it says why.
            let _ = kill(Pid::from_raw(writer.process.id().cast_signed()), Signal::SIGTERM);
        }
        for (number, writer) in self.0.iter_mut().enumerate() {
            let (acknowledged, writes) = writer.result(number)?;
            let certain = if losers.contains(&number) { 0 } else { acknowledged };
            check_section(cluster, number, certain)?;
            sum += writes;
        }
        Ok(sum)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        for writer in &mut self.0 {
            // They may have ended.
            let _ = writer.process.kill();
            let _ = writer.process.wait();
        }
    }
}

fn section(number: usize) -> String {
    format!("writer {}", number + 1)
}

/// What a node holds in this section, which is there afterwards.
fn held(cluster: &Cluster, node: usize, number: usize) -> Result<u64, String> {
    let program = cluster.settings.ctests.join("ledger");
    let node = &cluster.nodes[node];
    let text = node.run(Command::new(&program).args(["-s", &section(number)]))?;
    let held = text.lines().next().and_then(|line| line.parse().ok());
    held.ok_or_else(|| format!("{}: no number in section '{}'", node.address, section(number)))
}

fn check_section(cluster: &Cluster, number: usize, acknowledged: u64) -> Result<(), String> {
    let mut first = None;
    for place in cluster.running() {
        let address = &cluster.nodes[place].address;
        let held = held(cluster, place, number)?;
        if held < acknowledged {
            return Err(format!(
                "{address} holds {held} in section '{}', of which {acknowledged} was acknowledged",
                section(number)
            ));
        }
        if *first.get_or_insert(held) != held {
            return Err(format!(
                "{address} holds {held} in section '{}', others {first:?}",
                section(number)
            ));
        }
    }
    Ok(())
}
