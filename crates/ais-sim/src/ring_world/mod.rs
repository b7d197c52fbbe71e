//! A world of rings: which are there, what they send, and what is checked.

mod engine;
pub(crate) mod hostile;
mod latency;
pub(crate) mod links;
mod rest;

pub(crate) use latency::table as latencies;

use crate::fabric::{Clock, Fabric, Habits, Network, node_of};
use crate::hazards::Hazards;
use crate::history::History;
use crate::plan::Plan;
use crate::report::Counted;
use crate::trace::Trace;
use crate::{Rng, Violation};
use ais_group::{Engine, Guarantee, Lane, Output};
use ais_totem::{Config, Ring};
use ais_wire::Name;
use hostile::Attack;

/// Bytes of a message at most.
const MAX_MESSAGE: usize = 1 << 20;
/// Numbers that are reserved at start.
const AHEAD: u64 = 16;

/// What is planned.
#[derive(Debug, Clone, Copy)]
enum Act {
    Talk,
    Fault,
    Forge,
}

struct World {
    plan: Plan,
    fabric: Fabric<Ring, Act>,
    history: History,
    counted: Counted,
    trace: Trace,
    /// The hosts whose daemon has no state directory.
    without_disk: Vec<bool>,
    /// While somebody forges packets: what is seen takes the place of the history.
    attack: Option<Attack>,
    /// A message near the limit comes only now and then: it is dear.
    large: u64,
}

/// Runs the ring world of a seed; returns what was counted and a digest of all
/// that happened.
pub(crate) fn run(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x7269_6e67);
    let (plan, network, habits, clocks) = Plan::random(&mut rng, 64);
    let mut world = World::new(plan, rng, network, habits, clocks, trace);
    let result = world.play();
    world.finish(seed, "ring", result)
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
        let without_disk = (0..plan.hosts).map(|_| rng.once_in(5)).collect();
        trace.say(0, || format!("{plan:?} {habits:?} {network:?}"));
        Self {
            plan,
            fabric: Fabric::new(rng, network, habits, clocks, trace),
            history: History::default(),
            counted: Counted::default(),
            trace,
            without_disk,
            attack: None,
            large: 1,
        }
    }

    fn play(&mut self) -> Result<(), String> {
        for host in 0..self.plan.hosts {
            if self.fabric.rng.once_in(300) {
                self.start(host);
                self.flood(host)?;
            } else if host == 0 || !self.fabric.rng.once_in(6) {
                self.start(host);
                let apart = self.fabric.rng.below(self.plan.tokens(4));
                let together = self.fabric.rng.once_in(2);
                self.go(if together { 0 } else { apart })?;
            }
        }
        self.settle()?;
        for _ in 0..self.plan.spells {
            self.spell()?;
            self.calm();
            self.settle()?;
            if self.fabric.rng.once_in(3) {
                self.rest()?;
                if self.fabric.rng.once_in(2) {
                    self.departure()?;
                } else {
                    self.standstill()?;
                }
            }
        }
        self.calm();
        self.fabric.network.partition(vec![0; self.plan.hosts]);
        self.settle()
    }

    /// What is to be told of a run that ended like this.
    fn finish(
        mut self,
        seed: u64,
        world: &'static str,
        played: Result<(), String>,
    ) -> Result<(u64, Counted), Violation> {
        let result = played.and_then(|()| {
            self.counted.finish(&self.history.together()?, &self.fabric, &self.history);
            Ok((self.fabric.transcript.value(), self.counted))
        });
        result.map_err(|what| Violation { seed, world, at: self.fabric.now, what })
    }

    /// Some time with traffic and faults.
    fn spell(&mut self) -> Result<(), String> {
        let (least, most) = (self.plan.tokens(5), self.plan.tokens(60));
        let time = self.fabric.rng.between(least, most);
        self.plan_talk(time);
        let faults = self.fabric.rng.between(1, 12);
        for _ in 0..faults {
            let delay = self.fabric.rng.below(time);
            self.fabric.plan(delay, Act::Fault);
        }
        self.go(time)
    }

    /// The messages of the plan are to be sent within so much time.
    fn plan_talk(&mut self, time: u64) {
        for _ in 0..self.plan.messages {
            let delay = self.fabric.rng.below(time);
            self.fabric.plan(delay, Act::Talk);
        }
    }

    /// Lets so much time pass.
    fn go(&mut self, time: u64) -> Result<(), String> {
        let end = self.fabric.now + time;
        while !self.fabric.is_over(end) {
            match self.fabric.step(end)? {
                Some(Act::Talk) => self.talk(),
                Some(Act::Fault) => self.fault(),
                Some(Act::Forge) => self.forge(),
                None => {}
            }
            self.take_events()?;
        }
        self.fabric.step(end)?;
        self.take_events()
    }

    /// A node sends one message or a few.
    fn talk(&mut self) {
        let Some(host) = self.some_host(true) else { return };
        let rng = &mut self.fabric.rng;
        let burst = if rng.once_in(4) { rng.between(2, 30) } else { 1 };
        for _ in 0..burst {
            let rng = &mut self.fabric.rng;
            let length = match rng.below(50) {
                0..=24 => rng.below(100),
                25..=39 => rng.below(3_000),
                40..=48 => rng.below(20_000),
                _ if self.large > 0 => {
                    self.large -= 1;
                    rng.below(300_000)
                }
                _ => 0,
            };
            let guarantee = match rng.below(3) {
                0 => Guarantee::Safe,
                1 => Guarantee::Acknowledged,
                _ => Guarantee::Agreed,
            };
            let is_bulk = self.history.messages.len().is_multiple_of(3);
            let lane = if is_bulk { Lane::Bulk } else { Lane::Ordinary };
            self.send(host, length as usize, guarantee, lane);
        }
    }

    /// A node sends a message; whether its ring took it.
    fn send(&mut self, host: usize, length: usize, guarantee: Guarantee, lane: Lane) -> bool {
        let node = node_of(host);
        let uid = self.history.compose(node, length, guarantee, lane);
        let content = self.history.messages.content(uid);
        let taken = self.fabric.with(host, |ring, now| {
            ring.multicast(now.monotonic, content, guarantee, lane).is_ok()
        });
        if taken == Some(true) {
            self.history.sent(uid);
            self.trace.say(self.fabric.now, || {
                format!("{node} sends #{uid}, {length} bytes, {guarantee:?}, {lane:?}")
            });
        } else {
            self.counted.refused += 1;
        }
        taken == Some(true)
    }

    fn take_events(&mut self) -> Result<(), String> {
        for (host, event) in self.fabric.take_events() {
            self.event(host, event)?;
        }
        Ok(())
    }

    fn event(&mut self, host: usize, event: Output) -> Result<(), String> {
        let (now, node) = (self.fabric.now, node_of(host));
        if let Some(attack) = &mut self.attack {
            if let Output::View(view) = &event {
                self.trace.say(now, || format!("{node} view {} {:?}", view.id, view.members));
            }
            return attack.event(now, node, &event);
        }
        match event {
            Output::Transitional(members) => {
                self.trace.say(now, || format!("{node} transitional {members:?}"));
                self.history.transitional(node, members)
            }
            Output::View(view) => {
                self.trace.say(now, || {
                    format!("{node} view {} {:?}: {}", view.id, view.members, view.why)
                });
                self.fabric.transcript.number(view.id.number);
                self.history.install(now, node, view)
            }
            Output::Deliver { number, from, bytes } => {
                self.trace.say(now, || format!("{node} delivers {number} of {from}"));
                self.fabric.transcript.number(number);
                self.history.deliver(node, number, from, &bytes)
            }
            Output::Stable(number) => {
                self.trace.say(now, || format!("{node} stable {number}"));
                self.fabric.transcript.number(number);
                self.history.stable(node, number)
            }
        }
    }
}

