//! A world of whole nodes with programs on them.

mod amf;
mod departures;
mod engine;
mod ledger;
mod rest;
mod shared;
mod site;
mod unread;
mod work;

use crate::fabric::{Clock, Fabric, Habits, Network, node_of};
use crate::hazards::Hazards;
use crate::plan::Plan;
use crate::report::Counted;
use crate::trace::Trace;
use crate::{Rng, Violation};
use ais_node::{Config, ConnectionId, Node, Output, Pace, ckpt::Limits, group};
use ais_proto::{Code, Event, Name};
use ais_wire::NodeId;
use amf::Amf;
use ledger::Ledger;
use shared::Shared;
use site::Site;
use std::collections::{BTreeMap, BTreeSet};

/// Hosts at most: each carries programs, and every one looks at the others.
const MAX_HOSTS: u64 = 8;
/// Hosts at most where programs have one thread.
const MAX_HELD_HOSTS: u64 = 4;
/// Numbers that are reserved at start.
const AHEAD: u64 = 16;

/// What is planned.
#[derive(Debug, Clone)]
enum Act {
    Work,
    Fault,
    /// A process with components on this host answers all it was asked.
    Answer(usize, u64),
    /// A process answers this invocation, which it has answered.
    AnswerAgain(usize, u64, i32),
    /// The daemon of this host, in this life, has drained and leaves; whether
    /// in order.
    Leave(usize, u32, bool),
    /// The programs of a host notice that its daemon is gone.
    Notice(usize),
    /// The daemon of a host looks whether it can read what programs ask.
    Read(usize),
    /// This process does not wait any longer for the answer to this call.
    GiveUp(usize, u64, (ConnectionId, u32)),
}

struct World {
    plan: Plan,
    /// How much nodes do in one step.
    pace: Pace,
    expected_nodes: Option<u32>,
    fabric: Fabric<Node, Act>,
    sites: Vec<Site>,
    ledger: Ledger,
    shared: Shared,
    /// Sections of ballast.
    ballast: u64,
    amf: Amf,
    counted: Counted,
    trace: Trace,
    without_disk: Vec<bool>,
    views: BTreeSet<ais_node::ViewId>,
    /// The nodes that go on into the view which a host is about to install: what it
    /// answers before it says so is promised for these.
    coming: BTreeMap<usize, Vec<NodeId>>,
    /// What programs read, by host.
    found: BTreeMap<(usize, ledger::Section), u64>,
    /// The last number given to a process, a connection or a request.
    last: u64,
}

/// Runs the cluster world of a seed; returns a digest of all that happened and
/// what was counted.
pub(crate) fn run(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x636c_7573_7465);
    let (plan, network, habits, clocks) = Plan::random(&mut rng, MAX_HOSTS);
    let mut world = World::new(plan, rng, network, habits, clocks, trace);
    world.set_pace(seed);
    finish(seed, "cluster", world)
}

/// Runs the world of programs with one thread; returns the same.
pub(crate) fn run_held(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x6865_6c64);
    let (mut plan, network, habits, clocks) = Plan::random(&mut rng, MAX_HELD_HOSTS);
    // What is about checkpoints, and about the ring, the other worlds try.
    plan.first_seq = 0;
    plan.messages = plan.messages.min(30);
    let mut world = World::new(plan, rng, network, habits, clocks, trace);
    world.ballast = 0;
    world.press();
    world.set_pace(seed);
    finish(seed, "held", world)
}

fn finish(seed: u64, name: &'static str, mut world: World) -> Result<(u64, Counted), Violation> {
    match world.play() {
        Ok(()) => Ok((world.fabric.transcript.value(), world.counted)),
        Err(what) => Err(Violation { seed, world: name, at: world.fabric.now, what }),
    }
}

impl World {
    fn new(
        plan: Plan,
        mut rng: Rng,
        network: Network,
        habits: Habits,
        clocks: Vec<Clock>,
        trace: Trace,
    ) -> Self {
        let expected_nodes = rng.once_in(2).then_some(plan.hosts as u32);
        trace.say(0, || format!("{plan:?} {habits:?} {network:?} quorum of {expected_nodes:?}"));
        Self {
            expected_nodes,
            shared: Shared::new(*rng.pick(&[1, 100, 3_000])),
            sites: (0..plan.hosts).map(|_| Site::default()).collect(),
            without_disk: (0..plan.hosts).map(|_| rng.once_in(5)).collect(),
            // Where a ring is soon replaced a merge of much would never end.
            ballast: if rng.once_in(4) && plan.first_seq < 1 << 40 { rng.between(1, 6) } else { 0 },
            amf: Amf::new(&mut rng),
            fabric: Fabric::new(rng, network, habits, clocks, trace),
            ledger: Ledger::new(expected_nodes),
            counted: Counted::default(),
            plan,
            pace: Pace::default(),
            trace,
            views: BTreeSet::new(),
            coming: BTreeMap::new(),
            found: BTreeMap::new(),
            last: 10,
        }
    }

