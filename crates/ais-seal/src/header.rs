//! The header of a sealed datagram, which all can read and only who has the key can
//! make. docs/RING.md has the layout in a table.

use crate::KeyId;
use crate::cipher::{Cipher, TAG};
use ais_wire::{NodeId, Reader, Writer};

const MAGIC: [u8; 4] = *b"AISK";
/// The layout of the header and the way to the keys.
pub(crate) const VERSION: u8 = 1;
/// Where the kind stands.
const KIND: usize = 6;
/// Magic, version, cipher, kind, class, key, boot, number, fresh.
pub(crate) const HEADER: usize = 4 + 1 + 1 + 1 + 1 + 4 + BOOT + 8 + FRESH;
/// Bytes by which a datagram is longer than what is sealed in it.
pub const OVERHEAD: usize = HEADER + TAG;

/// Bytes of the name of a boot.
const BOOT: usize = 16;
/// Random bytes of each datagram.
pub(crate) const FRESH: usize = 4;

/// A start of a daemon, by what it has drawn at random then.
pub(crate) type Boot = [u8; BOOT];

/// What a sealed datagram is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A packet of members among each other.
    Packet,
    /// A packet by which nodes find each other.
    Greeting,
    /// Asks whether its receiver is there.
    Challenge,
    /// Says so.
    Answer,
}

const KINDS: [Kind; 4] = [Kind::Packet, Kind::Greeting, Kind::Challenge, Kind::Answer];

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) cipher: Cipher,
    pub(crate) kind: Kind,
    /// Whether it was sent to one node.
    pub(crate) to_one: bool,
    pub(crate) key: KeyId,
    pub(crate) boot: Boot,
    /// Grows with each datagram of a boot.
    pub(crate) number: u64,
    /// Drawn at random not long before: if a machine is set back to what it was, its
    /// numbers repeat and this does not.
    pub(crate) fresh: [u8; FRESH],
}

/// Why what looks sealed has no header that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Version(u8),
    Malformed,
}

impl Header {
    /// A datagram with this header, whose body is to follow, of so many bytes.
    pub(crate) fn write(&self, length: usize) -> Writer {
        let mut out = Writer::with_capacity(OVERHEAD + length);
        let kind = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        out.raw(&MAGIC).u8(VERSION).u8(self.cipher.code()).u8(kind as u8).bool(self.to_one);
        out.u32(self.key.0).raw(&self.boot).u64(self.number).raw(&self.fresh);
        out
    }

    /// The header of a datagram that [`is_sealed`].
    pub(crate) fn read(datagram: &[u8]) -> Result<Self, Unreadable> {
        let version = datagram.get(MAGIC.len()).copied().ok_or(Unreadable::Malformed)?;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let mut input = Reader::new(datagram.get(MAGIC.len() + 1..).unwrap_or_default());
        Self::read_rest(&mut input).ok_or(Unreadable::Malformed)
    }

    fn read_rest(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            cipher: Cipher::from_code(input.u8().ok()?)?,
            kind: *KINDS.get(usize::from(input.u8().ok()?))?,
            to_one: input.bool().ok()?,
            key: KeyId(input.u32().ok()?),
            boot: input.take(BOOT).ok()?.try_into().ok()?,
            number: input.u64().ok()?,
            fresh: input.take(FRESH).ok()?.try_into().ok()?,
        })
    }

    /// What no two datagrams under one key have.
    pub(crate) fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        let (number, fresh) = nonce.split_at_mut(8);
        number.copy_from_slice(&self.number.to_le_bytes());
        fresh.copy_from_slice(&self.fresh);
        nonce
    }
}

/// The sender and the receiver of a datagram, bound to its seal beside the header.
pub(crate) fn ends(from: NodeId, to: Option<NodeId>) -> [u8; 8] {
    let mut ends = [0; 8];
    let (sender, receiver) = ends.split_at_mut(4);
    sender.copy_from_slice(&from.address().octets());
    if let Some(to) = to {
        receiver.copy_from_slice(&to.address().octets());
    }
    ends
}

/// Whether a datagram is sealed, by its first bytes alone.
#[must_use]
pub fn is_sealed(datagram: &[u8]) -> bool {
    datagram.starts_with(&MAGIC)
}

/// Whether a sealed datagram is one by which nodes find each other, by its first bytes
/// alone. Any other one that comes from the own address can only be an echo of this
/// node's own.
#[must_use]
pub fn is_greeting(datagram: &[u8]) -> bool {
    is_sealed(datagram) && datagram.get(KIND).is_some_and(|kind| *kind != Kind::Packet as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            cipher: Cipher::ChaCha20Poly1305,
            kind: Kind::Challenge,
            to_one: true,
            key: KeyId(0x0102_0304),
            boot: std::array::from_fn(|place| place as u8),
            number: 0x1112_1314,
            fresh: [9, 8, 7, 6],
        }
    }

    /// The layout does not change but with the version.
    #[test]
    fn the_layout_is_fixed() {
        let bytes = header().write(0).into_bytes();
        assert_eq!(
            bytes,
            b"AISK\x01\x02\x02\x01\x04\x03\x02\x01\
              \x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\
              \x14\x13\x12\x11\x00\x00\x00\x00\x09\x08\x07\x06"
        );
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(Header::read(&bytes), Ok(header()));
        assert_eq!(header().nonce(), *b"\x14\x13\x12\x11\x00\x00\x00\x00\x09\x08\x07\x06");
    }

    #[test]
    fn what_is_no_header_is_not_read() {
        let bytes = header().write(0).into_bytes();
        for length in 0..HEADER {
            assert_eq!(Header::read(&bytes[..length]), Err(Unreadable::Malformed), "{length}");
        }
        let with = |place: usize, value: u8| {
            let mut other = bytes.clone();
            other[place] = value;
            Header::read(&other)
        };
        assert_eq!(with(4, 2), Err(Unreadable::Version(2)));
        for (place, value) in [(5, 0), (5, 3), (6, 4), (7, 2)] {
            assert_eq!(with(place, value), Err(Unreadable::Malformed), "{place}");
        }
    }

    #[test]
    fn greetings_are_told_by_their_first_bytes() {
        for kind in KINDS {
            let bytes = Header { kind, ..header() }.write(0).into_bytes();
            assert_eq!(is_greeting(&bytes), kind != Kind::Packet);
            assert!(is_sealed(&bytes));
        }
        assert!(!is_greeting(b"AISR\x01\x02\x04") && !is_greeting(b"AISK"));
    }
}
