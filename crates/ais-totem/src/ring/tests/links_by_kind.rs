//! Links that lose one kind of packet, to one node (unicast) or to all (multicast), or
//! both: a node that cannot be in a ring is out of it, and the others stay one view.

use super::*;
use crate::packet::Packet;

const KINDS: [&[Cast]; 3] = [&[Cast::One], &[Cast::All], &[Cast::One, Cast::All]];

/// All is well again: all are in one ring soon.
fn heal(net: &mut Net, all: &[u8], what: &str) {
    net.heal();
    let time = net.until_view(all, all);
    assert!(time <= 2 * TOKEN, "{what}: {} ms", time / MS);
}

/// The receiver says that nothing of this kind comes of the sender.
fn assert_said(net: &Net, cast: Cast, from: u8, to: u8) {
    let kind = match cast {
        Cast::One => "to one node (unicast)",
        Cast::All => "to all nodes (multicast)",
    };
    let sender = node(from);
    let lost = format!("nothing sent {kind} gets from {sender} to this node");
    let problems = net.rings[&to].status().problems;
    let says = |words: &str| problems.iter().any(|problem| problem.what.contains(words));
    assert!(says(&lost), "{problems:?}");
    assert!(says(&format!("{sender} is not let in")), "{problems:?}");
}

#[test]
fn a_node_to_or_from_which_one_kind_has_no_way_is_not_let_in() {
    let (ring, stranger) = ([1, 2, 3], [4]);
    let ways: [(&[u8], &[u8]); 4] =
        [(&stranger, &ring), (&ring, &stranger), (&stranger, &[2]), (&[2], &stranger)];
    for cast in [Cast::One, Cast::All] {
        for (from, to) in ways {
            let what = format!("{cast:?} from {from:?} to {to:?}");
            let mut net = Net::of(&ring);
            net.limit(from, to, &[cast], 0);
            net.run(500 * MS);
            net.start(4);
            net.until_view(&[4], &[4]);
            net.run(30 * TOKEN);
            for host in 1..=4 {
                assert_eq!(net.counter(host, "views"), 1, "{what} at {host}");
            }
            // With one member alone it may not even know of it.
            if from.len().max(to.len()) > 1 {
                assert_said(&net, cast, from[0], to[0]);
            }
            heal(&mut net, &[1, 2, 3, 4], &what);
        }
    }
}

#[test]
fn a_member_to_or_from_which_one_kind_gets_lost_is_out_and_the_others_stay_one_view() {
    let all = [1, 2, 3, 4, 5];
    for bad in [1, 3, 5] {
        let others: Vec<u8> = all.into_iter().filter(|&host| host != bad).collect();
        for casts in KINDS {
            for (from, to) in [(&[bad][..], &others[..]), (&others[..], &[bad][..])] {
                let what = format!("{casts:?} from {from:?} to {to:?}");
                let mut net = Net::of(&all);
                net.run(500 * MS);
                net.forget();
                net.limit(from, to, casts, 0);
                net.send(bad, "a");
                net.send(others[0], "b");
                let time = net.until_view(&others, &others);
                assert!(time <= 2 * TOKEN, "{what}: {} ms", time / MS);
                net.run(20 * TOKEN);
                net.assert_one_view(&others, &what);
                heal(&mut net, &all, &what);
            }
        }
    }
}

#[test]
fn the_largest_set_that_hears_each_other_stays() {
    let cases = [
        (5, vec![(5, 1)], vec![1, 2, 3, 4]),
        (5, vec![(1, 2), (1, 3)], vec![2, 3, 4, 5]),
        (6, vec![(1, 4), (1, 5), (2, 4), (2, 5)], vec![1, 2, 3, 6]),
        (7, vec![(3, 1), (3, 2), (3, 4), (6, 7)], vec![1, 2, 4, 5, 6]),
    ];
    for (count, ways, stay) in &cases {
        for casts in KINDS {
            let what = format!("{casts:?} lost {ways:?}");
            let all: Vec<u8> = (1..=*count).collect();
            let mut net = Net::of(&all);
            net.run(500 * MS);
            net.forget();
            for &(from, to) in ways {
                net.limit(&[from], &[to], casts, 0);
            }
            // A way that is not used may be bad for long.
            net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Token(_))));
            net.until("the token is missed", |net| {
                net.rings.values().any(|ring| ring.status().state == "gather")
            });
            net.lose = None;
            let time = net.until_view(stay, stay);
            assert!(time <= TOKEN, "{what}: {} ms", time / MS);
            net.run(20 * TOKEN);
            net.assert_one_view(stay, &what);
            heal(&mut net, &all, &what);
        }
    }
}
