//! How long the datagrams of a ring are, where not all paths carry the longest:
//! the commit token finds it out.

use super::*;
use crate::packet::{Packet, chunk_capacity};

const KINDS: &[Cast] = &[Cast::One, Cast::All];

/// Paths between 2 and 3 carry 1000 bytes, and those between 1 and 4 carry 1300.
fn narrow(net: &mut Net) {
    for (one, other, longest) in [(2, 3, 1000), (1, 4, 1300)] {
        net.limit(&[one], &[other], KINDS, longest);
        net.limit(&[other], &[one], KINDS, longest);
    }
}

/// All of these have frames that fit datagrams of so many bytes, and use them.
fn assert_size(net: &mut Net, hosts: &[u8], size: usize) {
    for &host in hosts {
        assert_eq!(net.rings[&host].core.capacity, chunk_capacity(size), "{host}");
        let problems = net.rings[&host].status().problems;
        let words = format!("packets of the ring have {size} bytes at most instead of {}", net.mtu);
        let is_said = problems.iter().any(|problem| problem.what.contains(&words));
        assert_eq!(is_said, size < net.mtu, "{host}: {problems:?}");
    }
    net.forget();
    net.keep_sent = true;
    for &host in hosts {
        net.send(host, &"x".repeat(5000));
    }
    net.until_texts(hosts, hosts.len());
    net.keep_sent = false;
    let longest = net.sent.iter().filter_map(|(_, _, _, packet)| match packet {
        Packet::Data(data) => Some(data.payload.chunks().len()),
        _ => None,
    });
    assert_eq!(longest.max(), Some(chunk_capacity(size)));
}

/// Host 1 does not know of the path between 2 and 3.
#[test]
fn a_ring_takes_the_size_of_its_narrowest_path() {
    let mut net = Net::empty();
    narrow(&mut net);
    for host in 1..=4 {
        net.start(host);
    }
    let time = net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    assert!(time <= 3 * TOKEN, "{} ms", time / MS);
    net.run(TOKEN);
    assert_size(&mut net, &[1, 2, 3, 4], 972);
    net.run(20 * TOKEN);
    let views = net.counter(1, "views");
    net.run(20 * TOKEN);
    assert_eq!(net.counter(1, "views"), views);
}

#[test]
fn without_the_member_behind_a_narrow_path_datagrams_are_longer_again() {
    let mut net = Net::empty();
    narrow(&mut net);
    for host in 1..=4 {
        net.start(host);
    }
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    net.call(3, |ring, now| ring.leave(now));
    net.until_view(&[1, 2, 4], &[1, 2, 4]);
    assert_size(&mut net, &[1, 2, 4], 1252);
    net.call(4, |ring, now| ring.leave(now));
    net.until_view(&[1, 2], &[1, 2]);
    assert_size(&mut net, &[1, 2], 1400);
}

/// Shorter ones are taken when longer ones had their time in both directions.
#[test]
fn a_path_that_is_narrow_in_one_direction_is_not_taken_for_narrower() {
    for (from, to) in [(&[1, 2][..], &[3][..]), (&[3][..], &[1, 2][..])] {
        let mut net = Net::of(&[1, 2]);
        net.limit(from, to, KINDS, 1300);
        net.start(3);
        let mut least = usize::MAX;
        net.until("all are together", |net| {
            let shortest = net.rings.values().map(|ring| ring.core.capacity).min();
            least = least.min(shortest.unwrap());
            net.rings.values().all(|ring| ring.status().members == nodes(&[1, 2, 3]))
        });
        assert_eq!(least, chunk_capacity(1252), "{from:?} to {to:?}");
        assert_size(&mut net, &[1, 2, 3], 1252);
    }
}

/// The paths are put right while all are in the ring, and then a node comes.
#[test]
fn after_a_repair_the_next_ring_has_longer_datagrams() {
    let mut net = Net::empty();
    narrow(&mut net);
    for host in 1..=4 {
        net.start(host);
    }
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    net.heal();
    net.run(5 * TOKEN);
    net.start(5);
    net.until_view(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]);
    assert_size(&mut net, &[1, 2, 3, 4, 5], 1400);
}

/// A member has sent frames that no path carries any more, and then all keep to
/// shorter ones for a node that is to be let in. Recovery could not send those frames
/// again, so the members have to part first.
#[test]
fn frames_that_no_path_carries_any_more_keep_nobody_in_gather() {
    for delay in [1, 300, 500] {
        let mut net = Net::of(&[1, 2, 3]);
        net.run(500 * MS);
        let all = [1, 2, 3, 4];
        net.limit(&all, &all, KINDS, 1300);
        net.start(4);
        net.run(delay * MS);
        net.send(3, &"x".repeat(5000));
        let time = net.until_view(&all, &all);
        let deaf = net.counter(3, "gathers-member-deaf");
        assert!(deaf <= 1 && time <= 3 * TOKEN, "{delay}: {deaf} gathers, {} ms", time / MS);
        assert_size(&mut net, &all, 1252);
    }
}
