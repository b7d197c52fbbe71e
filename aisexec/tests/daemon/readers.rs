//! Readers of the log and of the lists of members that stop reading: the
//! daemon waits for none of them.

use crate::client::{Client, assert_serves};
use crate::executive::{Executive, PATIENCE, Site};
use ais_proto::admin::{Operated, Operation, Request, Target};
use ais_proto::{NodeId, Reader, Writer};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::fstat;
use nix::unistd::Pid;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::{Read, Write, pipe};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Somebody who has stopped reading.
struct Stalled {
    kind: Kind,
    /// What the daemon gets as standard output and standard error.
    theirs: OwnedFd,
    ours: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipe,
    /// Somebody has typed ^S.
    Terminal,
    /// journald hangs.
    Journal,
}

const KINDS: [Kind; 3] = [Kind::Pipe, Kind::Terminal, Kind::Journal];

impl Stalled {
    fn new(kind: Kind) -> Self {
        let (ours, theirs): (OwnedFd, OwnedFd) = match kind {
            Kind::Pipe => pipe().map(|(ours, theirs)| (ours.into(), theirs.into())).unwrap(),
            Kind::Journal => {
                UnixStream::pair().map(|(ours, theirs)| (ours.into(), theirs.into())).unwrap()
            }
            Kind::Terminal => {
                let pty = openpty(None, None).unwrap();
                (pty.master, pty.slave)
            }
        };
        let mut ours = File::from(ours);
        match kind {
            Kind::Terminal => ours.write_all(b"\x13").unwrap(),
            Kind::Journal => fill(UnixStream::from(theirs.try_clone().unwrap())),
            Kind::Pipe => {
                // Of its own, so that the one the daemon gets waits as ever.
                let path = format!("/proc/self/fd/{}", theirs.as_raw_fd());
                let own = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path);
                while own.as_ref().unwrap().write(&[b'x'; 512]).is_ok() {}
            }
        }
        let stalled = Self { kind, theirs, ours };
        while has_room(&stalled.theirs) {
            poll(&mut [], 1u8).unwrap();
        }
        stalled
    }

    fn spawn(&self, mut command: Command) -> Daemon {
        let stream = || Stdio::from(self.theirs.try_clone().unwrap());
        if self.kind == Kind::Journal {
            let found = fstat(&self.theirs).unwrap();
            command.env("JOURNAL_STREAM", format!("{}:{}", found.st_dev, found.st_ino));
        }
        command.stdin(Stdio::null()).stdout(stream()).stderr(stream());
        Daemon(command.spawn().unwrap())
    }

    /// Reads again, until all these texts have come. What was read.
    fn read_until(&mut self, wanted: &[&str]) -> String {
        if self.kind == Kind::Terminal {
            self.ours.write_all(b"\x11").unwrap();
        }
        let mut text = Vec::new();
        loop {
            let mut fds = [PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
            assert_eq!(
                poll(&mut fds, PollTimeout::from(PATIENCE)).unwrap(),
                1,
                "not all of {wanted:?}"
            );
            let mut piece = [0; 4096];
            let count = self.ours.read(&mut piece).unwrap();
            text.extend_from_slice(&piece[..count]);
            let text = String::from_utf8_lossy(&text);
            if wanted.iter().all(|wanted| text.contains(wanted)) {
                return text.into_owned();
            }
        }
    }
}

