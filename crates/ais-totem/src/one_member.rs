//! The group of a node that is alone: what it sends is delivered and stable
//! at once.

use crate::{Output, QueueFull, View, ViewId};
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

    /// Sends a message to all members.
    ///
    /// # Errors
    /// [`QueueFull`] if too many wait.
    pub fn multicast(&mut self, bytes: Vec<u8>) -> Result<(), QueueFull> {
        if self.outputs.len() >= QUEUE_LENGTH {
            return Err(QueueFull(bytes));
        }
        let number = self.next;
        self.next += 1;
        self.outputs.push_back(Output::Deliver { number, from: self.me, bytes });
        self.outputs.push_back(Output::Stable(number));
        Ok(())
    }

    /// What comes next, if anything. To be called until it returns `None`
    /// after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_delivers_its_own_messages_in_order() {
        let me = NodeId::new([127, 0, 0, 1].into());
        let mut group = OneMember::new(me, 7);
        assert!(matches!(group.poll_output(), Some(Output::View(view)) if view.members == [me]));
        group.multicast(b"a".to_vec()).unwrap();
        group.multicast(b"b".to_vec()).unwrap();
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
        let sent = (0..QUEUE_LENGTH).take_while(|_| group.multicast(Vec::new()).is_ok()).count();
        assert!(sent < QUEUE_LENGTH);
    }
}
