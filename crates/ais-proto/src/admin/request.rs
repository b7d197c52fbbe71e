//! What is asked of Admin.

use super::{Operation, Target};
use crate::{Code, DecodeError, Name, Outcome, Reader, RequestKind, Writer};

/// A request to Admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// Reply: a [`Status`](super::Status).
    Status,
    /// Reply: a [`Ring`](super::Ring), or none without a network.
    Ring,
    /// The checkpoints, by name. Reply: a [`Page`](super::Page) of
    /// [`Checkpoint`](super::Checkpoint)s.
    Checkpoints {
        /// Only those after this name.
        after: Option<Name>,
        /// So many at most.
        limit: u32,
    },
    /// The components of groups.conf, in its order. Reply: a
    /// [`Page`](super::Page) of [`Component`](super::Component)s.
    Components {
        /// The place of the first one wanted.
        first: u32,
        /// So many at most.
        limit: u32,
    },
    /// The nodes that AMF does not use as it would. Reply: a list of
    /// [`AmfNode`](super::AmfNode)s.
    AmfNodes,
    /// Has something done to a part of AMF. Reply: [`Operated`](super::Operated),
    /// when all nodes know of it.
    Operate {
        /// What to do.
        operation: Operation,
        /// What to do it to.
        target: Target,
    },
    /// On a handle: every view from now on is an event, the present one the
    /// first. Reply: nothing.
    Watch,
    /// On a handle: what is delivered for probes comes as events from now on.
    /// Reply: a [`Started`](super::Started).
    ProbeStart,
    /// On such a handle: sends messages to the probes of all nodes. Reply:
    /// nothing, once the last of them is delivered on this node.
    ProbeSend {
        /// The messages, at least one.
        messages: Vec<&'a [u8]>,
    },
    /// On a handle: takes the checkpoint of this name as it is now, in the
    /// place of the one that was taken before. Reply: an
    /// [`Inspected`](super::Inspected); `NOT_EXIST` if there is none, `BUSY`
    /// if too many are taken.
    Inspect {
        /// The name.
        name: Name,
    },
    /// Of the checkpoint that the handle has taken: the sections, the oldest
    /// first. Reply: a [`Page`](super::Page) of
    /// [`Section`](crate::ckpt::Section)s.
    InspectSections {
        /// Those from this number on.
        first: u64,
    },
    /// Of the checkpoint that the handle has taken: the first bytes of a
    /// section that are stored at or after a place. Reply: a
    /// [`Piece`](super::Piece), or none if only zeros follow.
    InspectBytes {
        /// The number of the section.
        section: u64,
        /// The place.
        offset: u32,
    },
    /// On a handle: which processes have the checkpoint of this name open.
    /// Reply: nothing; then from each node an
    /// [`Event::Openers`](super::Event::Openers).
    AskOpeners {
        /// The name.
        name: Name,
    },
}

const STATUS: Code = Code(0x0401);
const RING: Code = Code(0x0402);
const CHECKPOINTS: Code = Code(0x0403);
const COMPONENTS: Code = Code(0x0404);
const WATCH: Code = Code(0x0405);
const PROBE_START: Code = Code(0x0406);
const PROBE_SEND: Code = Code(0x0407);
const INSPECT: Code = Code(0x0420);
const INSPECT_SECTIONS: Code = Code(0x0421);
const INSPECT_BYTES: Code = Code(0x0422);
const ASK_OPENERS: Code = Code(0x0423);
const AMF_NODES: Code = Code(0x0408);
const OPERATE: Code = Code(0x0409);

impl<'a> Request<'a> {
    /// The code of the request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Status => STATUS,
            Self::Ring => RING,
            Self::Checkpoints { .. } => CHECKPOINTS,
            Self::Components { .. } => COMPONENTS,
            Self::AmfNodes => AMF_NODES,
            Self::Operate { .. } => OPERATE,
            Self::Watch => WATCH,
            Self::ProbeStart => PROBE_START,
            Self::ProbeSend { .. } => PROBE_SEND,
            Self::Inspect { .. } => INSPECT,
            Self::InspectSections { .. } => INSPECT_SECTIONS,
            Self::InspectBytes { .. } => INSPECT_BYTES,
            Self::AskOpeners { .. } => ASK_OPENERS,
        }
    }

    /// Appends the body of the request.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Status | Self::Ring | Self::AmfNodes | Self::Watch | Self::ProbeStart => {}
            Self::Operate { operation, target } => target.encode(out.u8(*operation as u8)),
            Self::Checkpoints { after, limit } => {
                out.option(after.as_ref(), |out, name| {
                    out.name(name);
                });
                out.u32(*limit);
            }
            Self::Components { first, limit } => {
                out.u32(*first).u32(*limit);
            }
            Self::Inspect { name } | Self::AskOpeners { name } => {
                out.name(name);
            }
            Self::InspectSections { first } => {
                out.u64(*first);
            }
            Self::InspectBytes { section, offset } => {
                out.u64(*section).u32(*offset);
            }
            Self::ProbeSend { messages } => {
                out.list(messages, |out, message| {
                    out.bytes(message);
                });
            }
        }
    }

    pub(crate) fn decode(code: Code, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            STATUS => Self::Status,
            RING => Self::Ring,
            CHECKPOINTS => {
                Self::Checkpoints { after: input.option(Reader::name)?, limit: input.u32()? }
            }
            COMPONENTS => Self::Components { first: input.u32()?, limit: input.u32()? },
            AMF_NODES => Self::AmfNodes,
            OPERATE => Self::Operate {
                operation: Operation::decode(input)?,
                target: Target::decode(input)?,
            },
            WATCH => Self::Watch,
            PROBE_START => Self::ProbeStart,
            PROBE_SEND => Self::ProbeSend { messages: messages(input)? },
            INSPECT => Self::Inspect { name: input.name()? },
            ASK_OPENERS => Self::AskOpeners { name: input.name()? },
            INSPECT_SECTIONS => Self::InspectSections { first: input.u64()? },
            INSPECT_BYTES => Self::InspectBytes { section: input.u64()?, offset: input.u32()? },
            _ => return Err(DecodeError::Invalid),
        })
    }
}

fn messages<'a>(input: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, DecodeError> {
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

impl Request<'_> {
    /// When the node itself may refuse the request, and how its program gets the outcome.
    /// The answers of nodes to [`Request::AskOpeners`] are counted by what they tell.
    pub(crate) fn handling(&self) -> (RequestKind, Outcome) {
        match self {
            Self::Operate { .. } => (RequestKind::Change, Outcome::Reply),
            Self::Status
            | Self::Ring
            | Self::Checkpoints { .. }
            | Self::Components { .. }
            | Self::AmfNodes
            | Self::Watch
            | Self::ProbeStart
            | Self::ProbeSend { .. }
            | Self::Inspect { .. }
            | Self::InspectSections { .. }
            | Self::InspectBytes { .. }
            | Self::AskOpeners { .. } => (RequestKind::Inspect, Outcome::Reply),
        }
    }
}
