//! What people are told of: settings, names and addresses that nodes should not
//! have, and rings that do not form. None of it does harm.

use super::*;
use crate::packet::{Codec, Hello, Join, MINOR, Packet, Reach};
use crate::{Problem, Setting, Severity, ViewId};
use ais_wire::{Name, NodeId};

fn setting(key: &str, value: &str) -> Setting {
    let name = |text: &str| Name::try_from(text).unwrap();
    Setting { key: name(key), value: name(value) }
}

/// What a ring says is wrong, without the advice.
fn problems(net: &Net, host: u8) -> Vec<(Severity, String)> {
    let problems = net.rings[&host].status().problems;
    problems.into_iter().map(|Problem { severity, what, .. }| (severity, what)).collect()
}

fn says(net: &Net, host: u8, words: &str) -> bool {
    problems(net, host).iter().any(|(_, what)| what.contains(words))
}

#[test]
fn settings_that_differ_are_known_to_both_as_long_as_they_do() {
    let mut net = Net::empty();
    for host in 1..=3 {
        net.start_with(host, |config| {
            let token = if host == 3 { "1001" } else { "1000" };
            config.settings = vec![setting("token", token)];
            config.distinct = vec![setting("nodename", if host == 1 { "a" } else { "b" })];
        });
    }
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.run(100 * TOKEN);
    let degraded = |what: &str| (Severity::Degraded, what.to_owned());
    let third = "10.0.0.3 has token:1001, this node has token:1000";
    let of_third = |other| format!("10.0.0.{other} has token:1000, this node has token:1001");
    assert_eq!(problems(&net, 1), [degraded(third)]);
    let same = "10.0.0.3 has nodename:b, and so has this node";
    assert_eq!(problems(&net, 2), [degraded(third), degraded(same)]);
    let same = "10.0.0.2 has nodename:b, and so has this node";
    assert_eq!(problems(&net, 3), [degraded(&of_third(1)), degraded(&of_third(2)), degraded(same)]);
    assert_eq!(net.counter(1, "views"), 1);
    for (host, ring) in &net.rings {
        let logged = ring.core.problems.logged.len();
        assert_eq!(logged, problems(&net, *host).len(), "the log of {host}, in the last minute");
    }
    // The configuration is put right.
    net.crash(3);
    net.start_with(3, |config| {
        config.settings = vec![setting("token", "1000")];
        config.distinct = vec![setting("nodename", "c")];
    });
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
    net.run(TOKEN);
    for host in 1..=3 {
        assert_eq!(problems(&net, host), [], "{host}");
    }
}

/// What a node that is not a member shows lasts as long as it is heard.
#[test]
fn a_node_that_has_gone_is_not_complained_of() {
    let mut net = Net::of(&[1, 2]);
    net.start_with(3, |config| config.cluster = Name::try_from("other").unwrap());
    net.run(30 * TOKEN);
    let what = "packets of 10.0.0.3 are ignored: its cluster has another name";
    assert_eq!(problems(&net, 1), [(Severity::Notice, what.to_owned())]);
    assert!(says(&net, 3, "packets of 10.0.0.1 are ignored"));
    net.crash(3);
    net.run(5 * TOKEN);
    assert!(says(&net, 2, what), "it may be back");
    net.run(30 * TOKEN);
    assert_eq!((problems(&net, 1), problems(&net, 2)), (Vec::new(), Vec::new()));
}

#[test]
fn a_node_that_is_configured_belongs_to_the_same_cluster() {
    let mut net = Net::empty();
    net.start_with(1, |config| config.members = nodes(&[1, 2]));
    net.start_with(2, |config| config.cluster = Name::try_from("other").unwrap());
    net.run(10 * TOKEN);
    let problem = net.rings[&1].status().problems.pop().unwrap();
    assert_eq!((problem.severity, problem.node), (Severity::Degraded, Some(node(2))));
    assert!(problem.advice.contains("clustername:test, and a line `member:10.0.0.2`"));
}

#[test]
fn a_member_that_gets_into_no_ring_says_so_after_the_bound() {
    let mut net = Net::of(&[1, 2]);
    // The others answer, and no commit token ever comes through.
    net.lose =
        Some(Box::new(|_, _, packet| matches!(packet, Packet::Commit(_) | Packet::Token(_))));
    let bound = net.timing().bound();
    net.run(TOKEN + bound);
    let before = net.now;
    net.until("a standstill", |net| says(net, 1, "is in no ring for"));
    assert!(net.now - before <= bound);
    let (severity, what) = problems(&net, 1).remove(0);
    assert_eq!(severity, Severity::Blocking);
    assert!(what.contains("it is in gather (") || what.contains("it is in commit ("), "{what}");
    net.lose = None;
    net.until_view(&[1, 2], &[1, 2]);
    net.run(TOKEN);
    assert_eq!((problems(&net, 1), problems(&net, 2)), (Vec::new(), Vec::new()));
}

