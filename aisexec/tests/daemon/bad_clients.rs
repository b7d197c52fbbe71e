//! Clients that send what no library sends: they lose their connection, and
//! nobody else notices.

use crate::client::{Client, frame, request_frame};
use crate::executive::{Executive, Site};
use ais_proto::{Code, HEADER_LENGTH, Header, MAX_CALL_BODY, ServiceId, clm};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt};
use nix::sys::utsname::uname;
use std::io::{IoSlice, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

const NODE_GET: clm::Request = clm::Request::NodeGet { node: 0 };

/// A daemon with one good client, and the session of bad ones.
struct Scene {
    site: Site,
    executive: Executive,
    _anchor: Client,
    cookie: ais_proto::Cookie,
    neighbour: Client,
}

impl Scene {
    fn new() -> Self {
        let site = Site::new();
        let executive = site.start();
        let (anchor, cookie) = Client::session(&site);
        let mut neighbour = Client::calls(&site, cookie);
        neighbour.assert_served(0);
        Self { site, executive, _anchor: anchor, cookie, neighbour }
    }
}

/// What is nonsense on a connection for calls.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let good = request_frame(1, &NODE_GET);
    let mut other_version = good.clone();
    other_version[4] = 9;
    let oversized = Header::new(Code(0x0103), 1, MAX_CALL_BODY + 1).encode().to_vec();
    let endless = Header::new(Code(0x0103), 1, usize::MAX).encode().to_vec();
    vec![
        ("garbage", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("another version", other_version),
        ("an oversized body", oversized),
        ("an endless body", endless),
        ("an unknown service", frame(Code(0x0901), 1, &[])),
        ("an unknown request", frame(Code(0x01ff), 1, &[])),
        ("no body", frame(Code(0x0103), 1, &[])),
        ("too much of a body", frame(Code(0x0103), 1, &[0; 9])),
        ("a second handshake", frame(Code::HELLO, 1, &[0])),
        ("an answer", frame(Code(1), 1, &[])),
        ("a request for a handle", frame(Code(0x0102), 1, &[])),
    ]
}

#[test]
fn nonsense_costs_the_connection() {
    let mut scene = Scene::new();
    let before = scene.executive.descriptors();
    for (what, bytes) in nonsense() {
        let mut calls = Client::calls(&scene.site, scene.cookie);
        calls.raw(&bytes);
        assert_eq!(calls.receive(), None, "{what}");
        scene.neighbour.assert_served(1);
    }
    assert_eq!(scene.executive.descriptors(), before);
}

#[test]
fn nonsense_instead_of_a_handshake_costs_the_connection() {
    let mut scene = Scene::new();
    let nonsense = nonsense()
        .into_iter()
        .filter(|(what, _)| !matches!(*what, "another version" | "a second handshake"));
    let hellos = [
        ("no kind", frame(Code::HELLO, 1, &[])),
        ("half a cookie", frame(Code::HELLO, 1, &[1, 2])),
        ("an unknown kind", frame(Code::HELLO, 1, &[9])),
    ];
    for (what, bytes) in nonsense.chain(hellos) {
        let mut client = Client::connect(&scene.site);
        client.raw(&bytes);
        assert_eq!(client.receive(), None, "{what}");
    }
    scene.neighbour.assert_served(1);
}

#[test]
fn a_good_request_before_nonsense_is_answered() {
    let scene = Scene::new();
    let mut calls = Client::calls(&scene.site, scene.cookie);
    calls
        .raw(&[request_frame(7, &NODE_GET), b"nonsense, sixteen bytes and more".to_vec()].concat());
    let reply = calls.receive().unwrap();
    assert_eq!((reply.id, reply.result), (7, Ok(())));
    calls.assert_closed();
}

#[test]
fn the_first_connection_carries_no_calls() {
    let mut scene = Scene::new();
    let (mut anchor, cookie) = Client::session(&scene.site);
    let mut calls = Client::calls(&scene.site, cookie);
    anchor.send_request(1, &NODE_GET);
    anchor.assert_closed();
    calls.assert_closed();
    scene.neighbour.assert_served(1);
}

#[test]
fn nonsense_on_the_event_socket_costs_the_handle() {
    let mut scene = Scene::new();
    let (mut handle, events) = Client::handle(&scene.site, scene.cookie, ServiceId::Clm);
    events.send(&Header::new(Code::DISPATCHED, 4711, 0).encode());
    handle.assert_served(1);
    events.send(b"nonsense");
    handle.assert_closed();
    scene.neighbour.assert_served(1);
}

#[test]
fn a_client_that_goes_in_the_middle_of_a_frame_leaves_nothing() {
    let mut scene = Scene::new();
    let before = scene.executive.descriptors();
    let mut large = Header::new(Code(0x0310), 1, 1 << 20).encode().to_vec();
    large.resize(HEADER_LENGTH + (1 << 19), 0);
    let small = request_frame(1, &NODE_GET);
    for cut in [1, HEADER_LENGTH - 1, HEADER_LENGTH] {
        Client::calls(&scene.site, scene.cookie).raw(&small[..cut]);
        Client::connect(&scene.site).raw(&frame(Code::HELLO, 1, &[0])[..cut]);
    }
    Client::calls(&scene.site, scene.cookie).raw(&large);
    wait_for_descriptors(&mut scene, before);
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    let mut scene = Scene::new();
    let mut calls = Client::calls(&scene.site, scene.cookie);
    for byte in request_frame(3, &NODE_GET) {
        calls.raw(&[byte]);
        scene.neighbour.assert_served(1);
    }
    assert_eq!(calls.receive().unwrap().id, 3);
}

#[test]
fn complaints_are_limited() {
    let scene = Scene::new();
    for _ in 0..500 {
        let mut client = Client::connect(&scene.site);
        client.raw(&[0; HEADER_LENGTH]);
        client.assert_closed();
    }
    scene.executive.await_log("these bytes are not an AIS frame");
    let log = scene.site.read("log");
    let lines = log.lines().filter(|line| line.contains("a connection of process")).count();
    assert!((1..50).contains(&lines), "{lines} lines");
}

/// A TCP socket that whoever closes it last waits with for a minute, as its peer
/// does not read; and that peer.
fn lingering() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    while socket.write(&[0; 1 << 16]).is_ok() {}
    let linger = libc::linger { l_onoff: 1, l_linger: 60 };
    setsockopt(&socket, sockopt::Linger, &linger).unwrap();
    (socket, peer)
}

