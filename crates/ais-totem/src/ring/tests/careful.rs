//! The gather that follows trouble is careful: a link counts when it was shown
//! anew, and nobody else is blamed.

use super::*;
use crate::packet::{Hello, Join, Packet, Reach};
use crate::{Destination, ViewId};
use ais_wire::NodeId;

/// Runs until one of the members looks for a new ring.
fn until_gather(net: &mut Net) {
    net.until("a gather", |net| net.rings.values().any(|ring| ring.status().state == "gather"));
}

/// The JOINs that a host has sent.
fn joins(net: &Net, host: u8) -> Vec<&Join> {
    let joins = net.sent.iter().filter_map(|(_, from, _, packet)| match packet {
        Packet::Join(join) if *from == host => Some(join),
        _ => None,
    });
    joins.collect()
}

#[test]
fn after_trouble_no_link_counts_before_it_is_shown_anew() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(500 * MS);
    net.forget();
    net.keep_sent = true;
    net.lose = Some(Box::new(|_, _, packet| !matches!(packet, Packet::Join(_))));
    until_gather(&mut net);
    net.run(net.timing().consensus() / 2);
    for host in 1..=3 {
        assert_eq!(net.rings[&host].status().state, "gather", "{host}");
        let joins = joins(&net, host);
        assert!(joins.len() > 3, "{host}: {joins:?}");
        let shows_nothing =
            |join: &&&Join| join.careful && join.heard.is_empty() && join.mutual.is_empty();
        assert_eq!(joins.iter().filter(shows_nothing).count(), joins.len(), "{host}: {joins:?}");
    }
    net.lose = None;
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time < TOKEN / 4, "{} ms", time / MS);
    net.assert_one_view(&[1, 2, 3], "all links work");
}

#[test]
fn a_careful_join_has_all_show_their_links() {
    for careful in [true, false] {
        let mut net = Net::of(&[1, 2, 3]);
        let ring = net.last_view(1).id;
        net.run(500 * MS);
        net.forget();
        net.keep_sent = true;
        let none = Vec::new;
        let join = Join {
            careful,
            leaving: false,
            number: ring.number,
            ring: Some(ring),
            members: nodes(&[1, 2, 3]),
            failed: none(),
            heard: none(),
            mutual: none(),
        };
        net.inject(2, 1, &Packet::Join(join));
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
        for host in 1..=3 {
            let joins = joins(&net, host);
            assert!(joins.iter().all(|join| join.careful == careful), "{careful}: {joins:?}");
            let is_shown = |to: u8| {
                net.sent.iter().any(|(_, from, to_whom, packet)| {
                    let is_way = (*from, *to_whom) == (host, Destination::One(node(to)));
                    is_way && matches!(packet, Packet::Hello(_))
                })
            };
            for other in (1..=3).filter(|&other| other != host) {
                assert_eq!(is_shown(other), careful, "{host} to {other}");
            }
        }
        net.assert_one_view(&[1, 2, 3], "all links work");
    }
}

/// What comes of host 3 to 1 and 2, which it says it hears in JOINs alone.
fn third_that_hears(ring: ViewId, careful: bool) -> [Packet; 3] {
    let none = Vec::new;
    let hello = |to_one| {
        let reach = Reach { to_one, one: 0, all: 0, length: 1400 };
        let members = nodes(&[1, 2, 3]);
        Packet::Hello(Hello { ring: Some(ring), members, heard: none(), mutual: none(), reach })
    };
    let join = Join {
        careful,
        leaving: false,
        number: ring.number,
        ring: Some(ring),
        members: nodes(&[1, 2, 3]),
        failed: none(),
        heard: nodes(&[1, 2]),
        mutual: nodes(&[1, 2]),
    };
    [hello(true), hello(false), Packet::Join(join)]
}

/// A node that takes it that members hear each other cannot show that.
#[test]
fn a_join_that_is_not_careful_shows_no_link_to_those_that_doubt_it() {
    for careful in [true, false] {
        let mut net = Net::of(&[1, 2, 3]);
        let ring = net.last_view(1).id;
        net.run(500 * MS);
        net.crash(3);
        until_gather(&mut net);
        net.run(MS);
        net.forget();
        net.keep_sent = true;
        let end = net.now + net.timing().consensus() / 2;
        while net.now < end {
            for packet in third_that_hears(ring, careful) {
                net.inject(3, 1, &packet);
                net.inject(3, 2, &packet);
            }
            net.run(net.timing().join());
        }
        for host in [1, 2] {
            let says = |list: fn(&Join) -> &[NodeId]| {
                joins(&net, host).into_iter().any(|join| list(join).contains(&node(3)))
            };
            assert!(says(|join| &join.heard), "{host} hears it, {careful}");
            assert_eq!(says(|join| &join.mutual), careful, "{host}");
        }
        let time = net.until_view(&[1, 2], &[1, 2]);
        let most = if careful { 2 * TOKEN } else { net.timing().consensus() };
        assert!(time < most, "{careful}: {} ms", time / MS);
    }
}

#[test]
fn nobody_blames_its_own_successor_for_lost_commit_tokens() {
    let all = [1, 2, 3, 4];
    for sender in all {
        let mut net = Net::of(&all);
        net.run(500 * MS);
        net.forget();
        net.lose = Some(Box::new(move |from, _, packet| {
            from == sender && matches!(packet, Packet::Commit(_))
        }));
        net.call(1, |ring, now| ring.refused(now, node(3)));
        net.run(4 * TOKEN);
        let failed = all.map(|host| net.counter(host, "gathers-commit-failed"));
        assert!(failed.iter().sum::<u64>() >= 4, "{sender}: {failed:?}");
        net.lose = None;
        let time = net.until_view(&all, &all);
        assert!(time < 2 * TOKEN, "{sender}: {} ms", time / MS);
        net.assert_one_view(&all, "all links work");
    }
}

/// Host 2 has nearly decided when host 1 is back, and 3 and 4, which have a ring of
/// their own, can meet both and show their links anew.
#[test]
fn who_begins_to_show_links_late_has_the_time_for_it() {
    for left in 1..20 {
        let mut net = Net::of(&[1, 2, 3, 4]);
        net.run(500 * MS);
        net.stopped.extend([1, 2]);
        net.until_view(&[3, 4], &[3, 4]);
        net.run(500 * MS);
        net.stopped.remove(&2);
        until_gather(&mut net);
        net.run(net.timing().consensus() - left * net.timing().merge() / 10);
        net.forget();
        net.stopped.clear();
        net.until_view(&[1, 2, 3, 4], &[1, 2, 3, 4]);
        for (host, mate) in [(3, 4), (4, 3)] {
            let views = net.views(host);
            let has_mate = views.iter().all(|view| view.members.contains(&node(mate)));
            assert!(has_mate, "{host}, {left} tenths of merge before: {views:?}");
        }
    }
}

/// Hosts 1 and 4 do not hear each other, so that one of them is left out.
#[test]
fn who_was_silent_in_the_gather_is_left_out_before_who_was_not() {
    for (is_silent, stay) in [(false, [1, 2]), (true, [2, 4])] {
        let mut net = Net::of(&[1, 2, 3, 4]);
        net.run(500 * MS);
        net.stopped.insert(3);
        until_gather(&mut net);
        net.cut.extend([(1, 4), (4, 1)]);
        let consensus = net.timing().consensus();
        net.run(consensus / 5);
        if is_silent {
            net.stopped.insert(1);
        }
        net.run(consensus * 2 / 5);
        net.stopped.remove(&1);
        net.until_view(&stay, &stay);
    }
}
