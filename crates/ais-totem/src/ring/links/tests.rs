//! What is known of links, and which nodes are let in when.

use super::*;

fn node(number: u32) -> NodeId {
    NodeId::new(number.into())
}

const FULL: u16 = 1472;

fn links() -> Links {
    Links::new(timing(), FULL)
}

fn timing() -> Timing {
    Timing::from_token(1000)
}

/// What a HELLO to this member shows; longer ones come there, both to it and to all.
fn to_one(length: u16) -> Option<Reach> {
    Some(Reach { to_one: true, one: FULL, all: FULL, length })
}

fn to_all(length: u16) -> Option<Reach> {
    Some(Reach { length, ..Reach::default() })
}

/// A HELLO of each kind has come.
fn greeted(links: &mut Links, now: u64, length: u16) {
    links.heard(now, node(1), true, to_all(length));
    links.heard(now, node(1), true, to_one(length));
}

#[test]
fn a_link_is_mutual_only_while_both_directions_show() {
    let mut links = links();
    links.heard(0, node(1), true, None);
    assert!(!links.heard(0, node(1), true, to_all(FULL)).any);
    assert!(!links.is_heard(0, node(1)), "nothing shows what it sends to this member");
    assert!(links.heard(0, node(1), false, to_one(FULL)).any);
    assert!(links.is_heard(0, node(1)) && links.is_mutual(0, node(1)));
    assert!(!links.heard(2, node(1), true, None).any);
    let later = 3 + timing().heard();
    links.heard(later, node(1), false, to_one(FULL));
    assert!(!links.is_heard(later, node(1)), "nothing of what it sends to all came lately");
    links.heard(later, node(1), false, to_all(FULL));
    assert!(links.is_heard(later, node(1)) && !links.is_mutual(later, node(1)));
}

#[test]
fn what_gets_through_is_known_by_its_length() {
    let mut links = links();
    links.heard(0, node(1), true, to_all(FULL));
    links.heard(0, node(1), true, to_one(LEAST - 1));
    assert!(!links.is_heard(timing().merge(), node(1)), "so much always gets through");
    links.heard(1, node(1), true, to_one(1252));
    links.heard(2, node(1), true, to_one(LEAST));
    assert_eq!((links.came(2, node(1)), links.told(2, node(1))), ((1252, FULL), (FULL, FULL)));
    assert_eq!(links.size_with(2, node(1)), 1252);
    let later = 2 + timing().heard();
    links.heard(later, node(1), true, to_one(LEAST));
    assert_eq!(links.came(later, node(1)), (LEAST, 0));
}

/// Where longer datagrams get lost, shorter ones count once those had their
/// time, and once the ring's are as short.
#[test]
fn who_gets_short_datagrams_only_is_let_in_to_a_ring_of_these() {
    let mut links = links();
    let merge = timing().merge();
    for now in [0, merge / 2, merge - 1] {
        greeted(&mut links, now, 1252);
        assert_eq!(links.less_for(now, node(1)), None);
    }
    greeted(&mut links, merge, 1252);
    greeted(&mut links, 2 * merge, 1252);
    assert!(!links.is_mutual(2 * merge, node(1)), "the frames of the ring are too long for it");
    assert_eq!(links.less_for(2 * merge, node(1)), Some(1252));
    links.set_size(2 * merge, 1252);
    assert!(!links.is_mutual(2 * merge, node(1)), "there may still be some");
    assert!(links.is_mutual(5 * merge / 2, node(1)));
    assert_eq!(links.size_among(5 * merge / 2, [node(1), node(2)].into_iter()), 1252);
}

/// What a ring needs of its members is what its frames need, and has to be shown
/// anew when something went wrong.
#[test]
fn a_member_that_is_doubted_has_to_show_the_size_of_the_ring() {
    let mut links = links();
    greeted(&mut links, 0, FULL);
    links.joined(0, node(1));
    assert!(links.is_mutual(9 * timing().heard(), node(1)), "nobody has doubted that");
    links.doubt(node(1), true);
    assert!(!links.is_mutual(0, node(1)));
    greeted(&mut links, 0, FULL - 1);
    assert!(!links.is_mutual(0, node(1)) && !links.is_mutual(2 * timing().merge(), node(1)));
    greeted(&mut links, 0, FULL);
    assert!(links.is_mutual(0, node(1)));
}

