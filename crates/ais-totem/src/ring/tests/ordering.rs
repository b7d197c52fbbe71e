//! Operational: [SRP95] section 4.

use super::*;
use crate::packet::Packet;
use crate::{Guarantee, Lane};

#[test]
fn a_node_that_hears_nobody_is_alone_after_a_consensus_timeout() {
    let mut net = Net::empty();
    net.start(1);
    let time = net.until_view(&[1], &[1]);
    assert_eq!(time, net.timing().consensus());
    let view = net.last_view(1);
    assert_eq!((view.joined, view.left, view.came_with_me), (nodes(&[1]), vec![], nodes(&[1])));
    net.send(1, "a");
    net.send(1, "b");
    assert_eq!(net.texts(1), ["a", "b"]);
    assert!(
        matches!(net.told[&1].last(), Some(Told::Stable(number)) if *number == 2 << 16 | 0xffff)
    );
}

#[test]
fn nodes_that_start_together_form_one_ring_at_once() {
    let mut net = Net::empty();
    for host in 1..=5 {
        net.start(host);
    }
    let time = net.until_view(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]);
    assert!(time < 100 * MS, "{} ms", time / MS);
}

#[test]
fn all_deliver_the_same_in_the_same_order() {
    let mut net = Net::of(&[1, 2, 3]);
    for i in 0..100 {
        for host in 1..=3 {
            net.send(host, &format!("{host}-{i}"));
        }
        net.run(MS / 3);
    }
    net.until_texts(&[1, 2, 3], 300);
    assert_eq!(net.texts(1), net.texts(2));
    assert_eq!(net.texts(1), net.texts(3));
}

#[test]
fn what_all_have_is_kept_no_longer() {
    let mut net = Net::of(&[1, 2, 3]);
    for round in 0..20 {
        for host in 1..=3 {
            net.send(host, &format!("{host}-{round}"));
        }
        net.run(20 * MS);
        for (host, ring) in &net.rings {
            let frames = &ring.ring.as_ref().unwrap().frames;
            assert_eq!(frames.released(), frames.high(), "host {host} round {round}");
        }
    }
    assert_eq!(net.texts(1).len(), 60);
}

/// [SRP95] 4.1: a message is delivered in agreed order as soon as all before it
/// are delivered.
#[test]
fn an_agreed_message_is_delivered_on_arrival() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(10 * MS);
    net.keep_sent = true;
    net.send(2, "a");
    net.until_texts(&[1, 2, 3], 1);
    let sent_at = net.sent.iter().find(|(.., packet)| carries(packet, "a")).unwrap().0;
    assert!(net.now <= sent_at + net.delay, "before the token is round");
}

/// [SRP95] 4.1: a message is safe when the token came back twice with an aru
/// not below it.
#[test]
fn a_safe_message_waits_until_all_have_it() {
    let mut net = Net::of(&[1, 2, 3]);
    net.lose = Some(Box::new(|_, to, packet| to == 3 && carries(packet, "safe")));
    net.send_as(1, "safe", Guarantee::Safe);
    net.send(1, "after");
    net.run(300 * MS);
    assert!((1..=3).all(|host| net.texts(host).is_empty()), "3 lacks it");
    net.lose = None;
    net.until_texts(&[1, 2, 3], 2);
    for host in 1..=3 {
        assert_eq!(net.texts(host), ["safe", "after"]);
    }
    assert_eq!(net.counter(1, "views"), 1);
}

/// [SRP95] 4.1: what all members have is known to be so.
#[test]
fn stable_says_what_all_have() {
    let mut net = Net::of(&[1, 2, 3]);
    net.lose = Some(Box::new(|_, to, packet| to == 2 && carries(packet, "b")));
    net.send(1, "a");
    net.run(100 * MS);
    net.send(1, "b");
    net.run(100 * MS);
    let stable = |net: &Net, host| {
        let stable = net.told[&host].iter().filter_map(|told| match told {
            Told::Stable(number) => Some(*number),
            _ => None,
        });
        stable.max()
    };
    let number = |net: &Net, text: &str| {
        let number = net.told[&1].iter().find_map(|told| match told {
            Told::Deliver { number, bytes, .. } if bytes == text.as_bytes() => Some(*number),
            _ => None,
        });
        number.unwrap()
    };
    for host in 1..=3 {
        assert!(stable(&net, host) >= Some(number(&net, "a")));
        assert!(stable(&net, host) < Some(number(&net, "b")));
    }
    net.lose = None;
    net.run(100 * MS);
    assert!((1..=3).all(|host| stable(&net, host) >= Some(number(&net, "b"))));
}

