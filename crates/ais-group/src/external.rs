//! The group of a node whose engine is outside: the driver of the node takes its
//! messages, gives them their place in an order, and brings the outputs.

use crate::{Engine, Guarantee, Lane, Output, QueueFull};
use std::collections::VecDeque;

/// A message that the node has sent and the driver has not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is to be delivered to all members.
    pub bytes: Vec<u8>,
    /// When it is to be delivered.
    pub guarantee: Guarantee,
    /// The messages in whose order it stays.
    pub lane: Lane,
}

/// An engine that is driven from outside. The driver keeps the promises of
/// [`Output`] and [`Engine`].
///
/// ```
/// use ais_group::{Engine, External, Guarantee, Lane, Output, View, ViewId};
/// use ais_wire::NodeId;
///
/// let me = NodeId::new([10, 0, 0, 1].into());
/// let mut group = External::default();
///
/// // The driver brings the first view.
/// let view = View {
///     id: ViewId { number: 1, representative: me },
///     members: vec![me],
///     joined: vec![me],
///     left: Vec::new(),
///     came_with_me: vec![me],
///     why: "the node starts".into(),
/// };
/// group.bring(Output::View(view.clone()));
/// assert_eq!(group.poll_output(), Some(Output::View(view)));
///
/// // The node sends a message. The driver takes it, and brings it back in order.
/// group.multicast(0, b"text".to_vec(), Guarantee::Acknowledged, Lane::Ordinary).unwrap();
/// let message = group.take_sent().unwrap();
/// group.bring(Output::Deliver { number: 1, from: me, bytes: message.bytes });
/// group.bring(Output::Stable(1));
/// let delivered = Output::Deliver { number: 1, from: me, bytes: b"text".to_vec() };
/// assert_eq!(group.poll_output(), Some(delivered));
/// assert_eq!(group.poll_output(), Some(Output::Stable(1)));
/// ```
#[derive(Debug, Default)]
pub struct External {
    sent: VecDeque<Message>,
    outputs: VecDeque<Output>,
    /// Why the node has asked for a new view.
    wanted: Option<String>,
    has_left: bool,
}

impl External {
    /// Messages of the node that may wait for the driver.
    pub const QUEUE_LENGTH: usize = 16;

    /// Takes the next message of the node from the queue.
    pub fn take_sent(&mut self) -> Option<Message> {
        self.sent.pop_front()
    }

    /// The messages in the queue, the next one first.
    pub fn sent(&self) -> impl ExactSizeIterator<Item = &Message> {
        self.sent.iter()
    }

    /// Brings the next output. The node takes it when the call that does this has
    /// ended, so that none of them waits.
    pub fn bring(&mut self, output: Output) {
        if let Output::View(_) = output {
            self.wanted = None;
        }
        self.outputs.push_back(output);
    }

    /// Why the node asks for a new view, if it does; the next view is the answer.
    #[must_use]
    pub fn wanted_view(&self) -> Option<&str> {
        self.wanted.as_deref()
    }

    /// Whether the node has left, so that the driver has to tell the other members.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.has_left
    }
}

impl Engine for External {
    fn multicast(
        &mut self,
        _now: u64,
        bytes: Vec<u8>,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Result<(), QueueFull> {
        if self.has_left || self.sent.len() >= Self::QUEUE_LENGTH {
            return Err(QueueFull(bytes));
        }
        self.sent.push_back(Message { bytes, guarantee, lane });
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn form_anew(&mut self, _now: u64, why: String) {
        self.wanted = Some(why);
    }

    fn leave(&mut self, _now: u64) {
        self.has_left = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{View, ViewId};
    use ais_wire::NodeId;

    fn send(group: &mut External, bytes: &[u8]) -> Result<(), QueueFull> {
        group.multicast(0, bytes.to_vec(), Guarantee::Agreed, Lane::Bulk)
    }

    #[test]
    fn a_full_queue_gives_the_message_back_until_one_is_taken() {
        let mut group = External::default();
        for number in 0..External::QUEUE_LENGTH {
            send(&mut group, &[number as u8]).unwrap();
        }
        assert_eq!(send(&mut group, b"more"), Err(QueueFull(b"more".to_vec())));
        assert_eq!(group.sent().len(), External::QUEUE_LENGTH);
        let first = Message { bytes: vec![0], guarantee: Guarantee::Agreed, lane: Lane::Bulk };
        assert_eq!(group.take_sent(), Some(first));
        assert_eq!(send(&mut group, b"more"), Ok(()));
    }

    #[test]
    fn a_node_asks_for_a_view_until_there_is_one() {
        let mut group = External::default();
        assert_eq!(group.wanted_view(), None);
        group.form_anew(0, "two differ".into());
        group.bring(Output::Stable(1));
        assert_eq!(group.wanted_view(), Some("two differ"));
        let me = NodeId::new([10, 0, 0, 1].into());
        group.bring(Output::View(View {
            id: ViewId { number: 1, representative: me },
            members: vec![me],
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: vec![me],
            why: "it was asked for".into(),
        }));
        assert_eq!(group.wanted_view(), None);
    }

    #[test]
    fn a_node_that_has_left_sends_nothing() {
        let mut group = External::default();
        group.leave(0);
        assert!(group.has_left());
        assert_eq!(send(&mut group, b"late"), Err(QueueFull(b"late".to_vec())));
    }
}
