//! Which state a node has, as a number. It follows from the way the node came: the
//! views it went through, with whom, and what was delivered there. Two nodes with
//! the same number have the same state; one that was given something else than the
//! others, or that had to leave them for a moment, has another one from the next
//! view on, and is brought into line as one side of a merge.

use crate::Digest;
use ais_group::{View, ViewId};
use ais_wire::NodeId;

/// After so many nanoseconds members compare what was delivered to them.
const COMPARE_AFTER: u64 = 10_000_000_000;

/// What was delivered in a view so far. Where there was something, members compare
/// it a while later, in two steps: a first message says up to where, as it comes at
/// the same place of the order everywhere, and a second one what that was at its
/// sender.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    all: crc32fast::Hasher,
    /// Messages since the last comparison, its own included.
    count: u64,
    /// All up to the last comparison; `None` before the first one.
    compared: Option<u32>,
    /// When the next one is due.
    due: Option<u64>,
}

impl Delivered {
    /// A message was delivered, with this number.
    pub(crate) fn add(&mut self, now: u64, number: u64, from: NodeId, bytes: &[u8]) {
        let mut head = [0; 12];
        let (place, sender) = head.split_at_mut(8);
        place.copy_from_slice(&number.to_le_bytes());
        sender.copy_from_slice(&from.address().octets());
        self.all.update(&head);
        self.all.update(bytes);
        self.count += 1;
        self.due.get_or_insert(now.saturating_add(COMPARE_AFTER));
    }

    /// What was delivered in the view that is over, as a number.
    pub(crate) fn take(&mut self) -> u32 {
        std::mem::take(self).all.finalize()
    }

    /// When [`Delivered::is_due`] is to be asked.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.due
    }

    /// Whether a member is to have the others compare what they have; true once.
    pub(crate) fn is_due(&mut self, now: u64) -> bool {
        self.due.take_if(|at| *at <= now).is_some()
    }

    /// What was delivered up to the last comparison.
    pub(crate) fn compared(&self) -> Option<u32> {
        self.compared
    }

    /// A comparison was delivered, whose sender had been given this up to the last
    /// one. Whether this node had been too.
    pub(crate) fn compare(&mut self, now: u64, theirs: Option<u32>) -> bool {
        let is_same = theirs == self.compared;
        self.compared = Some(self.all.clone().finalize());
        // Nothing but comparisons is not worth another one.
        let is_new = std::mem::take(&mut self.count) > 1;
        self.due = is_new.then_some(now.saturating_add(COMPARE_AFTER));
        is_same
    }
}

/// The state of a node that was synchronised alone or with others in `view`.
pub(crate) fn lineage_of(view: ViewId) -> u64 {
    let mut digest = Digest::default();
    add_view(&mut digest, view);
    digest.value()
}

/// The state of a node with `lineage` once it is in `view`, after `delivered`.
pub(crate) fn lineage_through(lineage: u64, delivered: u32, view: &View) -> u64 {
    let mut digest = Digest::default();
    digest.number(lineage);
    digest.number(u64::from(delivered));
    add_view(&mut digest, view.id);
    for node in &view.came_with_me {
        digest.number(u64::from(u32::from(node.address())));
    }
    digest.value()
}

fn add_view(digest: &mut Digest, view: ViewId) {
    digest.number(view.number);
    digest.number(u64::from(u32::from(view.representative.address())));
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn node(last: u8) -> NodeId {
        NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, last))
    }

    fn view(number: u64, came_with_me: &[NodeId]) -> View {
        View {
            id: ViewId { number, representative: node(1) },
            members: vec![node(1), node(2)],
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: came_with_me.to_vec(),
            why: String::new(),
        }
    }

    #[test]
    fn another_way_is_another_lineage() {
        let both = [node(1), node(2)];
        let start = lineage_of(view(7, &both).id);
        let next = lineage_through(start, 5, &view(8, &both));
        assert_eq!(lineage_through(start, 5, &view(8, &both)), next);
        assert_ne!(start, next);
        for other in [
            lineage_through(start, 5, &view(9, &both)),
            lineage_through(start, 5, &view(8, &both[..1])),
            lineage_through(start, 6, &view(8, &both)),
            lineage_through(next, 5, &view(8, &both)),
            lineage_of(view(8, &both).id),
        ] {
            assert_ne!(other, next);
        }
    }

    #[test]
    fn whatever_is_delivered_counts() {
        let of = |messages: &[(u64, u8, &[u8])]| {
            let mut delivered = Delivered::default();
            for (number, from, bytes) in messages {
                delivered.add(0, *number, node(*from), bytes);
            }
            delivered.take()
        };
        let all = of(&[(1, 1, b"a"), (2, 2, b"b")]);
        assert_eq!(of(&[(1, 1, b"a"), (2, 2, b"b")]), all);
        assert_ne!(of(&[(1, 1, b"a"), (3, 2, b"b")]), all);
        assert_ne!(of(&[(1, 2, b"a"), (2, 2, b"b")]), all);
        assert_ne!(of(&[(1, 1, b"a"), (2, 2, b"c")]), all);
        assert_ne!(of(&[(1, 1, b"a")]), all);
        let mut delivered = Delivered::default();
        delivered.add(0, 1, node(1), b"a");
        delivered.take();
        assert_eq!(delivered.take(), of(&[]), "each view for itself");
    }

    #[test]
    fn what_was_delivered_is_compared_twice_and_then_never() {
        let [mut one, mut two, mut other] = [(); 3].map(|()| Delivered::default());
        let mut deliver = |number, contents: [&[u8]; 3]| {
            for (delivered, bytes) in [&mut one, &mut two, &mut other].into_iter().zip(contents) {
                delivered.add(5, number, node(1), bytes);
            }
        };
        deliver(1, [b"a", b"a", b"b"]);
        deliver(2, [b"compare"; 3]);
        let due = 5 + COMPARE_AFTER;
        assert_eq!(one.poll_timeout(), Some(due));
        assert!(!one.is_due(due - 1) && one.is_due(due) && !one.is_due(due));
        let first = one.compared();
        assert!([&mut one, &mut two, &mut other].map(|of| of.compare(due, first)) == [true; 3]);
        assert_eq!(one.poll_timeout(), Some(due + COMPARE_AFTER));
        for delivered in [&mut one, &mut two, &mut other] {
            delivered.add(due, 3, node(1), b"compare");
        }
        let second = one.compared();
        let same = [&mut one, &mut two, &mut other].map(|of| of.compare(due, second));
        assert_eq!(same, [true, true, false]);
        assert_eq!(one.poll_timeout(), None);
    }
}
