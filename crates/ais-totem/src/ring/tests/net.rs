//! A network of rings under a virtual clock, with faults on demand.

use super::super::Ring;
use crate::packet::{Codec, Join, Packet, Payload};
use crate::random::Random;
use crate::{Command, Config, Destination, Engine, Guarantee, Lane, Output, Timing, View};
use ais_wire::{Name, NodeId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const MS: u64 = 1_000_000;
pub(super) const TOKEN: u64 = 1000 * MS;

pub(super) fn node(host: u8) -> NodeId {
    NodeId::new([10, 0, 0, host].into())
}

pub(super) fn nodes(hosts: &[u8]) -> Vec<NodeId> {
    hosts.iter().map(|&host| node(host)).collect()
}

/// A JOIN of a node that comes from no ring, and is linked with all that it hears.
pub(super) fn join(number: u64, members: &[u8], failed: &[u8], heard: &[u8]) -> Join {
    Join {
        careful: false,
        leaving: false,
        number,
        ring: None,
        members: nodes(members),
        failed: nodes(failed),
        heard: nodes(heard),
        mutual: nodes(heard),
    }
}

fn host(node: NodeId) -> u8 {
    node.address().octets()[3]
}

/// What a driver was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Transitional(Vec<NodeId>),
    View(View),
    Deliver { number: u64, from: NodeId, bytes: Vec<u8> },
    Stable(u64),
}

