//! Administrative operations of AMF: what an operator has done to groups,
//! units, components and nodes.

use crate::numbers::numbered;
use crate::{DecodeError, Name, NodeId, Reader, Writer};

numbered! {
    /// What to do.
    pub enum Operation {
        /// Out of service at once, in order.
        Lock = 1,
        /// May be in service again.
        Unlock = 2,
        /// Out of service when its work is finished.
        Shutdown = 3,
        /// Another takes the work over.
        SwitchOver = 4,
        /// All its errors are repaired.
        Repaired = 5,
    }
}

numbered! {
    /// What an operator has said of a group, a unit or a node.
    pub enum AdminState {
        /// It may be in service.
        Unlocked = 1,
        /// It finishes its work and then is locked.
        ShuttingDown = 2,
        /// It may not be in service.
        Locked = 3,
    }
}

/// What to do it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The group of this name.
    Group(Name),
    /// The unit of this name.
    Unit(Name),
    /// The component of this name.
    Component(Name),
    /// All that is registered on a node.
    Node(NodeId),
}

const GROUP: u8 = 1;
const UNIT: u8 = 2;
const COMPONENT: u8 = 3;
const NODE: u8 = 4;

impl Target {
    /// Appends the target.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Group(name) => out.u8(GROUP).name(name),
            Self::Unit(name) => out.u8(UNIT).name(name),
            Self::Component(name) => out.u8(COMPONENT).name(name),
            Self::Node(node) => out.u8(NODE).node(*node),
        };
    }

    /// Reads a target.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match input.u8()? {
            GROUP => Self::Group(input.name()?),
            UNIT => Self::Unit(input.name()?),
            COMPONENT => Self::Component(input.name()?),
            NODE => Self::Node(input.node()?),
            _ => return Err(DecodeError::Invalid),
        })
    }
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operated {
    /// Whether it is done or under way.
    pub is_accepted: bool,
    /// What is done, or why not, for people.
    pub words: String,
}

impl Operated {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.bool(self.is_accepted).bytes(self.words.as_bytes());
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { is_accepted: input.bool()?, words: super::report::text(input)? })
    }
}

/// A node that AMF does not use as it would: one that is locked, or was taken
/// out by an error report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmfNode {
    /// The node.
    pub node: NodeId,
    /// What an operator has said of it.
    pub admin: AdminState,
    /// The component whose error had it taken out.
    pub fault: Option<Name>,
}

impl AmfNode {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer) {
        out.node(self.node).u8(self.admin as u8).option(self.fault.as_ref(), |out, name| {
            out.name(name);
        });
    }

    /// Reads it.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            node: input.node()?,
            admin: AdminState::decode(input)?,
            fault: input.option(Reader::name)?,
        })
    }
}
