//! The state of CKPT on its way to another node: frozen in a moment, written
//! out chunk by chunk, and read back. A chunk holds whole records; what a
//! section holds comes in pieces after it, or later by way of `fill`.

use super::bytes::Bytes;
use super::checkpoint::Checkpoint;
use super::message::CheckpointId;
use super::sections::Sections;
use super::shards::Shards;
use super::state::State;
use super::{CHECKPOINT_OVERHEAD, MAX_COUNT};
use crate::message_id::FIRST_ID;
use crate::service::Part;
use crate::{SNAPSHOT_CHUNK, ViewId};
use ais_wire::{DecodeError, Reader, Writer};

/// How much more than `checkpoint-memory` of this node a foreign state may
/// say it needs, since a bound may be passed by what was under way, and two
/// sides that were both full may have met. With the default, half of the
/// memory of the node, this is all of it.
const FOREIGN_FACTOR: u64 = 2;

const HEAD: u8 = 1;
const CHECKPOINT: u8 = 2;
const SECTION: u8 = 3;
const BYTES: u8 = 4;
const END: u8 = 5;

/// A frozen state. What it shares with the living one is copied when that
/// changes, until it has been written out.
pub(super) struct Frozen {
    head: Option<Writer>,
    checkpoints: std::vec::IntoIter<(Writer, Shards)>,
    current: Option<Position>,
    end: Option<u8>,
    part: Part,
}

/// How far a checkpoint is written out.
struct Position {
    sections: Shards,
    /// The sections before this one are.
    next: u64,
    /// The section, and from where its bytes are not.
    bytes: Option<(u64, u32)>,
    part: Part,
}

/// A state that is being frozen, so many checkpoints at a time. It does not
/// change meanwhile.
#[derive(Debug)]
pub(super) struct Freezing {
    head: Writer,
    checkpoints: Vec<(Writer, Shards)>,
    /// From where on they are still to be frozen; `None`: that is all.
    next: Option<CheckpointId>,
    part: Part,
}

impl Freezing {
    /// Begins with the state as it is.
    pub(super) fn new(state: &State, part: Part) -> Self {
        let mut head = Writer::new();
        state.view().encode(head.u8(HEAD));
        head.u64(state.memory()).bool(part == Part::Whole);
        Self { head, checkpoints: Vec::new(), next: Some(FIRST_ID), part }
    }

    /// Freezes so many more.
    pub(super) fn go_on(&mut self, state: &State, most: usize) {
        let Some(next) = self.next.take() else { return };
        let before = self.checkpoints.len();
        let mut last = next;
        for (id, checkpoint) in state.iter_from(next).take(most) {
            let mut record = Writer::new();
            id.encode(record.u8(CHECKPOINT));
            record.bool(state.is_named(id, checkpoint)).u64(checkpoint.sections.next_number());
            checkpoint.encode_head(&mut record);
            self.checkpoints.push((record, checkpoint.sections.freeze()));
            last = id;
        }
        if self.checkpoints.len() - before == most {
            self.next = Some(last.next());
        }
    }

    /// Whether some are still to be frozen.
    pub(super) fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// How much of the state it has.
    pub(super) fn part(&self) -> Part {
        self.part
    }
}

impl Frozen {
    /// The next record; of the bytes of a section not more than about `room`.
    fn record(&mut self, room: usize) -> Option<Writer> {
        if self.head.is_some() {
            return self.head.take();
        }
        if let Some(record) = self.current.as_mut().and_then(|current| current.record(room)) {
            return Some(record);
        }
        if let Some((record, sections)) = self.checkpoints.next() {
            self.current = Some(Position { sections, next: 0, bytes: None, part: self.part });
            return Some(record);
        }
        self.current = None;
        let mut record = Writer::new();
        record.u8(self.end.take()?);
        Some(record)
    }
}

impl From<Freezing> for Frozen {
    fn from(Freezing { head, checkpoints, part, .. }: Freezing) -> Self {
        let checkpoints = checkpoints.into_iter();
        Self { head: Some(head), checkpoints, current: None, end: Some(END), part }
    }
}

impl Position {
    fn record(&mut self, room: usize) -> Option<Writer> {
        let mut record = Writer::new();
        if let Some((number, offset)) = self.bytes
            && let Some(section) = self.sections.get(number)
            && let Some((at, bytes)) = section.bytes.stored_from(offset, room)
        {
            // A section has less than 2^31 bytes.
            self.bytes = Some((number, at + bytes.len() as u32));
            record.u8(BYTES).u32(at).bytes(bytes);
            return Some(record);
        }
        let (number, section) = self.sections.next_from(self.next)?;
        section.encode_head(number, record.u8(SECTION));
        self.next = number + 1;
        self.bytes = (self.part == Part::Whole).then_some((number, 0));
        Some(record)
    }
}

