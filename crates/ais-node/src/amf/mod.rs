//! AMF, the Availability Management Framework: which component is active,
//! which is standby, and what happens when one fails (A.01.01 section AMF).
//!
//! Everything that happens to a component is a message (`message`) in agreed
//! order; every node feeds it to the same `model`, and the node of each
//! component asks it what the model demands (`local`).
//!
//! **What programs see of a protection group** (`track`): its members are
//! the components that groups.conf names, in that order, and `numberOfMembers`
//! counts them all, as in 2004; one that is not registered is shown
//! `OUT_OF_SERVICE` and `QUIESCED`. Of changes, `ADDED` is that a member
//! registers, `REMOVED` that it is no longer registered, and `STATE_CHANGE`
//! that it answered for another readiness or HA state or failed, so that no
//! answer counts for it. One message brings at most one callback per tracked
//! group.

pub mod config;
mod local;
mod message;
mod model;
mod replica;
#[cfg(test)]
mod tests;
mod topology;
mod track;

use crate::service::{Replica, Service};
use crate::{
    Asker, Caller, Config, ConnectionId, Delivery, Digest, Effects, Event, Malformed, Now, Promise,
    SessionId, Timer,
};
use ais_group::View;
use ais_proto::admin::{self, Operated};
use ais_proto::amf::{Callbacks, ErrorReport, Recovery, Request};
use ais_proto::{AisError, ServiceId};
use ais_wire::{Name, NodeId, Wire as _, Writer};
use local::{Answered, Function, Local};
use message::{Message, RegistrationId, Report};
use model::{Model, Outcome, Reset};
use topology::Topology;
use track::{Start, Tracking};

pub(crate) use track::Due;

/// The service.
#[derive(Debug)]
pub struct Amf {
    me: NodeId,
    /// The name of this node.
    name: Name,
    model: Model,
    local: Local,
    tracking: Tracking,
}

impl Amf {
    /// The service of a node of this name, with nothing registered anywhere.
    #[must_use]
    pub fn new(me: NodeId, name: Name, groups: config::Groups) -> Self {
        Self {
            me,
            name,
            model: Model::new(Topology::new(groups)),
            local: Local::default(),
            tracking: Tracking::default(),
        }
    }

    /// The program has been handed the callback with this invocation.
    pub fn on_dispatched(&mut self, caller: &Caller, invocation: i32, fx: &mut Effects) {
        self.local.dispatched(caller.session, invocation, &self.model, fx);
    }

    fn register(
        &mut self,
        asker: Asker,
        callbacks: Callbacks,
        component: Name,
        proxy: Option<Name>,
        fx: &mut Effects,
    ) {
        match self.may_register(&component, proxy.as_ref(), asker) {
            Ok(()) => send(fx, Some(asker), &Message::Register { component, proxy, callbacks }),
            Err(error) => fx.reply(asker, Err(error), Vec::new()),
        }
    }

    fn unregister(
        &mut self,
        asker: Asker,
        component: &Name,
        proxy: Option<Name>,
        fx: &mut Effects,
    ) {
        match self.registered_through(component, asker.connection) {
            Ok(registration) => {
                send(fx, Some(asker), &Message::Unregister { registration, proxy });
            }
            Err(error) => fx.reply(asker, Err(error), Vec::new()),
        }
    }

    fn name_of_handle(&self, handle: ConnectionId) -> Result<&Name, AisError> {
        let id = self.local.last_of(handle).ok_or(AisError::NotExist)?;
        Ok(&self.model.config(id).name)
    }

    fn track_start(
        &mut self,
        asker: Asker,
        callbacks: Callbacks,
        csi: &Name,
        start: Start,
        fx: &mut Effects,
    ) {
        let started = self.model.find_instance(csi).and_then(|csi| {
            if !callbacks.contains(Callbacks::PROTECTION_GROUP_TRACK) {
                return Err(AisError::Init);
            }
            self.tracking.start(csi, start, &self.model, fx)
        });
        // Last, so that the callback is pending when the call returns.
        fx.reply(asker, started, Vec::new());
    }

