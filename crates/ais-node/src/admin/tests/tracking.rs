//! Programs that track and do not dispatch, and many that do.

use super::*;
use crate::ledger::{Bound, Kind};
use crate::{Holder, UserId};
use ais_proto::MAX_ASYNC_PER_HANDLE;
use ais_proto::clm;
use ais_proto::track::TrackFlags;

impl From<clm::Request> for Ask<'_> {
    fn from(request: clm::Request) -> Self {
        Self(ais_proto::Request::Clm(request))
    }
}

fn track(flags: TrackFlags, subscription: u32) -> clm::Request {
    clm::Request::TrackStart { flags, capacity: 9, subscription }
}

/// The track callbacks of CLM since the last look: of whom, and their
/// subscription.
fn told(rig: &mut Rig) -> Vec<(ConnectionId, u32)> {
    let told = std::mem::take(&mut rig.others).into_iter();
    told.map(|(connection, code, body)| match clm::Event::decode(code, &body) {
        Ok(clm::Event::Track { subscription, members: 1, items, .. }) => {
            assert_eq!(items.len(), 1);
            (connection, subscription)
        }
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn who_begins_to_track_anew_and_anew_has_one_callback_wait() {
    let mut rig = Rig::new();
    let handle = rig.open(1, ServiceId::Clm);
    rig.full.push(handle.connection);
    let both = TrackFlags::CURRENT | TrackFlags::CHANGES;
    for number in 0..20_000 {
        rig.ask(&handle, track(both, number));
    }
    // One is with the driver.
    assert_eq!(told(&mut rig), [(handle.connection, 0)]);
    assert_eq!(rig.node.waiting(handle.connection), 1);
    rig.read_on(handle.connection);
    assert_eq!(told(&mut rig), [(handle.connection, 19_999)]);
    assert_eq!(rig.node.ledger().total(crate::ledger::Kind::Events), 0);
}

#[test]
fn callbacks_that_were_asked_for_once_are_bounded_and_each_is_told() {
    let mut rig = Rig::new();
    let clm = rig.open(1, ServiceId::Clm);
    rig.full.push(clm.connection);
    rig.ask(&clm, track(TrackFlags::CURRENT, 0));
    let most = MAX_ASYNC_PER_HANDLE as u32;
    for number in 1..=most {
        rig.ask(&clm, track(TrackFlags::CURRENT, number));
    }
    for request in
        [track(TrackFlags::CURRENT, most + 1), clm::Request::NodeGetAsync { node: 0, tag: 1 }]
    {
        assert_eq!(rig.error(&clm, request), AisError::TryAgain);
    }
    // What lasts is no more of them, and another handle is another.
    rig.ask(&clm, track(TrackFlags::CURRENT | TrackFlags::CHANGES, most + 2));
    let other = rig.open(2, ServiceId::Clm);
    rig.ask(&other, track(TrackFlags::CURRENT, 7));
    told(&mut rig);
    rig.read_on(clm.connection);
    let expected = (1..=most).chain([most + 2]);
    assert!(told(&mut rig).into_iter().map(|(_, number)| number).eq(expected));
    rig.ask(&clm, track(TrackFlags::CURRENT, 1));
    assert_eq!(told(&mut rig).len(), 1);
}

#[test]
fn groups_are_tracked_alike() {
    let mut rig = Rig::new();
    let (tracker, amf) = (rig.open(1, ServiceId::Amf), rig.open(2, ServiceId::Amf));
    rig.full.push(tracker.connection);
    let track = |flags, subscription| amf::Request::TrackStart {
        csi: name("pg"),
        flags,
        capacity: 9,
        subscription,
    };
    for number in 0..5000 {
        rig.ask(&tracker, track(TrackFlags::CURRENT | TrackFlags::CHANGES, number));
    }
    for number in 0..MAX_ASYNC_PER_HANDLE as u32 {
        rig.ask(&tracker, track(TrackFlags::CURRENT, number));
    }
    assert_eq!(rig.error(&tracker, track(TrackFlags::CURRENT, 9)), AisError::TryAgain);
    for _ in 0..100 {
        rig.ask(&amf, amf::Request::Register { component: name("c0"), proxy: None });
        rig.ask(&amf, amf::Request::Unregister { component: name("c0"), proxy: None });
    }
    rig.ask(&amf, amf::Request::Register { component: name("c0"), proxy: None });
    assert_eq!(rig.others.len(), 1);
    rig.read_on(tracker.connection);
    assert_eq!(rig.others.len(), 2 + MAX_ASYNC_PER_HANDLE);
    let mut rest = rig.others.drain(..).map(|(_, code, body)| amf::Event::decode(code, &body));
    rest.next();
    let Some(Ok(amf::Event::ProtectionGroupTrack { subscription: 4999, .. })) = rest.next() else {
        panic!("the newest stands for all");
    };
}

#[test]
fn subscriptions_of_all_handles_of_a_user_are_bounded() {
    let mut rig = Rig::new();
    rig.node.ledger_mut().set_bound(Kind::Events, Bound::of(1 << 14));
    let of = |user| Holder { user: UserId(user), process: user };
    let track = |subscription| amf::Request::TrackStart {
        csi: name("pg"),
        flags: TrackFlags::CHANGES,
        capacity: 9,
        subscription,
    };
    let mut refused = 0;
    for number in 1..=64 {
        rig.node.session_opened(SessionId(number), of(1000));
        let handle = rig.open(number, ServiceId::Amf);
        let (result, _) = rig.answer(&handle, track(1)).unwrap();
        refused += usize::from(result == Err(AisError::TryAgain));
        if result.is_ok() {
            // One anew takes the place of the first.
            rig.ask(&handle, track(2));
        }
    }
    assert!((20..64).contains(&refused), "{refused}");
    for (number, user) in [(65, 1001), (66, 0)] {
        rig.node.session_opened(SessionId(number), of(user));
        let handle = rig.open(number, ServiceId::Amf);
        rig.ask(&handle, track(1));
    }
    for number in 1..=66 {
        rig.node.connection_closed(rig.now, ConnectionId(number));
    }
    assert_eq!(rig.node.ledger().total(Kind::Events), 0);
}

#[test]
fn processes_that_have_a_checkpoint_open_are_counted_together_beyond_a_bound() {
    let mut rig = Rig::new();
    for number in 1..=5000 {
        let process = u32::try_from(number).unwrap();
        rig.node.session_opened(SessionId(number), Holder { user: UserId(1000), process });
        let handle = rig.open(number, ServiceId::Ckpt);
        open_checkpoint(&mut rig, &handle, "a");
    }
    let operator = rig.open(9999, ServiceId::Admin);
    rig.ask(&operator, Request::AskOpeners { name: name("a") });
    let openers = |rig: &mut Rig| match rig.events.pop() {
        Some((_, Event::Openers { openers, .. })) => openers,
        other => panic!("{other:?}"),
    };
    let told = openers(&mut rig);
    assert_eq!(told.len(), 4096);
    assert_eq!(told.last(), Some(&admin::Opener { process: 0, opens: 5000 - 4095 }));
    // Who has no room for that is told how many times it is open.
    rig.node.ledger_mut().set_bound(Kind::Events, Bound::of(4096));
    rig.ask(&operator, Request::AskOpeners { name: name("a") });
    assert_eq!(openers(&mut rig), [admin::Opener { process: 0, opens: 5000 }]);
}

#[test]
fn many_who_ask_for_processes_are_answered_in_turn_and_of_what_they_asked_last() {
    const PROCESSES: u64 = 3000;
    let mut rig = Rig::new();
    for number in 1..=PROCESSES {
        let process = u32::try_from(number).unwrap();
        rig.node.session_opened(SessionId(number), Holder { user: UserId(1000), process });
        let handle = rig.open(number, ServiceId::Ckpt);
        open_checkpoint(&mut rig, &handle, "a");
    }
    for number in 1..=20 {
        let operator = rig.open(10_000 + number, ServiceId::Admin);
        rig.ask(&operator, Request::AskOpeners { name: name("b") });
        for _ in 0..10 {
            rig.ask(&operator, Request::AskOpeners { name: name("a") });
        }
    }
    let count = |rig: &mut Rig| {
        let told = |event: &Event| match event {
            Event::Openers { openers, .. } => openers.len() as u64,
            other => panic!("{other:?}"),
        };
        let all: Vec<_> = std::mem::take(&mut rig.events);
        all.iter().map(|(_, event)| told(event)).sum::<u64>() / PROCESSES
    };
    assert_eq!(count(&mut rig), 3, "answers at once");
    let mut answers = 0;
    while let Some(at) = rig.node.poll_timeout().filter(|at| *at < START + 1_000_000_000) {
        rig.now.monotonic = at;
        rig.go_on();
        let some = count(&mut rig);
        assert!(some <= 3, "{some}");
        answers += some;
    }
    assert_eq!(answers, 20, "one for each, but three for the first");
}

#[test]
fn outcomes_of_all_handles_of_a_user_are_bounded() {
    let mut rig = Rig::new();
    rig.node.ledger_mut().set_bound(Kind::Events, Bound::of(1 << 20));
    let of = |user| Holder { user: UserId(user), process: user };
    let mut refused = 0;
    for number in 1..=8 {
        rig.node.session_opened(SessionId(number), of(1000));
        let handle = rig.open(number, ServiceId::Clm);
        rig.full.push(handle.connection);
        for tag in 0..1000 {
            let asked = rig.answer(&handle, clm::Request::NodeGetAsync { node: 0, tag });
            refused += usize::from(asked.unwrap().0 == Err(AisError::TryAgain));
        }
    }
    assert!((4000..8000).contains(&refused), "{refused}");
    rig.node.session_opened(SessionId(9), of(1001));
    rig.node.session_opened(SessionId(10), Holder { user: UserId::ROOT, process: 1 });
    for number in [9, 10] {
        let handle = rig.open(number, ServiceId::Clm);
        rig.full.push(handle.connection);
        rig.ask(&handle, clm::Request::NodeGetAsync { node: 0, tag: 0 });
    }
    for number in 1..=10 {
        rig.node.connection_closed(rig.now, ConnectionId(number));
    }
    assert_eq!(rig.node.ledger().total(Kind::Events), 0);
}
