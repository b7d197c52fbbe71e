//! What a ring tells people of itself: in a status, and of what is wrong in the
//! log.

use super::problems::{Key, Problem, Severity, Topic};
use super::{Ring, State};
use crate::ViewId;
use crate::config::milliseconds;
use crate::packet::{DropCounters, Dropped, Introduction, MAJOR, MINOR, OLDEST_MINOR};
use ais_wire::NodeId;

/// How often it is looked for problems that the log has to tell, in ns.
const LOOK: u64 = 1_000_000_000;

/// What a ring knows of itself, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// `operational`, `gather`, `commit`, `recovery` or `left`.
    pub state: &'static str,
    /// The last view, if there was one.
    pub view: Option<ViewId>,
    /// The members of that view.
    pub members: Vec<NodeId>,
    /// Why that view came about.
    pub why: String,
    /// What is wrong, the gravest first.
    pub problems: Vec<Problem>,
    /// What was counted since the start, by name, in a fixed order.
    pub counters: Vec<(&'static str, u64)>,
}

impl Ring {
    /// What the ring knows of itself, for people, at the time of the last call.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut counters = self.core.counters.clone();
        counters.malformed = self.core.assembly.malformed();
        let problems = self.problems(self.called_at);
        Status {
            state: self.state.name(),
            view: self.view.as_ref().map(|view| view.id),
            members: self.view.as_ref().map_or_else(Vec::new, |view| view.members.clone()),
            why: self.view.as_ref().map_or_else(String::new, |view| view.why.clone()),
            problems: problems.into_iter().map(|(_, problem)| problem).collect(),
            counters: counters.list(),
        }
    }

    /// What is wrong now, the gravest first. Whatever people are to be told of is
    /// put together here: what packets have shown (`problems.rs`), and what this
    /// member sees of itself. Each key is there once.
    fn problems(&self, now: u64) -> Vec<(Key, Problem)> {
        let mut problems = Vec::new();
        if let State::Left = self.state {
            return problems;
        }
        problems.extend(self.standstill(now));
        problems.extend(self.core.problems.lasting(now, self.last_members()));
        let links = self.core.links.problems(now, self.core.me);
        // A node of an older version shows no links, whatever they are like.
        let is_older = |node| {
            let is_it = |(key, problem): &(Key, Problem)| {
                *key == (Topic::Version, node) && problem.severity < Severity::Notice
            };
            problems.iter().any(is_it)
        };
        let links: Vec<_> = links.into_iter().filter(|((_, node), _)| !is_older(*node)).collect();
        problems.extend(links);
        problems.sort_by_key(|(key, problem)| (problem.severity, *key));
        problems
    }

    /// Has the log tell of each problem once a minute, as long as it lasts.
    pub(super) fn tell_problems(&mut self, now: u64) {
        let is_early = |at: u64| now < at.saturating_add(LOOK);
        if self.core.problems.told_at.is_some_and(is_early) || matches!(self.state, State::Left) {
            return;
        }
        self.core.problems.told_at = Some(now);
        let members = self.last_members().to_vec();
        self.core.problems.expire(now, &members);
        let problems = self.problems(now);
        for line in self.core.problems.lines(now, &problems) {
            self.core.warn(now, &line);
        }
        self.tell_of_addresses(now);
        self.look_at_seals(now);
    }

    /// Notes what JOIN and HELLO of a node show by what it tells of itself.
    #[cold]
    pub(super) fn note_told(&mut self, now: u64, from: NodeId, told: &Introduction) {
        let problems = &mut self.core.problems;
        // An older version tells of no settings.
        if !told.settings.is_empty() {
            let settings = &self.core.settings;
            let differing = settings.differing(from, &told.settings);
            problems.note(now, Topic::Settings, from, differing);
            problems.note(now, Topic::Names, from, settings.alike(from, &told.settings));
        }
        problems.note(now, Topic::Version, from, of_version(from, told.minor));
    }

    /// Notes what a packet shows that was dropped.
    #[cold]
    pub(super) fn note_dropped(&mut self, now: u64, from: NodeId, dropped: Dropped) {
        let what = format!("packets of {from} are ignored: {dropped}");
        let (topic, severity, advice) = match dropped {
            Dropped::Version(_) => {
                let advice = "run the same major version on all nodes".into();
                (Topic::Version, Severity::Degraded, advice)
            }
            Dropped::OtherCluster => {
                let is_named = self.core.members.contains(&from);
                let severity = if is_named { Severity::Degraded } else { Severity::Notice };
                (Topic::Cluster, severity, self.advice_of_cluster(from, is_named))
            }
            Dropped::OwnAddress(incarnation) => return self.on_own_address(now, incarnation),
            _ => return,
        };
        let problem = Problem { node: Some(from), severity, what, advice };
        self.core.problems.note(now, topic, from, Some(problem));
    }

    fn advice_of_cluster(&self, from: NodeId, is_named: bool) -> String {
        let cluster = &self.core.cluster;
        if is_named {
            return format!(
                "this node has clustername:{cluster}, and a line `member:{from}`; give both the \
                 same clustername in network.conf, or remove the line"
            );
        }
        format!(
            "this node has clustername:{cluster}; if {from} belongs to the same cluster, give both \
             the same clustername in network.conf; if not, an mcastport of its own for each \
             cluster ends these lines"
        )
    }

    /// A member that gets into no ring for longer than it may take.
    fn standstill(&self, now: u64) -> Option<(Key, Problem)> {
        let time = now.saturating_sub(self.operational_at);
        if time <= self.core.timing.bound() {
            return None;
        }
        let (state, cause) = (self.state.name(), &self.cause);
        let (why, advice) = if self.core.is_reserved(self.core.number()) {
            let advice = "packets between nodes get lost: look at the network, at firewalls, and \
                          at the logs of the other nodes";
            (cause.as_str(), advice)
        } else {
            let why = "the number of the next ring is not in the state directory yet";
            (why, "look at the disk of that")
        };
        let time = milliseconds(time);
        let problem = Problem {
            node: None,
            severity: Severity::Blocking,
            what: format!("this node is in no ring for {time} ms; it is in {state} ({why})"),
            advice: advice.into(),
        };
        Some(((Topic::Standstill, self.core.me), problem))
    }

    /// The members of the ring that this member is, or was last, in.
    pub(super) fn last_members(&self) -> &[NodeId] {
        self.ring.as_ref().map_or(&[], |ring| &ring.members)
    }
}

