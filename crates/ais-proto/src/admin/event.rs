//! What Admin tells without being asked again.

use super::{Opener, ViewId};
use crate::messages::events;
use crate::services::Telling;
use crate::{DecodeError, HEADER_LENGTH, MAX_EVENT, NodeId, Reader, ServiceId, Subject, Writer};
use ais_wire::{Form, Wire, record};

/// Bytes of the reason of a view that are told at most.
const MAX_WHY: usize = 1024;
/// Bytes of deliveries before their items.
const DELIVERIES_HEAD: usize = 4 + 8 + 8 + 8;
/// Bytes of the items that fit into one event.
const MAX_ITEMS: usize = MAX_EVENT - HEADER_LENGTH - DELIVERIES_HEAD;
/// Bytes of an item beside its message.
const ITEM_OVERHEAD: usize = 4 + 8 + 4;

events! {
    /// An event of Admin.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Event {
        /// A view. The node makes it when its program has room for it.
        0x0481 View(view: View) => Telling::Each,
        /// What was delivered for probes. The node makes it when its program has room for it.
        0x0482 Deliveries(deliveries: Deliveries) => Telling::Each,
        /// The answer of a node to
        /// [`Request::AskOpeners`](super::Request::AskOpeners).
        0x04a0 Openers {
            /// The node.
            node: NodeId,
            /// Its processes that have the checkpoint open.
            openers: Vec<Opener>,
        } => Telling::Newest(Subject::new(ServiceId::Admin, 1, |out| {
            out.node(*node);
        })),
    }
}

record! {
    /// A view, as one who watches is told.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct View {
        /// Which one.
        pub id: ViewId,
        /// The members, lowest first.
        pub members: Vec<NodeId>,
        /// The members that did not come with this node from its last view.
        pub joined: Vec<NodeId>,
        /// The members of its last view that did not come along.
        pub left: Vec<NodeId>,
        /// Why, for people.
        pub why: String as Short,
        /// How many views before it were left out, as the program did not read.
        pub skipped: u64,
    }
}

/// A text of which no more than [`MAX_WHY`] bytes are told.
enum Short {}

impl Form<'_, String> for Short {
    fn put(value: &String, out: &mut Writer) {
        out.bytes(&value.as_bytes()[..value.len().min(MAX_WHY)]);
    }

    fn take(input: &mut Reader<'_>) -> Result<String, DecodeError> {
        Wire::take(input)
    }
}

/// Messages of probes in the order in which they were delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    /// The probe that is told: its node and its number there.
    owner: (NodeId, u64),
    /// How many messages were left out after these, as the program did not
    /// read.
    pub skipped: u64,
    /// How many of those were the owner's.
    pub own_skipped: u64,
    items: Vec<u8>,
}

/// A message of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered<'a> {
    /// The node that sent it.
    pub from: NodeId,
    /// The probe on that node.
    pub probe: u64,
    /// The message.
    pub message: &'a [u8],
}

impl Deliveries {
    /// Nothing yet for this probe.
    #[must_use]
    pub fn new(node: NodeId, probe: u64) -> Self {
        Self { owner: (node, probe), skipped: 0, own_skipped: 0, items: Vec::new() }
    }

    /// Adds a message, if it still fits into the event.
    pub fn push(&mut self, delivered: Delivered<'_>) -> bool {
        let Delivered { from, probe, message } = delivered;
        let length = self.items.len() + ITEM_OVERHEAD + message.len();
        let Ok(count) = u32::try_from(message.len()) else { return false };
        if length > MAX_ITEMS {
            return false;
        }
        self.items.extend_from_slice(&from.address().octets());
        self.items.extend_from_slice(&probe.to_le_bytes());
        self.items.extend_from_slice(&count.to_le_bytes());
        self.items.extend_from_slice(message);
        true
    }

    /// The messages.
    pub fn iter(&self) -> impl Iterator<Item = Delivered<'_>> {
        let mut rest = Reader::new(&self.items);
        std::iter::from_fn(move || item(&mut rest).ok())
    }

    /// How many messages of the owner are here or were left out.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.own_items().saturating_add(self.own_skipped)
    }

    fn own_items(&self) -> u64 {
        self.iter().filter(|item| (item.from, item.probe) == self.owner).count() as u64
    }

    /// Adds the messages of others, if all of them still fit into the event.
    pub fn append(&mut self, later: &Self) -> bool {
        let fits = self.items.len() + later.items.len() <= MAX_ITEMS;
        if fits {
            self.items.extend_from_slice(&later.items);
        }
        fits
    }

    /// Whether nothing is told by it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.skipped == 0
    }

    /// Bytes of memory that the messages take.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.items.capacity()
    }
}

/// The items stand uncounted at the end.
impl Wire<'_> for Deliveries {
    fn put(&self, out: &mut Writer) {
        let (node, probe) = self.owner;
        out.node(node).u64(probe).u64(self.skipped).u64(self.own_skipped).raw(&self.items);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut deliveries = Self::new(input.node()?, input.u64()?);
        (deliveries.skipped, deliveries.own_skipped) = (input.u64()?, input.u64()?);
        deliveries.items = input.rest().to_vec();
        let mut rest = Reader::new(&deliveries.items);
        while rest.remaining() > 0 {
            item(&mut rest)?;
        }
        Ok(deliveries)
    }
}

fn item<'a>(input: &mut Reader<'a>) -> Result<Delivered<'a>, DecodeError> {
    Ok(Delivered { from: input.node()?, probe: input.u64()?, message: input.bytes()? })
}
