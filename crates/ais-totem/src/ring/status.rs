//! What a ring tells people of itself.

use crate::ViewId;
use crate::packet::DropCounters;
use ais_wire::NodeId;

/// What a ring knows of itself, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// `operational`, `gather`, `commit`, `recovery` or `left`.
    pub state: &'static str,
    /// The last view, if there was one.
    pub view: Option<ViewId>,
    /// Its members.
    pub members: Vec<NodeId>,
    /// Why it came about.
    pub why: String,
    /// What was counted since the start, by name, in a fixed order.
    pub counters: Vec<(&'static str, u64)>,
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
    banned "dropped-banned",
    wrong_commits "dropped-commits",
    paused "dropped-after-pause",
    malformed "dropped-messages-malformed",
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
