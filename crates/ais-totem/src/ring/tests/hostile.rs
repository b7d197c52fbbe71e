//! Old, forged and nonsensical packets change nothing.

use super::*;
use crate::packet::*;
use crate::random::Random;
use crate::{Destination, ViewId};

fn reached(to: Destination, host: u8) -> bool {
    to == Destination::All || to == Destination::One(node(host))
}

#[test]
fn packets_of_earlier_rings_change_nothing() {
    let mut net = Net::empty();
    net.keep_sent = true;
    for host in 1..=3 {
        net.start(host);
    }
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.send(1, "a");
    net.run(100 * MS);
    net.crash(3);
    net.until_view(&[1, 2], &[1, 2]);
    net.start(3);
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.call(3, |ring, now| ring.leave(now));
    net.crash(3);
    net.until_view(&[1, 2], &[1, 2]);
    net.start(3);
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.run(100 * MS);
    let old = std::mem::take(&mut net.sent);
    net.forget();
    for (_, from, to, packet) in old {
        for host in (1..=3).filter(|&host| host != from && reached(to, host)) {
            net.inject(from, host, &packet);
        }
        net.run(MS / 10);
    }
    net.run(3 * TOKEN);
    for host in 1..=3 {
        assert_eq!(net.views(host), [], "{:?}", net.last_view(host));
        assert!(net.texts(host).is_empty());
    }
    assert!(net.counter(1, "dropped-joins-stale") > 0);
    assert!(net.counter(1, "dropped-commits") > 0);
}

#[test]
fn copies_of_packets_of_this_ring_change_nothing() {
    let mut net = Net::empty();
    net.keep_sent = true;
    for host in 1..=3 {
        net.start(host);
    }
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.run(100 * MS);
    for i in 0..20 {
        net.send(1 + i % 3, &format!("{i}"));
        net.run(MS);
    }
    let old = std::mem::take(&mut net.sent);
    let views = net.counter(1, "views");
    for (_, from, to, packet) in old {
        for host in (1..=3).filter(|&host| host != from && reached(to, host)) {
            net.inject(from, host, &packet);
        }
        net.run(MS / 10);
    }
    net.run(3 * TOKEN);
    assert!((1..=3).all(|host| net.counter(host, "views") == views));
    assert!((1..=3).all(|host| net.texts(host).len() == 20));
}

fn nonsense(random: &mut Random, ring: ViewId) -> Packet {
    let near = [0, 1, 2, 5, SEQ_FAR, MAX_SEQ - 1, MAX_SEQ];
    let seq = near[random.below(near.len())];
    let lower = near[random.below(near.len())].min(seq);
    let numbers = [ring.number.saturating_sub(1).max(1), ring.number, ring.number + 1, MAX_VIEW];
    let number = numbers[random.below(4)];
    let view = ViewId { number, representative: node([1, 2, 9][random.below(3)]) };
    let who = [1, 2, 3, 9][random.below(4)];
    let chunks = [3, 1, 0, b'x'].into();
    match random.below(6) {
        0 => Packet::Data(Data {
            ring: view,
            seq: seq.max(1),
            asks: random.below(2) == 0,
            payload: Payload::New { from: node(who), chunks },
        }),
        1 => Packet::Token(Token {
            ring: view,
            token_seq: random.next(),
            seq,
            aru: lower,
            aru_from: Some(node(who)),
            sent: random.next() as u32,
            backlog: random.next() as u32,
            idle: random.next() as u32,
            recovering: random.below(2) == 0,
            requests: Vec::new(),
        }),
        2 => Packet::Commit(Commit {
            size: random.next() as u16,
            ring: ViewId { representative: node(1), ..view },
            hop: random.below(8) as u32,
            members: [1, 2, 3, 9]
                .map(|host| CommitEntry {
                    node: node(host),
                    old: (random.below(2) == 0).then(|| OldRing {
                        ring: None,
                        aru: 0,
                        high: 0,
                        safe: 0,
                        obliged: Vec::new(),
                    }),
                })
                .into(),
        }),
        3 => Packet::Cancel(Cancel { ring: view }),
        4 => Packet::Ack(Ack { ring: view, aru: seq, waits: random.below(2) == 0 }),
        _ => Packet::Hello(Hello {
            ring: None,
            members: Vec::new(),
            heard: nodes(&[1, 2, 3]),
            mutual: nodes(&[1, 2]),
            reach: Reach { to_one: random.below(2) == 0, one: 9, all: 9, length: 1472 },
        }),
    }
}

const SEQ_FAR: u64 = 1 << 40;

