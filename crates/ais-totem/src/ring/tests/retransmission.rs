//! What a member lacks is sent again: by another one if that was in vain, and ever
//! less often.

use super::*;
use crate::packet::Packet;

#[test]
fn what_is_sent_again_in_vain_is_sent_ever_less_often() {
    for hosts in [&[1, 2][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
        let mut net = Net::of(hosts);
        net.run(500 * MS);
        let deaf = hosts.len() as u8;
        net.lose =
            Some(Box::new(move |_, to, packet| to == deaf && matches!(packet, Packet::Data(_))));
        let tokens = net.counter(1, "tokens");
        net.send(1, "a");
        net.until("it is noticed", |net| {
            net.rings.values().any(|ring| ring.status().state != "operational")
        });
        let rotations = net.counter(1, "tokens") - tokens;
        assert!(rotations > 500, "{rotations}");
        let again: u64 = hosts.iter().map(|&host| net.counter(host, "frames-retransmitted")).sum();
        assert!((8..=30).contains(&again), "{hosts:?}: {again} times in {rotations} rotations");
    }
}

#[test]
fn what_one_sends_in_vain_another_sends() {
    for (sender, lacks) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
        let mut net = Net::of(&[1, 2, 3]);
        net.run(500 * MS);
        net.lose = Some(Box::new(move |from, to, packet| {
            (from, to) == (sender, lacks) && matches!(packet, Packet::Data(_))
        }));
        for count in 1..=5 {
            net.send(sender, "a");
            let time = net.until_texts(&[1, 2, 3], count);
            assert!(time < 20 * MS, "{sender} to {lacks}: {} ms", time / MS);
        }
        net.run(TOKEN);
        let other = 6 - sender - lacks;
        assert_eq!(net.counter(other, "frames-retransmitted"), 5, "{sender} to {lacks}");
        assert_eq!(net.counter(1, "views"), 1, "{sender} to {lacks}");
    }
}

/// Nobody else can.
#[test]
fn in_a_ring_of_two_the_same_sends_in_each_rotation() {
    let mut net = Net::of(&[1, 2]);
    net.run(500 * MS);
    let mut count = 0;
    net.lose = Some(Box::new(move |_, to, packet| {
        count += usize::from(to == 2 && matches!(packet, Packet::Data(_)));
        to == 2 && matches!(packet, Packet::Data(_)) && count <= 4
    }));
    let tokens = net.counter(1, "tokens");
    net.send(1, "a");
    net.until_texts(&[2], 1);
    assert_eq!(net.counter(1, "frames-retransmitted"), 4);
    let rotations = net.counter(1, "tokens") - tokens;
    assert!(rotations <= 6, "{rotations}");
}
