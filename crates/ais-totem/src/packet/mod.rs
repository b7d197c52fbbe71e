//! What members of a ring send each other.

mod check;
mod codec;
mod dropped;
mod seal;
#[cfg(test)]
mod tests;

pub use codec::is_greeting;
pub(crate) use codec::is_of_protocol;
pub(crate) use codec::{Codec, OLDEST_MINOR, chunk_capacity};
pub(crate) use dropped::{DropCounters, Dropped};
pub(crate) use seal::{MAJOR, MINOR, fnv1a};

use crate::{Bytes, Setting, ViewId};
use ais_wire::{MAX_NODES, NodeId};

/// Members of a ring at most; a packet that names more is dropped.
pub(crate) const MAX_MEMBERS: usize = MAX_NODES;
/// Retransmission requests on a token at most.
pub(crate) const MAX_REQUESTS: usize = 64;
/// Bytes of the chunks of a frame at most: more does not fit into a datagram.
pub(crate) const MAX_CHUNKS: usize = 1 << 16;
/// The highest sequence number of a frame: a delivery shifts it by 16 bits.
pub(crate) const MAX_SEQ: u64 = u64::MAX >> 16;
/// The highest view number; there is always one more to count to.
pub(crate) const MAX_VIEW: u64 = u64::MAX >> 1;

/// A packet of this cluster, from a sender that is where it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    Data(Data),
    Token(Token),
    Join(Join),
    Commit(Commit),
    Hello(Hello),
    Cancel(Cancel),
    Ack(Ack),
}

/// What JOIN and HELLO tell of their sender besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// The minor version of its protocol.
    pub(crate) minor: u8,
    /// What others compare with their own. Since minor version 1.
    pub(crate) settings: Vec<Setting>,
    /// What it has drawn at its start: another machine with its address has
    /// another one. 0 before minor version 2.
    pub(crate) incarnation: u64,
    /// Addresses that two machines have, in ascending order. Since minor version 2.
    pub(crate) twice: Vec<NodeId>,
}

/// A frame in the order of a ring: messages and fragments of one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) ring: ViewId,
    /// Its place in the order of the ring, from 1 to [`MAX_SEQ`].
    pub(crate) seq: u64,
    /// Whoever has all frames up to this one is to say so with [`Ack`], to the
    /// member that sent it. Of new frames only.
    pub(crate) asks: bool,
    pub(crate) payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// New, from this member. A retransmission keeps the member, whoever
    /// sends it.
    New {
        from: NodeId,
        /// At least one byte, at most [`MAX_CHUNKS`].
        chunks: Bytes,
    },
    /// A frame of an old ring, which has a lower number, sent again in the
    /// recovery of the new one.
    Recovered { ring: ViewId, seq: u64, from: NodeId, chunks: Bytes },
}

impl Payload {
    /// Messages and fragments of one sender.
    pub(crate) fn chunks(&self) -> &Bytes {
        match self {
            Self::New { chunks, .. } | Self::Recovered { chunks, .. } => chunks,
        }
    }
}

/// The regular token ([SRP95] section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) ring: ViewId,
    /// Grows with every hop; tells a copy from the next visit.
    pub(crate) token_seq: u64,
    /// The highest sequence number of a frame of the ring.
    pub(crate) seq: u64,
    /// All members have all frames up to this one, if it does not fall; not
    /// above `seq`.
    pub(crate) aru: u64,
    /// Who lowered `aru` to what it is.
    pub(crate) aru_from: Option<NodeId>,
    /// Frames sent in the last rotation.
    pub(crate) sent: u32,
    /// Frames that waited for the token in the last rotation.
    pub(crate) backlog: u32,
    /// Rotations in a row, at the representative, without a new frame.
    pub(crate) idle: u32,
    /// In recovery: some member still has old frames to send.
    pub(crate) recovering: bool,
    /// Frames up to `seq` that some member lacks, at most [`MAX_REQUESTS`], in
    /// any order.
    pub(crate) requests: Vec<u64>,
}