    /// What only this node knows: whether it is the one that groups.conf names
    /// for the unit; and a proxy speaks for others on its own handle.
    fn may_register(
        &self,
        component: &Name,
        proxy: Option<&Name>,
        asker: Asker,
    ) -> Result<(), AisError> {
        let name = component;
        let component = self.model.find(component)?;
        if !self.model.may_be_on(component, self.me, &self.name) {
            log::warn!("component {name} may not register here: groups.conf has another `node =`");
            return Err(AisError::BadOperation);
        }
        let Some(proxy) = proxy else { return Ok(()) };
        let proxy = self.model.find_registered(proxy)?;
        let handle = self.local.handle_of(proxy).map(|(connection, _)| connection);
        if self.model.registration(component).is_none() && handle != Some(asker.connection) {
            return Err(AisError::BadOperation);
        }
        Ok(())
    }

    /// The registration of a component, if it was made through this handle.
    fn registered_through(
        &self,
        name: &Name,
        handle: ConnectionId,
    ) -> Result<RegistrationId, AisError> {
        let id = self.model.find_registered(name)?;
        match self.local.handle_of(id) {
            Some((connection, registration)) if connection == handle => Ok(registration),
            _ => Err(AisError::BadHandle),
        }
    }

    fn on_answer(
        &mut self,
        asker: Asker,
        invocation: i32,
        function: Function,
        result: Result<(), AisError>,
        fx: &mut Effects,
    ) {
        match self.local.answer(asker.session, invocation, function, result, fx) {
            Ok(Answered::Done) => fx.reply(asker, Ok(()), Vec::new()),
            Ok(Answered::Tell(message)) => {
                fx.reply(asker, Ok(()), Vec::new());
                send(fx, None, &message);
            }
            Ok(Answered::TellAndWait(message)) => send(fx, Some(asker), &message),
            Err(error) => fx.reply(asker, Err(error), Vec::new()),
        }
    }

    /// This node is about to leave: its units shall go out of service first.
    pub(crate) fn drain(&mut self, fx: &mut Effects) {
        send(fx, None, &Message::Drain);
    }

    /// What a library handle is told now of a protection group, if there is
    /// anything.
    pub(crate) fn tell(&mut self, connection: ConnectionId, due: Due) -> Option<Event> {
        self.tracking.tell(connection, due, &self.model)
    }

    /// How many units were looked at since the start.
    pub(crate) fn work(&self) -> u64 {
        self.model.work
    }

    /// The components of this node whose units are not out of service, and
    /// those that displaced processes here are still active as.
    pub(crate) fn at_work(&self) -> impl Iterator<Item = &Name> {
        let counts = |(id, registration): &(_, _)| {
            self.model.registration(*id) == Some(*registration) && !self.model.is_out(*id)
        };
        let registered = self.local.registered(self.model.topology()).into_iter();
        let registered = registered.filter(counts).map(|(id, _)| id);
        let all = registered.chain(self.model.displaced_on(self.me));
        all.map(|id| &self.model.config(id).name)
    }

    /// Gives a message to the model. The result is for whoever asked.
    fn input(
        &mut self,
        Delivery { from, number, asker, .. }: Delivery<'_>,
        message: Message,
        fx: &mut Effects,
    ) -> Result<Vec<u8>, AisError> {
        match message {
            Message::Register { component, proxy, callbacks } => {
                let proxy = proxy.as_ref();
                let registration =
                    self.model.register(from, number, &component, proxy, callbacks)?;
                if from == self.me {
                    self.attach(&component, registration, asker, fx);
                }
            }
            Message::Unregister { registration, proxy } => {
                self.model.unregister(registration, proxy.as_ref())?;
            }
            Message::HandleGone { registrations } => self.model.handle_gone(&registrations),
            Message::Answer { registration, operation, is_ok } => {
                self.model.answer(registration, operation, is_ok);
            }
            Message::Unanswered { registration, operation, cause } => {
                self.model.unanswered(registration, operation, cause);
            }
            Message::Report(report) => self.model.report(&report)?,
            Message::CancelErrors { component } => self.model.cancel_errors(&component)?,
            Message::Operate { operation, target } => {
                let done = self.model.operate(operation, &target);
                let is_accepted = done.is_ok();
                let words = done.unwrap_or_else(|words| words);
                let mut body = Writer::new();
                Operated { is_accepted, words }.encode(&mut body);
                return Ok(body.into_bytes());
            }
            Message::Resume => self.model.resume(),
            Message::Drain => self.model.drain(from),
            Message::LetGo { registration } => self.model.has_let_go(registration),
        }
        Ok(Vec::new())
    }

