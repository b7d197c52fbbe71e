//! Whether this node takes part in a service with a configuration of its own: only
//! members with the same one can run the same state machine.

use super::message::Announce;
use super::plan::Plan;
use crate::service::{Fingerprint, Words};
use ais_proto::ServiceId;
use ais_wire::{Name, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// Names of parts in a line of the log.
const MAX_NAMES: usize = 8;

/// The configuration that this node has for a service, and the one that is in use.
#[derive(Debug)]
pub(crate) struct InUse {
    service: ServiceId,
    words: Words,
    pub(crate) own: Fingerprint,
    /// The digest of the configuration that the service runs with.
    pub(crate) in_use: u64,
    /// The members that have it.
    members: BTreeSet<NodeId>,
}

/// What a new plan means for a service on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing new.
    Same,
    /// The cluster runs with another configuration than this node has.
    Excluded,
    /// The cluster runs with the configuration of this node now, and did not before.
    Included,
}

impl InUse {
    pub(crate) fn new(me: NodeId, service: ServiceId, words: Words, own: Fingerprint) -> Self {
        Self { service, words, in_use: own.all, own, members: BTreeSet::from([me]) }
    }

    /// Whether this node takes part in the service.
    pub(crate) fn is_ours(&self) -> bool {
        self.in_use == self.own.all
    }

    /// Whether messages of the service from this member count here.
    pub(crate) fn takes_from(&self, member: NodeId) -> bool {
        self.is_ours() && self.members.contains(&member)
    }

    /// Goes on as planned.
    fn adopt(&mut self, plan: &Plan) -> Change {
        let was_ours = self.is_ours();
        if let Some(running) = plan.running.get(self.service) {
            self.in_use = running.configuration;
            self.members = running.members.iter().copied().collect();
        }
        match (was_ours, self.is_ours()) {
            (true, false) => Change::Excluded,
            (false, true) => Change::Included,
            _ => Change::Same,
        }
    }

    /// Goes on as planned, and says what that means for this node.
    pub(crate) fn follow(&mut self, plan: &Plan, announces: &BTreeMap<NodeId, Announce>) -> Change {
        let change = self.adopt(plan);
        let Words { service, file, .. } = self.words;
        match change {
            Change::Same => {}
            Change::Included => {
                log::info!("{service} runs with the {file} of this node from now on");
            }
            Change::Excluded => log::error!(
                "this node takes no part in {service}: its {file} is {}; give all nodes the same \
                 file and start this one anew",
                self.difference(announces)
            ),
        }
        change
    }

    /// How the configuration of this node differs from the one in use, for people.
    fn difference(&self, announces: &BTreeMap<NodeId, Announce>) -> String {
        let mut with_file = announces
            .iter()
            .map(|(node, of)| (node, &of.configuration(self.service).own))
            .filter(|(_, own)| own.all == self.in_use);
        let Some((node, theirs)) = with_file.next() else {
            return "no member has the file it runs with".into();
        };
        let theirs: BTreeMap<&Name, u64> =
            theirs.parts.iter().map(|(name, digest)| (name, *digest)).collect();
        let own: BTreeMap<&Name, u64> =
            self.own.parts.iter().map(|(name, digest)| (name, *digest)).collect();
        let names: BTreeSet<&Name> = theirs.keys().chain(own.keys()).copied().collect();
        let differ = names.into_iter().filter(|name| theirs.get(*name) != own.get(*name));
        let mut differ: Vec<String> = differ.take(MAX_NAMES + 1).map(Name::to_string).collect();
        if differ.is_empty() {
            let part = self.words.part;
            return format!("the order of the {part}s, or a later {part}, is another on {node}");
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
    use crate::services::Place;
    use crate::sync::message::Configuration;
    use crate::sync::plan::Running;

    const WORDS: Words = Words { service: "AMF", file: "groups.conf", part: "group" };

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    fn digest(all: u64, groups: &[(&str, u64)]) -> Fingerprint {
        let name = |text: &str| Name::try_from(text).unwrap();
        let parts = groups.iter().map(|(text, digest)| (name(text), *digest)).collect();
        Fingerprint { all, parts }
    }

    fn in_use(own: Fingerprint) -> InUse {
        InUse::new(node(1), ServiceId::Amf, WORDS, own)
    }

    #[test]
    fn what_differs_is_named() {
        let mut groups = in_use(digest(1, &[("a", 1), ("b", 2), ("c", 3)]));
        let own = digest(2, &[("a", 1), ("b", 9), ("d", 4)]);
        let theirs = [(ServiceId::Amf, Configuration { in_use: 2, own })].into_iter().collect();
        let announce = Announce { configurations: theirs, ..Announce::default() };
        groups.in_use = 2;
        let announces = BTreeMap::from([(node(2), announce)]);
        assert_eq!(groups.difference(&announces), "different from 10.0.0.2 in: b, c, d");
        groups.own = digest(1, &(0..20).map(|_| ("x", 0)).collect::<Vec<_>>());
        assert_eq!(groups.difference(&announces), "different from 10.0.0.2 in: a, b, d, x");
        let names: Vec<_> = (0..20).map(|number| format!("g{number:02}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
        groups.own = digest(1, &many);
        assert_eq!(
            groups.difference(&announces),
            "different from 10.0.0.2 in: a, b, d, g00, g01, g02, g03, g04, more"
        );
        groups.own = announces[&node(2)].configuration(ServiceId::Amf).own.clone();
        assert_eq!(
            groups.difference(&announces),
            "the order of the groups, or a later group, is another on 10.0.0.2"
        );
    }

    #[test]
    fn a_node_is_excluded_and_included_once() {
        let mut groups = in_use(digest(1, &[]));
        assert!(groups.takes_from(node(1)) && !groups.takes_from(node(2)));
        let plan = |configuration, amf: &[u8]| {
            let members = amf.iter().copied().map(node).collect();
            Plan {
                sides: Vec::new(),
                fresh: Vec::new(),
                filling: Vec::new(),
                fill_from: Place::START,
                running: [(ServiceId::Amf, Running { configuration, members })]
                    .into_iter()
                    .collect(),
            }
        };
        assert_eq!(groups.adopt(&plan(1, &[1, 3])), Change::Same);
        assert!(groups.takes_from(node(3)) && !groups.takes_from(node(2)));
        assert_eq!(groups.adopt(&plan(2, &[2])), Change::Excluded);
        assert!(!groups.takes_from(node(2)));
        assert_eq!(groups.adopt(&plan(2, &[2])), Change::Same);
        assert_eq!(groups.adopt(&plan(1, &[1])), Change::Included);
    }
}
