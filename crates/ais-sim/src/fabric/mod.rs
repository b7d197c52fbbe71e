//! Hosts with daemons on them, and the network between them, under one virtual
//! clock. It does with a daemon what the event loop of aisexec does.

mod host;
mod link;
mod network;

pub(crate) use host::{Clock, Host};
pub(crate) use link::Cast;
pub(crate) use network::{Network, Weather};

use crate::Rng;
use crate::trace::Trace;
use ais_node::{Digest, Now};
use ais_totem::{Bytes, Command, Destination};
use ais_wire::NodeId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Debug;

/// Bytes of what a host sends where nobody listens: an ICMP port unreachable.
const REFUSAL: usize = 36;
/// Outputs of one call at most; more is a loop.
const MAX_OUTPUTS: usize = 100_000;

/// What runs on a host.
pub(crate) trait Daemon {
    /// What a daemon gives beside the commands of its ring.
    type Event: Debug;

    fn handle_packet(&mut self, now: Now, from: NodeId, bytes: &[u8]);
    fn drained(&mut self, now: Now);
    fn refused(&mut self, now: Now, node: NodeId);
    fn reserved(&mut self, now: Now, number: u64);
    fn handle_timeout(&mut self, now: Now);
    fn poll_timeout(&self) -> Option<u64>;
    fn poll_output(&mut self) -> Option<Out<Self::Event>>;
}

/// What comes out of a daemon.
#[derive(Debug)]
pub(crate) enum Out<E> {
    Command(Command),
    Event(E),
}

/// How the hosts are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// `All` is one datagram to each, so that a host without daemon refuses it.
    pub(crate) unicast: bool,
    /// Packets to all come back to their sender.
    pub(crate) loops_back: bool,
    /// Bytes of a socket buffer.
    pub(crate) room: usize,
    /// Datagrams that are handled before timers are looked at.
    pub(crate) batch: usize,
    /// How long a disk takes to write a number at most.
    pub(crate) disk: u64,
}

impl Habits {
    /// How a packet to all is addressed.
    pub(crate) fn cast_to_all(&self) -> Cast {
        if self.unicast { Cast::Unicast } else { Cast::Multicast }
    }
}

/// What was counted, for the summary and the bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) overflowed: u64,
    pub(crate) refused: u64,
}

enum What<A> {
    Arrive { to: usize, from: NodeId, bytes: Bytes },
    Refused { to: usize, by: NodeId },
    Wake { host: usize },
    Written { host: usize, life: u32, number: u64 },
    Reserved { host: usize, life: u32, number: u64 },
    Resume { host: usize },
    Action(A),
}

struct Entry<A> {
    at: u64,
    order: u64,
    what: What<A>,
}

impl<A> PartialEq for Entry<A> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl<A> Eq for Entry<A> {}
impl<A> PartialOrd for Entry<A> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<A> Ord for Entry<A> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Hosts and network. `A` is what the world that drives it plans to do.
pub(crate) struct Fabric<D: Daemon, A> {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) network: Network,
    pub(crate) habits: Habits,
    pub(crate) counts: Counts,
    /// How long a step takes that leaves something for the next one.
    pub(crate) step_time: u64,
    hosts: Vec<Host<D>>,
    queue: BinaryHeap<Reverse<Entry<A>>>,
    order: u64,
    events: Vec<(usize, D::Event)>,
    /// A digest of all that left the daemons.
    pub(crate) transcript: Digest,
    /// What the daemons did wrong towards their driver.
    wrong: Option<String>,
    trace: Trace,
}

/// The node on a host.
pub(crate) fn node_of(host: usize) -> NodeId {
    let [.., high, low] = (host as u32 + 1).to_be_bytes();
    NodeId::new([10, 0, high, low].into())
}

/// The host of a node.
pub(crate) fn host_of(node: NodeId) -> usize {
    let [.., high, low] = node.address().octets();
    usize::from(u16::from_be_bytes([high, low])).wrapping_sub(1)
}

