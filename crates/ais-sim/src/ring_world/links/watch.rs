//! What holds from one change of the links to the next.
//!
//! Nodes that can all talk to each other are to be together: each has each in
//! its view, all the time but for once in a while, and views seldom change.
//! Nobody forms rings without end, and where nobody sends messages little is
//! sent.

use super::World;
use super::whole::{SHORT, can_talk, largest};
use crate::fabric::node_of;
use crate::plan::MILLISECOND;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Views that the members of a set that is together may install after a change:
/// without those that cannot stay, and once more as not all see that at once.
const MOST_VIEWS: usize = 2;
/// Views that any other node may install: each attempt to get in again costs two at
/// most, and from the third one on the next comes after twice the time.
const MOST_VIEWS_OUTSIDE: usize = 12;
/// Lost by chance so often, per million, a token may be given up though all can
/// talk: one view more is nobody's fault.
const HEAVY_LOSS: u64 = 50_000;
/// How many times longer than the others a node that cannot talk to all of them may be
/// in no ring.
const PATIENCE: u64 = 3;

/// What is seen between two changes.
#[derive(Debug)]
pub(super) struct Watch {
    begun: u64,
    /// The hosts that are to be together: none, or at least two.
    core: BTreeSet<usize>,
    /// The hosts of the core that are not together at the beginning.
    returning: BTreeSet<usize>,
    /// How long members of the core may be out of each other's views.
    bound: u64,
    /// Views that a host of the core may install.
    most_views: usize,
    /// The views of each host at the beginning.
    views: Vec<usize>,
    /// Since when a host has not had another one in its view.
    out_since: BTreeMap<(usize, usize), u64>,
    /// Since when a host has not been operational, and how many views it had
    /// installed then: it may be operational for less than the time between looks.
    forming_since: BTreeMap<usize, (u64, usize)>,
}

impl Watch {
    /// The links have just become what they are; `is_healed`: all are well.
    pub(super) fn new(world: &World, is_healed: bool) -> Self {
        let hosts = world.plan.hosts;
        let (network, to_all) = (&world.fabric.network, world.fabric.habits.cast_to_all());
        // Nobody has to notice that others would form a larger ring.
        let ring = if is_healed { (0..hosts).collect() } else { largest_ring(world) };
        let largest =
            |length| largest(hosts, &ring, |a, b| can_talk(network, to_all, length, a, b));
        // A ring may also keep to shorter frames to have more members.
        let (short, most) = largest(SHORT.min(world.plan.mtu));
        let (full, least) = largest(world.plan.mtu);
        let mut core = &full & &short;
        let views: Vec<usize> = (0..hosts).map(|host| views(world, host)).collect();
        let with = |host: usize| core.iter().filter(|other| has(world, host, **other)).count();
        let together = core.iter().map(|host| with(*host)).max().filter(|count| *count > 1);
        let returning = core.iter().copied().filter(|host| Some(with(*host)) != together);
        let returning: BTreeSet<usize> = returning.collect();
        if core.len() < 2 {
            core.clear();
        }
        let loss = heaviest_loss(world);
        let coming = returning.len() + (most - least).max((&short - &core).len());
        Self {
            begun: world.fabric.now,
            bound: bound(world, loss),
            most_views: MOST_VIEWS + coming + usize::from(loss > HEAVY_LOSS),
            core,
            returning,
            views,
            out_since: BTreeMap::new(),
            forming_since: BTreeMap::new(),
        }
    }

    /// Looks at all nodes; to be called several times a token.
    pub(super) fn look(&mut self, world: &World) -> Result<(), String> {
        self.look_at_rings(world)?;
        self.look_at_members(world)?;
        self.look_at_views(world)
    }

    /// Nobody is without a ring for long: gather, commit and recovery end.
    fn look_at_rings(&mut self, world: &World) -> Result<(), String> {
        let now = world.fabric.now;
        for host in 0..world.plan.hosts {
            let state = world.fabric.hosts()[host].daemon.as_ref().map(|ring| ring.status().state);
            let state = state.unwrap_or("ended");
            if state == "operational" {
                self.forming_since.remove(&host);
                continue;
            }
            let count = views(world, host);
            let (since, before) = self.forming_since.entry(host).or_insert((now, count));
            if *before != count {
                (*since, *before) = (now, count);
            }
            let since = *since;
            let patience = if self.core.contains(&host) { 1 } else { PATIENCE };
            if now - since > self.bound * patience {
                let tokens = in_tokens(world, now - since);
                let node = node_of(host);
                let told = format!("{node} has formed no ring for {tokens} tokens ({state})");
                return Err(format!("recovery ends: {told}; {self}"));
            }
        }
        Ok(())
    }

    /// Nodes that can talk have each other in their views.
    fn look_at_members(&mut self, world: &World) -> Result<(), String> {
        let now = world.fabric.now;
        let pairs = self.core.iter().flat_map(|a| self.core.iter().map(move |b| (*a, *b)));
        for (a, b) in pairs {
            if has(world, a, b) {
                self.out_since.remove(&(a, b));
                continue;
            }
            let since = *self.out_since.entry((a, b)).or_insert(now);
            if now - since > self.bound {
                let was_out = self.returning.contains(&a) || self.returning.contains(&b);
                let checker = if was_out { "healed" } else { "whole" };
                let (tokens, a, b) = (in_tokens(world, now - since), node_of(a), node_of(b));
                return Err(format!(
                    "{checker}: {a} has not had {b} in its view for {tokens} tokens; {self}"
                ));
            }
        }
        Ok(())
    }

