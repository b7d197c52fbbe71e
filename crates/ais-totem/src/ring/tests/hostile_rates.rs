//! What a flood of forged packets may have a member do.

use super::*;
use crate::packet::*;
use crate::{Destination, ViewId};
use ais_wire::NodeId;

fn join_of(number: u64, members: &[u8]) -> Join {
    join(number, members, &[], &[1, 2, 3])
}

/// Fifty packets a second for eight seconds, to host 1. How many views there
/// were, and for how much of the time host 1 was in a ring of all.
fn flood(mut packet: impl FnMut(u64) -> (u8, Packet)) -> (Net, usize, u64) {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.forget();
    let mut whole = 0;
    for round in 0..400 {
        let (from, packet) = packet(round);
        net.inject(from, 1, &packet);
        net.run(20 * MS);
        let status = net.rings[&1].status();
        whole += u64::from(status.state == "operational" && status.members.len() == 3);
    }
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    let views = (1..=3).map(|host| net.views(host).len()).max().unwrap();
    net.forget();
    net.send(1, "a");
    net.until_texts(&[1, 2, 3], 1);
    (net, views, whole / 4)
}

#[test]
fn forged_joins_of_a_member_bring_about_a_ring_a_second() {
    for members in [&[1, 2, 3][..], &[3], &[2, 3]] {
        for number in [1 << 40, 1] {
            let (net, views, whole) =
                flood(|round| (3, Packet::Join(join_of(number + round, members))));
            assert!(views <= 15, "{views} views with {members:?} from {number}");
            assert!(whole >= 50, "{whole} % with {members:?} from {number}");
            assert!(net.counter(1, "dropped-gathers-too-often") > 0);
        }
    }
}

/// The node is back within the consensus timeout, and then not believed to leave.
#[test]
fn forged_leaves_put_a_node_out_once() {
    let (_, views, whole) = flood(|round| {
        let failed = nodes(&[3]);
        (
            3,
            Packet::Join(Join {
                careful: false,
                leaving: true,
                failed,
                ..join_of((1 << 40) + round, &[1, 2, 3])
            }),
        )
    });
    assert!(views <= 15, "{views} views");
    assert!(whole >= 50, "{whole} %");
}

#[test]
fn forged_hellos_bring_about_a_ring_a_second() {
    let (_, views, whole) = flood(|round| {
        let ring = Some(ViewId { number: (1 << 40) + round, representative: node(2) });
        let (heard, mutual, reach) = (Vec::new(), Vec::new(), Reach::default());
        (2, Packet::Hello(Hello { ring, members: nodes(&[2, 3]), heard, mutual, reach }))
    });
    assert!(views <= 15, "{views} views");
    assert!(whole >= 50, "{whole} %");
}

/// Strangers are answered once each, but only so many in a second.
#[test]
fn strangers_without_end_are_greeted_within_a_bound() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.keep_sent = true;
    net.sent.clear();
    let (heard, mutual, reach) = (Vec::new(), Vec::new(), Reach::default());
    let hello = Hello { ring: None, members: Vec::new(), heard, mutual, reach };
    for round in 0..20_u8 {
        for host in 10..250_u8 {
            net.inject_at(
                NodeId::new([10, 0, 1 + round, host].into()),
                1,
                &Packet::Hello(hello.clone()),
            );
        }
        net.run(50 * MS);
    }
    let greetings = net.sent.iter().filter(|(_, from, to, packet)| {
        *from == 1 && matches!(to, Destination::One(_)) && matches!(packet, Packet::Hello(_))
    });
    let count = greetings.count();
    assert!((MAX_MEMBERS..7 * MAX_MEMBERS).contains(&count), "{count}");
    assert_eq!(net.counter(1, "views"), 1);
}

/// Many that start one after the other are each let in at once.
#[test]
fn nodes_that_start_one_after_the_other_are_not_held_up() {
    let mut net = Net::of(&[1]);
    net.run(1000 * MS);
    for host in 2..=20 {
        net.start(host);
        let all: Vec<u8> = (1..=host).collect();
        let time = net.until_view(&all, &all);
        assert!(time < 100 * MS, "{host}: {} ms", time / MS);
    }
}
