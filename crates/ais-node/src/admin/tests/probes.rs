//! Probes that do not read, and many of them.

use super::*;
use crate::admin::message::Probed;
use crate::admin::probes::Probes;
use ais_proto::admin::Deliveries;

#[test]
fn a_probe_that_does_not_read_is_told_what_it_missed() {
    let mut rig = Rig::new();
    let probe = rig.open(1, ServiceId::Admin);
    rig.ask(&probe, Request::ProbeStart);
    rig.full.push(probe.connection);
    let message = vec![7; MAX_PROBE_MESSAGE];
    let sent = 300;
    for _ in 0..sent {
        rig.ask(&probe, Request::ProbeSend { messages: vec![&message] });
    }
    assert_eq!(rig.events.len(), 1);
    rig.read_on(probe.connection);
    let (own, skipped, items) = rig.heard(probe.connection);
    assert_eq!(own, sent);
    assert!(skipped > 0);
    assert_eq!(items.len() as u64 + skipped, sent);
    // From then on it is as before.
    rig.ask(&probe, Request::ProbeSend { messages: vec![b"on"] });
    assert_eq!(rig.heard(probe.connection), (1, 0, vec![(1, b"on".to_vec())]));
}

#[test]
fn what_probes_have_not_read_is_kept_once_for_all() {
    let mut rig = Rig::new();
    let probes: Vec<_> = (1..=300).map(|number| rig.open(number, ServiceId::Admin)).collect();
    for probe in &probes {
        rig.ask(probe, Request::ProbeStart);
    }
    rig.full = probes[1..].iter().map(|probe| probe.connection).collect();
    let message = vec![7; MAX_PROBE_MESSAGE];
    for sent in 1..=200 {
        rig.ask(&probes[0], Request::ProbeSend { messages: vec![&message] });
        rig.go_on();
        let kept = rig.node.admin().kept_for_probes();
        assert!(kept <= 9 << 20, "{kept} bytes after {sent} messages");
        // Who reads is told all.
        let (own, skipped, _) = rig.heard(probes[0].connection);
        assert_eq!((own, skipped), (1, 0));
    }
    let late = probes[299].connection;
    rig.read_on(late);
    let (own, skipped, items) = rig.heard(late);
    // The first message went out at once.
    assert_eq!((own, skipped + items.len() as u64 + 1), (0, 200));
    assert!(items.len() > 100, "it has what there is: {}", items.len());
    for probe in &probes[1..] {
        rig.close(probe);
    }
    assert_eq!(rig.node.admin().kept_for_probes(), 0);
}

#[test]
fn many_probes_are_told_in_turn_and_who_sent_first() {
    let mut rig = Rig::new();
    let probes: Vec<_> = (1..=1000).map(|number| rig.open(number, ServiceId::Admin)).collect();
    for probe in &probes {
        rig.ask(probe, Request::ProbeStart);
    }
    let sender = &probes[999];
    rig.ask(sender, Request::ProbeSend { messages: vec![b"a"] });
    let first = rig.events.len();
    assert!(first < 100, "{first} events in one step");
    assert!(rig.events.iter().any(|(told, _)| *told == sender.connection), "before its reply");
    let steps = rig.go_on();
    assert!(steps.iter().all(|events| *events < 100), "{steps:?}");
    let told: std::collections::BTreeSet<_> = rig.events.iter().map(|(told, _)| *told).collect();
    assert_eq!((told.len(), rig.events.len()), (1000, 1000), "each once");
}

#[test]
fn what_is_done_at_one_time_tells_many_no_more_than_one_thing_does() {
    let mut rig = Rig::new();
    let probes: Vec<_> = (1..=1000).map(|number| rig.open(number, ServiceId::Admin)).collect();
    for probe in &probes {
        rig.ask(probe, Request::ProbeStart);
    }
    rig.ask(&probes[0], Request::ProbeSend { messages: vec![b"a"] });
    for probe in &probes[900..] {
        rig.close(probe);
    }
    assert!(rig.events.len() < 100, "{} events at one time", rig.events.len());
    rig.go_on();
    assert_eq!(rig.events.len(), 900);
    // Large ones count for more.
    rig.events.clear();
    let message = vec![b'x'; 60_000];
    rig.ask(&probes[0], Request::ProbeSend { messages: vec![&message] });
    let first = rig.events.len();
    assert!((1..=10).contains(&first), "{first} large events at one time");
    let steps = rig.go_on();
    assert!(steps.iter().all(|events| *events <= 10), "{steps:?}");
    assert_eq!(rig.events.len(), 900);
}

/// A message of the probe with this number is delivered.
fn deliver(probes: &mut Probes, probe: u64, message: &[u8]) {
    probes.deliver(ME, None, Probed { probe, message });
}

#[test]
fn a_message_that_fits_no_event_changes_nothing() {
    let mut probes = Probes::new(ME);
    let probe = ConnectionId(1);
    probes.start(probe);
    let long = vec![0; ais_proto::MAX_EVENT];
    deliver(&mut probes, 0, &long);
    assert!(probes.take_behind().is_empty());
    deliver(&mut probes, 9, &[]);
    assert_eq!(probes.take_behind().into_iter().collect::<Vec<_>>(), [probe]);
    let (told, is_all): (Deliveries, bool) = probes.tell(probe).unwrap();
    assert_eq!((told.iter().count(), told.own(), is_all), (1, 0, true));
    assert_eq!(probes.tell(probe), None);
}

#[test]
fn who_asks_twice_to_be_told_is_told_once() {
    let mut probes = Probes::new(ME);
    let (one, two) = (ConnectionId(1), ConnectionId(2));
    probes.start(one);
    deliver(&mut probes, 9, &[]);
    // From then on.
    probes.start(two);
    probes.start(one);
    deliver(&mut probes, 8, &[8]);
    assert_eq!(probes.take_behind().len(), 2);
    for probe in [one, two] {
        let (told, is_all) = probes.tell(probe).unwrap();
        let messages: Vec<_> = told.iter().map(|of| of.message.to_vec()).collect();
        assert_eq!((messages, told.skipped, is_all), (vec![vec![8]], 0, true));
    }
    assert_eq!(probes.kept(), 0);
}
