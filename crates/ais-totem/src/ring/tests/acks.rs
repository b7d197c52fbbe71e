//! A member that sends alone hears from the others that they have what it sent, without
//! the token.

use super::*;
use crate::Guarantee::{self, Acknowledged, Agreed};
use crate::packet::{Ack, Packet};

const LINGER: u64 = MS / 5;

/// A ring whose token is at rest.
fn ring_of(hosts: &[u8], delay: u64) -> Net {
    let mut net = Net::empty();
    net.linger = LINGER;
    net.delay = delay;
    for &host in hosts {
        net.start(host);
    }
    net.until_view(hosts, hosts);
    net.run(1000 * MS);
    net.forget();
    net
}

fn stable(net: &Net, host: u8) -> Option<u64> {
    net.told[&host].iter().rev().find_map(|told| match told {
        Told::Stable(number) => Some(*number),
        _ => None,
    })
}

fn delivered(net: &Net, host: u8) -> Option<u64> {
    net.told[&host].iter().rev().find_map(|told| match told {
        Told::Deliver { number, .. } => Some(*number),
        _ => None,
    })
}

/// Sends a message and waits until it is stable. How long that took.
fn write(net: &mut Net, host: u8, guarantee: Guarantee) -> u64 {
    let before = delivered(net, host);
    net.send_as(host, "a", guarantee);
    net.until("stable", |net| {
        delivered(net, host) > before && stable(net, host) >= delivered(net, host)
    })
}

#[test]
fn who_sends_alone_is_answered_by_acknowledgements() {
    for host in 1..=3 {
        let mut net = ring_of(&[1, 2, 3], MS / 50);
        write(&mut net, host, Acknowledged);
        let tokens = net.counter(host, "tokens");
        let times: Vec<u64> = (0..20).map(|_| write(&mut net, host, Acknowledged)).collect();
        let rotations = net.counter(host, "tokens") - tokens;
        assert!(rotations <= 2, "{rotations} rotations");
        let slow = times.iter().filter(|&&time| time > 2 * net.delay).count();
        assert!(slow <= 2, "not within a frame and its acknowledgement: {times:?}");
        assert!(net.counter(host, "acknowledgements") >= 36);
        assert_eq!(net.counter(host, "acknowledgements-late"), 0);
        net.run(MS);
        assert!((1..=3).all(|host| net.texts(host).len() == 21));
    }
}

/// Acknowledgements only cost where several messages share a rotation, no program
/// waits, or many members would answer.
#[test]
fn nobody_is_asked_where_it_does_not_pay() {
    let asked = |net: &mut Net, guarantee, count| {
        for _ in 0..20 {
            (0..count).for_each(|_| net.send_as(1, "a", guarantee));
            net.run(MS);
        }
        net.counter(1, "acknowledgements")
    };
    assert!(asked(&mut ring_of(&[1, 2, 3], MS / 50), Acknowledged, 1) > 0);
    assert_eq!(asked(&mut ring_of(&[1, 2, 3], MS / 50), Acknowledged, 2), 0);
    assert_eq!(asked(&mut ring_of(&[1, 2, 3], MS / 50), Agreed, 1), 0);
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    (0..3).for_each(|_| net.send_as(1, "a", Acknowledged));
    net.run(MS);
    for count in [0, 2] {
        for _ in 0..8 {
            write(&mut net, 1, Acknowledged);
        }
        assert_eq!(net.counter(1, "acknowledgements").min(2), count, "there were several writers");
    }
    let many: Vec<u8> = (1..=17).collect();
    assert!(asked(&mut ring_of(&many[..16], MS / 50), Acknowledged, 1) > 0);
    assert_eq!(asked(&mut ring_of(&many, MS / 50), Acknowledged, 1), 0);
}

#[test]
fn who_does_not_answer_is_waited_for_ever_less_often() {
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    net.lose = Some(Box::new(|from, _, packet| from == 3 && matches!(packet, Packet::Ack(_))));
    for writes in [8, 120, 128] {
        for _ in 0..writes {
            write(&mut net, 1, Acknowledged);
        }
    }
    let late = net.counter(1, "acknowledgements-late");
    assert!((7..=10).contains(&late), "{late} of 256 writes waited in vain");
    net.lose = None;
    for _ in 0..80 {
        write(&mut net, 1, Acknowledged);
    }
    assert_eq!(net.counter(1, "acknowledgements-late"), late);
    let tokens = net.counter(1, "tokens");
    for _ in 0..20 {
        write(&mut net, 1, Acknowledged);
    }
    assert!(net.counter(1, "tokens") <= tokens + 4, "it answers again, and is waited for");
}

/// The token stays until they come, however long that takes.
#[test]
fn who_is_far_away_is_waited_for() {
    let mut net = ring_of(&[1, 2, 3], 4 * MS);
    for _ in 0..20 {
        write(&mut net, 1, Acknowledged);
    }
    assert_eq!(net.counter(1, "acknowledgements-late"), 0);
    assert!(net.counter(1, "acknowledgements") >= 20);
}

