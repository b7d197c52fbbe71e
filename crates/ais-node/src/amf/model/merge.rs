//! What becomes of components when sides meet that went on without each other.
//!
//! What the side that ranks first has assigned stands. A group that nobody is
//! registered in there (without redundancy: a unit) is taken over as it is at
//! the next side. Else what another side has registered is taken in, but its
//! units give up what they do there first: quiesced and out of service they
//! begin anew. A component that is registered on both stays with the first;
//! the other process lets go of what it has before others take that over.

use super::operations::MAX_LOCKS;
use super::{
    AdminState, Ask, Component, ComponentId, CsiId, Model, Phase, Question, Readiness,
    Registration, Role, rules,
};
use ais_proto::amf::Callbacks;
use ais_totem::View;
use ais_wire::NodeId;
use std::collections::BTreeSet;
use std::ops::Range;

impl Model {
    /// The same file with nobody registered.
    pub(in crate::amf) fn emptied(&self) -> Self {
        let mut model = self.clone();
        model.registered.clear();
        model.displaced.clear();
        model.proxied.clear();
        model.faults.clear();
        model.draining.clear();
        model.locks.clear();
        for group in &mut model.groups {
            (group.admin, group.pending) = (AdminState::Unlocked, None);
            group.reason.clear();
        }
        model.last_operation = 0;
        model.outcome = Default::default();
        for unit in &mut model.units {
            (unit.phase, unit.admin) = (Phase::Out, AdminState::Unlocked);
            unit.reason.clear();
        }
        for component in &mut model.components {
            component.registration = None;
            component.failure = None;
            component.readiness = Readiness::OutOfService;
            component.asked.clear();
            component.restarts.clear();
            component.reason.clear();
            for assignment in &mut component.assignments {
                (assignment.state, assignment.holds) = (None, false);
            }
        }
        for instance in &mut model.instances {
            instance.vacated.clear();
        }
        model
    }

    /// Puts sides together, in rank order: their members and what they have.
    /// Where the view has quorum that counts from now on.
    pub(in crate::amf) fn together(
        sides: impl IntoIterator<Item = (Vec<NodeId>, Self)>,
    ) -> Option<Self> {
        let sides = sides.into_iter().map(|(members, mut model)| {
            model.end_where(|node| !members.contains(&node));
            // What a side says of a node counts if it is one of its own.
            model.faults.retain(|node, _| members.contains(node));
            model.draining.retain(|node| members.contains(node));
            (members, model)
        });
        let mut sides: Vec<_> = sides.collect();
        if sides.is_empty() {
            return None;
        }
        let (mut here, mut together) = sides.remove(0);
        sides.iter_mut().for_each(|(_, side)| together.displace_all_of(side));
        together.has_quorum = together.view_has_quorum;
        together.touch_all();
        together.settle();
        for (members, mut side) in sides {
            together.faults.append(&mut side.faults);
            together.draining.append(&mut side.draining);
            together.locks.retain(|node, _| !members.contains(node) || here.contains(node));
            let theirs = side.locks.iter().filter(|(node, _)| members.contains(node));
            for (node, state) in theirs {
                if together.locks.len() < MAX_LOCKS {
                    together.locks.insert(*node, *state);
                }
            }
            here.extend(members);
            together.take_in(side);
        }
        Some(together)
    }

    /// Sides have met in this view; whatever it was before, everything here is
    /// to be looked at.
    pub(in crate::amf) fn meet_in(&mut self, view: &View) {
        self.view = view.id;
        self.members = view.members.iter().copied().collect();
        let all = (0..self.components.len()).map(ComponentId);
        self.outcome.touched.extend(all);
    }

