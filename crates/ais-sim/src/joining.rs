//! What a node that joins over a slow link costs those that write: a measure
//! for people, and what it has to show.

use crate::Rng;
use crate::fabric::{Clock, Fabric, Habits, Network, node_of};
use crate::plan::{MICROSECOND, MILLISECOND};
use crate::report::Trace;
use ais_node::{Caller, Config, ConnectionId, Node, Output, SessionId, ckpt::Limits, group};
use ais_proto::{Name, Reader, Writer, ckpt};
use ais_totem::Timing;
use std::fmt::Write;

/// The last one joins.
const HOSTS: usize = 4;
const JOINER: usize = HOSTS - 1;
const TOKEN: u32 = 1000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// Bytes that a write has, and that the joiner is sent, in sections.
const MESSAGE: usize = 100;
const SECTIONS: u64 = 8;
const SECTION: usize = 100_000;
/// A program takes at most so long from an answer to its next call.
const THINKS: u64 = 200 * MICROSECOND;
/// Its process, and the one connection of that.
const PROGRAM: Caller = Caller { session: SessionId(1), connection: ConnectionId(2), handle: None };

/// What a program on the first node had.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    /// Writes, and nanoseconds, while the node joined.
    joining: (u64, u64),
    /// The same after that, as long.
    after: (u64, u64),
}

impl Measured {
    fn rates(&self) -> (f64, f64) {
        let rate = |(writes, time): (u64, u64)| writes as f64 * 1e9 / time.max(1) as f64;
        (rate(self.joining), rate(self.after))
    }
}

/// The table: how many writes there are in a second while a node joins over
/// links of some rates, and when it is there.
///
/// # Errors
/// What a node did wrong.
pub(crate) fn table() -> Result<String, String> {
    let mut table = format!(
        "{} nodes, one joins and is sent {} kB; a program writes {MESSAGE} bytes, waits for the \
         answer and {} us at most\nto the joiner  room for  takes      writes/s meanwhile  after\n",
        HOSTS,
        SECTIONS * SECTION as u64 / 1000,
        THINKS / MICROSECOND
    );
    for (rate, room) in [(0, 0), (100, 200), (10, 200), (10, 20), (2, 200)] {
        let measured = measure(rate, room)?;
        let (joining, after) = measured.rates();
        let _ = writeln!(
            table,
            "{rate:>4} Mbit/s     {room:>3} kB    {:>6.2} s  {joining:>18.1}  {after:>7.1}",
            measured.joining.1 as f64 / 1e9,
        );
    }
    Ok(table)
}

/// `rate`: the Mbit/s that come to the node that joins, 0 without a bound; `room`:
/// the kB that wait for that.
fn measure(rate: u64, room: u64) -> Result<Measured, String> {
    let mut network = Network::new(HOSTS, 50 * MICROSECOND, 0, true);
    network.narrow(JOINER, rate * 125_000, room * 1000);
    let habits =
        Habits { unicast: false, loops_back: false, room: 1 << 20, batch: 256, disk: MILLISECOND };
    let clocks = vec![Clock { origin: 0, speed: 1_000_000 }; HOSTS];
    let mut world = World {
        fabric: Fabric::new(Rng::new(1), network, habits, clocks, Trace(false)),
        serves: [false; HOSTS],
        answers: Vec::new(),
        asked: 0,
        checkpoint: 0,
    };
    (0..JOINER).for_each(|host| world.start(host));
    world.until(|world| world.serves[0])?;
    world.fill()?;
    world.start(JOINER);
    let joining = world.write_until(|world| world.serves[JOINER])?;
    let end = world.fabric.now + SECOND;
    let after = world.write_until(|world| world.fabric.now >= end)?;
    Ok(Measured { joining, after })
}

struct World {
    fabric: Fabric<Node, ()>,
    serves: [bool; HOSTS],
    /// The bodies of answers that nobody has looked at.
    answers: Vec<Vec<u8>>,
    asked: u32,
    checkpoint: u32,
}

impl World {
    fn start(&mut self, host: usize) {
        self.fabric.write_disk(host, 16);
        let ring = ais_totem::Config {
            me: node_of(host),
            cluster: Name::default(),
            timing: Timing::from_token(TOKEN),
            mtu: 1472,
            max_message: 1 << 20,
            last_view: 0,
            reserved: 16,
            linger: 50 * MICROSECOND,
            first_seq: 0,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: host as u64 + 1,
        };
        self.fabric.start(host, |now| {
            let config = Config {
                node: node_of(host),
                group: group::Config::Ring(ring),
                expected_nodes: None,
                configured: Vec::new(),
                node_name: Name::default(),
                cluster_name: Name::default(),
                boot_timestamp: now.wall,
                ckpt: Limits { memory: 1 << 24, max_message: 1 << 20, ..Limits::default() },
                groups: ais_node::amf::config::Groups::default(),
            };
            Node::new(config, now)
        });
    }

