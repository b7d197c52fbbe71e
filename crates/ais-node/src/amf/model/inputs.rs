//! What can happen to the model. Every input leaves it settled.

use super::recovery::bounded;
use super::status::{Ask, Failure, Registration};
use super::{ComponentId, Model, UnitId};
use crate::amf::message::{Cause, RegistrationId};
use ais_group::View;
use ais_proto::AisError;
use ais_proto::amf::{Callbacks, HaState, Readiness, Transition};
use ais_wire::{Name, NodeId};
use log::Level;
use std::rc::Rc;

impl Model {
    /// A process on `node` registers a component, by the message with this
    /// number. Gives the id of the registration.
    ///
    /// # Errors
    /// `NOT_EXIST`, `EXIST`, `BAD_OPERATION`, `INIT` as
    /// `saAmfComponentRegister` has them.
    pub(in crate::amf) fn register(
        &mut self,
        node: NodeId,
        number: u64,
        name: &Name,
        proxy: Option<&Name>,
        callbacks: Callbacks,
    ) -> Result<RegistrationId, AisError> {
        let id = self.find(name)?;
        let proxy = proxy.map(|proxy| self.find_registered(proxy)).transpose()?;
        if self.status.component(id).registration.is_some() {
            return Err(AisError::Exist);
        }
        // A program speaks for what runs on its own node.
        let is_here = |proxy: ComponentId| self.node_of(proxy) == Some(node);
        if !proxy.is_none_or(is_here) {
            return Err(AisError::BadOperation);
        }
        if !callbacks.contains(Callbacks::CSI_SET) {
            return Err(AisError::Init);
        }
        let number = RegistrationId { view: self.status.view, number };
        self.status.enter(id, number, proxy);
        let registration = Registration { number, node, callbacks, proxy };
        self.status.component_mut(id).registration = Some(registration);
        self.explain(id, format!("it registers from {node}"));
        self.touch(id);
        self.settle();
        Ok(number)
    }

    /// The process that registered a component unregisters it.
    ///
    /// # Errors
    /// `NOT_EXIST`, `BAD_OPERATION` as `saAmfComponentUnregister` has them.
    pub(in crate::amf) fn unregister(
        &mut self,
        registration: RegistrationId,
        proxy: Option<&Name>,
    ) -> Result<(), AisError> {
        let id = *self.status.registered.get(&registration).ok_or(AisError::NotExist)?;
        let proxy = proxy.map(|proxy| self.find_registered(proxy)).transpose()?;
        if self.proxy_of(id) != proxy || !self.proxied_by(id).is_empty() {
            return Err(AisError::BadOperation);
        }
        self.end_registration(id, Level::Info, "it unregisters");
        self.settle();
        Ok(())
    }

    /// The library handle of these registrations is gone, with or without its
    /// process.
    pub(in crate::amf) fn handle_gone(&mut self, registrations: &[RegistrationId]) {
        for registration in registrations {
            if let Some(id) = self.status.registered.get(registration).copied() {
                self.end_registration(id, Level::Warn, "its process or library handle is gone");
            }
            self.forget_displaced(*registration);
        }
        self.settle();
    }

    /// The members changed. What departed nodes had is unregistered. Without
    /// quorum everything goes out of service, and nothing comes into it until
    /// [`Model::resume`]: it may yet have to be agreed on with another side.
    pub(in crate::amf) fn install(&mut self, view: &View, has_quorum: bool) {
        self.status.view = view.id;
        self.members = view.members.iter().copied().collect();
        self.status.view_has_quorum = has_quorum;
        self.end_where(|node| view.left.contains(&node));
        // A node that comes back begins anew.
        self.status.faults.retain(|node, _| !view.left.contains(node));
        self.status.draining.retain(|node| !view.left.contains(node));
        // Nobody has to agree on what nobody does.
        let is_free = self.status.has_quorum || self.status.registered.is_empty();
        if self.status.has_quorum != (has_quorum && is_free) {
            self.status.has_quorum = !self.status.has_quorum;
            self.touch_all();
        }
        self.settle();
    }

    /// Whether a message has to tell this side that it has quorum again.
    pub(in crate::amf) fn is_to_resume(&self) -> bool {
        self.status.view_has_quorum && !self.status.has_quorum
    }

    /// This side has quorum again, and is one with those it has met.
    pub(in crate::amf) fn resume(&mut self) {
        if self.is_to_resume() {
            self.status.has_quorum = true;
            self.touch_all();
            self.settle();
        }
    }

    /// A node is about to leave: its units go out of service in order, and
    /// others take over. It counts until the node is gone.
    pub(in crate::amf) fn drain(&mut self, node: NodeId) {
        if self.members.contains(&node) && self.status.draining.insert(node) {
            log::info!("node {node} is about to leave");
            self.touch_node(node);
            self.settle();
        }
    }

    /// Ends all registrations from some nodes, and nobody waits for what else
    /// is there.
    pub(super) fn end_where(&mut self, is_gone: impl Fn(NodeId) -> bool) {
        let there = |id: &&ComponentId| self.node_of(**id).is_some_and(&is_gone);
        let gone: Vec<_> = self.status.registered.values().filter(there).copied().collect();
        for id in gone {
            self.end_registration(id, Level::Warn, "its node is gone");
        }
        self.forget_displaced_where(is_gone);
    }