/// Whether a packet is a frame with this text, new or recovered.
pub(super) fn carries(packet: &Packet, text: &str) -> bool {
    let Packet::Data(data) = packet else { return false };
    let (Payload::New { chunks, .. } | Payload::Recovered { chunks, .. }) = &data.payload;
    chunks.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What is sent to one node, and what is sent to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cast {
    One,
    All,
}

/// A switch that takes its time for each copy of a datagram.
#[derive(Debug)]
pub(super) struct Switch {
    /// Nanoseconds for one.
    pub(super) each: u64,
    /// Copies that may wait; what comes beside is lost.
    pub(super) queue: u64,
    /// When the switch has done all that waits.
    pub(super) free_at: u64,
}

impl Switch {
    /// How long a copy is on its way that comes now; `None`: it is lost.
    fn take(&mut self, now: u64) -> Option<u64> {
        let waits = self.free_at.saturating_sub(now);
        if waits > self.queue * self.each {
            return None;
        }
        self.free_at = now + waits + self.each;
        Some(waits + self.each)
    }
}

type Filter = Box<dyn FnMut(u8, u8, &Packet) -> bool>;

pub(super) struct Net {
    pub(super) now: u64,
    pub(super) rings: BTreeMap<u8, Ring>,
    pub(super) told: BTreeMap<u8, Vec<Told>>,
    /// Datagrams on their way, by the time of arrival.
    flying: BTreeMap<(u64, u64), (u8, u8, Vec<u8>)>,
    count: u64,
    pub(super) random: Random,
    /// Directed links that are cut.
    pub(super) cut: BTreeSet<(u8, u8)>,
    /// The longest datagrams that directed links carry, where not all are.
    longest: BTreeMap<(u8, u8, Cast), usize>,
    /// Packets for which it is true get lost.
    pub(super) lose: Option<Filter>,
    /// Every packet ever sent, for tests that look.
    pub(super) sent: Vec<(u64, u8, Destination, Packet)>,
    pub(super) keep_sent: bool,
    /// Percent of datagrams that get lost, and that come twice.
    pub(super) loss: usize,
    pub(super) twice: usize,
    /// Nanoseconds a datagram takes at most.
    pub(super) delay: u64,
    /// Whether every datagram takes that long; else half of it at least.
    pub(super) steady: bool,
    /// What carries the datagrams, if it can carry only so many.
    pub(super) switch: Option<Switch>,
    /// Hosts whose disk does not answer requests to reserve.
    pub(super) stuck_disks: BTreeSet<u8>,
    pub(super) stopped: BTreeSet<u8>,
    pub(super) token: u32,
    pub(super) mtu: usize,
    pub(super) linger: u64,
    pub(super) first_seq: u64,
    last_views: BTreeMap<u8, u64>,
    /// The name of the cluster of each host.
    clusters: BTreeMap<u8, Name>,
    /// How often each host was started.
    starts: BTreeMap<u8, u64>,
    /// Timeouts in a row that time did not go on for.
    idle_calls: u32,
}

impl Net {
    pub(super) fn empty() -> Self {
        Self {
            now: 1_000 * MS,
            rings: BTreeMap::new(),
            told: BTreeMap::new(),
            flying: BTreeMap::new(),
            count: 0,
            random: Random::new(7),
            cut: BTreeSet::new(),
            longest: BTreeMap::new(),
            lose: None,
            sent: Vec::new(),
            keep_sent: false,
            loss: 0,
            twice: 0,
            delay: MS / 5,
            steady: false,
            switch: None,
            stuck_disks: BTreeSet::new(),
            stopped: BTreeSet::new(),
            token: 1000,
            mtu: 1400,
            linger: 0,
            first_seq: 0,
            last_views: BTreeMap::new(),
            clusters: BTreeMap::new(),
            starts: BTreeMap::new(),
            idle_calls: 0,
        }
    }

    /// A net in which these hosts form one ring.
    pub(super) fn of(hosts: &[u8]) -> Self {
        let mut net = Self::empty();
        for &host in hosts {
            net.start(host);
        }
        net.until_view(hosts, hosts);
        net
    }

    pub(super) fn config(&self, host: u8) -> Config {
        let last_view = self.last_views.get(&host).copied().unwrap_or(0);
        Config {
            me: node(host),
            cluster: Name::try_from("test").unwrap(),
            timing: Timing::from_token(self.token),
            mtu: self.mtu,
            max_message: 1 << 20,
            last_view,
            reserved: last_view,
            linger: self.linger,
            first_seq: self.first_seq,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: self.incarnation(node(host)),
            sealing: None,
        }
    }

    /// Has the disk of a host hold this view number.
    pub(super) fn reserve(&mut self, host: u8, number: u64) {
        self.last_views.insert(host, number);
    }

    /// The view number on the disk of a host.
    pub(super) fn reserved(&self, host: u8) -> u64 {
        self.last_views.get(&host).copied().unwrap_or(0)
    }

    pub(super) fn timing(&self) -> Timing {
        Timing::from_token(self.token)
    }

    /// What a host has drawn when it was started last.
    pub(super) fn incarnation(&self, of: NodeId) -> u64 {
        self.starts.get(&host(of)).copied().unwrap_or(0)
    }

    pub(super) fn start(&mut self, host: u8) {
        self.start_with(host, |_| ());
    }

    /// Starts a host with another configuration.
    pub(super) fn start_with(&mut self, host: u8, change: impl FnOnce(&mut Config)) {
        *self.starts.entry(host).or_default() += 1;
        let mut config = self.config(host);
        change(&mut config);
        self.clusters.insert(host, config.cluster.clone());
        let ring = Ring::new(config, self.now);
        self.rings.insert(host, ring);
        self.told.entry(host).or_default();
        self.pump(host);
    }

    /// The process dies; its numbers are reserved on disk.
    pub(super) fn crash(&mut self, host: u8) {
        self.rings.remove(&host);
    }

    pub(super) fn send(&mut self, host: u8, text: &str) {
        self.send_as(host, text, Guarantee::Agreed);
    }

    pub(super) fn send_as(&mut self, host: u8, text: &str, guarantee: Guarantee) {
        let now = self.now;
        self.ring(host)
            .multicast(now, text.as_bytes().to_vec(), guarantee, Lane::Ordinary)
            .unwrap();
        self.pump(host);
    }

    pub(super) fn ring(&mut self, host: u8) -> &mut Ring {
        self.rings.get_mut(&host).unwrap()
    }

    pub(super) fn call(&mut self, host: u8, call: impl FnOnce(&mut Ring, u64)) {
        let now = self.now;
        call(self.ring(host), now);
        self.pump(host);
    }

    /// Cuts all links between the groups.
    pub(super) fn part(&mut self, groups: &[&[u8]]) {
        for (i, group) in groups.iter().enumerate() {
            for (j, other) in groups.iter().enumerate() {
                if i != j {
                    let pairs = group.iter().flat_map(|&a| other.iter().map(move |&b| (a, b)));
                    self.cut.extend(pairs);
                }
            }
        }
    }

    /// From now on the ways from these hosts to those carry no datagram of these
    /// kinds that is longer than so many bytes.
    pub(super) fn limit(&mut self, from: &[u8], to: &[u8], casts: &[Cast], longest: usize) {
        for (&from, &to) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
            self.longest.extend(casts.iter().map(|&cast| ((from, to, cast), longest)));
        }
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.longest.clear();
    }

    /// Hands `packet` to `to` as if `from` had sent it.
    pub(super) fn inject(&mut self, from: u8, to: u8, packet: &Packet) {
        self.inject_at(node(from), to, packet);
    }

    /// Hands `packet` to `to` as if it came from any address.
    pub(super) fn inject_at(&mut self, from: NodeId, to: u8, packet: &Packet) {
        self.inject_as(self.incarnation(from), from, to, packet);
    }

    /// Hands `packet` to `to` as if it came from a machine that has drawn this
    /// incarnation at its start.
    pub(super) fn inject_as(&mut self, incarnation: u64, from: NodeId, to: u8, packet: &Packet) {
        let codec = Codec::new(from, &Name::try_from("test").unwrap(), &[]);
        let bytes = codec.with_incarnation(incarnation).encode(packet);
        self.call(to, |ring, now| ring.handle_packet(now, from, &bytes));
    }

    fn pump(&mut self, me: u8) {
        while let Some(command) = self.rings.get_mut(&me).and_then(Ring::poll_command) {
            match command {
                Command::Send { to, bytes } => self.transmit(me, to, &bytes),
                Command::Reserve(number) => {
                    if !self.stuck_disks.contains(&me) {
                        self.last_views.insert(me, number);
                        self.call(me, |ring, now| ring.reserved(now, number));
                    }
                }
            }
        }
        while let Some(output) = self.rings.get_mut(&me).and_then(Ring::poll_output) {
            match output {
                Output::Transitional(members) => self.tell(me, Told::Transitional(members)),
                Output::View(view) => self.tell(me, Told::View(view)),
                Output::Deliver { number, from, bytes } => {
                    self.tell(me, Told::Deliver { number, from, bytes });
                }
                Output::Stable(number) => self.tell(me, Told::Stable(number)),
            }
        }
    }

    fn tell(&mut self, host: u8, told: Told) {
        self.told.get_mut(&host).unwrap().push(told);
    }

    fn transmit(&mut self, from: u8, to: Destination, bytes: &[u8]) {
        let cluster = &self.clusters[&from];
        let (packet, _) = Codec::new(node(250), cluster, &[]).decode(node(from), bytes).unwrap();
        assert!(bytes.len() <= self.mtu || !matches!(packet, Packet::Data(_)));
        if self.keep_sent {
            self.sent.push((self.now, from, to, packet.clone()));
        }
        let receivers: Vec<u8> = match to {
            Destination::All => self.rings.keys().copied().filter(|&host| host != from).collect(),
            Destination::One(node) => vec![host(node)],
        };
        let cast = if to == Destination::All { Cast::All } else { Cast::One };
        for receiver in receivers {
            let longest = self.longest.get(&(from, receiver, cast));
            if longest.is_some_and(|&longest| bytes.len() > longest) {
                continue;
            }
            let lost = self.lose.as_mut().is_some_and(|lose| lose(from, receiver, &packet));
            if lost || self.cut.contains(&(from, receiver)) || self.random.below(100) < self.loss {
                continue;
            }
            let copies = 1 + usize::from(self.random.below(100) < self.twice);
            for _ in 0..copies {
                self.count += 1;
                let varies = if self.steady { 0 } else { self.delay / 2 };
                let least = if self.steady { self.delay } else { self.delay / 2 };
                let waits = match &mut self.switch {
                    Some(switch) => switch.take(self.now),
                    None => Some(0),
                };
                let Some(waits) = waits else { continue };
                let delay = waits + least + self.random.next() % (varies + 1);
                let flying = (from, receiver, bytes.to_vec());
                self.flying.insert((self.now + delay, self.count), flying);
            }
        }
    }

    /// Lets the next thing happen, if it happens until `end`.
    fn step(&mut self, end: u64) -> bool {
        let timeout = self
            .rings
            .iter()
            .filter(|(host, _)| !self.stopped.contains(host))
            .filter_map(|(&host, ring)| Some((ring.poll_timeout()?, host)))
            .min();
        let stopped = &self.stopped;
        let arrival = self.flying.iter().find(|(_, (_, to, _))| !stopped.contains(to));
        let arrival = arrival.map(|(&key, _)| key);
        match (arrival, timeout) {
            (Some(key), timeout) if timeout.is_none_or(|(at, _)| key.0 <= at) && key.0 <= end => {
                self.idle_calls = if key.0 > self.now { 0 } else { self.idle_calls };
                self.now = self.now.max(key.0);
                let (from, to, bytes) = self.flying.remove(&key).unwrap();
                if self.rings.contains_key(&to) {
                    self.call(to, |ring, now| ring.handle_packet(now, node(from), &bytes));
                    let more = self.flying.range(..=(self.now, u64::MAX));
                    if !more.into_iter().any(|(_, (_, receiver, _))| *receiver == to) {
                        self.call(to, Ring::drained);
                    }
                }
                true
            }
            (_, Some((at, host))) if at <= end => {
                self.idle_calls = if at > self.now { 0 } else { self.idle_calls + 1 };
                assert!(self.idle_calls < 100, "a timeout stays due: {}", self.show());
                self.now = self.now.max(at);
                self.call(host, Ring::handle_timeout);
                self.call(host, Ring::drained);
                true
            }
            _ => false,
        }
    }

    pub(super) fn run(&mut self, time: u64) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until it is true. How long it took.
    pub(super) fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) -> u64 {
        let start = self.now;
        while !done(self) {
            let limit = start + 400 * u64::from(self.token) * MS;
            assert!(
                self.step(limit),
                "{what}: not within {} ms; {}",
                (limit - start) / MS,
                self.show()
            );
        }
        self.now - start
    }

    /// Runs until these hosts are operational in one ring of these members.
    pub(super) fn until_view(&mut self, hosts: &[u8], members: &[u8]) -> u64 {
        let members = nodes(members);
        self.until(&format!("{hosts:?} in {members:?}"), |net| {
            let views = hosts.iter().map(|&host| {
                let status = net.rings[&host].status();
                let there = status.members == members && status.state == "operational";
                there.then_some(status.view).flatten()
            });
            let views: Vec<_> = views.collect();
            views[0].is_some() && views.iter().all(|view| *view == views[0])
        })
    }

    fn show(&self) -> String {
        let rings =
            self.rings.iter().map(|(host, ring)| format!("{host}: {:?}\n{ring:#?}", ring.status()));
        rings.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn counter(&self, host: u8, name: &str) -> u64 {
        let counters = self.rings[&host].status().counters;
        counters.iter().find(|(counter, _)| *counter == name).unwrap().1
    }

    pub(super) fn views(&self, host: u8) -> Vec<View> {
        let views = self.told[&host].iter().filter_map(|told| match told {
            Told::View(view) => Some(view.clone()),
            _ => None,
        });
        views.collect()
    }

    /// Each of these has installed one view since, and in it are all of them.
    pub(super) fn assert_one_view(&self, hosts: &[u8], what: &str) {
        for &host in hosts {
            let views = self.views(host);
            assert_eq!(views.len(), 1, "{what} at {host}: {views:?}");
            assert_eq!(views[0].members, nodes(hosts), "{what} at {host}");
        }
    }

    pub(super) fn last_view(&self, host: u8) -> View {
        self.views(host).pop().unwrap()
    }

    pub(super) fn texts(&self, host: u8) -> Vec<String> {
        let texts = self.told[&host].iter().filter_map(|told| match told {
            Told::Deliver { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        texts.collect()
    }

    pub(super) fn until_texts(&mut self, hosts: &[u8], count: usize) -> u64 {
        self.until(&format!("{count} texts"), |net| {
            hosts.iter().all(|&host| net.texts(host).len() >= count)
        })
    }

    /// What was delivered, as it stood in the transitional configuration.
    pub(super) fn transitional_texts(&self, host: u8) -> Vec<String> {
        let after =
            self.told[&host].iter().skip_while(|told| !matches!(told, Told::Transitional(_)));
        let before = after.skip(1).take_while(|told| !matches!(told, Told::View(_)));
        let texts = before.filter_map(|told| match told {
            Told::Deliver { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        texts.collect()
    }

    /// How many packets of a kind were sent.
    pub(super) fn count_sent(&self, is_wanted: impl Fn(&Packet) -> bool) -> usize {
        self.sent.iter().filter(|(_, _, _, packet)| is_wanted(packet)).count()
    }

    /// Forgets what was told.
    pub(super) fn forget(&mut self) {
        self.told.values_mut().for_each(Vec::clear);
        self.sent.clear();
    }
}