/// [SRP95] 4.1: the token carries requests, and a member that has a frame sends it
/// again. Only what the last visit covered is asked for: the rest may be on its way.
#[test]
fn a_lost_frame_is_asked_for_and_sent_again() {
    let mut net = Net::of(&[1, 2, 3]);
    let mut count = 0;
    net.lose = Some(Box::new(move |_, to, packet| {
        count += usize::from(to == 3 && carries(packet, "a"));
        to == 3 && count == 1 && carries(packet, "a")
    }));
    net.send(1, "a");
    net.send(2, "b");
    let time = net.until_texts(&[1, 2, 3], 2);
    assert!(time < 20 * MS);
    assert_eq!(net.texts(3), net.texts(1));
    assert_eq!(net.counter(3, "frames-requested"), 1);
    let again: u64 = (1..=3).map(|host| net.counter(host, "frames-retransmitted")).sum();
    assert_eq!(again, 1);
}

#[test]
fn nothing_is_asked_for_that_is_on_its_way() {
    let mut net = Net::of(&[1, 2, 3]);
    for i in 0..50 {
        net.send(1, &format!("1-{i}"));
        net.send(2, &format!("2-{i}"));
        net.run(MS);
    }
    net.until_texts(&[1, 2, 3], 100);
    for host in 1..=3 {
        assert_eq!(net.counter(host, "frames-requested"), 0);
    }
}

/// [SRP95] 4.3: the member that passed the token on sends it again until it sees
/// progress.
#[test]
fn a_lost_token_is_sent_again() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(10 * MS);
    for lost in 1..10 {
        let mut count = 0;
        net.lose = Some(Box::new(move |_, _, packet| {
            count += usize::from(matches!(packet, Packet::Token(_)));
            matches!(packet, Packet::Token(_)) && count == 1
        }));
        net.send(2, "a");
        let time = net.until_texts(&[1, 2, 3], lost);
        assert!(time < net.timing().retransmit() + net.timing().hold() + 10 * MS);
    }
    assert_eq!(net.counter(1, "views"), 1);
    assert!((1..=3).map(|host| net.counter(host, "tokens-retransmitted")).sum::<u64>() >= 9);
}

/// [SRP95] 4.3: the sequence number of the token tells a copy.
#[test]
fn a_copy_of_the_token_is_ignored() {
    let mut net = Net::of(&[1, 2, 3]);
    net.twice = 100;
    for i in 0..20 {
        net.send(1 + i % 3, &format!("{i}"));
        net.run(7 * MS);
    }
    net.until_texts(&[1, 2, 3], 20);
    assert!(net.counter(1, "dropped-tokens-known") > 0);
    assert_eq!(net.counter(1, "dropped-tokens-wrong"), 0);
    assert_eq!(net.counter(1, "views"), 1);
}

#[test]
fn the_token_of_an_idle_ring_rests() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(200 * MS);
    net.keep_sent = true;
    net.run(10_000 * MS);
    let tokens = net.count_sent(|packet| matches!(packet, Packet::Token(_)));
    let rotations = 10_000 * MS / net.timing().hold();
    assert!(tokens as u64 <= 3 * rotations, "{tokens} tokens");
    for host in 1..=3 {
        let mine = net
            .sent
            .iter()
            .filter(|(_, from, _, packet)| *from == host && matches!(packet, Packet::Token(_)));
        let times: Vec<u64> = mine.map(|(at, ..)| *at).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 101 * MS));
    }
    assert_eq!(net.counter(1, "tokens-retransmitted") + net.counter(2, "tokens-retransmitted"), 0);
}

/// A program that is answered sends again at once: on the same visit of the token.
#[test]
fn the_token_lingers_where_messages_became_stable() {
    use Guarantee::{Acknowledged, Agreed};
    let rotations = |linger: u64, senders: &[u8], guarantee| {
        let mut net = Net::empty();
        net.linger = linger;
        // Nothing overtakes anything.
        net.delay = 1;
        for host in 1..=3 {
            net.start(host);
        }
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
        let last = *senders.last().unwrap();
        let before = net.counter(3, "tokens");
        let rested = net.counter(1, "tokens-held");
        let mut told = 0;
        for i in 0..20 {
            // Two, for one that is alone is acknowledged.
            for &host in senders.iter().chain(senders) {
                net.send_as(host, &format!("{i}"), guarantee);
            }
            net.until("stable", |net| {
                let stable = |told: &&Told| matches!(told, Told::Stable(_));
                net.told[&last].iter().filter(stable).count() > told
            });
            told = net.told[&last].iter().filter(|told| matches!(told, Told::Stable(_))).count();
            net.run(MS / 10);
        }
        let lingered = net.counter(last, "tokens-lingered");
        if lingered > 0 {
            assert_eq!(net.counter(1, "tokens-held"), rested, "a ring with work is not idle");
        }
        (net.counter(3, "tokens") - before, lingered)
    };
    for host in 1..=3 {
        let (without, never) = rotations(0, &[host], Acknowledged);
        let (with, often) = rotations(MS / 5, &[host], Acknowledged);
        assert!(never == 0 && often >= 19, "{never} {often}");
        assert!(with <= 25 && without >= 39, "{with} and {without} rotations for 20 messages");
    }
    // Where several send it makes no difference.
    let all = [1, 2, 3];
    assert!(rotations(MS / 5, &all, Acknowledged).0 <= rotations(0, &all, Acknowledged).0);
    // It makes no difference either where no program waits for it.
    assert_eq!(rotations(MS / 5, &[2], Agreed), rotations(0, &[2], Agreed));
}

