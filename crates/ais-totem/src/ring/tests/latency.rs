//! Links that take long or lose packets: how long a writer waits, and how often
//! what got lost is sent again.

use super::*;
use crate::Destination;
use crate::Guarantee::Acknowledged;
use crate::packet::Packet;

/// A ring whose links take so long.
fn ring_of(hosts: &[u8], one_way: u64) -> Net {
    let mut net = Net::empty();
    net.linger = MS / 20;
    (net.delay, net.steady) = (one_way, true);
    for &host in hosts {
        net.start(host);
    }
    net.until_view(hosts, hosts);
    net
}

/// How long each of so many writes of a host takes, one after the other, on
/// which it thinks for a while.
fn writes(net: &mut Net, host: u8, count: usize) -> Vec<u64> {
    let mut number = |_| {
        let think = net.random.next() % (MS / 10);
        net.run(think);
        net.forget();
        net.send_as(host, "a", Acknowledged);
        net.until("stable", |net| {
            let numbers = net.told[&host].iter().filter_map(|told| match told {
                Told::Deliver { number, .. } => Some(*number),
                _ => None,
            });
            let delivered = numbers.max();
            let stable = |told: &Told| matches!(told, Told::Stable(all) if Some(*all) >= delivered);
            delivered.is_some() && net.told[&host].iter().any(stable)
        })
    };
    (0..count).map(&mut number).collect()
}

fn mean(times: &[u64]) -> u64 {
    times.iter().sum::<u64>() / times.len() as u64
}

#[test]
fn a_lone_writer_waits_for_a_rotation_and_a_fifth_at_most() {
    for hosts in [&[1, 2][..], &[1, 2, 3], &[1, 2, 3, 4, 5, 6, 7]] {
        for one_way in [MS / 10, MS, 5 * MS, 20 * MS, 50 * MS] {
            for (host, steady) in [(1, true), (2, true), (1, false), (2, false)] {
                let mut net = ring_of(hosts, one_way);
                // The mean is the same, but what is sent first may come last.
                (net.delay, net.steady) =
                    if steady { (one_way, true) } else { (one_way * 4 / 3, false) };
                writes(&mut net, host, 10);
                let mean = mean(&writes(&mut net, host, 60));
                let (rotation, most) = (hosts.len() as u64 * one_way, if steady { 12 } else { 15 });
                let those = format!("host {host} of {hosts:?}, {one_way} ns one way, {steady}");
                assert!(mean * 10 <= rotation * most, "{those}: {mean} instead of {rotation} ns");
                assert_eq!(net.counter(host, "views"), 1, "{those}");
            }
        }
    }
}

#[test]
fn a_ring_says_how_long_the_token_takes_to_go_round() {
    for one_way in [MS / 10, 5 * MS] {
        let mut net = ring_of(&[1, 2, 3], one_way);
        writes(&mut net, 1, 20);
        let rotation = net.rings[&1].round_trip();
        assert!((3 * one_way..4 * one_way).contains(&rotation), "{rotation} ns, {one_way} one way");
    }
}

#[test]
fn loss_costs_a_writer_little_of_its_rate() {
    for one_way in [MS / 50, MS / 10, MS, 10 * MS] {
        for host in [1, 2] {
            let mut net = ring_of(&[1, 2, 3], one_way);
            writes(&mut net, host, 10);
            let clean = mean(&writes(&mut net, host, 200)) + MS / 20;
            for (percent, factor) in [(1, 2), (5, 4)] {
                net.loss = percent;
                let lossy = mean(&writes(&mut net, host, 500)) + MS / 20;
                let those = format!("host {host}, {percent} %, {one_way} ns one way");
                assert!(lossy <= factor * clean, "{those}: {lossy} instead of {clean} ns");
            }
        }
    }
}

/// The times at which a host sent tokens to another.
fn tokens(net: &Net, from: u8, to: u8) -> Vec<u64> {
    let sent = net.sent.iter().filter(|(_, sender, destination, packet)| {
        *sender == from
            && *destination == Destination::One(node(to))
            && matches!(packet, Packet::Token(_))
    });
    sent.map(|(at, ..)| *at).collect()
}

