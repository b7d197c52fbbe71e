//! Faults at random, and the properties of extended virtual synchrony
//! ([EVS94]) on what came of it. The simulator does the same to whole nodes.

use super::*;
use crate::random::Random;
use crate::{Guarantee, ViewId};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// What one life of a node was told.
struct Life {
    host: u8,
    told: Vec<Told>,
    alive: bool,
}

/// What a life did between two views.
struct Stay<'a> {
    host: u8,
    view: &'a crate::View,
    /// What was delivered in the regular and in the transitional configuration, in
    /// order.
    delivered: Vec<(u64, NodeId, &'a [u8])>,
    stable: u64,
    /// How many messages were delivered in the regular configuration.
    regular: usize,
    transitional: Option<&'a [NodeId]>,
    next: Option<&'a crate::View>,
}

fn stays(life: &Life) -> Vec<Stay<'_>> {
    let mut stays: Vec<Stay<'_>> = Vec::new();
    for told in &life.told {
        match told {
            Told::View(view) => {
                if let Some(stay) = stays.last_mut() {
                    assert!(view.id.number > stay.view.id.number);
                    assert!(stay.transitional == Some(&view.came_with_me));
                    stay.next = Some(view);
                }
                stays.push(Stay {
                    host: life.host,
                    view,
                    delivered: Vec::new(),
                    stable: 0,
                    regular: 0,
                    transitional: None,
                    next: None,
                });
            }
            Told::Transitional(members) => {
                let stay = stays.last_mut().unwrap();
                stay.regular = stay.delivered.len();
                stay.transitional = Some(members);
            }
            Told::Deliver { number, from, bytes } => {
                let stay = stays.last_mut().unwrap();
                assert!(stay.delivered.last().is_none_or(|last| last.0 < *number));
                stay.delivered.push((*number, *from, bytes));
            }
            Told::Stable(number) => {
                let stay = stays.last_mut().unwrap();
                assert!(stay.stable < *number);
                stay.stable = *number;
            }
        }
    }
    for stay in &mut stays {
        if stay.transitional.is_none() {
            stay.regular = stay.delivered.len();
        }
    }
    stays
}

