//! What Admin replies about one checkpoint, taken as it is at one moment.

use super::Checkpoint;
use crate::ckpt::Attributes;
use crate::{DecodeError, NodeId, Reader, Writer};

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The checkpoint in short.
    pub checkpoint: Checkpoint,
    /// What it was made with; the retention duration as it is now.
    pub attributes: Attributes,
    /// Whether the open that made it had `COLOCATED`.
    pub colocated: bool,
    /// Which replica programs have made the active one.
    pub active: Option<NodeId>,
    /// If nobody has it open: nanoseconds that it is still retained, as all
    /// nodes were told last.
    pub remaining: Option<u64>,
}

/// A process that has a checkpoint open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opener {
    /// Its number; 0 if it is not known.
    pub process: u32,
    /// How many times it has.
    pub opens: u32,
}

/// Bytes that a section holds, and where: what lies between is zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The place of the first byte.
    pub offset: u32,
    /// The bytes, at least one.
    pub bytes: Vec<u8>,
}

impl Inspected {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        self.checkpoint.encode(out);
        self.attributes.encode(out);
        out.bool(self.colocated);
        out.option(self.active.as_ref(), |out, node| {
            out.node(*node);
        });
        out.option(self.remaining.as_ref(), |out, remaining| {
            out.u64(*remaining);
        });
    }

    /// Reads it; bytes after it are ignored, a later minor version may say
    /// more.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            checkpoint: Checkpoint::decode(input)?,
            attributes: Attributes::decode(input)?,
            colocated: input.bool()?,
            active: input.option(Reader::node)?,
            remaining: input.option(Reader::u64)?,
        })
    }
}

impl Opener {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.u32(self.process).u32(self.opens);
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { process: input.u32()?, opens: input.u32()? })
    }
}

impl Piece {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.u32(self.offset).bytes(&self.bytes);
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none, or it has no bytes.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let piece = Self { offset: input.u32()?, bytes: input.bytes()?.to_vec() };
        if piece.bytes.is_empty() { Err(DecodeError::Invalid) } else { Ok(piece) }
    }
}