/// What a member wants the next ring to be ([SRP95] section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Join {
    /// The members of `ring` have to show anew that they hear each other.
    pub(crate) careful: bool,
    /// The sender goes away; the rest says what it left.
    pub(crate) leaving: bool,
    /// The highest view number it knows of.
    pub(crate) number: u64,
    /// The ring it was last operational in; its number is not above `number`.
    pub(crate) ring: Option<ViewId>,
    /// Nodes that should be in, in ascending order; the sender too, if it does
    /// not leave.
    pub(crate) members: Vec<NodeId>,
    /// Of them, those that should not after all, in ascending order.
    pub(crate) failed: Vec<NodeId>,
    /// Nodes that reach the sender (see [`Reach`]), in ascending order: an
    /// asymmetric link shows here.
    pub(crate) heard: Vec<NodeId>,
    /// Of them, those that are known to hear the sender, in ascending order.
    pub(crate) mutual: Vec<NodeId>,
}

/// The commit token: goes twice round the ring that is being formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The new ring; its representative is the first of `members`.
    pub(crate) ring: ViewId,
    /// Grows with every hop.
    pub(crate) hop: u32,
    /// In ascending order, the sender among them.
    pub(crate) members: Vec<CommitEntry>,
    /// The longest datagram that gets through between all that had the token in
    /// the first round, in bytes.
    pub(crate) size: u16,
}

/// A member of the ring that is being formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitEntry {
    pub(crate) node: NodeId,
    /// What the member filled in on the first round.
    pub(crate) old: Option<OldRing>,
}

/// Where a member comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldRing {
    /// `None`: from nowhere, it has just started, and all that follows is 0.
    /// Its number is below that of the new ring.
    pub(crate) ring: Option<ViewId>,
    /// It has all frames of that ring up to this one.
    pub(crate) aru: u64,
    /// The highest frame of that ring it has; not below `aru`.
    pub(crate) high: u64,
    /// All members of that ring had all frames up to this one; not above
    /// `aru`.
    pub(crate) safe: u64,
    /// Nodes of which this member got all that they had of that ring, in a
    /// recovery that others may have completed; in ascending order.
    pub(crate) obliged: Vec<NodeId>,
}

/// Tells whoever else is there of this ring, and that its sender is heard
/// (merge detection).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    /// `None`: the sender has just started.
    pub(crate) ring: Option<ViewId>,
    /// The ring of the sender, in ascending order; if there is one the
    /// representative is the first, and the sender is among them.
    pub(crate) members: Vec<NodeId>,
    /// Nodes outside that ring that reach the sender (see [`Reach`]), in
    /// ascending order.
    pub(crate) heard: Vec<NodeId>,
    /// Of them, those that are known to hear the sender, in ascending order.
    pub(crate) mutual: Vec<NodeId>,
    pub(crate) reach: Reach,
}

/// What a HELLO shows of the way from its sender: that a datagram of this length
/// gets through, to one node or to all. What is sent to all may take another way
/// than what is sent to one, and short datagrams one that long ones do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// It was sent to one node.
    pub(crate) to_one: bool,
    /// To one node: the longest HELLO that came of it lately, of those that it
    /// sent to the sender of this one; 0 if none did.
    pub(crate) one: u16,
    /// The same for those that it sent to all.
    pub(crate) all: u16,
    /// The length of the datagram. A sender fills it up with zeros.
    pub(crate) length: u16,
}

/// To whoever holds the token of an idle ring: somebody has something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cancel {
    pub(crate) ring: ViewId,
}

/// To the sender of a frame that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) ring: ViewId,
    /// The sender has all frames up to this one.
    pub(crate) aru: u64,
    /// It has something to send itself, for which it needs the token.
    pub(crate) waits: bool,
}
