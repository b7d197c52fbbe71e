//! What becomes of checkpoints when sides meet that went on without each
//! other.
//!
//! A checkpoint is what its id says, wherever it was changed since; and what
//! has the same name is meant to be the same. So the copy of the side that
//! ranks first takes the place of all others with its id or its name, and
//! handles that had one of them open have it open. What only one side has stays. A
//! checkpoint whose name is unlinked has none, so it only meets its own id.

use super::checkpoint::Checkpoint;
use super::message::CheckpointId;
use super::state::State;
use super::{MAX_MEMBERS, Sections};
use ais_wire::NodeId;
use std::collections::VecDeque;

/// Sides that are still to be put in, in rank order, with their members. It is
/// done bit by bit, as long as it may take, before anything else changes.
#[derive(Debug, Default)]
pub(super) struct Merging {
    sides: VecDeque<(Vec<NodeId>, State)>,
}

impl State {
    /// Begins to put sides together, in rank order: the first is the state from
    /// now on, and what has the place of this one is not any more.
    pub(super) fn begin_merge(&mut self, sides: Vec<(Vec<NodeId>, Self)>) -> Merging {
        let mut sides = VecDeque::from(sides);
        let is_one = sides.len() == 1;
        let (members, first) = sides.pop_front().unwrap_or_default();
        let given_up = std::mem::replace(self, first);
        self.bury_state(given_up);
        // One side has nothing to be put together with: it goes on as it is.
        if !is_one {
            self.keep_nodes(members);
        }
        Merging { sides }
    }

    /// Goes on with that, by so many checkpoints at most. How many there were;
    /// 0: all sides are in.
    pub(super) fn go_on_with(&mut self, merging: &mut Merging, most: usize) -> usize {
        let mut done = self.keep_some(most);
        while done < most
            && let Some((members, side)) = merging.sides.front_mut()
        {
            done += 1;
            match side.pop_first() {
                Some((id, mut copy)) => {
                    copy.keep_nodes(members);
                    if let Some((_, 0)) = copy.retention() {
                        self.bury(copy.sections);
                    } else {
                        self.add(id, copy, members);
                    }
                }
                None => {
                    if let Some((_, side)) = merging.sides.pop_front() {
                        self.bury_state(side);
                    }
                }
            }
        }
        done
    }

    /// Adds what a side has that ranks after those that are here.
    fn add(&mut self, id: CheckpointId, mut copy: Checkpoint, members: &[NodeId]) {
        let namesake = || if copy.is_unlinked() { None } else { self.linked(copy.name()) };
        let standing = self.find(id).or_else(namesake);
        let mut former = std::mem::take(&mut copy.former);
        former.insert(id);
        let target = standing.unwrap_or(id);
        match standing {
            Some(standing) => {
                self.take_place(standing, &copy, members);
                self.bury(copy.sections);
            }
            None => self.insert(id, copy),
        }
        for alias in former {
            self.add_alias(alias, target);
        }
    }

    fn take_place(&mut self, standing: CheckpointId, copy: &Checkpoint, members: &[NodeId]) {
        let Some(checkpoint) = self.checkpoint_mut(standing) else { return };
        if !checkpoint.sections.are_like(&copy.sections) {
            log_replaced(checkpoint, copy, members);
        }
        checkpoint.take_place_of(copy);
    }

    /// From now on `alias` means `target` too, if it means nothing yet.
    fn add_alias(&mut self, alias: CheckpointId, target: CheckpointId) {
        if self.find(alias).is_some() {
            return;
        }
        let Some(checkpoint) = self.checkpoint_mut(target) else { return };
        checkpoint.former.insert(alias);
        let oldest = if checkpoint.former.len() > MAX_MEMBERS {
            checkpoint.former.pop_first()
        } else {
            None
        };
        self.set_alias(alias, target);
        if let Some(oldest) = oldest {
            self.remove_alias(oldest);
        }
    }
}

fn log_replaced(standing: &Checkpoint, copy: &Checkpoint, members: &[NodeId]) {
    let words =
        |sections: &Sections| format!("{} sections with {} bytes", sections.len(), sections.size());
    let members: Vec<_> = members.iter().map(NodeId::to_string).collect();
    log::warn!(
        "checkpoint {}: the copy of {} was dropped, {}; the one that stands has {}",
        copy.name(),
        members.join(" "),
        words(&copy.sections),
        words(&standing.sections),
    );
}