    /// In half of the worlds nodes do next to nothing in a step.
    fn set_pace(&mut self, seed: u64) {
        (self.pace, self.fabric.step_time) = crate::plan::pace(seed);
        let pace = self.pace;
        self.say(|| format!("{pace:?}"));
    }

    fn play(&mut self) -> Result<(), String> {
        for host in 0..self.plan.hosts {
            if host == 0 || !self.fabric.rng.once_in(6) {
                self.start(host);
                let apart = self.fabric.rng.below(self.plan.tokens(10));
                let together = self.fabric.rng.once_in(2);
                self.go(if together { 0 } else { apart })?;
            }
        }
        self.settle()?;
        for _ in 0..self.plan.spells {
            self.spell()?;
            self.calm();
            self.settle()?;
        }
        self.calm();
        self.fabric.network.partition(vec![0; self.plan.hosts]);
        while let Some(host) = self.some_host(false) {
            self.start(host);
        }
        self.settle()?;
        self.finale()?;
        self.counted.time = self.fabric.now;
        self.counted.views = self.views.len() as u64;
        self.counted.merges = self.ledger.clear_merges;
        self.counted.explained = self.shared.explained;
        self.counted.given_up = self.shared.given_up;
        self.counted.packets = self.fabric.counts.sent;
        self.counted.lost = self.fabric.network.lost;
        self.counted.overflowed = self.fabric.counts.overflowed;
        Ok(())
    }

    /// Some time with work and faults.
    fn spell(&mut self) -> Result<(), String> {
        let (least, most) = (self.plan.tokens(5), self.plan.tokens(60));
        let time = self.fabric.rng.between(least, most);
        self.amf.spell_until = self.fabric.now + time;
        for _ in 0..20 + self.plan.messages {
            let delay = self.fabric.rng.below(time);
            self.fabric.plan(delay, Act::Work);
        }
        self.muster()?;
        self.take_events()?;
        let faults = self.fabric.rng.between(1, 8);
        for _ in 0..faults {
            let delay = self.fabric.rng.below(time);
            self.fabric.plan(delay, Act::Fault);
        }
        self.go(time)
    }

    /// Lets so much time pass.
    fn go(&mut self, time: u64) -> Result<(), String> {
        let end = self.fabric.now + time;
        while !self.fabric.is_over(end) {
            if let Some(act) = self.fabric.step(end)? {
                self.act(act)?;
            }
            self.take_events()?;
        }
        self.fabric.step(end)?;
        self.take_events()
    }

    /// What was planned comes about.
    fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Work => self.work()?,
            Act::Fault => {
                self.count_phases();
                self.fault();
            }
            Act::Answer(host, session) => self.answer(host, session)?,
            Act::AnswerAgain(host, session, invocation) => {
                self.answer_again(host, session, invocation)?;
            }
            Act::Leave(host, life, is_clean) => self.goodbye(host, life, is_clean),
            Act::Notice(host) => self.amf.notice(host),
            Act::Read(host) => self.read_unread(host)?,
            Act::GiveUp(host, session, call) => self.give_up(host, session, call)?,
        }
        Ok(())
    }

    /// What a fault comes upon.
    fn count_phases(&mut self) {
        for host in 0..self.plan.hosts {
            let status = self.fabric.with(host, |node, _| node.sync_status());
            let counts = &mut self.counted;
            match status.map(|status| status.phase) {
                Some("receiving") => counts.in_heads += 1,
                Some("filling") => counts.in_bytes += 1,
                Some("waiting") => counts.waiting += 1,
                Some("merging") => counts.in_merge += 1,
                _ => {}
            }
        }
    }

    fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn take_events(&mut self) -> Result<(), String> {
        loop {
            let events = self.fabric.take_events();
            if events.is_empty() {
                return Ok(());
            }
            self.take(events)?;
        }
    }

    /// Takes in what nodes have put out at one time.
    fn take(&mut self, events: Vec<(usize, Output)>) -> Result<(), String> {
        for (place, (_, event)) in events.iter().enumerate() {
            if let Output::View(view) = event {
                self.coming.insert(events[place].0, view.came_with_me.clone());
            }
        }
        for (host, event) in events {
            self.event(host, event)?;
        }
        self.coming.clear();
        self.amf_synced();
        Ok(())
    }

    fn event(&mut self, host: usize, event: Output) -> Result<(), String> {
        let (now, node) = (self.fabric.now, node_of(host));
        self.trace.say(now, || brief(node, &event));
        self.fabric.transcript.bytes(format!("{event:?}").as_bytes());
        match event {
            Output::Reply { connection, id, result, body } => {
                let Some((_, call)) = self.sites[host].calls.remove(&(connection, id)) else {
                    if self.sites[host].gone.contains(&connection) {
                        return Ok(());
                    }
                    return Err(format!("answers: {node} answers what nobody asks: {result:?}"));
                };
                self.end_call(host, (connection, id));
                self.note_older(host, id);
                self.reply(host, call, result, &body)
            }
            Output::Event { connection, code, body } => {
                self.callback(host, connection, code, &body)
            }
            Output::View(view) => {
                self.ledger.view(node, &view);
                let expected = self.expected_nodes;
                let is_quorum = |members: usize| {
                    expected.is_some_and(|expected| 2 * members > expected as usize)
                };
                self.shared.view(host, &view, is_quorum);
                self.amf.view(host, &view);
                self.views.insert(view.id);
                self.sites[host].came.push((self.last, view.came_with_me.clone()));
                self.sites[host].view = Some(view);
                self.coming.remove(&host);
                Ok(())
            }
            Output::Serving => {
                if std::mem::replace(&mut self.sites[host].serves, true) {
                    return Err(format!("{node} begins to serve twice"));
                }
                self.ledger.serves(node);
                self.move_in(host)
            }
            Output::MayLeave { is_clean } => {
                let life = self.fabric.hosts()[host].life;
                self.fabric.plan(0, Act::Leave(host, life, is_clean));
                Ok(())
            }
            Output::Ring(_) | Output::Reset => Ok(()),
        }
    }

    /// What was asked before this view may have been done before it: then only
    /// those that came along have it, until they meet another side.
    fn note_older(&mut self, host: usize, id: u32) {
        let view = self.sites[host].view.as_ref().map(|view| view.id);
        if let Some(mut came_along) = self.sites[host].came_along_since(id.into()) {
            if view.is_some_and(|view| self.ledger.is_merge(view)) {
                came_along.clear();
            }
            self.coming.entry(host).or_insert(came_along);
        }
    }

    fn callback(
        &mut self,
        host: usize,
        connection: ais_node::ConnectionId,
        code: Code,
        body: &[u8],
    ) -> Result<(), String> {
        match Event::decode(code, body).map_err(|error| error.to_string())? {
            Event::Clm(event) if self.is_tracker(host, connection) => {
                self.sites[host].track(event).map_err(|what| format!("{}: {what}", node_of(host)))
            }
            Event::Amf(event) => self.amf_event(host, connection, event),
            _ => Ok(()),
        }
    }
}

