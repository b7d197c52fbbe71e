//! What a section holds: bytes in chunks, where a hole costs nothing and a
//! copy shares all chunks until one side writes to them.

use super::awaited::Written;
use super::chunk::{CHUNK, Chunk, ZEROS};
use crate::Digest;
use ais_wire::Writer;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The bytes of a section. What was never written is zero; a chunk keeps its
/// bytes up to the last that was written, and one that was not written at all
/// is not there. So the work of a write depends on what it writes, not on
/// where.
#[derive(Debug, Clone, Default)]
pub(super) struct Bytes {
    size: u32,
    /// The first chunk stands apart: most sections have no other.
    first: Rc<Chunk>,
    /// The others, by index from 1 on; `None` if there never were any.
    rest: Option<Rc<BTreeMap<usize, Rc<Chunk>>>>,
    /// If they are still to come from another node: which are here already.
    awaited: Option<Rc<Written>>,
}

impl Bytes {
    /// Nothing but a hole.
    pub(super) fn hole(size: u32) -> Self {
        Self { size, ..Self::default() }
    }

    /// Contents of this length, none of which is here yet ([`Bytes::fill`]).
    pub(super) fn awaited(size: u32) -> Self {
        Self { size, awaited: (size > 0).then(Rc::default), ..Self::default() }
    }

    /// Whether some are still to come.
    pub(super) fn are_awaited(&self) -> bool {
        self.awaited.is_some()
    }

    /// What another node held at `offset` at some time since these are
    /// awaited. What was written here since then is as new or newer, and
    /// stays. The caller has seen that it lies within the size.
    pub(super) fn fill(&mut self, offset: u32, data: &[u8]) {
        let Some(awaited) = self.awaited.take() else { return };
        let (start, end) = (offset as usize, offset as usize + data.len());
        for (from, to) in awaited.gaps(start, end) {
            self.write(from as u32, &data[from - start..to - start]);
        }
        self.awaited = Some(awaited);
    }

    /// All that was awaited has come.
    pub(super) fn complete(&mut self) {
        self.awaited = None;
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Holds `data` and nothing else from now on; what was held beyond that
    /// comes back, to be buried. The caller has bounded its length
    /// (`MAX_SECTION_SIZE`), here and in [`Bytes::write`].
    #[must_use]
    pub(super) fn set(&mut self, data: &[u8]) -> Self {
        self.awaited = None;
        let (head, tail) = data.split_at(data.len().min(CHUNK));
        refill(&mut self.first, head);
        self.size = data.len() as u32;
        if tail.is_empty() {
            return Self { rest: self.rest.take(), ..Self::default() };
        }
        let rest = Rc::make_mut(self.rest.get_or_insert_default());
        let mut count = 1;
        for chunk in tail.chunks(CHUNK) {
            refill(rest.entry(count).or_default(), chunk);
            count += 1;
        }
        Self { rest: Some(Rc::new(rest.split_off(&count))), ..Self::default() }
    }

    /// How many chunks are stored beside the first.
    pub(super) fn chunks(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    /// Gives the memory of so many chunks back, of no use any more. How many
    /// there were.
    pub(super) fn bury(&mut self, count: usize) -> usize {
        let Some(rest) = &mut self.rest else { return 0 };
        // What others share is not given back, however much it is.
        let Some(rest) = Rc::get_mut(rest) else { return self.rest.take().map_or(0, |_| 1) };
        let gone = std::iter::from_fn(|| rest.pop_first()).take(count).count();
        if rest.is_empty() {
            self.rest = None;
        }
        gone
    }

    /// Puts `data` at `offset` and grows if it has to. No data changes
    /// nothing, wherever.
    pub(super) fn write(&mut self, offset: u32, mut data: &[u8]) {
        let mut at = offset as usize;
        if let Some(awaited) = &mut self.awaited {
            Rc::make_mut(awaited).mark(at, data.len());
        }
        while !data.is_empty() {
            let (index, within) = (at / CHUNK, at % CHUNK);
            let (head, tail) = data.split_at(data.len().min(CHUNK - within));
            let chunk = match index {
                0 => &mut self.first,
                _ => {
                    let rest = Rc::make_mut(self.rest.get_or_insert_default());
                    rest.entry(index).or_default()
                }
            };
            Rc::make_mut(chunk).put(within, head);
            at += head.len();
            data = tail;
            self.size = self.size.max(at as u32);
        }
    }

    /// Appends `count` bytes from `offset` on. The caller has seen that they
    /// lie within the size.
    pub(super) fn read(&self, offset: u32, count: u32, out: &mut Writer) {
        let (mut at, mut left) = (offset as usize, count as usize);
        while left > 0 {
            let (index, within) = (at / CHUNK, at % CHUNK);
            let piece = left.min(CHUNK - within);
            let chunk = self.chunk(index);
            let stored = chunk.get(within..chunk.len().min(within + piece)).unwrap_or_default();
            out.raw(stored).raw(&ZEROS[..piece - stored.len()]);
            at += piece;
            left -= piece;
        }
    }

    /// The first bytes at or after `offset` that are stored, and where they
    /// are: at most `most`, and all of one chunk.
    pub(super) fn stored_from(&self, offset: u32, most: usize) -> Option<(u32, &[u8])> {
        let (index, within) = (offset as usize / CHUNK, offset as usize % CHUNK);
        let first = self.chunk(index).get(within..).filter(|bytes| !bytes.is_empty());
        let (at, bytes) = match first {
            Some(bytes) => (offset, bytes),
            None => {
                let mut later = self.rest.as_ref()?.range(index + 1..);
                let (index, chunk) = later.find(|(_, chunk)| !chunk.is_empty())?;
                ((index * CHUNK) as u32, &chunk[..])
            }
        };
        Some((at, &bytes[..bytes.len().min(most)]))
    }

    /// Adds what can be read, whichever writes it came from.
    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(u64::from(self.size));
        let first = std::iter::once((&0, &self.first));
        for (index, chunk) in first.chain(self.rest.iter().flat_map(|rest| rest.iter())) {
            let length = chunk.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                digest.number(*index as u64);
                digest.content(&chunk[..length]);
            }
        }
    }

