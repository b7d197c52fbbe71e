//! Writing messages.

use crate::{Name, NodeId};
use std::collections::TryReserveError;

/// Appends values to a growing vector of bytes. Every method returns the
/// writer, so that a message reads as one chain.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// How many bytes there would be, where that is all that is asked.
    counted: Option<usize>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty message with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), counted: None }
    }

    /// An empty message in the memory of another, which nobody needs any more.
    #[must_use]
    pub fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, counted: None }
    }

    /// The message that `write` writes, in memory that may not be there.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn try_message(write: impl Fn(&mut Self)) -> Result<Vec<u8>, TryReserveError> {
        let mut count = Self { bytes: Vec::new(), counted: Some(0) };
        write(&mut count);
        let mut out = Self::new();
        out.bytes.try_reserve_exact(count.counted.unwrap_or(0))?;
        write(&mut out);
        Ok(out.bytes)
    }

    /// The finished message.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes as they are, without a count.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        match &mut self.counted {
            Some(count) => *count = count.saturating_add(bytes.len()),
            None => self.bytes.extend_from_slice(bytes),
        }
        self
    }

    /// Appends zeros until there are so many bytes in all; nothing if there are.
    pub fn fill(&mut self, length: usize) -> &mut Self {
        match &mut self.counted {
            Some(count) => *count = length.max(*count),
            None => self.bytes.resize(length.max(self.bytes.len()), 0),
        }
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// A 16-bit number.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A 32-bit number.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A signed 32-bit number.
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A 64-bit number.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A signed 64-bit number.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A truth value.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    /// A count. More than a message can hold is written as `u32::MAX`, which
    /// no reader believes.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Bytes with their count in front.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).raw(bytes)
    }

    /// A name.
    pub fn name(&mut self, name: &Name) -> &mut Self {
        let bytes = name.as_bytes();
        // A name has at most 256 bytes, so its length fits.
        self.u16(bytes.len() as u16).raw(bytes)
    }

    /// A node.
    pub fn node(&mut self, node: NodeId) -> &mut Self {
        self.raw(&node.address().octets())
    }

    /// A value that may be missing.
    pub fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) -> &mut Self {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    /// A list with its count in front.
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_counted_before_it_is_written() {
        let write = |out: &mut Writer| {
            out.u8(1).bytes(b"data").list(&[1u64, 2], |out, value| {
                out.u64(*value);
            });
        };
        let mut plain = Writer::new();
        write(&mut plain);
        let message = Writer::try_message(write).unwrap();
        assert_eq!(message.capacity(), message.len());
        assert_eq!(message, plain.into_bytes());
        assert!(
            Writer::try_message(|out| {
                for _ in 0..3 {
                    out.counted = out.counted.map(|_| usize::MAX);
                }
            })
            .is_err()
        );
    }
}
