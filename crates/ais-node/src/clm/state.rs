//! The members and what is known of them: the replicated part of CLM.

use crate::{Digest, Event};
use ais_proto::clm::{self, Change};
use ais_totem::View;
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// What a node says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(super) name: Name,
    pub(super) cluster: Name,
    /// Nanoseconds since the epoch.
    pub(super) boot_timestamp: i64,
}

impl Record {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.name(&self.name).name(&self.cluster).i64(self.boot_timestamp);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { name: input.name()?, cluster: input.name()?, boot_timestamp: input.i64()? })
    }

    fn node(&self, id: NodeId, member: bool) -> clm::Node {
        clm::Node {
            id: id.to_api(),
            address: id.address().octets(),
            name: self.name.clone(),
            cluster: self.cluster.clone(),
            member,
            boot_timestamp: self.boot_timestamp,
        }
    }
}

/// The members of the view that is shown to programs, and of the one that is
/// shown next.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The number of the view that is shown; 0 before the first.
    shown_view: u64,
    shown: BTreeMap<NodeId, Record>,
    view: u64,
    /// `None`: the record has not come yet.
    members: BTreeMap<NodeId, Option<Record>>,
    /// Joined since the view that is shown; some of them may be shown as who
    /// they were before they left.
    joined: BTreeSet<NodeId>,
}

impl Members {
    /// Takes a view over.
    pub(super) fn install(&mut self, view: &View) {
        self.view = view.id.number;
        for id in &view.left {
            self.members.remove(id);
            self.joined.remove(id);
        }
        // A member that nothing is known of has joined too: in the first view
        // of a node that may be itself.
        let is_new = |id: &&NodeId| view.joined.contains(id) || !self.members.contains_key(id);
        let new: Vec<_> = view.members.iter().filter(is_new).copied().collect();
        for id in new {
            self.members.insert(id, None);
            self.joined.insert(id);
        }
    }

    /// Takes what a member says of itself, the first time.
    pub(super) fn add_record(&mut self, id: NodeId, record: Record) {
        if let Some(known @ None) = self.members.get_mut(&id) {
            *known = Some(record);
        }
    }

    /// Shows the view if all its members are known and it is not shown yet:
    /// who left and who joined since the last one that was.
    pub(super) fn show(&mut self) -> Option<Vec<(clm::Node, Change)>> {
        if self.shown_view == self.view || self.members.values().any(Option::is_none) {
            return None;
        }
        let gone = |id: &NodeId| !self.members.contains_key(id) || self.joined.contains(id);
        let left = self.shown.iter().filter(|(id, _)| gone(id));
        let mut changes: Vec<_> =
            left.map(|(id, record)| (record.node(*id, false), Change::Left)).collect();
        self.shown_view = self.view;
        let known = |(id, record): (&NodeId, &Option<Record>)| Some((*id, record.clone()?));
        self.shown = self.members.iter().filter_map(known).collect();
        let joined = std::mem::take(&mut self.joined);
        changes.extend(joined.iter().filter_map(|id| Some((self.node(*id)?, Change::Joined))));
        Some(changes)
    }

    /// How many members are shown; 0 before the first view.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// The members that are shown, lowest first.
    pub(super) fn nodes(&self) -> impl Iterator<Item = clm::Node> {
        self.shown.iter().map(|(id, record)| record.node(*id, true))
    }

    pub(super) fn node(&self, id: NodeId) -> Option<clm::Node> {
        self.shown.get(&id).map(|record| record.node(id, true))
    }

    /// A track callback.
    pub(super) fn track(&self, subscription: u32, items: Vec<(clm::Node, Change)>) -> Event {
        Event::Clm(clm::Event::Track {
            subscription,
            view: self.shown_view,
            // A view has at most 128 members.
            members: self.shown.len() as u32,
            items,
        })
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(self.view);
        for (id, record) in &self.members {
            digest.bytes(&id.address().octets());
            if let Some(record) = record {
                let mut out = Writer::new();
                record.encode(&mut out);
                digest.bytes(&out.into_bytes());
            }
        }
    }
}