fn check(lives: &[Life], sent: &BTreeMap<Vec<u8>, (u8, Guarantee, usize)>, seed: u64) {
    let stays: Vec<Stay<'_>> = lives.iter().flat_map(stays).collect();
    let mut by_view: BTreeMap<ViewId, Vec<&Stay<'_>>> = BTreeMap::new();
    for stay in &stays {
        by_view.entry(stay.view.id).or_default().push(stay);
    }
    for (view, stays) in &by_view {
        let mut order: BTreeMap<u64, (NodeId, &[u8])> = BTreeMap::new();
        for stay in stays {
            assert_eq!(stay.view.members, stays[0].view.members, "seed {seed} {view}");
            for &(number, from, bytes) in &stay.delivered {
                let at = order.insert(number, (from, bytes));
                assert!(at.is_none_or(|at| at == (from, bytes)), "seed {seed} {view} {number}");
            }
        }
        for (i, a) in stays.iter().enumerate() {
            for b in &stays[i + 1..] {
                if let (Some(next), Some(other)) = (a.next, b.next)
                    && next.id == other.id
                {
                    assert_eq!(
                        a.delivered, b.delivered,
                        "seed {seed} {view} {} {}",
                        a.host, b.host
                    );
                    assert_eq!(a.regular, b.regular, "seed {seed} {view}");
                    assert_eq!(a.transitional, b.transitional, "seed {seed} {view}");
                }
                // Stable and safe: every member that is alive and installed the view
                // has it.
                for (one, two) in [(a, b), (b, a)] {
                    for (i, message) in one.delivered.iter().enumerate() {
                        let safe = sent[message.2].1 == Guarantee::Safe
                            && (i < one.regular
                                || one.transitional.unwrap().contains(&node(two.host)));
                        let owed = safe || message.0 <= one.stable;
                        assert!(
                            !owed || (two.next.is_none()) || two.delivered.contains(message),
                            "seed {seed} {view}: {} delivered {message:?} with {safe}, not {}",
                            one.host,
                            two.host
                        );
                    }
                }
            }
        }
    }
    for (number, life) in lives.iter().enumerate() {
        let mut once = BTreeSet::new();
        for told in &life.told {
            if let Told::Deliver { bytes, from, .. } = told {
                assert!(once.insert(bytes), "seed {seed}: twice");
                assert_eq!(node(sent[bytes].0), *from);
            }
        }
        if life.alive {
            for (bytes, (_, _, sender)) in sent {
                assert!(*sender != number || once.contains(bytes), "seed {seed}: own is missing");
            }
        }
    }
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let mut net = Net::empty();
    net.random = Random::new(seed);
    net.token = 100;
    net.mtu = 300;
    net.delay = (1 + random.below(4) as u64) * MS / 4;
    let hosts: Vec<u8> = (1..=2 + random.below(4) as u8).collect();
    let mut lives: Vec<Life> = Vec::new();
    let mut life_of: BTreeMap<u8, usize> = BTreeMap::new();
    let mut sent = BTreeMap::new();
    let start =
        |net: &mut Net, host: u8, lives: &mut Vec<Life>, life_of: &mut BTreeMap<u8, usize>| {
            net.start(host);
            life_of.insert(host, lives.len());
            lives.push(Life { host, told: Vec::new(), alive: true });
        };
    for &host in &hosts {
        start(&mut net, host, &mut lives, &mut life_of);
    }
    for step in 0..120 {
        let host = hosts[random.below(hosts.len())];
        match random.below(14) {
            0 if life_of.contains_key(&host) => {
                if random.below(3) == 0 {
                    net.call(host, |ring, now| ring.leave(now));
                }
                net.crash(host);
                net.stopped.remove(&host);
                let life = &mut lives[life_of.remove(&host).unwrap()];
                life.told = std::mem::take(net.told.get_mut(&host).unwrap());
                life.alive = false;
            }
            1 | 2 if !life_of.contains_key(&host) => {
                start(&mut net, host, &mut lives, &mut life_of);
            }
            3 => {
                net.heal();
                let side: Vec<u8> =
                    hosts.iter().copied().filter(|_| random.below(2) == 0).collect();
                let other: Vec<u8> =
                    hosts.iter().copied().filter(|host| !side.contains(host)).collect();
                net.part(&[&side, &other]);
            }
            4 | 5 => net.heal(),
            6 => {
                let other = hosts[random.below(hosts.len())];
                net.cut.insert((host, other));
            }
            7 => net.loss = [0, 1, 5, 20][random.below(4)],
            8 => net.twice = [0, 1, 10][random.below(3)],
            9 if life_of.contains_key(&host) => {
                net.stopped.insert(host);
            }
            10 | 11 => net.stopped.clear(),
            _ => {}
        }
        for _ in 0..random.below(12) {
            let host = hosts[random.below(hosts.len())];
            if let Some(&life) = life_of.get(&host)
                && !net.stopped.contains(&host)
            {
                let guarantee = [Guarantee::Agreed, Guarantee::Safe][random.below(5) / 4];
                let length = if random.below(4) == 0 { random.below(1000) } else { 0 };
                let text = format!("{host}-{step}-{}-{}", sent.len(), "x".repeat(length));
                net.send_as(host, &text, guarantee);
                sent.insert(text.into_bytes(), (host, guarantee, life));
            }
            net.run(random.below(3) as u64 * MS);
        }
        let wait = [1, 5, 30, 150, 400][random.below(5)];
        net.run(wait * MS);
    }
    net.heal();
    net.loss = 0;
    net.twice = 0;
    net.stopped.clear();
    for &host in &hosts {
        if !life_of.contains_key(&host) {
            start(&mut net, host, &mut lives, &mut life_of);
        }
    }
    net.until_view(&hosts, &hosts);
    net.run(2000 * MS);
    for (host, life) in life_of {
        lives[life].told = std::mem::take(net.told.get_mut(&host).unwrap());
    }
    check(&lives, &sent, seed);
}

#[test]
fn whatever_happens_the_order_is_virtually_synchronous() {
    let (first, count) = match std::env::var("SEEDS") {
        Ok(seeds) => {
            seeds.split_once('+').map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap())).unwrap()
        }
        Err(_) => (0, 30),
    };
    for seed in first..first + count {
        if std::env::var("SEEDS").is_ok() {
            println!("seed {seed}");
        }
        play(seed);
    }
}
