//! A daemon of a test, and aisctl beside it.

use aisexec::args::Args;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::{env, fs};
use tempfile::TempDir;

/// How long anything may take before the test fails, in ms: what has not happened
/// by then never will, on a machine that does much else either.
const PATIENCE: u16 = 60_000;
/// In the environment of this program when it is to be the daemon: where its
/// files are.
const DAEMON: &str = "AISCTL_TEST_DAEMON";

/// Is the daemon if this program was started to be it.
#[test]
fn daemon() {
    let Some(directory) = env::var_os(DAEMON).map(PathBuf::from) else { return };
    let args = Args {
        socket: directory.join("socket"),
        state_dir: directory.join("state"),
        config_dir: directory,
        daemon: false,
    };
    let code = aisexec::run::run(&args);
    assert_eq!(code, std::process::ExitCode::SUCCESS);
}

/// In the environment of this program when it is to be a program that has a
/// checkpoint open: its name.
const HOLDER: &str = "AISCTL_TEST_HOLDER";

/// Is such a program if this program was started to be it; it says so, and
/// stays until it is killed.
#[test]
fn holder() {
    use ais_client::ckpt::{Attributes, Open, OpenFlags, UpdateOption};
    let Ok(name) = env::var(HOLDER) else { return };
    let attributes = Attributes {
        option: UpdateOption::AllReplicas,
        checkpoint_size: 0,
        retention_duration: 0,
        max_sections: 1,
        max_section_size: 0,
        max_section_id_size: 0,
    };
    let name = ais_client::Name::try_from(name.as_str()).unwrap();
    let open = Open { name, attributes: Some(attributes), flags: OpenFlags::READ };
    for _ in 0..2 {
        ais_client::ckpt::open(open.clone(), None).unwrap();
    }
    println!("\nholds it");
    poll(&mut [], PollTimeout::NONE).unwrap();
}

/// The directory of a node, and its daemon if it runs.
pub(crate) struct Node {
    directory: TempDir,
    pub(crate) address: Ipv4Addr,
    /// The multicast address of its cluster.
    group: Ipv4Addr,
    daemon: Option<Child>,
}

impl Node {
    /// A node on an address that no other test has, without a daemon.
    pub(crate) fn new() -> Self {
        // A short token: it soon knows that it is alone.
        Self::in_cluster(None, 200)
    }

    /// Two nodes of one cluster that serve.
    pub(crate) fn two() -> [Self; 2] {
        Self::two_with(["", ""])
    }

    /// The same, each with more lines in its network.conf.
    pub(crate) fn two_with([of_one, of_two]: [&str; 2]) -> [Self; 2] {
        // A token that they hold on a machine that does much else.
        let one = Self::in_cluster(None, 2000);
        let two = Self::in_cluster(Some(one.group), 2000);
        [one.serves_with(of_one), two.serves_with(of_two)]
    }

    fn in_cluster(group: Option<Ipv4Addr>, token: u32) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let pid = std::process::id();
        let [high, low] = [1 + pid / 256 % 254, pid % 256].map(|byte| u8::try_from(byte).unwrap());
        let last = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::new(127, high, low, last);
        let group = group.unwrap_or(Ipv4Addr::new(239, high, low, last));
        let directory = tempfile::tempdir().unwrap();
        let network = format!(
            "bindnetaddr:{address}\nmcastaddr:{group}\nmcastport:6000\nrealtime:no\n\
             token:{token}\n"
        );
        fs::write(directory.path().join("network.conf"), network).unwrap();
        let groups = include_str!("../../../conf/groups.conf");
        fs::write(directory.path().join("groups.conf"), groups).unwrap();
        Self { directory, address, group, daemon: None }
    }

    /// The same with a daemon that serves.
    pub(crate) fn serving() -> Self {
        Self::serving_with("")
    }

    /// The same with more lines in its network.conf.
    pub(crate) fn serving_with(more: &str) -> Self {
        Self::new().serves_with(more)
    }

    /// This node with more lines in its network.conf and a daemon that serves.
    pub(crate) fn serves_with(self, more: &str) -> Self {
        let path = self.directory.path().join("network.conf");
        let network = fs::read_to_string(&path).unwrap();
        fs::write(path, network + more).unwrap();
        self.served()
    }

    /// Starts the daemon and waits until it serves.
    fn served(mut self) -> Self {
        self.start();
        self.wait_until(|node| node.aisctl(&["members"]).status.success());
        self
    }

    /// Waits until this holds.
    pub(crate) fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let tries = PATIENCE / 10;
        let holds = |_| {
            poll(&mut [], 10u8).unwrap();
            holds(self)
        };
        assert!((0..tries).any(holds), "{}", self.log());
    }

    pub(crate) fn start(&mut self) {
        let log = fs::File::create(self.directory.path().join("log")).unwrap();
        let daemon = Command::new(env::current_exe().unwrap())
            .args(["--exact", "node::daemon", "--nocapture", "--test-threads=1"])
            .env(DAEMON, self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
    }

    /// Starts a program of this node that has a checkpoint open twice, and waits
    /// until it has.
    pub(crate) fn hold(&self, name: &str) -> Running {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "node::holder", "--nocapture", "--test-threads=1"])
            .env(HOLDER, name)
            .env("AIS_SOCKET", self.directory.path().join("socket"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, stdout };
        // The test harness says a few lines before.
        assert!((0..20).any(|_| running.line() == "holds it"), "{}", self.log());
        running
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Where aisctl looks for the daemon.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// aisctl with these arguments, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aisctl"));
        command.args(arguments).env("AIS_SOCKET", self.socket());
        command
    }

    /// The same for one that is to be met half-way: it shares one processor with
    /// this thread from now on, and gets next to nothing of it while the thread
    /// is awake.
    pub(crate) fn slow_command(&self, arguments: &[&str]) -> Command {
        let all = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let first = (0..CpuSet::count()).find(|&place| all.is_set(place).unwrap());
        let mut one = CpuSet::new();
        one.set(first.unwrap()).unwrap();
        sched_setaffinity(Pid::from_raw(0), &one).unwrap();
        let mut command = Command::new("nice");
        command.args(["-n", "19", env!("CARGO_BIN_EXE_aisctl")]);
        command.args(arguments).env("AIS_SOCKET", self.socket());
        command
    }

    /// Sends a signal to the daemon.
    pub(crate) fn signal(&self, signal: Signal) {
        let daemon = self.daemon.as_ref().unwrap();
        kill(Pid::from_raw(daemon.id().cast_signed()), signal).unwrap();
    }

    /// Runs aisctl to its end.
    pub(crate) fn aisctl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What aisctl prints if it succeeds.
    pub(crate) fn shown(&self, arguments: &[&str]) -> String {
        let output = self.aisctl(arguments);
        assert!(output.status.success(), "{output:?}\n{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts aisctl, which goes on.
    pub(crate) fn run(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child, stdout }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An aisctl, or a program, that runs.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// The next line without its end; empty at the end of all.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stdout.buffer().is_empty() {
            let mut fds = [PollFd::new(self.stdout.get_ref().as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut fds, PollTimeout::from(PATIENCE)).unwrap();
            assert_eq!(ready, 1, "nothing is printed");
        }
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').into()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn exit_code(mut self) -> Option<i32> {
        assert_eq!(self.line(), "");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