impl World {
    fn is_tracker(&self, host: usize, connection: ais_node::ConnectionId) -> bool {
        self.sites[host].tracker.is_some_and(|tracker| tracker.connection == connection)
    }
}

fn brief(node: NodeId, event: &Output) -> String {
    match event {
        Output::View(view) => format!("{node} view {} {:?}: {}", view.id, view.members, view.why),
        Output::Reply { connection, id, result, .. } => {
            format!("{node} answers {}/{id}: {result:?}", connection.0)
        }
        Output::Event { connection, code, .. } => {
            format!("{node} calls back {}: {code:?}", connection.0)
        }
        other => format!("{node} {other:?}"),
    }
}

impl Hazards for World {
    type Daemon = Node;
    type Act = Act;

    fn fabric(&mut self) -> &mut Fabric<Node, Act> {
        &mut self.fabric
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn counted(&mut self) -> &mut Counted {
        &mut self.counted
    }

    fn trace(&self) -> Trace {
        self.trace
    }

    fn start(&mut self, host: usize) {
        let state = self.fabric.hosts()[host].disk.written;
        let (last_view, reserved) = if self.without_disk[host] {
            (1_000_000_000_000 + self.fabric.now / 1000, u64::MAX)
        } else {
            self.fabric.write_disk(host, state + AHEAD);
            (state, state + AHEAD)
        };
        let ring = ais_totem::Config {
            me: node_of(host),
            cluster: Name::default(),
            timing: self.plan.timing,
            mtu: self.plan.mtu,
            max_message: 1 << 20,
            last_view,
            reserved,
            linger: self.plan.linger,
            first_seq: self.plan.first_seq,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: self.counted.starts + 1,
            sealing: self.plan.sealing(self.counted.starts + 1),
        };
        let (expected_nodes, groups) = (self.expected_nodes, self.amf.groups.clone());
        self.say(|| format!("{} starts", node_of(host)));
        self.counted.starts += 1;
        self.sites[host] = Site::default();
        self.amf.host_gone(host);
        self.ledger.begin(node_of(host));
        self.fabric.start(host, |now| {
            let config = Config {
                node: node_of(host),
                group: group::Config::Ring(ring),
                expected_nodes,
                configured: Vec::new(),
                node_name: Name::default(),
                cluster_name: Name::default(),
                boot_timestamp: now.wall,
                ckpt: Limits { memory: 1 << 24, max_message: 1 << 20, ..Limits::default() },
                groups,
                pace: self.pace,
            };
            Node::new(config, now)
        });
    }

    fn ended(&mut self, host: usize) {
        self.fabric.take_events();
        self.sites[host] = Site::default();
        self.amf.host_gone(host);
        self.ledger.end(node_of(host));
        self.shared.end(host);
    }

    fn say_goodbye(&mut self, host: usize) {
        self.fabric.with(host, |node, now| node.leave(now));
    }

    fn stop(&mut self, host: usize) {
        self.drain(host);
    }

    fn lose_disk(&mut self, host: usize) {
        self.without_disk[host] = true;
    }
}
