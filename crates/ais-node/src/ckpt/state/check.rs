//! What holds for the state after every message and view.

use super::{Owned, State};
use crate::ckpt::checkpoint::Checkpoint;
use crate::ckpt::message::{CheckpointId, Expiry};
use crate::ckpt::sections::Sections;
use crate::ckpt::{Ckpt, NodeId};
use std::collections::{BTreeMap, BTreeSet};

impl State {
    pub(in crate::ckpt) fn assert_sound(&self) {
        let (mut memory, mut aliases, mut firsts) = (0, BTreeMap::new(), BTreeSet::new());
        let mut owners = BTreeMap::new();
        for (id, checkpoint) in self.iter() {
            assert!(checkpoint.is_unlinked() || self.is_named(id, checkpoint), "{checkpoint:?}");
            memory += checkpoint.memory();
            let owned: &mut Owned = owners.entry(checkpoint.owner()).or_default();
            owned.checkpoints += 1;
            owned.memory += checkpoint.memory();
            aliases.extend(checkpoint.former.iter().map(|alias| (*alias, id)));
            let first = checkpoint.sections.assert_sound();
            firsts.extend(first.map(|(at, section)| Expiry { at, checkpoint: id, section }));
        }
        assert_eq!((self.memory, &self.owners), (memory, &owners));
        assert_eq!(self.firsts, firsts);
        assert_eq!(self.aliases, aliases);
        assert!(aliases.keys().all(|alias| !self.checkpoints.contains_key(alias)));
        for (name, id) in &self.names {
            assert_eq!(self.checkpoints[id].name(), name);
        }
    }

    pub(in crate::ckpt) fn iter(&self) -> impl Iterator<Item = (CheckpointId, &Checkpoint)> {
        self.checkpoints.iter().map(|(id, checkpoint)| (*id, checkpoint))
    }

    /// Whether what any section holds is still to come.
    pub(in crate::ckpt) fn awaits_any(&self) -> bool {
        self.iter().any(|(_, checkpoint)| checkpoint.sections.await_any())
    }
}

impl Sections {
    /// The deadlines are those of the sections; the first of them.
    fn assert_sound(&self) -> Option<(i64, u64)> {
        let all = self.freeze();
        let mut deadlines: Vec<_> = all
            .iter()
            .filter(|(_, section)| section.end() != i64::MAX && !section.is_near())
            .map(|(number, section)| (section.end(), number))
            .collect();
        deadlines.sort_unstable();
        assert!(self.deadlines().eq(deadlines.iter().copied()));
        let near = all.iter().filter(|(_, section)| section.is_near()).map(|(number, _)| number);
        assert!(self.near().eq(near));
        self.assert_likeness();
        deadlines.first().copied()
    }
}

impl Ckpt {
    /// With nothing under way, all nodes count what is open here as it is.
    pub(in crate::ckpt) fn assert_counted(&self, me: NodeId) {
        let mut counted = BTreeMap::new();
        for (id, checkpoint) in self.state.iter() {
            counted.extend(checkpoint.references(me).map(|count| (id, count)));
        }
        assert_eq!(counted, self.opens.counts(), "{me}");
    }
}