/// A packet for people.
fn brief(from: NodeId, bytes: &Bytes) -> String {
    let kind = bytes.get(6).map_or(0, |kind| usize::from(*kind));
    let kinds = ["?", "DATA", "RECOVERED", "TOKEN", "JOIN", "COMMIT", "HELLO", "CANCEL", "ACK"];
    let kind = kinds.get(kind).unwrap_or(&"?");
    format!("{kind} of {from}, {} bytes, {:08x}", bytes.len(), {
        let mut digest = Digest::default();
        digest.content(bytes);
        digest.value() as u32
    })
}

impl<D: Daemon, A> Fabric<D, A> {
    pub(crate) fn new(
        rng: Rng,
        network: Network,
        habits: Habits,
        clocks: Vec<Clock>,
        trace: Trace,
    ) -> Self {
        Self {
            now: 0,
            rng,
            network,
            habits,
            counts: Counts::default(),
            step_time: 0,
            hosts: clocks.into_iter().map(Host::new).collect(),
            queue: BinaryHeap::new(),
            order: 0,
            events: Vec::new(),
            transcript: Digest::default(),
            wrong: None,
            trace,
        }
    }

    pub(crate) fn hosts(&self) -> &[Host<D>] {
        &self.hosts
    }

    /// Plans something.
    pub(crate) fn plan(&mut self, delay: u64, action: A) {
        self.push(self.now + delay, What::Action(action));
    }

    /// Goes on to the next thing that happens, if it happens before `end`; if
    /// it is something planned, returns it.
    ///
    /// # Errors
    /// What a daemon did wrong.
    pub(crate) fn step(&mut self, end: u64) -> Result<Option<A>, String> {
        if self.queue.peek().is_none_or(|Reverse(entry)| entry.at > end) {
            self.now = end;
            return Ok(None);
        }
        let Some(Reverse(entry)) = self.queue.pop() else { return Ok(None) };
        self.now = entry.at;
        match entry.what {
            What::Action(action) => return Ok(Some(action)),
            What::Arrive { to, from, bytes } => self.arrive(to, from, bytes),
            What::Refused { to, by } => {
                self.counts.refused += 1;
                self.hosts[to].refusals.push(by);
                self.wake_soon(to);
            }
            What::Wake { host } => {
                if self.hosts[host].wake_at == Some(entry.at) {
                    self.hosts[host].wake_at = None;
                    self.turn(host);
                }
            }
            What::Written { host, life, number } => {
                let host = &mut self.hosts[host];
                if host.life == life && host.daemon.is_some() {
                    host.disk.written = host.disk.written.max(number);
                }
            }
            What::Reserved { host, life, number } => {
                if self.hosts[host].life == life {
                    let until = self.hosts[host].paused_until;
                    if until > self.now {
                        self.push(until, What::Reserved { host, life, number });
                    } else {
                        self.with(host, |daemon, now| daemon.reserved(now, number));
                    }
                }
            }
            What::Resume { host } => {
                if self.hosts[host].daemon.is_some() {
                    self.turn(host);
                }
            }
        }
        self.wrong.take().map_or(Ok(None), Err)
    }

    /// Whether the time has come.
    pub(crate) fn is_over(&self, end: u64) -> bool {
        self.queue.peek().is_none_or(|Reverse(entry)| entry.at > end)
    }

    /// What the daemons gave since the last time.
    pub(crate) fn take_events(&mut self) -> Vec<(usize, D::Event)> {
        std::mem::take(&mut self.events)
    }

    /// Starts a daemon.
    pub(crate) fn start(&mut self, host: usize, make: impl FnOnce(Now) -> D) {
        let of = &mut self.hosts[host];
        of.life += 1;
        of.is_up = true;
        of.daemon = Some(make(of.clock.read(self.now)));
        of.disk.pending = of.disk.written;
        self.collect(host);
        self.wake_soon(host);
    }

    /// Numbers up to this one are reserved for good.
    pub(crate) fn write_disk(&mut self, host: usize, number: u64) {
        self.hosts[host].disk.written = number;
    }

