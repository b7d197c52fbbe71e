//! Commit: [SRP95] section 5.2.

use super::*;
use crate::packet::{CommitEntry, Join, MAX_VIEW, OldRing, Packet};

#[test]
fn a_ring_forms_through_heavy_loss() {
    let mut net = Net::empty();
    net.loss = 30;
    for host in 1..=4 {
        net.start(host);
    }
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
}

/// [SRP95] 5.2: the number of a ring is kept before it is used.
#[test]
fn a_commit_waits_until_the_number_is_reserved() {
    let mut net = Net::of(&[1, 2]);
    net.stuck_disks.insert(3);
    // The number of the first ring, which there is already.
    net.start_with(3, |config| config.reserved = 1);
    net.run(300 * MS);
    assert_eq!(net.counter(1, "views"), 1);
    assert_eq!(net.rings[&3].status().state, "commit");
    net.stuck_disks.clear();
    net.call(3, |ring, now| ring.reserved(now, 1000));
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time < TOKEN, "{} ms", time / MS);
}

/// [SRP95] 5.2: a member that misses the commit token gathers again.
#[test]
fn a_lost_commit_token_is_sent_again_and_then_given_up() {
    for lost in [1, 3, 8, 60] {
        let mut net = Net::of(&[1, 2]);
        let mut count = 0;
        net.lose = Some(Box::new(move |_, _, packet| {
            count += usize::from(matches!(packet, Packet::Commit(_)));
            matches!(packet, Packet::Commit(_)) && count <= lost
        }));
        net.start(3);
        let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
        assert!(time < 10 * TOKEN, "{lost}: {} ms", time / MS);
    }
}

/// Host 1 of three is in commit, and 2 does not get its token.
fn commits() -> Net {
    let mut net = Net::of(&[1, 2, 3]);
    net.lose = Some(Box::new(|_, to, packet| to == 2 && matches!(packet, Packet::Commit(_))));
    net.call(1, |ring, now| ring.refused(now, node(2)));
    net.until("1 commits", |net| net.rings[&1].status().state == "commit");
    net
}

/// A member that wants more than was agreed on will not take the commit token.
#[test]
fn a_member_that_wants_more_brings_the_others_back_to_gather() {
    let mut net = commits();
    net.inject(3, 1, &Packet::Join(join(1, &[1, 2, 3], &[], &[1])));
    assert_eq!(net.rings[&1].status().state, "commit", "sent before it agreed");
    net.inject(3, 1, &Packet::Join(join(1, &[1, 2, 3, 4], &[], &[1])));
    assert_eq!(net.rings[&1].status().state, "gather");
    net.lose = None;
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
}

/// A member that agreed a moment ago is there, whatever one says that has not heard it.
#[test]
fn a_member_that_agreed_is_not_taken_to_be_gone_as_another_says() {
    let mut net = commits();
    net.keep_sent = true;
    net.inject(3, 1, &Packet::Join(join(1, &[1, 2, 3], &[2], &[1])));
    assert_eq!(net.rings[&1].status().state, "gather");
    net.run(net.timing().consensus() / 2);
    let fails = |packet: &Packet| matches!(packet, Packet::Join(join) if !join.failed.is_empty());
    assert_eq!(net.count_sent(fails), 0);
}

/// Host 2 takes the commit token and has heard no JOIN of 4.
#[test]
fn a_member_that_agreed_is_there_if_no_join_of_it_has_come() {
    let mut net = Net::of(&[1, 2, 3, 4]);
    net.lose = Some(Box::new(|from, to, packet| match packet {
        Packet::Join(_) => (from, to) == (4, 2),
        Packet::Commit(_) => from == 2,
        _ => false,
    }));
    net.call(1, |ring, now| ring.refused(now, node(4)));
    net.until("2 commits", |net| net.rings[&2].status().state == "commit");
    net.keep_sent = true;
    net.inject(3, 2, &Packet::Join(join(1, &[1, 2, 3, 4], &[4], &[1, 2])));
    assert_eq!(net.rings[&2].status().state, "gather");
    net.run(MS);
    let fails = |packet: &Packet| matches!(packet, Packet::Join(join) if !join.failed.is_empty());
    assert_eq!(net.count_sent(fails), 0);
    net.lose = None;
    net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    assert_eq!(net.counter(4, "views"), 2);
}

