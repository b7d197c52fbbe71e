//! The members and what is known of them: the replicated part of CLM.

use crate::{Digest, Event};
use ais_proto::clm::{self, Change};
use ais_totem::View;
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) cluster: Name,
    /// Nanoseconds since the epoch.
    pub(super) boot_timestamp: i64,
}

impl Record {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.name(&self.name).name(&self.cluster).i64(self.boot_timestamp);
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
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

/// The members of the view.
#[derive(Debug, Default)]
pub(super) struct Members {
    view: u64,
    /// `None`: the record has not come yet.
    members: BTreeMap<NodeId, Option<Record>>,
    /// Joined since the last view that was shown.
    joined: BTreeSet<NodeId>,
    /// Left since then, with what was known of them.
    left: BTreeMap<NodeId, Record>,
}

impl Members {
    /// Takes a view over.
    pub(super) fn install(&mut self, view: &View) {
        self.view = view.number;
        for id in &view.left {
            let record = self.members.remove(id).flatten();
            // Who joined and left without ever being shown is not news.
            if !self.joined.remove(id)
                && let Some(record) = record
            {
                self.left.insert(*id, record);
            }
        }
        for id in &view.joined {
            self.members.insert(*id, None);
            self.joined.insert(*id);
        }
    }

    /// Takes what a member says of itself. True if that was the last record
    /// that was missing.
    pub(super) fn add_record(&mut self, id: NodeId, record: Record) -> bool {
        match self.members.get_mut(&id) {
            Some(known @ None) => {
                *known = Some(record);
                self.is_complete()
            }
            _ => false,
        }
    }

    /// Whether every member is known.
    pub(super) fn is_complete(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(Option::is_some)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The members, lowest first.
    pub(super) fn nodes(&self) -> impl Iterator<Item = clm::Node> {
        self.members
            .iter()
            .filter_map(|(id, record)| record.as_ref().map(|record| record.node(*id, true)))
    }

    pub(super) fn node(&self, id: NodeId) -> Option<clm::Node> {
        self.members.get(&id)?.as_ref().map(|record| record.node(id, true))
    }

    /// Who joined and left since this was last asked.
    pub(super) fn take_changes(&mut self) -> Vec<(clm::Node, Change)> {
        let left = std::mem::take(&mut self.left);
        let left = left.into_iter().map(|(id, record)| (record.node(id, false), Change::Left));
        let joined = std::mem::take(&mut self.joined);
        let joined = joined.into_iter().filter_map(|id| Some((self.node(id)?, Change::Joined)));
        left.chain(joined).collect()
    }

    /// A track callback.
    pub(super) fn track(&self, subscription: u32, items: Vec<(clm::Node, Change)>) -> Event {
        Event::Clm(clm::Event::Track {
            subscription,
            view: self.view,
            // A view has at most 128 members.
            members: self.members.len() as u32,
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
