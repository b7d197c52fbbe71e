//! What a frame costs to seal and to read, and what a rotation of the token costs
//! in a ring of three members.

use ais_group::{Engine, Guarantee, Lane, Output};
use ais_totem::fuzz::Frames;
use ais_totem::{Bytes, Command, Config, Destination, Ring, Timing};
use ais_wire::{Name, NodeId};
use divan::Bencher;
use divan::counter::BytesCount;
use std::collections::VecDeque;

/// Bytes in a frame: of a short message, and of one that fills the datagram.
const SIZES: [usize; 2] = [100, 1300];
/// How long a datagram takes, in nanoseconds.
const DELAY: u64 = 1_000;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn seal(bencher: Bencher<'_, '_>, size: usize) {
    let frames = Frames::of(size);
    assert!(frames.decode(&frames.seal()));
    bencher.counter(BytesCount::new(size)).bench_local(|| frames.seal());
}

#[divan::bench(args = SIZES)]
fn decode(bencher: Bencher<'_, '_>, size: usize) {
    let frames = Frames::of(size);
    let datagram = frames.seal();
    assert!(frames.decode(&datagram));
    bencher.counter(BytesCount::new(size)).bench_local(|| frames.decode(&datagram));
}

/// Each member sends a message, and all deliver all of them.
#[divan::bench]
fn rotation(bencher: Bencher<'_, '_>) {
    let mut three = Three::together();
    bencher.bench_local(|| three.rotate());
}

const NODES: [NodeId; 3] = [node(1), node(2), node(3)];

const fn node(host: u8) -> NodeId {
    NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, host))
}

/// Three members, and the network between them.
struct Three {
    now: u64,
    rings: [Ring; 3],
    /// Datagrams on their way: from whom, to whom.
    flying: VecDeque<(usize, usize, Bytes)>,
    /// How many views of all three they have been told of.
    views: usize,
    /// How many messages they have delivered.
    deliveries: usize,
}

impl Three {
    fn together() -> Self {
        let config = |me| Config::new(me, Name::default(), Timing::from_token(1000));
        let rings = NODES.map(|me| Ring::new(config(me), 0));
        let mut three = Self { now: 0, rings, flying: VecDeque::new(), views: 0, deliveries: 0 };
        (0..3).for_each(|me| three.pump(me));
        while three.views < 3 {
            three.step();
        }
        three
    }

    fn rotate(&mut self) {
        self.deliveries = 0;
        for me in 0..3 {
            let message = vec![7; 100];
            let sent =
                self.rings[me].multicast(self.now, message, Guarantee::Agreed, Lane::Ordinary);
            assert!(sent.is_ok());
            self.pump(me);
        }
        while self.deliveries < 9 {
            self.step();
        }
    }

    /// Has the next datagram arrive; without one the time goes on.
    fn step(&mut self) {
        if let Some((from, to, bytes)) = self.flying.pop_front() {
            self.now += DELAY;
            self.rings[to].handle_packet(self.now, NODES[from], &bytes);
            self.pump(to);
        } else if let Some(due) = self.rings.iter().filter_map(Engine::poll_timeout).min() {
            self.now = due;
        }
        for me in 0..3 {
            if self.rings[me].poll_timeout().is_some_and(|due| due <= self.now) {
                self.rings[me].handle_timeout(self.now);
                self.pump(me);
            }
        }
    }

    /// Does all that a ring gives out.
    fn pump(&mut self, me: usize) {
        while let Some(command) = self.rings[me].poll_command() {
            match command {
                Command::Send { to, bytes } => {
                    let is_meant = |other: &usize| match to {
                        Destination::All => *other != me,
                        Destination::One(one) => NODES[*other] == one,
                    };
                    let copies = (0..3).filter(is_meant).map(|other| (me, other, bytes.clone()));
                    self.flying.extend(copies);
                }
                Command::Reserve(number) => self.rings[me].reserved(self.now, number),
            }
        }
        while let Some(output) = self.rings[me].poll_output() {
            match output {
                Output::View(view) => self.views += usize::from(view.members == NODES),
                Output::Deliver { .. } => self.deliveries += 1,
                Output::Transitional(_) | Output::Stable(_) => {}
            }
        }
    }
}
