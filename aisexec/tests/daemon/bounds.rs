//! Clients that take too much, and what the daemon takes.

use crate::client::{Client, request_frame};
use crate::executive::{Executive, Site};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Header, Kind, ServiceId, clm};
use std::io::{ErrorKind, Write};
use std::process::Command;

const NODE_GET: clm::Request = clm::Request::NodeGet { node: 0 };

/// Ticks of 10 ms in a second that a daemon with nothing to do stays below,
/// whatever else the machine does: it greets other rings and looks after its
/// address. One that spins takes all it can get.
const IDLE: u64 = 10;

#[test]
fn an_idle_daemon_does_not_spin() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut calls = Client::calls(&site, cookie);
    let (_handle, _events) = Client::handle(&site, cookie, ServiceId::Clm);
    for id in 0..100 {
        calls.assert_served(id);
    }
    assert!(executive.ticks_in_a_second() <= IDLE);
}

#[test]
fn ten_thousand_connections_leave_nothing() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    let round = |count: u32| {
        for _ in 0..count {
            let (_anchor, cookie) = Client::session(&site);
            drop(Client::calls(&site, cookie));
            drop(Client::connect(&site));
        }
    };
    round(100);
    let resident = executive.resident();
    let descriptors = settled(&executive, &mut neighbour);
    round(3300);
    assert_eq!(settled(&executive, &mut neighbour), descriptors);
    let grown = executive.resident().saturating_sub(resident);
    assert!(grown < 1024, "{grown} kB more");
}

/// The descriptors of the daemon when they no longer change.
fn settled(executive: &Executive, neighbour: &mut Client) -> usize {
    let mut same = 0;
    let mut last = executive.descriptors();
    for id in 0..10_000 {
        neighbour.assert_served(id);
        let now = executive.descriptors();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        if same == 100 {
            break;
        }
    }
    last
}

#[test]
fn a_client_that_never_reads_is_not_read() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    let mut greedy = Client::calls(&site, cookie);
    neighbour.assert_served(1);
    let before = executive.resident();
    // Requests until no more go out, while the neighbour is served.
    greedy.stream.set_nonblocking(true).unwrap();
    let mut sent = 0u32;
    let mut rest = Vec::new();
    let mut refusals = 0;
    while refusals < 100 {
        if rest.is_empty() {
            rest = request_frame(sent, &NODE_GET);
            sent += 1;
        }
        match greedy.stream.write(&rest) {
            Ok(count) => rest = rest.split_off(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                refusals += 1;
                neighbour.assert_served(sent);
            }
            Err(error) => panic!("{error}"),
        }
    }
    let grown = executive.resident().saturating_sub(before);
    assert!(grown < 2048, "{grown} kB more after {sent} requests");
    assert!(executive.ticks_in_a_second() <= IDLE);
    // Now it reads: every answer is there, in order.
    greedy.stream.set_nonblocking(false).unwrap();
    let whole = if rest.is_empty() { sent } else { sent - 1 };
    for id in 0..whole {
        assert_eq!(greedy.receive().unwrap().id, id);
    }
}

#[test]
fn claimed_lengths_take_no_memory() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    let before = executive.resident();
    let liars: Vec<_> = (0..100)
        .map(|_| {
            let (anchor, cookie) = Client::session(&site);
            let mut calls = Client::calls(&site, cookie);
            calls.raw(&Header::new(Code(0x0310), 1, 16 << 20).encode());
            calls.raw(&[0; 100]);
            neighbour.assert_served(1);
            (anchor, calls)
        })
        .collect();
    let grown = executive.resident().saturating_sub(before);
    assert!(grown < 4096, "{grown} kB more for {} liars", liars.len());
}

#[test]
fn memory_for_half_frames_goes_back_when_they_are_gone() {
    const MIB: u64 = 1 << 10;
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    neighbour.assert_served(1);
    let before = executive.resident();
    let mut halves = Vec::new();
    for _ in 0..13 {
        let (anchor, cookie) = Client::session(&site);
        let calls = (0..16).map(|_| {
            let mut calls = Client::calls(&site, cookie);
            calls.raw(&Header::new(Code(0x0310), 1, 16 << 20).encode());
            calls.raw(&[0; 500_000]);
            calls
        });
        halves.push((calls.collect::<Vec<_>>(), anchor));
    }
    neighbour.assert_served(2);
    // What the last ones have sent may still be in their sockets.
    let held = executive.resident() - before;
    assert!(held > 60 * MIB, "{held} kB");
    // The last ones stay, in memory that came after that of the others. What was
    // held first may be kept for what comes next.
    let _last = halves.pop();
    drop(halves);
    let is_back = (0..100_000).any(|id| {
        neighbour.assert_served(id);
        executive.resident() < before + 48 * MIB
    });
    assert!(is_back, "{} of {held} kB are kept", executive.resident() - before);
}

