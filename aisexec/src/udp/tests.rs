//! Sockets on loopback, on addresses of the test's own.

use super::presence::Verdict;
use super::{Settings, Transport, Udp};
use crate::identity;
use crate::own_address;
use ais_totem::{Bytes, Destination};
use ais_wire::NodeId;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::rc::Rc;

const PORT: u16 = 6000;
const RING: u64 = 5;

/// Addresses in 127/8, and a group, that no other test has.
struct Net {
    group: Ipv4Addr,
    nodes: Vec<NodeId>,
}

impl Net {
    fn new(count: usize) -> Self {
        let nodes = (0..count).map(|_| NodeId::new(own_address(127))).collect();
        Self { group: own_address(239), nodes }
    }

    fn multicast(&self) -> Transport {
        Transport::Multicast { group: self.group, ttl: 1 }
    }

    fn unicast(&self) -> Transport {
        Transport::Unicast { members: self.nodes.iter().copied().collect() }
    }

    fn both(&self) -> [Transport; 2] {
        [self.multicast(), self.unicast()]
    }
}

/// A socket and what watches it.
struct Host {
    udp: Udp,
    epoll: Rc<Epoll>,
}

impl Host {
    fn new(me: NodeId, transport: &Transport) -> Self {
        let epoll = Rc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap());
        let settings = Settings { me, port: PORT, transport: transport.clone() };
        let place = identity::find(me, &identity::interfaces().unwrap()).unwrap();
        let udp = Udp::open(settings, place, Rc::clone(&epoll), RING).unwrap();
        Self { udp, epoll }
    }

    fn send(&mut self, to: Destination, text: &str) {
        self.udp.send(to, Bytes::from(text.as_bytes()));
        self.udp.flush();
    }

    /// What is there now.
    fn receive(&mut self) -> Vec<(NodeId, String)> {
        let mut all = Vec::new();
        while !self.udp.receive(0, |from, bytes| {
            all.push((from, String::from_utf8_lossy(bytes).into_owned()));
        }) {}
        all
    }

    /// Waits for an event; whether one came.
    fn wait(&mut self, milliseconds: u16) -> bool {
        let mut events = [EpollEvent::empty(); 4];
        let count = self.epoll.wait(&mut events, EpollTimeout::from(milliseconds)).unwrap();
        for event in &events[..count] {
            assert_eq!(event.data(), RING);
            self.udp.on_event(event.events());
        }
        count > 0
    }

    /// Receives until there are so many.
    fn await_datagrams(&mut self, count: usize) -> Vec<(NodeId, String)> {
        let mut all = self.receive();
        while all.len() < count {
            assert!(self.wait(60_000), "only {all:?}");
            all.extend(self.receive());
        }
        assert_eq!(all.len(), count, "{all:?}");
        all
    }

    fn await_refusal(&mut self) -> BTreeSet<NodeId> {
        loop {
            let refused = self.udp.take_refused();
            if !refused.is_empty() {
                return refused;
            }
            assert!(self.wait(60_000));
        }
    }
}

/// What may show another machine with the own address is handed over when it
/// comes back, and nothing else is.
#[test]
fn of_what_comes_back_greetings_alone_are_handed_over() {
    let net = Net::new(1);
    let me = net.nodes[0];
    let mut host = Host::new(me, &net.multicast());
    let (hello, data) = ("AISR\x01\x02\x06", "AISR\x01\x02\x01");
    for text in [data, hello, "all", data] {
        host.send(Destination::All, text);
    }
    host.send(Destination::One(me), "the last");
    let came = host.await_datagrams(2);
    assert_eq!(came, [(me, hello.into()), (me, "the last".into())]);
}

#[test]
fn everybody_hears_what_is_for_all_and_one_what_is_for_it() {
    let net = Net::new(3);
    for transport in net.both() {
        let [a, b, c] = net.nodes[..] else { panic!("three") };
        let mut hosts = net.nodes.iter().map(|node| Host::new(*node, &transport));
        let (mut at_a, mut at_b, mut at_c) =
            (hosts.next().unwrap(), hosts.next().unwrap(), hosts.next().unwrap());
        at_a.send(Destination::All, "all");
        at_a.send(Destination::One(b), "one");
        at_b.send(Destination::One(b), "myself");
        assert_eq!(at_c.await_datagrams(1), [(a, "all".into())]);
        let at_b = at_b.await_datagrams(3);
        assert_eq!(at_b, [(a, "all".into()), (a, "one".into()), (b, "myself".into())]);
        at_c.send(Destination::One(a), "back");
        assert_eq!(at_a.await_datagrams(1), [(c, "back".into())]);
    }
}

#[test]
fn a_token_does_not_overtake_what_was_sent_before_it() {
    let net = Net::new(2);
    for transport in net.both() {
        let [a, b] = net.nodes[..] else { panic!("two") };
        let (mut at_a, mut at_b) = (Host::new(a, &transport), Host::new(b, &transport));
        let mut sent = Vec::new();
        for number in 0..60 {
            at_a.udp.send(Destination::All, Bytes::from(format!("{number}").as_bytes()));
            sent.push((a, number.to_string()));
        }
        at_a.send(Destination::One(b), "token");
        sent.push((a, "token".into()));
        assert_eq!(at_b.await_datagrams(61), sent);
    }
}

