//! Datagrams, sealed and opened: the header, with the version, the checksum, the
//! cluster and the sender. What is in a body is the matter of the codec.
//! docs/RING.md has the layout in a table.

use super::Dropped;
use crate::Bytes;
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
use std::ops::Range;

const MAGIC: [u8; 4] = *b"AISR";
/// Packets of another major version cannot be read.
pub(crate) const MAJOR: u8 = 1;
/// A newer minor version may append to JOIN and HELLO, which nodes exchange
/// before they know each other's version. Nodes of different ones may form no
/// ring.
pub(crate) const MINOR: u8 = 2;

/// Magic, major, minor, kind, checksum, cluster, sender.
pub(super) const HEADER: usize = 4 + 1 + 1 + 1 + 4 + 8 + 4;
/// Where the kind stands in the header.
const KIND: usize = 6;
/// Where the checksum stands in the header. It covers all but itself.
const CHECKSUM: Range<usize> = 7..11;
/// The header up to the end of the checksum. It is the same in every major
/// version, so that a packet of another one is told from a damaged packet.
const START: usize = CHECKSUM.end;

/// Seals and opens the datagrams of one node in one cluster.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) me: NodeId,
    cluster: u64,
}

/// What is in a datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened<'a> {
    /// The minor version of its sender.
    pub(super) minor: u8,
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

impl Seal {
    pub(super) fn new(me: NodeId, cluster: &Name) -> Self {
        Self { me, cluster: fnv1a(cluster.as_bytes()) }
    }

    /// A datagram from this node with the body that `write` makes, of about
    /// `length` bytes.
    pub(super) fn seal(&self, kind: u8, length: usize, write: impl FnOnce(&mut Writer)) -> Bytes {
        let mut out = Writer::with_capacity(HEADER + length);
        out.raw(&MAGIC).u8(MAJOR).u8(MINOR).u8(kind).u32(0).u64(self.cluster).node(self.me);
        write(&mut out);
        let mut datagram = out.into_bytes();
        put_checksum(&mut datagram);
        datagram.into()
    }

    /// What is in a datagram that came from the address of `from`, which is then
    /// its sender.
    ///
    /// # Errors
    /// [`Dropped`] if that node has not sealed it so, in this cluster and this
    /// major version.
    pub(super) fn open<'a>(&self, from: NodeId, datagram: &'a [u8]) -> Result<Opened<'a>, Dropped> {
        if !datagram.starts_with(&MAGIC) {
            return Err(Dropped::Foreign);
        }
        let (start, rest) = datagram.split_first_chunk::<START>().ok_or(Dropped::Malformed)?;
        if start[CHECKSUM] != checksum(start, rest) {
            return Err(Dropped::Checksum);
        }
        let [_, _, _, _, major, minor, kind, ..] = *start;
        if major != MAJOR {
            return Err(Dropped::Version(major));
        }
        let (header, body) = datagram.split_first_chunk::<HEADER>().ok_or(Dropped::Malformed)?;
        let (cluster, sender) = read_origin(&header[START..]).map_err(|_| Dropped::Malformed)?;
        if cluster != self.cluster {
            return Err(Dropped::OtherCluster);
        }
        if sender != from {
            return Err(Dropped::WrongSender);
        }
        Ok(Opened { minor, kind, body })
    }
}

/// The kind of a datagram, by its first bytes alone; `None` if it is none of this
/// protocol.
pub(super) fn kind(datagram: &[u8]) -> Option<u8> {
    if !datagram.starts_with(&MAGIC) {
        return None;
    }
    datagram.get(KIND).copied()
}

/// Puts the checksum into a datagram, which has a whole header.
pub(super) fn put_checksum(datagram: &mut [u8]) {
    let (start, rest) = datagram.split_at_mut(START);
    let sum = checksum(start, rest);
    start[CHECKSUM].copy_from_slice(&sum);
}

/// CRC-32 of a datagram, without the place of the checksum itself.
fn checksum(start: &[u8], rest: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&start[..CHECKSUM.start]);
    sum.update(rest);
    sum.finalize().to_le_bytes()
}

/// The cluster and the sender.
fn read_origin(bytes: &[u8]) -> Result<(u64, NodeId), DecodeError> {
    let mut input = Reader::new(bytes);
    Ok((input.u64()?, input.node()?))
}

/// The 64-bit hash of Fowler, Noll and Vo, variant 1a.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
