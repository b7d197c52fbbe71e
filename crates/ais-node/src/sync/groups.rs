//! Whether this node may take part in AMF: only members with the same
//! groups.conf can run the same model.

use super::message::{Announce, GroupsDigest};
use super::plan::Plan;
use ais_wire::{Name, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// Names of groups in a line of the log.
const MAX_NAMES: usize = 8;

/// The groups.conf of this node and the one that AMF runs with.
#[derive(Debug)]
pub(crate) struct GroupsInUse {
    pub(crate) own: GroupsDigest,
    /// The digest of the file that AMF runs with.
    pub(crate) in_use: u64,
    /// The members that have it.
    members: BTreeSet<NodeId>,
}

/// What a new plan means for AMF on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing new.
    Same,
    /// The cluster runs with another file than this node has.
    Excluded,
    /// The cluster runs with the file of this node now, and did not before.
    Included,
}

impl GroupsInUse {
    pub(crate) fn new(me: NodeId, own: GroupsDigest) -> Self {
        Self { in_use: own.all, own, members: BTreeSet::from([me]) }
    }

    /// Whether this node takes part in AMF.
    pub(crate) fn is_ours(&self) -> bool {
        self.in_use == self.own.all
    }

    /// Whether messages of AMF from this member count here.
    pub(crate) fn takes_from(&self, member: NodeId) -> bool {
        self.is_ours() && self.members.contains(&member)
    }

    /// Goes on as planned.
    pub(crate) fn adopt(&mut self, plan: &Plan) -> Change {
        let was_ours = self.is_ours();
        self.in_use = plan.groups;
        self.members = plan.amf.iter().copied().collect();
        match (was_ours, self.is_ours()) {
            (true, false) => Change::Excluded,
            (false, true) => Change::Included,
            _ => Change::Same,
        }
    }

    /// How the file of this node differs from the one in use, for people.
    pub(crate) fn difference(&self, announces: &BTreeMap<NodeId, Announce>) -> String {
        let mut with_file = announces.iter().filter(|(_, of)| of.groups.all == self.in_use);
        let Some((node, theirs)) = with_file.next() else {
            return "no member has the file it runs with".into();
        };
        let theirs: BTreeMap<&Name, u64> =
            theirs.groups.groups.iter().map(|(name, digest)| (name, *digest)).collect();
        let own: BTreeMap<&Name, u64> =
            self.own.groups.iter().map(|(name, digest)| (name, *digest)).collect();
        let names: BTreeSet<&Name> = theirs.keys().chain(own.keys()).copied().collect();
        let differ = names.into_iter().filter(|name| theirs.get(*name) != own.get(*name));
        let mut differ: Vec<String> = differ.take(MAX_NAMES + 1).map(Name::to_string).collect();
        if differ.is_empty() {
            return format!("the order of the groups, or a later group, is another on {node}");
        }
        if differ.len() > MAX_NAMES {
            differ[MAX_NAMES] = "more".into();
        }
        format!("different from {node} in: {}", differ.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    fn digest(all: u64, groups: &[(&str, u64)]) -> GroupsDigest {
        let name = |text: &str| Name::try_from(text).unwrap();
        let groups = groups.iter().map(|(text, digest)| (name(text), *digest)).collect();
        GroupsDigest { all, groups }
    }

    #[test]
    fn what_differs_is_named() {
        let mut groups = GroupsInUse::new(node(1), digest(1, &[("a", 1), ("b", 2), ("c", 3)]));
        let theirs = digest(2, &[("a", 1), ("b", 9), ("d", 4)]);
        let announce = Announce { groups: theirs, ..Announce::default() };
        groups.in_use = 2;
        let announces = BTreeMap::from([(node(2), announce)]);
        assert_eq!(groups.difference(&announces), "different from 10.0.0.2 in: b, c, d");
        groups.own = digest(1, &(0..20).map(|_| ("x", 0)).collect::<Vec<_>>());
        assert_eq!(groups.difference(&announces), "different from 10.0.0.2 in: a, b, d, x");
        groups.own = announces[&node(2)].groups.clone();
        assert!(groups.difference(&announces).starts_with("the order of the groups"));
    }

    #[test]
    fn a_node_is_excluded_and_included_once() {
        let mut groups = GroupsInUse::new(node(1), digest(1, &[]));
        assert!(groups.takes_from(node(1)) && !groups.takes_from(node(2)));
        let plan = |groups, amf: &[u8]| Plan {
            sides: Vec::new(),
            fresh: Vec::new(),
            filling: Vec::new(),
            fill_from: crate::ckpt::Cursor::START,
            groups,
            amf: amf.iter().copied().map(node).collect(),
        };
        assert_eq!(groups.adopt(&plan(1, &[1, 3])), Change::Same);
        assert!(groups.takes_from(node(3)) && !groups.takes_from(node(2)));
        assert_eq!(groups.adopt(&plan(2, &[2])), Change::Excluded);
        assert!(!groups.takes_from(node(2)));
        assert_eq!(groups.adopt(&plan(2, &[2])), Change::Same);
        assert_eq!(groups.adopt(&plan(1, &[1])), Change::Included);
    }
}
