//! Processes that sides that met have displaced: another process has their
//! component. Until such a one has let go of what it is active for, nobody
//! else becomes active in its place.

use super::status::{Displaced, Role, Status};
use super::{ComponentId, GroupId, Model, UnitId, rules};
use crate::amf::message::RegistrationId;
use crate::amf::topology::CsiId;
use ais_wire::NodeId;
use std::collections::BTreeSet;

impl Model {
    /// A process that is active on a side which ranks behind this one counts as
    /// displaced until its component is taken in, so that nobody becomes active
    /// meanwhile.
    pub(super) fn displace_all_of(&mut self, side: &mut Status) {
        self.status.displaced.append(&mut side.displaced);
        for (registration, id) in &side.registered {
            let component = side.component(*id);
            if let Some(of) = component.registration.as_ref().filter(|_| component.holds_any()) {
                let displaced = Displaced { component: *id, node: of.node };
                self.status.displaced.insert(*registration, displaced);
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
        let Some(Displaced { component, .. }) = self.status.displaced.remove(&registration) else {
            return;
        };
        self.mark_group(self.topology.group_of(component));
        self.touch(component);
    }

    /// Nobody waits any more for displaced processes of nodes that are gone.
    pub(super) fn forget_displaced_where(&mut self, is_gone: impl Fn(NodeId) -> bool) {
        let gone = self.status.displaced.iter().filter(|(_, displaced)| is_gone(displaced.node));
        let gone: Vec<_> = gone.map(|(registration, _)| *registration).collect();
        gone.into_iter().for_each(|registration| self.forget_displaced(registration));
    }

    /// Whether others wait until the process of this registration has let go.
    pub(in crate::amf) fn is_displaced(&self, registration: RegistrationId) -> bool {
        self.status.displaced.contains_key(&registration)
    }

    /// The components that displaced processes on a node had.
    pub(in crate::amf) fn displaced_on(&self, node: NodeId) -> impl Iterator<Item = ComponentId> {
        self.status.displaced.values().filter(move |of| of.node == node).map(|of| of.component)
    }

    /// The units of a group in which displaced processes are active: none of
    /// these may become active.
    pub(super) fn units_with_displaced(&self, group: GroupId) -> BTreeSet<UnitId> {
        let units = self.status.displaced.values();
        let units = units.map(|of| self.topology.components[of.component].unit);
        units.filter(|unit| self.topology.units[*unit].group == group).collect()
    }

    /// How many displaced processes count as active for an instance: all that
    /// had a member of it, whatever else they do.
    pub(super) fn displaced_from(&self, csi: CsiId) -> usize {
        let members = &self.topology.instances[csi].members;
        self.status.displaced.values().filter(|of| members.contains(&of.component)).count()
    }

    /// The bounds of a group as long as displaced processes are active in
    /// these of its units.
    pub(super) fn bounds_beside(
        &self,
        group: GroupId,
        displaced: &BTreeSet<UnitId>,
    ) -> rules::Bounds {
        let is_active = |unit: &UnitId| self.status.unit(*unit).phase.role() == Some(Role::Active);
        let others = displaced.iter().filter(|unit| !is_active(unit)).count();
        let rules::Bounds { actives, standbys } = rules::Bounds::of(&self.topology.groups[group]);
        rules::Bounds { actives: actives.saturating_sub(others), standbys }
    }
}
