//! Whole nodes with one program on each, for worlds that plan little.

use crate::fabric::{Fabric, node_of};
use crate::plan::MILLISECOND;
use ais_node::{
    Body, Caller, Config, ConnectionId, Node, Output, Pace, SessionId, ckpt::Limits, group,
};
use ais_proto::{AisError, Name, Reader, Writer, ckpt};
use ais_totem::Timing;

pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;
/// Longer than this nobody waits for anything.
const PATIENCE: u64 = 600 * SECOND;
/// Numbers that are reserved at start.
const AHEAD: u64 = 16;
/// The process of a program, and the one connection of that.
const PROGRAM: Caller = Caller { session: SessionId(1), connection: ConnectionId(2), handle: None };

/// The answer to a program on some host.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: u32,
    pub(crate) result: Result<(), AisError>,
    pub(crate) body: Vec<u8>,
}

/// The nodes.
pub(crate) struct Nodes {
    pub(crate) fabric: Fabric<Node, ()>,
    timing: Timing,
    mtu: usize,
    pace: Pace,
    pub(crate) serves: Vec<bool>,
    /// Answers that nobody has looked at.
    pub(crate) answers: Vec<Answer>,
    asked: u32,
}

impl Nodes {
    pub(crate) fn new(fabric: Fabric<Node, ()>, timing: Timing, mtu: usize, pace: Pace) -> Self {
        let serves = vec![false; fabric.hosts().len()];
        Self { fabric, timing, mtu, pace, serves, answers: Vec::new(), asked: 0 }
    }

    pub(crate) fn start(&mut self, host: usize) {
        self.fabric.write_disk(host, AHEAD);
        let ring = ais_totem::Config {
            me: node_of(host),
            cluster: Name::default(),
            timing: self.timing,
            mtu: self.mtu,
            max_message: 1 << 20,
            last_view: 0,
            reserved: AHEAD,
            linger: 50_000,
            first_seq: 0,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: host as u64 + 1,
            sealing: None,
        };
        let pace = self.pace;
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
                pace,
            };
            Node::new(config, now)
        });
        self.fabric.with(host, |node, _| node.handle_opened(&PROGRAM));
    }

    /// Lets the next thing happen, until `end` at most.
    pub(crate) fn step(&mut self, end: u64) -> Result<(), String> {
        self.fabric.step(end)?;
        for (host, event) in self.fabric.take_events() {
            match event {
                Output::Serving => self.serves[host] = true,
                Output::Reply { id, result, body, .. } => {
                    self.answers.push(Answer { id, result, body });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets so much time pass.
    pub(crate) fn go(&mut self, time: u64) -> Result<(), String> {
        let end = self.fabric.now + time;
        while self.fabric.now < end {
            self.step(end)?;
        }
        Ok(())
    }

    /// Lets things happen until this is so.
    pub(crate) fn until(&mut self, done: impl Fn(&Self) -> bool) -> Result<(), String> {
        let end = self.fabric.now + PATIENCE;
        while !done(self) {
            self.step(end)?;
            if self.fabric.now >= end {
                return Err("nothing comes of it".into());
            }
        }
        Ok(())
    }

    /// The program on a host asks; the number of the call.
    pub(crate) fn ask(&mut self, host: usize, request: &ckpt::Request<'_>) -> Result<u32, String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        for piece in request.data() {
            body.raw(piece);
        }
        self.asked += 1;
        let (id, code, body) = (self.asked, request.code(), body.into_bytes());
        let asked = self.fabric.with(host, |node, now| {
            node.request(now, &PROGRAM, id, code, Body::Owned { bytes: body, from: 0 })
        });
        asked.ok_or("the node does not run")?.map_err(|_| "a call is malformed")?;
        Ok(id)
    }

    /// The program on a host asks, and waits for the answer.
    pub(crate) fn call(
        &mut self,
        host: usize,
        request: &ckpt::Request<'_>,
    ) -> Result<Vec<u8>, String> {
        let id = self.ask(host, request)?;
        self.until(|nodes| nodes.answers.iter().any(|answer| answer.id == id))?;
        let place = self.answers.iter().position(|answer| answer.id == id);
        let answer = place.map(|place| self.answers.swap_remove(place)).ok_or("no answer")?;
        answer.result.map_err(|error| format!("{request:?} failed: {error:?}"))?;
        Ok(answer.body)
    }

    /// The program on a host opens a checkpoint, which is made if it is not there.
    pub(crate) fn open(&mut self, host: usize, section_size: u32) -> Result<u32, String> {
        let attributes = ckpt::Attributes {
            option: ckpt::UpdateOption::AllReplicas,
            checkpoint_size: 10_000_000,
            retention_duration: i64::MAX,
            max_sections: 100,
            max_section_size: section_size,
            max_section_id_size: 10,
        };
        let open = ckpt::Open {
            name: Name::try_from("state").unwrap_or_default(),
            attributes: Some(attributes),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        let body = self.call(host, &ckpt::Request::Open(open))?;
        Reader::new(&body).u32().map_err(|error| error.to_string())
    }
}
