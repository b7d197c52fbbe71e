//! Reading bytes that anybody may have written.

use crate::{Name, NodeId};
use byteorder::{ByteOrder, LittleEndian};
use std::fmt;

/// Why bytes are not the message they should be. The reader is then of no
/// further use; whoever decodes gives the whole message up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end inside a value.
    Truncated,
    /// Bytes are left over after the last value.
    Trailing,
    /// A value is none of those its type has.
    Invalid,
}

/// Takes values off the front of a byte slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if there are fewer; all methods below too.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.bytes = tail;
        Ok(head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    /// A 16-bit number.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(LittleEndian::read_u16(self.take(2)?))
    }

    /// A 32-bit number.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(LittleEndian::read_u32(self.take(4)?))
    }

    /// A signed 32-bit number.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(LittleEndian::read_i32(self.take(4)?))
    }

    /// A 64-bit number.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(LittleEndian::read_u64(self.take(8)?))
    }

    /// A signed 64-bit number.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(LittleEndian::read_i64(self.take(8)?))
    }

    /// A truth value: 0 or 1, anything else is [`DecodeError::Invalid`].
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid),
        }
    }

    /// Bytes with their count (32 bits) in front.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = usize::try_from(self.u32()?).map_err(|_| DecodeError::Truncated)?;
        self.take(count)
    }

    /// A name; one that is too long is [`DecodeError::Invalid`].
    pub fn name(&mut self) -> Result<Name, DecodeError> {
        let count = usize::from(self.u16()?);
        Name::new(self.take(count)?).map_err(|_| DecodeError::Invalid)
    }

    /// A node.
    pub fn node(&mut self) -> Result<NodeId, DecodeError> {
        let octets = self.take(4)?;
        Ok(NodeId::new([octets[0], octets[1], octets[2], octets[3]].into()))
    }

    /// A value that may be missing: a truth value, then the value.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A list: its count (32 bits), then the items. Memory grows with the
    /// items that are really there, not with the count that is claimed.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u32()?;
        let mut items = Vec::new();
        for _ in 0..count {
            // An item of no bytes would let the count alone set the size.
            if self.bytes.is_empty() {
                return Err(DecodeError::Truncated);
            }
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// All bytes that are left.
    #[must_use]
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the message ends inside a value",
            Self::Trailing => "the message goes on after its last value",
            Self::Invalid => "the message holds a value that its type does not have",
        })
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;

    #[test]
    fn what_was_written_is_read() {
        let name = Name::try_from("raid").unwrap();
        let node = NodeId::new([10, 0, 0, 7].into());
        let mut out = Writer::new();
        out.u8(7).u16(515).u32(1 << 30).i32(-5).u64(u64::MAX).i64(i64::MIN).bool(true);
        out.bytes(b"data").name(&name).node(node);
        out.option(Some(&3u32), |out, value| {
            out.u32(*value);
        });
        out.list(&[1u16, 2, 3], |out, value| {
            out.u16(*value);
        });
        let bytes = out.into_bytes();
        let mut input = Reader::new(&bytes);
        assert_eq!(input.u8(), Ok(7));
        assert_eq!(input.u16(), Ok(515));
        assert_eq!(input.u32(), Ok(1 << 30));
        assert_eq!(input.i32(), Ok(-5));
        assert_eq!(input.u64(), Ok(u64::MAX));
        assert_eq!(input.i64(), Ok(i64::MIN));
        assert_eq!(input.bool(), Ok(true));
        assert_eq!(input.bytes(), Ok(&b"data"[..]));
        assert_eq!(input.name(), Ok(name));
        assert_eq!(input.node(), Ok(node));
        assert_eq!(input.option(Reader::u32), Ok(Some(3)));
        assert_eq!(input.list(Reader::u16), Ok(vec![1, 2, 3]));
        assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn claims_are_not_believed() {
        assert_eq!(Reader::new(&[255, 255, 255, 255, 1]).bytes(), Err(DecodeError::Truncated));
        assert_eq!(
            Reader::new(&[255, 255, 255, 255, 1]).list(Reader::u8),
            Err(DecodeError::Truncated)
        );
        let unit = Reader::new(&[255, 255, 255, 255]).list(|_| Ok(()));
        assert_eq!(unit, Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[2]).bool(), Err(DecodeError::Invalid));
        assert_eq!(Reader::new(&[1]).finish(), Err(DecodeError::Trailing));
        let mut long = vec![1, 1];
        long.extend([0; 257]);
        assert_eq!(Reader::new(&long).name(), Err(DecodeError::Invalid));
    }
}