    /// Views seldom change.
    fn look_at_views(&self, world: &World) -> Result<(), String> {
        for host in 0..world.plan.hosts {
            let is_inside = self.core.contains(&host);
            let most = if is_inside { self.most_views } else { MOST_VIEWS_OUTSIDE };
            let count = views(world, host) - self.views[host];
            if count > most {
                let (node, tokens) =
                    (node_of(host), in_tokens(world, world.fabric.now - self.begun));
                let checker = if is_inside { "views" } else { "damped" };
                return Err(format!(
                    "{checker}: {node} installed {count} in {tokens} tokens, and {most} are \
                     enough; {self}"
                ));
            }
        }
        Ok(())
    }

    /// What was sent some tokens ago and before is delivered and stable, and
    /// those that are to be together are in one view.
    pub(super) fn look_at_messages(&self, world: &World) -> Result<(), String> {
        let wrong =
            |host: &usize, what: String| Err(format!("serves: {} {what}; {self}", node_of(*host)));
        let mut last = None;
        for host in &self.core {
            let Some(life) = world.history.life(node_of(*host)) else { continue };
            let Some(span) = life.spans.last() else { continue };
            let waiting = life.undelivered();
            if waiting > 0 {
                return wrong(host, format!("has {waiting} messages of its own not delivered"));
            }
            if span.deliveries.last().is_some_and(|(last, _)| *last > span.stable) {
                return wrong(host, "does not know that all have what it delivered".into());
            }
            if *last.get_or_insert(span.view.id) != span.view.id {
                return wrong(host, format!("is in view {}, and others are not", span.view.id));
            }
        }
        Ok(())
    }

    /// Nobody has sent a message for a while. What each host had sent four
    /// tokens ago is in `before`.
    pub(super) fn look_at_rates(&self, world: &World, before: &[u64]) -> Result<(), String> {
        let most = 4 * idle_rate(world);
        for (host, (sent, before)) in world.sent().iter().zip(before).enumerate() {
            let sent = sent - before;
            if sent > most {
                return Err(format!(
                    "flood: {} sent {sent} packets in four idle tokens, more than {most}; {self}",
                    node_of(host)
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = |hosts: &BTreeSet<usize>| -> Vec<String> {
            hosts.iter().map(|host| node_of(*host).to_string()).collect()
        };
        let (core, returning) = (nodes(&self.core), nodes(&self.returning));
        write!(f, "{core:?} are to be together since {} ms", self.begun / MILLISECOND)?;
        if !returning.is_empty() {
            write!(f, ", and {returning:?} were not before")?;
        }
        Ok(())
    }
}

/// The highest chance of a link to lose a packet, per million.
fn heaviest_loss(world: &World) -> u64 {
    let hosts = 0..world.plan.hosts;
    let pairs = hosts.clone().flat_map(|from| hosts.clone().map(move |to| (from, to)));
    pairs.map(|(from, to)| world.fabric.network.link(from, to).loss).max().unwrap_or_default()
}

/// How long what is to be together may not be: two tokens, as each clock runs,
/// plus what chance may cost. A packet that is lost costs the time after which
/// it is sent again, a 25th of a token or a tenth for a JOIN, and a ring takes
/// some seven rotations to form: half a token, and another one for each tenth of
/// all packets that is lost.
fn bound(world: &World, loss: u64) -> u64 {
    let chance = match loss {
        0 => 0,
        loss => world.plan.tokens(5) + world.plan.tokens(10) / 100_000 * loss,
    };
    world.plan.timing.bound() / 100 * 106 + chance
}

/// Packets that a host may send in an idle token. The token rests for a tenth of
/// its time, or 100 ms; JOIN is repeated as often, or every 50 ms; and each merge, a
/// fifth of the token's time or 200 ms, all together and each other host may be
/// greeted with three lengths.
fn idle_rate(world: &World) -> u64 {
    let token = u64::from(world.plan.token);
    200 + token / 50 + world.plan.hosts as u64 * 3 * token.div_ceil(200)
}

fn in_tokens(world: &World, time: u64) -> f64 {
    (time / world.plan.tokens(1)) as f64 / 10.0
}

/// The largest set of hosts that have each other in their views.
fn largest_ring(world: &World) -> BTreeSet<usize> {
    let hosts = 0..world.plan.hosts;
    let ring = |host: usize| -> BTreeSet<usize> {
        { hosts.clone() }.filter(|other| has(world, host, *other)).collect()
    };
    hosts.clone().map(ring).max_by_key(BTreeSet::len).unwrap_or_default()
}

/// How many views a host has installed.
fn views(world: &World, host: usize) -> usize {
    world.history.life(node_of(host)).map_or(0, |life| life.spans.len())
}

/// Whether a host has another one in its view.
fn has(world: &World, host: usize, other: usize) -> bool {
    let view = world.history.view(node_of(host));
    view.is_some_and(|view| view.members.contains(&node_of(other)))
}