    /// Puts a side in that ranks after those that are here.
    fn take_in(&mut self, mut side: Self) {
        // So no answer is taken for one to a later question.
        self.last_operation = self.last_operation.max(side.last_operation);
        for group in 0..side.groups.len() {
            side.give_up_pending(group, "sides met");
        }
        self.outcome.demands.append(&mut side.outcome.demands);
        let taken: Vec<ComponentId> = (0..self.components.len())
            .map(ComponentId)
            .filter(|id| self.takes(*id, &side))
            .collect();
        for scope in self.scopes() {
            let components = self.components_of(&scope);
            let is_here = |id: &ComponentId| components.contains(&id.0);
            let taken: Vec<_> = taken.iter().copied().filter(is_here).collect();
            if taken.is_empty() {
                continue;
            }
            let comes_whole = components.map(ComponentId).all(|id| {
                self.registration(id).is_none()
                    && (taken.contains(&id) || side.registration(id).is_none())
            });
            if comes_whole {
                self.adopt(&scope, &taken, &mut side);
            } else {
                scope.for_each(|unit| self.take_in_unit(unit, &taken, &mut side));
            }
        }
        self.touch_all();
        self.settle();
    }

    /// What a component has to be told whose registration ends though its
    /// process is there: to let go of what it has, in order.
    pub(in crate::amf) fn dismissal(&self, id: ComponentId) -> Vec<Question> {
        let component = &self.components[id.0];
        if !component.is_reachable() {
            return Vec::new();
        }
        let mut questions = Vec::new();
        let works = |csi: &CsiId| component.work_on(*csi).is_some();
        for csi in self.instances_of(id).into_iter().filter(works) {
            questions.push(self.quiesced(id, csi));
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
    fn scopes(&self) -> Vec<Range<usize>> {
        let mut scopes = Vec::new();
        for group in &self.groups {
            if rules::takes_over(group) {
                scopes.push(group.units.clone());
            } else {
                scopes.extend(group.units.clone().map(|unit| unit..unit + 1));
            }
        }
        scopes
    }

    fn components_of(&self, units: &Range<usize>) -> Range<usize> {
        let of = |unit: usize| self.units.get(unit).map_or(0..0, |unit| unit.components.clone());
        of(units.start).start..units.end.checked_sub(1).map_or(0, |last| of(last).end)
    }

    fn adopt(&mut self, units: &Range<usize>, taken: &[ComponentId], side: &mut Self) {
        for unit in units.clone() {
            self.units[unit].phase = side.units[unit].phase;
            self.units[unit].reason = std::mem::take(&mut side.units[unit].reason);
        }
        let mut instances = BTreeSet::new();
        for id in taken {
            self.take_component(*id, side);
            instances.extend(self.instances_of(*id));
        }
        // Once for each, though several of its members are taken.
        for csi in instances {
            self.instances[csi.0].vacated = std::mem::take(&mut side.instances[csi.0].vacated);
        }
    }

    fn take_component(&mut self, id: ComponentId, side: &mut Self) {
        let component = &mut self.components[id.0];
        std::mem::swap(component, &mut side.components[id.0]);
        if let Some(Registration { number, proxy, .. }) = component.registration {
            self.enter(id, number, proxy);
            self.forget_displaced(number);
        }
    }

    fn take_in_unit(&mut self, unit: usize, taken: &[ComponentId], side: &mut Self) {
        let components = self.units[unit].components.clone();
        let taken: Vec<_> = taken.iter().copied().filter(|id| components.contains(&id.0)).collect();
        for id in &taken {
            self.take_component(*id, side);
            // It is about to be told to let go, if it has anything: nobody
            // counts on it meanwhile.
            for assignment in &mut self.components[id.0].assignments {
                assignment.holds = false;
            }
        }
        if taken.is_empty() {
            return;
        }
        let there = side.units[unit].phase;
        let phase = farther_in(self.units[unit].phase, on_the_way_out(there));
        self.units[unit].phase = phase;
        for id in taken {
            match there {
                Phase::InService(Some(_)) | Phase::Stopping | Phase::Yielding => self.quiesce(id),
                Phase::Entering | Phase::InService(None)
                    if matches!(phase, Phase::Leaving(_))
                        && self.components[id.0].is_in_service() =>
                {
                    self.ask(id, Ask::Readiness(Readiness::OutOfService));
                }
                _ => {}
            }
        }
    }
}

impl Component {
    /// Whether it is in service, or was told to be.
    pub(super) fn is_in_service(&self) -> bool {
        !self.is_asked(Ask::Readiness(Readiness::OutOfService))
            && (self.readiness == Readiness::InService
                || self.is_asked(Ask::Readiness(Readiness::InService)))
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