#[test]
fn a_lost_frame_or_acknowledgement_is_made_good_without_the_token() {
    for of_ack in [false, true] {
        let mut net = ring_of(&[1, 2, 3], MS / 50);
        write(&mut net, 1, Acknowledged);
        let mut lost = false;
        net.lose = Some(Box::new(move |from, to, packet| {
            let is_it = match packet {
                Packet::Ack(_) => of_ack && from == 3,
                packet => !of_ack && to == 3 && carries(packet, "a"),
            };
            let loses = is_it && !lost;
            lost |= loses;
            loses
        }));
        let tokens = net.counter(2, "tokens");
        let time = write(&mut net, 1, Acknowledged);
        assert!(time < MS, "{time} ns");
        assert!(net.counter(2, "tokens") <= tokens + 1);
        assert_eq!(net.counter(1, "frames-retransmitted"), 1, "to who had not answered");
        assert_eq!(net.counter(1, "acknowledgements-late"), 0);
    }
}

/// Members are still busy with it, and it would be sent again in vain.
#[test]
fn late_acknowledgements_of_several_frames_are_left_to_a_token_that_is_quick() {
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    write(&mut net, 1, Acknowledged);
    net.lose = Some(Box::new(|from, _, packet| from == 3 && matches!(packet, Packet::Ack(_))));
    let before = delivered(&net, 1);
    net.send_as(1, &"x".repeat(20 * 1300), Acknowledged);
    let time = net
        .until("stable", |net| delivered(net, 1) > before && stable(net, 1) >= delivered(net, 1));
    assert!(time < MS, "{time} ns");
    assert_eq!(net.counter(1, "frames-retransmitted"), 0);
    assert_eq!(net.counter(1, "acknowledgements-late"), 1);
}

#[test]
fn what_a_member_lacks_is_not_acknowledged() {
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    let mut lost = 0;
    net.lose = Some(Box::new(move |_, to, packet| {
        let loses = lost < 2 && to == 3 && carries(packet, "a");
        lost += u32::from(loses);
        loses
    }));
    net.send_as(1, "a", Acknowledged);
    net.until("stable", |net| stable(net, 1).is_some());
    assert_eq!(net.texts(3), ["a"], "all have what is stable");
    assert_eq!(net.counter(1, "acknowledgements-late"), 1, "the token has it sent");
    assert_eq!(net.counter(1, "frames-retransmitted"), 2);
}

/// A member that goes on writing does not keep the others from the token.
#[test]
fn who_has_something_to_send_gets_the_token() {
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    write(&mut net, 1, Acknowledged);
    let tokens = net.counter(2, "tokens");
    for _ in 0..200 {
        write(&mut net, 1, Acknowledged);
    }
    let rotations = net.counter(2, "tokens") - tokens;
    assert!(rotations >= 2, "the others learn what is stable");
    for _ in 0..20 {
        net.send_as(2, "b", Agreed);
        let mut writes = 0;
        while !net.texts(2).contains(&"b".into()) {
            write(&mut net, 1, Acknowledged);
            writes += 1;
        }
        assert!(writes <= 5, "{writes} writes before it");
        net.forget();
        write(&mut net, 1, Acknowledged);
    }
}

#[test]
fn acknowledgements_of_others_do_not_count() {
    let mut net = ring_of(&[1, 2, 3], MS / 50);
    let ring = net.ring(1).status().view.unwrap();
    net.lose = Some(Box::new(|_, to, packet| to == 3 && carries(packet, "a")));
    net.send_as(1, "a", Acknowledged);
    net.until_texts(&[2], 1);
    let aru = u64::MAX >> 16;
    let other = crate::ViewId { number: ring.number + 1, ..ring };
    net.inject(9, 1, &Packet::Ack(Ack { ring, aru, waits: true }));
    net.inject(3, 1, &Packet::Ack(Ack { ring: other, aru, waits: true }));
    net.run(50 * MS);
    assert_eq!(stable(&net, 1), None);
    assert_eq!(net.counter(1, "dropped-other-ring"), 2);
    // There are not as many frames: the ACK would count for all that come.
    net.inject(3, 1, &Packet::Ack(Ack { ring, aru, waits: false }));
    assert_eq!((stable(&net, 1), net.counter(1, "dropped-other-ring")), (None, 3));
    let aru = delivered(&net, 1).unwrap() >> 16;
    net.inject(3, 1, &Packet::Ack(Ack { ring, aru, waits: false }));
    assert!(stable(&net, 1) >= delivered(&net, 1));
    net.lose = None;
    net.run(TOKEN);
    assert_eq!(net.texts(3), ["a"]);
    write(&mut net, 1, Acknowledged);
    assert_eq!(net.texts(3).len(), 2);
}
