//! What a message of the probe begins with: whose it is and what it is for.

use ais_client::admin::{Delivered, NodeId, Probe};

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To be counted.
    Load = 0,
    /// To be answered by an echo.
    Ping = 1,
    /// The answer.
    Pong = 2,
}

/// The first bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The probe that asked first.
    pub(super) asker: (NodeId, u32),
    /// Its number for the question.
    pub(super) sequence: u64,
}

impl Header {
    /// Bytes of a header, and so of the smallest message.
    pub(super) const LENGTH: usize = 16;

    /// The header of a probe's own message.
    pub(super) fn of(probe: &Probe, kind: Kind, sequence: u64) -> Self {
        // The low half tells the probes of a node apart.
        Self { kind, asker: (probe.node(), probe.number() as u32), sequence }
    }

    /// Writes the header to the front of a message.
    pub(super) fn write(self, message: &mut [u8]) {
        let tag = self.sequence << 2 | self.kind as u64;
        if let Some(front) = message.first_chunk_mut::<{ Self::LENGTH }>() {
            front[..4].copy_from_slice(&self.asker.0.address().octets());
            front[4..8].copy_from_slice(&self.asker.1.to_le_bytes());
            front[8..].copy_from_slice(&tag.to_le_bytes());
        }
    }

    /// The header of a message, if it has one.
    pub(super) fn read(delivered: &Delivered<'_>) -> Option<Self> {
        let (octets, rest) = delivered.message.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let tag = u64::from_le_bytes(*rest.first_chunk()?);
        let kind = match tag & 3 {
            0 => Kind::Load,
            1 => Kind::Ping,
            2 => Kind::Pong,
            _ => return None,
        };
        let asker = (NodeId::new((*octets).into()), u32::from_le_bytes(*number));
        Some(Self { kind, asker, sequence: tag >> 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip() {
        let from = NodeId::new([10, 0, 0, 1].into());
        let header = Header { kind: Kind::Pong, asker: (from, 7), sequence: u64::MAX >> 2 };
        let mut message = [0; 20];
        header.write(&mut message);
        let read = |message| Header::read(&Delivered { from, probe: 1, message });
        assert_eq!(read(&message[..]), Some(header));
        assert_eq!(read(&message[..15]), None);
        assert_eq!(read(&[255; 16]), None);
    }
}
