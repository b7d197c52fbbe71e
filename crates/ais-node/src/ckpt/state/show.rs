//! What an operator is shown of all checkpoints.

use crate::ckpt::Ckpt;
use ais_proto::admin::{Checkpoint, Page};
use ais_wire::Name;
use std::ops::Bound;

impl Ckpt {
    /// The checkpoints after a name, `limit` at most.
    pub(crate) fn show(&self, after: Option<&Name>, limit: usize) -> Page<Checkpoint> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.state.names.range::<Name, _>((start, Bound::Unbounded));
        let mut found = names.filter_map(|(_, id)| self.state.checkpoints.get(id));
        let items = found.by_ref().take(limit).map(|checkpoint| checkpoint.show()).collect();
        Page { items, more: found.next().is_some() }
    }

    /// How many there are, the bytes that they are taken to need, and how many
    /// those may become.
    pub(crate) fn usage(&self) -> (usize, u64, u64) {
        (self.state.len(), self.state.memory(), self.limits.memory)
    }
}
