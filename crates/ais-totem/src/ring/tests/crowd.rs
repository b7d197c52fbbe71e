//! Many nodes that start at about the same time, on a network that carries only so much.

use super::net::{MS, Net, Switch};

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
