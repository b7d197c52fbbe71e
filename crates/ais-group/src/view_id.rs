//! The identity of a view.

use ais_wire::NodeId;
use std::fmt;

/// Which view: no two views of a cluster ever have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId {
    /// Grows with every view at every member. Two sides of a partition may
    /// count alike.
    pub number: u64,
    /// The lowest member.
    pub representative: NodeId,
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.representative, self.number)
    }
}