#[test]
fn large_datagrams_arrive_whole_and_empty_ones_too() {
    let net = Net::new(2);
    let [a, b] = net.nodes[..] else { panic!("two") };
    for transport in net.both() {
        let (mut at_a, mut at_b) = (Host::new(a, &transport), Host::new(b, &transport));
        let longest = "x".repeat(65535 - super::HEADERS);
        at_a.send(Destination::All, &longest);
        at_a.send(Destination::One(b), "");
        assert_eq!(at_b.await_datagrams(2), [(a, longest), (a, String::new())]);
    }
}

#[test]
fn what_comes_from_elsewhere_is_dropped_and_counted() {
    let net = Net::new(3);
    let [a, b, c] = net.nodes[..] else { panic!("three") };
    let members = [a, b].into();
    let mut at_a = Host::new(a, &Transport::Unicast { members });
    let mut stranger = Host::new(c, &net.unicast());
    let other_port = UdpSocket::bind((b.address(), 0)).unwrap();
    stranger.send(Destination::One(a), "stranger");
    other_port.send_to(b"port", (a.address(), PORT)).unwrap();
    let mut member = Host::new(b, &net.unicast());
    member.send(Destination::One(a), "member");
    assert_eq!(at_a.await_datagrams(1), [(b, "member".into())]);
    let counts: Vec<u64> = at_a.udp.counters().iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [1, 1, 0, 0]);
}

#[test]
fn a_host_where_nobody_listens_says_so_and_nothing_is_lost() {
    let net = Net::new(3);
    let [a, b, gone] = net.nodes[..] else { panic!("three") };
    for transport in net.both() {
        let (mut at_a, mut at_b) = (Host::new(a, &transport), Host::new(b, &transport));
        // Each refusal waits in the socket when the next datagram is sent.
        for number in 0..100 {
            at_a.send(Destination::One(gone), "anybody?");
            at_a.send(Destination::One(b), &number.to_string());
        }
        // And one when nothing more is sent.
        at_a.send(Destination::One(gone), "anybody?");
        let expected: Vec<_> = (0..100).map(|number| (a, number.to_string())).collect();
        assert_eq!(at_b.await_datagrams(100), expected);
        assert_eq!(at_a.await_refusal(), [gone].into());
        // What was told is not told again.
        while at_a.wait(0) {
            assert_eq!(at_a.udp.take_refused().iter().find(|node| **node != gone), None);
        }
        assert!(!at_a.wait(50), "an error that is never taken spins the loop");
    }
}

#[test]
fn an_address_is_taken_once() {
    let net = Net::new(1);
    let _first = Host::new(net.nodes[0], &net.multicast());
    let epoll = Rc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap());
    let settings = Settings { me: net.nodes[0], port: PORT, transport: net.multicast() };
    let place = identity::find(net.nodes[0], &identity::interfaces().unwrap()).unwrap();
    let error = Udp::open(settings, place, epoll, RING).err();
    let Some(super::OpenError::Wrong(text)) = error else { panic!("{error:?}") };
    assert!(text.contains("is taken, by another aisexec perhaps"), "{text}");
}

#[test]
fn what_cannot_be_sent_is_counted_and_the_rest_goes_out() {
    let net = Net::new(2);
    let [a, b] = net.nodes[..] else { panic!("two") };
    let (mut at_a, mut at_b) = (Host::new(a, &net.unicast()), Host::new(b, &net.unicast()));
    // There is no way from a loopback address to another network.
    at_a.udp.send(Destination::One(NodeId::new([203, 0, 113, 1].into())), Bytes::from(*b"away"));
    at_a.udp.send(Destination::One(b), Bytes::from(vec![0; 65536]));
    at_a.send(Destination::One(b), "here");
    assert_eq!(at_b.await_datagrams(1), [(a, "here".into())]);
    assert_eq!(at_a.udp.counters()[2].1, 2);
}

#[test]
fn the_group_can_be_joined_again() {
    let net = Net::new(2);
    let [a, b] = net.nodes[..] else { panic!("two") };
    let (mut at_a, mut at_b) = (Host::new(a, &net.multicast()), Host::new(b, &net.multicast()));
    let interfaces = identity::interfaces().unwrap();
    // More often than the kernel keeps room for groups.
    for _ in 0..40 {
        at_a.udp.check(0, None);
        at_a.udp.check(0, identity::find(a, &interfaces));
        assert_eq!(at_a.udp.presence.check(identity::find(a, &interfaces)), Verdict::Same);
    }
    at_b.send(Destination::All, "all");
    assert_eq!(at_a.await_datagrams(1), [(b, "all".into())]);
    at_a.send(Destination::All, "answer");
    assert_eq!(at_b.await_datagrams(1), [(a, "answer".into())]);
}
