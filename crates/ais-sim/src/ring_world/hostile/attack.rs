//! What is seen of nodes while somebody forges packets. There is no telling any
//! more what was sent, but view numbers grow.

use crate::Rng;
use crate::forgery::Forgery;
use ais_group::{Output, ViewId};
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// An attack.
#[derive(Debug)]
pub(in crate::ring_world) struct Attack {
    pub(super) forgery: Forgery,
    /// When a node gave something last.
    pub(super) last_event: u64,
    views: BTreeMap<NodeId, ViewId>,
}

impl Attack {
    pub(super) fn random(rng: &mut Rng, hosts: usize) -> Self {
        let forgery = Forgery::random(rng, hosts);
        Self { forgery, last_event: 0, views: BTreeMap::new() }
    }

    /// A node gives something.
    ///
    /// # Errors
    /// If it goes to a view whose number is not a higher one.
    pub(in crate::ring_world) fn event(
        &mut self,
        now: u64,
        node: NodeId,
        event: &Output,
    ) -> Result<(), String> {
        self.last_event = now;
        if let Output::View(view) = event
            && let Some(last) = self.views.insert(node, view.id)
            && last.number >= view.id.number
        {
            return Err(format!("configurations: {node} goes from {last} to {}", view.id));
        }
        Ok(())
    }
}