impl Hazards for World {
    type Daemon = Ring;
    type Act = Act;

    fn fabric(&mut self) -> &mut Fabric<Ring, Act> {
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
        let (last, reserved) = if self.without_disk[host] {
            // A clock that only grows, and that nobody else shares.
            (1_000_000_000_000 + self.fabric.now / 1000, u64::MAX)
        } else {
            self.fabric.write_disk(host, state + AHEAD);
            (state, state + AHEAD)
        };
        let config = Config {
            me: node_of(host),
            cluster: Name::default(),
            timing: self.plan.timing,
            mtu: self.plan.mtu,
            max_message: MAX_MESSAGE,
            last_view: last,
            reserved,
            linger: self.plan.linger,
            first_seq: self.plan.first_seq,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: self.counted.starts + 1,
            sealing: self.plan.sealing(self.counted.starts + 1),
        };
        self.trace.say(self.fabric.now, || format!("{} starts above {last}", node_of(host)));
        self.history.begin(self.fabric.now, node_of(host), last);
        self.counted.starts += 1;
        self.fabric.start(host, |now| Ring::new(config, now.monotonic));
    }

    fn ended(&mut self, host: usize) {
        // What a ring gives after it was told to leave is nobody's concern.
        self.fabric.take_events();
        self.history.end(self.fabric.now, node_of(host));
    }

    fn say_goodbye(&mut self, host: usize) {
        self.fabric.with(host, |ring, now| ring.leave(now.monotonic));
    }

    fn lose_disk(&mut self, host: usize) {
        self.without_disk[host] = true;
    }
}
