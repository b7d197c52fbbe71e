//! A daemon to test.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;
use tempfile::TempDir;

/// How long anything may take before the test fails, in ms: what has not happened
/// by then never will, on a machine that does much else either.
pub(crate) const PATIENCE: u16 = 60_000;

/// An IPv4 address that no other test has, whichever process runs it: the
/// last byte counts in this process, those before come from its number.
fn own_address(first: u8) -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let pid = std::process::id();
    let middle = [1 + pid / 256 % 254, pid % 256].map(|byte| u8::try_from(byte).unwrap());
    let last = NEXT.fetch_add(1, Ordering::Relaxed);
    assert_ne!(last, 0, "too many addresses");
    [first, middle[0], middle[1], last].into()
}

/// The directories of a node.
pub(crate) struct Site {
    directory: PathBuf,
    /// Its address, in 127/8.
    pub(crate) address: Ipv4Addr,
    _temporary: Option<TempDir>,
}

impl Site {
    /// A node alone, without real-time scheduling.
    pub(crate) fn new() -> Self {
        // A short token: it soon knows that it is alone.
        let network = format!("token:200\nmcastaddr:{}\n", own_address(239));
        Self::with_network(own_address(127), &network)
    }

    /// Nodes of one cluster.
    pub(crate) fn cluster(count: usize, transport: &str) -> Vec<Self> {
        let addresses: Vec<_> = (0..count).map(|_| own_address(127)).collect();
        // A token that they hold on a machine that does much else.
        let mut network =
            format!("token:2000\nmcastaddr:{}\ntransport:{transport}\n", own_address(239));
        for address in addresses.iter().filter(|_| transport == "unicast") {
            writeln!(network, "member:{address}").unwrap();
        }
        addresses.iter().map(|address| Self::with_network(*address, &network)).collect()
    }

    fn with_network(address: Ipv4Addr, network: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().into();
        let site = Self { directory, address, _temporary: Some(temporary) };
        let text = format!("bindnetaddr:{address}\nmcastport:6000\nrealtime:no\n{network}");
        site.write("network.conf", &text);
        site.write("groups.conf", "# no groups\n");
        site
    }

    /// The node of somebody else, whose socket this is.
    pub(crate) fn at(socket: &Path) -> Self {
        let directory: PathBuf = socket.parent().and_then(Path::parent).unwrap().into();
        let network = fs::read_to_string(directory.join("network.conf")).unwrap();
        let address = network.lines().find_map(|line| line.strip_prefix("bindnetaddr:"));
        Self { directory, address: address.unwrap().parse().unwrap(), _temporary: None }
    }

    /// Replaces a part of network.conf.
    pub(crate) fn set(&self, from: &str, to: &str) {
        let text = self.read("network.conf");
        assert!(text.contains(from), "{text}");
        self.write("network.conf", &text.replace(from, to));
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

    /// Waits until programs can connect: the file of the socket is there before.
    pub(crate) fn await_socket(&self) {
        for _ in 0..PATIENCE {
            if UnixStream::connect(self.socket()).is_ok() {
                return;
            }
            poll(&mut [], 1u8).unwrap();
        }
        panic!("nobody is served");
    }

    /// Waits until this text is in a file, which the daemon writes when it can.
    pub(crate) fn await_text(&self, name: &str, text: &str) {
        for _ in 0..PATIENCE {
            if self.read(name).contains(text) {
                return;
            }
            poll(&mut [], 1u8).unwrap();
        }
        panic!("`{text}` is not in {name}:\n{}", self.read(name));
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

    /// Starts a daemon and waits until it serves, alone.
    pub(crate) fn start(&self) -> Executive {
        self.start_as(self.command())
    }

    pub(crate) fn start_as(&self, command: Command) -> Executive {
        let mut executive = self.spawn(command);
        executive.await_members(&[self.address]);
        executive.await_log("serving programs on");
        executive
    }

    /// Starts a daemon and waits for nothing.
    pub(crate) fn spawn(&self, mut command: Command) -> Executive {
        let log_path = self.path("log");
        let log = File::options().append(true).create(true).open(&log_path).unwrap();
        let log_start = usize::try_from(log.metadata().unwrap().len()).unwrap();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        Executive { child, stdout, said: String::new(), log_path, log_start }
    }
}

/// A running daemon.
pub(crate) struct Executive {
    child: Child,
    stdout: ChildStdout,
    /// What it has said on its standard output.
    pub(crate) said: String,
    log_path: PathBuf,
    log_start: usize,
}

impl Executive {
    /// Waits until the configuration it has told last is this one.
    pub(crate) fn await_members(&mut self, members: &[Ipv4Addr]) {
        let mut expected = String::from("New Configuration:\n");
        for member in members {
            writeln!(expected, "\t{member}").unwrap();
        }
        while !self.said.ends_with(&expected) {
            assert!(self.read(), "ended; its log is:\n{}", self.log());
        }
    }

    /// Waits for this text in its log.
    pub(crate) fn await_log(&self, text: &str) {
        self.await_log_times(text, 1);
    }

    /// Waits until this text is in its log so many times.
    pub(crate) fn await_log_times(&self, text: &str, times: usize) {
        for _ in 0..PATIENCE {
            if self.log().matches(text).count() >= times {
                return;
            }
            poll(&mut [], 1u8).unwrap();
        }
        panic!("not {times} times `{text}` in its log:\n{}", self.log());
    }

    /// What it has written to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap().split_off(self.log_start)
    }

    /// Reads what it says; whether that was anything.
    fn read(&mut self) -> bool {
        let mut fds = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
        let is_there = poll(&mut fds, PollTimeout::from(PATIENCE)).unwrap() == 1;
        assert!(is_there, "nothing after `{}`; its log is:\n{}", self.said, self.log());
        let mut bytes = [0; 4096];
        let count = self.stdout.read(&mut bytes).unwrap();
        self.said.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        count > 0
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        while self.read() {}
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

    /// Its resident memory in kB, without its code, which is several times as large in a
    /// build for debugging.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time it takes in a second, in clock ticks of 10 ms.
    #[expect(clippy::disallowed_methods, reason = "a second may last longer on a busy machine")]
    pub(crate) fn ticks_in_a_second(&self) -> u64 {
        let (start, before) = (Instant::now(), self.ticks());
        poll(&mut [], 1000u16).unwrap();
        (self.ticks() - before) * 1000 / u64::try_from(start.elapsed().as_millis()).unwrap()
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
