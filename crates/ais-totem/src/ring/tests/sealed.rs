//! A ring whose datagrams are sealed: with whom it forms, what strangers and recordings
//! do, and keys that change. What the seals themselves hold is tested in `ais-seal`.

use super::*;
use crate::{Command, Config, Destination, KeyStatus, Ring, Sealing, Timing};
use ais_seal::{Key, KeyId, Keys};
use ais_wire::{Name, NodeId};
use std::collections::BTreeMap;

fn keys(ids: &[u32]) -> Keys {
    let line = |id: &u32| format!("{}\n", *Key::new(KeyId(*id), [*id as u8; 32]).to_line());
    Keys::parse(&ids.iter().map(line).collect::<String>()).unwrap()
}

/// Rings on a network that keeps what it carries.
struct Wire {
    now: u64,
    rings: BTreeMap<u8, Ring>,
    recorded: Vec<(u8, Destination, Vec<u8>)>,
    starts: u8,
}

impl Wire {
    /// Hosts with these keys, or none.
    fn of(hosts: &[(u8, &[u32])]) -> Self {
        let mut wire =
            Self { now: 1_000 * MS, rings: BTreeMap::new(), recorded: Vec::new(), starts: 0 };
        hosts.iter().for_each(|(host, ids)| wire.start(*host, ids));
        wire
    }

    fn start(&mut self, host: u8, ids: &[u32]) {
        self.starts += 1;
        let cluster = Name::try_from("test").unwrap();
        let sealing = (!ids.is_empty()).then(|| {
            Box::new(Sealing { keys: keys(ids), random: [self.starts; 32], has_aes: true })
        });
        let config = Config {
            reserved: 1000,
            incarnation: self.starts.into(),
            sealing,
            ..Config::new(node(host), cluster, Timing::from_token(300))
        };
        self.rings.insert(host, Ring::new(config, self.now));
    }

    /// Lets so many milliseconds pass.
    fn run(&mut self, time: u64) {
        for _ in 0..time {
            self.now += MS;
            for host in self.rings.keys().copied().collect::<Vec<_>>() {
                self.rings.get_mut(&host).unwrap().handle_timeout(self.now);
            }
            // What is sent brings about more.
            for _ in 0..4 {
                self.carry();
            }
        }
    }

    fn carry(&mut self) {
        let mut sent: Vec<(u8, Destination, Vec<u8>)> = Vec::new();
        for (host, ring) in &mut self.rings {
            while let Some(command) = ring.poll_command() {
                if let Command::Send { to, bytes } = command {
                    sent.push((*host, to, bytes.to_vec()));
                }
            }
            while ring.poll_output().is_some() {}
        }
        for (from, to, bytes) in sent {
            self.play(from, to, &bytes);
            self.recorded.push((from, to, bytes));
        }
    }

    fn play(&mut self, from: u8, to: Destination, bytes: &[u8]) {
        for (host, ring) in &mut self.rings {
            let is_for = matches!(to, Destination::All) || to == Destination::One(node(*host));
            if is_for && *host != from {
                ring.handle_packet(self.now, node(from), bytes);
            }
        }
    }

    fn members(&self, host: u8) -> Vec<NodeId> {
        self.rings[&host].status().members
    }

    fn counter(&self, host: u8, name: &str) -> u64 {
        let counters = self.rings[&host].status().counters;
        counters.into_iter().find(|(of, _)| *of == name).unwrap().1
    }

    fn problems(&self, host: u8) -> Vec<String> {
        self.rings[&host].status().problems.into_iter().map(|problem| problem.what).collect()
    }

    fn use_keys(&mut self, host: u8, ids: &[u32]) -> Result<(), String> {
        let used = self.rings.get_mut(&host).unwrap().use_keys(self.now, keys(ids));
        self.run(5);
        used
    }
}

