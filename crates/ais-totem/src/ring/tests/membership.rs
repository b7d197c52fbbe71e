//! Gather and commit: [SRP95] section 5.

use super::*;
use crate::packet::{Join, Packet};

#[test]
fn a_dead_member_is_out_within_the_bound() {
    for token in [30, 300, 1000] {
        let mut net = Net::empty();
        net.token = token;
        net.delay = MS / 20;
        for host in 1..=4 {
            net.start(host);
        }
        net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
        net.run(3000 * MS);
        net.crash(3);
        let time = net.until_view(&[1, 2, 4], &[1, 2, 4]);
        assert!(time < net.timing().bound(), "token {token}: {} ms", time / MS);
        let view = net.last_view(1);
        assert_eq!((view.joined, view.left), (vec![], nodes(&[3])));
        assert_eq!(view.came_with_me, nodes(&[1, 2, 4]));
        let whys = [1, 2, 4].map(|host| net.last_view(host).why);
        let found = "10.0.0.3 did not answer: no token for ";
        assert!(whys.iter().any(|why| why.starts_with(found)), "{whys:?}");
        assert!(whys.iter().all(|why| why.starts_with("10.0.0.3 ")), "{whys:?}");
    }
}

#[test]
fn a_node_joins_quickly() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    net.start(4);
    let time = net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    assert!(time < 50 * MS, "{} ms", time / MS);
    let view = net.last_view(2);
    assert_eq!((view.joined, view.left), (nodes(&[4]), vec![]));
    assert_eq!((view.came_with_me, view.why.as_str()), (nodes(&[1, 2, 3]), "10.0.0.4 joined"));
    assert_eq!(net.last_view(4).joined, nodes(&[1, 2, 3, 4]));
}

#[test]
fn a_member_that_leaves_is_out_at_once() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    net.call(2, |ring, now| ring.leave(now));
    let time = net.until_view(&[1, 3], &[1, 3]);
    assert!(time < 20 * MS, "{} ms", time / MS);
    assert_eq!(net.last_view(1).why, "10.0.0.2 left");
    assert_eq!(net.rings[&2].status().state, "left");
}

#[test]
fn parts_of_a_ring_go_on_and_merge() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.part(&[&[1, 2], &[3, 4]]);
    net.until_view(&[1, 2], &[1, 2]);
    net.until_view(&[3, 4], &[3, 4]);
    net.run(3000 * MS);
    net.heal();
    let time = net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    assert!(time < 500 * MS, "{} ms", time / MS);
    let view = net.last_view(1);
    assert_eq!((view.joined, view.came_with_me), (nodes(&[3, 4]), nodes(&[1, 2])));
    assert_eq!(view.why, "met the ring of 10.0.0.3");
}

#[test]
fn a_node_that_starts_again_left_and_joined() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    net.crash(2);
    net.run(20 * MS);
    net.start(2);
    let time = net.until("restart", |net| {
        [1, 2, 3].iter().all(|host| {
            let status = net.rings[host].status();
            status.state == "operational"
                && status.members == nodes(&[1, 2, 3])
                && status.view == net.rings[&2].status().view
        })
    });
    // The ring has to stand still first, or another machine may have the address.
    assert!(time < 2 * net.timing().hold() + 50 * MS, "{} ms", time / MS);
    let view = net.last_view(1);
    assert_eq!((view.joined, view.left), (nodes(&[2]), nodes(&[2])));
    assert_eq!(view.why, "10.0.0.2 has started again");
}

/// The token comes until it is passed to the node that has started again, and so
/// another machine might have the address.
#[test]
fn a_member_that_starts_again_while_the_token_comes_is_back_within_two_holds() {
    for token in [300, 1000, 5000] {
        for (host, is_busy) in [(1, false), (2, false), (3, false), (1, true), (3, true)] {
            for down in [0, 1, 30, 90] {
                let mut net = Net::empty();
                net.token = token;
                for host in 1..=3 {
                    net.start(host);
                }
                net.until_view(&[1, 2, 3], &[1, 2, 3]);
                net.run(500 * MS);
                if is_busy {
                    (0..50).for_each(|_| net.send(2, &"x".repeat(1000)));
                }
                net.run(MS);
                net.crash(host);
                net.run(down * MS);
                net.start(host);
                let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
                let what = format!("{host} after {down} ms, token {token}, {is_busy}");
                let timing = net.timing();
                let most = 2 * timing.hold() + timing.join() + 10 * MS;
                assert!(time <= most, "{what}: {} ms", time / MS);
                let why = net.last_view(1 + host % 3).why;
                assert_eq!(why, format!("10.0.0.{host} has started again"), "{what}");
            }
        }
    }
}

#[test]
fn a_refused_member_is_out_soon_and_one_that_answers_stays() {
    let mut net = Net::of(&[1, 2, 3]);
    net.crash(2);
    net.call(1, |ring, now| ring.refused(now, node(2)));
    let time = net.until_view(&[1, 3], &[1, 3]);
    assert!(time < net.timing().suspect() + 20 * MS, "{} ms", time / MS);
    assert_eq!(net.last_view(1).why, "nobody listens at 10.0.0.2");
    net.run(1000 * MS);
    net.forget();
    net.call(1, |ring, now| ring.refused(now, node(3)));
    net.until("a view", |net| !net.views(1).is_empty());
    net.run(500 * MS);
    assert_eq!(net.views(1).len(), 1);
    assert_eq!(net.last_view(1).came_with_me, nodes(&[1, 3]));
}

/// Only refusals that are not true are held back.
#[test]
fn members_that_are_killed_one_after_the_other_are_out_soon() {
    let mut net = Net::of(&[1, 2, 3]);
    let start = net.now;
    for host in [2, 3, 2, 3] {
        net.crash(host);
        net.call(1, |ring, now| ring.refused(now, node(host)));
        let other = 5 - host;
        let time = net.until_view(&[1, other], &[1, other]);
        assert!(time < net.timing().suspect() + 20 * MS, "{host}: {} ms", time / MS);
        net.start(host);
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
    }
    assert!(net.now - start < net.timing().refusals());
}

/// A member waits for the commit token of the nodes that agree with it. They may have
/// gone on without it, and the JOINs that said so may be lost.
#[test]
fn who_agreed_and_is_in_another_ring_is_not_waited_for() {
    let mut net = Net::of(&[1, 2]);
    net.lose = Some(Box::new(|from, _, packet| from == 3 && matches!(packet, Packet::Join(_))));
    net.keep_sent = true;
    net.start(3);
    net.until("3 wants to be with the others", |net| {
        let wants = |join: &Join| join.members == nodes(&[1, 2, 3]);
        net.count_sent(|packet| matches!(packet, Packet::Join(join) if wants(join))) > 0
    });
    let agrees = Join {
        careful: false,
        leaving: false,
        number: net.last_view(1).id.number,
        ring: Some(net.last_view(1).id),
        members: nodes(&[1, 2, 3]),
        failed: nodes(&[2]),
        heard: nodes(&[2, 3]),
        mutual: nodes(&[2, 3]),
    };
    net.inject(1, 3, &Packet::Join(agrees));
    net.lose = None;
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
}

#[test]
fn a_member_that_is_asked_to_forms_a_new_ring_with_all() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(10 * MS);
    net.call(2, |ring, now| Engine::form_anew(ring, now, "a replica differs".into()));
    net.run(200 * MS);
    for host in 1..=3 {
        assert_eq!(net.views(host).len(), 2, "host {host}");
        assert_eq!(net.last_view(host).members, nodes(&[1, 2, 3]), "host {host}");
    }
}
