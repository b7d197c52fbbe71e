//! The group of a node that is alone: what it sends is delivered and stable
//! at once.

use crate::{Engine, Guarantee, Lane, Output, QueueFull, View, ViewId};
use ais_wire::NodeId;
use std::collections::VecDeque;

/// Messages that may wait for delivery. The node takes its outputs after every
/// call, so that this bound is met only if it does not.
const QUEUE_LENGTH: usize = 4096;

/// A group with one member.
#[derive(Debug)]
pub struct OneMember {
    me: NodeId,
    next: u64,
    outputs: VecDeque<Output>,
}

impl OneMember {
    /// The group of `me`; its only view has the number `view`.
    #[must_use]
    pub fn new(me: NodeId, view: u64) -> Self {
        let view = View {
            id: ViewId { number: view, representative: me },
            members: vec![me],
            joined: vec![me],
            left: Vec::new(),
            came_with_me: vec![me],
            why: "this node has no network".into(),
        };
        Self { me, next: 1, outputs: VecDeque::from([Output::View(view)]) }
    }
}

impl Engine for OneMember {
    fn multicast(
        &mut self,
        _now: u64,
        bytes: Vec<u8>,
        _guarantee: Guarantee,
        _lane: Lane,
    ) -> Result<(), QueueFull> {
        if self.outputs.len() >= QUEUE_LENGTH {
            return Err(QueueFull(bytes));
        }
        let number = self.next;
        self.next += 1;
        self.outputs.push_back(Output::Deliver { number, from: self.me, bytes });
        self.outputs.push_back(Output::Stable(number));
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn form_anew(&mut self, _now: u64, _why: String) {
        // Nobody else is there who has been given anything.
    }

    fn leave(&mut self, _now: u64) {
        // Nobody else is there to be told.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(group: &mut OneMember, bytes: &[u8]) -> Result<(), QueueFull> {
        group.multicast(0, bytes.to_vec(), Guarantee::Agreed, Lane::Ordinary)
    }

    #[test]
    fn one_member_delivers_its_own_messages_in_order() {
        let me = NodeId::new([127, 0, 0, 1].into());
        let mut group = OneMember::new(me, 7);
        assert!(matches!(group.poll_output(), Some(Output::View(view)) if view.members == [me]));
        send(&mut group, b"a").unwrap();
        send(&mut group, b"b").unwrap();
        let bytes = |text: &[u8]| text.to_vec();
        assert_eq!(
            group.poll_output(),
            Some(Output::Deliver { number: 1, from: me, bytes: bytes(b"a") })
        );
        assert_eq!(group.poll_output(), Some(Output::Stable(1)));
        assert_eq!(
            group.poll_output(),
            Some(Output::Deliver { number: 2, from: me, bytes: bytes(b"b") })
        );
        assert_eq!(group.poll_output(), Some(Output::Stable(2)));
        assert_eq!(group.poll_output(), None);
    }

    #[test]
    fn a_queue_that_nobody_empties_is_bounded() {
        let mut group = OneMember::new(NodeId::new([127, 0, 0, 1].into()), 1);
        let sent = (0..QUEUE_LENGTH).take_while(|_| send(&mut group, b"").is_ok()).count();
        assert!(sent < QUEUE_LENGTH);
    }
}
