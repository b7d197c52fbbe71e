//! The memory of a chunk. A chunk that is more than half full has a mapping of
//! its own, which goes back to the system when the chunk does, whatever else is
//! in use; the allocator would keep it for as long as something lies behind it.

use memmap2::{Advice, MmapMut};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;

/// Bytes of a chunk at most.
pub(super) const CHUNK: usize = 64 << 10;
/// What a hole reads as.
pub(super) static ZEROS: [u8; CHUNK] = [0; CHUNK];
/// Mappings that are kept for the next chunks: the system gives and takes them
/// slower than a section is written.
const KEPT: usize = 384;
/// Mappings in use at most, as the system has a bound for them
/// (`vm.max_map_count`). Chunks beyond are the allocator's.
const MOST: usize = 32 << 10;

thread_local! {
    static FREE: RefCell<Vec<MmapMut>> = const { RefCell::new(Vec::new()) };
    static USED: Cell<usize> = const { Cell::new(0) };
}

/// Bytes, at most [`CHUNK`] of them.
#[derive(Default)]
pub(super) struct Chunk(Memory);

enum Memory {
    Heap(Vec<u8>),
    Own(Mapping),
}

impl Chunk {
    /// Replaces what it holds, in the memory it has if that fits well.
    pub(super) fn refill(&mut self, data: &[u8]) {
        let capacity = self.capacity();
        if capacity < data.len() || capacity > 2 * data.len() + 64 {
            *self = Self(Memory::of(data.len()));
        }
        self.0.clear();
        self.0.append(data);
    }

    /// Puts `data` at `within`, with zeros before it if there was nothing. The
    /// memory grows by doubling, as many small writes in a row need it.
    pub(super) fn put(&mut self, within: usize, data: &[u8]) {
        let end = within + data.len();
        if end > self.capacity() {
            let mut larger = Memory::of(end.max((2 * self.capacity()).min(CHUNK)));
            larger.append(self);
            *self = Self(larger);
        }
        if self.len() < within {
            self.0.append(&ZEROS[..within - self.len()]);
        }
        let (over, beyond) = data.split_at(data.len().min(self.len() - within));
        self.0.held()[within..within + over.len()].copy_from_slice(over);
        self.0.append(beyond);
    }

    /// Bytes of memory that it has.
    pub(super) fn capacity(&self) -> usize {
        match &self.0 {
            Memory::Heap(bytes) => bytes.capacity(),
            Memory::Own(_) => CHUNK,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Memory::Own(mapping) = std::mem::take(&mut self.0) {
            mapping.give_back();
        }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Heap(bytes) => bytes,
            Memory::Own(mapping) => &mapping.map[..mapping.length],
        }
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Self {
        let mut memory = Memory::of(self.len());
        memory.append(self);
        Self(memory)
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chunk").field(&&**self).finish()
    }
}

impl Memory {
    /// Empty, with room for so many bytes.
    fn of(capacity: usize) -> Self {
        let own = if capacity > CHUNK / 2 { Mapping::take() } else { None };
        own.map_or_else(|| Self::Heap(Vec::with_capacity(capacity)), Self::Own)
    }

    /// There is room for them.
    fn append(&mut self, data: &[u8]) {
        match self {
            Self::Heap(bytes) => bytes.extend_from_slice(data),
            Self::Own(Mapping { map, length }) => {
                map[*length..*length + data.len()].copy_from_slice(data);
                *length += data.len();
            }
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Heap(bytes) => bytes.clear(),
            Self::Own(mapping) => mapping.length = 0,
        }
    }

    fn held(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Own(mapping) => &mut mapping.map[..mapping.length],
        }
    }
}

/// A mapping of [`CHUNK`] bytes, of which the first are in use. What is beyond
/// may hold anything.
struct Mapping {
    map: MmapMut,
    length: usize,
}

impl Mapping {
    /// None if there are enough, or the system has none.
    fn take() -> Option<Self> {
        let used = USED.get();
        let kept = FREE.with_borrow_mut(Vec::pop);
        let map = match kept {
            Some(map) => map,
            None if used < MOST => fresh()?,
            None => return None,
        };
        USED.set(used + 1);
        Some(Self { map, length: 0 })
    }

    /// Memory of a chunk that is gone: kept for the next chunk, or given back to the system.
    fn give_back(self) {
        USED.set(USED.get() - 1);
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                free.push(self.map);
            }
        });
    }
}

/// A mapping from the system, with all its pages: one by one, when they are
/// touched, they take twice as long. A kernel before Linux 5.14 gives them so.
fn fresh() -> Option<MmapMut> {
    let map = MmapMut::map_anon(CHUNK).ok()?;
    let _ = map.advise(Advice::PopulateWrite);
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        FREE.with_borrow(Vec::len)
    }

    #[test]
    fn a_chunk_more_than_half_full_has_a_mapping_that_goes_back() {
        let mut chunks: Vec<Chunk> =
            std::iter::repeat_with(Chunk::default).take(2 * KEPT).collect();
        for chunk in &mut chunks {
            chunk.refill(&[1; CHUNK / 2]);
        }
        assert_eq!((USED.get(), chunks[0].capacity()), (0, CHUNK / 2));
        for chunk in &mut chunks {
            chunk.put(CHUNK / 2, b"a");
        }
        assert_eq!((USED.get(), chunks[0].capacity()), (2 * KEPT, CHUNK));
        chunks.truncate(1);
        assert_eq!((USED.get(), kept()), (1, KEPT));
        chunks[0].refill(b"little");
        assert_eq!((USED.get(), kept(), &*chunks[0]), (0, KEPT, &b"little"[..]));
    }

    #[test]
    fn beyond_so_many_mappings_the_allocator_has_the_chunks() {
        USED.set(MOST);
        let mut chunk = Chunk::default();
        chunk.refill(&[1; CHUNK]);
        assert!(matches!(chunk.0, Memory::Heap(_)));
        assert_eq!((chunk.len(), USED.get()), (CHUNK, MOST));
    }

    #[test]
    fn what_a_mapping_held_before_is_not_seen() {
        let mut old = Chunk::default();
        old.refill(&[9; CHUNK]);
        drop(old);
        let mut chunk = Chunk::default();
        chunk.put(CHUNK - 1, b"x");
        assert!(chunk[..CHUNK - 1].iter().all(|byte| *byte == 0));
        let mut copy = chunk.clone();
        copy.put(3, b"mine");
        assert_eq!((chunk[3], copy[3], copy.len()), (0, b'm', CHUNK));
    }
}
