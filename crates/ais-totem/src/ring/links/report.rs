//! What is wrong with links, for people.

use super::{Link, Links};
use crate::config::milliseconds;
use crate::ring::problems::{Key, Problem, Severity, Topic};
use ais_wire::NodeId;

impl Links {
    /// What is wrong with links of `me`.
    pub(in super::super) fn problems(&self, now: u64, me: NodeId) -> Vec<(Key, Problem)> {
        let strangers = self.links.iter().filter(|(_, link)| self.is_strange(now, link));
        let problems = strangers.map(|(&node, _)| self.problem_with(now, node));
        problems.chain(self.problem_of_size(me)).collect()
    }

    /// Whether a node is heard and is not let in for longer than that may take.
    fn is_strange(&self, now: u64, link: &Link) -> bool {
        let long = |since: u64| now > since.saturating_add(self.timing.bound());
        self.is_fresh(now, link.heard_at) && link.strange_since.is_some_and(long)
    }

    /// Why `node` is not let in.
    fn problem_with(&self, now: u64, node: NodeId) -> (Key, Problem) {
        let wait = milliseconds(self.damping.wait(now, node));
        let is_damped = wait > 0 && self.is_good(now, node);
        let (topic, what, advice) = if is_damped {
            let times = self.damping.times(now, node);
            let what = format!(
                "{node} was lost {times} times shortly after each other: it is let in when it was \
                 heard for {wait} ms without a break"
            );
            (Topic::Damping, what, "look at the link of that node, and at its daemon's log")
        } else {
            let what = format!("{node} is not let in: {}", self.what_is_lost(now, node));
            let advice = "look at firewalls, address masks and the mtu on the way";
            (Topic::Link, what, advice)
        };
        let severity = Severity::Degraded;
        ((topic, node), Problem { node: Some(node), severity, what, advice: advice.into() })
    }

    /// The ring keeps to shorter packets than this member could send.
    fn problem_of_size(&self, me: NodeId) -> Option<(Key, Problem)> {
        let (size, full) = (self.size, self.full);
        let problem = Problem {
            node: None,
            severity: Severity::Notice,
            what: format!(
                "packets of the ring have {size} bytes at most instead of {full}, as longer ones \
                 are lost between some nodes"
            ),
            advice: "give all interfaces on the way the same mtu; the next ring has longer ones"
                .into(),
        };
        self.is_short().then_some(((Topic::Size, me), problem))
    }

    /// What does not get through between `node` and this member, for people.
    pub(in super::super) fn what_is_lost(&self, now: u64, node: NodeId) -> String {
        let ((one, all), (there, all_there)) = (self.came(now, node), self.told(now, node));
        let me = "this node";
        let mut lost = Vec::new();
        let ways = [
            (one, "to one node (unicast)", format!("{node} to {me}")),
            (all, "to all nodes (multicast)", format!("{node} to {me}")),
            (there, "to one node (unicast)", format!("{me} to {node}")),
            (all_there, "to all nodes (multicast)", format!("{me} to {node}")),
        ];
        for (length, what, way) in ways {
            if length == 0 {
                lost.push(format!("nothing sent {what} gets from {way}"));
            } else if length < self.full {
                lost.push(format!(
                    "packets {what} with more than {length} bytes are lost from {way}: look at \
                     the mtu on the way"
                ));
            }
        }
        match lost.is_empty() {
            true => "packets are lost, or that node can be in no ring: look at its log".into(),
            false => lost.join("; "),
        }
    }
}
