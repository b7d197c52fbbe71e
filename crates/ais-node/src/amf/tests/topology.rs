//! Ids and the status do not depend on the order of groups.conf.

use super::snapshots::{digest, rich};
use super::*;
use crate::amf::model::Incoming;
use crate::amf::topology::ComponentId;
use std::rc::Rc;

/// The same file with everything the other way round.
fn reversed(mut groups: Vec<Group>) -> Vec<Group> {
    groups.reverse();
    for group in &mut groups {
        group.units.reverse();
        group.units.iter_mut().for_each(|unit| unit.components.reverse());
        group.protection_groups.reverse();
        group.protection_groups.iter_mut().for_each(|of| of.members.reverse());
    }
    groups
}

#[test]
fn ids_come_of_names_alone() {
    let groups = vec![raid("xyz")];
    let one = Topology::new(Groups { groups: groups.clone() });
    let other = Topology::new(Groups { groups: reversed(groups) });
    assert_ne!(one.fingerprint(), other.fingerprint());
    let (first, last) = (name("a_x"), name("b_z"));
    for component in [&first, &last] {
        let id = one.components.find(component).unwrap();
        assert_eq!(other.components.find(component), Some(id));
        assert_eq!(one.components[id].config, other.components[id].config);
        assert_eq!(one.group_of(id), other.group_of(id));
    }
    let places = [&one, &other].map(|of| of.components.place(of.components.find(&first).unwrap()));
    assert_eq!(places, [0, 5]);
    assert_eq!(one.components.ids().next(), one.components.find(&first));
    assert_eq!(other.components.ids().next(), other.components.find(&last));
    assert_eq!(one.instances.find(&name("pgA")), other.instances.find(&name("pgA")));
    assert_eq!(one.units.find(&name("raid_x")), other.units.find(&name("raid_x")));
    assert_eq!(one.components.find(&name("raid_x")), None);
}

#[test]
fn names_with_one_digest_have_different_ids() {
    // The parser lets no name come twice.
    let twice = config::Unit::new(name("raid_x"), vec![component("a_x"), component("a_x")]);
    let group = Group { units: vec![twice], protection_groups: Vec::new(), ..raid("x") };
    let topology = Topology::new(Groups { groups: vec![group] });
    let ids: Vec<ComponentId> = topology.components.ids().collect();
    assert_eq!(ids[1], ComponentId(ids[0].0.wrapping_add(1)));
    assert_eq!(topology.units[topology.units.find(&name("raid_x")).unwrap()].components, ids);
}

#[test]
fn a_status_does_not_depend_on_the_order_of_the_file() {
    let rig = rich();
    let topology = Rc::new(Topology::new(Groups { groups: reversed(rig.groups.groups.clone()) }));
    let mut incoming = Incoming::new(&topology);
    for chunk in rig.nodes[0].amf.model.status().freeze() {
        incoming.take(&chunk).unwrap();
    }
    let (status, is_complete) = incoming.finish();
    assert!(is_complete);
    assert_eq!(digest(&status), rig.digest(0));
}
