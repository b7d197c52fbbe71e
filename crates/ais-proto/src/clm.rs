//! CLM: requests, replies and events (A.01.01 section CLM).

use crate::numbers::numbered;
use crate::track::TrackFlags;
use crate::{AisError, Code, DecodeError, Name, Outcome, Reader, RequestKind, Telling, Writer};

/// A request to CLM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `saClmClusterTrackStart`. Reply: nothing.
    TrackStart {
        /// What is asked for.
        flags: TrackFlags,
        /// How many notifications the program's buffer holds.
        capacity: u64,
        /// Comes back in every event of this subscription.
        subscription: u32,
    },
    /// `saClmClusterTrackStop`. Reply: nothing.
    TrackStop,
    /// `saClmClusterNodeGet`. Reply: a [`Node`].
    NodeGet {
        /// The node as the program named it.
        node: u64,
    },
    /// `saClmClusterNodeGetAsync`. Reply: nothing; then [`Event::NodeGet`].
    NodeGetAsync {
        /// The node as the program named it.
        node: u64,
        /// Comes back in the event.
        tag: u32,
    },
}

/// The node that the program may name without knowing its id
/// (`SA_CLM_LOCAL_NODE_ID`), and how later versions name it.
pub const LOCAL_NODE_ID: [u64; 2] = [0, 0xffff_ffff];

const TRACK_START: Code = Code(0x0101);
const TRACK_STOP: Code = Code(0x0102);
const NODE_GET: Code = Code(0x0103);
const NODE_GET_ASYNC: Code = Code(0x0104);
const EVENT_TRACK: Code = Code(0x0181);
const EVENT_NODE_GET: Code = Code(0x0182);

impl Request {
    /// The code of the request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TrackStart { .. } => TRACK_START,
            Self::TrackStop => TRACK_STOP,
            Self::NodeGet { .. } => NODE_GET,
            Self::NodeGetAsync { .. } => NODE_GET_ASYNC,
        }
    }

    /// Appends the body of the request.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::TrackStart { flags, capacity, subscription } => {
                out.u8(flags.bits()).u64(*capacity).u32(*subscription);
            }
            Self::TrackStop => {}
            Self::NodeGet { node } => {
                out.u64(*node);
            }
            Self::NodeGetAsync { node, tag } => {
                out.u64(*node).u32(*tag);
            }
        }
    }

    pub(crate) fn decode(code: Code, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match code {
            TRACK_START => Self::TrackStart {
                flags: TrackFlags::from_api(input.u8()?).ok_or(DecodeError::Invalid)?,
                capacity: input.u64()?,
                subscription: input.u32()?,
            },
            TRACK_STOP => Self::TrackStop,
            NODE_GET => Self::NodeGet { node: input.u64()? },
            NODE_GET_ASYNC => Self::NodeGetAsync { node: input.u64()?, tag: input.u32()? },
            _ => return Err(DecodeError::Invalid),
        })
    }
}

/// A node of the cluster (`SaClmClusterNodeT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `nodeId`: the address in network byte order, as a number.
    pub id: u32,
    /// `nodeAddress`: the four octets.
    pub address: [u8; 4],
    /// `nodeName`.
    pub name: Name,
    /// `clusterName`.
    pub cluster: Name,
    /// Whether it is a member now.
    pub member: bool,
    /// When its host was booted, in nanoseconds since the epoch.
    pub boot_timestamp: i64,
}

impl Node {
    /// Appends the node.
    pub fn encode(&self, out: &mut Writer) {
        out.u32(self.id).raw(&self.address).name(&self.name).name(&self.cluster);
        out.bool(self.member).i64(self.boot_timestamp);
    }

    /// Reads a node.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = input.u32()?;
        let octets = input.take(4)?;
        Ok(Self {
            id,
            address: [octets[0], octets[1], octets[2], octets[3]],
            name: input.name()?,
            cluster: input.name()?,
            member: input.bool()?,
            boot_timestamp: input.i64()?,
        })
    }
}

numbered! {
    /// `SaClmClusterChangesT`.
    pub enum Change {
        /// Nothing happened to the node.
        NoChange = 1,
        /// It joined.
        Joined = 2,
        /// It left.
        Left = 3,
    }
}

/// What a callback of CLM is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `saClmClusterTrackCallback`.
    Track {
        /// Which `TrackStart` asked for it.
        subscription: u32,
        /// The view number.
        view: u64,
        /// How many members the cluster has.
        members: u32,
        /// The notifications.
        items: Vec<(Node, Change)>,
    },
    /// `saClmClusterNodeGetCallback`.
    NodeGet {
        /// Which request it answers.
        tag: u32,
        /// The node, or why there is none.
        result: Result<Node, AisError>,
    },
}

impl Event {
    /// The code of the event.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Track { .. } => EVENT_TRACK,
            Self::NodeGet { .. } => EVENT_NODE_GET,
        }
    }

    /// The body of the event.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Track { subscription, view, members, items } => {
                out.u32(*subscription).u64(*view).u32(*members);
                out.list(items, |out, (node, change)| {
                    node.encode(out);
                    out.u8(*change as u8);
                });
            }
            Self::NodeGet { tag, result } => {
                out.u32(*tag);
                match result {
                    Ok(node) => node.encode(out.bool(true)),
                    Err(error) => {
                        out.bool(false).u8(*error as u8);
                    }
                }
            }
        }
        out.into_bytes()
    }

    /// Reads an event.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(code: Code, body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        let event = match code {
            EVENT_TRACK => Self::Track {
                subscription: input.u32()?,
                view: input.u64()?,
                members: input.u32()?,
                items: input.list(|input| Ok((Node::decode(input)?, Change::decode(input)?)))?,
            },
            EVENT_NODE_GET => Self::NodeGet {
                tag: input.u32()?,
                result: if input.bool()? {
                    Ok(Node::decode(&mut input)?)
                } else {
                    Err(AisError::decode(&mut input)?)
                },
            },
            _ => return Err(DecodeError::Invalid),
        };
        input.finish()?;
        Ok(event)
    }
}

impl Request {
    /// When the node itself may refuse the request, and how its program gets the outcome.
    pub(crate) fn handling(&self) -> (RequestKind, Outcome) {
        match self {
            Self::NodeGetAsync { tag, .. } => {
                let failed = |tag, error| Event::NodeGet { tag, result: Err(error) }.into();
                (RequestKind::Other, Outcome::Event { tag: *tag, failed })
            }
            Self::TrackStart { flags, .. } => (RequestKind::Other, Outcome::of_track(*flags)),
            Self::TrackStop => (RequestKind::Release, Outcome::Reply),
            Self::NodeGet { .. } => (RequestKind::Other, Outcome::Reply),
        }
    }
}

impl Event {
    /// Which events about the same are told. The node makes those of tracking when their
    /// program has room for them.
    pub(crate) fn telling(&self) -> Telling {
        match self {
            Self::NodeGet { .. } => Telling::Outcome { unsettled: None },
            Self::Track { .. } => Telling::Each,
        }
    }
}
