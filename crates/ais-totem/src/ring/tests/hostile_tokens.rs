//! Tokens that somebody forges so that they are the next ones: nothing in them
//! goes round for ever.

use super::*;
use crate::packet::*;

/// The next token for host 2 of an idle ring of three, which is lost.
fn next_token(net: &mut Net) -> Token {
    net.keep_sent = true;
    net.lose = Some(Box::new(|_, to, packet| to == 2 && matches!(packet, Packet::Token(_))));
    net.sent.clear();
    net.until("a token for 2", |net| {
        net.sent.iter().any(|(_, from, _, packet)| *from == 1 && matches!(packet, Packet::Token(_)))
    });
    let token = net.sent.iter().rev().find_map(|(_, from, _, packet)| match packet {
        Packet::Token(token) if *from == 1 => Some(token.clone()),
        _ => None,
    });
    net.lose = None;
    net.sent.clear();
    token.unwrap()
}

/// A ring of three that has delivered a few messages, and rests.
fn resting() -> Net {
    let mut net = Net::of(&[1, 2, 3]);
    for text in ["a", "b", "c"] {
        net.send(2, text);
    }
    net.until_texts(&[1, 2, 3], 3);
    net.run(1000 * MS);
    net
}

/// Tokens in two seconds.
fn tokens(net: &mut Net) -> usize {
    net.sent.clear();
    net.run(2000 * MS);
    net.count_sent(|packet| matches!(packet, Packet::Token(_)))
}

/// Gives host 2 its next token, changed; afterwards the ring is whole, rests,
/// and delivers.
fn forge(what: &str, change: impl Fn(&mut Token)) -> Net {
    let mut net = resting();
    net.keep_sent = true;
    let before = tokens(&mut net);
    let mut token = next_token(&mut net);
    change(&mut token);
    net.inject(1, 2, &Packet::Token(token));
    net.run(3 * TOKEN);
    let after = tokens(&mut net);
    assert!(after <= 2 * before, "{what}: {before} tokens before, {after} after");
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    for host in 1..=3 {
        net.send(host, "d");
    }
    net.until_texts(&[1, 2, 3], 6);
    net
}

#[test]
fn nothing_of_a_forged_token_goes_round_for_ever() {
    let views = |net: &Net| (1..=3).map(|host| net.counter(host, "views")).max();
    let net = forge("recovering", |token| token.recovering = true);
    assert_eq!(views(&net), Some(1));
    let net = forge("requests", |token| token.requests = (1..=token.seq).rev().collect());
    assert_eq!(views(&net), Some(1));
    let net = forge("idle", |token| token.idle = u32::MAX);
    assert_eq!(views(&net), Some(1));
    let net = forge("sent", |token| token.sent = u32::MAX);
    assert_eq!(views(&net), Some(1));
    let net = forge("backlog", |token| token.backlog = u32::MAX);
    assert_eq!(views(&net), Some(1));
    let net = forge("aru", |token| token.aru = 0);
    assert_eq!(views(&net), Some(1));
    let net = forge("aru of a stranger", |token| {
        (token.aru, token.aru_from) = (0, Some(node(9)));
    });
    assert_eq!(views(&net), Some(1));
    let net = forge("number", |token| token.seq += 1 + 2 * 192);
    assert_eq!((views(&net), net.counter(2, "dropped-tokens-wrong")), (Some(1), 1));
}

/// A frame that no member has sent is no fault of a member that lacks it, for all do.
#[test]
fn a_frame_that_nobody_sent_puts_out_nobody() {
    let net = forge("a frame of nobody", |token| token.seq += 1);
    for host in 1..=3 {
        assert_eq!(net.counter(host, "gathers-member-deaf"), 0);
        for view in net.views(host) {
            assert_eq!((view.members.len(), view.left.len()), (3, 0), "{view:?}");
        }
    }
    let counted = (1..=3).map(|host| net.counter(host, "gathers-frame-missing"));
    assert!(counted.sum::<u64>() > 0);
}

/// What is said to have been sent takes the window from nobody for good, even
/// where the ring has no rest.
#[test]
fn a_forged_token_slows_no_busy_ring() {
    let write = |net: &mut Net| {
        for host in 1..=3 {
            while net.rings[&host].status().counters[1].1 < 400 {
                net.send(host, &"x".repeat(1000));
            }
        }
        net.until_texts(&[1, 2, 3], 1200)
    };
    let free = write(&mut Net::of(&[1, 2, 3]));
    let mut net = Net::of(&[1, 2, 3]);
    let mut token = next_token(&mut net);
    (token.sent, token.backlog) = (250, 1_000_000);
    net.inject(1, 2, &Packet::Token(token));
    let slowed = write(&mut net);
    assert!(slowed <= 2 * free, "{} instead of {} ms", slowed / MS, free / MS);
}

#[test]
fn a_recovery_ends_whose_token_says_falsely_that_somebody_has_more_to_send() {
    let mut net = resting();
    let old = net.last_view(1).id.number;
    net.keep_sent = true;
    net.lose = Some(Box::new(|_, to, packet| to == 2 && matches!(packet, Packet::Token(_))));
    net.crash(3);
    let of_new_ring = |packet: &Packet| match packet {
        Packet::Token(token) if token.ring.number > old => Some(token.clone()),
        _ => None,
    };
    net.until("a token of the new ring", |net| {
        net.sent.iter().any(|(_, from, _, packet)| *from == 1 && of_new_ring(packet).is_some())
    });
    let token = net.sent.iter().find_map(|(_, _, _, packet)| of_new_ring(packet));
    net.lose = None;
    net.inject(1, 2, &Packet::Token(Token { recovering: true, ..token.unwrap() }));
    net.until_view(&[1, 2], &[1, 2]);
    assert_eq!(
        net.counter(1, "gathers-recovery-failed").max(net.counter(2, "gathers-recovery-failed")),
        1
    );
    net.send(2, "d");
    net.until_texts(&[1, 2], 4);
}
