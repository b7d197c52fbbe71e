//! Messages of this node that wait for the group. Processes take turns, so that
//! nobody waits for all that somebody else wants sent; each has a share of the
//! room, and is not asked for more while it has that. The group has only so much
//! at a time: what waits beyond that waits here, where there are turns.

use crate::effects::Envelope;
use crate::ledger::Kind;
use crate::turns::Turns;
use crate::{Holder, Ledger};
use ais_group::Lane;
use ais_proto::ServiceId;
use ais_wire::Reader;

/// What a message counts for beside its bytes: its place in line, and who waits
/// for it.
const MESSAGE_COST: usize = 256;
/// The same in the group: many small ones take all nodes longer than a large one
/// of as many bytes.
const COST_IN_GROUP: usize = 768;
/// Bytes from which on what is written to a checkpoint is bulk. Its caller waits
/// for it, so that no call that begins after it has ended passes it.
const BULK: usize = 64 << 10;

/// The messages, by lane: what is in order is in order there.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    ordinary: Line,
    bulk: Line,
}

#[derive(Debug, Default)]
struct Line {
    /// The next one, which the group has not taken.
    refused: Option<Vec<u8>>,
    /// The only one, which nobody is charged for: mostly it goes out at once.
    only: Option<Message>,
    waiting: Turns<Message>,
    /// What the group has and has not delivered.
    in_group: usize,
}

#[derive(Debug)]
struct Message {
    holder: Holder,
    bytes: Vec<u8>,
}

/// In which lane a message of a service goes.
pub(super) fn lane(message: &[u8]) -> Lane {
    let service = Envelope::decode(&mut Reader::new(message)).map(|envelope| envelope.service);
    let is_bulk = message.len() > BULK && service == Ok(ServiceId::Ckpt);
    if is_bulk { Lane::Bulk } else { Lane::Ordinary }
}

impl Outbox {
    /// A message waits from now on.
    pub(super) fn push(&mut self, holder: Holder, bytes: Vec<u8>, ledger: &mut Ledger) {
        self.line(&bytes).push(Message { holder, bytes }, ledger);
    }

    /// Takes the next message, if the group has less than `limit` of its lane.
    pub(super) fn pop(&mut self, limit: usize, ledger: &mut Ledger) -> Option<Vec<u8>> {
        let lines = [&mut self.ordinary, &mut self.bulk];
        lines
            .into_iter()
            .find_map(|line| if line.in_group < limit { line.pop(ledger) } else { None })
    }

    /// The group has not taken what was the next message.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        let line = self.line(&bytes);
        line.refused = Some(bytes);
    }

    /// The group has taken a message, of so many bytes in this lane.
    pub(super) fn taken(&mut self, lane: Lane, length: usize) {
        let line = if lane == Lane::Bulk { &mut self.bulk } else { &mut self.ordinary };
        line.in_group += length + COST_IN_GROUP;
    }

    /// The group has delivered a message of this node.
    pub(super) fn delivered(&mut self, bytes: &[u8]) {
        let line = self.line(bytes);
        line.in_group = line.in_group.saturating_sub(bytes.len() + COST_IN_GROUP);
    }

    /// Nothing is known of what the last ring had, and nobody is to wait for what
    /// does not come.
    pub(super) fn forget_taken(&mut self) {
        self.ordinary.in_group = 0;
        self.bulk.in_group = 0;
    }

    fn line(&mut self, message: &[u8]) -> &mut Line {
        if lane(message) == Lane::Bulk { &mut self.bulk } else { &mut self.ordinary }
    }
}

impl Line {
    fn push(&mut self, message: Message, ledger: &mut Ledger) {
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

    fn pop(&mut self, ledger: &mut Ledger) -> Option<Vec<u8>> {
        let uncharged = self.refused.take().or_else(|| Some(self.only.take()?.bytes));
        uncharged.or_else(|| {
            let Message { holder, bytes } = self.waiting.pop()?;
            ledger.release(Kind::Outbox, holder, cost(&bytes));
            Some(bytes)
        })
    }
}

fn cost(bytes: &Vec<u8>) -> u64 {
    (bytes.capacity() + MESSAGE_COST) as u64
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
        let sent: Vec<_> =
            std::iter::from_fn(|| outbox.pop(usize::MAX, &mut ledger)).flatten().collect();
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
        let sent = std::iter::from_fn(|| outbox.pop(usize::MAX, &mut ledger)).map(|bytes| bytes[0]);
        assert_eq!(sent.collect::<Vec<_>>(), [10, 11, 0, 1]);
    }

    #[test]
    fn what_the_group_does_not_take_stays_first() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..3 {
            outbox.push(process(1), vec![number], &mut ledger);
        }
        let first = outbox.pop(usize::MAX, &mut ledger).unwrap();
        outbox.put_back(first);
        outbox.push(process(1), vec![3], &mut ledger);
        let sent: Vec<_> =
            std::iter::from_fn(|| outbox.pop(usize::MAX, &mut ledger)).flatten().collect();
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

    #[test]
    fn what_the_group_has_of_bulk_keeps_only_bulk_waiting() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        // A change, which needs quorum.
        let write = |byte| [vec![0x80 | ServiceId::Ckpt as u8], vec![byte; BULK]].concat();
        for byte in 0..2 {
            outbox.push(process(1), write(byte), &mut ledger);
        }
        let first = outbox.pop(1000, &mut ledger).unwrap();
        outbox.taken(lane(&first), first.len());
        assert_eq!(outbox.pop(1000, &mut ledger), None);
        outbox.push(process(1), vec![ServiceId::Ckpt as u8; 800], &mut ledger);
        let small = outbox.pop(1000, &mut ledger).unwrap();
        outbox.taken(lane(&small), small.len());
        outbox.push(process(1), vec![7], &mut ledger);
        assert_eq!(outbox.pop(1000, &mut ledger), None);
        outbox.delivered(&first);
        assert_eq!(outbox.pop(1000, &mut ledger), Some(write(1)));
        outbox.forget_taken();
        assert_eq!(outbox.pop(1000, &mut ledger), Some(vec![7]));
    }
}
