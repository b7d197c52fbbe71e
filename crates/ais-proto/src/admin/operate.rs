//! Administrative operations of AMF: what an operator has done to groups,
//! units, components and nodes.

use crate::numbers::numbered;
use crate::{Name, NodeId};
use ais_wire::{methods, record, tagged};

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

tagged! {
    /// What to do it to.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Target {
        /// The group of this name.
        1 Group(name: Name),
        /// The unit of this name.
        2 Unit(name: Name),
        /// The component of this name.
        3 Component(name: Name),
        /// All that is registered on a node.
        4 Node(node: NodeId),
    }
}

record! {
    /// What became of an operation.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Operated {
        /// Whether it is done or under way.
        pub is_accepted: bool,
        /// What is done, or why not, for people.
        pub words: String,
    }
}

record! {
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
}

methods!(pub Target, Operated, AmfNode);
