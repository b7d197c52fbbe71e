//! Messages of this node that wait for the group. Processes take turns, so that
//! nobody waits for all that somebody else wants sent; each has a share of the
//! room, and is not asked for more while it has that.

use crate::ledger::Kind;
use crate::turns::Turns;
use crate::{Holder, Ledger};

/// What a message counts for beside its bytes: its place in line, and who waits
/// for it.
pub(super) const MESSAGE_COST: u64 = 256;

/// The messages.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The next one, which the group has not taken.
    refused: Option<Vec<u8>>,
    /// The only one, which nobody is charged for: mostly it goes out at once.
    only: Option<Message>,
    waiting: Turns<Message>,
}

#[derive(Debug)]
struct Message {
    holder: Holder,
    bytes: Vec<u8>,
}

impl Outbox {
    /// A message waits from now on.
    pub(super) fn push(&mut self, holder: Holder, bytes: Vec<u8>, ledger: &mut Ledger) {
        let message = Message { holder, bytes };
        if self.only.is_none() && self.waiting.is_empty() {
            self.only = Some(message);
            return;
        }
        for message in self.only.take().into_iter().chain([message]) {
            let (holder, cost) = (message.holder, cost(&message.bytes));
            ledger.charge(Kind::Outbox, holder, cost);
            self.waiting.push(holder, cost, message);
        }
    }

    /// Takes the next message.
    pub(super) fn pop(&mut self, ledger: &mut Ledger) -> Option<Vec<u8>> {
        let uncharged = self.refused.take().or_else(|| Some(self.only.take()?.bytes));
        uncharged.or_else(|| {
            let Message { holder, bytes } = self.waiting.pop()?;
            ledger.release(Kind::Outbox, holder, cost(&bytes));
            Some(bytes)
        })
    }

    /// The group has not taken what was the next message.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        self.refused = Some(bytes);
    }
}

fn cost(bytes: &Vec<u8>) -> u64 {
    bytes.capacity() as u64 + MESSAGE_COST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::ledger::Bound;

    fn process(process: u32) -> Holder {
        Holder { user: UserId(5), process }
    }

    #[test]
    fn a_process_that_sends_much_does_not_keep_another_waiting() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..100 {
            outbox.push(process(1), vec![number], &mut ledger);
        }
        outbox.push(process(2), vec![200], &mut ledger);
        let sent: Vec<_> = std::iter::from_fn(|| outbox.pop(&mut ledger)).flatten().collect();
        assert_eq!(sent[..4], [0, 200, 1, 2]);
        assert_eq!(sent.len(), 101);
        assert_eq!(ledger.total(Kind::Outbox), 0);
    }

    #[test]
    fn who_sends_little_does_not_wait_for_much_that_came_before() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..2 {
            outbox.push(process(1), vec![number; 1 << 20], &mut ledger);
            outbox.push(process(2), vec![number + 10], &mut ledger);
        }
        let sent = std::iter::from_fn(|| outbox.pop(&mut ledger)).map(|bytes| bytes[0]);
        assert_eq!(sent.collect::<Vec<_>>(), [10, 11, 0, 1]);
    }

    #[test]
    fn what_the_group_does_not_take_stays_first() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..3 {
            outbox.push(process(1), vec![number], &mut ledger);
        }
        let first = outbox.pop(&mut ledger).unwrap();
        outbox.put_back(first);
        outbox.push(process(1), vec![3], &mut ledger);
        let sent: Vec<_> = std::iter::from_fn(|| outbox.pop(&mut ledger)).flatten().collect();
        assert_eq!(sent, [0, 1, 2, 3]);
    }

    #[test]
    fn a_process_has_its_share_of_the_room_and_no_more() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        ledger.set_bound(Kind::Outbox, Bound::of(10_000));
        let mut pushed = 0;
        while ledger.may_take(Kind::Outbox, process(1), 1) {
            outbox.push(process(1), Vec::with_capacity(36), &mut ledger);
            pushed += 1;
        }
        assert!((15..25).contains(&pushed), "{pushed}");
        assert!(ledger.may_take(Kind::Outbox, process(2), 1));
    }
}