#[test]
fn a_disk_that_does_not_answer_is_said() {
    let mut net = Net::empty();
    net.stuck_disks.insert(1);
    net.start(1);
    net.run(10 * TOKEN);
    let problem = net.rings[&1].status().problems.pop().unwrap();
    assert!(problem.what.contains("state directory"), "{problem:?}");
    assert!(problem.advice.contains("disk"), "{problem:?}");
    net.stuck_disks.clear();
    net.run(5 * TOKEN);
    assert_eq!(problems(&net, 1).len(), 1, "what was asked for is not answered");
    net.call(1, |ring, now| ring.reserved(now, 1000));
    net.run(5 * TOKEN);
    assert_eq!(problems(&net, 1), []);
}

/// A HELLO of host 3 to all, which hears 1 and 2, as another minor version writes
/// it: with more at the end, or without what minor version 2 has there.
fn hello_of_minor(minor: u8) -> Vec<u8> {
    let (members, heard) = (Vec::new(), nodes(&[1, 2]));
    let reach = Reach { length: if minor < MINOR { 0 } else { 1400 }, ..Reach::default() };
    let hello = Hello { ring: None, members, mutual: heard.clone(), heard, reach };
    let codec = Codec::new(node(3), &Name::try_from("test").unwrap(), &[]);
    let mut bytes = codec.encode(&Packet::Hello(hello)).to_vec();
    if minor < MINOR {
        bytes.truncate(bytes.len() - 5 - 8 - 4);
    }
    bytes[5] = minor;
    let sum = crc32fast::hash(&[&bytes[..7], &bytes[11..]].concat());
    bytes[7..11].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn a_node_of_another_version_is_named_with_both_versions() {
    for (minor, severity, more) in [
        (1, Severity::Degraded, ": they are in no ring with each other"),
        (3, Severity::Notice, ""),
    ] {
        let mut net = Net::of(&[1, 2]);
        let hello = hello_of_minor(minor);
        for _ in 0..50 {
            net.call(1, |ring, now| ring.handle_packet(now, node(3), &hello));
            net.run(TOKEN / 10);
        }
        let what = format!("10.0.0.3 speaks the protocol 1.{minor}, this node 1.2{more}");
        let problem = problems(&net, 1).pop();
        assert_eq!(problem, Some((severity, what)));
        let problems = net.rings[&1].status().problems;
        // What a newer version shows of its links counts.
        assert_eq!(problems.len(), if minor < MINOR { 1 } else { 2 }, "{problems:?}");
        assert!(problems.last().unwrap().advice.contains("the same version of aisexec"));
        assert_eq!(net.rings[&1].core.problems.logged.len(), problems.len());
        assert_eq!(net.counter(1, "views"), 1);
        net.run(30 * TOKEN);
        assert_eq!(self::problems(&net, 1), []);
    }
}

/// What a machine with the address of 10.0.0.3 sends that has just started.
fn of_clone(number: u64, twice_heard: &[u8]) -> [Packet; 2] {
    let heard = nodes(twice_heard);
    let join = Join {
        careful: false,
        leaving: false,
        number,
        ring: None,
        members: vec![node(3)],
        failed: Vec::new(),
        heard: heard.clone(),
        mutual: heard.clone(),
    };
    let reach = Reach { length: 1400, ..Reach::default() };
    let hello =
        Hello { ring: None, members: Vec::new(), heard: heard.clone(), mutual: heard, reach };
    [Packet::Join(join), Packet::Hello(hello)]
}

/// Has a clone of host 3 send for a while. Its own address is `node(3)`.
fn clone_sends(net: &mut Net, to: &[u8], number: u64, time: u64) {
    let end = net.now + time;
    while net.now < end {
        for packet in of_clone(number, &[1, 2]) {
            for &host in to {
                net.inject_as(99, node(3), host, &packet);
            }
        }
        net.run(50 * MS);
    }
}

#[test]
fn a_clone_of_a_member_changes_nothing_and_is_known_to_all() {
    for number in [0, 1, 1000] {
        let mut net = Net::of(&[1, 2, 3]);
        net.run(500 * MS);
        net.forget();
        clone_sends(&mut net, &[1, 2], number, 10 * TOKEN);
        for host in 1..=3 {
            assert_eq!(net.views(host), [], "{number} at {host}");
        }
        let what = "two machines have the address 10.0.0.3";
        assert_eq!(problems(&net, 1), [(Severity::Degraded, what.to_owned())]);
        assert!(says(&net, 2, what));
        // A machine drops what comes from its own address: the others tell it.
        assert!(says(&net, 3, "another machine has the address of this node, 10.0.0.3, too, says"));
        assert!(net.counter(1, "dropped-address-twice") > 100);
        net.run(30 * TOKEN);
        for host in 1..=3 {
            assert_eq!(problems(&net, host), [], "{host}");
        }
    }
}

/// The machine that was heard first need not be the one that came into the ring.
#[test]
fn a_machine_that_lost_its_place_to_its_clone_is_noticed() {
    let mut net = Net::of(&[1, 2, 3]);
    net.forget();
    let ring = ViewId { number: 1, representative: node(3) };
    let incarnation = net.incarnation(node(3));
    for number in [ring.number, 1000] {
        let ring = ViewId { number, ..ring };
        for _ in 0..50 {
            for (host, length) in [(1, 1400), (2, 1400)] {
                let (members, heard) = (vec![node(3)], nodes(&[1, 2]));
                let reach = Reach { length, ..Reach::default() };
                let hello =
                    Hello { ring: Some(ring), members, heard: heard.clone(), mutual: heard, reach };
                net.inject_as(incarnation, node(3), host, &Packet::Hello(hello));
            }
            net.run(200 * MS);
        }
        for host in 1..=3 {
            assert_eq!(net.views(host), [], "{host}");
            assert!(says(&net, host, "the address"), "{host}");
        }
        net.run(30 * TOKEN);
        assert_eq!(problems(&net, 1), []);
    }
}

/// Which machine takes the place of the other is a matter of chance, so neither does.
#[test]
fn an_address_that_two_machines_have_is_let_into_no_ring() {
    let mut net = Net::of(&[1, 2]);
    net.start(3);
    net.cut.extend([(1, 3), (2, 3)]);
    clone_sends(&mut net, &[1, 2], 0, 5 * TOKEN);
    net.heal();
    net.forget();
    clone_sends(&mut net, &[1, 2], 0, 10 * TOKEN);
    assert_eq!((net.views(1), net.views(2)), (Vec::new(), Vec::new()));
    net.until_view(&[1, 2, 3], &[1, 2, 3]);
}

#[test]
fn a_member_with_a_clone_is_out_when_the_ring_stands_still() {
    let mut net = Net::of(&[1, 2, 3]);
    clone_sends(&mut net, &[1, 2], 0, 3 * TOKEN);
    net.cut.extend([(2, 3), (1, 3)]);
    clone_sends(&mut net, &[1, 2], 0, TOKEN);
    net.until_view(&[1, 2], &[1, 2]);
    assert_eq!(net.last_view(1).why, "two machines have the address 10.0.0.3");
    clone_sends(&mut net, &[1, 2], 0, 10 * TOKEN);
    assert_eq!(net.last_view(1).members, nodes(&[1, 2]));
}

#[test]
fn a_node_that_starts_again_and_again_is_one_machine() {
    let mut net = Net::of(&[1, 2, 3]);
    for _ in 0..10 {
        net.crash(3);
        net.run(300 * MS);
        net.start(3);
        net.until_view(&[1, 2, 3], &[1, 2, 3]);
        assert!(!says(&net, 1, "two machines"));
    }
    assert!(net.now < 1000 * TOKEN);
}

#[test]
fn a_packet_from_the_own_address_is_an_echo_or_of_a_clone() {
    let mut net = Net::of(&[1, 2]);
    let me = node(2);
    let hello = |heard: NodeId| {
        let (heard, reach) = (vec![heard], Reach { length: 1400, ..Reach::default() });
        Packet::Hello(Hello { ring: None, members: Vec::new(), heard, mutual: Vec::new(), reach })
    };
    for _ in 0..20 {
        net.inject(2, 2, &hello(node(1)));
        net.run(200 * MS);
    }
    assert_eq!(problems(&net, 2), []);
    net.inject_as(7, me, 2, &hello(node(1)));
    assert_eq!(problems(&net, 2), [], "it may have been on its way for long");
    for _ in 0..20 {
        net.run(200 * MS);
        net.inject_as(7, me, 2, &hello(node(1)));
    }
    let what = "another machine has the address of this node, 10.0.0.2, too";
    assert_eq!(problems(&net, 2), [(Severity::Degraded, what.to_owned())]);
    assert_eq!(net.counter(2, "dropped-own-address"), 21);
    assert_eq!(net.counter(2, "views"), 1);
}
