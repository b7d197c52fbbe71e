//! What belongs to the clients of this node alone: which library handle
//! registered what, which invocation stands for which question, heartbeats,
//! and the timers of unanswered callbacks.
//!
//! Here answers are matched with questions. What an answer means is decided
//! where all nodes agree, in the model.

mod displaced;
mod heartbeats;
mod questions;

use super::message::{Cause, Message, RegistrationId};
use super::model::{Demand, Model, Question};
use super::topology::{ComponentId, Topology};
use crate::holds::STALLED_FROM;
use crate::{Asker, ConnectionId, Effects, Event, SessionId, Timer};
use ais_proto::AisError;
use ais_proto::amf;
use displaced::Displaced;
use questions::{OperationKind, event};
use std::collections::{BTreeMap, VecDeque};

/// How many pointless questions per component are remembered, so that a late
/// answer to one is told from an answer to nothing.
const MAX_RETIRED: usize = 32;

/// How much longer an overdue answer is waited for, in nanoseconds: long enough for
/// [`holds`](crate::holds) to notice that the group is held up. The answer may also lie
/// unread in a socket, if the daemon was held up.
const GRACE: u64 = STALLED_FROM + 20_000_000;

const CALLBACK_TIMER: u8 = 1;
const QUIESCE_TIMER: u8 = 2;
const HEARTBEAT_TIMER: u8 = 3;
const HEARTBEAT_ANSWER_TIMER: u8 = 4;

/// The components that are registered from this node, and what they were
/// asked.
#[derive(Debug, Default)]
pub(super) struct Local {
    clients: BTreeMap<ComponentId, Client>,
    displaced: BTreeMap<RegistrationId, Displaced>,
    invocations: BTreeMap<i32, Invocation>,
    retired: BTreeMap<ComponentId, VecDeque<i32>>,
    last_invocation: i32,
}

/// A registered component.
#[derive(Debug)]
struct Client {
    registration: RegistrationId,
    session: SessionId,
    /// `None`: the handle is gone, and all nodes are about to know.
    connection: Option<ConnectionId>,
    /// The invocations of the operations that wait for an answer.
    waiting: Vec<i32>,
    /// Heartbeats are sent.
    is_monitored: bool,
    /// The invocation of the heartbeat that waits for an answer.
    heartbeat: Option<i32>,
}

/// A callback that the program can answer.
#[derive(Debug)]
struct Invocation {
    session: SessionId,
    component: ComponentId,
    subject: Subject,
    /// The kind of the timer that has come; it comes again after [`GRACE`].
    overdue: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Heartbeat,
    Operation {
        number: u64,
        kind: OperationKind,
    },
    /// All wait until a displaced process has let go.
    Farewell {
        registration: RegistrationId,
        kind: OperationKind,
    },
    /// Nobody waits for the answer any more.
    Nothing,
}

/// What becomes of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// All is said.
    Done,
    /// This has to be told to all nodes; the asker need not wait.
    Tell(Message),
    /// This has to be told to all nodes, and the asker waits for it.
    TellAndWait(Message),
}

/// Which function brings an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Response,
    StoppingComplete,
}

impl Local {
    /// A registration of this node was agreed on.
    pub(super) fn attach(
        &mut self,
        component: ComponentId,
        registration: RegistrationId,
        asker: Asker,
    ) {
        let client = Client {
            registration,
            session: asker.session,
            connection: Some(asker.connection),
            waiting: Vec::new(),
            is_monitored: false,
            heartbeat: None,
        };
        self.clients.insert(component, client);
    }

    /// The handle through which a component is registered, and the number of
    /// the registration.
    pub(super) fn handle_of(
        &self,
        component: ComponentId,
    ) -> Option<(ConnectionId, RegistrationId)> {
        let client = self.clients.get(&component)?;
        Some((client.connection?, client.registration))
    }

    /// The component that was registered last through a handle.
    pub(super) fn last_of(&self, connection: ConnectionId) -> Option<ComponentId> {
        let through =
            self.clients.iter().filter(|(_, client)| client.connection == Some(connection));
        through.max_by_key(|(_, client)| client.registration).map(|(id, _)| *id)
    }

