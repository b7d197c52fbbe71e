//! A world of whole nodes with an attacker that forges packets while programs write.
//! When it is over all nodes serve, have the same state, and take new writes: no node
//! goes on with what the others have not.

use crate::fabric::{Fabric, Weather, node_of};
use crate::forgery::Forgery;
use crate::nodes::{Nodes, SECOND};
use crate::plan::{self, Plan};
use crate::report::Counted;
use crate::trace::Trace;
use crate::{Rng, Violation};
use ais_proto::ckpt::{ReadElement, ReadReply, Request};
use ais_totem::Ring;

/// Bytes of a section at most.
const SECTION: u32 = 10_000;
/// After so long members have compared twice what they were given, and those that
/// differ are together again.
const REST: u64 = 25 * SECOND;

/// Runs this world of a seed; returns what was counted and a digest of all that
/// happened.
pub(crate) fn run(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x6174_7461_636b);
    let hosts = rng.between(3, 5) as usize;
    let (plan, network, habits, clocks) = Plan::of(&mut rng, hosts, 0);
    trace.say(0, || format!("{plan:?} {habits:?} {network:?}"));
    let mut fabric = Fabric::new(rng, network, habits, clocks, trace);
    let pace;
    (pace, fabric.step_time) = plan::pace(seed);
    let nodes = Nodes::new(fabric, plan.timing, plan.mtu, pace);
    let mut world = World { plan, nodes, counted: Counted::default(), trace };
    match world.play() {
        Ok(()) => Ok((world.nodes.fabric.transcript.value(), world.counted)),
        Err(what) => Err(Violation { seed, world: "attacked", at: world.nodes.fabric.now, what }),
    }
}

struct World {
    plan: Plan,
    nodes: Nodes,
    counted: Counted,
    trace: Trace,
}

impl World {
    fn play(&mut self) -> Result<(), String> {
        let hosts = self.plan.hosts;
        (0..hosts).for_each(|host| self.nodes.start(host));
        self.nodes.until(|nodes| nodes.serves.iter().all(|serves| *serves))?;
        for _ in 0..self.nodes.fabric.rng.between(1, 3) {
            self.attack()?;
            self.nodes.go(REST + self.plan.tokens(400))?;
            self.check()?;
        }
        self.counted.starts = hosts as u64;
        self.counted.time = self.nodes.fabric.now;
        self.counted.packets = self.nodes.fabric.counts.sent;
        self.counted.overflowed = self.nodes.fabric.counts.overflowed;
        Ok(())
    }

    /// Packets are forged for a while, and programs write.
    fn attack(&mut self) -> Result<(), String> {
        let hosts = self.plan.hosts;
        let opened: Result<Vec<u32>, String> =
            (0..hosts).map(|host| self.nodes.open(host, SECTION)).collect();
        let opened = opened?;
        let rng = &mut self.nodes.fabric.rng;
        let forgery = Forgery::random(rng, hosts);
        let (least, most) = (self.plan.tokens(5), self.plan.tokens(300));
        let gap = rng.between(least, most) / forgery.times;
        self.trace.say(self.nodes.fabric.now, || format!("attack: {forgery}"));
        self.counted.faults += 1;
        let weather = Forgery::weather(&mut self.nodes.fabric.rng);
        self.nodes.fabric.network.weather = weather;
        for _ in 0..forgery.times {
            let pause = self.nodes.fabric.rng.below(1 + 2 * gap);
            self.nodes.go(pause)?;
            self.counted.forged += forgery.forge(&mut self.nodes.fabric);
            if self.nodes.fabric.rng.once_in(2) {
                let rng = &mut self.nodes.fabric.rng;
                let host = rng.below(hosts as u64) as usize;
                let data = vec![rng.number() as u8; rng.below(SECTION.into()) as usize];
                let write = Request::Overwrite { checkpoint: opened[host], id: b"", data: &data };
                // What comes of it nobody can tell.
                self.nodes.ask(host, &write)?;
                self.counted.requests += 1;
            }
        }
        self.nodes.fabric.network.weather = Weather::CALM;
        self.trace.say(self.nodes.fabric.now, || "the attack is over".into());
        Ok(())
    }

    /// All have the same, and what one writes all read.
    fn check(&mut self) -> Result<(), String> {
        self.nodes.answers.clear();
        self.compare()?;
        for writer in 0..self.plan.hosts {
            let checkpoint = self.nodes.open(writer, SECTION)?;
            let data = [writer as u8; 9];
            self.nodes.call(writer, &Request::Overwrite { checkpoint, id: b"", data: &data })?;
            for host in 0..self.plan.hosts {
                let checkpoint = self.nodes.open(host, SECTION)?;
                let elements = vec![ReadElement { id: b"", offset: 0, size: None }];
                let body = self.nodes.call(host, &Request::Read { checkpoint, elements })?;
                let reply = ReadReply::decode(&body).map_err(|error| error.to_string())?;
                if reply.pieces().next() != Some(&data[..]) {
                    let (writer, reader) = (node_of(writer), node_of(host));
                    return Err(format!("divergence: {reader} does not read what {writer} wrote"));
                }
            }
        }
        self.nodes.go(self.plan.tokens(10))?;
        self.compare()
    }

    /// All are in one view, serve, and have the same state.
    fn compare(&self) -> Result<(), String> {
        let all: Vec<_> = (0..self.plan.hosts).map(node_of).collect();
        let mut common = None;
        for (host, node) in self.nodes.fabric.hosts().iter().zip(&all) {
            let Some(daemon) = &host.daemon else { return Err(format!("{node} has ended")) };
            let ring = daemon.ring().map(Ring::status).unwrap_or_default();
            let sync = daemon.sync_status();
            if ring.members != all || sync.phase != "serving" || sync.synced != all {
                let (members, phase) = (ring.members, sync.phase);
                return Err(format!(
                    "termination: {node} is with {members:?}, {phase}, and shares its state with \
                     {:?}",
                    sync.synced
                ));
            }
            let state = (ring.view, daemon.digest());
            if *common.get_or_insert(state) != state {
                return Err(format!("divergence: {node} has another state than {}", all[0]));
            }
        }
        Ok(())
    }
}