#[test]
fn a_client_that_does_not_dispatch_loses_nothing() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    let (mut handle, events) = Client::handle(&site, cookie, ServiceId::Clm);
    let mut accepted = 0;
    loop {
        handle.send_request(accepted, &clm::Request::NodeGetAsync { node: 0, tag: accepted });
        match handle.receive().unwrap().result {
            Ok(()) => accepted += 1,
            Err(error) => {
                assert_eq!(error, AisError::TryAgain);
                break;
            }
        }
        assert!(accepted < 100_000, "no bound");
    }
    assert!(accepted >= 1024);
    assert!(executive.ticks_in_a_second() <= IDLE);
    for expected in 0..accepted {
        let mut event = events.poll();
        // The rest comes as there is room; the daemon does it between answers.
        while event.is_none() {
            neighbour.assert_served(1);
            event = events.poll();
        }
        assert!(
            matches!(event, Some(clm::Event::NodeGet { tag, .. }) if tag == expected),
            "{event:?} rather than {expected}"
        );
    }
    handle.send_request(1, &clm::Request::NodeGetAsync { node: 0, tag: 7 });
    assert_eq!(handle.receive().unwrap().result, Ok(()));
}

#[test]
fn a_closed_selection_object_is_no_trouble() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let (mut handle, events) = Client::handle(&site, cookie, ServiceId::Clm);
    drop(events);
    assert!(executive.ticks_in_a_second() <= IDLE);
    let flags = TrackFlags::CURRENT;
    handle.send_request(1, &clm::Request::TrackStart { flags, capacity: 9, subscription: 1 });
    assert_eq!(handle.receive().unwrap().result, Ok(()));
    handle.assert_served(2);
}

#[test]
fn a_session_has_sixteen_connections_for_calls() {
    let site = Site::new();
    let _executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut calls: Vec<Client> = (0..16).map(|_| Client::calls(&site, cookie)).collect();
    let mut more = Client::connect(&site);
    assert_eq!(more.hello(Kind::Call(cookie)), Err(AisError::NoResources));
    more.assert_closed();
    let (_handle, _events) = Client::handle(&site, cookie, ServiceId::Clm);
    for client in &mut calls {
        client.assert_served(1);
    }
    drop(calls.pop());
    // It is gone as soon as the daemon has looked.
    let again = (0..10_000).any(|id| {
        calls[0].assert_served(id);
        Client::connect(&site).hello(Kind::Call(cookie)).is_ok()
    });
    assert!(again);
}

#[test]
fn a_lack_of_descriptors_refuses_the_new_and_serves_the_old() {
    let site = Site::new();
    let mut command = Command::new("sh");
    let script = "ulimit -Sn 256; ulimit -Hn 256; exec \"$0\" \"$@\"";
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_aisexec"));
    site.arguments(&mut command);
    let executive = site.start_as(command);
    let (_anchor, cookie) = Client::session(&site);
    let mut neighbour = Client::calls(&site, cookie);
    let mut held = Vec::new();
    let refusal = loop {
        let mut client = Client::connect(&site);
        match client.hello(Kind::Session) {
            Ok(_) => held.push(client),
            Err(error) => break error,
        }
        assert!(held.len() < 256, "no bound");
    };
    assert_eq!(refusal, AisError::NoResources);
    // Connections that say nothing cannot take what is left.
    let silent: Vec<Client> = (0..200).map(|_| Client::connect(&site)).collect();
    neighbour.assert_served(1);
    assert!(executive.ticks_in_a_second() <= IDLE);
    drop(silent);
    drop(held);
    let again = (0..10_000).any(|id| {
        neighbour.assert_served(id);
        Client::connect(&site).hello(Kind::Session).is_ok()
    });
    assert!(again);
}
