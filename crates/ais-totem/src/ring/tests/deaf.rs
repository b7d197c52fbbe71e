//! Members that do not get what others send of the old ring: they are told apart,
//! and recovery ends.

use super::*;
use crate::packet::{Join, Packet, Payload};

fn deaf_ones(net: &Net) -> u64 {
    net.rings.keys().map(|&host| net.counter(host, "gathers-member-deaf")).sum()
}

/// Host 4 leaves, and the others recover. How long it takes until 1 and 2 are in a
/// ring of their own.
fn recover(net: &mut Net) -> u64 {
    net.call(4, |ring, now| ring.leave(now));
    net.until("recovery", |net| {
        [1, 2, 3].iter().all(|host| net.rings[host].status().state == "recovery")
    });
    net.forget();
    net.keep_sent = true;
    let time = net.until_view(&[1, 2], &[1, 2]);
    net.keep_sent = false;
    time
}

/// Some member sends a frame that is too long for a path, and before that shows
/// the next ring is formed.
#[test]
fn a_member_that_gets_no_long_frame_holds_up_no_recovery() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.run(500 * MS);
    net.limit(&[1, 2, 4], &[3], &[Cast::One, Cast::All], 1000);
    let long = "x".repeat(8000);
    net.send(1, &long);
    net.until_texts(&[1, 2, 4], 1);
    let time = recover(&mut net);
    assert!(time <= net.timing().bound(), "{} ms", time / MS);
    assert!(deaf_ones(&net) > 0);
    let frames = net.count_sent(|packet| matches!(packet, Packet::Data(_)));
    assert!(frames < 300, "{frames} frames in {} ms", time / MS);
    for host in [1, 2] {
        assert_eq!(net.views(host).len(), 1, "{host}");
        assert!(net.views(host)[0].why.contains("10.0.0.3"), "{:?}", net.views(host));
    }
    // The path is found out, and a ring formed that keeps to it.
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time <= 2 * TOKEN, "{} ms", time / MS);
    net.send(2, &long);
    let time = net.until_texts(&[1, 2, 3], 1);
    assert!(time <= 100 * MS, "{} ms", time / MS);
}

/// All links are well as far as they can be shown, so it is put out when it is deaf
/// again.
#[test]
fn who_is_deaf_in_the_next_recovery_too_is_put_out() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.run(500 * MS);
    net.lose = Some(Box::new(|_, to, packet| to == 3 && carries(packet, "old")));
    net.send(1, "old");
    net.until_texts(&[1, 2, 4], 1);
    let time = recover(&mut net);
    assert!(time <= 4 * TOKEN, "{} ms", time / MS);
    assert!(deaf_ones(&net) > 1);
    let recovered = |packet: &Packet| {
        let Packet::Data(data) = packet else { return false };
        matches!(data.payload, Payload::Recovered { .. })
    };
    let frames = net.count_sent(recovered);
    assert!((2..100).contains(&frames), "{frames}");
    for host in [1, 2] {
        let views = net.views(host);
        assert_eq!(views.len(), 1, "{host}: {views:?}");
    }
    let whys = [1, 2].map(|host| net.last_view(host).why);
    assert!(whys.iter().any(|why| why.contains("10.0.0.3 does not receive")), "{whys:?}");
    assert!(whys.iter().all(|why| why.contains("10.0.0.3")), "{whys:?}");
    // Nobody has to give it that frame any more.
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time <= 2 * TOKEN, "{} ms", time / MS);
}

/// Host 1 lacks frames that 4 has sent, as all have seen. When 4 has shown its links and
/// then goes on without 1, that is a matter of their link.
#[test]
fn who_lacks_frames_is_failed_on_the_word_of_who_gathers_for_that() {
    for is_first in [true, false] {
        let mut net = Net::of(&[1, 2, 3, 4]);
        let ring = net.last_view(1).id;
        net.run(500 * MS);
        net.lose = Some(Box::new(|_, to, packet| to == 1 && carries(packet, "lost")));
        net.send(4, "lost");
        net.until("a gather", |net| net.rings[&2].status().state == "gather");
        // No ring is formed without HELLOs.
        net.lose = Some(Box::new(move |from, _, packet| {
            matches!(packet, Packet::Hello(_)) || is_first && from == 4
        }));
        net.run(20 * MS);
        net.forget();
        net.keep_sent = true;
        let join = join(ring.number, &[1, 2, 3, 4], &[1], &[2, 3]);
        let join = Join { careful: true, ring: Some(ring), ..join };
        net.inject(4, 2, &Packet::Join(join));
        net.run(60 * MS);
        let last = net.sent.iter().rev().find_map(|(_, from, _, packet)| match packet {
            Packet::Join(join) if *from == 2 => Some(join.failed.clone()),
            _ => None,
        });
        assert_eq!(last, Some(if is_first { nodes(&[1]) } else { vec![] }), "{is_first}");
    }
}