/// Recovery sends the frames of the ring again as long as they were, whatever it
/// keeps to by now so that a stranger can be let in.
#[test]
fn a_member_has_to_show_the_size_that_the_ring_was_formed_with() {
    let mut links = links();
    let merge = timing().merge();
    greeted(&mut links, 0, FULL);
    for (formed, shorter, lengths) in
        [(FULL, 1252, vec![FULL, 1252]), (1252, 972, vec![FULL, 1252, 972])]
    {
        links.set_size(0, formed);
        links.note_formed();
        links.joined(0, node(1));
        links.set_size(0, shorter);
        assert_eq!(links.lengths_to(0, node(1)), lengths);
        links.doubt(node(1), true);
        greeted(&mut links, 0, shorter);
        assert!(!links.is_mutual(2 * merge, node(1)), "{formed}");
        greeted(&mut links, 2 * merge, formed);
        assert!(links.is_mutual(2 * merge, node(1)), "{formed}");
    }
}

#[test]
fn who_was_lost_again_is_let_in_when_it_was_heard_for_a_while() {
    let mut links = links();
    greeted(&mut links, 0, FULL);
    links.lost(0, node(1));
    greeted(&mut links, 1, FULL);
    assert!(links.is_mutual(1, node(1)), "the first time is forgiven");
    links.lost(2, node(1));
    greeted(&mut links, 3, FULL);
    let wait = timing().shortest_wait();
    assert!(!links.is_mutual(2 + wait, node(1)) && links.is_mutual(3 + wait, node(1)));
    links.lost(4, node(1));
    greeted(&mut links, 4, FULL);
    assert!(!links.is_mutual(4 + wait, node(1)) && links.is_mutual(4 + 2 * wait, node(1)));
    // In between it was not heard.
    let later = 5 + 2 * timing().heard();
    greeted(&mut links, later, FULL);
    assert!(!links.is_mutual(later, node(1)));
}

/// All others may have waited already.
#[test]
fn who_is_to_be_in_the_next_ring_is_let_in_when_the_way_is_shown() {
    let mut links = links();
    for at in [0, 2] {
        greeted(&mut links, at, FULL);
        links.lost(at + 1, node(1));
    }
    let wait = timing().shortest_wait();
    greeted(&mut links, 4, FULL);
    links.doubt(node(1), false);
    greeted(&mut links, 6, FULL);
    assert!(!links.is_mutual(6, node(1)) && links.is_mutual(6 + wait, node(1)));
    links.damping.end_wait(node(1));
    assert!(links.is_mutual(6, node(1)));
    for at in [7 + wait, 9 + wait] {
        links.doubt(node(1), false);
        assert!(!links.is_mutual(at, node(1)), "the way has to be shown");
        greeted(&mut links, at + 1, FULL);
        assert!(links.is_mutual(at + 1, node(1)));
    }
    links.lost(11 + wait, node(1));
    greeted(&mut links, 12 + wait, FULL);
    assert!(!links.is_mutual(12 + wait, node(1)), "lost once more it waits once more");
}

#[test]
fn greetings_are_rare() {
    let mut links = links();
    let merge = timing().merge();
    links.heard(0, node(1), false, None);
    assert!(links.needs_greeting(0, node(1), false));
    assert!(!links.needs_greeting(1, node(1), false));
    assert!(links.needs_greeting(merge / 4, node(1), false));
    assert!(!links.needs_greeting(merge, node(1), true));
    assert!(links.needs_greeting(5 * merge / 4, node(1), true));
    let mut now = 5 * merge / 4;
    for _ in 0..EAGER {
        now += merge / 4;
        links.needs_greeting(now, node(1), false);
    }
    assert!(!links.needs_greeting(now + merge / 4, node(1), false), "it answers to none");
    assert!(links.needs_greeting(now + merge, node(1), false));
}

