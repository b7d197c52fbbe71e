//! What the parts of the administration on all nodes send each other in agreed order.

use ais_proto::admin::Opener;
use ais_wire::{DecodeError, Form, Name, NodeId, Reader, Rest, Wire, Writer, record};

/// These stand where a message of a probe has the number of the probe, which
/// never gets there.
const QUESTION: u64 = u64::MAX;
const ANSWER: u64 = u64::MAX - 1;

/// Processes in an answer; what the others have open is counted together.
pub(super) const MOST_OPENERS: usize = 4096;

record! {
    /// A message from a probe to all probes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Probed<'a> {
        /// The number of the probe on its node.
        pub(super) probe: u64,
        pub(super) message: &'a [u8] as Rest,
    }
}

record! {
    /// A handle asks all nodes which of their processes have a checkpoint open.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct Question {
        /// The number of the handle on its node.
        pub(super) handle: u64,
        /// The name of the checkpoint.
        pub(super) name: Name,
    }
}

record! {
    /// The answer of a node to a [`Question`].
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct Answer {
        /// The node of the handle.
        pub(super) to: NodeId,
        /// The number of the handle there.
        pub(super) handle: u64,
        pub(super) openers: Vec<Opener> as Openers,
    }
}

/// Not more processes than an answer has.
enum Openers {}

impl Form<'_, Vec<Opener>> for Openers {
    fn put(openers: &Vec<Opener>, out: &mut Writer) {
        openers.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Vec<Opener>, DecodeError> {
        let openers = Vec::take(input)?;
        if openers.len() > MOST_OPENERS { Err(DecodeError::Invalid) } else { Ok(openers) }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Probed(Probed<'a>),
    Question(Question),
    Answer(Answer),
}

impl<'a> Wire<'a> for Message<'a> {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Probed(probed) => probed.put(out),
            Self::Question(question) => question.put(out.u64(QUESTION)),
            Self::Answer(answer) => answer.put(out.u64(ANSWER)),
        }
    }

    fn take(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match input.u64()? {
            QUESTION => Self::Question(Question::take(input)?),
            ANSWER => Self::Answer(Answer::take(input)?),
            probe => Self::Probed(Probed { probe, message: Rest::take(input)? }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_golden;

    fn all() -> [Message<'static>; 4] {
        let openers = vec![Opener { process: 4711, opens: 2 }, Opener { process: 0, opens: 3 }];
        [
            Message::Answer(Answer { to: NodeId::new([10, 0, 0, 2].into()), handle: 8, openers }),
            Message::Probed(Probed { probe: 8, message: b"one" }),
            Message::Probed(Probed { probe: 8, message: b"two" }),
            Message::Question(Question { handle: 8, name: Name::try_from("abra").unwrap() }),
        ]
    }

    fn bytes(message: &Message<'_>) -> Vec<u8> {
        let mut out = Writer::new();
        message.put(&mut out);
        out.into_bytes()
    }

    #[test]
    fn bytes_are_as_they_were() {
        let named = |message: &Message<'_>| (format!("{message:?}"), bytes(message));
        assert_golden("admin", all().iter().map(named));
    }

    #[test]
    fn what_was_written_is_read_and_less_is_not() {
        for message in all() {
            let bytes = bytes(&message);
            assert_eq!(Message::take_all(&bytes).as_ref(), Ok(&message));
            for length in 0..bytes.len() {
                assert_ne!(Message::take_all(&bytes[..length]).as_ref(), Ok(&message));
            }
        }
        let openers = vec![Opener { process: 1, opens: 1 }; MOST_OPENERS + 1];
        let to = NodeId::new([10, 0, 0, 2].into());
        let many = bytes(&Message::Answer(Answer { to, handle: 8, openers }));
        assert_eq!(Message::take_all(&many), Err(DecodeError::Invalid));
    }
}
