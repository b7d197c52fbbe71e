//! Connections that a session is given on the one that holds it.

use crate::client::{Client, frame};
use crate::executive::Site;
use ais_proto::{AisError, Code, Kind, ServiceId};
use std::io::Write;
use std::process::Command;

/// The most connections of a session that have not said what they are for.
const MOST_GIVEN: usize = 64;

#[test]
fn a_session_is_given_connections() {
    let site = Site::new();
    let executive = site.start();
    let (mut anchor, cookie) = Client::session(&site);
    let before = executive.descriptors();
    // The socket is not needed for them.
    std::fs::remove_file(site.socket()).unwrap();
    let mut calls = anchor.ask_for_another(1).unwrap();
    assert_eq!(calls.hello(Kind::Call(cookie)).unwrap().cookie, cookie);
    let mut handle = anchor.ask_for_another(2).unwrap();
    handle.hello(Kind::Handle { cookie, service: ServiceId::Clm, callbacks: 3 }).unwrap();
    for id in 0..100 {
        calls.assert_served(id);
        handle.assert_served(id);
    }
    drop(handle);
    drop(anchor);
    calls.assert_closed();
    drop(calls);
    while executive.descriptors() >= before {
        std::thread::yield_now();
    }
}

#[test]
fn a_given_connection_serves_its_session_alone() {
    let site = Site::new();
    let _executive = site.start();
    let (mut anchor, cookie) = Client::session(&site);
    let (mut other, foreign) = Client::session(&site);
    for kind in [
        Kind::Session,
        Kind::Call(foreign),
        Kind::Handle { cookie: foreign, service: ServiceId::Amf, callbacks: 0 },
    ] {
        let mut given = anchor.ask_for_another(1).unwrap();
        given.send_hello(kind);
        given.assert_closed();
    }
    let mut given = other.ask_for_another(2).unwrap();
    given.hello(Kind::Call(foreign)).unwrap();
    given.assert_served(1);
    let mut given = anchor.ask_for_another(3).unwrap();
    given.hello(Kind::Call(cookie)).unwrap();
    given.assert_served(1);
}

#[test]
fn only_the_connection_that_holds_a_session_gives() {
    let site = Site::new();
    let _executive = site.start();
    let (mut anchor, cookie) = Client::session(&site);
    for mut client in [Client::connect(&site), Client::calls(&site, cookie)] {
        client.send(Code::CONNECT, 1, b"");
        client.assert_closed();
    }
    let mut given = anchor.ask_for_another(1).unwrap();
    given.send(Code::CONNECT, 1, b"");
    given.assert_closed();
    anchor.send(Code::CONNECT, 2, b"more");
    anchor.assert_closed();
}

#[test]
fn given_connections_are_bounded_as_others_are() {
    let site = Site::new();
    let _executive = site.start();
    let (mut anchor, cookie) = Client::session(&site);
    let mut given: Vec<Client> =
        (0..MOST_GIVEN as u32).map(|id| anchor.ask_for_another(id).unwrap()).collect();
    assert_eq!(anchor.ask_for_another(100).err(), Some(AisError::NoResources));
    // One that has said what it is for is one of the connections for calls.
    given[0].hello(Kind::Call(cookie)).unwrap();
    given.push(anchor.ask_for_another(101).unwrap());
    let served =
        given.iter_mut().skip(1).filter_map(|client| client.hello(Kind::Call(cookie)).ok());
    assert_eq!(served.count(), 15);
    given[0].assert_served(1);
    // The session ends, and so do those that have said nothing.
    let mut silent = anchor.ask_for_another(102).unwrap();
    drop(anchor);
    silent.assert_closed();
}

#[test]
fn given_connections_count_for_the_user() {
    let site = Site::new();
    let mut command = Command::new("sh");
    let script = "ulimit -Sn 256; ulimit -Hn 256; exec \"$0\" \"$@\"";
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_aisexec"));
    site.arguments(&mut command);
    let _executive = site.start_as(command);
    let mut sessions = Vec::new();
    let mut given = Vec::new();
    let refusal = loop {
        let (mut anchor, cookie) = Client::session(&site);
        let more: Result<Vec<Client>, AisError> =
            (0..60).map(|id| anchor.ask_for_another(id)).collect();
        sessions.push((anchor, cookie));
        match more {
            Ok(more) => given.push(more),
            Err(error) => break error,
        }
        assert!(sessions.len() < 10, "no bound");
    };
    assert_eq!(refusal, AisError::NoResources);
    // The session is as it was, and has its share again when others let go.
    given.clear();
    let (anchor, cookie) = sessions.last_mut().unwrap();
    let mut given = (0..10_000).find_map(|id| anchor.ask_for_another(id).ok()).unwrap();
    given.hello(Kind::Call(*cookie)).unwrap();
    given.assert_served(1);
}

/// Answers that nobody takes do not pile up.
#[test]
fn a_session_that_takes_none_ends() {
    let site = Site::new();
    let executive = site.start();
    let (anchor, cookie) = Client::session(&site);
    let mut calls = Client::calls(&site, cookie);
    let request = frame(Code::CONNECT, 1, b"");
    while (&anchor.stream).write_all(&request).is_ok() {}
    calls.assert_closed();
    executive.await_log("does not take them; its session ends");
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
}
