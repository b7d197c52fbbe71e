//! Recovery: [SRP95] section 5.3, and what [EVS94] asks of it.

use super::*;
use crate::Guarantee;
use crate::packet::Packet;

/// [EVS94] failure atomicity: what one of the members that go on together has, all
/// have.
#[test]
fn what_one_survivor_has_all_deliver() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.lose = Some(Box::new(|_, to, packet| to != 2 && carries(packet, "last")));
    net.send(4, "last");
    net.until_texts(&[2], 1);
    net.crash(4);
    net.lose = None;
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    for host in 1..=3 {
        assert_eq!(net.texts(host), ["last"]);
    }
}

/// [SRP95] 5.3: behind a gap only messages of members of the transitional
/// configuration are delivered: others may depend on what is missing.
#[test]
fn behind_a_gap_only_survivors_messages_are_delivered() {
    let mut net = Net::of(&[1, 2, 3]);
    net.lose = Some(Box::new(|_, _, packet| carries(packet, "missing")));
    net.send(3, "missing");
    net.run(20 * MS);
    net.send(3, "behind");
    net.run(20 * MS);
    net.send(1, "survivor");
    net.run(20 * MS);
    assert!(net.texts(1).is_empty() && net.texts(2).is_empty());
    assert_eq!(net.texts(3).len(), 3, "its own are gap-free for the sender");
    net.crash(3);
    net.until_view(&[1, 2], &[1, 2]);
    for host in 1..=2 {
        assert_eq!(net.texts(host), ["survivor"]);
        assert_eq!(net.transitional_texts(host), ["survivor"]);
    }
    net.send(2, "on");
    net.until_texts(&[1, 2], 2);
}

/// [EVS94] safe delivery: what cannot become safe in the ring is delivered in
/// the transitional configuration.
#[test]
fn a_message_that_was_not_safe_is_delivered_in_the_transitional_configuration() {
    let mut net = Net::of(&[1, 2, 3]);
    net.send(1, "agreed");
    net.until_texts(&[1, 2], 1);
    net.crash(3);
    net.send_as(1, "safe", Guarantee::Safe);
    net.send_as(1, "later", Guarantee::Agreed);
    net.until_view(&[1, 2], &[1, 2]);
    net.run(50 * MS);
    for host in 1..=2 {
        assert_eq!(net.texts(host), ["agreed", "safe", "later"]);
    }
}

/// [SRP95] 5.3: a failure in recovery brings back the state of the old ring, as
/// often as it happens.
#[test]
fn recovery_may_fail_any_number_of_times() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.lose = Some(Box::new(|_, to, packet| to != 2 && carries(packet, "last")));
    net.send(4, "last");
    net.until_texts(&[2], 1);
    net.crash(4);
    // Tokens of later rings get as far as this.
    let mut hops = 0;
    net.lose = Some(Box::new(move |_, _, packet| {
        let Packet::Token(token) = packet else { return false };
        hops += 1;
        token.ring.number < 5 && token.token_seq > 1 + hops % 6
    }));
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(net.last_view(1).id.number == 5);
    for host in 1..=3 {
        assert_eq!(net.texts(host), ["last"]);
        assert_eq!(net.views(host).len(), 2);
        assert_eq!(net.last_view(host).came_with_me, nodes(&[1, 2, 3]));
    }
}

/// A message that was sent in part starts again in the new ring, and is
/// delivered once.
#[test]
fn a_message_sent_in_part_starts_again() {
    let mut net = Net::of(&[1, 2, 3]);
    let long = "x".repeat(300_000);
    net.send(1, &long);
    net.until("some frames", |net| net.counter(2, "frames-received") > 20);
    net.crash(3);
    net.until_view(&[1, 2], &[1, 2]);
    net.until_texts(&[1, 2], 1);
    net.run(200 * MS);
    for host in 1..=2 {
        assert!(net.texts(host) == [long.as_str()]);
        assert_eq!(net.counter(host, "dropped-messages-malformed"), 0);
    }
}

/// A member that gave the others all it had in a recovery they completed has
/// to deliver what they did ([SRP95] 5.3, the obligation set).
#[test]
fn who_did_not_see_the_end_of_recovery_delivers_what_it_owes() {
    let mut net = Net::of(&[1, 2, 3]);
    // 3 sends a frame that nobody gets; 1 and 2 send behind the gap.
    net.lose = Some(Box::new(|_, _, packet| carries(packet, "missing")));
    net.send(3, "missing");
    net.run(20 * MS);
    net.send(1, "owed by 2");
    net.run(20 * MS);
    net.send(2, "owed by 1");
    net.run(20 * MS);
    net.crash(3);
    // The token that lets 2 install the ring of both is the last one.
    net.lose = Some(Box::new(
        |_, _, packet| matches!(packet, Packet::Token(token) if token.ring.number == 2 && token.token_seq > 5),
    ));
    net.until("2 installs", |net| net.views(2).len() == 2);
    net.until("another ring", |net| net.views(1).len() == 2 && net.views(2).len() == 3);
    assert_eq!((net.last_view(1).came_with_me, net.last_view(1).id.number), (nodes(&[1]), 3));
    assert_eq!(net.texts(2), ["owed by 2", "owed by 1"]);
    assert_eq!(net.texts(1), net.texts(2), "safe messages may count on it");
}

/// Members of several old rings recover side by side.
#[test]
fn two_rings_recover_in_one() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.part(&[&[1, 2], &[3, 4]]);
    net.until_view(&[1, 2], &[1, 2]);
    net.until_view(&[3, 4], &[3, 4]);
    net.forget();
    net.lose = Some(Box::new(|_, to, packet| {
        (to == 2 && carries(packet, "left")) || (to == 3 && carries(packet, "right"))
    }));
    net.send(1, "left");
    net.send(4, "right");
    net.until_texts(&[1, 4], 1);
    net.lose = Some(Box::new(|_, to, packet| {
        let is_new = matches!(packet, Packet::Data(data)
            if matches!(data.payload, crate::packet::Payload::New { .. }));
        is_new && (to == 2 && carries(packet, "left") || to == 3 && carries(packet, "right"))
    }));
    net.heal();
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    for (host, text) in [(1, "left"), (2, "left"), (3, "right"), (4, "right")] {
        assert_eq!(net.texts(host), [text]);
    }
}
