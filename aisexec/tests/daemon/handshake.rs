//! The handshake, calls and events.

use crate::client::{Client, frame};
use crate::executive::Site;
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Header, Kind, ServiceId, clm};

#[test]
fn a_session_carries_calls() {
    let site = Site::new();
    let _executive = site.start();
    let mut anchor = Client::connect(&site);
    let welcome = anchor.hello(Kind::Session).unwrap();
    assert_eq!(welcome.api_timeout_ms, 5000);
    assert_eq!(welcome.busy_poll_us, 50);
    assert_eq!(welcome.max_message, 16 << 20);
    let mut calls = Client::calls(&site, welcome.cookie);
    for id in 0..100 {
        calls.assert_served(id);
    }
}

#[test]
fn a_handle_gets_events() {
    let site = Site::new();
    let _executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let (mut handle, events) = Client::handle(&site, cookie, ServiceId::Clm);
    let flags = TrackFlags::CURRENT;
    handle.send_request(1, &clm::Request::TrackStart { flags, capacity: 1, subscription: 9 });
    assert_eq!(handle.receive().unwrap().result, Ok(()));
    let clm::Event::Track { subscription, members, items, .. } = events.receive() else {
        panic!("another event");
    };
    assert_eq!((subscription, members, items.len()), (9, 1, 1));
    assert_eq!(events.poll(), None);
}

#[test]
fn a_cookie_that_was_never_given_is_refused() {
    let site = Site::new();
    let _executive = site.start();
    let (_anchor, mut cookie) = Client::session(&site);
    cookie[0] ^= 1;
    for kind in [Kind::Call(cookie), Kind::Handle { cookie, service: ServiceId::Amf, callbacks: 0 }]
    {
        let mut client = Client::connect(&site);
        assert_eq!(client.hello(kind), Err(AisError::Library));
        client.assert_closed();
    }
}

#[test]
fn another_major_version_is_told_so() {
    let site = Site::new();
    let _executive = site.start();
    let mut client = Client::connect(&site);
    let mut hello = Header::new(Code::HELLO, 77, 1).encode();
    hello[4] = 2;
    client.raw(&hello);
    let reply = client.receive().unwrap();
    assert_eq!((reply.id, reply.result), (77, Err(AisError::Version)));
    client.assert_closed();
}

#[test]
fn later_minor_versions_may_say_more() {
    let site = Site::new();
    let _executive = site.start();
    let mut client = Client::connect(&site);
    let mut hello = frame(Code::HELLO, 1, &[0, 1, 2, 3, 4]);
    hello[5] = 200;
    client.raw(&hello);
    assert_eq!(client.receive().unwrap().result, Ok(()));
}

#[test]
fn the_end_of_a_session_is_the_end_of_all_its_connections() {
    let site = Site::new();
    let executive = site.start();
    let (mut other, other_cookie) = Client::session(&site);
    let (anchor, cookie) = Client::session(&site);
    let mut calls = Client::calls(&site, cookie);
    let (mut handle, _events) = Client::handle(&site, cookie, ServiceId::Clm);
    calls.assert_served(1);
    drop(anchor);
    calls.assert_closed();
    handle.assert_closed();
    assert_eq!(Client::connect(&site).hello(Kind::Call(cookie)), Err(AisError::Library));
    Client::calls(&site, other_cookie).assert_served(1);
    // It holds nothing but the other session.
    executive.stop();
    other.assert_closed();
}

#[test]
fn a_cancelled_request_is_answered_at_most_once() {
    let site = Site::new();
    let _executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut calls = Client::calls(&site, cookie);
    for id in 0..100 {
        // It is too late, and there is nothing with the second number.
        calls.assert_served(id);
        calls.send(Code::CANCEL, id, &[]);
        calls.send(Code::CANCEL, id + 1000, &[]);
    }
    calls.assert_served(101);
}