    /// A component answers. A late answer changes nothing.
    pub(in crate::amf) fn answer(
        &mut self,
        registration: RegistrationId,
        operation: u64,
        is_ok: bool,
    ) {
        let Some(id) = self.status.registered.get(&registration).copied() else { return };
        let asked = &mut self.status.component_mut(id).asked;
        let Some(place) = asked.iter().position(|asked| asked.operation == operation) else {
            return;
        };
        let what = asked.remove(place).what;
        self.touch(id);
        if matches!(what, Ask::Restart | Ask::Reset) {
            self.was_restarted(id, what, is_ok);
            return self.settle();
        }
        if let Ask::Confirm(_) = what {
            if !is_ok {
                self.is_refused(id);
            }
            return self.settle();
        }
        if !is_ok {
            self.fail(id, Failure::Refused, "it answered a callback with an error");
        }
        let component = self.status.component_mut(id);
        match what {
            // One that fails to leave has left as far as anybody can rely on it.
            Ask::Readiness(Readiness::OutOfService) => {
                component.readiness = Readiness::OutOfService;
            }
            Ask::Csi(csi, HaState::Quiesced) => {
                let transition = if is_ok { Transition::Quiesced } else { Transition::NotQuiesced };
                self.let_go(id, csi, transition);
            }
            Ask::Terminate => self.end_registration(id, Level::Warn, "it was terminated"),
            Ask::Readiness(state) if is_ok => component.readiness = state,
            Ask::Csi(csi, state) if is_ok => {
                if let Some(assignment) = component.assignments.get_mut(&csi) {
                    assignment.state = Some(state);
                }
            }
            // One that fails to give it back has it no more either.
            Ask::Remove(csi) => {
                if let Some(assignment) = component.assignments.get_mut(&csi) {
                    assignment.state = None;
                }
            }
            Ask::Readiness(_) | Ask::Csi(..) | Ask::Restart | Ask::Reset | Ask::Confirm(_) => {}
        }
        self.settle();
    }

    /// A component failed to answer, in the view of its node: the operation
    /// with this number, or a healthcheck if there is none.
    pub(in crate::amf) fn unanswered(
        &mut self,
        registration: RegistrationId,
        operation: Option<u64>,
        cause: Cause,
    ) {
        let Some(id) = self.status.registered.get(&registration).copied() else { return };
        let asked = &mut self.status.component_mut(id).asked;
        let place = |operation| asked.iter().position(|of| of.operation == operation);
        let what = match operation.map(place) {
            None => None,
            Some(None) => return,
            Some(Some(place)) => Some(asked[place].what),
        };
        match what {
            // Its time to object is over.
            Some(Ask::Confirm(operation)) => {
                asked.retain(|asked| asked.what != Ask::Confirm(operation));
                self.touch(id);
                self.tell_expired(id, operation);
            }
            // Its work ends now, finished or not.
            Some(what @ Ask::Readiness(Readiness::Stopping)) => {
                asked.retain(|asked| asked.what != what);
                self.explain(id, "it has not finished its work in stopping-timeout".into());
                self.touch(id);
            }
            _ if cause == Cause::HealthcheckRefused => {
                self.fail(id, Failure::Refused, cause.words());
            }
            _ => self.fail(id, Failure::Silent, cause.words()),
        }
        self.settle();
    }

    /// Ends a registration, after those of which the component is the proxy.
    pub(super) fn end_registration(&mut self, id: ComponentId, level: Level, reason: &str) {
        for proxied in self.proxied_by(id) {
            self.end_registration(proxied, Level::Warn, "its proxy is gone");
        }
        let component = self.status.component_mut(id);
        let Some(registration) = component.registration.take() else { return };
        let name = &self.topology.components[id].config.name;
        log::log!(level, "component {name} is no longer registered: {reason}");
        component.reason = bounded(format!("it is no longer registered: {reason}"));
        component.failure = None;
        self.status.registered.remove(&registration.number);
        if let Some(proxy) = registration.proxy {
            self.status.proxied.remove(&(proxy, id));
        }
        self.begin_anew(id);
        self.forget_work_of_nobody(id);
        self.touch(id);
    }

    /// Whatever a component was asked and has answered does not count any more.
    pub(super) fn begin_anew(&mut self, id: ComponentId) {
        self.stop_counting_on(id);
        for assignment in self.status.component_mut(id).assignments.values_mut() {
            assignment.state = None;
        }
    }

    /// When the last member of a protection group has gone there is no work
    /// left to take over; whoever comes next begins anew.
    fn forget_work_of_nobody(&mut self, id: ComponentId) {
        for csi in &self.topology.components[id].instances {
            let is_here = |id: &ComponentId| self.status.component(*id).registration.is_some();
            if !self.topology.instances[*csi].members.iter().any(is_here) {
                self.status.vacated_mut(*csi).clear();
            }
        }
    }

    /// A component that cannot be asked any more counts as out of service and
    /// quiesced.
    pub(super) fn stop_counting_on(&mut self, id: ComponentId) {
        let component = self.status.component_mut(id);
        component.asked.clear();
        component.readiness = Readiness::OutOfService;
        for csi in self.instances_of(id).to_vec() {
            let assignment = self.status.component(id).assignments.get(&csi);
            if assignment.is_some_and(|assignment| assignment.state.is_some() || assignment.holds) {
                self.let_go(id, csi, Transition::NotQuiesced);
            }
        }
    }

    pub(super) fn touch_all(&mut self) {
        let topology = Rc::clone(&self.topology);
        topology.components.ids().for_each(|id| self.touch(id));
    }

    pub(super) fn touch_unit(&mut self, unit: UnitId) {
        self.components(unit).to_vec().into_iter().for_each(|id| self.touch(id));
    }

    pub(super) fn touch(&mut self, id: ComponentId) {
        self.mark(id);
        let unit = self.topology.components[id].unit;
        self.unsettled.insert(self.topology.units.place(unit), unit);
    }
}
