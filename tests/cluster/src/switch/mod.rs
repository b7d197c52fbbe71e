//! A switch in user space between the nodes of a cluster, which does to their
//! packets what bad networks do. No kernel has to be able to.
//!
//! A thread of this process carries the frames from the near end of each node's
//! cable to those of the others (`port`), as the links between them let it
//! (`network`, `link`).

mod frame;
mod link;
mod network;
mod port;

pub(crate) use frame::address;
pub(crate) use frame::flip;
pub(crate) use link::{Cast, Link, Rate};
pub(crate) use network::{Frame, Network};

use network::Arrival;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use port::Port;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{PipeReader, PipeWriter, pipe};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Recorded frames that are carried with each batch of others.
const PLAYED: usize = 16;
/// Frames of one node that are taken before the others have their turn.
const BATCH: usize = 32;
/// The longest frame that a cable carries.
const LONGEST: usize = 1 << 16;

/// A running switch; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Switch {
    network: Arc<Mutex<Network>>,
    /// Closed, which the thread notices.
    end: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Joins the nodes whose cables have these interfaces here.
    ///
    /// # Errors
    /// What cannot be made.
    pub(crate) fn between(interfaces: &[&str], seed: u64) -> Result<Self, String> {
        let ports = interfaces.iter().map(|interface| Port::open(interface));
        let ports = ports.collect::<Result<Vec<_>, _>>()?;
        let network = Arc::new(Mutex::new(Network::new(ports.len(), seed)));
        let (ended, end) = pipe().map_err(|error| format!("a pipe: {error}"))?;
        let carrier = Carrier {
            network: Arc::clone(&network),
            ports,
            ended,
            begun: Instant::now(),
            under_way: BinaryHeap::new(),
            count: 0,
        };
        let thread = std::thread::spawn(move || carrier.run());
        Ok(Self { network, end: Some(end), thread: Some(thread) })
    }

    /// The network, to be looked at or changed; nothing is carried meanwhile.
    pub(crate) fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was printed.
            let _ = thread.join();
        }
    }
}

fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A frame that arrives later: when, the how manyth it is, where, and its bytes.
type UnderWay = Reverse<(Duration, u64, usize, Vec<u8>)>;

/// What the thread works with.
struct Carrier {
    network: Arc<Mutex<Network>>,
    ports: Vec<Port>,
    ended: PipeReader,
    begun: Instant,
    under_way: BinaryHeap<UnderWay>,
    count: u64,
}

impl Carrier {
    fn run(mut self) {
        // Without them it carries all the same, a little later: a wait that ends when it
        // should, and a place before the daemons, as a real switch does not wait for what
        // the nodes have their processors do.
        let _ = nix::sys::prctl::set_timerslack(1);
        let thread = nix::unistd::gettid().to_string();
        let _ = crate::namespaces::command("chrt", &["--rr", "--pid", "50", &thread]);
        let mut buffer = vec![0; LONGEST];
        while let Some(ready) = self.wait() {
            self.deliver();
            for port in ready {
                self.take(port, &mut buffer);
            }
        }
    }

    /// Waits until there is something to do; the ports that have frames, or
    /// nothing when all is over.
    fn wait(&self) -> Option<Vec<usize>> {
        let next = self
            .under_way
            .peek()
            .map(|Reverse((at, ..))| TimeSpec::from(at.saturating_sub(self.begun.elapsed())));
        let fds = self.ports.iter().map(|port| port.as_fd()).chain([self.ended.as_fd()]);
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Interrupted by a signal is as good as nothing to do.
        let _ = ppoll(&mut fds, next, None);
        let mut ready: Vec<_> = (0..fds.len()).filter(|fd| fds[*fd].any() == Some(true)).collect();
        (ready.pop_if(|last| *last == self.ports.len()).is_none()).then_some(ready)
    }

    /// Takes some frames of a node.
    fn take(&mut self, from: usize, buffer: &mut [u8]) {
        let Self { network, ports, begun, under_way, count, .. } = self;
        let mut network = lock(network);
        for _ in 0..PLAYED {
            let Some((others, frame)) = network.next_to_play() else { break };
            others.iter().for_each(|to| ports[*to].send(&frame));
        }
        for _ in 0..BATCH {
            let Some(length) = ports[from].receive(buffer) else { return };
            let now = begun.elapsed();
            network.send(now, from, &mut buffer[..length], |Arrival { at, to, frame }| {
                if at <= now {
                    return ports[to].send(&frame);
                }
                *count += 1;
                under_way.push(Reverse((at, *count, to, frame.into_owned())));
            });
        }
    }

    /// Hands over the frames whose time has come.
    fn deliver(&mut self) {
        let now = self.begun.elapsed();
        while let Some(first) = self.under_way.peek_mut()
            && first.0.0 <= now
        {
            let Reverse((_, _, to, frame)) = PeekMut::pop(first);
            self.ports[to].send(&frame);
        }
    }
}
