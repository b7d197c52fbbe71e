//! Processes that sides that met have displaced: another process has their
//! component. Until such a one has let go of what it is active for, nobody
//! else becomes active in its place.

use super::{ComponentId, CsiId, Model, Role, rules};
use crate::amf::message::RegistrationId;
use ais_wire::NodeId;
use std::collections::BTreeSet;

/// A process that is active as a component that another process has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Displaced {
    pub(super) component: ComponentId,
    pub(super) node: NodeId,
}

impl Model {
    /// Whoever is active on a side that ranks behind this one counts as
    /// displaced until its component is taken in, so that nobody becomes active
    /// meanwhile.
    pub(super) fn displace_all_of(&mut self, side: &mut Self) {
        self.displaced.append(&mut side.displaced);
        for (registration, id) in &side.registered {
            let component = &side.components[id.0];
            let is_active = component.assignments.iter().any(|assignment| assignment.holds);
            if let Some(node) = side.node_of(*id).filter(|_| is_active) {
                self.displaced.insert(*registration, Displaced { component: *id, node });
            }
        }
    }

    /// A displaced process has let go, or has left its time for that unused.
    pub(in crate::amf) fn has_let_go(&mut self, registration: RegistrationId) {
        self.forget_displaced(registration);
        self.settle();
    }

    /// If this is one of a displaced process, nobody waits for that any more.
    pub(super) fn forget_displaced(&mut self, registration: RegistrationId) {
        let Some(Displaced { component, .. }) = self.displaced.remove(&registration) else {
            return;
        };
        self.unplanned.insert(self.units[self.components[component.0].unit].group);
        self.touch(component);
    }

    /// Nobody waits any more for displaced processes of nodes that are gone.
    pub(super) fn forget_displaced_where(&mut self, is_gone: impl Fn(NodeId) -> bool) {
        let gone = self.displaced.iter().filter(|(_, displaced)| is_gone(displaced.node));
        let gone: Vec<_> = gone.map(|(registration, _)| *registration).collect();
        gone.into_iter().for_each(|registration| self.forget_displaced(registration));
    }

    /// Whether others wait until the process of this registration has let go.
    pub(in crate::amf) fn is_displaced(&self, registration: RegistrationId) -> bool {
        self.displaced.contains_key(&registration)
    }

    /// The components that displaced processes on a node had.
    pub(in crate::amf) fn displaced_on(&self, node: NodeId) -> impl Iterator<Item = ComponentId> {
        self.displaced.values().filter(move |of| of.node == node).map(|of| of.component)
    }

    /// The units of a group in which displaced processes are active: none of
    /// these may become active.
    pub(super) fn units_with_displaced(&self, group: usize) -> BTreeSet<usize> {
        let units = self.displaced.values().map(|of| self.components[of.component.0].unit);
        units.filter(|unit| self.units[*unit].group == group).collect()
    }

    /// How many displaced processes count as active for an instance: all that
    /// had a member of it, whatever else they do.
    pub(super) fn displaced_from(&self, csi: CsiId) -> usize {
        let members = &self.instances[csi.0].members;
        self.displaced.values().filter(|of| members.contains(&of.component)).count()
    }

    /// The bounds of a group as long as displaced processes are active in
    /// these of its units.
    pub(super) fn bounds_beside(&self, group: usize, displaced: &BTreeSet<usize>) -> rules::Bounds {
        let is_active = |unit: &usize| self.units[*unit].phase.role() == Some(Role::Active);
        let others = displaced.iter().filter(|unit| !is_active(unit)).count();
        let rules::Bounds { actives, standbys } = rules::Bounds::of(&self.groups[group]);
        rules::Bounds { actives: actives.saturating_sub(others), standbys }
    }
}
