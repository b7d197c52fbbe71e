//! Snapshots of the status, and what a bad one can do.

use super::*;
use crate::SNAPSHOT_CHUNK;
use crate::amf::model::{Incoming, Status};

/// A state as its chunks bring it.
pub(super) fn receive(amf: &Amf, chunks: &[Vec<u8>]) -> Incoming {
    let mut incoming = Incoming::new(amf.model.topology());
    for chunk in chunks {
        incoming.take(chunk).unwrap();
    }
    incoming
}

/// A status with everything in it: units in all phases, a proxy, failures,
/// questions that wait for answers, work that waits for a successor, and all
/// that an operator can say, and a displaced process.
pub(super) fn rich() -> Rig {
    let mut group = raid("vwxyz");
    let members = group.protection_groups[0].members.clone();
    group.protection_groups.push(protection_group("pgC", members));
    let mut other = raid("p");
    other.name = name("other");
    for group in &mut other.protection_groups {
        group.name = name(&format!("other_{}", group.name));
    }
    let mut rig = Rig::new(2, vec![group, other]);
    rig.divide(&[&[0], &[1]], false);
    ["a_v@2", "b_v@2"].iter().for_each(|program| rig.start_on(1, program));
    rig.program("a_v@2").conduct = Conduct::Sleeps;
    rig.start(&["a_v", "b_v"]);
    rig.heal(&[&[0], &[1]]);
    rig.start(&["a_w", "b_w", "a_x", "b_x"]);
    rig.start_on(1, "a_z");
    rig.start_on(0, "a_p");
    rig.start_on(0, "b_p");
    rig.open("proxy", 0);
    for (component, proxy) in [("a_y", None), ("b_y", Some(name("a_y")))] {
        let request = Request::Register { component: name(component), proxy };
        assert_eq!(rig.call("proxy", request).0, Ok(()));
    }
    rig.run();
    for component in ["b_v", "a_w"] {
        rig.program(component).conduct = Conduct::Sleeps;
    }
    rig.report("a_w", Recovery::ComponentRestart, 5).unwrap();
    rig.report("b_x", Recovery::NoRecommendation, 30).unwrap();
    rig.kill("a_v");
    rig.run();
    rig.report("a_z", Recovery::NodeSwitchover, 5).unwrap();
    rig.operate(Operation::Shutdown, Target::Node(node(1))).unwrap();
    rig.drain(1);
    rig.operate(Operation::Lock, Target::Unit(name("raid_y"))).unwrap();
    rig.operate(Operation::Shutdown, Target::Group(name("other"))).unwrap();
    let last = rig.nodes[0].amf.show(11, 1).items.remove(0);
    assert_eq!((last.name, last.pending), (name("b_p"), Some(Operation::Shutdown)));
    rig
}

fn chunks(rig: &Rig) -> Vec<Vec<u8>> {
    rig.nodes[0].amf.model.status().freeze()
}

pub(super) fn digest(status: &Status) -> u64 {
    let mut digest = Digest::default();
    status.digest(&mut digest);
    digest.value()
}

#[test]
fn a_status_comes_back() {
    let rig = rich();
    let (status, is_complete) = receive(&rig.nodes[0].amf, &chunks(&rig)).finish();
    assert!(is_complete);
    assert_eq!(digest(&status), rig.digest(0));
    assert_eq!(format!("{status:?}"), format!("{:?}", rig.model().status()));
}

#[test]
fn a_large_status_comes_in_chunks() {
    let groups = (0..500).map(|number| {
        let mut group = raid("xy");
        let rename = |of: &Name| name(&format!("{number}_{of}"));
        group.name = rename(&group.name);
        for unit in &mut group.units {
            unit.name = rename(&unit.name);
            for component in &mut unit.components {
                component.name = rename(&component.name);
            }
        }
        for protection_group in &mut group.protection_groups {
            protection_group.name = rename(&protection_group.name);
            protection_group.members = protection_group.members.iter().map(rename).collect();
        }
        group
    });
    let mut amf = Amf::new(node(0), node_name(0), Groups { groups: groups.collect() });
    for number in 0..1000 {
        let component = name(&format!("{}_{}_x", number / 2, ["a", "b"][number % 2]));
        amf.model.register(node(0), number as u64, &component, None, Callbacks::all()).unwrap();
    }
    let chunks = amf.model.status().freeze();
    assert!(chunks.len() > 1);
    assert!(chunks.iter().all(|chunk| chunk.len() <= SNAPSHOT_CHUNK));
    assert_eq!(digest(&receive(&amf, &chunks).finish().0), digest(amf.model.status()));
}

#[test]
fn damaged_chunks_do_no_harm() {
    let rig = rich();
    let chunks = chunks(&rig);
    let is_taken = |chunk: &[u8]| {
        let mut incoming = Incoming::new(rig.model().topology());
        let result = incoming.take(chunk);
        result.is_ok().then(|| incoming.finish())
    };
    let whole = &chunks[0];
    assert!(is_taken(whole).unwrap().1);
    for length in 0..whole.len() {
        assert!(is_taken(&whole[..length]).is_none_or(|(_, is_complete)| !is_complete));
    }
    for (place, value) in (0..whole.len()).flat_map(|place| [(place, 0xff), (place, 1)]) {
        let mut damaged = whole.clone();
        damaged[place] ^= value;
        let Some((status, _)) = is_taken(&damaged) else { continue };
        // Whatever it says now, it can be put together with another.
        let sides = [(vec![node(0)], rig.model().status().clone()), (vec![node(0)], status)];
        rig.model().clone().merge(sides.to_vec());
        rig.model().clone().merge(sides.into_iter().rev().collect());
    }
    let twice: Vec<_> = [&whole[..], &whole[..]].concat();
    assert!(is_taken(&twice).is_none());
    for bytes in [&[0][..], &[2, 0, 0, 0, 0, 0], &[5], &[9], &[7, 0, 0, 0, 0], &[8, 1], &[9, 1]] {
        assert!(is_taken(bytes).is_none());
    }
}
