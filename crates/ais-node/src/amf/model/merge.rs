//! What becomes of components when sides meet that went on without each other.
//!
//! What the side that ranks first has assigned stands. A group that nobody is
//! registered in there (without redundancy: a unit) is taken over as it is at
//! the next side. Else what another side has registered is taken in, but its
//! units give up what they do there first: quiesced and out of service they
//! begin anew. A component that is registered on both stays with the first;
//! the other process lets go of what it has before others take that over.
//!
//! What merges is the status of each side. All have the same topology, which says
//! here which units stand in for each other and which components each has.

use super::operations::MAX_LOCKS;
use super::status::{Ask, Phase, Registration, Role, Status};
use super::{ComponentId, Model, Question, Readiness, UnitId, rules};
use ais_group::View;
use ais_proto::amf::Callbacks;
use ais_wire::NodeId;
use std::collections::BTreeSet;
use std::rc::Rc;

impl Model {
    /// Makes one status of those of all sides, in rank order, each with the members of its
    /// side; where the view has quorum, AMF acts on it from now on. One side alone has
    /// nothing to be put together with: it goes on as it is.
    pub(in crate::amf) fn merge(&mut self, sides: Vec<(Vec<NodeId>, Status)>) {
        let mut sides = sides.into_iter();
        let Some((mut here, first)) = sides.next() else { return };
        self.status = first;
        if sides.len() == 0 {
            return;
        }
        self.keep_to(&here);
        let others = sides.map(|(members, status)| {
            let mut side = Self::with(Rc::clone(&self.topology), status);
            side.keep_to(&members);
            (members, side)
        });
        let mut others: Vec<_> = others.collect();
        others.iter_mut().for_each(|(_, side)| self.displace_all_of(&mut side.status));
        self.status.has_quorum = self.status.view_has_quorum;
        self.touch_all();
        self.settle();
        for (members, mut side) in others {
            let (own, theirs) = (&mut self.status, &mut side.status);
            own.faults.append(&mut theirs.faults);
            own.draining.append(&mut theirs.draining);
            own.locks.retain(|node, _| !members.contains(node) || here.contains(node));
            for (node, state) in theirs.locks.iter().filter(|(node, _)| members.contains(node)) {
                if own.locks.len() < MAX_LOCKS {
                    own.locks.insert(*node, *state);
                }
            }
            here.extend(members);
            self.take_in(side);
        }
    }

    /// Only what a side says of its own members counts.
    fn keep_to(&mut self, members: &[NodeId]) {
        self.end_where(|node| !members.contains(&node));
        self.status.faults.retain(|node, _| members.contains(node));
        self.status.draining.retain(|node| members.contains(node));
    }

    /// Sides have met in this view; whatever it was before, everything here is
    /// to be looked at.
    pub(in crate::amf) fn meet_in(&mut self, view: &View) {
        self.status.view = view.id;
        self.members = view.members.iter().copied().collect();
        self.outcome.touched.extend(self.topology.components.ids().enumerate());
    }

    /// Puts a side in that ranks after those that are here.
    fn take_in(&mut self, mut side: Self) {
        // No answer shall be taken for one to a later question.
        self.status.last_operation = self.status.last_operation.max(side.status.last_operation);
        let topology = Rc::clone(&self.topology);
        topology.groups.ids().for_each(|group| side.give_up_pending(group, "sides met"));
        self.outcome.demands.append(&mut side.outcome.demands);
        let taken: BTreeSet<ComponentId> =
            topology.components.ids().filter(|id| self.takes(*id, &side)).collect();
        for scope in self.scopes() {
            let of = |unit: &UnitId| topology.units[*unit].components.iter().copied();
            let components: Vec<_> = scope.iter().flat_map(of).collect();
            if !components.iter().any(|id| taken.contains(id)) {
                continue;
            }
            let comes_whole = components.iter().all(|id| {
                self.registration(*id).is_none()
                    && (taken.contains(id) || side.registration(*id).is_none())
            });
            if comes_whole {
                self.adopt(&scope, &taken, &mut side.status);
            } else {
                for unit in scope {
                    self.take_in_unit(unit, &taken, &mut side.status);
                }
            }
        }
        self.touch_all();
        self.settle();
    }

