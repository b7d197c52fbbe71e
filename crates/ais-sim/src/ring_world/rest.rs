//! What holds when no more faults come: the group comes to rest within a bound,
//! stays there, and notices a departure in time.

use super::World;
use crate::fabric::node_of;
use crate::hazards::Hazards;
use crate::plan::{MICROSECOND, MILLISECOND};
use ais_group::{Engine, Guarantee, Lane};
use ais_wire::NodeId;
use std::collections::BTreeSet;

impl World {
    /// Waits until every component has one view of exactly its living members,
    /// who have delivered all that was sent.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let begun = self.fabric.hosts().iter().map(|host| host.paused_until).max();
        let begun = begun.unwrap_or_default().max(self.fabric.now);
        let bound = self.settle_bound();
        loop {
            self.go(self.plan.tokens(1))?;
            let Err(why) = self.is_settled() else { break };
            if self.fabric.now > begun + bound {
                let tokens = bound / self.plan.tokens(10);
                return Err(format!("termination: {tokens} tokens after the last fault {why}"));
            }
        }
        let took = self.fabric.now.saturating_sub(begun) / self.plan.tokens(1);
        self.counted.longest_settling = self.counted.longest_settling.max(took);
        self.trace.say(self.fabric.now, || format!("settled after {took} tenths of a token"));
        self.history.together().map(|_| ())
    }

    /// Membership needs a few tokens; then what waits has to go out, also what
    /// was sent while there was no ring.
    pub(super) fn settle_bound(&self) -> u64 {
        self.plan.tokens(100) + 3_000 * MILLISECOND
    }

    fn living(&self) -> impl Iterator<Item = usize> {
        let hosts = 0..self.plan.hosts;
        hosts.filter(|host| self.fabric.hosts()[*host].daemon.is_some())
    }

    fn is_settled(&self) -> Result<(), String> {
        let nodes: Vec<usize> = self.living().collect();
        for host in &nodes {
            let node = node_of(*host);
            if !self.fabric.is_running(*host) {
                return Err(format!("{node} stands still"));
            }
            let state = self.fabric.hosts()[*host].daemon.as_ref().map(|ring| ring.status().state);
            if state != Some("operational") {
                return Err(format!("{node} forms a ring"));
            }
            let side = self.fabric.network.side(*host);
            let together = nodes.iter().filter(|other| self.fabric.network.side(**other) == side);
            let expected: Vec<_> = together.map(|other| node_of(*other)).collect();
            let Some(span) = self.history.life(node).and_then(|life| life.spans.last()) else {
                return Err(format!("{node} has no view"));
            };
            if span.view.members != expected {
                return Err(format!(
                    "{node} is in view {} of {:?}, and {expected:?} are there",
                    span.view.id, span.view.members
                ));
            }
            let first = expected.first().and_then(|first| self.history.life(*first));
            let first = first.and_then(|life| life.spans.last());
            if first.is_none_or(|first| first.view.id != span.view.id) {
                return Err(format!("{node} is in view {}, and others are not", span.view.id));
            }
            if first.is_none_or(|first| first.deliveries.len() != span.deliveries.len()) {
                return Err(format!("{node} has not delivered the same as {:?}", expected.first()));
            }
            if span.transitional.is_some() {
                return Err(format!("{node} is between views"));
            }
            let waiting = self.history.life(node).map_or(0, |life| life.undelivered());
            if waiting > 0 {
                return Err(format!("{waiting} messages of {node} are not delivered"));
            }
            if span.deliveries.last().is_some_and(|(last, _)| *last > span.stable) {
                return Err(format!("{node} does not know that what it delivered is stable"));
            }
        }
        Ok(())
    }

    /// Where nothing happens nothing changes, and little is sent.
    pub(super) fn rest(&mut self) -> Result<(), String> {
        let views = self.views();
        self.go(self.plan.tokens(5))?;
        let sent = self.fabric.counts.sent;
        self.go(self.plan.tokens(20))?;
        if self.views() != views {
            return Err("termination: a view changed, and nothing had happened".into());
        }
        let sent = self.fabric.counts.sent - sent;
        let bound = self.idle_bound();
        if sent > bound {
            return Err(format!("output: {sent} packets in two idle tokens, more than {bound}"));
        }
        self.counted.idle_packets = self.counted.idle_packets.max(sent);
        Ok(())
    }

    /// The longest the token takes to go round.
    fn rotation(&self) -> u64 {
        self.plan.hosts as u64 * (self.fabric.network.slowest() + 100 * MICROSECOND)
    }

    fn idle_bound(&self) -> u64 {
        200 * self.plan.hosts as u64
    }

    /// In a group at rest one node, or two, stand still for a while. The others
    /// stay together through that, and when they come back.
    pub(super) fn standstill(&mut self) -> Result<(), String> {
        let mut paused = BTreeSet::new();
        for _ in 0..self.fabric.rng.between(1, 2) {
            let Some(host) = self.some_host(true) else { break };
            let time = self.fabric.rng.between(1, 50);
            let time = self.plan.tokens(time);
            self.say(|| format!("{} stands still for {} ms", node_of(host), time / MILLISECOND));
            self.counted.pauses += 1;
            self.fabric.pause(host, time);
            paused.insert(node_of(host));
            let apart = self.fabric.rng.below(self.plan.tokens(10));
            self.go(apart)?;
        }
        let begun = self.fabric.now;
        self.settle()?;
        let steady = self.living().filter(|host| !paused.contains(&node_of(*host)));
        let steady: Vec<usize> = steady.collect();
        for host in &steady {
            let (node, side) = (node_of(*host), self.fabric.network.side(*host));
            let mates = steady.iter().filter(|other| self.fabric.network.side(**other) == side);
            let mates: Vec<NodeId> = mates.map(|other| node_of(*other)).collect();
            let spans = self.history.life(node).map_or(&[][..], |life| &life.spans);
            for view in spans.iter().filter(|span| span.at >= begun).map(|span| &span.view) {
                if let Some(lost) = mates.iter().find(|of| !view.members.contains(of)) {
                    return Err(format!(
                        "disturbed: {paused:?} stood still, and {node} was in view {} without \
                         {lost}, which did not",
                        view.id
                    ));
                }
            }
        }
        Ok(())
    }

    /// A ring that cannot send takes a bounded number of messages, short or
    /// long. It ends then, so that nobody has to deliver them.
    pub(super) fn flood(&mut self, host: usize) -> Result<(), String> {
        let length = *self.fabric.rng.pick(&[0, 500_000]);
        let room = 128 << 20;
        let most = room / (length + 64);
        let taken = self.fabric.with(host, |ring, now| {
            let send = |_: &usize| {
                let bytes = vec![0; length];
                ring.multicast(now.monotonic, bytes, Guarantee::Agreed, Lane::Ordinary).is_ok()
            };
            (0..most).take_while(send).count()
        });
        self.crash(host, false);
        match taken {
            Some(taken) if taken == most => {
                Err(format!("memory: a ring in no view took {taken} messages of {length} bytes"))
            }
            _ => Ok(()),
        }
    }

    fn views(&self) -> Vec<Option<u64>> {
        let hosts = 0..self.plan.hosts;
        hosts.map(|host| self.history.view(node_of(host)).map(|view| view.id.number)).collect()
    }

    /// In a group at rest one node ends; the others are without it in time.
    pub(super) fn departure(&mut self) -> Result<(), String> {
        let Some(host) = self.some_host(true) else { return Ok(()) };
        let begun = self.fabric.now;
        let kind = self.fabric.rng.below(3);
        // Who left shortly before is not believed: its host refuses packets.
        let doubts = self.counted.leaves > 0 || self.counted.forged > 0;
        let may_doubt = if doubts { self.plan.timing.suspect() } else { 0 };
        let (what, bound) = match kind {
            // JOINs, and the tokens of commit and recovery.
            0 => ("left", may_doubt + 50 * MILLISECOND + 10 * self.rotation()),
            _ => ("crashed", self.plan.timing.bound()),
        };
        match kind {
            0 => self.leave(host),
            _ => self.crash(host, true),
        }
        // Clocks run at their own speed.
        let bound = bound / 100 * 106 + 5 * MILLISECOND;
        self.go(bound)?;
        let side = self.fabric.network.side(host);
        for other in (0..self.plan.hosts).filter(|other| self.fabric.network.side(*other) == side) {
            let view = self.history.view(node_of(other));
            if view.is_some_and(|view| view.members.contains(&node_of(host))) {
                let after = (self.fabric.now - begun) / MILLISECOND;
                return Err(format!(
                    "bound: {} {what}, and {} still has it in its view after {after} ms",
                    node_of(host),
                    node_of(other)
                ));
            }
        }
        self.settle()
    }
}