    /// Lets the next thing happen, until `end` at most.
    fn step(&mut self, end: u64) -> Result<(), String> {
        self.fabric.step(end)?;
        for (host, event) in self.fabric.take_events() {
            match event {
                Output::Serving => self.serves[host] = true,
                Output::Reply { result, body, .. } => {
                    result.map_err(|error| format!("a call failed: {error:?}"))?;
                    self.answers.push(body);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) -> Result<(), String> {
        let end = self.fabric.now + 600 * SECOND;
        while !done(self) {
            self.step(end)?;
            if self.fabric.now >= end {
                return Err("nothing comes of it".into());
            }
        }
        Ok(())
    }

    /// Asks the first node.
    fn ask(&mut self, request: &ckpt::Request<'_>) -> Result<(), String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        for piece in request.data() {
            body.raw(piece);
        }
        self.asked += 1;
        let (id, code, body) = (self.asked, request.code(), body.into_bytes());
        let asked = self.fabric.with(0, |node, now| node.request(now, &PROGRAM, id, code, &body));
        asked.ok_or("the node does not run")?.map_err(|_| "a call is malformed".into())
    }

    /// The same, and waits for the answer.
    fn call(&mut self, request: &ckpt::Request<'_>) -> Result<Vec<u8>, String> {
        self.ask(request)?;
        self.until(|world| !world.answers.is_empty())?;
        self.answers.pop().ok_or_else(|| "no answer".into())
    }

    /// Makes the state.
    fn fill(&mut self) -> Result<(), String> {
        self.fabric.with(0, |node, _| node.handle_opened(&PROGRAM));
        let attributes = ckpt::Attributes {
            option: ckpt::UpdateOption::AllReplicas,
            checkpoint_size: 10_000_000,
            retention_duration: i64::MAX,
            max_sections: 100,
            max_section_size: SECTION as u32,
            max_section_id_size: 10,
        };
        let open = ckpt::Open {
            name: Name::try_from("state").unwrap_or_default(),
            attributes: Some(attributes),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        let body = self.call(&ckpt::Request::Open(open))?;
        self.checkpoint = Reader::new(&body).u32().map_err(|error| error.to_string())?;
        let data = vec![7; SECTION];
        for number in 0..SECTIONS {
            let id = number.to_be_bytes();
            let (checkpoint, id, expiration) = (self.checkpoint, Some(&id[..]), i64::MAX);
            self.call(&ckpt::Request::SectionCreate { checkpoint, id, expiration, data: &data })?;
        }
        Ok(())
    }

    /// The program writes, one call after the other. How many were answered,
    /// and how long that took.
    fn write_until(&mut self, done: impl Fn(&Self) -> bool) -> Result<(u64, u64), String> {
        let (begun, mut writes, mut next) = (self.fabric.now, 0, Some(self.fabric.now));
        while !done(self) && self.fabric.now < begun + 600 * SECOND {
            if next.is_some_and(|next| self.fabric.now >= next) {
                let data = [7; MESSAGE];
                let checkpoint = self.checkpoint;
                self.ask(&ckpt::Request::Overwrite { checkpoint, id: b"", data: &data })?;
                next = None;
            }
            self.step(next.unwrap_or(begun + 600 * SECOND))?;
            if self.answers.pop().is_some() {
                writes += 1;
                next = Some(self.fabric.now + self.fabric.rng.below(THINKS));
            }
        }
        if next.is_none() {
            self.until(|world| !world.answers.is_empty())?;
            self.answers.pop();
        }
        Ok((writes, self.fabric.now - begun))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joiner_behind_a_slow_link_slows_writers_by_a_small_factor() {
        for (rate, room) in [(0, 0), (100, 200), (10, 20)] {
            let measured = measure(rate, room).unwrap();
            let (joining, after) = measured.rates();
            assert!(joining * 2.0 >= after, "{rate} Mbit/s, {room} kB: {joining} and {after}");
            // As fast as the link allows, but for the rests.
            assert!(measured.joining.1 < 60 * SECOND, "{measured:?}");
        }
    }
}
