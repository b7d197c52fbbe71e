//! What is wrong, for people: what packets of others show is noted here, and
//! what was said of it in the log. `status.rs` puts it together.

use ais_wire::NodeId;
use std::collections::{BTreeMap, btree_map::Entry};

/// A problem that a packet has shown is taken to last for so long after the last
/// such packet, in ns.
const KEPT: u64 = 10_000_000_000;
/// A problem stands in the log once in so long, in ns.
const INTERVAL: u64 = 60_000_000_000;
/// Problems that are remembered. Those beyond are not noted.
const MAX_NOTED: usize = 256;
/// Problems that the log has in an interval; the status has all.
const MAX_LOGGED: usize = 16;

/// How much a problem hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Programs of this node wait while it lasts.
    Blocking,
    /// Something is not as it should be, and programs are served all the same.
    Degraded,
    /// What is said may be as it should be.
    Notice,
}

/// Something that is wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The node that the problem is about, if it is about one.
    pub node: Option<NodeId>,
    /// How much the problem hurts.
    pub severity: Severity,
    /// What is wrong, as a sentence without an end.
    pub what: String,
    /// What can be done about it.
    pub advice: String,
}

/// What a problem of a node is about. A node has one problem of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// This member gets into no ring.
    Standstill,
    /// Two machines have the address.
    Address,
    /// Not all gets through between the node and this member.
    Link,
    /// The node is let in later, as it was lost again and again.
    Damping,
    /// The packets of the ring are shorter than they may be.
    Size,
    /// Settings that are not equal.
    Settings,
    /// Settings that are not distinct.
    Names,
    /// The cluster has another name.
    Cluster,
    /// The key is another one, or who has it is not there.
    Key,
    /// The node speaks another version.
    Version,
}

impl Topic {
    /// Members of a ring tell each other nothing more of it, so that it lasts as
    /// long as that.
    const fn lasts_while_member(self) -> bool {
        matches!(self, Self::Settings | Self::Names)
    }
}

/// Which problem.
pub(super) type Key = (Topic, NodeId);

/// What packets have shown, and what was logged.
#[derive(Debug, Default)]
pub(super) struct Problems {
    noted: BTreeMap<Key, Noted>,
    /// What the log was told of lately, and when.
    pub(super) logged: BTreeMap<Key, u64>,
    /// When the log was last told.
    pub(super) told_at: Option<u64>,
}

#[derive(Debug)]
struct Noted {
    seen_at: u64,
    problem: Problem,
}

impl Problems {
    /// A packet of `node` shows this, or nothing.
    pub(super) fn note(&mut self, now: u64, topic: Topic, node: NodeId, problem: Option<Problem>) {
        let is_full = self.noted.len() >= MAX_NOTED;
        match (self.noted.entry((topic, node)), problem) {
            (Entry::Occupied(noted), None) => drop(noted.remove()),
            (Entry::Occupied(mut noted), Some(problem)) => {
                noted.insert(Noted { seen_at: now, problem });
            }
            (Entry::Vacant(place), Some(problem)) if !is_full => {
                place.insert(Noted { seen_at: now, problem });
            }
            (Entry::Vacant(_), _) => {}
        }
    }

    /// What was noted and lasts, for a member of a ring of `members`.
    pub(super) fn lasting<'a>(
        &'a self,
        now: u64,
        members: &'a [NodeId],
    ) -> impl Iterator<Item = (Key, Problem)> + 'a {
        let lasting =
            self.noted.iter().filter(move |(key, noted)| noted.lasts(now, **key, members));
        lasting.map(|(key, noted)| (*key, noted.problem.clone()))
    }

    /// Forgets what does not last.
    pub(super) fn expire(&mut self, now: u64, members: &[NodeId]) {
        self.noted.retain(|key, noted| noted.lasts(now, *key, members));
        self.logged.retain(|_, at| now < at.saturating_add(INTERVAL));
    }

    /// What of these problems has to stand in the log now, a line for each.
    pub(super) fn lines(&mut self, now: u64, problems: &[(Key, Problem)]) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, problem) in problems {
            if self.logged.contains_key(key) || self.logged.len() >= MAX_LOGGED {
                continue;
            }
            self.logged.insert(*key, now);
            let more = match self.logged.len() {
                MAX_LOGGED => "; more problems stand in `aisctl status`",
                _ => "",
            };
            lines.push(format!("{}; {}{more}", problem.what, problem.advice));
        }
        lines
    }
}

impl Noted {
    fn lasts(&self, now: u64, (topic, node): Key, members: &[NodeId]) -> bool {
        let is_member = || members.binary_search(&node).is_ok();
        now <= self.seen_at.saturating_add(KEPT) || topic.lasts_while_member() && is_member()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn node(host: u32) -> NodeId {
        NodeId::new((0x0a00_0000 + host).into())
    }

    fn problem(host: u32) -> Problem {
        let (what, advice) = (format!("{host}"), "stop it".into());
        Problem { node: Some(node(host)), severity: Severity::Degraded, what, advice }
    }

    fn lines(problems: &mut Problems, now: u64, members: &[NodeId]) -> Vec<String> {
        problems.expire(now, members);
        let lasting: Vec<_> = problems.lasting(now, members).collect();
        problems.lines(now, &lasting)
    }

    #[test]
    fn the_log_has_a_problem_once_a_minute_as_long_as_it_lasts() {
        let mut problems = Problems::default();
        let mut said = Vec::new();
        for second in 0..200 {
            if second < 150 {
                problems.note(second * SECOND, Topic::Cluster, node(1), Some(problem(1)));
            }
            let lines = lines(&mut problems, second * SECOND, &[]);
            said.extend(lines.into_iter().map(|line| (second, line)));
        }
        let line = || "1; stop it".to_owned();
        assert_eq!(said, [(0, line()), (60, line()), (120, line())]);
        assert_eq!(problems.lasting(159 * SECOND, &[]).count(), 0);
    }

    #[test]
    fn settings_of_members_differ_until_they_tell_others() {
        let mut problems = Problems::default();
        problems.note(0, Topic::Settings, node(1), Some(problem(1)));
        problems.note(0, Topic::Settings, node(2), Some(problem(2)));
        problems.note(0, Topic::Cluster, node(1), Some(problem(3)));
        assert_eq!(lines(&mut problems, 0, &[node(1)]).len(), 3);
        assert_eq!(lines(&mut problems, 100 * SECOND, &[node(1)]), ["1; stop it"]);
        problems.note(100 * SECOND, Topic::Settings, node(1), None);
        assert_eq!(lines(&mut problems, 200 * SECOND, &[node(1)]), [""; 0]);
    }

    #[test]
    fn what_is_remembered_and_said_is_bounded() {
        let mut problems = Problems::default();
        for second in 0..5 {
            for host in 0..2000 {
                problems.note(second * SECOND, Topic::Version, node(host), Some(problem(host)));
            }
            let said = lines(&mut problems, second * SECOND, &[]);
            assert_eq!(said.len(), if second == 0 { MAX_LOGGED } else { 0 });
        }
        assert_eq!((problems.noted.len(), problems.logged.len()), (MAX_NOTED, MAX_LOGGED));
        problems.expire(100 * SECOND, &[]);
        assert_eq!((problems.noted.len(), problems.logged.len()), (0, 0));
    }
}
