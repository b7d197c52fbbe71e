//! What can happen to the model. Every input leaves it settled.

use super::{Ask, ComponentId, Failure, Model, Question, Registration};
use crate::amf::message::{Cause, RegistrationId, Report};
use ais_proto::AisError;
use ais_proto::amf::{Callbacks, HaState, Readiness, Recovery, Transition};
use ais_totem::View;
use ais_wire::{Name, NodeId};
use log::Level;

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
        if self.components[id.0].registration.is_some() {
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
        let number = RegistrationId { view: self.view, number };
        self.registered.insert(number, id);
        let registration = Registration { number, node, callbacks, proxy };
        self.components[id.0].registration = Some(registration);
        log::info!("component {name} registers from {node}");
        self.touch(id);
        self.settle();
        Ok(number)
    }

    /// Whoever registered a component unregisters it.
    ///
    /// # Errors
    /// `NOT_EXIST`, `BAD_OPERATION` as `saAmfComponentUnregister` has them.
    pub(in crate::amf) fn unregister(
        &mut self,
        registration: RegistrationId,
        proxy: Option<&Name>,
    ) -> Result<(), AisError> {
        let id = *self.registered.get(&registration).ok_or(AisError::NotExist)?;
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
            if let Some(id) = self.registered.get(registration).copied() {
                self.end_registration(id, Level::Warn, "its process or library handle is gone");
            }
        }
        self.settle();
    }

    /// The members changed. What departed nodes had is unregistered. Without
    /// quorum everything goes out of service, and nothing comes into it until
    /// [`Model::resume`]: it may yet have to be agreed on with another side.
    pub(in crate::amf) fn install(&mut self, view: &View, has_quorum: bool) {
        self.view = view.id;
        self.view_has_quorum = has_quorum;
        self.end_where(|node| view.left.contains(&node));
        // Nobody has to agree on what nobody does.
        let is_free = self.has_quorum || self.registered.is_empty();
        if self.has_quorum != (has_quorum && is_free) {
            self.has_quorum = !self.has_quorum;
            self.touch_all();
        }
        self.settle();
    }

    /// Whether a message has to tell this side that it has quorum again.
    pub(in crate::amf) fn is_to_resume(&self) -> bool {
        self.view_has_quorum && !self.has_quorum
    }

    /// This side has quorum again, and is one with those it has met.
    pub(in crate::amf) fn resume(&mut self) {
        if self.is_to_resume() {
            self.has_quorum = true;
            self.touch_all();
            self.settle();
        }
    }

    /// Ends all registrations from some nodes.
    pub(super) fn end_where(&mut self, is_gone: impl Fn(NodeId) -> bool) {
        let there = |id: &&ComponentId| self.node_of(**id).is_some_and(&is_gone);
        let gone: Vec<_> = self.registered.values().filter(there).copied().collect();
        for id in gone {
            self.end_registration(id, Level::Warn, "its node is gone");
        }
    }

    /// A component answers. A late answer changes nothing.
    pub(in crate::amf) fn answer(
        &mut self,
        registration: RegistrationId,
        operation: u64,
        is_ok: bool,
    ) {
        let Some(id) = self.registered.get(&registration).copied() else { return };
        let asked = &mut self.components[id.0].asked;
        let Some(place) = asked.iter().position(|asked| asked.operation == operation) else {
            return;
        };
        let what = asked.remove(place).what;
        self.touch(id);
        if !is_ok {
            self.fail(id, Failure::Refused, "it answered a callback with an error");
        }
        let component = &mut self.components[id.0];
        match what {
            // Who fails to leave has left as far as anybody can rely on it.
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
                if let Some(assignment) = component.assignment_mut(csi) {
                    assignment.state = Some(state);
                }
            }
            Ask::Readiness(_) | Ask::Csi(..) => {}
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
        let Some(id) = self.registered.get(&registration).copied() else { return };
        let component = &self.components[id.0];
        let is_asked = |operation| component.asked.iter().any(|of| of.operation == operation);
        if operation.is_some_and(|operation| !is_asked(operation)) {
            return;
        }
        if cause == Cause::HealthcheckRefused {
            self.fail(id, Failure::Refused, cause.words());
        } else {
            self.fail(id, Failure::Silent, cause.words());
        }
        self.settle();
    }

    /// Somebody reports an error of a component.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is no such component, `BAD_OPERATION` if it is not
    /// registered.
    pub(in crate::amf) fn report(&mut self, report: &Report) -> Result<(), AisError> {
        let Report { reporting, erroneous, recovery, probable_cause } = report;
        let id = self.find_to_repair(erroneous)?;
        let reason = format!(
            "{reporting} reports an error (probable cause {probable_cause}, recommended \
             recovery {recovery:?})"
        );
        if *recovery == Recovery::InternallyRecovered {
            log::info!("component {erroneous} goes on: {reason}");
            return Ok(());
        }
        if *probable_cause == NOT_RESPONDING {
            self.fail(id, Failure::Silent, &reason);
        } else {
            self.fail(id, Failure::Reported, &reason);
            self.terminate_to_restart(id, *recovery);
        }
        self.settle();
        Ok(())
    }

    /// Without control of processes a restart is: the component is asked to
    /// end, and registers anew. If it cannot be asked, this is a failover.
    fn terminate_to_restart(&mut self, id: ComponentId, recovery: Recovery) {
        let component = &self.components[id.0];
        if recovery == Recovery::ComponentRestart
            && component.has_callback(Callbacks::COMPONENT_TERMINATE)
        {
            self.ask(id, Ask::Terminate);
        }
    }

    /// All errors of a component are repaired.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is no such component, `BAD_OPERATION` if it is not
    /// registered.
    pub(in crate::amf) fn cancel_errors(&mut self, name: &Name) -> Result<(), AisError> {
        let id = self.find_to_repair(name)?;
        if self.components[id.0].failure.take().is_some() {
            log::info!("the errors of component {name} are cancelled");
        }
        self.touch(id);
        self.settle();
        Ok(())
    }

    fn find_to_repair(&self, name: &Name) -> Result<ComponentId, AisError> {
        let id = self.find(name)?;
        let registered = self.components[id.0].registration.is_some();
        if registered { Ok(id) } else { Err(AisError::BadOperation) }
    }

    fn fail(&mut self, id: ComponentId, failure: Failure, reason: &str) {
        let component = &mut self.components[id.0];
        log::warn!("component {} has failed: {reason}", component.config.name);
        let is_silent = component.failure == Some(Failure::Silent);
        if failure == Failure::Silent && !is_silent {
            let mut farewell = self.dismissal(id);
            farewell.retain(|question| *question != Question::Terminate);
            self.outcome.given_up.push((id, farewell));
            self.stop_counting_on(id);
        }
        if !is_silent {
            self.components[id.0].failure = Some(failure);
        }
        self.touch(id);
    }

    /// Ends a registration, after those of which the component is the proxy.
    fn end_registration(&mut self, id: ComponentId, level: Level, reason: &str) {
        for proxied in self.proxied_by(id) {
            self.end_registration(proxied, Level::Warn, "its proxy is gone");
        }
        let component = &mut self.components[id.0];
        let Some(registration) = component.registration.take() else { return };
        let name = &component.config.name;
        log::log!(level, "component {name} is no longer registered: {reason}");
        component.failure = None;
        self.registered.remove(&registration.number);
        self.stop_counting_on(id);
        for assignment in &mut self.components[id.0].assignments {
            assignment.state = None;
        }
        self.forget_work_of_nobody(id);
        self.touch(id);
    }

    /// When the last member of a protection group has gone there is no work
    /// left to take over; whoever comes next begins anew.
    fn forget_work_of_nobody(&mut self, id: ComponentId) {
        for csi in self.instances_of(id) {
            let instance = &self.instances[csi.0];
            let is_here = |id: &ComponentId| self.components[id.0].registration.is_some();
            if !instance.members.iter().any(is_here) {
                self.instances[csi.0].vacated.clear();
            }
        }
    }

    /// A component that cannot be asked any more counts as out of service and
    /// quiesced.
    fn stop_counting_on(&mut self, id: ComponentId) {
        let component = &mut self.components[id.0];
        component.asked.clear();
        component.readiness = Readiness::OutOfService;
        for csi in self.instances_of(id) {
            let assignment = self.components[id.0].assignment(csi);
            if assignment.is_some_and(|assignment| assignment.state.is_some() || assignment.holds) {
                self.let_go(id, csi, Transition::NotQuiesced);
            }
        }
    }

    pub(super) fn touch_all(&mut self) {
        (0..self.components.len()).for_each(|id| self.touch(ComponentId(id)));
    }

    fn touch(&mut self, id: ComponentId) {
        self.outcome.touched.insert(id);
        self.unsettled.insert(self.units[self.components[id.0].unit].group);
    }
}

/// `SA_AMF_NOT_RESPONDING` of `SaAmfProbableCauseT`.
const NOT_RESPONDING: u8 = 30;
