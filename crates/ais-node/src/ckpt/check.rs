//! What holds for the state after every message and view.

use super::message::Expiry;
use super::state::State;
use super::{Ckpt, NodeId};
use std::collections::{BTreeMap, BTreeSet};

impl State {
    pub(super) fn assert_sound(&self) {
        let (mut memory, mut aliases, mut expiries) = (0, BTreeMap::new(), BTreeSet::new());
        for (id, checkpoint) in self.iter() {
            assert!(checkpoint.is_unlinked() || self.is_named(id, checkpoint), "{checkpoint:?}");
            memory += checkpoint.memory();
            aliases.extend(checkpoint.former.iter().map(|alias| (*alias, id)));
            let deadlines = checkpoint.sections.deadlines();
            expiries.extend(deadlines.map(|(section, at)| Expiry { at, checkpoint: id, section }));
        }
        assert_eq!(self.memory(), memory);
        assert_eq!(*self.expiries(), expiries);
        self.assert_names_sound(&aliases);
    }

    /// Whether what any section holds is still to come.
    pub(super) fn awaits_any(&self) -> bool {
        self.iter().any(|(_, checkpoint)| checkpoint.sections.await_any())
    }
}

impl Ckpt {
    /// With nothing under way, all nodes count what is open here as it is.
    pub(super) fn assert_counted(&self, me: NodeId) {
        let mut counted = BTreeMap::new();
        for (id, checkpoint) in self.state.iter() {
            counted.extend(checkpoint.references(me).map(|count| (id, count)));
        }
        assert_eq!(counted, self.opens.counts(), "{me}");
    }
}