/// Forged packets of a stranger, and of members with numbers that cannot be.
#[test]
fn nonsense_of_strangers_changes_nothing() {
    let mut random = Random::new(1);
    let mut net = Net::of(&[1, 2, 3]);
    let ring = net.last_view(1).id;
    for round in 0..3000 {
        let packet = nonsense(&mut random, ring);
        net.inject(9, 1 + random.below(3) as u8, &packet);
        net.run(MS / 20);
        if round % 100 == 0 {
            net.send(1 + (round / 100 % 3) as u8, &format!("{round}"));
        }
    }
    net.run(2 * TOKEN);
    for host in 1..=3 {
        assert_eq!(net.counter(host, "views"), 1);
        assert_eq!(net.texts(host).len(), 30);
    }
}

/// The token comes from the member before, and is the next one.
#[test]
fn a_token_out_of_turn_is_dropped() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(100 * MS);
    net.keep_sent = true;
    net.lose = Some(Box::new(|_, to, packet| to == 2 && matches!(packet, Packet::Token(_))));
    net.run(net.timing().hold() + 10 * MS);
    let token = net.sent.iter().rev().find_map(|(_, from, _, packet)| match packet {
        Packet::Token(token) if *from == 1 => Some(token.clone()),
        _ => None,
    });
    let token = token.unwrap();
    net.inject(3, 2, &Packet::Token(token.clone()));
    net.inject(1, 2, &Packet::Token(Token { token_seq: token.token_seq + 3, ..token.clone() }));
    net.inject(1, 2, &Packet::Token(Token { seq: MAX_SEQ, ..token.clone() }));
    assert_eq!(net.counter(2, "dropped-tokens-wrong"), 3);
    net.inject(1, 2, &Packet::Token(token.clone()));
    net.inject(1, 2, &Packet::Token(token));
    assert_eq!(net.counter(2, "dropped-tokens-wrong"), 3);
    assert_eq!(net.counter(2, "dropped-tokens-known"), 1);
}

/// A member may forge anything; it must not bring anybody down for good.
#[test]
fn nonsense_of_members_is_survived() {
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut net = Net::of(&[1, 2, 3]);
        for _ in 0..300 {
            let ring = net.rings[&1].status().view.unwrap();
            let mut packet = nonsense(&mut random, ring);
            if let Packet::Data(data) = &mut packet {
                data.ring.number = data.ring.number.min(ring.number - u64::from(ring.number > 1));
            }
            let from = 1 + random.below(3) as u8;
            let to = 1 + random.below(3) as u8;
            if from != to {
                net.inject(from, to, &packet);
            }
            net.run(MS / 2);
        }
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
    }
}

#[test]
fn forged_refusals_cost_one_gather_a_second() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.forget();
    for _ in 0..1000 {
        net.call(1, |ring, now| ring.refused(now, node(2)));
        net.call(1, |ring, now| ring.refused(now, node(9)));
        net.run(5 * MS);
    }
    assert!(net.views(1).len() <= 6, "{}", net.views(1).len());
    for view in net.views(1) {
        assert_eq!(view.came_with_me, nodes(&[1, 2, 3]));
    }
}

#[test]
fn view_numbers_near_the_end_are_not_believed() {
    let mut net = Net::of(&[1, 2]);
    let join = Join {
        careful: false,
        leaving: false,
        number: MAX_VIEW,
        ring: None,
        members: nodes(&[9]),
        failed: Vec::new(),
        heard: nodes(&[1, 2]),
        mutual: nodes(&[1, 2]),
    };
    for _ in 0..10 {
        for host in 1..=2 {
            net.inject(9, host, &Packet::Join(join.clone()));
        }
        net.run(300 * MS);
    }
    assert_eq!(net.counter(1, "views"), 1);
    assert_eq!(net.counter(1, "dropped-number-too-high"), 10);
    net.send(1, "a");
    net.until_texts(&[1, 2], 1);
}

/// [SRP95] 5: a packet of a member that is already elsewhere.
#[test]
fn a_member_that_has_formed_another_ring_is_not_waited_for() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    let ring = ViewId { number: 7, representative: node(2) };
    let hello = |ring: ViewId, host: u8| {
        let (members, reach) = (nodes(&[host]), Reach::default());
        let (heard, mutual) = (Vec::new(), Vec::new());
        Packet::Hello(Hello { ring: Some(ring), members, heard, mutual, reach })
    };
    net.inject(2, 1, &hello(ring, 2));
    assert_eq!(net.rings[&1].status().state, "operational", "it works in this ring");
    net.part(&[&[1, 3], &[2]]);
    net.run(3 * net.timing().hold());
    assert_eq!(net.rings[&1].status().state, "operational", "it has time to answer");
    net.inject(2, 1, &hello(ring, 2));
    assert_eq!(net.rings[&1].status().state, "gather");
    net.heal();
    let old = ViewId { number: 1, representative: node(3) };
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.inject(3, 1, &hello(old, 3));
    assert_eq!(net.rings[&1].status().state, "operational");
}
