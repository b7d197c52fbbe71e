//! Floods of connections, and of what is not whole or makes no sense.

use super::client::{Client, raw_frame};
use super::flood::{Flood, Replies};
use ais_proto::{AisError, Code, Header, ServiceId};
use nix::errno::Errno;
use std::thread::sleep;
use std::time::Duration;

/// Connections of a process at a time, below its own limit.
const MOST: usize = 3000;
/// Calls of a session, as many as it may have.
const CALLS: usize = 16;

/// Connects on and on and never says a word.
pub(super) fn silent(flood: &mut Flood) -> Result<(), AisError> {
    let mut held: Vec<Client> = Vec::new();
    while flood.goes_on() {
        match Client::connect(&flood.socket) {
            Ok(client) => {
                held.push(client);
                flood.tally.sent();
            }
            // No more can wait to be accepted.
            Err(Errno::EAGAIN) => sleep(Duration::from_millis(1)),
            Err(_) => flood.tally.add("connections refused", 1),
        }
        if held.len().is_multiple_of(64) || held.len() >= MOST {
            held.retain_mut(|client| client.read(&mut flood.tally).is_ok());
            let surplus = held.len().saturating_sub(MOST - 64);
            held.drain(..surplus);
        }
    }
    Ok(())
}

/// Processes that come, take what they may, and go, one after the other.
pub(super) fn coming_and_going(flood: &mut Flood) -> Result<(), AisError> {
    while let Some(session) = flood.session() {
        let calls = flood.calls(&session, 2);
        let handles = flood.handles(&session, ServiceId::Clm, 2);
        for _ in 0..1 + calls.len() + handles.len() {
            flood.tally.sent();
        }
    }
    Ok(())
}

/// Keeps as many connections of all kinds as there may be.
pub(super) fn all_there_are(flood: &mut Flood) -> Result<(), AisError> {
    let mut held = Vec::new();
    while let Some(session) = flood.session() {
        let mut clients = flood.calls(&session, CALLS);
        clients.extend(flood.handles(&session, ServiceId::Ckpt, CALLS));
        for _ in 0..clients.len() {
            flood.tally.sent();
        }
        held.push((session, clients));
    }
    Ok(())
}

/// Parts of the longest requests on as many connections as there may be.
pub(super) fn halves(flood: &mut Flood) -> Result<(), AisError> {
    const PIECE: usize = 64 << 10;
    let header = Header::new(Code(0x030e), 1, 16 << 20).encode();
    let (mut sessions, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let Some(session) = flood.session() else { break };
        clients.extend(flood.calls(&session, CALLS));
        sessions.push(session);
    }
    for client in &mut clients {
        // What is refused shows in what follows.
        let _ = client.send(|out| out.extend(header));
    }
    flood.pour(&mut clients, Replies::Left, |out| out.resize(PIECE, b'x'));
    flood.hold();
    Ok(())
}

/// Asks for further connections on and on, and takes none.
pub(super) fn given(flood: &mut Flood) -> Result<(), AisError> {
    while let Some(session) = flood.session() {
        let mut anchors = vec![session.anchor];
        let request = raw_frame(Code::CONNECT, b"");
        flood.pour(&mut anchors, Replies::Left, |out| out.extend(&request));
    }
    Ok(())
}

/// Says what the log is to tell of, and nonsense, each time as a new process.
pub(super) fn complaints(flood: &mut Flood) -> Result<(), AisError> {
    let too_long = raw_frame(Code::TOO_LONG, b"");
    let misfit = raw_frame(Code::MISFIT, b"");
    while let Some(session) = flood.session() {
        let mut calls = flood.calls(&session, 1);
        let end = std::time::Instant::now() + Duration::from_millis(5);
        flood.pour_until(end, &mut calls, Replies::Read, |out| {
            out.extend(too_long.iter().chain(&misfit));
        });
        flood.pour_until(end, &mut calls, Replies::Left, |out| out.extend(b"nonsense"));
        let nonsense = |path: &std::path::Path| {
            Client::connect(path)
                .and_then(|mut client| client.send(|out| out.extend(b"GET / HTTP/1.1\r\n\r\n")))
        };
        if nonsense(&flood.socket).is_ok() {
            flood.tally.sent();
        }
    }
    Ok(())
}