/// Only the commit token of exactly the wanted members is taken, in its turn.
#[test]
fn other_commit_tokens_are_dropped() {
    let mut net = Net::of(&[1, 2, 3]);
    net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Commit(_))));
    net.keep_sent = true;
    net.call(2, |ring, now| ring.refused(now, node(3)));
    net.until("1 commits", |net| net.rings[&1].status().state == "commit");
    let commit = net.sent.iter().find_map(|(_, _, _, packet)| match packet {
        Packet::Commit(commit) => Some(commit.clone()),
        _ => None,
    });
    let commit = commit.unwrap();
    let mut fewer = commit.clone();
    fewer.members.pop();
    let mut more = commit.clone();
    more.members.push(CommitEntry { node: node(4), old: None });
    let mut later = commit.clone();
    later.hop += 1;
    let mut older = commit.clone();
    older.ring.number = 1;
    let nowhere = OldRing { ring: None, aru: 0, high: 0, safe: 0, obliged: Vec::new() };
    older.members[0].old = Some(nowhere);
    let mut filled = commit.clone();
    filled.members[1].old = filled.members[0].old.clone();
    for packet in [fewer, more, later, older, filled] {
        net.inject(1, 2, &Packet::Commit(packet));
        assert_eq!(net.rings[&2].status().state, "gather");
    }
    net.inject(3, 2, &Packet::Commit(commit.clone()));
    assert_eq!(net.rings[&2].status().state, "gather", "3 is not before 2");
    let mut last = commit.clone();
    last.ring.number = MAX_VIEW;
    net.inject(1, 2, &Packet::Commit(commit));
    assert_eq!(net.rings[&2].status().state, "commit");
    net.inject(1, 2, &Packet::Commit(last));
    assert_eq!(net.counter(2, "dropped-commits"), 7);
    net.lose = None;
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
}

/// The others are in commit, and 4 leaves out 5, which 1 does not hear of. They do not
/// begin to form a ring again and again that 4 takes no part in.
#[test]
fn who_leaves_one_out_and_does_not_reach_all_stops_the_others_once() {
    let mut net = Net::of(&[1, 2, 3, 4, 5, 6]);
    let ring = net.last_view(1).id;
    net.run(500 * MS);
    net.stopped.insert(6);
    net.lose = Some(Box::new(|_, to, packet| to == 4 && matches!(packet, Packet::Commit(_))));
    net.until("a commit", |net| net.rings[&3].status().state == "commit");
    net.run(2 * MS);
    net.cut.extend([(4, 1), (1, 4)]);
    net.keep_sent = true;
    let join = join(ring.number, &[1, 2, 3, 4, 5, 6], &[4, 6], &[1, 2, 3]);
    net.inject(5, 4, &Packet::Join(Join { careful: true, ring: Some(ring), ..join }));
    let time = net.until("a ring", |net| {
        [1, 2, 3].iter().all(|host| net.rings[host].status().state == "operational")
    });
    assert!(time < net.timing().bound(), "{} ms", time / MS);
    let commits = net.count_sent(|packet| matches!(packet, Packet::Commit(_)));
    assert!(commits < 20, "{commits}");
}

/// All have agreed and one of them has begun to form the ring, when a member says that it
/// wants no ring with one of them. The others do not wait until the commit token is given
/// up, and show no links again.
#[test]
fn who_has_agreed_decides_anew_when_a_member_leaves_one_of_them_out() {
    let mut net = Net::of(&[1, 2, 3, 4, 5]);
    let ring = net.last_view(1).id;
    net.run(500 * MS);
    net.stopped.insert(5);
    net.lose = Some(Box::new(|_, _, packet| matches!(packet, Packet::Commit(_))));
    net.until("a commit", |net| net.rings[&1].status().state == "commit");
    net.run(5 * MS);
    assert!([2, 3, 4].iter().all(|host| net.rings[host].status().state == "gather"));
    (net.lose, net.keep_sent) = (None, true);
    let join = join(ring.number, &[1, 2, 3, 4, 5], &[4, 5], &[1, 3, 4]);
    let join = Packet::Join(Join { careful: true, ring: Some(ring), ..join });
    for host in [1, 3] {
        net.inject(2, host, &join);
    }
    // They meet it again at once.
    let time = net.until("two rings", |net| (1..4).all(|host| net.counter(host, "views") == 3));
    assert!(time < net.timing().consensus() / 2, "{} ms", time / MS);
    for host in 1..4 {
        let members: Vec<_> = net.views(host).into_iter().map(|view| view.members).collect();
        let expected = [&[1, 2, 3, 4, 5][..], &[1, 2, 3], &[1, 2, 3, 4]].map(nodes);
        assert_eq!(members, expected, "{host}");
    }
    let forgets = |packet: &Packet| matches!(packet, Packet::Join(join) if join.careful && join.mutual.is_empty());
    assert_eq!(net.count_sent(forgets), 0);
}
