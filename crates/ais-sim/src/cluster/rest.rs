//! What holds when no more faults come: all nodes of a component agree on
//! everything, have all that was promised, and answer.

use super::World;
use super::work::CHECKPOINTS;
use crate::fabric::node_of;
use crate::hazards::Hazards;
use crate::plan::MILLISECOND;
use ais_node::{Holder, UserId};
use std::collections::BTreeMap;

/// A process that has sent nothing.
const NOBODY: Holder = Holder { user: UserId::ROOT, process: 0 };

impl World {
    /// Waits until every component has one view of exactly its living members,
    /// all serve, nobody waits, and all have the same state; then checks it.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let begun = self.fabric.hosts().iter().map(|host| host.paused_until).max();
        let begun = begun.unwrap_or_default().max(self.fabric.now);
        let bound = self.plan.tokens(150) + 60_000 * MILLISECOND;
        loop {
            self.go(self.plan.tokens(1))?;
            let Err(why) = self.is_settled().and_then(|()| self.amf_settled()) else { break };
            if self.fabric.now > begun + bound {
                return Err(format!("progress: long after the last fault {why}"));
            }
        }
        let took = self.fabric.now.saturating_sub(begun) / self.plan.tokens(1);
        self.counted.longest_settling = self.counted.longest_settling.max(took);
        self.say(|| format!("settled after {took} tenths of a token"));
        self.check_deliveries()?;
        self.check_actives()?;
        self.check_members()?;
        self.check_promises()?;
        if self.expected_nodes.is_some() { self.check_shared() } else { Ok(()) }
    }

    pub(super) fn living(&self) -> Vec<usize> {
        let hosts = 0..self.plan.hosts;
        hosts.filter(|host| self.fabric.hosts()[*host].daemon.is_some()).collect()
    }

    fn amf_settled(&mut self) -> Result<(), String> {
        let mut sides = BTreeMap::new();
        for host in self.living() {
            sides.entry(self.fabric.network.side(host)).or_insert(host);
        }
        sides.into_values().try_for_each(|host| self.amf_rests(host))
    }

    fn is_settled(&self) -> Result<(), String> {
        let living = self.living();
        let side = |host: &usize| self.fabric.network.side(*host);
        let mut digests: BTreeMap<u32, u64> = BTreeMap::new();
        for host in &living {
            let (node, site) = (node_of(*host), &self.sites[*host]);
            if !self.fabric.is_running(*host) {
                return Err(format!("{node} stands still"));
            }
            let together = living.iter().filter(|other| side(other) == side(host));
            let members: Vec<_> = together.clone().map(|other| node_of(*other)).collect();
            let Some(view) = &site.view else { return Err(format!("{node} has no view")) };
            if view.members != members {
                let has = &view.members;
                return Err(format!("{node} is in a view of {has:?}, and {members:?} are there"));
            }
            for other in together {
                if self.sites[*other].view.as_ref().is_none_or(|of| of.id != view.id) {
                    return Err(format!("{node} and {} are in two views", node_of(*other)));
                }
            }
            if site.is_stopping {
                return Err(format!("{node} has not left yet"));
            }
            if !site.serves {
                return Err(format!("{node} does not serve"));
            }
            if let Some((_, call)) = site.calls.values().next() {
                return Err(format!("{node} has not answered {call:?}"));
            }
            // A view with the same members as before is no news.
            let there = members.iter().map(|of| of.to_api()).collect();
            if site.tracked.as_ref().is_none_or(|(_, tracked)| *tracked != there) {
                return Err(format!("CLM says {:?} on {node}, not {there:?}", site.tracked));
            }
            let daemon = self.fabric.hosts()[*host].daemon.as_ref();
            if daemon.is_some_and(|of| of.is_congested(NOBODY)) {
                return Err(format!("{node} has not done all that the group has brought"));
            }
            let digest = daemon.map_or(0, |of| of.digest());
            if *digests.entry(side(host)).or_insert(digest) != digest {
                return Err(format!("{node} has another state than others in {members:?}"));
            }
        }
        Ok(())
    }

    /// Nobody was given something else than those it came along with.
    fn check_deliveries(&self) -> Result<(), String> {
        for host in self.living() {
            let sync = self.fabric.hosts()[host].daemon.as_ref().map(|node| node.sync_status());
            if sync.is_some_and(|sync| sync.divergences > 0) {
                return Err(format!(
                    "order: others were given other messages than {}",
                    node_of(host)
                ));
            }
        }
        Ok(())
    }

    /// A program that asks CLM now gets the view of the ring.
    fn check_members(&mut self) -> Result<(), String> {
        for host in self.living() {
            self.track(host)?;
            self.take_events()?;
            let site = &self.sites[host];
            let number = site.view.as_ref().map(|view| view.id.number);
            if site.tracked.as_ref().map(|(number, _)| *number) != number {
                let (node, tracked) = (node_of(host), &site.tracked);
                return Err(format!("CLM: {node} is in view {number:?} and says {tracked:?}"));
            }
        }
        Ok(())
    }

    /// All nodes have all that was promised.
    fn check_promises(&mut self) -> Result<(), String> {
        self.found.clear();
        for host in self.living() {
            for checkpoint in 0..CHECKPOINTS {
                for writer in 0..self.plan.hosts {
                    self.read_section(host, (checkpoint, writer))?;
                    self.take_events()?;
                }
            }
            if let Some((_, call)) = self.sites[host].calls.values().next() {
                return Err(format!("{} does not answer {call:?} at once", node_of(host)));
            }
        }
        let found = std::mem::take(&mut self.found);
        for host in self.living() {
            let members = self.sites[host].view.as_ref().map_or(0, |view| view.members.len());
            let mine = found.iter().filter(|((of, _), _)| *of == host);
            let mine = mine.map(|((_, section), number)| (*section, *number)).collect();
            // Without quorum a checkpoint may not have been opened yet.
            if self.sites[host].open.len() == CHECKPOINTS {
                self.ledger.rests(node_of(host), members, &mine)?;
            }
        }
        Ok(())
    }
}