/// Whether this kernel keeps descriptors from who wants none: since Linux 6.16.
fn can_refuse_descriptors() -> bool {
    let release = uname().unwrap().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(16))
}

#[test]
fn nobody_has_the_daemon_close_what_takes_long() {
    if !can_refuse_descriptors() {
        return;
    }
    let mut scene = Scene::new();
    let silent = Client::connect(&scene.site);
    let calls = Client::calls(&scene.site, scene.cookie);
    let (handle, events) = Client::handle(&scene.site, scene.cookie, ServiceId::Clm);
    let (mut anchor, cookie) = Client::session(&scene.site);
    let given = anchor.ask_for_another(1).unwrap();
    for socket in [&silent, &calls, &handle, &anchor, &given]
        .map(|client| client.stream.as_raw_fd())
        .into_iter()
        .chain([events.as_raw_fd()])
    {
        let (lingering, peer) = lingering();
        let descriptors = [lingering.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let pieces = [IoSlice::new(&[0; HEADER_LENGTH])];
        let sent = sendmsg::<()>(socket, &pieces, &rights, MsgFlags::MSG_NOSIGNAL, None);
        assert_eq!(sent, Err(Errno::EPERM));
        // Its data is lost, so that nothing is waited for.
        drop(peer);
    }
    Client::calls(&scene.site, cookie).assert_served(1);
    scene.neighbour.assert_served(2);
}

/// Waits until the daemon has so many descriptors: every answer to the
/// neighbour is a round of its loop.
fn wait_for_descriptors(scene: &mut Scene, count: usize) {
    for id in 0..10_000 {
        scene.neighbour.assert_served(id);
        if scene.executive.descriptors() == count {
            return;
        }
    }
    panic!("{} descriptors rather than {count}", scene.executive.descriptors());
}
