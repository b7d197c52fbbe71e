//! Network namespaces: one for this process with a bridge, one for each node.

use crate::cluster::wait_until;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Set in the process that is in its own namespace already.
const INSIDE: &str = "AIS_CLUSTER_INSIDE";

/// Goes on in a network namespace of this process's own, with or without
/// privileges.
///
/// # Errors
/// Why there is none, in words.
pub(crate) fn enter() -> Result<(), String> {
    if std::env::var_os(INSIDE).is_some() {
        return command("ip", &["link", "set", "lo", "up"])
            .and_then(|()| command("ip", &["link", "add", "br0", "type", "bridge"]))
            .and_then(|()| command("ip", &["link", "set", "br0", "up"]))
            .map_err(|error| format!("no network in the namespace: {error}"));
    }
    for tool in ["ip", "unshare", "nsenter"] {
        let shown = Command::new(tool).arg("-V").stdout(Stdio::null()).status();
        if shown.is_err() {
            return Err(format!("there is no `{tool}` (packages iproute2 and util-linux)"));
        }
    }
    let flags = if nix::unistd::geteuid().is_root() { "-nm" } else { "-rnm" };
    let tried = Command::new("unshare").args([flags, "true"]).status();
    if !tried.is_ok_and(|status| status.success()) {
        return Err(format!("`unshare {flags}` is not permitted here"));
    }
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let error = Command::new("unshare")
        .arg(flags)
        .arg(me)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    Err(format!("unshare: {error}"))
}

/// Runs a command that has to succeed.
///
/// # Errors
/// What it says.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim()))
}

/// The network of one node: an interface `eth0`, plugged into the bridge.
#[derive(Debug)]
pub(crate) struct Host {
    /// Lives as long as this process: it reads from us, and ends when we do.
    holder: Child,
    port: String,
}

impl Host {
    /// A host with this address.
    ///
    /// # Errors
    /// What ip(8) says.
    pub(crate) fn new(address: &str) -> Result<Self, String> {
        let holder = Command::new("unshare")
            .args(["-n", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let pid = holder.id().to_string();
        // A port lives on for a while after its host is gone.
        let host = Self { holder, port: format!("port{pid}") };
        wait_for_namespace(&pid)?;
        command(
            "ip",
            &["link", "add", &host.port, "type", "veth", "peer", "name", "eth0", "netns", &pid],
        )?;
        command("ip", &["link", "set", &host.port, "master", "br0", "up"])?;
        host.inside(&["ip", "link", "set", "lo", "up"])?;
        host.inside(&["ip", "addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
        host.inside(&["ip", "link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// Runs a command there that has to succeed.
    ///
    /// # Errors
    /// What it says.
    pub(crate) fn inside(&self, arguments: &[&str]) -> Result<(), String> {
        let pid = self.holder.id().to_string();
        command("nsenter", &[&["-t", &pid, "-n", "--"], arguments].concat())
    }

    /// A command that runs on this host.
    pub(crate) fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-n", "--"]).arg(program);
        command
    }

    /// Takes the cable out of the bridge; the interface at its near end.
    ///
    /// # Errors
    /// What ip(8) says.
    pub(crate) fn unplug(&self) -> Result<&str, String> {
        command("ip", &["link", "set", &self.port, "nomaster"])?;
        Ok(&self.port)
    }

    /// Gives the host the hardware address of its place among these, and tells
    /// it those of the others. What is lost on the network is then nothing but
    /// what was to be; and what hosts find out about each other goes into one
    /// table for all namespaces of the machine, which 64 hosts would fill.
    ///
    /// # Errors
    /// What ip(8) says.
    pub(crate) fn set_neighbours(&self, own: usize, all: &[(&str, [u8; 6])]) -> Result<(), String> {
        let text = |hardware: &[u8; 6]| hardware.map(|byte| format!("{byte:02x}")).join(":");
        // First, as a host whose address changes forgets its neighbours.
        let mut lines = format!("link set eth0 address {}\n", text(&all[own].1));
        for (number, (address, hardware)) in all.iter().enumerate() {
            if number != own {
                let hardware = text(hardware);
                lines +=
                    &format!("neigh replace {address} lladdr {hardware} dev eth0 nud permanent\n");
            }
        }
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(file.path(), lines).map_err(|error| error.to_string())?;
        self.inside(&["ip", "-batch", &file.path().display().to_string()])
    }

    /// Pulls the plug.
    ///
    /// # Errors
    /// What ip(8) says.
    pub(crate) fn cut(&self) -> Result<(), String> {
        command("ip", &["link", "set", &self.port, "down"])
    }

    /// Puts it in again.
    ///
    /// # Errors
    /// What ip(8) says.
    pub(crate) fn heal(&self) -> Result<(), String> {
        command("ip", &["link", "set", &self.port, "up"])
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Waits until the process is in a namespace other than ours.
fn wait_for_namespace(pid: &str) -> Result<(), String> {
    let namespace =
        |of: &str| -> io::Result<_> { std::fs::read_link(format!("/proc/{of}/ns/net")) };
    let ours = namespace("self").map_err(|error| error.to_string())?;
    wait_until("unshare to make a namespace", || {
        Ok(namespace(pid).is_ok_and(|theirs| theirs != ours))
    })
}
