//! What is asked of Admin.

use super::{Operation, Target};
use crate::{Code, DecodeError, Name, Reader, Writer};

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
}

const STATUS: Code = Code(0x0401);
const RING: Code = Code(0x0402);
const CHECKPOINTS: Code = Code(0x0403);
const COMPONENTS: Code = Code(0x0404);
const WATCH: Code = Code(0x0405);
const PROBE_START: Code = Code(0x0406);
const PROBE_SEND: Code = Code(0x0407);
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
