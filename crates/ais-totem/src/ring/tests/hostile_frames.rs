//! Frames that are forged: what is not the same at all members is noticed, and a member
//! that may have diverged joins anew.

use super::*;
use crate::ViewId;
use crate::packet::*;
use ais_wire::NodeId;

fn frame(ring: ViewId, seq: u64, from: u8, text: &str) -> Packet {
    let length = text.len().to_le_bytes();
    let mut chunks = vec![3, length[0], length[1]];
    chunks.extend(text.bytes());
    let payload = Payload::New { from: node(from), chunks: chunks.into() };
    Packet::Data(Data { ring, seq, asks: false, payload })
}

/// A ring of three that has delivered three messages, and the number of the
/// last frame.
fn ring() -> (Net, ViewId, u64) {
    let mut net = Net::of(&[1, 2, 3]);
    for text in ["a", "b", "c"] {
        net.send(2, text);
        net.run(300 * MS);
    }
    let last = net.told[&1].iter().rev().find_map(|told| match told {
        Told::Deliver { number, .. } => Some(number >> 16),
        _ => None,
    });
    let id = net.last_view(1).id;
    net.forget();
    (net, id, last.unwrap())
}

/// Host 2 has left and joined, with nobody; the others stayed together.
fn joined_anew(net: &mut Net) {
    net.until("host 2 joins anew", |net| (1..=3).all(|host| !net.views(host).is_empty()));
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    let view = net.views(2).remove(0);
    assert_eq!((view.came_with_me, view.left), (nodes(&[2]), nodes(&[1, 3])));
    for host in [1, 3] {
        let view = net.views(host).remove(0);
        assert_eq!(view.came_with_me, nodes(&[1, 3]));
        assert_eq!((view.left, view.joined), (nodes(&[2]), nodes(&[2])));
        assert_eq!(view.why, "10.0.0.2 has started again");
    }
    assert_eq!(net.counter(2, "gathers-diverged"), 1);
    net.forget();
    net.send(2, "x");
    net.send(3, "y");
    net.until_texts(&[1, 2, 3], 2);
    assert_eq!(net.texts(1), net.texts(2));
}

#[test]
fn frames_that_nobody_can_have_sent_are_noticed_with_the_next_token() {
    let (mut net, id, last) = ring();
    net.inject(3, 2, &frame(id, last + 1, 3, "forged"));
    assert_eq!(net.texts(2), ["forged"], "nothing shows it yet");
    joined_anew(&mut net);
}

#[test]
fn another_frame_in_the_place_of_one_that_was_delivered_is_noticed() {
    let (mut net, id, last) = ring();
    net.send(1, "d");
    net.until_texts(&[2], 1);
    net.inject(3, 2, &frame(id, last + 1, 3, "forged"));
    assert_eq!(net.rings[&2].status().state, "gather");
    joined_anew(&mut net);
}

/// Host 2 takes a forged frame before the true one comes.
#[test]
fn a_forged_frame_before_the_true_one_is_noticed() {
    let (mut net, id, last) = ring();
    net.inject(3, 2, &frame(id, last + 1, 3, "forged"));
    net.send(1, "d");
    joined_anew(&mut net);
}

#[test]
fn above_a_gap_neither_of_two_frames_is_kept() {
    let (mut net, id, last) = ring();
    net.lose = Some(Box::new(|_, to, packet| to == 2 && carries(packet, "d")));
    net.inject(3, 2, &frame(id, last + 2, 3, "forged"));
    net.send(1, "d");
    net.send(1, &"e".repeat(2000));
    net.until("two frames", |net| net.counter(2, "dropped-frames-other") > 0);
    net.lose = None;
    net.until_texts(&[1, 2, 3], 2);
    assert_eq!(net.texts(1), net.texts(2));
    assert_eq!(net.counter(2, "views"), 1);
}