#[test]
fn those_with_the_same_key_form_a_ring_and_the_others_are_named() {
    let mut wire = Wire::of(&[(1, &[7]), (2, &[7]), (3, &[8]), (4, &[])]);
    wire.run(3000);
    assert_eq!(wire.members(1), nodes(&[1, 2]));
    assert_eq!(wire.members(2), nodes(&[1, 2]));
    assert_eq!(wire.members(3), nodes(&[3]));
    assert_eq!(wire.members(4), nodes(&[4]));
    assert_eq!(wire.counter(1, "views"), 1);
    let says = |host, words: &[&str]| {
        let problems = wire.problems(host);
        let is_it = |said: &String| words.iter().all(|word| said.contains(word));
        assert!(problems.iter().any(is_it), "{host}: {problems:?}");
    };
    says(1, &["10.0.0.3", "key 00000008", "00000007"]);
    says(1, &["10.0.0.4", "not sealed", "key 00000007"]);
    says(3, &["10.0.0.1", "key 00000007", "00000008"]);
    says(4, &["10.0.0.1", "key 00000007", "no key"]);
}

/// Somebody has recorded how the nodes met and parted, and plays it back when all of
/// them have started again.
#[test]
fn a_recording_of_a_whole_life_does_nothing() {
    let all: [(u8, &[u32]); 3] = [(1, &[7]), (2, &[7]), (3, &[7])];
    let mut wire = Wire::of(&all);
    wire.run(1000);
    assert_eq!(wire.members(1), nodes(&[1, 2, 3]));
    wire.rings.get_mut(&3).unwrap().leave(wire.now);
    wire.run(1000);
    assert_eq!(wire.members(1), nodes(&[1, 2]));
    let recorded = std::mem::take(&mut wire.recorded);
    let mut wire = Wire { starts: wire.starts, now: wire.now, ..Wire::of(&[]) };
    all.iter().for_each(|(host, ids)| wire.start(*host, ids));
    wire.run(1000);
    assert_eq!(wire.members(1), nodes(&[1, 2, 3]));
    let before = wire.counter(1, "dropped-unproven");
    let count = recorded.len() as u64;
    for (place, (from, to, bytes)) in recorded.into_iter().enumerate() {
        wire.play(from, to, &bytes);
        if place.is_multiple_of(3) {
            wire.run(1);
        }
    }
    wire.run(1000);
    for host in 1..=3 {
        assert_eq!(wire.members(host), nodes(&[1, 2, 3]));
        assert_eq!(wire.counter(host, "views"), 1, "host {host}");
        assert_eq!(wire.counter(host, "gathers-leave"), 0, "host {host}");
    }
    assert!(wire.counter(1, "dropped-unproven") > before, "{count} were played");
    // And what they have sent in this life.
    let recorded = std::mem::take(&mut wire.recorded);
    recorded.iter().for_each(|(from, to, bytes)| wire.play(*from, *to, bytes));
    wire.run(1000);
    assert_eq!(wire.counter(2, "views"), 1);
    assert!(wire.counter(2, "dropped-replayed") > 0);
}

#[test]
fn a_step_that_would_leave_a_member_out_is_refused() {
    let mut wire = Wire::of(&[(1, &[7]), (2, &[7])]);
    wire.run(1000);
    assert_eq!(wire.members(1), nodes(&[1, 2]));
    let refused = wire.use_keys(1, &[8, 7]).unwrap_err();
    assert!(refused.contains("10.0.0.2 does not accept key 00000008"), "{refused}");
    assert_eq!(wire.use_keys(1, &[7, 8]), Ok(()));
    assert_eq!(wire.use_keys(2, &[7, 8]), Ok(()));
    assert_eq!(wire.use_keys(1, &[8, 7]), Ok(()));
    let refused = wire.use_keys(1, &[8]).unwrap_err();
    assert!(refused.contains("10.0.0.2 seals with key 00000007"), "{refused}");
    assert_eq!(wire.use_keys(2, &[8, 7]), Ok(()));
    assert_eq!(wire.use_keys(1, &[8]), Ok(()));
    assert_eq!(wire.use_keys(2, &[8]), Ok(()));
    let KeyStatus { own, others } = wire.rings[&1].keys().unwrap();
    assert_eq!((own, others.len()), (vec![KeyId(8)], 1));
    assert_eq!((others[0].uses, &others[0].accepts[..]), (KeyId(8), &[KeyId(8)][..]));
    wire.run(1000);
    assert_eq!((wire.members(1), wire.counter(1, "views")), (nodes(&[1, 2]), 1));
    let mut clear = Wire::of(&[(3, &[])]);
    assert!(clear.use_keys(3, &[7]).unwrap_err().contains("without a key"));
}