/// The driver may look out for it.
#[test]
fn the_token_is_expected_behind_what_others_sent() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Token(_))));
    net.send(1, "a");
    net.until_texts(&[2, 3], 1);
    let expects = |net: &mut Net| [1, 2, 3].map(|host| net.ring(host).expects_token());
    assert_eq!(expects(&mut net), [false, true, true]);
    net.lose = None;
    net.run(net.timing().hold());
    assert_eq!(expects(&mut net), [false; 3]);
}

#[test]
fn a_message_wakes_an_idle_ring() {
    let mut net = Net::of(&[1, 2, 3]);
    for host in 1..=3 {
        net.run(1025 * MS);
        net.forget();
        net.send(host, "a");
        let time = net.until_texts(&[1, 2, 3], 1);
        assert!(time <= 8 * net.delay, "from {host}: {} us", time / 1000);
    }
}

#[test]
fn a_lost_cancel_costs_a_hold() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Cancel(_))));
    net.send(2, "a");
    let time = net.until_texts(&[1, 2, 3], 1);
    assert!(time <= net.timing().hold() + 5 * MS);
}

#[test]
fn long_messages_take_many_frames_and_share_the_ring() {
    let mut net = Net::of(&[1, 2, 3]);
    let long = "x".repeat(900_000);
    net.send(1, &long);
    net.send(2, "short");
    net.until_texts(&[1, 2, 3], 2);
    assert_eq!(net.texts(3), net.texts(1));
    assert_eq!(net.texts(3).first().map(String::as_str), Some("short"), "the token goes round");
    assert!(net.texts(3).contains(&long));
}

#[test]
fn an_ordinary_message_passes_bulk_of_its_sender() {
    let mut net = Net::of(&[1, 2, 3]);
    let bulk = "x".repeat(1 << 20);
    net.call(1, |ring, now| {
        ring.multicast(now, bulk.clone().into_bytes(), Guarantee::Acknowledged, Lane::Bulk)
            .unwrap();
    });
    let before = net.counter(1, "frames-sent");
    net.until("its beginning", |net| net.counter(1, "frames-sent") > before + 100);
    net.send_as(1, "short", Guarantee::Acknowledged);
    net.until("stable", |net| {
        let told = &net.told[&1];
        let at = told.iter().position(|told| matches!(told, Told::Deliver { .. }));
        at.is_some_and(|at| told[at..].iter().any(|told| matches!(told, Told::Stable(_))))
    });
    assert_eq!(net.texts(1), ["short"]);
    net.until_texts(&[1, 2, 3], 2);
    assert_eq!(net.texts(3), ["short", &bulk]);
}

#[test]
fn a_full_queue_gives_the_message_back() {
    let mut net = Net::of(&[1, 2]);
    net.crash(2);
    let now = net.now;
    let sent = (0..100_000)
        .take_while(|_| {
            net.ring(1).multicast(now, vec![0; 10_000], Guarantee::Agreed, Lane::Ordinary).is_ok()
        })
        .count();
    assert!((1..100_000).contains(&sent));
    assert!(
        net.ring(1)
            .multicast(now, vec![0; (1 << 20) + 1], Guarantee::Agreed, Lane::Ordinary)
            .is_err()
    );
}

/// Sequence numbers do not wrap: a ring that comes near the end is replaced.
#[test]
fn a_ring_whose_numbers_are_used_up_is_replaced() {
    for hosts in [&[1, 2, 3][..], &[1]] {
        let mut net = Net::empty();
        net.first_seq = u64::MAX;
        for &host in hosts {
            net.start(host);
        }
        net.until_view(hosts, hosts);
        for i in 0..4500 / hosts.len() {
            for &host in hosts {
                net.send(host, &format!("{host}-{i}"));
            }
            net.run(2 * MS);
        }
        net.until_texts(hosts, 4500);
        for &host in hosts {
            assert_eq!(net.texts(host), net.texts(1));
            assert!(net.views(host).len() > 1, "{:?}", net.views(host));
        }
        let count = |&host: &u8| net.counter(host, "gathers-numbers-used-up");
        assert!(hosts.iter().map(count).sum::<u64>() > 0);
    }
}
