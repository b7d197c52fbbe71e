//! Messages of this node that wait for the group. Processes take turns, so that
//! nobody waits for all that somebody else wants sent; each has a share of the
//! room, and is not asked for more while it has that. The group has only so much
//! at a time: what waits beyond that waits here, where there are turns.

use crate::Ledger;
use crate::effects::Outgoing;
use crate::ledger::Kind;
use crate::turns::Turns;
use ais_group::Lane;

/// What a message counts for beside its bytes: its place in line, and the asker that
/// waits for it.
const MESSAGE_COST: usize = 256;
/// What a message in the group counts for beside its bytes: many small messages take
/// all nodes longer than a large one of as many bytes.
const COST_IN_GROUP: usize = 768;

/// The messages, by lane: what is in order is in order there.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    ordinary: Line,
    bulk: Line,
}

#[derive(Debug, Default)]
struct Line {
    /// The next one, which the group has not taken.
    refused: Option<Outgoing>,
    /// The only one, which nobody is charged for: mostly it goes out at once.
    only: Option<Outgoing>,
    waiting: Turns<Outgoing>,
    /// What the group has and has not delivered.
    in_group: usize,
}

impl Outbox {
    /// A message waits from now on.
    pub(super) fn push(&mut self, message: Outgoing, ledger: &mut Ledger) {
        self.line(message.lane).push(message, ledger);
    }

    /// Takes the next message, if the group has less than `limit` of its lane.
    pub(super) fn pop(&mut self, limit: usize, ledger: &mut Ledger) -> Option<Outgoing> {
        let lines = [&mut self.ordinary, &mut self.bulk];
        lines
            .into_iter()
            .find_map(|line| if line.in_group < limit { line.pop(ledger) } else { None })
    }

    /// The group has not taken what was the next message.
    pub(super) fn put_back(&mut self, message: Outgoing) {
        let line = self.line(message.lane);
        line.refused = Some(message);
    }

    /// The group has taken a message, of so many bytes in this lane.
    pub(super) fn taken(&mut self, lane: Lane, length: usize) {
        self.line(lane).in_group += length + COST_IN_GROUP;
    }

    /// The group has delivered a message of this node, of so many bytes in this lane.
    pub(super) fn delivered(&mut self, lane: Lane, length: usize) {
        let line = self.line(lane);
        line.in_group = line.in_group.saturating_sub(length + COST_IN_GROUP);
    }

    /// Nothing is known of what the last ring had, and nobody is to wait for what
    /// does not come.
    pub(super) fn forget_taken(&mut self) {
        self.ordinary.in_group = 0;
        self.bulk.in_group = 0;
    }

    fn line(&mut self, lane: Lane) -> &mut Line {
        match lane {
            Lane::Ordinary => &mut self.ordinary,
            Lane::Bulk => &mut self.bulk,
        }
    }
}

impl Line {
    fn push(&mut self, message: Outgoing, ledger: &mut Ledger) {
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

    fn pop(&mut self, ledger: &mut Ledger) -> Option<Outgoing> {
        let uncharged = self.refused.take().or_else(|| self.only.take());
        uncharged.or_else(|| {
            let message = self.waiting.pop()?;
            ledger.release(Kind::Outbox, message.holder, cost(&message.bytes));
            Some(message)
        })
    }
}

fn cost(bytes: &Vec<u8>) -> u64 {
    (bytes.capacity() + MESSAGE_COST) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Bound;
    use crate::{Holder, UserId};
    use ais_group::Guarantee;

    fn process(process: u32) -> Holder {
        Holder { user: UserId(5), process }
    }

    fn of(process: Holder, lane: Lane, bytes: Vec<u8>) -> Outgoing {
        Outgoing { holder: process, guarantee: Guarantee::Agreed, lane, bytes }
    }

    fn ordinary(number: u32, bytes: Vec<u8>) -> Outgoing {
        of(process(number), Lane::Ordinary, bytes)
    }

    /// The first bytes of all that the group is given.
    fn sent(outbox: &mut Outbox, ledger: &mut Ledger) -> Vec<u8> {
        let next = || outbox.pop(usize::MAX, ledger);
        std::iter::from_fn(next).map(|message| message.bytes[0]).collect()
    }

    #[test]
    fn a_process_that_sends_much_does_not_keep_another_waiting() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..100 {
            outbox.push(ordinary(1, vec![number]), &mut ledger);
        }
        outbox.push(ordinary(2, vec![200]), &mut ledger);
        let sent = sent(&mut outbox, &mut ledger);
        assert_eq!(sent[..4], [0, 200, 1, 2]);
        assert_eq!(sent.len(), 101);
        assert_eq!(ledger.total(Kind::Outbox), 0);
    }

    #[test]
    fn who_sends_little_does_not_wait_for_much_that_came_before() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..2 {
            outbox.push(ordinary(1, vec![number; 1 << 20]), &mut ledger);
            outbox.push(ordinary(2, vec![number + 10]), &mut ledger);
        }
        assert_eq!(sent(&mut outbox, &mut ledger), [10, 11, 0, 1]);
    }

    #[test]
    fn what_the_group_does_not_take_stays_first() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        for number in 0..3 {
            outbox.push(ordinary(1, vec![number]), &mut ledger);
        }
        let first = outbox.pop(usize::MAX, &mut ledger).unwrap();
        outbox.put_back(first);
        outbox.push(ordinary(1, vec![3]), &mut ledger);
        let sent = sent(&mut outbox, &mut ledger);
        assert_eq!(sent, [0, 1, 2, 3]);
    }

    #[test]
    fn a_process_has_its_share_of_the_room_and_no_more() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        ledger.set_bound(Kind::Outbox, Bound::of(10_000));
        let mut pushed = 0;
        while ledger.may_take(Kind::Outbox, process(1), 1) {
            outbox.push(ordinary(1, Vec::with_capacity(36)), &mut ledger);
            pushed += 1;
        }
        assert!((15..25).contains(&pushed), "{pushed}");
        assert!(ledger.may_take(Kind::Outbox, process(2), 1));
    }

    #[test]
    fn what_the_group_has_of_bulk_keeps_only_bulk_waiting() {
        let (mut outbox, mut ledger) = (Outbox::default(), Ledger::default());
        let bulk = |byte| of(process(1), Lane::Bulk, vec![byte; 1000]);
        outbox.push(bulk(0), &mut ledger);
        outbox.push(bulk(1), &mut ledger);
        assert_eq!(outbox.pop(1000, &mut ledger), Some(bulk(0)));
        outbox.taken(Lane::Bulk, 1000);
        assert_eq!(outbox.pop(1000, &mut ledger), None);
        outbox.push(ordinary(1, vec![2; 800]), &mut ledger);
        assert_eq!(outbox.pop(1000, &mut ledger), Some(ordinary(1, vec![2; 800])));
        outbox.taken(Lane::Ordinary, 800);
        outbox.push(ordinary(1, vec![7]), &mut ledger);
        assert_eq!(outbox.pop(1000, &mut ledger), None);
        outbox.delivered(Lane::Bulk, 1000);
        assert_eq!(outbox.pop(1000, &mut ledger), Some(bulk(1)));
        outbox.forget_taken();
        assert_eq!(outbox.pop(1000, &mut ledger), Some(ordinary(1, vec![7])));
    }
}
