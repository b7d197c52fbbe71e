//! What a node has to know.

use crate::amf::config::Groups;
use crate::group::Config as GroupConfig;
use crate::{Pace, ckpt};
use ais_wire::{Name, NodeId};

/// What a node has to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its identity.
    pub node: NodeId,
    /// The group it is in.
    pub group: GroupConfig,
    /// `expected-nodes`, if there is `quorum:majority`: a view has quorum if
    /// more than half of so many are in it. `None`: every view has. It has to be
    /// right: parts of a larger cluster may both have quorum.
    pub expected_nodes: Option<u32>,
    /// The nodes that network.conf names (`member:`), lowest first. For people:
    /// which of them is missing.
    pub configured: Vec<NodeId>,
    /// `nodename`, or the dotted quad.
    pub node_name: Name,
    /// `clustername`.
    pub cluster_name: Name,
    /// When its host was booted, in nanoseconds since the epoch.
    pub boot_timestamp: i64,
    /// The bounds and rules of CKPT.
    pub ckpt: ckpt::Limits,
    /// What groups.conf says.
    pub groups: Groups,
    /// How much it does in one step.
    pub pace: Pace,
}

impl Config {
    /// What a node has to know where nobody configures more: its clients meet the
    /// default bounds, there are no components, and every view has quorum.
    #[must_use]
    pub fn new(node: NodeId, group: GroupConfig) -> Self {
        Self {
            node,
            group,
            expected_nodes: None,
            configured: Vec::new(),
            node_name: Name::default(),
            cluster_name: Name::default(),
            boot_timestamp: 0,
            ckpt: ckpt::Limits::default(),
            groups: Groups::default(),
            pace: Pace::default(),
        }
    }
}
