//! Load that remembers: programs that count up in a checkpoint, and the check
//! that nothing acknowledged was lost.

use crate::cluster::Cluster;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};

/// Writers, on the nodes in turn, each with a section of its own.
#[derive(Debug)]
pub(crate) struct Writers(Vec<Child>);

impl Writers {
    /// Starts so many on the nodes that run.
    ///
    /// # Errors
    /// If they do not start.
    pub(crate) fn start(cluster: &Cluster, count: usize) -> Result<Self, String> {
        let program = cluster.settings.ctests.join("ledger");
        let running = cluster.running();
        let start = |number: usize| {
            Command::new(&program)
                .args(["-w", "-s", &section(number)])
                .env("AIS_SOCKET", cluster.nodes[running[number % running.len()]].socket())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| format!("{}: {error}", program.display()))
        };
        (0..count).map(start).collect::<Result<_, _>>().map(Self)
    }

    /// Makes the sections of so many before they start, so that they are there on
    /// all nodes.
    ///
    /// # Errors
    /// If a program fails.
    pub(crate) fn make_sections(cluster: &Cluster, count: usize) -> Result<(), String> {
        let program = cluster.settings.ctests.join("ledger");
        for number in 0..count {
            cluster.nodes[0].run(Command::new(&program).args(["-s", &section(number)]))?;
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
            let _ = kill(Pid::from_raw(writer.id().cast_signed()), Signal::SIGTERM);
        }
        for (number, mut writer) in self.0.drain(..).enumerate() {
            let mut output = String::new();
            if let Some(mut stdout) = writer.stdout.take() {
                std::io::Read::read_to_string(&mut stdout, &mut output)
                    .map_err(|error| error.to_string())?;
            }
            let status = writer.wait().map_err(|error| error.to_string())?;
            let line = output.lines().find_map(|line| line.strip_prefix("acknowledged "));
            let mut numbers = line.unwrap_or_default().split(", ").map_while(|word| {
                word.split(' ').next().and_then(|number| number.parse::<u64>().ok())
            });
            let (Some(acknowledged), Some(writes), true) =
                (numbers.next(), numbers.next(), status.success())
            else {
                return Err(format!("the writer of '{}' failed: {output}", section(number)));
            };
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
            let _ = writer.kill();
            let _ = writer.wait();
        }
    }
}

fn section(number: usize) -> String {
    format!("writer {}", number + 1)
}

fn check_section(cluster: &Cluster, number: usize, acknowledged: u64) -> Result<(), String> {
    let program = cluster.settings.ctests.join("ledger");
    let mut first = None;
    for place in cluster.running() {
        let node = &cluster.nodes[place];
        let text = node.run(Command::new(&program).args(["-s", &section(number)]))?;
        let held: u64 = text.lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
        if held < acknowledged {
            return Err(format!(
                "{} holds {held} in section '{}', of which {acknowledged} was acknowledged",
                node.address,
                section(number)
            ));
        }
        if *first.get_or_insert(held) != held {
            return Err(format!(
                "{} holds {held} in section '{}', others {first:?}",
                node.address,
                section(number)
            ));
        }
    }
    Ok(())
}