impl Iterator for Frozen {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut chunk = Vec::with_capacity(SNAPSHOT_CHUNK + 64);
        while chunk.len() < SNAPSHOT_CHUNK
            && let Some(record) = self.record(SNAPSHOT_CHUNK - chunk.len())
        {
            chunk.extend_from_slice(&record.into_bytes());
        }
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// The state of another side, while its chunks come in. What it may need is
/// bounded by what its head declares, and that by the node that takes it.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Bytes that the state may need.
    limit: u64,
    /// Bytes that it says it needs; `None` before its head.
    declared: Option<u64>,
    state: State,
    /// The checkpoint whose sections come in, and the section whose bytes do.
    current: Option<(CheckpointId, Option<u64>)>,
    /// What a section holds that has come.
    hold: fn(u32) -> Bytes,
    is_complete: bool,
}

impl Default for Incoming {
    fn default() -> Self {
        let state = State::default();
        let hold = Bytes::hole;
        Self { limit: u64::MAX, declared: None, state, current: None, hold, is_complete: false }
    }
}

impl Incoming {
    /// For a node with so much memory for checkpoints.
    pub(super) fn with_memory(memory: u64) -> Self {
        Self { limit: memory.saturating_mul(FOREIGN_FACTOR), ..Self::default() }
    }

    /// Takes the next chunk.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(chunk);
        while input.remaining() > 0 {
            self.take_record(&mut input)?;
        }
        Ok(())
    }

    /// The state, and whether it is all there.
    pub(super) fn finish(self) -> (State, bool) {
        (self.state, self.is_complete)
    }

    fn take_record(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let code = input.u8()?;
        if self.is_complete || (code == HEAD) != self.declared.is_none() {
            return Err(DecodeError::Invalid);
        }
        match code {
            HEAD => {
                self.state.set_view(ViewId::decode(input)?);
                let declared = input.u64()?;
                self.declared = Some(declared);
                self.hold = if input.bool()? { Bytes::hole } else { Bytes::awaited };
                if declared > self.limit {
                    log::error!(
                        "the checkpoints of the cluster need {declared} bytes, and this node takes \
                         at most {}, {FOREIGN_FACTOR} x checkpoint-memory: raise \
                         checkpoint-memory in network.conf and start this node anew",
                        self.limit
                    );
                    return Err(DecodeError::Invalid);
                }
            }
            CHECKPOINT => self.take_checkpoint(input)?,
            SECTION => self.take_section(input)?,
            BYTES => {
                let (id, section) = self.current.ok_or(DecodeError::Invalid)?;
                let section = section.ok_or(DecodeError::Invalid)?;
                let (offset, bytes) = (input.u32()?, input.bytes()?);
                self.state.restore_bytes(id, section, offset, bytes)?;
            }
            END => {
                self.end_checkpoint()?;
                self.is_complete = true;
                if self.declared != Some(self.state.memory()) {
                    return Err(DecodeError::Invalid);
                }
            }
            _ => return Err(DecodeError::Invalid),
        }
        Ok(())
    }

    fn take_checkpoint(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.end_checkpoint()?;
        self.check_room(CHECKPOINT_OVERHEAD)?;
        let (id, is_named, next) = (CheckpointId::decode(input)?, input.bool()?, input.u64()?);
        if next > MAX_COUNT {
            return Err(DecodeError::Invalid);
        }
        let checkpoint = Checkpoint::decode(input, Sections::none(next))?;
        self.state.restore(id, is_named, checkpoint)?;
        self.current = Some((id, None));
        Ok(())
    }

    fn take_section(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let (id, _) = self.current.ok_or(DecodeError::Invalid)?;
        let section = self.state.restore_section(id, input, self.hold)?;
        self.current = Some((id, Some(section)));
        self.check_room(0)
    }

    /// Every checkpoint has a default section.
    fn end_checkpoint(&mut self) -> Result<(), DecodeError> {
        match self.current.take() {
            Some((_, None)) => Err(DecodeError::Invalid),
            _ => Ok(()),
        }
    }

    fn check_room(&self, more: u64) -> Result<(), DecodeError> {
        let needed = self.state.memory().saturating_add(more);
        if needed > self.declared.unwrap_or(0) { Err(DecodeError::Invalid) } else { Ok(()) }
    }
}