    /// A handle is gone: its components are asked nothing more, and nothing
    /// that they were asked can be answered. Gives their registrations, oldest
    /// first.
    pub(super) fn lose_handle(
        &mut self,
        connection: ConnectionId,
        fx: &mut Effects,
    ) -> Vec<RegistrationId> {
        let mut registrations = self.lose_displaced(connection, fx);
        let mut lost = BTreeMap::new();
        for (id, client) in &mut self.clients {
            if client.connection == Some(connection) {
                client.connection = None;
                client.waiting.iter().for_each(|invocation| cancel_timers(*invocation, fx));
                client.waiting.clear();
                client.heartbeat = None;
                lost.insert(*id, (client.registration, client.session));
            }
        }
        if lost.is_empty() {
            return registrations;
        }
        // What another process was asked as one of them before stays, and what
        // this one was through another handle and lost.
        self.invocations.retain(|_, invocation| {
            let is_other =
                |(_, session): &(RegistrationId, SessionId)| *session != invocation.session;
            matches!(invocation.subject, Subject::Farewell { .. })
                || lost.get(&invocation.component).is_none_or(is_other)
        });
        self.forget_answered();
        registrations.extend(lost.into_values().map(|(registration, _)| registration));
        registrations.sort_unstable();
        registrations
    }

