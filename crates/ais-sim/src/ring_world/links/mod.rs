//! A world of rings whose links go bad one by one, in one direction, for one
//! kind of packet or for one size, and heal in the end. Between these changes
//! nothing happens but a little traffic, so what changes then, the ring did.

mod fault;
#[cfg(test)]
mod tests;
mod watch;
mod whole;

use super::World;
use crate::hazards::Hazards;
use crate::plan::{MILLISECOND, Plan};
use crate::report::Counted;
use crate::trace::Trace;
use crate::{Rng, Violation};
use ais_totem::Timing;
use fault::Fault;
use watch::Watch;

/// With a shorter token, in milliseconds, there is no time to send one that is
/// lost again and again, and so a lossy link cannot be told from a dead one.
const SHORTEST_TOKEN: u32 = 250;

/// Runs this world of a seed; returns what was counted and a digest of all that
/// happened.
pub(crate) fn run(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    play(seed, trace, true)
}

/// Runs this world with or without faults.
fn play(seed: u64, trace: Trace, has_faults: bool) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x6c69_6e6b);
    let hosts = rng.between(3, 7) as usize;
    let ways = Ways::random(&mut rng);
    let (mut plan, network, habits, clocks) = Plan::of(&mut rng, hosts, ways.delay);
    if ways.loss > 0 {
        plan.token = plan.token.max(SHORTEST_TOKEN);
        plan.timing = Timing::from_token(plan.token);
    }
    plan.first_seq = 0;
    plan.messages = rng.between(1, 15);
    let mut world = World::new(plan, rng, network, habits, clocks, trace);
    let result = world.links_go_bad(ways, has_faults);
    world.finish(seed, "links", result)
}

/// How the links are for good.
#[derive(Debug, Clone, Copy)]
struct Ways {
    /// How much longer a packet takes at most, in nanoseconds.
    delay: u64,
    /// The chance to be lost, at most, per million.
    loss: u64,
    /// All links are as bad as that.
    are_even: bool,
}

impl Ways {
    fn random(rng: &mut Rng) -> Self {
        let delay = match rng.below(6) {
            0..=2 => 0,
            3 => rng.below(MILLISECOND),
            4 => rng.below(10 * MILLISECOND),
            _ => rng.below(50 * MILLISECOND),
        };
        let loss = match rng.below(6) {
            0..=2 => 0,
            3 => rng.below(10_000),
            4 => rng.below(50_000),
            _ => rng.below(200_000),
        };
        Self { delay, loss, are_even: rng.once_in(2) }
    }
}

impl World {
    fn links_go_bad(&mut self, ways: Ways, has_faults: bool) -> Result<(), String> {
        self.lay_links(ways);
        for host in 0..self.plan.hosts {
            self.start(host);
        }
        self.settle()?;
        let faults = if has_faults { self.fabric.rng.between(1, 3) } else { 1 };
        for _ in 0..faults {
            if has_faults {
                let fault = Fault::random(&mut self.fabric.rng, self.plan.hosts, self.plan.mtu);
                self.say(|| format!("fault: {fault}"));
                self.counted.faults += 1;
                fault.strike(&mut self.fabric.network);
            }
            self.watched(false)?;
        }
        self.fabric.network.mend();
        self.say(|| "healed".into());
        self.watched(true)?;
        self.settle()
    }

    fn lay_links(&mut self, ways: Ways) {
        self.say(|| format!("{ways:?}"));
        for from in 0..self.plan.hosts {
            for to in (0..self.plan.hosts).filter(|to| *to != from) {
                // Delay and loss not much less than the token was chosen for.
                let part = if ways.are_even { 100 } else { self.fabric.rng.between(50, 100) };
                let link = self.fabric.network.link_mut(from, to);
                (link.delay, link.loss) = (ways.delay / 100 * part, ways.loss / 100 * part);
            }
        }
    }

    /// Some tens of tokens, first with some traffic and then without, in which
    /// the links stay as they are.
    fn watched(&mut self, is_healed: bool) -> Result<(), String> {
        let mut watch = Watch::new(self, is_healed);
        self.say(|| format!("well connected: {watch}"));
        let (least, most) = (self.plan.tokens(50), self.plan.tokens(200));
        let time = self.fabric.rng.between(least, most);
        self.plan_talk(time);
        self.go_watched(&mut watch, time + self.plan.tokens(60))?;
        watch.look_at_messages(self)?;
        let sent = self.sent();
        self.go_watched(&mut watch, self.plan.tokens(40))?;
        watch.look_at_rates(self, &sent)
    }

    fn go_watched(&mut self, watch: &mut Watch, time: u64) -> Result<(), String> {
        let slice = self.plan.tokens(1) / 2;
        for _ in 0..time / slice {
            self.go(slice)?;
            watch.look(self)?;
        }
        Ok(())
    }

    /// Packets that each host has sent.
    fn sent(&self) -> Vec<u64> {
        self.fabric.hosts().iter().map(|host| host.sent).collect()
    }
}