    /// Ends a daemon without warning. What was being written may or may not
    /// be on the disk.
    pub(crate) fn crash(&mut self, host: usize, host_too: bool) -> Option<D> {
        let of = &mut self.hosts[host];
        if self.rng.once_in(2) {
            of.disk.written = of.disk.written.max(of.disk.pending);
        }
        of.is_up = !host_too;
        of.end()
    }

    /// A daemon stands still for so long.
    pub(crate) fn pause(&mut self, host: usize, time: u64) {
        let until = self.now + time;
        self.hosts[host].paused_until = until;
        self.hosts[host].wake_at = None;
        self.push(until, What::Resume { host });
    }

    pub(crate) fn is_running(&self, host: usize) -> bool {
        self.hosts[host].daemon.is_some() && self.hosts[host].paused_until <= self.now
    }

    /// Does something with the daemon of a host, if it runs.
    pub(crate) fn with<R>(&mut self, host: usize, act: impl FnOnce(&mut D, Now) -> R) -> Option<R> {
        let result = self.call(host, act)?;
        self.wake_in_time(host);
        Some(result)
    }

    /// The host hears that nobody listens at `by`, which is not true.
    pub(crate) fn forge_refusal(&mut self, host: usize, by: usize) {
        if self.hosts[host].daemon.is_some() {
            self.push(self.now, What::Refused { to: host, by: node_of(by) });
        }
    }

    /// A packet of the past arrives again.
    pub(crate) fn replay(&mut self, to: usize) {
        if let Some((from, bytes)) = self.network.old_packet(&mut self.rng)
            && from != to
        {
            self.push(self.now, What::Arrive { to, from: node_of(from), bytes });
        }
    }

    /// A packet arrives that the host it claims to come from has not sent.
    pub(crate) fn inject(&mut self, to: usize, from: NodeId, bytes: Bytes) {
        self.push(self.now, What::Arrive { to, from, bytes });
    }

    fn push(&mut self, at: u64, what: What<A>) {
        self.order += 1;
        self.queue.push(Reverse(Entry { at, order: self.order, what }));
    }

    fn arrive(&mut self, to: usize, from: NodeId, bytes: Bytes) {
        let host = &mut self.hosts[to];
        if host.daemon.is_none() {
            return;
        }
        if host.receive(from, bytes, self.habits.room) {
            self.counts.received += 1;
            self.wake_soon(to);
        } else {
            self.counts.overflowed += 1;
        }
    }

    /// What one turn of the event loop does: the sockets first, then time.
    fn turn(&mut self, host: usize) {
        if !self.is_running(host) {
            return;
        }
        for node in std::mem::take(&mut self.hosts[host].refusals) {
            self.call(host, |daemon, now| daemon.refused(now, node));
        }
        let mut handled = 0;
        while handled < self.habits.batch
            && let Some((from, bytes)) = self.hosts[host].take_datagram()
        {
            handled += 1;
            self.trace.say(self.now, || format!("{} takes {}", node_of(host), brief(from, &bytes)));
            self.call(host, |daemon, now| daemon.handle_packet(now, from, &bytes));
        }
        self.hosts[host].busy_until = self.now + 1_000 * (1 + handled as u64);
        if !self.hosts[host].has_datagrams() {
            self.call(host, |daemon, now| daemon.drained(now));
        }
        let has_more = self.call(host, |daemon, now| {
            let is_due = |daemon: &D| daemon.poll_timeout().is_some_and(|at| at <= now.monotonic);
            if is_due(daemon) {
                daemon.handle_timeout(now);
            }
            is_due(daemon)
        });
        if has_more == Some(true) {
            self.hosts[host].busy_until += self.step_time;
        }
        self.wake_in_time(host);
        if self.hosts[host].has_datagrams() {
            self.wake_soon(host);
        }
    }

