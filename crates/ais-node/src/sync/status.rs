//! What a node tells people about its state.

use super::{Phase, Sync};
use ais_proto::ServiceId;
use ais_wire::NodeId;

/// Where the state of a node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    /// `gathering`, `serving`, `waiting`, `receiving`, `filling`, `merging` or
    /// `out`.
    pub phase: &'static str,
    /// The members that are known to have the same state, lowest first.
    pub synced: Vec<NodeId>,
    /// The member that proposes what time brings; `None` if nobody does, as
    /// on a side without quorum.
    pub lead: Option<NodeId>,
    /// Which state this node has: members with the same have the same state.
    /// `None` if it has none.
    pub lineage: Option<u64>,
    /// How often states have been sent in this view; 0 if nobody needed one.
    pub attempt: u32,
    /// Members that came along from the last view and had been given something
    /// else there, since the start.
    pub divergences: u64,
    /// Bytes of states sent and taken since the start.
    pub bytes_moved: u64,
    /// Whether what all have to agree on may change here: the node has all of the state,
    /// and has synchronised with a quorum.
    pub may_change: bool,
    /// The services that this node takes no part in, as the cluster runs them with another
    /// configuration than this node has.
    pub excluded: Vec<ServiceId>,
}

impl SyncStatus {
    /// Whether this node takes part in a service.
    #[must_use]
    pub fn takes_part(&self, service: ServiceId) -> bool {
        !self.excluded.contains(&service)
    }
}

impl Sync {
    pub(crate) fn status(&self) -> SyncStatus {
        SyncStatus {
            phase: match self.phase {
                Phase::Gathering => "gathering",
                Phase::Serving => "serving",
                Phase::Waiting => "waiting",
                Phase::Receiving => "receiving",
                Phase::Filling => "filling",
                Phase::Merging => "merging",
                Phase::Out => "out",
            },
            synced: self.synced.iter().copied().collect(),
            lead: self.lead_among(|_| true),
            lineage: self.lineage.filter(|_| self.has_state()),
            attempt: self.attempt,
            divergences: self.divergences,
            bytes_moved: self.bytes_moved,
            may_change: self.may_change(),
            excluded: self.excluded(),
        }
    }
}
