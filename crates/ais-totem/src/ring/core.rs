//! What a member has in every state: its way out, its messages, its counters.

use super::frames::Frame;
use super::links::Links;
use super::status::Counters;
use crate::messages::{Assembly, SendQueue};
use crate::packet::{Codec, Data, MAX_VIEW, Packet, Payload, chunk_capacity};
use crate::settings::Comparison;
use crate::{Bytes, Config, Destination, Output, Timing};
use ais_wire::{Name, NodeId};
use log::{Level, log};
use std::collections::{BTreeMap, VecDeque};

/// A frame takes so many bytes of chunks even if the MTU says less.
const LEAST_CAPACITY: usize = 64;
/// Lines in the log in a second at most.
const MAX_LINES: u32 = 20;
const SECOND: u64 = 1_000_000_000;
/// View numbers are reserved so many at a time.
const RESERVE: u64 = 1000;

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
    pub(super) counters: Counters,
    pub(super) links: Links,
    pub(super) queue: SendQueue,
    pub(super) assembly: Assembly,
    /// The highest view number this member has agreed to.
    pub(super) number: u64,
    /// Why nodes are not to be in the next view, for people.
    pub(super) reasons: BTreeMap<NodeId, String>,
    pub(super) codec: Codec,
    /// The name of the cluster, for people.
    pub(super) cluster: Name,
    pub(super) settings: Comparison,
    /// Lines in the log since the second began.
    lines: (u64, u32),
    reserved: u64,
    asked: u64,
}

impl Core {
    pub(super) fn new(config: &Config) -> Self {
        let number = config.last_view.min(MAX_VIEW - 1);
        let mut core = Self {
            me: config.me,
            timing: config.timing,
            first_seq: config.first_seq,
            linger: config.linger,
            capacity: chunk_capacity(config.mtu).max(LEAST_CAPACITY),
            max_message: config.max_message,
            outputs: VecDeque::new(),
            counters: Counters::default(),
            links: Links::new(config.timing),
            queue: SendQueue::new(config.max_message),
            assembly: Assembly::new(config.max_message),
            number,
            reasons: BTreeMap::new(),
            codec: Codec::new(config.me, &config.cluster, &config.settings),
            cluster: config.cluster.clone(),
            settings: Comparison::new(config.settings.clone()),
            lines: (0, 0),
            reserved: config.reserved,
            asked: config.reserved,
        };
        core.reserve_ahead();
        core
    }

    /// A line for the log, unless there were many lately: others can cause
    /// them.
    pub(super) fn say(&mut self, now: u64, line: &str) {
        self.say_at(Level::Info, now, line);
    }

    /// The same, for what somebody has to put right.
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
        self.outputs.push_back(Output::Send { to, bytes });
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

    /// Leaves a node alone for a while that may not be connected with all.
    pub(super) fn strike(&mut self, now: u64, node: NodeId) {
        self.counters.strikes += 1;
        self.links.strike(now, node);
    }

    pub(super) fn is_reserved(&self, number: u64) -> bool {
        number <= self.reserved
    }

    pub(super) fn reserved(&mut self, number: u64) {
        self.reserved = self.reserved.max(number);
        self.asked = self.asked.max(number);
    }

    /// Asks for more view numbers before the last one is needed.
    pub(super) fn reserve_ahead(&mut self) {
        if self.asked.saturating_sub(self.number) < RESERVE / 2 {
            self.reserve_above(self.number);
        }
    }

    /// The next view is going to have a number above this one. Asked for when
    /// that shows in gather, all members wait for their disks at once, and not
    /// one after the other with the commit token.
    pub(super) fn expect_above(&mut self, number: u64) {
        if self.asked <= number {
            self.reserve_above(number);
        }
    }

    fn reserve_above(&mut self, number: u64) {
        self.asked = number.saturating_add(RESERVE).min(MAX_VIEW);
        self.outputs.push_back(Output::Reserve(self.asked));
    }
}
