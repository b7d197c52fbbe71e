//! Memory for a program that has none left.
//!
//! What a call needs in proportion to what the program gives is asked for in
//! a way that may fail: `SA_ERR_NO_MEMORY`. The many small things cannot fail,
//! or the program would be aborted; when the system has nothing for them they
//! come from a reserve. While memory is short calls that would need some are
//! refused before they begin, so that the reserve is for those under way.

use ais_client::boundary;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Bytes of the reserve. Untouched they take no memory, only addresses.
const BYTES: usize = 1 << 20;
/// It is given out in pieces of so many bytes, aligned to as many.
const UNIT: usize = 128;
const UNITS: usize = BYTES / UNIT;
/// What is larger has to be asked for in a way that may fail.
const LARGEST: usize = 64 << 10;
/// Memory is no longer short when there is so much at a time.
const PROBE: usize = 64 << 10;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

static RESERVE: Reserve = Reserve::new();

/// Whether a call that needs memory should not begin.
pub(super) fn is_short() -> bool {
    if RESERVE.used.load(Ordering::Relaxed) == 0 {
        return false;
    }
    // SAFETY: a layout of bytes, given back as it was taken.
    unsafe {
        let layout = Layout::new::<[u8; PROBE]>();
        let probe = System.alloc(layout);
        if probe.is_null() {
            return true;
        }
        System.dealloc(probe, layout);
    }
    false
}

/// The memory of the system, and of the reserve when that has none.
struct Allocator;

// SAFETY: both parts keep to the contract, and a piece goes back to where it
// came from, which its address tells.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is that of the system's.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() { RESERVE.take(layout) } else { memory }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above; the reserve's piece has as many bytes.
        unsafe {
            let memory = System.alloc_zeroed(layout);
            if !memory.is_null() {
                return memory;
            }
            let memory = RESERVE.take(layout);
            if !memory.is_null() {
                memory.write_bytes(0, layout.size());
            }
            memory
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if RESERVE.has(memory) {
            RESERVE.give_back(memory, layout);
        } else {
            // SAFETY: it is the system's, and the caller's contract.
            unsafe { System.dealloc(memory, layout) };
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract; a new piece is as long as is copied.
        unsafe {
            if !RESERVE.has(memory) {
                let moved = System.realloc(memory, layout, size);
                if !moved.is_null() {
                    return moved;
                }
            }
            let fresh = Layout::from_size_align_unchecked(size, layout.align());
            let moved = self.alloc(fresh);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}

/// By what the lock is this process's and not inherited. Never 0.
fn own_mark() -> u32 {
    boundary::generation() | 1 << 31
}

#[repr(align(128))]
struct Units(UnsafeCell<[u8; BYTES]>);

struct Reserve {
    units: Units,
    /// Behind the lock: which units are taken.
    taken: UnsafeCell<[bool; UNITS]>,
    /// The holder of the lock: [`own_mark`] of the process, or 0.
    locked: AtomicU32,
    used: AtomicUsize,
}

// SAFETY: `taken` is touched only by who has the lock, and a unit only by who
// has taken it.
unsafe impl Sync for Reserve {}

impl Reserve {
    const fn new() -> Self {
        Self {
            units: Units(UnsafeCell::new([0; BYTES])),
            taken: UnsafeCell::new([false; UNITS]),
            locked: AtomicU32::new(0),
            used: AtomicUsize::new(0),
        }
    }

    fn start(&self) -> *mut u8 {
        self.units.0.get().cast()
    }

    fn has(&self, memory: *mut u8) -> bool {
        let start = self.start().addr();
        (start..start + BYTES).contains(&memory.addr())
    }

    /// A piece, or null.
    fn take(&self, layout: Layout) -> *mut u8 {
        let count = layout.size().div_ceil(UNIT).max(1);
        if layout.size() > LARGEST || layout.align() > UNIT {
            return ptr::null_mut();
        }
        let first = self.with_taken(|taken| {
            let mut free = 0;
            let end = taken.iter().position(|is_taken| {
                free = if *is_taken { 0 } else { free + 1 };
                free == count
            })?;
            let first = end + 1 - count;
            taken[first..=end].fill(true);
            Some(first)
        });
        let Some(first) = first else { return ptr::null_mut() };
        self.used.fetch_add(count, Ordering::Relaxed);
        // SAFETY: the place lies inside the units.
        unsafe { self.start().add(first * UNIT) }
    }

    fn give_back(&self, memory: *mut u8, layout: Layout) {
        let count = layout.size().div_ceil(UNIT).max(1);
        let first = (memory.addr() - self.start().addr()) / UNIT;
        self.with_taken(|taken| taken[first..first + count].fill(false));
        self.used.fetch_sub(count, Ordering::Relaxed);
    }

    /// Runs `work` with the lock; it neither allocates nor panics.
    fn with_taken<T>(&self, work: impl FnOnce(&mut [bool; UNITS]) -> T) -> T {
        let own = own_mark();
        let mut expected = 0;
        let (order, failure) = (Ordering::Acquire, Ordering::Relaxed);
        while let Err(holder) = self.locked.compare_exchange(expected, own, order, failure) {
            expected = if holder == own {
                // SAFETY: it has no preconditions.
                unsafe { libc::sched_yield() };
                0
            } else {
                // In a child the thread of the parent that had it is not there.
                holder
            };
        }
        // SAFETY: this thread has the lock.
        let result = work(unsafe { &mut *self.taken.get() });
        self.locked.store(0, Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn a_lock_of_the_parent_is_nobodys() {
        static OWN: Reserve = Reserve::new();
        OWN.locked.store(own_mark() + 1, Ordering::Relaxed);
        let piece = OWN.take(bytes(1));
        assert!(OWN.has(piece));
        assert_eq!(OWN.locked.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_reserve_gives_until_it_is_empty_and_takes_back() {
        static OWN: Reserve = Reserve::new();
        let mut pieces = Vec::new();
        loop {
            let piece = OWN.take(bytes(LARGEST));
            if piece.is_null() {
                break;
            }
            assert!(OWN.has(piece) && piece.addr().is_multiple_of(UNIT));
            pieces.push(piece);
        }
        assert_eq!(pieces.len(), BYTES / LARGEST);
        assert!(OWN.take(bytes(1)).is_null());
        OWN.give_back(pieces.swap_remove(3), bytes(LARGEST));
        let small: Vec<_> = (0..LARGEST / UNIT).map(|_| OWN.take(bytes(UNIT))).collect();
        assert!(small.iter().all(|piece| !piece.is_null()));
        assert!(OWN.take(bytes(0)).is_null());
        small.into_iter().for_each(|piece| OWN.give_back(piece, bytes(UNIT)));
        pieces.into_iter().for_each(|piece| OWN.give_back(piece, bytes(LARGEST)));
        assert_eq!(OWN.used.load(Ordering::Relaxed), 0);
        assert!(OWN.take(bytes(LARGEST + 1)).is_null());
        assert!(!OWN.has(ptr::null_mut()));
    }
}