    fn chunk(&self, index: usize) -> &[u8] {
        match (index, &self.rest) {
            (0, _) => &self.first,
            (_, Some(rest)) => rest.get(&index).map_or(&[], |chunk| &chunk[..]),
            (_, None) => &[],
        }
    }
}

/// Replaces what a chunk holds; what others share stays as it is.
fn refill(chunk: &mut Rc<Chunk>, data: &[u8]) {
    match Rc::get_mut(chunk) {
        Some(own) => own.refill(data),
        None => {
            let mut new = Chunk::default();
            new.refill(data);
            *chunk = Rc::new(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &Bytes) -> Vec<u8> {
        let mut out = Writer::new();
        bytes.read(0, bytes.size(), &mut out);
        out.into_bytes()
    }

    fn stored(bytes: &Bytes) -> usize {
        let rest = bytes.rest.iter().flat_map(|rest| rest.values());
        bytes.first.capacity() + rest.map(|chunk| chunk.capacity()).sum::<usize>()
    }

    #[test]
    fn a_hole_reads_as_zeros_and_costs_nothing() {
        let mut bytes = Bytes::default();
        bytes.write(i32::MAX as u32 - 1, b"x");
        assert_eq!(bytes.size(), i32::MAX as u32);
        assert!(stored(&bytes) <= CHUNK);
        let mut out = Writer::new();
        bytes.read(i32::MAX as u32 - 4, 4, &mut out);
        assert_eq!(out.into_bytes(), b"\0\0\0x");
        let mut out = Writer::new();
        bytes.read(1 << 30, 200_000, &mut out);
        assert!(out.into_bytes().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn zeros_that_were_written_count_for_no_more_than_a_hole() {
        let digest = |bytes: &Bytes| {
            let mut digest = Digest::default();
            bytes.digest(&mut digest);
            digest.value()
        };
        let mut written = Bytes::default();
        written.write(0, &vec![0; 2 * CHUNK]);
        let mut hole = Bytes::hole(2 * CHUNK as u32);
        assert_eq!(digest(&written), digest(&hole));
        hole.write(CHUNK as u32, b"x");
        assert_ne!(digest(&written), digest(&hole));
    }

    #[test]
    fn chunks_end_where_the_data_ends() {
        let mut bytes = Bytes::default();
        let data: Vec<u8> = (0..3 * CHUNK + 5).map(|n| (n / 7) as u8).collect();
        let _ = bytes.set(&data);
        assert_eq!((all(&bytes), stored(&bytes)), (data.clone(), data.len()));
        let _ = bytes.set(&data[..CHUNK]);
        assert_eq!((all(&bytes), stored(&bytes)), (data[..CHUNK].to_vec(), CHUNK));
        let _ = bytes.set(b"small");
        assert!(stored(&bytes) < 64);
        let _ = bytes.set(b"");
        assert_eq!(all(&bytes), b"");
    }

    #[test]
    fn a_write_across_chunks_is_whole() {
        let mut bytes = Bytes::default();
        let data = vec![7; 2 * CHUNK];
        bytes.write(CHUNK as u32 - 3, &data);
        bytes.write(CHUNK as u32 - 1, b"abc");
        let mut expected = vec![0; CHUNK - 3];
        expected.extend(&data);
        expected[CHUNK - 1..CHUNK + 2].copy_from_slice(b"abc");
        assert_eq!(all(&bytes), expected);
        bytes.write(1 << 20, b"");
        assert_eq!(bytes.size() as usize, expected.len());
    }

    #[test]
    fn appending_costs_at_most_twice_the_bytes() {
        let mut bytes = Bytes::default();
        for at in 0..CHUNK as u32 {
            bytes.write(at, b"a");
            assert!(stored(&bytes) <= 2 * (at as usize + 1).max(8));
        }
        assert_eq!(stored(&bytes), CHUNK);
    }

    #[test]
    fn equal_bytes_have_equal_digests() {
        let mut written = Bytes::default();
        written.write(100_000, b"x");
        written.write(0, &[0; 300]);
        written.write(65_536, &[0; 10]);
        let mut set = Bytes::default();
        let mut data = vec![0; 100_001];
        data[100_000] = b'x';
        let _ = set.set(&data);
        let value = |bytes: &Bytes| {
            let mut digest = Digest::default();
            bytes.digest(&mut digest);
            digest.value()
        };
        assert_eq!(value(&written), value(&set));
        set.write(100_000, b"y");
        assert_ne!(value(&written), value(&set));
    }

    #[test]
    fn a_copy_stays_as_it_was_and_shares_what_is_not_written() {
        let mut bytes = Bytes::default();
        let _ = bytes.set(&vec![1; 3 * CHUNK]);
        let copy = bytes.clone();
        bytes.write(CHUNK as u32, b"new");
        assert_eq!(all(&copy), vec![1; 3 * CHUNK]);
        assert!(Rc::ptr_eq(&bytes.first, &copy.first));
        let chunk = |of: &Bytes, index| of.rest.as_ref().unwrap()[&index].as_ptr();
        assert_ne!(chunk(&bytes, 1), chunk(&copy, 1));
        assert_eq!(chunk(&bytes, 2), chunk(&copy, 2));
        let _ = bytes.set(b"other");
        assert_eq!(all(&copy), vec![1; 3 * CHUNK]);
        drop(copy);
        let mut written = Bytes::default();
        written.write(0, &[1; 100]);
        let before = written.first.as_ptr();
        written.write(3, b"x");
        assert_eq!(written.first.as_ptr(), before, "what is not shared is not copied");
    }

    #[test]
    fn what_comes_late_fills_only_what_was_not_written() {
        let mut bytes = Bytes::awaited(10);
        bytes.write(3, b"new");
        bytes.fill(0, b"oldoldoldo");
        assert_eq!(all(&bytes), b"oldnewoldo");
        bytes.write(0, b"N");
        bytes.fill(0, b"oldol");
        assert_eq!(all(&bytes), b"Nldnewoldo");
        let _ = bytes.set(b"all new");
        assert!(!bytes.are_awaited());
        bytes.fill(0, b"old");
        assert_eq!(all(&bytes), b"all new");
        let mut bytes = Bytes::awaited(2 * CHUNK as u32);
        bytes.write(2 * CHUNK as u32 + 5, b"x");
        bytes.fill(CHUNK as u32 - 1, b"ab");
        bytes.complete();
        bytes.fill(0, b"late");
        assert_eq!(all(&bytes)[CHUNK - 2..CHUNK + 2], *b"\0ab\0");
        assert!(!Bytes::awaited(0).are_awaited());
    }

    #[test]
    fn what_is_stored_is_found_over_holes() {
        let mut bytes = Bytes::default();
        bytes.write(3, b"ab");
        bytes.write(5 * CHUNK as u32 + 7, b"c");
        let mut copy = Bytes::hole(bytes.size());
        let mut offset = 0;
        while let Some((at, stored)) = bytes.stored_from(offset, 4) {
            assert!(stored.len() <= 4);
            copy.write(at, stored);
            offset = at + stored.len() as u32;
        }
        assert_eq!(all(&copy), all(&bytes));
        assert!(stored(&copy) < 64);
        assert_eq!(Bytes::hole(9).stored_from(0, 4), None);
    }
}