    /// What a component has to be told whose registration ends though its
    /// process is there: to let go of what it has, in order.
    pub(in crate::amf) fn dismissal(&self, id: ComponentId) -> Vec<Question> {
        let component = self.status.component(id);
        if !component.is_reachable() {
            return Vec::new();
        }
        let mut questions = Vec::new();
        for csi in self.instances_of(id) {
            if component.work_on(*csi).is_some() {
                questions.push(self.quiesced(id, *csi));
            }
        }
        let can_leave = component.has_callback(Callbacks::READINESS_STATE_SET);
        if component.is_in_service() && can_leave {
            questions.push(Question::Readiness(Readiness::OutOfService));
        } else if component.is_in_service()
            && component.assignments.is_empty()
            && component.has_callback(Callbacks::COMPONENT_TERMINATE)
        {
            questions.push(Question::Terminate);
        }
        questions
    }

    /// Whether a component comes from that side, with its proxy if it has one.
    fn takes(&self, id: ComponentId, side: &Self) -> bool {
        self.registration(id).is_none()
            && side.registration(id).is_some()
            && side.proxy_of(id).is_none_or(|proxy| self.takes(proxy, side))
    }

    /// The units that stand in for each other.
    fn scopes(&self) -> Vec<Vec<UnitId>> {
        let mut scopes = Vec::new();
        for group in self.topology.groups.ids().map(|group| &self.topology.groups[group]) {
            if rules::takes_over(group) {
                scopes.push(group.units.clone());
            } else {
                scopes.extend(group.units.iter().map(|unit| vec![*unit]));
            }
        }
        scopes
    }

    fn adopt(&mut self, units: &[UnitId], taken: &BTreeSet<ComponentId>, side: &mut Status) {
        let mut instances = BTreeSet::new();
        for unit in units {
            let (own, theirs) = (self.status.unit_mut(*unit), side.unit_mut(*unit));
            (own.phase, own.reason) = (theirs.phase, std::mem::take(&mut theirs.reason));
            for id in self.taken_of(*unit, taken) {
                self.take_component(id, side);
                instances.extend(self.instances_of(id));
            }
        }
        // Once for each, though several of its members are taken.
        for csi in instances {
            *self.status.vacated_mut(csi) = std::mem::take(side.vacated_mut(csi));
        }
    }

    /// The components of a unit that come from the other side.
    fn taken_of(&self, unit: UnitId, taken: &BTreeSet<ComponentId>) -> Vec<ComponentId> {
        self.components(unit).iter().copied().filter(|id| taken.contains(id)).collect()
    }

    fn take_component(&mut self, id: ComponentId, side: &mut Status) {
        let component = self.status.component_mut(id);
        std::mem::swap(component, side.component_mut(id));
        if let Some(Registration { number, proxy, .. }) = component.registration {
            self.status.enter(id, number, proxy);
            self.forget_displaced(number);
        }
    }

    fn take_in_unit(&mut self, unit: UnitId, taken: &BTreeSet<ComponentId>, side: &mut Status) {
        let taken = self.taken_of(unit, taken);
        for id in &taken {
            self.take_component(*id, side);
            // It is about to be told to let go, if it has anything: nobody
            // counts on it meanwhile.
            for assignment in self.status.component_mut(*id).assignments.values_mut() {
                assignment.holds = false;
            }
        }
        if taken.is_empty() {
            return;
        }
        let there = side.unit(unit).phase;
        let phase = farther_in(self.status.unit(unit).phase, on_the_way_out(there));
        self.status.unit_mut(unit).phase = phase;
        for id in taken {
            match there {
                Phase::InService(Some(_)) | Phase::Stopping | Phase::Yielding => self.quiesce(id),
                Phase::Entering | Phase::InService(None)
                    if matches!(phase, Phase::Leaving(_))
                        && self.status.component(id).is_in_service() =>
                {
                    self.ask(id, Ask::Readiness(Readiness::OutOfService));
                }
                _ => {}
            }
        }
    }
}

/// Where a unit goes on from that was here on another side.
fn on_the_way_out(phase: Phase) -> Phase {
    match phase {
        Phase::InService(Some(role)) => Phase::Quiescing(role),
        Phase::Stopping | Phase::Yielding => Phase::Quiescing(Role::Active),
        Phase::Entering | Phase::InService(None) => Phase::Leaving(None),
        Phase::Out | Phase::Quiescing(_) | Phase::Leaving(_) => phase,
    }
}

/// Of two that are on the way out, the one that has farther to go, with the
/// role that counts more.
fn farther_in(one: Phase, other: Phase) -> Phase {
    let roles = [one.role(), other.role()];
    let role = [Role::Active, Role::Standby].into_iter().find(|role| roles.contains(&Some(*role)));
    match (one, other, role) {
        (Phase::Quiescing(_), _, Some(role)) | (_, Phase::Quiescing(_), Some(role)) => {
            Phase::Quiescing(role)
        }
        (Phase::Leaving(_), _, _) | (_, Phase::Leaving(_), _) => Phase::Leaving(role),
        _ => one,
    }
}
