//! A cluster of such nodes, and waiting for what it should come to.

use crate::keys;
use crate::namespaces::Host;
use crate::node::Node;
use crate::switch::{self, Network, Switch};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a run works with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) bin: PathBuf,
    pub(crate) ctests: PathBuf,
    pub(crate) conf: PathBuf,
    /// Milliseconds.
    pub(crate) token: u64,
    pub(crate) transport: String,
    pub(crate) quorum: bool,
    /// The cluster has a key.
    pub(crate) sealed: bool,
    /// Both processors do other work meanwhile.
    pub(crate) busy: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bin: "target/release".into(),
            ctests: "target/ctests".into(),
            conf: "conf".into(),
            token: 1000,
            transport: "multicast".into(),
            quorum: false,
            sealed: false,
            busy: false,
        }
    }
}

/// Nothing takes longer than this, on a machine that does much else either; what
/// does will never come.
const PATIENCE: Duration = Duration::from_secs(180);

/// Of the chances of a switch.
const SEED: u64 = 1;

/// Waits until the condition holds.
///
/// # Errors
/// If the condition did not hold in time, named as `what`.
pub(crate) fn wait_until(
    what: &str,
    mut condition: impl FnMut() -> Result<bool, String>,
) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !condition()? {
        if Instant::now() > end {
            return Err(format!("waited {} s in vain for: {what}", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The nodes.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) settings: Settings,
    /// What joins the nodes, if not the bridge of the kernel.
    switch: Option<Switch>,
    /// Kept for its files.
    directory: Option<TempDir>,
}

impl Cluster {
    /// A cluster of this many nodes, none of them started.
    ///
    /// # Errors
    /// What could not be made.
    pub(crate) fn new(count: usize, settings: &Settings) -> Result<Self, String> {
        let directory = TempDir::new().map_err(|error| error.to_string())?;
        let nodes = (1..=count).map(|number| Node::new(number, count, directory.path(), settings));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let settings = settings.clone();
        if settings.sealed {
            keys::give(&nodes, directory.path(), &settings)?;
        }
        Ok(Self { nodes, settings, switch: None, directory: Some(directory) })
    }

    /// The same, and all are started and have met.
    ///
    /// # Errors
    /// If they do not meet.
    pub(crate) fn started(count: usize, settings: &Settings) -> Result<Self, String> {
        let mut cluster = Self::new(count, settings)?;
        for number in 0..count {
            cluster.start(number)?;
        }
        cluster.wait_all_together()?;
        Ok(cluster)
    }

    pub(crate) fn start(&mut self, number: usize) -> Result<(), String> {
        self.nodes[number].start(&self.settings)
    }

    /// Has the switch of this process join the nodes, whose links are good at
    /// first and can be bad.
    ///
    /// # Errors
    /// What cannot be made.
    pub(crate) fn use_switch(&mut self) -> Result<(), String> {
        let hosts = self.nodes.iter().map(|node| &node.host);
        let ports = hosts.map(Host::unplug).collect::<Result<Vec<_>, _>>()?;
        let addresses = self.nodes.iter().map(|node| node.address.as_str());
        let neighbours: Vec<_> = addresses.zip((0..).map(switch::address)).collect();
        for (number, node) in self.nodes.iter().enumerate() {
            node.host.set_neighbours(number, &neighbours)?;
        }
        self.switch = Some(Switch::between(&ports, SEED)?);
        Ok(())
    }

    /// The network of the switch, to be looked at or changed; nothing is carried
    /// meanwhile.
    ///
    /// # Errors
    /// If the nodes are joined by the bridge.
    pub(crate) fn network(&self) -> Result<MutexGuard<'_, Network>, String> {
        self.switch.as_ref().map(Switch::network).ok_or_else(|| "there is no switch".into())
    }

    /// The place of each node whose daemon runs.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|number| self.nodes[*number].is_running()).collect()
    }

    /// Waits until all that run are in one configuration and serve programs.
    pub(crate) fn wait_all_together(&mut self) -> Result<(), String> {
        let running = self.running();
        self.wait_together(&running)?;
        for number in running {
            self.wait_serving(number)?;
        }
        Ok(())
    }

    /// Waits until these nodes, and nobody else, are in one configuration.
    pub(crate) fn wait_together(&mut self, numbers: &[usize]) -> Result<(), String> {
        let members: Vec<_> =
            numbers.iter().map(|number| self.nodes[*number].address.clone()).collect();
        let result = wait_until(&format!("a configuration of {members:?}"), || {
            self.all_alive()?;
            let agree = |number: &usize| {
                self.nodes[*number].views().last().is_some_and(|view| view.members == members)
            };
            Ok(numbers.iter().all(agree))
        });
        result.map_err(|message| format!("{message}; {}", self.shown()))
    }

    /// Waits until a program can use the node and sees the configuration.
    pub(crate) fn wait_serving(&mut self, number: usize) -> Result<(), String> {
        let aisctl = self.settings.bin.join("aisctl");
        wait_until(&format!("{} to serve", self.nodes[number].address), || {
            self.all_alive()?;
            let node = &self.nodes[number];
            let Some(view) = node.views().pop() else { return Ok(false) };
            let shown = node.run(std::process::Command::new(&aisctl).args(["members", "--json"]));
            Ok(shown.is_ok_and(|text| {
                text.matches("\"id\":").count() == view.members.len()
                    && view.members.iter().all(|member| text.contains(&format!("\"{member}\"")))
            }))
        })
        .map_err(|message| format!("{message}; {}", self.shown()))
    }

    /// A daemon may end only if it was told to.
    pub(crate) fn all_alive(&mut self) -> Result<(), String> {
        for node in &mut self.nodes {
            if node.has_died() {
                return Err(format!("the daemon of {} has ended by itself", node.address));
            }
        }
        Ok(())
    }

    /// When each of these nodes first announced exactly `members` after
    /// `since`, in ms.
    pub(crate) fn announced(
        &self,
        numbers: &[usize],
        members: &[usize],
        since: Instant,
    ) -> Vec<Option<f64>> {
        let members: Vec<_> = members.iter().map(|number| &self.nodes[*number].address).collect();
        let first = |number: &usize| {
            let views = self.nodes[*number].views();
            let view = views
                .iter()
                .find(|view| view.at >= since && view.members.iter().eq(members.iter().copied()))?;
            Some((view.at - since).as_secs_f64() * 1000.0)
        };
        numbers.iter().map(first).collect()
    }

    /// The last configuration of each node, for people.
    fn shown(&self) -> String {
        let last = |node: &Node| {
            let view = node.views().last().map(|view| view.members.join(" "));
            format!("{}: [{}]", node.address, view.unwrap_or_default())
        };
        self.nodes.iter().map(last).collect::<Vec<_>>().join(", ")
    }

    /// Keeps the files for whoever looks into a failure, and says where.
    pub(crate) fn keep_files(&mut self) -> String {
        let directory = self.directory.take().map(TempDir::keep);
        directory.map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Ends all daemons in order.
    ///
    /// # Errors
    /// If one does not end well.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        for node in &mut self.nodes {
            node.end(Signal::SIGTERM)?;
        }
        Ok(())
    }
}
