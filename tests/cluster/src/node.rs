//! One node: its host, its files, and the daemon that runs there or does not.

use crate::cluster::Settings;
use crate::components::now;
use crate::namespaces::Host;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// A configuration that a daemon has announced.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    pub(crate) at: Instant,
    /// The addresses, in the order they were printed.
    pub(crate) members: Vec<String>,
}

type Views = Arc<Mutex<Vec<Announced>>>;

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) host: Host,
    directory: PathBuf,
    daemon: Option<Child>,
    views: Views,
    killed_at: Arc<OnceLock<u64>>,
}

impl Node {
    /// The node with this number, from 1, without a daemon.
    ///
    /// # Errors
    /// What could not be made.
    pub(crate) fn new(
        number: usize,
        count: usize,
        parent: &std::path::Path,
        settings: &Settings,
    ) -> Result<Self, String> {
        let address = address(number);
        let host = Host::new(&address)?;
        let directory = parent.join(format!("node{number}"));
        let in_words = |error: std::io::Error| format!("{}: {error}", directory.display());
        fs::create_dir_all(&directory).map_err(in_words)?;
        fs::write(directory.join("network.conf"), network_conf(&address, count, settings))
            .map_err(in_words)?;
        fs::copy(settings.conf.join("groups.conf"), directory.join("groups.conf"))
            .map_err(|error| format!("{}: {error}", settings.conf.display()))?;
        Ok(Self {
            address,
            host,
            directory,
            daemon: None,
            views: Views::default(),
            killed_at: Arc::default(),
        })
    }

    /// Sets a key of its network.conf for the daemons that it starts from now
    /// on.
    ///
    /// # Errors
    /// If the file cannot be changed.
    pub(crate) fn configure(&self, key: &str, value: &str) -> Result<(), String> {
        let path = self.directory.join("network.conf");
        let in_words = |error: std::io::Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(in_words)?;
        let others = text.lines().filter(|line| line.split(':').next() != Some(key));
        let own = format!("{key}:{value}");
        let lines: Vec<_> = others.chain([own.as_str(), ""]).collect();
        fs::write(&path, lines.join("\n")).map_err(in_words)
    }

    /// Changes its groups.conf for the daemons that it starts from now on.
    ///
    /// # Errors
    /// If the file cannot be changed.
    pub(crate) fn edit_groups(&self, edit: impl Fn(&str) -> String) -> Result<(), String> {
        let path = self.directory.join("groups.conf");
        let text = fs::read_to_string(&path).map(|text| edit(&text));
        let written = text.and_then(|text| fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Has its key file hold this, in the place of what it held.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn set_keys(&self, text: &str) -> Result<(), String> {
        let path = self.directory.join("key");
        let new = self.directory.join("key.new");
        let file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&new);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        let moved = written.and_then(|()| fs::rename(&new, &path));
        moved.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Takes its key file away.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn remove_keys(&self) -> Result<(), String> {
        let path = self.directory.join("key");
        fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Starts the daemon and forgets what earlier ones have announced.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start(&mut self, settings: &Settings) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(|error| error.to_string())?;
        let mut daemon = self
            .host
            .command(&settings.bin.join("aisexec"))
            .args(["--config-dir".as_ref(), self.directory.as_os_str()])
            .args(["--state-dir".as_ref(), self.directory.as_os_str()])
            .args(["--socket".as_ref(), self.socket().as_os_str()])
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("aisexec: {error}"))?;
        self.views = Views::default();
        self.killed_at = Arc::default();
        if let Some(stdout) = daemon.stdout.take() {
            let views = Arc::clone(&self.views);
            std::thread::spawn(move || read_views(stdout, &views));
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.daemon.is_some()
    }

    /// When this daemon was killed, by the clock of [`now`]: set by then.
    pub(crate) fn killed_at(&self) -> Arc<OnceLock<u64>> {
        Arc::clone(&self.killed_at)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    /// Resident memory of the daemon, in KiB; 0 if it has ended.
    pub(crate) fn resident(&self) -> u64 {
        let read = || {
            let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse().ok()
        };
        read().unwrap_or(0)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(daemon) = &self.daemon {
            // It may have ended by itself, which shows elsewhere.
            let _ = kill(Pid::from_raw(daemon.id().cast_signed()), signal);
        }
    }

    /// Ends the daemon and says with which status.
    ///
    /// # Errors
    /// If it did not end well after SIGTERM.
    pub(crate) fn end(&mut self, signal: Signal) -> Result<(), String> {
        if signal == Signal::SIGKILL {
            self.killed_at.get_or_init(now);
        }
        self.signal(signal);
        let Some(mut daemon) = self.daemon.take() else { return Ok(()) };
        let status = daemon.wait().map_err(|error| error.to_string())?;
        if signal == Signal::SIGTERM && !status.success() {
            return Err(format!("the daemon of {} ended with {status}", self.address));
        }
        Ok(())
    }

    /// Whether the daemon has ended by itself.
    pub(crate) fn has_died(&mut self) -> bool {
        self.daemon.as_mut().is_some_and(|daemon| !matches!(daemon.try_wait(), Ok(None)))
    }

    /// What the daemon has announced since its start.
    pub(crate) fn views(&self) -> Vec<Announced> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a program that uses this node, to its end; what it printed.
    ///
    /// # Errors
    /// If it failed, with what it said.
    pub(crate) fn run(&self, command: &mut Command) -> Result<String, String> {
        let output = command.env("AIS_SOCKET", self.socket()).output();
        let output = output.map_err(|error| format!("{command:?}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("on {}: {command:?}: {}: {text}{said}", self.address, output.status))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.wait();
        }
    }
}

pub(crate) fn address(number: usize) -> String {
    format!("10.77.0.{number}")
}

fn network_conf(own: &str, count: usize, settings: &Settings) -> String {
    let mut text = format!(
        "bindnetaddr:{own}\nmcastaddr:226.94.1.1\nmcastport:6000\ntoken:{}\ntransport:{}\n",
        settings.token, settings.transport
    );
    if settings.transport == "unicast" {
        for number in 1..=count {
            text.push_str(&format!("member:{}\n", address(number)));
        }
    }
    if settings.quorum {
        text.push_str(&format!("quorum:majority\nexpected-nodes:{count}\n"));
    }
    text
}

/// Reads what the daemon prints until it ends. It prints a configuration at
/// once, and nobody sees a part of it.
fn read_views(stdout: ChildStdout, views: &Views) {
    let mut out = BufReader::new(stdout);
    while out.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        let mut views = views.lock().unwrap_or_else(PoisonError::into_inner);
        while !out.buffer().is_empty() {
            let mut line = String::new();
            if out.read_line(&mut line).is_err() {
                return;
            }
            match (line.trim_end().strip_prefix('\t'), views.last_mut()) {
                (Some(member), Some(view)) => {
                    view.members.push(member.into());
                    view.at = Instant::now();
                }
                _ => views.push(Announced { at: Instant::now(), members: Vec::new() }),
            }
        }
    }
}
