//! View numbers that somebody forges: no datagram leaves a cluster without
//! numbers, nor is one reserved that nobody agreed to.

use super::*;
use crate::packet::*;
use crate::{HIGHEST_NUMBER, ViewId};

const LAST: u64 = MAX_VIEW - (1 << 32);
const NUMBERS: [u64; 7] =
    [LAST, LAST - 1, MAX_VIEW, 1 << 62, 1 << 50, HIGHEST_NUMBER + 1, HIGHEST_NUMBER];

fn join_of(number: u64, hosts: &[u8]) -> Packet {
    Packet::Join(join(number, hosts, &[], hosts))
}

fn hello(number: u64, hosts: &[u8]) -> Packet {
    let ring = Some(ViewId { number, representative: node(hosts[0]) });
    let (heard, mutual, reach) = (Vec::new(), Vec::new(), Reach::default());
    Packet::Hello(Hello { ring, members: nodes(hosts), heard, mutual, reach })
}

/// The ring goes on, or forms again soon, and nobody is ever left out.
fn lives_on(net: &mut Net, what: &str) {
    net.run(10 * MS);
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time < TOKEN, "{what}: {} ms", time / MS);
    net.run(2 * TOKEN);
    for host in 1..=3 {
        for view in net.views(host) {
            assert_eq!(view.came_with_me, nodes(&[1, 2, 3]), "{what}: {view:?}");
        }
        net.send(host, "a");
    }
    net.until_texts(&[1, 2, 3], 3);
}

/// Nobody has a number on disk that the ring did not have.
fn nothing_poisoned(net: &Net, what: &str) {
    for host in 1..=3 {
        let reserved = net.reserved(host);
        let number = net.last_view(host).id.number;
        assert!(number <= HIGHEST_NUMBER + 10, "{what}: {number}");
        assert!(reserved <= number + 1000, "{what}: {reserved} for {number}");
    }
}

#[test]
fn one_datagram_with_a_high_number_stops_nobody() {
    let hosts = [1, 2, 3];
    for number in NUMBERS {
        for (from, to) in [(2, 1), (3, 1), (1, 2), (3, 2), (1, 3)] {
            for packet in [join_of(number, &hosts), join_of(number, &[from]), hello(number, &hosts)]
            {
                let what = format!("{number} from {from} to {to}: {packet:?}");
                if matches!(packet, Packet::Hello(_)) && from != 1 {
                    continue;
                }
                let mut net = Net::of(&hosts);
                net.run(500 * MS);
                net.forget();
                net.inject(from, to, &packet);
                net.run(MS);
                net.inject(from, to, &packet);
                lives_on(&mut net, &what);
                net.call(2, |ring, now| ring.refused(now, node(3)));
                net.run(TOKEN);
                nothing_poisoned(&net, &what);
            }
        }
    }
}

/// No such number is taken while the ring is being formed either, where numbers count.
#[test]
fn a_commit_token_with_a_number_that_nobody_has_named_is_not_taken() {
    for number in NUMBERS {
        let mut net = Net::of(&[1, 2, 3]);
        net.run(500 * MS);
        net.forget();
        net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Join(_))));
        for host in 1..=3 {
            net.call(host, |ring, now| ring.refused(now, node(if host == 1 { 2 } else { 1 })));
        }
        let nowhere = OldRing { ring: None, aru: 0, high: 0, safe: 0, obliged: Vec::new() };
        let entry = |host| CommitEntry { node: node(host), old: None };
        let first = CommitEntry { old: Some(nowhere), ..entry(1) };
        let ring = ViewId { number, representative: node(1) };
        let members = vec![first, entry(2), entry(3)];
        net.inject(1, 2, &Packet::Commit(Commit { ring, hop: 1, members, size: 1400 }));
        assert_eq!(net.rings[&2].status().state, "gather", "{number}");
        net.lose = None;
        lives_on(&mut net, &format!("{number}"));
        assert_eq!(net.last_view(1).id.number, 2);
        nothing_poisoned(&net, "commit");
    }
}

/// HELLOs ten times a second, with numbers that can and cannot be.
#[test]
fn hellos_of_newer_rings_keep_nobody_apart() {
    for number in NUMBERS {
        let mut net = Net::of(&[1, 2, 3]);
        net.run(500 * MS);
        let (mut whole, mut looks) = (0, 0);
        for round in 0..800 {
            if round % 10 == 0 {
                for (from, to) in [(2, 1), (1, 2), (1, 3)] {
                    let number = number.saturating_add(round).min(MAX_VIEW);
                    let ring = Some(ViewId { number, representative: node(1) });
                    let (heard, mutual, reach) = (Vec::new(), Vec::new(), Reach::default());
                    let members = nodes(&[1, 2, 3]);
                    let hello = Hello { ring, members, heard, mutual, reach };
                    net.inject(from, to, &Packet::Hello(hello));
                }
            }
            net.run(10 * MS);
            let status = net.rings[&1].status();
            whole += u64::from(status.state == "operational" && status.members.len() == 3);
            looks += 1;
        }
        assert!(whole * 2 > looks, "{number}: {whole} of {looks}");
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
    }
}

/// Numbers of honest nodes differ by far: one counts from 0, one from a clock.
#[test]
fn numbers_of_a_clock_and_of_a_cluster_that_was_driven_up_are_believed() {
    for last in [1 << 31, 1 << 40, HIGHEST_NUMBER, HIGHEST_NUMBER + (1 << 37)] {
        for high in [1, 2, 3] {
            let mut net = Net::empty();
            net.reserve(high, last);
            for host in 1..=3 {
                net.start(host);
            }
            let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
            assert!(time < 2 * TOKEN, "{last} at {high}: {} ms", time / MS);
            assert!(net.last_view(1).id.number > last);
        }
    }
}

/// A forged number in the name of a member does not make its own JOINs old for
/// long.
#[test]
fn a_flood_of_growing_numbers_fails_no_member() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    net.forget();
    for round in 0..400 {
        net.inject(3, 1, &join_of((1 << 40) + round, &[3]));
        net.run(10 * MS);
    }
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    for view in net.views(1) {
        assert_eq!(view.members.len(), 3, "{view:?}");
    }
}
