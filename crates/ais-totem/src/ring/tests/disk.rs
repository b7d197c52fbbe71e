//! A node whose disk keeps no view number steps out of the ring that is formed, and
//! does not keep the others from theirs.

use super::*;
use crate::packet::Packet;

/// The hosts are in a ring of their own, which nothing changes.
fn assert_undisturbed(net: &mut Net, hosts: &[u8], what: &str) {
    net.until_view(hosts, hosts);
    net.run(5 * TOKEN);
    net.forget();
    net.run(60 * TOKEN);
    for &host in hosts {
        assert_eq!(net.views(host), [], "{what} at {host}");
        assert_eq!(net.rings[&host].status().state, "operational", "{what} at {host}");
    }
}

/// The disk of a host answers again: all are in one ring soon.
fn assert_back(net: &mut Net, host: u8, what: &str) {
    net.stuck_disks.clear();
    net.call(host, |ring, now| ring.reserved(now, 2000));
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time <= TOKEN / 2, "{what}: {} ms", time / MS);
}

#[test]
fn a_node_that_starts_with_a_stuck_disk_disturbs_nobody() {
    // No number at all, and one that is too low for the next ring.
    for reserved in [0, 1] {
        let what = format!("{reserved} reserved");
        let mut net = Net::of(&[1, 2]);
        net.run(500 * MS);
        net.stuck_disks.insert(3);
        net.start_with(3, |config| config.reserved = reserved);
        net.run(2 * TOKEN);
        assert_undisturbed(&mut net, &[1, 2], &what);
        assert_eq!(net.counter(3, "views"), 0, "{what}");
        assert_back(&mut net, 3, &what);
    }
}

#[test]
fn a_member_whose_disk_gets_stuck_steps_out_itself() {
    for stuck in 1..=3 {
        let what = format!("{stuck} is stuck");
        let mut net = Net::empty();
        net.stuck_disks.insert(stuck);
        for host in 1..=4 {
            // Enough for the first ring.
            net.start_with(host, |config| config.reserved = 1);
        }
        net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
        net.run(500 * MS);
        net.forget();
        net.keep_sent = true;
        let left_at = net.now;
        net.call(4, |ring, now| ring.leave(now));
        let others: Vec<u8> = (1..=3).filter(|&host| host != stuck).collect();
        let time = net.until_view(&others, &others);
        assert!(time <= net.timing().bound(), "{what}: {} ms", time / MS);
        net.assert_one_view(&others, &what);
        let stepped_out = net.sent.iter().find_map(|(at, from, _, packet)| match packet {
            Packet::Join(join) if *from == stuck && join.failed == nodes(&others) => Some(*at),
            _ => None,
        });
        let most = net.timing().consensus() + 10 * MS;
        // Another one may ask for a new ring just before.
        let is_soon = stepped_out.map_or(stuck != 1, |at| at - left_at <= most);
        assert!(is_soon, "{what}: {stepped_out:?}");
        net.keep_sent = false;
        assert_undisturbed(&mut net, &others, &what);
        assert_back(&mut net, stuck, &what);
    }
}
