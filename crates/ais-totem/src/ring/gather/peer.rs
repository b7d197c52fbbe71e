//! What a member that gathers knows of another node.

use super::super::greeting::contains;
use crate::packet::Join;
use crate::{Timing, ViewId};
use ais_wire::NodeId;

#[derive(Debug)]
pub(super) struct Peer {
    /// The node is silent if no JOIN of it comes until then.
    pub(super) deadline: u64,
    /// A JOIN of the node has come, and when the last one did.
    pub(super) heard: bool,
    heard_at: u64,
    /// The longest time that passed between two JOINs.
    longest: u64,
    /// When the first JOIN of the node came.
    first_at: Option<u64>,
    /// A JOIN of the node has said that it takes no link on trust.
    pub(super) is_careful: bool,
    /// The nodes that its last JOIN wants in the next ring.
    wants: Vec<NodeId>,
    /// The nodes that its last JOIN calls failed.
    fails: Vec<NodeId>,
    /// The nodes that it says it hears and that hear it.
    mutual: Vec<NodeId>,
    /// The ring it comes from.
    pub(super) ring: Option<ViewId>,
    /// The host of the node says that nobody listens there.
    pub(super) refused: bool,
    /// The view number in its last JOIN, or of the ring that a HELLO says it is
    /// in.
    pub(super) number: u64,
    /// When that number became higher.
    raised_at: Option<u64>,
}

impl Peer {
    pub(super) fn new(deadline: u64, ring: Option<ViewId>) -> Self {
        Self {
            deadline,
            heard: false,
            heard_at: 0,
            longest: 0,
            first_at: None,
            is_careful: false,
            wants: Vec::new(),
            fails: Vec::new(),
            mutual: Vec::new(),
            ring,
            refused: false,
            number: 0,
            raised_at: None,
        }
    }

    /// Takes in a JOIN, which wants `wants`.
    pub(super) fn note(&mut self, now: u64, join: &Join, wants: Vec<NodeId>, timing: Timing) {
        self.deadline = now.saturating_add(timing.consensus());
        self.longest = self.silence_by(now).unwrap_or(0);
        (self.heard, self.refused) = (true, false);
        self.heard_at = now;
        self.first_at.get_or_insert(now);
        self.note_number(now, join.number, timing);
        self.ring = join.ring;
        self.wants = wants;
        self.note_failed(join);
        self.mutual.clone_from(&join.mutual);
    }

    /// Takes in which nodes a JOIN calls failed. A JOIN that calls this member so
    /// changes nothing else.
    pub(super) fn note_failed(&mut self, join: &Join) {
        self.fails.clone_from(&join.failed);
    }

    /// What the node said of its links is not to count any more.
    pub(super) fn doubt(&mut self, deadline: u64) {
        self.deadline = self.deadline.max(deadline);
        self.mutual.clear();
    }

    /// The node was there until now, and has until `deadline` to say what it wants.
    pub(super) fn go_on(&mut self, now: u64, deadline: u64) {
        if !self.refused {
            self.deadline = self.deadline.max(deadline);
        }
        self.wants.clear();
        if self.heard {
            self.heard_at = now;
        }
    }

    pub(super) fn agrees(&self, wanted: &[NodeId]) -> bool {
        self.heard && self.wants == wanted && !wanted.iter().any(|&node| self.fails(node))
    }

    /// The node is in another ring. If it has sent no JOIN for long it does not wait
    /// for the ring that it agreed to any more.
    pub(super) fn note_ring(&mut self, now: u64, timing: Timing) {
        if now >= self.heard_at.saturating_add(timing.consensus()) {
            self.wants.clear();
        }
    }

    /// The node has not answered in time. A node that agrees has nothing more to say:
    /// it waits for others as this member does, or for the commit token.
    pub(super) fn is_silent(&self, now: u64, wanted: &[NodeId]) -> bool {
        now >= self.deadline && (self.refused || !self.agrees(wanted))
    }

    /// For how long at most no JOIN of the node came since its first one.
    pub(super) fn silence_by(&self, now: u64) -> Option<u64> {
        self.heard.then(|| self.longest.max(now.saturating_sub(self.heard_at)))
    }

    /// No JOIN of the node had come by then.
    pub(super) fn is_late(&self, by: u64) -> bool {
        self.first_at.is_none_or(|at| at > by)
    }

    /// Whether the node will be in no ring with `node`.
    pub(super) fn fails(&self, node: NodeId) -> bool {
        contains(&self.fails, node)
    }

    /// Whether the node says that it and `node` hear each other.
    pub(super) fn is_linked(&self, node: NodeId) -> bool {
        self.heard && contains(&self.mutual, node)
    }

    /// Whether a JOIN with this number was sent before what is known of it.
    /// When none with the higher number has come for a while that was forged.
    pub(super) fn is_stale(&self, now: u64, number: u64, timing: Timing) -> bool {
        let again = timing.join().saturating_mul(3);
        let is_recent = |at: u64| now < at.saturating_add(again);
        number < self.number && self.raised_at.is_some_and(is_recent)
    }

    /// Notes the view number of the node. If that grows without end, numbers that it
    /// had before count for as long in between as they do not.
    pub(super) fn note_number(&mut self, now: u64, number: u64, timing: Timing) {
        let rest = timing.join().saturating_mul(6);
        if number > self.number && self.raised_at.is_none_or(|at| now >= at.saturating_add(rest)) {
            self.raised_at = Some(now);
        }
        self.number = number;
    }
}
