//! A world of rings with an attacker that hears all packets and sends others in the
//! name of members: of every kind, with fields that say something else. What is
//! delivered meanwhile may be what no member sent, but when the attack is over all are
//! together again, and all is as if it had not been.

mod attack;
#[cfg(test)]
mod tests;

pub(super) use attack::Attack;

use super::World;
use crate::fabric::{Weather, node_of};
use crate::forgery::Forgery;
use crate::hazards::Hazards;
use crate::history::History;
use crate::plan::Plan;
use crate::report::Counted;
use crate::trace::Trace;
use crate::{Rng, Violation};
use ais_group::View;
use ais_wire::NodeId;

/// Runs this world of a seed; returns what was counted and a digest of all that
/// happened.
pub(crate) fn run(seed: u64, trace: Trace) -> Result<(u64, Counted), Violation> {
    let mut rng = Rng::new(seed ^ 0x666f_7267_6564);
    let hosts = rng.between(3, 5) as usize;
    let (mut plan, network, habits, clocks) = Plan::of(&mut rng, hosts, 0);
    plan.messages = rng.between(1, 60);
    // Nobody could forge anything.
    plan.is_sealed = false;
    let mut world = World::new(plan, rng, network, habits, clocks, trace);
    let result = world.is_attacked();
    world.finish(seed, "hostile", result)
}

impl World {
    fn is_attacked(&mut self) -> Result<(), String> {
        for host in 0..self.plan.hosts {
            self.start(host);
        }
        self.settle()?;
        for _ in 0..self.fabric.rng.between(1, 3) {
            self.attack()?;
            let time = self.plan.tokens(50);
            self.plan_talk(time);
            self.go(time)?;
            self.settle()?;
        }
        self.rest()?;
        self.departure()
    }

    /// Somebody forges packets for a while.
    fn attack(&mut self) -> Result<(), String> {
        let (least, most) = (self.plan.tokens(5), self.plan.tokens(300));
        let time = self.fabric.rng.between(least, most);
        let attack = Attack::random(&mut self.fabric.rng, self.plan.hosts);
        self.say(|| format!("attack: {}", attack.forgery));
        self.counted.faults += 1;
        for _ in 0..attack.forgery.times {
            let delay = self.fabric.rng.below(time);
            self.fabric.plan(delay, super::Act::Forge);
        }
        self.attack = Some(attack);
        self.fabric.network.weather = Forgery::weather(&mut self.fabric.rng);
        self.plan_talk(time);
        self.go(time)?;
        self.fabric.network.weather = Weather::CALM;
        self.say(|| "the attack is over".into());
        let view = self.recover()?;
        // What was under way is over, so this history begins where all have the same.
        self.history = History::in_view(self.fabric.now, &view);
        self.attack = None;
        Ok(())
    }

    /// Sends some packets in the name of others.
    pub(super) fn forge(&mut self) {
        if let Some(attack) = &self.attack {
            self.counted.forged += attack.forgery.forge(&mut self.fabric);
        }
    }

    /// Waits until all are in one view, and nothing is delivered any more.
    fn recover(&mut self) -> Result<View, String> {
        let begun = self.fabric.now;
        // A node that was lost again and again is let in later.
        let bound = self.settle_bound() + 2 * self.plan.timing.longest_wait();
        loop {
            self.go(self.plan.tokens(5))?;
            let quiet = self.attack.as_ref().map_or(0, |attack| attack.last_event).max(begun);
            match self.one_view() {
                Ok(view) if self.fabric.now > quiet + self.plan.tokens(50) => return Ok(view),
                Err(why) if self.fabric.now > begun + bound => {
                    let tokens = bound / self.plan.tokens(10);
                    return Err(format!("termination: {tokens} tokens after the attack {why}"));
                }
                Ok(_) if self.fabric.now > begun + 2 * bound => {
                    return Err("termination: what happens after the attack has no end".into());
                }
                _ => {}
            }
        }
    }

    /// The view that all are in.
    fn one_view(&self) -> Result<View, String> {
        let all: Vec<NodeId> = (0..self.plan.hosts).map(node_of).collect();
        let mut common = None;
        for (host, node) in self.fabric.hosts().iter().zip(&all) {
            let Some(status) = host.daemon.as_ref().map(ais_totem::Ring::status) else {
                return Err(format!("{node} has ended"));
            };
            let Some(id) = status.view.filter(|_| status.state == "operational") else {
                return Err(format!("{node} is in {}", status.state));
            };
            if status.members != all || *common.get_or_insert(id) != id {
                return Err(format!("{node} is in view {id} of {:?}", status.members));
            }
        }
        let id = common.ok_or("there is nobody")?;
        let (joined, left) = (Vec::new(), Vec::new());
        Ok(View { id, members: all.clone(), joined, left, came_with_me: all, why: String::new() })
    }
}
