//! A frame that one member seals and another reads, for the micro-benches.

use crate::packet::{Codec, Data, Packet, Payload};
use crate::{Bytes, ViewId};
use ais_wire::{Name, NodeId};

/// A sender that seals one frame again and again, and a receiver that reads it.
#[derive(Debug)]
pub struct Frames {
    sender: NodeId,
    theirs: Codec,
    ours: Codec,
    frame: Data,
}

impl Frames {
    /// The pair for a frame whose chunks have so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        let [sender, receiver] = [1, 2].map(|host| NodeId::new([10, 0, 0, host].into()));
        let [theirs, ours] = [sender, receiver].map(|me| Codec::new(me, &Name::default(), &[]));
        let payload = Payload::New { from: sender, chunks: vec![7; bytes].into() };
        let ring = ViewId { number: 1, representative: sender };
        Self { sender, theirs, ours, frame: Data { ring, seq: 1, asks: false, payload } }
    }

    /// The datagram of the frame.
    #[must_use]
    pub fn seal(&self) -> Bytes {
        self.theirs.encode_data(&self.frame)
    }

    /// Whether the receiver reads the frame out of the datagram.
    #[must_use]
    pub fn decode(&self, datagram: &[u8]) -> bool {
        matches!(self.ours.decode(self.sender, datagram), Ok((Packet::Data(_), None)))
    }
}
