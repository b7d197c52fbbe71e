//! Load that remembers: programs that count up in a checkpoint, and the check
//! that nothing acknowledged was lost.

use crate::cluster::Cluster;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};

/// A writer on each node, each with a section of its own.
#[derive(Debug)]
pub(crate) struct Writers(Vec<Child>);

impl Writers {
    /// Starts them.
    ///
    /// # Errors
    /// If they do not start.
    pub(crate) fn start(cluster: &Cluster) -> Result<Self, String> {
        let program = cluster.settings.ctests.join("ledger");
        let start = |(number, node): (usize, &crate::node::Node)| {
            Command::new(&program)
                .args(["-w", "-s", &section(number)])
                .env("AIS_SOCKET", node.socket())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| format!("{}: {error}", program.display()))
        };
        cluster.nodes.iter().enumerate().map(start).collect::<Result<_, _>>().map(Self)
    }

    /// Ends them, and compares what each had acknowledged with what every node
    /// holds: all the same, and none less. The sum of what was written.
    ///
    /// # Errors
    /// What was lost.
    pub(crate) fn check(mut self, cluster: &Cluster) -> Result<u64, String> {
        let mut sum = 0;
        for (number, mut writer) in self.0.drain(..).enumerate() {
            // It may have ended by itself; then it says why.
            let _ = kill(Pid::from_raw(writer.id().cast_signed()), Signal::SIGTERM);
            let mut output = String::new();
            if let Some(mut stdout) = writer.stdout.take() {
                std::io::Read::read_to_string(&mut stdout, &mut output)
                    .map_err(|error| error.to_string())?;
            }
            let status = writer.wait().map_err(|error| error.to_string())?;
            let acknowledged = output
                .lines()
                .find_map(|line| {
                    line.strip_prefix("acknowledged ")?.split(',').next()?.parse().ok()
                })
                .filter(|_| status.success());
            let Some(acknowledged) = acknowledged else {
                return Err(format!("the writer on node {} failed: {output}", number + 1));
            };
            check_section(cluster, number, acknowledged)?;
            sum += acknowledged;
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
    format!("node {}", number + 1)
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