    /// A process is gone; it answers nothing more.
    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.invocations.retain(|_, invocation| invocation.session != session);
        self.forget_answered();
    }

    /// Forgets the pointless questions that nobody can answer any more.
    fn forget_answered(&mut self) {
        let invocations = &self.invocations;
        self.retired.retain(|_, retired| {
            retired.retain(|invocation| invocations.contains_key(invocation));
            !retired.is_empty()
        });
    }

    /// Follows what became of a component in the model.
    pub(super) fn follow(&mut self, id: ComponentId, model: &Model, fx: &mut Effects) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if model.registration(id) != Some(client.registration) {
            let waiting = std::mem::take(&mut client.waiting);
            self.monitor(id, None, fx);
            self.clients.remove(&id);
            return waiting.into_iter().for_each(|invocation| self.retire(invocation, fx));
        }
        let invocations = &self.invocations;
        let is_outstanding = |invocation| match invocations.get(invocation) {
            Some(Invocation { subject: Subject::Operation { number, .. }, .. }) => {
                model.is_outstanding(id, *number)
            }
            _ => false,
        };
        let (waiting, pointless): (Vec<i32>, Vec<i32>) =
            client.waiting.iter().partition(|invocation| is_outstanding(invocation));
        client.waiting = waiting;
        pointless.into_iter().for_each(|invocation| self.retire(invocation, fx));
        let config = model.is_monitored(id).then(|| model.config(id));
        self.monitor(id, config, fx);
    }

    /// The components that are registered from this node, in the order of groups.conf,
    /// and their registrations.
    pub(super) fn registered(&self, topology: &Topology) -> Vec<(ComponentId, RegistrationId)> {
        let clients = self.clients.iter().map(|(id, client)| (*id, client.registration));
        let mut registered: Vec<_> = clients.collect();
        registered.sort_unstable_by_key(|(id, _)| topology.components.place(*id));
        registered
    }

    /// Tells a component that its registration does not count any more. What
    /// it answers changes nothing.
    pub(super) fn dismiss(
        &mut self,
        id: ComponentId,
        questions: Vec<Question>,
        model: &Model,
        fx: &mut Effects,
    ) {
        let Some(client) = self.clients.get(&id) else { return };
        let (session, Some(connection)) = (client.session, client.connection) else { return };
        for question in questions {
            let invocation = self.invoke(session, id, Subject::Nothing);
            let event = event(invocation, model.config(id), question);
            fx.event(connection, Event::Amf(event));
            self.retire(invocation, fx);
        }
    }

    /// Asks a component, if it is one of this node.
    pub(super) fn demand(&mut self, demand: Demand, model: &Model, fx: &mut Effects) {
        let Demand { component, registration, operation: number, question } = demand;
        let Some(client) = self.clients.get(&component) else { return };
        let session = client.session;
        let Some(connection) = client.connection.filter(|_| client.registration == registration)
        else {
            return;
        };
        if let Question::Expired(flags) = question {
            let component = model.config(component).name.clone();
            let event = amf::Event::PendingOperationExpired { component, flags };
            return fx.event(connection, Event::Amf(event));
        }
        let kind = OperationKind::of(&question);
        let subject = Subject::Operation { number, kind };
        let invocation = self.invoke(session, component, subject);
        if let Some(client) = self.clients.get_mut(&component) {
            client.waiting.push(invocation);
        }
        let config = model.config(component);
        let event = event(invocation, config, question);
        fx.event(connection, Event::Amf(event));
        let timeout = match kind {
            OperationKind::Stopping => config.stopping_timeout,
            _ => config.callback_timeout,
        };
        fx.set_timer_for(session, timer(CALLBACK_TIMER, invocation), nanoseconds(timeout));
    }

    /// The program answers.
    ///
    /// # Errors
    /// `INVALID_PARAM` if this process was not asked that, or not by this
    /// function, or has answered already.
    pub(super) fn answer(
        &mut self,
        session: SessionId,
        number: i32,
        function: Function,
        result: Result<(), AisError>,
        fx: &mut Effects,
    ) -> Result<Answered, AisError> {
        let invocation = self.invocations.get(&number).filter(|of| of.session == session);
        let Some(&Invocation { component, subject, .. }) = invocation else {
            return Err(AisError::InvalidParam);
        };
        // What nobody waits for may be answered as it was asked.
        let may_be_stopping = matches!(
            subject,
            Subject::Nothing
                | Subject::Farewell { .. }
                | Subject::Operation { kind: OperationKind::Stopping, .. }
        );
        if function == Function::StoppingComplete && !may_be_stopping {
            return Err(AisError::InvalidParam);
        }
        self.invocations.remove(&number);
        Ok(match (subject, self.clients.get_mut(&component)) {
            (Subject::Farewell { registration, .. }, _) => {
                let told = self.farewell_answered(registration, number, fx);
                told.map_or(Answered::Done, Answered::Tell)
            }
            (Subject::Nothing, _) | (_, None) => {
                self.forget_retired(component, number);
                Answered::Done
            }
            (Subject::Heartbeat, Some(client)) => {
                client.heartbeat = None;
                fx.cancel_timer(component_timer(HEARTBEAT_ANSWER_TIMER, component));
                let (registration, cause) = (client.registration, Cause::HealthcheckRefused);
                let failed = Message::Unanswered { registration, operation: None, cause };
                if result.is_ok() { Answered::Done } else { Answered::Tell(failed) }
            }
            (Subject::Operation { number: operation, .. }, Some(client)) => {
                client.waiting.retain(|waiting| *waiting != number);
                cancel_timers(number, fx);
                let (registration, is_ok) = (client.registration, result.is_ok());
                Answered::TellAndWait(Message::Answer { registration, operation, is_ok })
            }
        })
    }

    /// The program has been handed a callback.
    pub(super) fn dispatched(
        &mut self,
        session: SessionId,
        number: i32,
        model: &Model,
        fx: &mut Effects,
    ) {
        if let Some(invocation) = self.invocations.get_mut(&number)
            && invocation.session == session
            && let Subject::Operation { kind, .. } | Subject::Farewell { kind, .. } =
                &mut invocation.subject
            && let OperationKind::EndsWork { dispatched } = kind
            && !std::mem::replace(dispatched, true)
        {
            let timeout = model.config(invocation.component).quiesce_timeout;
            fx.set_timer_for(session, timer(QUIESCE_TIMER, number), nanoseconds(timeout));
        }
    }

    /// A timer has come. What follows from it has to be told to all nodes.
    pub(super) fn on_timer(
        &mut self,
        timer: Timer,
        model: &Model,
        fx: &mut Effects,
    ) -> Option<Message> {
        match timer.kind {
            CALLBACK_TIMER => self.expire(timer, Cause::CallbackUnanswered, fx),
            QUIESCE_TIMER => self.expire(timer, Cause::QuiesceUnanswered, fx),
            HEARTBEAT_TIMER => {
                self.beat(ComponentId(timer.object), model, fx);
                None
            }
            HEARTBEAT_ANSWER_TIMER => {
                let client = self.clients.get(&ComponentId(timer.object))?;
                let (number, registration) = (client.heartbeat?, client.registration);
                let cause = Cause::HealthcheckUnanswered;
                let failed = Message::Unanswered { registration, operation: None, cause };
                self.grace_is_over(number, timer, fx).then_some(failed)
            }
            _ => None,
        }
    }

    /// Nobody waits for the answer to a callback any longer.
    fn expire(&mut self, timer: Timer, cause: Cause, fx: &mut Effects) -> Option<Message> {
        let number = i32::try_from(timer.object).ok()?;
        if !self.grace_is_over(number, timer, fx) {
            return None;
        }
        let invocation = self.invocations.get(&number)?;
        let operation = match invocation.subject {
            Subject::Operation { number, .. } => number,
            Subject::Farewell { registration, .. } => {
                return self.give_displaced_up(registration, fx);
            }
            Subject::Heartbeat | Subject::Nothing => return None,
        };
        let client = self.clients.get_mut(&invocation.component)?;
        client.waiting.retain(|waiting| *waiting != number);
        let registration = client.registration;
        self.retire(number, fx);
        Some(Message::Unanswered { registration, operation: Some(operation), cause })
    }

    /// Whether the [`GRACE`] of an overdue callback is over. It begins when this is asked
    /// for the first time.
    fn grace_is_over(&mut self, number: i32, timer: Timer, fx: &mut Effects) -> bool {
        let Some(invocation) = self.invocations.get_mut(&number) else { return false };
        if invocation.overdue.is_none() {
            invocation.overdue = Some(timer.kind);
            fx.set_timer_for(invocation.session, timer, GRACE);
            return false;
        }
        invocation.overdue == Some(timer.kind)
    }

    /// A number for a callback: positive, and not one that was used lately.
    fn invoke(&mut self, session: SessionId, component: ComponentId, subject: Subject) -> i32 {
        loop {
            self.last_invocation = self.last_invocation.checked_add(1).unwrap_or(1);
            if !self.invocations.contains_key(&self.last_invocation) {
                break;
            }
        }
        let invocation = Invocation { session, component, subject, overdue: None };
        self.invocations.insert(self.last_invocation, invocation);
        self.last_invocation
    }

    /// From now on an answer to this callback changes nothing.
    fn retire(&mut self, number: i32, fx: &mut Effects) {
        cancel_timers(number, fx);
        let Some(invocation) = self.invocations.get_mut(&number) else { return };
        invocation.subject = Subject::Nothing;
        let retired = self.retired.entry(invocation.component).or_default();
        retired.push_back(number);
        if retired.len() > MAX_RETIRED
            && let Some(oldest) = retired.pop_front()
        {
            self.invocations.remove(&oldest);
        }
    }

    fn forget_retired(&mut self, component: ComponentId, number: i32) {
        if let Some(retired) = self.retired.get_mut(&component) {
            retired.retain(|of| *of != number);
        }
    }
}

fn cancel_timers(invocation: i32, fx: &mut Effects) {
    fx.cancel_timer(timer(CALLBACK_TIMER, invocation));
    fx.cancel_timer(timer(QUIESCE_TIMER, invocation));
}

/// Invocations are positive.
fn timer(kind: u8, invocation: i32) -> Timer {
    Timer { kind, object: u64::from(invocation.unsigned_abs()) }
}

fn component_timer(kind: u8, id: ComponentId) -> Timer {
    Timer { kind, object: id.0 }
}

fn nanoseconds(milliseconds: u32) -> u64 {
    u64::from(milliseconds) * 1_000_000
}
