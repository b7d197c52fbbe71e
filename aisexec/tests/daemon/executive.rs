//! A daemon to test.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// How long anything may take before the test fails, in ms.
pub(crate) const PATIENCE: u16 = 20_000;

/// The directories of a node.
pub(crate) struct Site {
    directory: PathBuf,
    _temporary: Option<TempDir>,
}

impl Site {
    /// A node on 127.0.0.1 without real-time scheduling.
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let site = Self { directory: temporary.path().into(), _temporary: Some(temporary) };
        site.write("network.conf", &site.network("127.0.0.1"));
        site.write("groups.conf", "");
        site
    }

    /// The node of somebody else, whose socket this is.
    pub(crate) fn at(socket: &Path) -> Self {
        let directory = socket.parent().and_then(Path::parent).unwrap().into();
        Self { directory, _temporary: None }
    }

    /// The text of a network.conf.
    pub(crate) fn network(&self, bindnetaddr: &str) -> String {
        format!("bindnetaddr:{bindnetaddr}\nmcastaddr:226.94.1.1\nmcastport:6000\nrealtime:no\n")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/socket")
    }

    /// aisexec with the paths of this node.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aisexec"));
        self.arguments(&mut command);
        command
    }

    pub(crate) fn arguments(&self, command: &mut Command) {
        command
            .arg("--config-dir")
            .arg(&self.directory)
            .arg("--socket")
            .arg(self.socket())
            .arg("--state-dir")
            .arg(self.path("state"))
            .env_remove("RUST_LOG");
    }

    /// Runs aisexec to its end.
    pub(crate) fn run(&self, flags: &[&str]) -> Output {
        self.command().args(flags).output().unwrap()
    }

    /// Starts a daemon and waits until it serves.
    pub(crate) fn start(&self) -> Executive {
        self.start_as(self.command())
    }

    pub(crate) fn start_as(&self, mut command: Command) -> Executive {
        let log = File::options().append(true).create(true).open(self.path("log")).unwrap();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut configuration = String::new();
        for _ in 0..2 {
            read_line(&mut stdout, &mut configuration);
        }
        assert_eq!(configuration, "New Configuration:\n\t127.0.0.1\n", "{}", self.read("log"));
        Executive { child, stdout: stdout.into_inner() }
    }
}

/// A running daemon.
pub(crate) struct Executive {
    child: Child,
    stdout: ChildStdout,
}

impl Executive {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_readable(&self.stdout);
        assert_eq!(self.stdout.read(&mut [0]).unwrap(), 0, "one configuration is all there is");
        self.child.wait().unwrap()
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.wait().code(), Some(0));
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Its resident memory in kB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time it takes in a second, in clock ticks of 10 ms.
    pub(crate) fn ticks_in_a_second(&self) -> u64 {
        let before = self.ticks();
        poll(&mut [], 1000u16).unwrap();
        self.ticks() - before
    }

    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // utime and stime are fields 14 and 15, the state after the name is 3.
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Executive {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Appends a line, which may be empty at the end.
pub(crate) fn read_line(from: &mut BufReader<impl Read + AsFd>, line: &mut String) {
    if from.buffer().is_empty() {
        wait_readable(from.get_ref());
    }
    from.read_line(line).unwrap();
}

/// Waits until something can be read, or the other side is gone.
pub(crate) fn wait_readable(from: &impl AsFd) {
    let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::from(PATIENCE)).unwrap(), 1, "nothing happens");
}
