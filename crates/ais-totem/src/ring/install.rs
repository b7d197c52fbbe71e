//! The end of recovery: the old ring's last deliveries, and the new view, in
//! the order of extended virtual synchrony ([SRP95] 5.3, [EVS94]).

use super::circuit::Circuit;
use super::operational::Operational;
use super::recovery::Recovery;
use super::{Ring, State};
use crate::packet::{CommitEntry, Payload};
use crate::{Output, View};
use ais_wire::NodeId;

/// Bytes of chunks that a ring of one member delivers at a time.
const ALONE_CAPACITY: usize = 60_000;

impl Ring {
    /// The new ring becomes the one this member is operational in.
    pub(super) fn install(&mut self, now: u64) {
        let State::Recovery(recovery) = std::mem::replace(&mut self.state, State::Left) else {
            return;
        };
        let old = self.ring.take();
        let view = self.next_view(&recovery, old.as_ref());
        if let Some(mut old) = old {
            self.finish(&mut old, &recovery);
        }
        self.core.say(now, &format!("view {}: {}", view.id, view.why));
        self.core.counters.views += 1;
        let left = view.left.clone();
        self.core.outputs.push_back(Output::View(view.clone()));
        self.view = Some(view);
        self.core.assembly.reset();
        self.core.queue.restart();
        self.core.reasons.clear();
        self.is_diverged = false;
        self.core.use_size(now, recovery.size);
        self.core.settle_links(now, &recovery.circuit.members, &left);
        // A node that has just started had to be let in.
        if recovery.entries.iter().any(|entry| origin(entry).is_none()) {
            self.gathers.fill();
        }
        self.refused.take_if(|(node, _)| !recovery.circuit.has(*node));
        self.hello_at = now;
        self.state = State::Operational(Operational::new(&recovery.circuit));
        self.ring = Some(recovery.circuit);
        self.settle_incarnations();
        if self.is_alone() {
            self.flush_alone();
        } else {
            self.deliver();
        }
    }

    /// Delivers what is left of the old ring: in its regular configuration
    /// what is not behind a gap, nor waits to be safe; in the transitional one
    /// the rest, but behind a gap only what cannot depend on what is missing.
    fn finish(&mut self, old: &mut Circuit, recovery: &Recovery) {
        old.stable = old.stable.max(recovery.safe);
        self.core.deliver_regular(old);
        self.core.outputs.push_back(Output::Transitional(recovery.together.clone()));
        let mut gap = false;
        for seq in old.delivered + 1..=old.frames.high() {
            match old.frames.get(seq) {
                None => gap = true,
                Some(frame) => {
                    let Payload::New { from, .. } = &frame.payload else { continue };
                    if !gap || recovery.owed.binary_search(from).is_ok() {
                        self.core.deliver(seq, frame);
                    }
                }
            }
        }
    }

    fn next_view(&self, recovery: &Recovery, old: Option<&Circuit>) -> View {
        let members = recovery.circuit.members.clone();
        let together = &recovery.together;
        let came = |node: &NodeId| old.is_some() && together.contains(node);
        let before = old.map_or(&[][..], |old| &old.members);
        let joined: Vec<_> = members.iter().copied().filter(|node| !came(node)).collect();
        let left: Vec<_> = before.iter().copied().filter(|node| !together.contains(node)).collect();
        let why = self.why(recovery, &joined, &left);
        View { id: recovery.circuit.id, members, joined, left, came_with_me: together.clone(), why }
    }

    /// Why the membership changed, in one line.
    fn why(&self, recovery: &Recovery, joined: &[NodeId], left: &[NodeId]) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut say = |what: String| {
            if !words.contains(&what) {
                words.push(what);
            }
        };
        let is_there = |node: &NodeId| recovery.circuit.has(*node);
        for node in left {
            say(match self.core.reasons.get(node) {
                Some(reason) => reason.clone(),
                None if is_there(node) => continue,
                None => format!("{node} is gone: {}", self.cause),
            });
        }
        for entry in &recovery.entries {
            let node = &entry.node;
            if !joined.contains(node) || *node == self.core.me {
                continue;
            }
            say(match origin(entry) {
                None if left.contains(node) => format!("{node} has started again"),
                None => format!("{node} joined"),
                Some(representative) => format!("met the ring of {representative}"),
            });
        }
        if words.is_empty() {
            words.push(format!("{}; the members are the same", self.cause));
        }
        words.join("; ")
    }

    /// What waited while the last ring was formed.
    fn flush_alone(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        while let Some(chunks) = self.core.queue.next_frame(ALONE_CAPACITY) {
            let seq = ring.pass_alone();
            self.core.deliver_chunks(seq, self.core.me, &chunks);
            self.core.outputs.push_back(Output::Stable(seq << 16 | 0xffff));
        }
    }
}

/// The representative of the ring a member comes from.
fn origin(entry: &CommitEntry) -> Option<NodeId> {
    Some(entry.old.as_ref()?.ring?.representative)
}