/// A member that gets a frame in its own name has not sent it, so the frame is forged;
/// the other members that took it notice by themselves.
#[test]
fn a_frame_in_ones_own_name_is_not_taken() {
    let (mut net, id, last) = ring();
    net.inject(3, 2, &frame(id, last + 1, 2, "forged"));
    net.run(2 * TOKEN);
    assert_eq!((net.counter(2, "dropped-frames-forged"), net.counter(2, "views")), (1, 1));
    assert!(net.texts(2).is_empty());
}

/// While the token is here nobody else sends.
#[test]
fn a_frame_that_comes_while_the_token_rests_here_is_not_taken() {
    let (mut net, id, last) = ring();
    let held = net.counter(1, "tokens-held");
    net.until("the token rests at 1", |net| net.counter(1, "tokens-held") > held);
    net.inject(3, 1, &frame(id, last + 1, 3, "forged"));
    assert_eq!(net.counter(1, "dropped-frames-forged"), 1);
    net.send(1, "d");
    net.until_texts(&[1, 2, 3], 1);
    assert!((1..=3).all(|host| net.texts(host) == ["d"] && net.counter(host, "views") == 1));
}

/// Frames are taken as far as others can have sent since the last visit.
#[test]
fn frames_far_above_the_last_visit_are_not_kept() {
    let (mut net, id, last) = ring();
    for seq in last + 2..last + 3000 {
        net.inject(3, 2, &frame(id, seq, 3, "forged"));
    }
    assert!(net.counter(2, "dropped-frames-too-far") > 2600);
    net.run(2 * TOKEN);
    assert!((1..=3).all(|host| net.counter(host, "views") == 1 && net.texts(host).is_empty()));
}

/// What a host delivered in each view, with the nodes that came with it out of that
/// one.
fn histories(net: &Net, host: u8) -> Vec<(ViewId, Vec<String>, Vec<NodeId>)> {
    let mut views = Vec::new();
    for told in &net.told[&host] {
        match told {
            Told::View(view) => {
                if let Some((_, _, together)) = views.last_mut() {
                    *together = view.came_with_me.clone();
                }
                views.push((view.id, Vec::new(), Vec::new()));
            }
            Told::Deliver { bytes, .. } => {
                if let Some((_, texts, _)) = views.last_mut() {
                    texts.push(String::from_utf8_lossy(bytes).into_owned());
                }
            }
            Told::Transitional(_) | Told::Stable(_) => {}
        }
    }
    views
}

/// Twenty frames at random places near the last one: a node that went through a view
/// with another one has delivered the same.
#[test]
fn forged_frames_never_part_the_replicas_for_good() {
    for seed in 0..40 {
        let mut random = crate::random::Random::new(seed);
        let mut net = Net::of(&[1, 2, 3]);
        for round in 0..20 {
            let id = net.rings[&1].status().view.unwrap();
            let last = net.counter(1, "frames-received") + net.counter(1, "frames-sent");
            let seq = (last + random.below(6) as u64).saturating_sub(2).max(1);
            let (to, from) = (1 + random.below(3) as u8, 1 + random.below(3) as u8);
            let forged = frame(id, seq, from, &format!("forged {round}"));
            net.inject(if to == 1 { 2 } else { 1 }, to, &forged);
            net.send(1 + random.below(3) as u8, &format!("{round}"));
            net.run(random.below(40) as u64 * MS);
        }
        net.run(2 * TOKEN);
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
        for (id, texts, together) in histories(&net, 1) {
            for host in [2, 3].into_iter().filter(|&host| together.contains(&node(host))) {
                let others = histories(&net, host);
                let (_, theirs, _) = others.iter().find(|(other, _, _)| *other == id).unwrap();
                assert_eq!(&texts, theirs, "seed {seed}: 1 and {host} in {id}");
            }
        }
        net.forget();
        net.send(2, "end");
        net.until_texts(&[1, 2, 3], 1);
    }
}
