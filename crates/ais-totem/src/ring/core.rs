//! What a member has in every state: its way out, its messages, its counters.

use super::frames::Frame;
use super::incarnations::Incarnations;
use super::limit::Limit;
use super::links::Links;
use super::numbers::Numbers;
use super::problems::Problems;
use super::sealing;
use super::status::Counters;
use crate::messages::{Assembly, SendQueue};
use crate::packet::{Codec, Data, Packet, Payload, chunk_capacity};
use crate::settings::Comparison;
use crate::{Bytes, Command, Config, Destination, Output, Timing};
use ais_seal::Guard;
use ais_wire::{Name, NodeId};
use log::{Level, log};
use std::collections::{BTreeMap, VecDeque};

/// A frame takes so many bytes of chunks even if the MTU says less.
const LEAST_CAPACITY: usize = 64;
/// Lines in the log in a second at most.
const MAX_LINES: u32 = 20;
const SECOND: u64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Core {
    pub(super) me: NodeId,
    pub(super) timing: Timing,
    pub(super) first_seq: u64,
    pub(super) linger: u64,
    /// Bytes of chunks in a frame.
    pub(super) capacity: usize,
    pub(super) max_message: usize,
    pub(super) outputs: VecDeque<Output>,
    pub(super) commands: VecDeque<Command>,
    pub(super) counters: Counters,
    pub(super) links: Links,
    /// Nodes that may be greeted.
    pub(super) greetings: Limit,
    pub(super) queue: SendQueue,
    pub(super) assembly: Assembly,
    pub(super) numbers: Numbers,
    /// Why nodes are not to be in the next view, for people.
    pub(super) reasons: BTreeMap<NodeId, String>,
    pub(super) codec: Codec,
    pub(super) guard: Guard,
    /// The name of the cluster, for people.
    pub(super) cluster: Name,
    pub(super) settings: Comparison,
    /// The nodes that the configuration names.
    pub(super) members: Vec<NodeId>,
    pub(super) incarnation: u64,
    pub(super) incarnations: Incarnations,
    pub(super) problems: Problems,
    /// Lines in the log since the second began.
    lines: (u64, u32),
}

impl Core {
    pub(super) fn new(config: &Config) -> Self {
        let settings = Comparison::new(config);
        let codec = Codec::new(config.me, &config.cluster, &settings.told());
        let guard = sealing::guard(config);
        let mtu = sealing::longest_packet(config);
        let mut core = Self {
            me: config.me,
            timing: config.timing,
            first_seq: config.first_seq,
            linger: config.linger,
            capacity: chunk_capacity(mtu).max(LEAST_CAPACITY),
            max_message: config.max_message,
            outputs: VecDeque::new(),
            commands: VecDeque::new(),
            counters: Counters::default(),
            links: Links::new(config.timing, u16::try_from(mtu).unwrap_or(u16::MAX)),
            greetings: Limit::of_greetings(config.timing),
            queue: SendQueue::new(config.max_message),
            assembly: Assembly::new(config.max_message),
            numbers: Numbers::new(config.last_view, config.reserved),
            reasons: BTreeMap::new(),
            codec: codec.with_incarnation(config.incarnation),
            guard,
            cluster: config.cluster.clone(),
            settings,
            members: config.members.clone(),
            incarnation: config.incarnation,
            incarnations: Incarnations::new(config.timing),
            problems: Problems::default(),
            lines: (0, 0),
        };
        core.reserve_ahead();
        core
    }

    /// A line for the log, unless there were many lately: others can cause
    /// them.
    pub(super) fn say(&mut self, now: u64, line: &str) {
        self.say_at(Level::Info, now, line);
    }

    /// A line as [`Self::say`] has it, for what people have to put right.
    pub(super) fn warn(&mut self, now: u64, line: &str) {
        self.say_at(Level::Warn, now, line);
    }

    fn say_at(&mut self, level: Level, now: u64, line: &str) {
        if now.saturating_sub(self.lines.0) >= SECOND {
            self.lines = (now, 0);
        }
        self.lines.1 = self.lines.1.saturating_add(1);
        match self.lines.1 {
            ..MAX_LINES => log!(level, "{line}"),
            MAX_LINES => log!(level, "{line}; more of the kind is left out for a second"),
            _ => {}
        }
    }

    pub(super) fn send(&mut self, to: Destination, packet: &Packet) {
        let bytes = self.codec.encode(packet);
        self.send_bytes(to, bytes);
    }

    pub(super) fn send_bytes(&mut self, to: Destination, bytes: Bytes) {
        self.commands.push_back(Command::Send { to, bytes });
    }

    pub(super) fn send_frame(&mut self, data: &Data) {
        let bytes = self.codec.encode_data(data);
        self.send_bytes(Destination::All, bytes);
    }

    /// Delivers what a frame completes.
    pub(super) fn deliver(&mut self, seq: u64, frame: &Frame) {
        let Payload::New { from, chunks } = &frame.payload else { return };
        self.deliver_chunks(seq, *from, chunks);
    }

    pub(super) fn deliver_chunks(&mut self, seq: u64, from: NodeId, chunks: &[u8]) {
        for message in self.assembly.take(from, chunks) {
            let number = seq << 16 | u64::from(message.index);
            self.counters.messages_delivered += 1;
            self.outputs.push_back(Output::Deliver { number, from, bytes: message.bytes });
        }
    }

    /// No ring can be formed with a node: it is let in later. A member is lost
    /// when the view without it is installed.
    pub(super) fn strike(&mut self, now: u64, node: NodeId) {
        self.counters.strikes += 1;
        if !self.links.is_member(node) {
            self.links.lost(now, node);
        }
    }

    /// The nodes `members` are in the ring from now on, and `left` have left it.
    pub(super) fn settle_links(&mut self, now: u64, members: &[NodeId], left: &[NodeId]) {
        self.links.note_formed();
        for &node in left {
            self.links.lost(now, node);
        }
        for &node in members.iter().filter(|&&node| node != self.me) {
            self.links.joined(now, node);
        }
    }

    /// The datagrams of the ring have so many bytes at most from now on.
    pub(super) fn use_size(&mut self, now: u64, size: u16) {
        let size = self.links.set_size(now, size);
        self.capacity = chunk_capacity(size.into()).max(LEAST_CAPACITY);
    }
}
