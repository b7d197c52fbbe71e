//! The members and what is known of them: the replicated part of CLM.

use crate::record::Record;
use crate::{Digest, Event};
use ais_group::View;
use ais_proto::clm::{self, Change};
use ais_wire::{NodeId, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A node as programs are shown it.
fn node(record: &Record, id: NodeId) -> clm::Node {
    clm::Node {
        id: id.to_api(),
        address: id.address().octets(),
        name: record.name.clone(),
        cluster: record.cluster.clone(),
        member: true,
        boot_timestamp: record.boot_timestamp,
    }
}

/// The members of a view as programs are shown them.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The number of the view; 0 before the first.
    view: u64,
    members: BTreeMap<NodeId, Member>,
}

#[derive(Debug, Clone)]
struct Member {
    node: Rc<clm::Node>,
    /// The view in which it was first shown since it joined.
    since: u64,
}

impl Shown {
    /// Who of those that a program was told is there no more, and who has come
    /// since. One that has been away is both.
    pub(super) fn changes_since(&self, told: &Self) -> Vec<(clm::Node, Change)> {
        let is_in = |shown: &Self, id: &NodeId, member: &Member| {
            shown.members.get(id).is_some_and(|of| of.since == member.since)
        };
        let left = told.members.iter().filter(|(id, member)| !is_in(self, id, member));
        let left = left.map(|(_, Member { node, .. })| {
            (clm::Node { member: false, ..(**node).clone() }, Change::Left)
        });
        let joined = self.members.iter().filter(|(id, member)| !is_in(told, id, member));
        left.chain(joined.map(|(_, of)| ((*of.node).clone(), Change::Joined))).collect()
    }

    /// The members that a program was told already, lowest first.
    pub(super) fn unchanged_since(&self, told: &Self) -> impl Iterator<Item = (clm::Node, Change)> {
        let same = move |(id, member): &(&NodeId, &Member)| {
            told.members.get(id).is_some_and(|of| of.since == member.since)
        };
        let members = self.members.iter().filter(same);
        members.map(|(_, of)| ((*of.node).clone(), Change::NoChange))
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
}

/// The members of the view that is shown to programs, and of the one that is
/// shown next.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Programs that have not been told since share it.
    shown: Rc<Shown>,
    view: u64,
    /// `None`: the record has not come yet.
    members: BTreeMap<NodeId, Option<Record>>,
    /// Joined since the view that is shown, or not what is shown of them; some of
    /// them may be shown as who they were before they left.
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

    /// Takes what a member says of itself in this view. It says the same in each; if
    /// something else was known of it, as one announcement was damaged or forged, it is
    /// shown as another one.
    pub(super) fn add_record(&mut self, id: NodeId, record: Record) {
        let Some(known) = self.members.get_mut(&id) else { return };
        if known.as_ref() != Some(&record) && known.replace(record).is_some() {
            self.joined.insert(id);
        }
    }

    /// Shows the view if all its members are known and it is not shown yet.
    /// Whether others are members than before.
    pub(super) fn show(&mut self) -> bool {
        let is_shown = self.shown.view == self.view && self.joined.is_empty();
        if is_shown || self.members.values().any(Option::is_none) {
            return false;
        }
        let joined = std::mem::take(&mut self.joined);
        let member = |(id, record): (&NodeId, &Option<Record>)| {
            let known = self.shown.members.get(id).filter(|_| !joined.contains(id)).cloned();
            let node = Rc::new(node(record.as_ref()?, *id));
            Some((*id, known.unwrap_or(Member { node, since: self.view })))
        };
        let members = self.members.iter().filter_map(member).collect();
        let shown = Shown { view: self.view, members };
        let has_changed = !shown.changes_since(&self.shown).is_empty();
        self.shown = Rc::new(shown);
        has_changed
    }

    /// What is shown.
    pub(super) fn shown(&self) -> &Rc<Shown> {
        &self.shown
    }

    /// How many members are shown; 0 before the first view.
    pub(super) fn len(&self) -> usize {
        self.shown.members.len()
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&clm::Node> {
        self.shown.members.get(&id).map(|member| &*member.node)
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
