//! What is asked of Admin.

use super::{
    AmfNode, Checkpoint, Component, Inspected, Keys, Operated, Operation, Page, Piece, Ring,
    Started, Status, Target,
};
use crate::ckpt::Section;
use crate::messages::requests;
use crate::{DecodeError, Name, Reader, Writer};
use ais_wire::Form;

requests! {
    /// A request to Admin.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Request<'a> {
        /// The node in short.
        0x0401 Status -> Status: Inspect,
        /// What the ring knows of itself; nothing without a network.
        0x0402 Ring -> Option<Ring>: Inspect,
        /// The checkpoints, by name.
        0x0403 Checkpoints {
            /// Only those after this name.
            after: Option<Name>,
            /// How many at most.
            limit: u32,
        } -> Page<Checkpoint>: Inspect,
        /// The components of groups.conf, in its order.
        0x0404 Components {
            /// The place of the first one wanted.
            first: u32,
            /// How many at most.
            limit: u32,
        } -> Page<Component>: Inspect,
        /// On a handle: every view from now on is an event, the present one the first.
        0x0405 Watch -> (): Inspect,
        /// On a handle: what is delivered for probes comes as events from now on.
        0x0406 ProbeStart -> Started: Inspect,
        /// On such a handle: sends messages to the probes of all nodes. The reply comes once the
        /// last of them is delivered on this node.
        0x0407 ProbeSend {
            /// The messages, at least one.
            messages: Vec<&'a [u8]> as Bounded,
        } -> (): Inspect,
        /// The nodes that AMF does not use as it would.
        0x0408 AmfNodes -> Vec<AmfNode>: Inspect,
        /// Has something done to a part of AMF. The reply comes when all nodes know of it.
        0x0409 Operate {
            /// What to do.
            operation: Operation,
            /// What to do it to.
            target: Target,
        } -> Operated: Change,
        /// On a handle: takes the checkpoint of this name as it is now, in the place of the one
        /// that was taken before; `NOT_EXIST` if there is none, `BUSY` if too many are taken.
        0x0420 Inspect {
            /// The name.
            name: Name,
        } -> Inspected: Inspect,
        /// Of the checkpoint that the handle has taken: the sections, the oldest first, each
        /// with its length in front.
        0x0421 InspectSections {
            /// The first number that is wanted.
            first: u64,
        } -> Page<Section>: Inspect,
        /// Of the checkpoint that the handle has taken: the first bytes of a section that are
        /// stored at or after a place; nothing if only zeros follow.
        0x0422 InspectBytes {
            /// The number of the section.
            section: u64,
            /// The place.
            offset: u32,
        } -> Option<Piece>: Inspect,
        /// On a handle: which processes have the checkpoint of this name open; then from each
        /// node an [`Event::Openers`](super::Event::Openers). The answers are counted by what
        /// they tell.
        0x0423 AskOpeners {
            /// The name.
            name: Name,
        } -> (): Inspect,
        /// With which keys the nodes seal what they send each other; nothing without a network.
        0x0424 Keys -> Option<Keys>: Inspect,
    }
}

/// As many messages as fit into a request, at least one.
enum Bounded {}

impl<'a> Form<'a, Vec<&'a [u8]>> for Bounded {
    fn put(value: &Vec<&'a [u8]>, out: &mut Writer) {
        ais_wire::Wire::put(value, out);
    }

    fn take(input: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, DecodeError> {
        if input.remaining() > super::MAX_PROBE_REQUEST {
            return Err(DecodeError::Invalid);
        }
        let messages = input.list(Reader::bytes)?;
        let fits = |message: &&[u8]| message.len() <= super::MAX_PROBE_MESSAGE;
        if messages.is_empty() || !messages.iter().all(fits) {
            return Err(DecodeError::Invalid);
        }
        Ok(messages)
    }
}
