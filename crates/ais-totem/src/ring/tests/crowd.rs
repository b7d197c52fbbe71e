//! Many nodes that start at about the same time, on a network that carries only so much.

use super::net::{MS, Net, Switch};
use crate::packet::Packet;

/// Copies of datagrams that the switch carries in a second. Nodes that told all others at
/// once of all that is new have 90 thousand carried, and more the more get lost.
const RATE: u64 = 20_000;

#[test]
fn a_crowd_forms_one_ring_where_a_switch_is_slow() {
    let mut net = Net::empty();
    net.switch = Some(Switch { each: 1000 * MS / RATE, queue: RATE / 20, free_at: 0 });
    let hosts: Vec<u8> = (1..=32).collect();
    for host in &hosts {
        net.start(*host);
        net.run(10 * MS);
    }
    let took = net.until_view(&hosts, &hosts);
    assert!(took < 10_000 * MS, "{} ms", took / MS);
}

#[test]
fn members_greet_a_newcomer_one_after_another() {
    let members: Vec<u8> = (1..=40).collect();
    let mut net = Net::of(&members);
    net.keep_sent = true;
    net.start(99);
    net.run(100 * MS);
    let greetings = net
        .sent
        .iter()
        .filter(|(_, from, _, packet)| *from != 99 && matches!(packet, Packet::Hello(_)));
    let times: Vec<u64> = greetings.map(|(at, ..)| *at).collect();
    let in_one = |start: &u64| times.iter().filter(|at| (*start..start + MS).contains(at)).count();
    let most = times.iter().map(in_one).max().unwrap_or(0);
    assert!(times.len() >= 40, "{} HELLOs", times.len());
    assert!(most <= 32, "{most} of {} HELLOs within a millisecond", times.len());
}
