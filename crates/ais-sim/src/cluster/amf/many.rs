//! Many components on many nodes: one that dies is followed in one pass.

use super::World;
use crate::cluster::Amf;
use crate::fabric::{Clock, Habits, Network, node_of};
use crate::hazards::Hazards as _;
use crate::plan::{MICROSECOND, MILLISECOND, Plan};
use crate::rng::Rng;
use crate::trace::Trace;
use ais_node::Output;
use ais_node::amf::config::{
    CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel, Unit,
};
use ais_proto::Name;
use ais_proto::admin::Phase;
use ais_proto::amf::{Event, HaState};
use ais_totem::Timing;
use std::collections::{BTreeMap, BTreeSet};

const HOSTS: usize = 8;
const UNITS: usize = 10;
const COMPONENTS: usize = 5;
/// The host that dies.
const VICTIM: usize = 3;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn component_name(group: usize, unit: usize, of: usize) -> Name {
    name(&format!("c{of}_{group}_{unit}"))
}

/// Groups of ten units of five components, half of the units active.
fn groups(count: usize) -> Groups {
    // Nobody hangs here, and heartbeats would be most of what happens.
    let component = |name| Component {
        healthcheck_interval: 3_600_000,
        ..Component::new(name, CapabilityModel::XActive)
    };
    let unit = |group, unit| {
        let components = (0..COMPONENTS).map(|of| component(component_name(group, unit, of)));
        Unit::new(name(&format!("u_{group}_{unit}")), components.collect())
    };
    let instance = |group, of| ProtectionGroup {
        name: name(&format!("pg{of}_{group}")),
        active_members: None,
        members: (0..UNITS).map(|unit| component_name(group, unit, of)).collect(),
    };
    let group = |number| Group {
        name: name(&format!("g{number}")),
        model: RedundancyModel::NPlusM,
        active_units: UNITS as u32 / 2,
        backup_units: None,
        units: (0..UNITS).map(|of| unit(number, of)).collect(),
        protection_groups: (0..COMPONENTS).map(|of| instance(number, of)).collect(),
    };
    Groups { groups: (0..count).map(group).collect() }
}

/// What the death of a node came to.
struct Followed {
    /// Components that were active on it.
    lost: usize,
    /// Components that are told to be active as their node installs the view
    /// without it, before it takes in anything else.
    at_once: usize,
    /// Components that are told so later.
    later: usize,
    /// The most units that a node looked at in that view change, and until
    /// everything rests.
    in_view: u64,
    in_all: u64,
}

impl World {
    /// All units are at work, in turn on eight nodes.
    fn of_many(groups: Groups) -> Result<Self, String> {
        let token = 200;
        let plan = Plan {
            hosts: HOSTS,
            token,
            timing: Timing::from_token(token),
            mtu: 8972,
            linger: 0,
            first_seq: 0,
            faults: Vec::new(),
            spells: 0,
            messages: 0,
            is_sealed: false,
        };
        let habits = Habits {
            unicast: false,
            loops_back: false,
            room: 1 << 20,
            batch: 256,
            disk: MILLISECOND,
        };
        let network = Network::new(HOSTS, 100 * MICROSECOND, 100 * MICROSECOND, true);
        let clocks = vec![Clock { origin: 0, speed: 1_000_000 }; HOSTS];
        let mut world = Self::new(plan, Rng::new(1), network, habits, clocks, Trace(false));
        world.amf = Amf::with(groups);
        world.ballast = 0;
        world.expected_nodes = None;
        (0..HOSTS).for_each(|host| world.start(host));
        world.settle()?;
        let units: Vec<_> =
            world.amf.groups.groups.iter().flat_map(|group| group.units.clone()).collect();
        for (place, unit) in units.into_iter().enumerate() {
            for component in unit.components {
                world.start_process(place % HOSTS, component.name)?;
            }
        }
        world.settle()?;
        Ok(world)
    }

    fn works(&self) -> Vec<u64> {
        let hosts = self.fabric.hosts().iter();
        hosts.map(|of| of.daemon.as_ref().map_or(0, |node| node.amf_work())).collect()
    }

    /// A node dies. What follows is taken step by step.
    fn lose_one(&mut self) -> Result<Followed, String> {
        self.show(0)?;
        let is_lost = |row: &&ais_proto::admin::Component| {
            row.phase == Phase::Active && row.node == Some(node_of(VICTIM))
        };
        let lost = self.amf.shown.iter().filter(is_lost).count();
        let before = self.works();
        self.crash(VICTIM, true);
        let mut follows = BTreeSet::new();
        let mut followed = Followed { lost, at_once: 0, later: 0, in_view: 0, in_all: 0 };
        let end = self.fabric.now + self.plan.tokens(40);
        while !self.fabric.is_over(end) {
            if let Some(act) = self.fabric.step(end)? {
                self.act(act)?;
            }
            let events = self.fabric.take_events();
            let installs: BTreeMap<usize, usize> = events
                .iter()
                .enumerate()
                .filter(|(_, (_, event))| matches!(event, Output::View(_)))
                .map(|(place, (host, _))| (*host, place))
                .collect();
            for (host, event) in &events {
                let Output::Event { code, body, .. } = event else { continue };
                let Ok(Event::CsiSet { state: HaState::Active, .. }) = Event::decode(*code, body)
                else {
                    continue;
                };
                let is_at_once = installs.contains_key(host) && !follows.contains(host);
                *(if is_at_once { &mut followed.at_once } else { &mut followed.later }) += 1;
            }
            for host in installs.into_keys() {
                let work = self.works()[host] - before[host];
                followed.in_view = followed.in_view.max(work);
                follows.insert(host);
            }
            self.take(events)?;
            self.take_events()?;
        }
        if follows.len() != HOSTS - 1 {
            return Err(format!("only {follows:?} have noticed"));
        }
        self.settle()?;
        let works = self.works().into_iter().zip(before);
        followed.in_all = works.map(|(after, before)| after.saturating_sub(before)).max().unwrap();
        Ok(followed)
    }
}

#[test]
fn the_death_of_a_node_with_many_components_is_followed_in_one_pass() {
    let follow = |count| {
        let mut world = World::of_many(groups(count)).unwrap();
        let followed = world.lose_one().unwrap();
        let units = (count * UNITS) as u64;
        let Followed { lost, at_once, later, in_view, in_all } = followed;
        assert!(lost >= count * UNITS / HOSTS / 3 * COMPONENTS, "{lost} active ones are lost");
        // Every one of them has a successor at once, and nobody works later.
        assert_eq!((at_once, later), (lost, 0));
        let gone = units.div_ceil(HOSTS as u64);
        assert!(in_view <= 5 * gone + units, "{in_view} units looked at of {units}");
        (in_view, in_all)
    };
    let (few, many) = (follow(5), follow(20));
    assert!(many.0 <= 4 * few.0 + 50, "in the view change: {few:?}, {many:?}");
    assert!(many.1 <= 4 * few.1 + 50, "until all rests: {few:?}, {many:?}");
}
