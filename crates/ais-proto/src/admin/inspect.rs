//! What Admin replies about one checkpoint, taken as it is at one moment.

use super::Checkpoint;
use crate::ckpt::Attributes;
use crate::{DecodeError, NodeId, Reader, Writer};
use ais_wire::{Form, methods, record};

record! {
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
}

record! {
    /// A process that has a checkpoint open.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Opener {
        /// Its number; 0 if it is not known.
        pub process: u32,
        /// How many times it has.
        pub opens: u32,
    }
}

record! {
    /// Bytes that a section holds, and where: what lies between is zeros.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Piece {
        /// The place of the first byte.
        pub offset: u32,
        /// The bytes, at least one.
        pub bytes: Vec<u8> as NotEmpty,
    }
}

methods!(pub Inspected, Opener, Piece);

/// Bytes with their count in front, at least one.
enum NotEmpty {}

impl Form<'_, Vec<u8>> for NotEmpty {
    fn put(value: &Vec<u8>, out: &mut Writer) {
        out.bytes(value);
    }

    fn take(input: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        let bytes = input.bytes()?;
        if bytes.is_empty() { Err(DecodeError::Invalid) } else { Ok(bytes.to_vec()) }
    }
}
