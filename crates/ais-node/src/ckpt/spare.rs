//! The memory of a large reply that was sent, for the next large reply: to get as much
//! from the system takes longer than to fill it.

use ais_wire::Writer;

/// Replies from this size on are worth it.
const LEAST: usize = 1 << 20;
/// What is kept at most: a read of the default `max-message`.
const MOST: usize = 17 << 20;

/// The memory of one reply, if there is any.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<u8>);

impl Spare {
    /// A reply was sent.
    pub(super) fn give(&mut self, body: Vec<u8>) {
        if (LEAST..=MOST).contains(&body.capacity()) && body.capacity() > self.0.capacity() {
            self.0 = body;
        }
    }

    /// For a reply of this many bytes; it will count for little more.
    pub(super) fn take(&mut self, length: usize) -> Writer {
        if (length..length.saturating_mul(2)).contains(&self.0.capacity()) {
            return Writer::reusing(std::mem::take(&mut self.0));
        }
        Writer::with_capacity(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_reply_takes_the_memory_of_one_that_was_sent() {
        let mut spare = Spare::default();
        spare.give(vec![9; LEAST - 1]);
        spare.give(vec![9; MOST + 1]);
        assert_eq!(spare.0.capacity(), 0, "neither is worth it");
        spare.give(vec![9; 3 * LEAST]);
        spare.give(vec![9; 2 * LEAST]);
        let place = spare.0.as_ptr();
        let small = spare.take(LEAST).into_bytes();
        assert_ne!(small.as_ptr(), place, "too much for so little");
        let mut body = spare.take(2 * LEAST);
        body.raw(b"new");
        let body = body.into_bytes();
        assert_eq!((body.as_ptr(), &body[..]), (place, &b"new"[..]));
        let next = spare.take(2 * LEAST).into_bytes();
        assert_ne!(next.as_ptr(), place);
    }
}
