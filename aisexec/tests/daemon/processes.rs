//! What depends on which process is at the other end: these tests run this
//! program once more, with another part to play.

use crate::client::Client;
use crate::executive::{Site, read_line};
use ais_proto::{AisError, Kind, ServiceId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};
use std::fs::{self, Permissions};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names the socket to the part that is played.
const SOCKET: &str = "AIS_TEST_SOCKET";

/// This program in the part of `name`.
pub(crate) fn part(program: &Path, name: &str, site: &Site) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "--ignored", "--nocapture", name]).env(SOCKET, site.socket());
    command
}

pub(crate) fn socket() -> Option<PathBuf> {
    std::env::var_os(SOCKET).map(PathBuf::from)
}

#[test]
#[ignore = "a part that another test plays"]
fn part_of_a_stranger() {
    let Some(socket) = socket() else { return };
    let mut client = Client::connect_to(&socket);
    assert_eq!(client.hello(Kind::Session), Err(AisError::Security));
    client.assert_closed();
    println!("refused");
}

#[test]
fn strangers_are_refused() {
    if !getuid().is_root() {
        println!(
            "needs root to be somebody else; the test of daemon::clients::peer shows the decision"
        );
        return;
    }
    let site = Site::new();
    let executive = site.start();
    // It can reach the socket, and this program; it may not use it.
    let program = site.path("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for (path, mode) in [(site.path(""), 0o755), (site.path("run"), 0o755), (site.socket(), 0o666)]
    {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut command = part(&program, "processes::part_of_a_stranger", &site);
    let output = command.current_dir("/").uid(65534).gid(65534).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("refused"), "{output:?}");
    executive.await_log("of uid 65534 was closed: only root");
}

#[test]
#[ignore = "a part that another test plays"]
fn part_of_a_parent() {
    let Some(socket) = socket() else { return };
    let site = Site::at(&socket);
    let (anchor, cookie) = Client::session(&site);
    let (handle, _events) = Client::handle(&site, cookie, ServiceId::Clm);
    // A child that keeps the connections, and ends when nobody holds the
    // other end of its standard input.
    let mut child = Command::new("cat")
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(anchor.stream.try_clone().unwrap())))
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(handle.stream.try_clone().unwrap())))
        .spawn()
        .unwrap();
    println!("child {}", child.id());
    // It is killed while it waits.
    child.wait().unwrap();
}

/// Waits for the line with the number of its child.
fn child_of(parent: &mut Child) -> Pid {
    let mut out = BufReader::new(parent.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        read_line(&mut out, &mut line);
        assert_ne!(line, "", "no child");
        // The test harness may have begun the line.
        if let Some((_, pid)) = line.trim().rsplit_once("child ") {
            return Pid::from_raw(pid.parse().unwrap());
        }
    }
}

#[test]
fn a_process_that_ends_is_gone_even_if_a_child_keeps_its_connections() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    neighbour.assert_served(0);
    let before = executive.descriptors();
    let program = std::env::current_exe().unwrap();
    let mut parent = part(&program, "processes::part_of_a_parent", &site)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let child = child_of(&mut parent);
    neighbour.assert_served(1);
    // Two streams, an event socket and the process itself.
    assert_eq!(executive.descriptors(), before + 4);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let is_gone = (0..10_000).any(|id| {
        neighbour.assert_served(id);
        executive.descriptors() == before
    });
    assert!(is_gone, "{} descriptors rather than {before}", executive.descriptors());
    // The child has seen the end of the stream, if it still is there.
    let _ = kill(child, Signal::SIGKILL);
}