/// Has nothing more fit into a socket.
fn fill(mut socket: UnixStream) {
    socket.set_nonblocking(true).unwrap();
    while socket.write(&[b'x'; 512]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
}

fn has_room(fd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
}

/// Waits until programs are served.
fn await_serving(site: &Site) {
    site.await_socket();
    assert_serves(site);
}

/// A daemon of which nobody knows what it says.
struct Daemon(Child);

impl Daemon {
    fn wait(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            poll(&mut [], 1u8).unwrap();
        }
        panic!("it does not end");
    }

    fn stop(&mut self) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(self.wait().code(), Some(0));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_starts_serves_and_stops_while_nobody_reads() {
    for kind in KINDS {
        let site = Site::new();
        let stalled = Stalled::new(kind);
        let mut daemon = stalled.spawn(site.command());
        await_serving(&site);
        daemon.stop();
        assert!(!site.socket().exists(), "{kind:?}");
    }
}

#[test]
fn who_reads_again_gets_what_was_said() {
    for kind in KINDS {
        let site = Site::new();
        let mut stalled = Stalled::new(kind);
        let mut daemon = stalled.spawn(site.command());
        await_serving(&site);
        // Each of the two has a thread of its own.
        let member = format!("\t{}", site.address);
        let text = stalled.read_until(&["serving programs on", "New Configuration:", &member]);
        assert_eq!(text.contains("<6>[INFO "), kind == Kind::Journal, "{kind:?}: {text}");
        daemon.stop();
    }
}

#[test]
fn the_descriptor_that_others_share_is_left_as_it_was() {
    for kind in KINDS {
        let site = Site::new();
        let mut stalled = Stalled::new(kind);
        let mut daemon = stalled.spawn(site.command());
        await_serving(&site);
        let flags = OFlag::from_bits_truncate(fcntl(&stalled.theirs, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "{kind:?}");
        // What the runtime says in its last moment does not wait either.
        let info = read_to_string(format!("/proc/{}/fdinfo/2", daemon.0.id())).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
        assert_eq!(flags & libc::O_NONBLOCK != 0, kind != Kind::Journal, "{kind:?}: {info}");
        stalled.read_until(&["serving programs on"]);
        daemon.stop();
    }
}

#[test]
fn it_stays_a_member_while_nobody_reads() {
    let sites = Site::cluster(3, "unicast");
    let all: Vec<Ipv4Addr> = sites.iter().map(|site| site.address).collect();
    let stalled = Stalled::new(Kind::Pipe);
    let mut silent = stalled.spawn(sites[2].command());
    let mut nodes: Vec<Executive> =
        sites[..2].iter().map(|site| site.spawn(site.command())).collect();
    for node in &mut nodes {
        node.await_members(&all);
    }
    await_serving(&sites[2]);
    let mut killed = nodes.remove(0);
    killed.signal(Signal::SIGKILL);
    killed.wait();
    nodes[0].await_members(&all[1..]);
    await_serving(&sites[2]);
    silent.stop();
    nodes[0].await_members(&all[1..2]);
}

#[test]
fn it_ends_with_its_errors_unread() {
    let site = Site::new();
    site.write("network.conf", "nonsense\n");
    let stalled = Stalled::new(Kind::Pipe);
    assert_eq!(stalled.spawn(site.command()).wait().code(), Some(1));
}

/// Asks for an operation, as `aisctl amf` does. Whether it was done.
fn operate(client: &mut Client, operation: Operation, target: Target) -> bool {
    let request = ais_proto::Request::Admin(Request::Operate { operation, target });
    let mut body = Writer::new();
    request.encode(&mut body);
    client.send(request.code(), 1, &body.into_bytes());
    let reply = client.receive().unwrap();
    assert_eq!(reply.result, Ok(()));
    Operated::decode(&mut Reader::new(&reply.body)).unwrap().is_accepted
}

#[test]
fn a_client_does_not_fill_the_log() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut client = Client::calls(&site, cookie);
    let times = 1000;
    let node = Target::Node(NodeId::new(site.address));
    for _ in 0..times {
        operate(&mut client, Operation::Lock, node.clone());
        operate(&mut client, Operation::Unlock, node.clone());
    }
    // Another thing is said all the same.
    assert!(!operate(&mut client, Operation::Lock, Target::Group("absent".try_into().unwrap())));
    executive.await_log("there is no group absent");
    let log = site.path("log");
    executive.stop();
    let text = read_to_string(log).unwrap();
    let operations = |line: &&str| line.contains("operator");
    let told = |line: &str| {
        let (_, rest) = line.split_once("] ")?;
        rest.split_once(" lines like this were left out in ")?.0.parse::<usize>().ok()
    };
    let written = text.lines().filter(operations).filter(|line| told(line).is_none()).count();
    let left_out: usize = text.lines().filter(operations).filter_map(told).sum();
    assert_eq!(written + left_out, 2 * times + 1, "{text}");
    assert!(written < times / 2, "{text}");
}
