//! Memory that is given back bit by bit: what a large section or many sections
//! take needs so long that the ring would wait for it. None of it is any part
//! of what is replicated.

use super::bytes::Bytes;
use super::checkpoint::Checkpoint;
use super::message::CheckpointId;
use super::sections::Sections;
use super::shards::Shards;
use std::collections::BTreeMap;

/// Sections whose memory is given back at once.
const FEW: usize = 2048;
/// Sections that a chunk of one counts for: what it takes goes back to the system
/// page by page.
const CHUNK_COST: usize = 16;
/// Chunks of one section that are given back at once: many sections may go in
/// one step.
const SMALL: usize = 2;

/// What is still to be given back.
#[derive(Debug, Default)]
pub(super) struct Graves {
    checkpoints: Vec<BTreeMap<CheckpointId, Checkpoint>>,
    sections: Vec<Sections>,
    shards: Vec<Shards>,
    bytes: Vec<Bytes>,
}

impl Graves {
    /// The sections of a checkpoint are of no use any more.
    pub(super) fn add(&mut self, sections: Sections) {
        if cost(&sections) > FEW {
            self.sections.push(sections);
        }
    }

    /// Neither are all of another state, and what that had to give back.
    pub(super) fn add_all(
        &mut self,
        checkpoints: BTreeMap<CheckpointId, Checkpoint>,
        mut others: Self,
    ) {
        if !checkpoints.is_empty() {
            self.checkpoints.push(checkpoints);
        }
        self.checkpoints.append(&mut others.checkpoints);
        self.sections.append(&mut others.sections);
        self.shards.append(&mut others.shards);
        self.bytes.append(&mut others.bytes);
    }

    /// Neither is a copy of them.
    pub(super) fn add_copy(&mut self, shards: Shards) {
        self.shards.push(shards);
    }

    /// Neither is what a section held.
    pub(super) fn add_bytes(&mut self, bytes: Bytes) {
        if bytes.chunks() > SMALL {
            self.bytes.push(bytes);
        }
    }

    pub(super) fn are_empty(&self) -> bool {
        self.checkpoints.is_empty()
            && self.sections.is_empty()
            && self.shards.is_empty()
            && self.bytes.is_empty()
    }

    /// Gives some of it back: about [`FEW`] sections, or as many chunks as count for
    /// that.
    pub(super) fn dig(&mut self) {
        let mut left = FEW;
        while left > 0 {
            left = left.saturating_sub(self.dig_one(left).max(1));
            if self.are_empty() {
                return;
            }
        }
    }

    /// Gives at most about so many sections back of one thing; how many they count
    /// for.
    fn dig_one(&mut self, most: usize) -> usize {
        if let Some(bytes) = self.bytes.last_mut() {
            let gone = bytes.bury(most.div_ceil(CHUNK_COST)) * CHUNK_COST;
            if bytes.chunks() == 0 {
                self.bytes.pop();
            }
            gone
        } else if let Some(shards) = self.shards.last_mut() {
            let sections = shards.take_some();
            if sections.is_empty() {
                self.shards.pop();
            }
            let count = sections.len();
            // A few large ones, or many that have next to nothing, are enough
            // for now; what they hold is next.
            let held = sections.into_iter().map(|section| section.bytes);
            self.bytes.extend(held.filter(|bytes| bytes.chunks() > 0));
            count
        } else if let Some(sections) = self.sections.last_mut() {
            let gone = sections.bury(most);
            if gone == 0
                && let Some(sections) = self.sections.pop()
            {
                self.shards.push(sections.into_shards());
            }
            gone
        } else if let Some(checkpoints) = self.checkpoints.last_mut() {
            match checkpoints.pop_first() {
                Some((_, checkpoint)) => {
                    let few = cost(&checkpoint.sections);
                    self.add(checkpoint.sections);
                    few.min(most)
                }
                None => self.checkpoints.pop().map_or(0, |_| 1),
            }
        } else {
            0
        }
    }
}

/// Sections that the memory of these counts for.
fn cost(sections: &Sections) -> usize {
    sections.len() + CHUNK_COST * sections.most_chunks()
}