#[test]
fn a_token_that_nobody_takes_is_sent_ever_less_often() {
    for one_way in [MS / 50, MS] {
        let mut net = ring_of(&[1, 2, 3], one_way);
        net.run(20 * MS);
        net.send(2, "a");
        net.until_texts(&[1, 2, 3], 1);
        net.forget();
        net.keep_sent = true;
        net.lose = Some(Box::new(|_, to, packet| to == 3 && matches!(packet, Packet::Token(_))));
        net.until("the ring is given up", |net| {
            [1, 2, 3].iter().any(|host| net.rings[host].status().state != "operational")
        });
        let sent = tokens(&net, 2, 3);
        let gaps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let most = net.timing().retransmit();
        assert!(gaps[0] < 12 * one_way + 3 * MS, "{gaps:?}");
        let grows = |pair: &[u64]| pair[1] >= (2 * pair[0]).min(most);
        assert!(gaps.windows(2).skip(1).all(grows), "{gaps:?}");
        assert!(sent.len() as u64 <= 8 + TOKEN / most, "{} times", sent.len());
    }
}

/// The one before it, which knows that the token does not rest, says so.
#[test]
fn an_idle_token_that_is_lost_is_soon_sent_again() {
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        let mut net = ring_of(&[1, 2, 3], MS / 10);
        net.run(1000 * MS);
        let mut count = 0;
        net.lose = Some(Box::new(move |sender, receiver, packet| {
            let is_it = (sender, receiver) == (from, to) && matches!(packet, Packet::Token(_));
            count += usize::from(is_it);
            is_it && count % 4 == 0
        }));
        let held = net.counter(1, "tokens-held");
        net.run(10_000 * MS);
        let held = net.counter(1, "tokens-held") - held;
        assert!(held >= 90, "{from} to {to}: it rested {held} times in 10 s");
        assert_eq!(net.counter(1, "views"), 1);
    }
}

#[test]
fn a_lost_cancel_is_sent_again() {
    let mut net = ring_of(&[1, 2, 3], MS / 10);
    net.run(1000 * MS);
    let mut count = 0;
    net.lose = Some(Box::new(move |_, _, packet| {
        count += usize::from(matches!(packet, Packet::Cancel(_)));
        matches!(packet, Packet::Cancel(_)) && count <= 2
    }));
    for texts in 1..=10 {
        net.run(500 * MS);
        net.send(2, "a");
        let time = net.until_texts(&[1, 2, 3], texts);
        assert!(time <= 10 * MS, "{time} ns");
    }
    net.keep_sent = true;
    net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Cancel(_))));
    net.run(500 * MS);
    net.send(2, "b");
    net.run(net.timing().hold());
    let cancels = net.count_sent(|packet| matches!(packet, Packet::Cancel(_)));
    assert!((3..=10).contains(&cancels), "{cancels} times");
}

#[test]
fn a_long_write_takes_few_rotations_where_they_are_long() {
    let mut net = ring_of(&[1, 2, 3], 5 * MS);
    net.send(2, "a");
    net.until_texts(&[1, 2, 3], 1);
    net.send(2, &"x".repeat(180 * 1300));
    let time = net.until_texts(&[1, 2, 3], 2);
    assert!(time <= 2 * 3 * 5 * MS + 10 * MS, "{} ms", time / MS);
    assert_eq!(net.counter(3, "dropped-frames-too-far"), 0);
}

/// Else it takes a rotation more until it is known that all have them.
#[test]
fn a_token_that_has_overtaken_frames_waits_for_them() {
    for comes in [true, false] {
        let mut net = ring_of(&[1, 2, 3], 5 * MS);
        net.send(1, "a");
        net.until_texts(&[1, 2, 3], 1);
        let late = std::rc::Rc::new(std::cell::RefCell::new(None));
        let taken = late.clone();
        net.lose = Some(Box::new(move |_, to, packet| {
            let is_it = to == 2 && carries(packet, "b") && taken.borrow().is_none();
            is_it.then(|| taken.replace(Some(packet.clone()))).is_some()
        }));
        net.send(1, "b");
        net.until("it is sent", |_| late.borrow().is_some());
        let [second, third] = [2, 3].map(|host| net.counter(host, "tokens"));
        net.until("the token is there", |net| net.counter(2, "tokens") > second);
        let packet = late.borrow().clone().unwrap();
        net.run(MS);
        if comes {
            net.inject(1, 2, &packet);
        }
        let time = net.until("it goes on", |net| net.counter(3, "tokens") > third);
        assert_eq!(time, if comes { 5 * MS } else { 5 * MS + 5 * MS / 2 - MS });
        net.until_texts(&[1, 2, 3], 2);
        assert_eq!(net.counter(2, "frames-requested"), u64::from(!comes));
    }
}
