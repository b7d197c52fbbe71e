//! Forged packets, on which the simulator's attackers live: they are read as packets of
//! the same kind, and each field of each kind is forged now and then.

use super::*;
use crate::fuzz::forge;
use std::collections::{BTreeMap, BTreeSet};

/// The fields of a packet, by name, with what they hold.
fn fields(packet: &Packet) -> BTreeMap<String, String> {
    let (mut fields, mut name) = (BTreeMap::<_, String>::new(), String::new());
    for line in format!("{packet:#?}").lines() {
        let is_field = line.starts_with("        ") && !line[8..].starts_with([' ', '}', ']']);
        if is_field && let Some((field, _)) = line.split_once(':') {
            name = field.trim().into();
        }
        *fields.entry(name.clone()).or_default() += line;
    }
    fields
}

#[test]
fn each_field_of_each_kind_is_forged_and_all_is_read() {
    let nodes: Vec<_> = (1..=5).map(node).collect();
    let mut forged: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut random = Random::new(1);
    for seed in 0..3000 {
        let mut packet = random_packet(seed);
        // Of many members one is mostly forged so that the whole breaks a rule.
        if let Packet::Commit(commit) = &mut packet {
            commit.members.truncate(3);
        }
        let sample = codec(SENDER, "").encode(&packet);
        let original = codec(ME, "").decode(node(SENDER), &sample).unwrap().0;
        let mut below = |bound: u64| random.next() % bound;
        let bytes = forge((node(SENDER), &sample), node(SENDER), &nodes, &mut below).unwrap();
        assert_eq!(bytes[6], sample[6], "the kind stays");
        // What breaks a rule of its kind is not read.
        let packet = match codec(ME, "").decode(node(SENDER), &bytes) {
            Ok((packet, _)) => packet,
            Err(reason) => {
                assert_eq!(reason, Dropped::Malformed);
                continue;
            }
        };
        let mut before = fields(&original);
        // What comes before the fields names the kind.
        let kind = before.remove("").unwrap();
        let (all, changed) = forged.entry(kind).or_default();
        let differ = fields(&packet)
            .into_iter()
            .filter(|(name, now)| before.get(name).is_some_and(|before| before != now));
        changed.extend(differ.map(|(name, _)| name));
        all.extend(before.into_keys());
    }
    assert_eq!(forged.len(), 7, "kinds");
    for (kind, (all, changed)) in forged {
        assert_eq!(changed, all, "kind {kind}");
    }
}