/// What is wrong where `node` speaks this minor version, if it is another one.
fn of_version(node: NodeId, minor: u8) -> Option<Problem> {
    let versions = format!("{node} speaks the protocol {MAJOR}.{minor}, this node {MAJOR}.{MINOR}");
    let (severity, what) = match minor {
        MINOR => return None,
        ..OLDEST_MINOR => {
            (Severity::Degraded, format!("{versions}: they are in no ring with each other"))
        }
        _ => (Severity::Notice, versions),
    };
    let advice = "run the same version of aisexec on all nodes".into();
    Some(Problem { node: Some(node), severity, what, advice })
}

macro_rules! counters {
    ($($field:ident $name:literal),+ $(,)?) => {
        /// What a ring counts.
        #[derive(Debug, Clone, Default)]
        pub(super) struct Counters {
            pub(super) packets: DropCounters,
            $(pub(super) $field: u64,)+
        }

        impl Counters {
            /// The counters by name, always in the same order.
            pub(super) fn list(&self) -> Vec<(&'static str, u64)> {
                let own = [$(($name, self.$field)),+];
                own.into_iter().chain(self.packets.iter()).collect()
            }
        }
    };
}

counters! {
    views "views",
    messages_sent "messages-sent",
    messages_delivered "messages-delivered",
    frames_sent "frames-sent",
    frames_received "frames-received",
    frames_known "frames-received-again",
    frames_retransmitted "frames-retransmitted",
    frames_recovered "frames-recovered",
    frames_requested "frames-requested",
    frames_too_far "dropped-frames-too-far",
    frames_other "dropped-frames-other",
    frames_forged "dropped-frames-forged",
    tokens "tokens",
    tokens_held "tokens-held",
    tokens_lingered "tokens-lingered",
    acks "acknowledgements",
    acks_late "acknowledgements-late",
    tokens_retransmitted "tokens-retransmitted",
    tokens_known "dropped-tokens-known",
    tokens_wrong "dropped-tokens-wrong",
    other_ring "dropped-other-ring",
    stale_joins "dropped-joins-stale",
    wrong_numbers "dropped-number-too-high",
    undisturbed "dropped-gathers-too-often",
    twice "dropped-address-twice",
    wrong_commits "dropped-commits",
    paused "dropped-after-pause",
    malformed "dropped-messages-malformed",
    clear "dropped-not-sealed",
    other_key "dropped-other-key",
    forged "dropped-forged",
    replayed "dropped-replayed",
    unproven "dropped-unproven",
    pauses "pauses",
    gathers_loss "gathers-token-lost",
    gathers_join "gathers-join",
    gathers_merge "gathers-other-ring",
    gathers_refused "gathers-refused",
    gathers_leave "gathers-leave",
    gathers_commit "gathers-commit-failed",
    gathers_recovery "gathers-recovery-failed",
    gathers_deaf "gathers-member-deaf",
    gathers_missing "gathers-frame-missing",
    gathers_diverged "gathers-diverged",
    gathers_numbers "gathers-numbers-used-up",
    strikes "strikes",
}
