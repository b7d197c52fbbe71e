//! Links that work one way, or not between all: they do not disturb a ring.

use super::*;
use crate::packet::{Hello, Join, Packet, Reach};

#[test]
fn one_way_links_never_disturb_a_working_ring() {
    for cut in [[(4, 1)].as_slice(), &[(1, 4)], &[(4, 2)], &[(2, 4)], &[(4, 1), (4, 2), (4, 3)]] {
        let mut net = Net::of(&[1, 2, 3]);
        net.cut.extend(cut);
        net.run(500 * MS);
        net.start(4);
        net.until_view(&[4], &[4]);
        net.run(60 * TOKEN);
        for host in 1..=4 {
            assert_eq!(net.counter(host, "views"), 1, "{cut:?} at {host}");
        }
        net.heal();
        let time = net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
        assert!(time < TOKEN, "{cut:?}: {} ms", time / MS);
    }
}

#[test]
fn a_link_that_fails_inside_a_ring_does_not_form_it_anew_for_ever() {
    for cut in [[(3, 1)].as_slice(), &[(1, 3)], &[(1, 3), (3, 1)], &[(2, 3)], &[(4, 2), (2, 4)]] {
        let mut net = Net::of(&[1, 2, 3, 4]);
        net.run(500 * MS);
        net.cut.extend(cut);
        net.run(20 * TOKEN);
        let before: u64 = (1..=4).map(|host| net.counter(host, "views")).sum();
        net.run(60 * TOKEN);
        let after: u64 = (1..=4).map(|host| net.counter(host, "views")).sum();
        assert!(after - before <= 8, "{cut:?}: {} views", after - before);
        for host in 1..=4 {
            assert_eq!(net.rings[&host].status().state, "operational", "{cut:?}");
        }
        net.heal();
        net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    }
}

/// Hosts 1 and 2 have a ring, and so have 3 and 4, which do not hear them.
fn two_rings() -> Net {
    let mut net = Net::empty();
    net.part(&[&[1, 2], &[3, 4]]);
    for host in 1..=4 {
        net.start(host);
    }
    net.until_view(&[1, 2], &[1, 2]);
    net.until_view(&[3, 4], &[3, 4]);
    net
}

/// Rings of which not every member hears every other do not disturb each other.
#[test]
fn rings_that_are_partly_connected_are_tried_ever_less_often() {
    let mut net = two_rings();
    net.heal();
    net.cut.extend([(2, 4), (4, 2)]);
    net.run(40 * TOKEN);
    let before = net.counter(1, "views") + net.counter(3, "views");
    net.run(120 * TOKEN);
    let after = net.counter(1, "views") + net.counter(3, "views");
    assert!(after - before <= 12, "{} views", after - before);
    net.heal();
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
}

/// Host 2 has lost 3 again and again, which 1 has not: damping has 2 wait for much longer.
/// Then all have to show their links. Host 2 may have heard nothing of 3 before that.
#[test]
fn who_a_member_has_met_need_not_wait_at_another_one() {
    for late in [false, true] {
        let mut net = two_rings();
        for _ in 0..8 {
            net.call(2, |ring, now| ring.core.links.damping.lost(now, node(3)));
        }
        net.heal();
        net.lose = Some(Box::new(move |from, to, _| late && (from, to) == (3, 2)));
        net.until("a gather", |net| net.rings[&2].status().state == "gather");
        net.lose = None;
        let ring = net.last_view(1).id;
        let join = join(ring.number, &[1, 2, 3, 4], &[], &[]);
        let join = Packet::Join(Join { careful: true, ring: Some(ring), ..join });
        net.inject(1, 2, &join);
        net.inject(2, 1, &join);
        let time = net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
        assert!(time < TOKEN, "{late}: {} ms", time / MS);
        for host in 1..=4 {
            assert_eq!(net.counter(host, "views"), 2, "{late}: {host}");
        }
    }
}

/// What a stranger calls failed may be a matter of its own links.
#[test]
fn a_stranger_does_not_put_out_a_member_that_answers() {
    let mut net = Net::of(&[1, 2, 3, 5]);
    let join =
        |members: &[u8], failed: &[u8]| Packet::Join(join(1, members, failed, &[1, 2, 3, 5]));
    net.lose = Some(Box::new(|from, _, packet| from == 2 && matches!(packet, Packet::Join(_))));
    net.call(1, |ring, now| ring.refused(now, node(2)));
    net.run(10 * MS);
    for to_one in [true, false] {
        let reach = Reach { to_one, one: 1400, all: 1400, length: 1400 };
        let (members, heard) = (Vec::new(), nodes(&[1, 2, 3, 5]));
        let hello = Hello { ring: None, members, mutual: heard.clone(), heard, reach };
        net.inject(4, 1, &Packet::Hello(hello));
    }
    net.inject(4, 1, &join(&[4], &[]));
    net.inject(4, 1, &join(&[1, 3, 4], &[3]));
    net.keep_sent = true;
    net.run(60 * MS);
    let last = net.sent.iter().rev().find_map(|(_, from, _, packet)| match packet {
        Packet::Join(join) if *from == 1 => Some(join.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.members, last.failed), (nodes(&[1, 2, 3, 4, 5]), nodes(&[])));
    net.lose = None;
    net.until_view(&[1, 2, 3, 5], &[1, 2, 3, 5]);
}

/// A node that comes back from a pause calls the members failed that did not answer it,
/// since they have a ring of their own.
#[test]
fn a_stranger_that_calls_members_failed_is_not_met() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    let join = |failed: &[u8]| Packet::Join(join(1, &[1, 2, 3, 4], failed, &[1, 2, 3]));
    for failed in [[1].as_slice(), &[1, 2], &[1, 2, 3]] {
        net.inject(4, 3, &join(failed));
        net.run(TOKEN / 10);
        assert_eq!(net.rings[&3].status().state, "operational", "{failed:?}");
    }
    // The stranger is not even taken in while the members look for each other.
    net.call(3, |ring, now| ring.refused(now, node(2)));
    net.inject(4, 3, &join(&[1]));
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert_eq!(net.counter(1, "views"), 2);
}

/// [SRP95] 5.1: a member that does not receive is put out, as its aru shows.
#[test]
fn a_member_that_does_not_receive_is_put_out() {
    let mut net = Net::of(&[1, 2, 3]);
    // Frames do not reach 2; everything else does.
    net.lose = Some(Box::new(|_, to, packet| to == 2 && matches!(packet, Packet::Data(_))));
    for i in 0..10 {
        net.send(1, &format!("{i}"));
        net.run(MS);
    }
    let time = net.until_view(&[1, 3], &[1, 3]);
    assert!(time < 2 * TOKEN, "{} ms", time / MS);
    let says = |host| net.last_view(host).why.contains("10.0.0.2 does not receive");
    assert!(says(1) || says(3), "{} {}", net.last_view(1).why, net.last_view(3).why);
    net.run(20 * MS);
    assert_eq!(net.texts(1).len(), 10);
    assert_eq!(net.texts(3).len(), 10);
}