    fn call<R>(&mut self, host: usize, act: impl FnOnce(&mut D, Now) -> R) -> Option<R> {
        let now = self.hosts[host].clock.read(self.now);
        let result = act(self.hosts[host].running(self.now)?, now);
        self.collect(host);
        Some(result)
    }

    fn collect(&mut self, host: usize) {
        let mut sends = 0;
        for count in 0.. {
            let Some(output) = self.hosts[host].daemon.as_mut().and_then(D::poll_output) else {
                break;
            };
            if count > MAX_OUTPUTS {
                self.wrong = Some(format!("{} never comes to rest", node_of(host)));
                break;
            }
            match output {
                Out::Command(Command::Send { to, bytes }) => {
                    sends += 1;
                    self.transcript.content(&bytes);
                    self.trace
                        .say(self.now, || format!("{} to {to:?}", brief(node_of(host), &bytes)));
                    self.send(host, to, &bytes, 500 * sends);
                }
                Out::Command(Command::Reserve(number)) => self.reserve(host, number),
                Out::Event(event) => self.events.push((host, event)),
            }
        }
    }

    fn reserve(&mut self, host: usize, number: u64) {
        let disk = self.habits.disk;
        let written = self.now + self.rng.below(1 + disk);
        let reported = written + self.rng.below(1 + disk / 10);
        let life = self.hosts[host].life;
        self.hosts[host].disk.pending = number;
        self.push(written, What::Written { host, life, number });
        self.push(reported, What::Reserved { host, life, number });
    }

    fn send(&mut self, from: usize, to: Destination, bytes: &Bytes, after: u64) {
        self.counts.sent += 1;
        self.hosts[from].sent += 1;
        match to {
            Destination::One(node) => {
                self.send_one((from, host_of(node)), Cast::Unicast, bytes, after)
            }
            Destination::All => {
                let cast = self.habits.cast_to_all();
                for to in 0..self.hosts.len() {
                    if to != from || self.habits.loops_back {
                        self.send_one((from, to), cast, bytes, after);
                    }
                }
            }
        }
    }

    fn send_one(&mut self, link: (usize, usize), cast: Cast, bytes: &Bytes, after: u64) {
        let (from, to) = link;
        let Some(target) = self.hosts.get(to) else { return };
        let now = self.now + after;
        if target.daemon.is_none() {
            // The host answers, if there is one to answer and to be answered.
            let hears = cast == Cast::Unicast
                && self.network.carries(from, to, cast, bytes.len())
                && self.network.carries(to, from, cast, REFUSAL);
            if hears && target.is_up && !self.rng.chance(self.network.weather.loss) {
                let at = self.network.arrival(&mut self.rng, now, link);
                self.push(at, What::Refused { to: from, by: node_of(to) });
            }
            return;
        }
        let (queue, order) = (&mut self.queue, &mut self.order);
        self.network.send(&mut self.rng, now, link, cast, bytes, |at, bytes| {
            *order += 1;
            let what = What::Arrive { to, from: node_of(from), bytes };
            queue.push(Reverse(Entry { at, order: *order, what }));
        });
    }

    /// A host runs as soon as the processor gets to it.
    fn wake_soon(&mut self, host: usize) {
        let delay = 1_000 + self.rng.below(15_000);
        let at = self.hosts[host].busy_until.max(self.now + delay);
        self.wake(host, at);
    }

    /// A host runs when its next timer has come.
    fn wake_in_time(&mut self, host: usize) {
        let of = &self.hosts[host];
        if let Some(at) = of.daemon.as_ref().and_then(D::poll_timeout) {
            // Timers come late, never early.
            let late = self.rng.below(50_000);
            let at = of.clock.when(at).max(self.now + 1) + late;
            self.wake(host, at);
        }
    }

    fn wake(&mut self, host: usize, at: u64) {
        let of = &mut self.hosts[host];
        if of.paused_until <= self.now && of.wake_at.is_none_or(|other| at < other) {
            of.wake_at = Some(at);
            self.push(at, What::Wake { host });
        }
    }
}
