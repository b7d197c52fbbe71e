//! Which components are active, as the programs were told, and the promise that no
//! group has more active units than it may have.
//!
//! A component is active for an instance from when it is told so until it has let go:
//! it has answered QUIESCED, or it is gone, silent, or was said to be. When its daemon
//! leaves in order it is until it notices that, unless nobody was there to take over:
//! then nothing is promised. Two sides may each have their own active. When they meet,
//! what was told before counts no more until everybody rests.

use super::groups::Rules;
use ais_node::View;
use ais_proto::Name;
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// A component of a process on a host, and an instance it is active for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hold {
    pub(super) host: usize,
    pub(super) session: u64,
    pub(super) component: Name,
    pub(super) csi: Name,
}

#[derive(Debug, Default)]
pub(super) struct Told {
    /// Counts what happens.
    clock: u64,
    holds: BTreeMap<Hold, u64>,
    /// The components whose daemons have left, and the hosts that these shared a view
    /// with.
    orphans: BTreeMap<Hold, (u64, BTreeSet<usize>)>,
    /// When two hosts met last.
    met: BTreeMap<(usize, usize), u64>,
    /// Hosts that have met others and are not one with them yet.
    pub(super) apart: BTreeSet<usize>,
}

impl Told {
    /// A component is told to be active. `peers` are the hosts that its host
    /// shares a view with.
    ///
    /// # Errors
    /// If others are, and it may not be.
    pub(super) fn active(
        &mut self,
        hold: Hold,
        peers: &BTreeSet<usize>,
        rules: &Rules,
    ) -> Result<(), String> {
        self.clock += 1;
        let told = if self.apart.contains(&hold.host) { 0 } else { self.clock };
        let place = rules.of(&hold.component).ok_or("there is no such component")?;
        let of_peers = self.holds.iter().filter(|(other, _)| peers.contains(&other.host));
        let orphans = self.orphans.iter().filter(|(_, (_, peers))| peers.contains(&hold.host));
        let others = of_peers.chain(orphans.map(|(other, (told, _))| (other, told)));
        let counts = |(other, told): &(&Hold, &u64)| **told > self.met_at(hold.host, other.host);
        let mut units = BTreeSet::from([place.unit]);
        for (other, _) in others.filter(counts) {
            let Some(of) = rules.of(&other.component).filter(|of| of.group == place.group) else {
                continue;
            };
            let twice = other.component == hold.component
                && (other.host, other.session) != (hold.host, hold.session);
            units.insert(of.unit);
            if told > 0 && (twice || units.len() > rules.bounds(of.group).0) {
                return Err(format!(
                    "one active: {hold:?} was made active, and {other:?} still is"
                ));
            }
        }
        self.holds.insert(hold, told);
        Ok(())
    }

    fn met_at(&self, one: usize, other: usize) -> u64 {
        self.met.get(&(one.min(other), one.max(other))).copied().unwrap_or_default()
    }

    /// Everybody that this holds for has let go.
    pub(super) fn let_go(&mut self, has: impl Fn(&Hold) -> bool) {
        self.holds.retain(|hold, _| !has(hold));
    }

    /// A host begins a view.
    pub(super) fn view(&mut self, host: usize, view: &View, host_of: impl Fn(NodeId) -> usize) {
        self.clock += 1;
        for node in view.members.iter().filter(|node| !view.came_with_me.contains(node)) {
            let other = host_of(*node);
            self.met.insert((host.min(other), host.max(other)), self.clock);
            self.apart.insert(host);
        }
    }

    /// A daemon is about to leave: components that are active there still are for a
    /// while.
    pub(super) fn orphan(&mut self, host: usize, peers: &BTreeSet<usize>) {
        if peers.iter().all(|&peer| peer == host) {
            return;
        }
        let there = self.holds.iter().filter(|(hold, _)| hold.host == host);
        let orphans = there.map(|(hold, told)| (hold.clone(), (*told, peers.clone())));
        self.orphans.extend(orphans);
    }

    /// The programs of a host notice that its daemon has left.
    pub(super) fn notice(&mut self, host: usize) {
        self.orphans.retain(|hold, _| hold.host != host);
    }

    /// A daemon has ended or starts: nobody there is anything.
    pub(super) fn host_gone(&mut self, host: usize) {
        self.let_go(|hold| hold.host == host);
        self.apart.remove(&host);
    }

    /// Everything rests: components that are active now are so by right. `side` says
    /// which hosts see each other.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn rest(
        &mut self,
        side: impl Fn(usize) -> u32,
        rules: &Rules,
    ) -> Result<(), String> {
        self.met.clear();
        let clock = self.clock;
        self.holds.values_mut().for_each(|told| *told = clock);
        let mut units = BTreeMap::<_, BTreeSet<_>>::new();
        let mut components = BTreeSet::new();
        for hold in self.holds.keys() {
            let Some(place) = rules.of(&hold.component) else { continue };
            let side = side(hold.host);
            let of_group = units.entry((side, place.group)).or_default();
            of_group.insert(place.unit);
            if of_group.len() > rules.bounds(place.group).0
                || !components.insert((side, &hold.component, &hold.csi))
            {
                return Err(format!("one active: at rest {:?}", self.holds.keys()));
            }
        }
        Ok(())
    }
}
