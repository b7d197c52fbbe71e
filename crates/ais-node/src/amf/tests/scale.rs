//! Many components: what happens to one node is looked at once, and only what
//! it concerns.

use super::model::{Demand, Question};
use super::*;

const NODES: usize = 8;
const COMPONENTS: usize = 5;

/// Groups of so many units, half of them active, on eight nodes in turn. Each
/// unit has an instance for each of its components in common with all.
fn groups(groups: usize, units: usize) -> Vec<Group> {
    let component = |group, unit, of| format!("c{of}_{group}_{unit}");
    let unit = |group, unit| {
        let components = (0..COMPONENTS).map(|of| super::component(&component(group, unit, of)));
        config::Unit::new(name(&format!("u_{group}_{unit}")), components.collect())
    };
    let instance = |group, of| {
        let members = (0..units).map(|unit| name(&component(group, unit, of)));
        protection_group(&format!("pg{of}_{group}"), members.collect())
    };
    let group = |number| Group {
        name: name(&format!("g{number}")),
        model: RedundancyModel::NPlusM,
        active_units: units as u32 / 2,
        backup_units: None,
        units: (0..units).map(|of| unit(number, of)).collect(),
        protection_groups: (0..COMPONENTS).map(|of| instance(number, of)).collect(),
    };
    (0..groups).map(group).collect()
}

struct Scale {
    model: Model,
    units: usize,
    answers: usize,
}

impl Scale {
    /// All components are registered and at work.
    fn new(groups: Vec<Group>) -> Self {
        let names: Vec<Vec<Name>> = groups
            .iter()
            .flat_map(|group| &group.units)
            .map(|unit| unit.components.iter().map(|of| of.name.clone()).collect())
            .collect();
        let model = Model::new(Topology::new(Groups { groups }));
        let mut scale = Self { model, units: names.len(), answers: 0 };
        let mut number = 0;
        for (place, unit) in names.iter().enumerate() {
            for name in unit {
                number += 1;
                let on = node(place % NODES);
                scale.model.register(on, number, name, None, Callbacks::all()).unwrap();
                scale.answer_all();
            }
        }
        scale.model.assert_at_work();
        scale
    }

    /// Everybody answers everything.
    fn answer_all(&mut self) {
        let mut demands = self.model.take_outcome().demands;
        while !demands.is_empty() {
            self.answers += demands.len();
            let mut next = Vec::new();
            for Demand { registration, operation, .. } in demands {
                self.model.answer(registration, operation, true);
                next.append(&mut self.model.take_outcome().demands);
            }
            demands = next;
        }
    }

    /// The first node dies. Gives the work of that alone, and how many
    /// components are told to be active in it.
    fn lose_a_node(&mut self) -> (u64, usize) {
        self.model.work = 0;
        let members = (1..NODES).map(node).collect::<Vec<_>>();
        let view = View {
            id: ais_group::ViewId { number: 2, representative: node(1) },
            came_with_me: members.clone(),
            members,
            joined: Vec::new(),
            left: vec![node(0)],
            why: String::new(),
        };
        self.model.install(&view, true);
        self.model.assert_sound();
        let is_active = |demand: &&Demand| {
            matches!(demand.question, Question::CsiSet { state: HaState::Active, .. })
        };
        let work = self.model.work;
        let outcome = self.model.take_outcome();
        let active = outcome.demands.iter().filter(is_active).count();
        self.model.work = 0;
        self.answers = 0;
        for Demand { registration, operation, .. } in outcome.demands {
            self.model.answer(registration, operation, true);
        }
        self.answer_all();
        (work, active)
    }
}

#[test]
fn the_death_of_a_node_is_one_pass() {
    for (count, units) in [(1, 200), (20, 10), (200, 1)] {
        let mut scale = Scale::new(groups(count, units));
        assert_eq!(scale.units * COMPONENTS, 1000);
        let lost = scale.units / NODES;
        let (work, active) = scale.lose_a_node();
        // All that can be followed is followed at once.
        if units > 1 {
            assert!(active >= lost / 2 * COMPONENTS, "{active} of {lost} units");
        }
        // A unit that goes passes three phases, and each unit of a group that
        // lost one is looked at once for another.
        let bound = (5 * lost + scale.units) as u64;
        assert!(work <= bound, "{work} units looked at, {bound} expected, {count} x {units}");
    }
}

/// Four of five units have work of their own, which the fifth backs.
fn shared(units: usize) -> Vec<Group> {
    let mut group = groups(1, units).remove(0);
    group.active_units = units as u32 * 4 / 5;
    group.protection_groups.clear();
    for unit in (0..units).filter(|unit| unit % 5 != 4) {
        for of in 0..COMPONENTS {
            let members = [unit, unit / 5 * 5 + 4].map(|unit| name(&format!("c{of}_0_{unit}")));
            group.protection_groups.push(ProtectionGroup {
                active_members: Some(1),
                ..protection_group(&format!("pg{of}_{unit}"), members.to_vec())
            });
        }
    }
    vec![group]
}

#[test]
fn shared_work_is_given_out_in_one_pass_too() {
    let mut scale = Scale::new(shared(200));
    let (work, active) = scale.lose_a_node();
    let lost = scale.units / NODES;
    assert!(active >= lost / 2 * COMPONENTS, "{active}");
    let bound = (5 * lost + 3 * scale.units) as u64;
    assert!(work <= bound, "{work} units looked at, {bound} expected");
    // What follows is for each unit that has answered.
    assert!(scale.answers <= 5 * lost * COMPONENTS * 4, "{}", scale.answers);
}

#[test]
fn twice_as_many_are_twice_the_work() {
    let work = |units: usize| Scale::new(groups(units / 10, 10)).lose_a_node().0;
    let (one, two) = (work(200), work(400));
    assert!(two <= 2 * one + 50, "{one}, {two}");
}

#[test]
fn a_proxy_takes_along_whom_it_speaks_for_among_many() {
    let mut scale = Scale::new(groups(20, 10));
    let speaker = scale.model.find(&name("c0_0_0")).unwrap();
    assert_eq!(scale.model.proxied_count(speaker), 0);
    // All of a second unit are spoken for by one of the first, on its node.
    for of in 0..COMPONENTS {
        let other = name(&format!("c{of}_0_8"));
        let id = scale.model.find(&other).unwrap();
        let registration = scale.model.registration(id).unwrap();
        scale.model.handle_gone(&[registration]);
        scale.answer_all();
        let number = 10_000 + of as u64;
        let proxy = name("c0_0_0");
        scale.model.register(node(0), number, &other, Some(&proxy), Callbacks::all()).unwrap();
    }
    scale.answer_all();
    assert_eq!(scale.model.proxied_count(speaker), COMPONENTS);
    let registration = scale.model.registration(speaker).unwrap();
    scale.model.handle_gone(&[registration]);
    scale.answer_all();
    assert_eq!(scale.model.proxied_count(speaker), 0);
    assert!(scale.model.find_registered(&name("c3_0_8")).is_err());
}