    /// Remembers through which handle a component of this node is registered.
    /// If nobody waits any more there is no such handle, or its program has
    /// been told that the call timed out: the registration ends again.
    fn attach(
        &mut self,
        component: &Name,
        registration: RegistrationId,
        asker: Option<Asker>,
        fx: &mut Effects,
    ) {
        match (asker, self.model.find(component)) {
            (Some(asker), Ok(id)) => self.local.attach(id, registration, asker),
            _ => send(fx, None, &Message::HandleGone { registrations: vec![registration] }),
        }
    }

    /// Carries out what an input has led to.
    fn carry_out(&mut self, fx: &mut Effects) {
        #[cfg(debug_assertions)]
        self.model.assert_changes_sound();
        let Outcome { demands, given_up, touched, reset } = self.model.take_outcome();
        for (id, questions) in given_up {
            self.local.dismiss(id, questions, &self.model, fx);
        }
        let touched: Vec<_> = touched.into_values().collect();
        for id in &touched {
            self.local.follow(*id, &self.model, fx);
        }
        for demand in demands {
            self.local.demand(demand, &self.model, fx);
        }
        self.tracking.touch(&touched, &self.model, fx);
        match reset {
            Some(Reset::Node(node)) if node == self.me => fx.reset(),
            Some(Reset::Cluster) => fx.reset(),
            _ => {}
        }
    }
}

impl Service for Amf {
    fn start(config: &Config) -> Self {
        Self::new(config.node, config.node_name.clone(), config.groups.clone())
    }

    /// An operator asks too: the reply to that is an [`Operated`], when all nodes know
    /// of it.
    fn on_request(
        &mut self,
        now: Now,
        caller: &Caller,
        asker: Asker,
        request: ais_proto::Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        let request = match request {
            ais_proto::Request::Amf(request) => request,
            ais_proto::Request::Admin(admin::Request::Operate { operation, target }) => {
                send(fx, Some(asker), &Message::Operate { operation, target });
                return Ok(());
            }
            _ => return Err(Malformed),
        };
        let model = &self.model;
        match request {
            Request::Register { component, proxy } => {
                self.register(asker, callbacks_of(caller)?, component, proxy, fx);
            }
            Request::Unregister { component, proxy } => {
                callbacks_of(caller)?;
                self.unregister(asker, &component, proxy, fx);
            }
            Request::ComponentNameGet => {
                callbacks_of(caller)?;
                let name = self.name_of_handle(asker.connection);
                reply_with(asker, name, fx, |out, name| out.name(name));
            }
            Request::TrackStart { csi, flags, capacity, subscription } => {
                let Asker { session, connection, .. } = asker;
                let start = Start { session, connection, flags, capacity, subscription };
                self.track_start(asker, callbacks_of(caller)?, &csi, start, fx);
            }
            Request::TrackStop { csi } => {
                callbacks_of(caller)?;
                let csi = model.find_instance(&csi);
                let stopped =
                    csi.and_then(|csi| self.tracking.stop(asker.connection, csi, &mut fx.ledger));
                fx.reply(asker, stopped, Vec::new());
            }
            Request::ReadinessStateGet { component } => {
                let state = model.find(&component).map(|id| model.readiness(id));
                reply_with(asker, state, fx, |out, state| out.u8(state as u8));
            }
            Request::HaStateGet { component, csi } => {
                let id = model.find(&component);
                let state = id.and_then(|id| model.ha_state(id, model.find_instance(&csi)?));
                reply_with(asker, state, fx, |out, state| out.u8(state as u8));
            }
            Request::CapabilityModelGet { component } => {
                let id = model.find_registered(&component);
                let ability = id.map(|id| model.config(id).model);
                reply_with(asker, ability, fx, |out, ability| out.u8(ability as u8));
            }
            Request::PendingOperationGet { component } => {
                let flags = model.find(&component).map(|id| model.pending_flags(id));
                reply_with(asker, flags, fx, |out, flags| out.u32(flags));
            }
            Request::ErrorReport(report) => {
                send(fx, Some(asker), &Message::Report(Report::new(&report, now)));
            }
            Request::ErrorCancelAll { component } => {
                send(fx, Some(asker), &Message::CancelErrors { component });
            }
            Request::StoppingComplete { invocation, result } => {
                self.on_answer(asker, invocation, Function::StoppingComplete, result, fx);
            }
            Request::Response { invocation, result } => {
                self.on_answer(asker, invocation, Function::Response, result, fx);
            }
        }
        Ok(())
    }