/// A node that answers to no long datagram in time is sent a short one, and all
/// lengths once it answers to that.
#[test]
fn shorter_datagrams_are_tried_where_long_ones_get_lost() {
    let mut links = links();
    let ladder = [FULL, 1464, 1422, 1392, 1372, 1252, 972, LEAST];
    let greet = |links: &mut Links, round: u64| {
        let now = round * timing().merge();
        links.needs_greeting(now, node(1), false);
        (links.lengths_to(now, node(1)), links.lengths_to_all(now, &[]))
    };
    links.heard(0, node(1), false, None);
    let rounds = [0, 1, 2].map(|round| greet(&mut links, round).0);
    assert_eq!(rounds, [vec![FULL], vec![FULL], vec![FULL, LEAST]]);
    let told = Reach { to_one: true, one: LEAST, all: FULL, length: FULL };
    for round in 3..3 + u64::from(TRIES) {
        links.heard(round * timing().merge(), node(1), true, Some(told));
        assert_eq!(greet(&mut links, round), (ladder.to_vec(), vec![FULL]));
    }
    assert_eq!(greet(&mut links, 9), (vec![FULL, LEAST], vec![FULL]));
    links.heard(10 * timing().merge(), node(1), true, to_one(FULL));
    assert_eq!(greet(&mut links, 10), (vec![FULL], vec![FULL]));
}

#[test]
fn what_is_lost_is_said_for_each_way() {
    let mut links = links();
    let said = links.what_is_lost(0, node(1));
    assert!(said.contains("nothing sent to all nodes (multicast) gets from 0.0.0.1"), "{said}");
    links.heard(0, node(1), true, to_all(FULL));
    let told = Reach { to_one: true, one: 1252, all: FULL, length: FULL };
    links.heard(0, node(1), true, Some(told));
    assert_eq!(
        links.what_is_lost(0, node(1)),
        "packets to one node (unicast) with more than 1252 bytes are lost from this node to \
         0.0.0.1: look at the mtu on the way"
    );
}

#[test]
fn who_is_heard_for_long_and_not_let_in_is_named() {
    let mut links = links();
    let (bound, gap) = (timing().bound(), timing().merge());
    let what = |links: &Links, now| {
        let problems = links.problems(now, node(9));
        problems.into_iter().map(|(_, problem)| problem.what).collect::<Vec<_>>()
    };
    let mut now = 0;
    while now <= bound {
        assert_eq!(what(&links, now), [""; 0]);
        links.heard(now, node(1), true, to_all(FULL));
        now += gap;
    }
    let said = what(&links, now);
    assert!(said[0].contains("0.0.0.1 is not let in: nothing sent to one node"), "{said:?}");
    greeted(&mut links, now, FULL);
    assert_eq!(what(&links, now), [""; 0]);
    for _ in 0..9 {
        links.lost(now, node(1));
    }
    let end = now + bound + 2 * gap;
    while now < end {
        greeted(&mut links, now, FULL);
        now += gap;
    }
    let said = what(&links, now);
    assert!(said[0].contains("0.0.0.1 was lost 9 times"), "{said:?}");
    assert!(said[0].contains("heard for 16000 ms"), "{said:?}");
    links.set_size(now, 1252);
    assert!(what(&links, now)[1].contains("1252 bytes at most instead of 1472"));
}

#[test]
fn the_tables_are_bounded() {
    let mut links = links();
    for number in 1..10_000 {
        links.heard(number.into(), node(number), true, to_one(FULL));
        links.heard(number.into(), node(number), true, to_all(FULL));
    }
    assert_eq!(links.links.len(), MAX_REMEMBERED);
    assert_eq!(links.nodes(10_000, &[]).0.len(), MAX_MEMBERS);
}