    fn on_deliver(&mut self, delivery: Delivery<'_>, fx: &mut Effects) {
        let asker = delivery.asker;
        let Ok(message) = Message::take_all(delivery.message) else {
            return;
        };
        // An answer is of no use to anybody once its node is gone, so it need
        // not have reached everybody.
        let promise = match message {
            Message::Answer { .. } => Promise::Delivered,
            _ => Promise::Stable,
        };
        let result = self.input(delivery, message, fx);
        self.carry_out(fx);
        if let Some(asker) = asker {
            let (result, body) = match result {
                Ok(body) => (Ok(()), body),
                Err(error) => (Err(error), Vec::new()),
            };
            fx.answer(asker, promise, result, body);
        }
    }

    fn on_view(&mut self, view: &View, has_quorum: bool, fx: &mut Effects) {
        self.model.install(view, has_quorum);
        #[cfg(debug_assertions)]
        self.model.assert_sound();
        self.carry_out(fx);
        if self.model.is_to_resume() {
            send(fx, None, &Message::Resume);
        }
    }

    /// Time brings nothing to the model: each node says what its own
    /// components leave unanswered.
    fn on_lead(&mut self, _leads: bool, _fx: &mut Effects) {}

    fn timers_need_quorum(&self) -> bool {
        false
    }

    fn on_timer(&mut self, _now: Now, timer: Timer, fx: &mut Effects) {
        if let Some(message) = self.local.on_timer(timer, &self.model, fx) {
            send(fx, None, &message);
        }
    }

    fn on_cancel(&mut self, _connection: ConnectionId, _id: u32, _fx: &mut Effects) {}

    fn on_undelivered(&mut self, _event: &Event, _fx: &mut Effects) {}

    fn on_handle_gone(&mut self, connection: ConnectionId, fx: &mut Effects) {
        self.tracking.forget(connection, &mut fx.ledger);
        let registrations = self.local.lose_handle(connection, fx);
        if !registrations.is_empty() {
            send(fx, None, &Message::HandleGone { registrations });
        }
    }

    fn on_session_gone(&mut self, session: SessionId, _fx: &mut Effects) {
        self.local.forget_session(session);
    }

    fn digest(&self, digest: &mut Digest) {
        self.model.status().digest(digest);
    }

    fn replica(&mut self) -> Option<&mut dyn Replica> {
        Some(self)
    }
}

impl Report {
    fn new(report: &ErrorReport<'_>, now: Now) -> Self {
        // The original testamf2 fills in nothing but the cause. What it happens
        // to recommend must not take a node out.
        let is_filled_in = report.report_type != 0 && report.severity != 0;
        let recovery = match report.recovery {
            recovery if recovery < Recovery::NodeSwitchover || is_filled_in => recovery,
            _ => Recovery::ComponentFailover,
        };
        Self {
            at: now.wall,
            reporting: report.reporting.clone(),
            erroneous: report.erroneous.clone(),
            recovery,
            probable_cause: report.probable_cause,
        }
    }
}

fn send(fx: &mut Effects, asker: Option<Asker>, message: &Message) {
    let mut out = fx.compose(asker, 64);
    message.put(&mut out);
    fx.multicast(out);
}

/// The callbacks of the library handle that the request came on.
fn callbacks_of(caller: &Caller) -> Result<Callbacks, Malformed> {
    caller.callbacks(ServiceId::Amf).map(Callbacks::from_bits_truncate).ok_or(Malformed)
}

/// Answers with a value, if there is one.
fn reply_with<T>(
    asker: Asker,
    result: Result<T, AisError>,
    fx: &mut Effects,
    write: impl FnOnce(&mut Writer, T) -> &mut Writer,
) {
    let mut body = Writer::new();
    let result = result.map(|value| {
        write(&mut body, value);
    });
    fx.reply(asker, result, body.into_bytes());
}
