//! Displaced processes: others take over when such a one has answered all that
//! ends its work, or has not in time.

use super::{
    CALLBACK_TIMER, Local, OperationKind, Subject, cancel_timers, event, nanoseconds, timer,
};
use crate::amf::message::{Message, RegistrationId};
use crate::amf::model::{Model, Question};
use crate::amf::topology::ComponentId;
use crate::{ConnectionId, Effects, Event};

/// A process that was displaced while it was active.
#[derive(Debug)]
pub(super) struct Displaced {
    connection: ConnectionId,
    /// The invocations that wait for an answer.
    waiting: Vec<i32>,
}

impl Local {
    /// Tells a process that another one has its component. It has to answer
    /// what ends its work, also what it was asked before. Gives the message
    /// that it has, if it has done so already.
    pub(in crate::amf) fn displace(
        &mut self,
        id: ComponentId,
        questions: Vec<Question>,
        model: &Model,
        fx: &mut Effects,
    ) -> Option<Message> {
        let client = self.clients.get_mut(&id)?;
        let (registration, session) = (client.registration, client.session);
        // Without a handle: all nodes are about to know that it is gone.
        let connection = client.connection?;
        let mut waiting = Vec::new();
        client.waiting.retain(|number| {
            let Some(invocation) = self.invocations.get_mut(number) else { return true };
            let Subject::Operation { kind, .. } = invocation.subject else { return true };
            let ends = matches!(kind, OperationKind::EndsWork { .. } | OperationKind::Ends);
            if ends {
                invocation.subject = Subject::Farewell { registration, kind };
                waiting.push(*number);
            }
            !ends
        });
        let config = model.config(id);
        log::info!("component {}: others wait until the process here has let go", config.name);
        for question in questions {
            let subject = Subject::Farewell { registration, kind: OperationKind::of(&question) };
            let invocation = self.invoke(session, id, subject);
            fx.event(connection, Event::Amf(event(invocation, config, question)));
            let timeout = nanoseconds(config.callback_timeout);
            fx.set_timer_for(session, timer(CALLBACK_TIMER, invocation), timeout);
            waiting.push(invocation);
        }
        if waiting.is_empty() {
            return Some(Message::LetGo { registration });
        }
        self.displaced.insert(registration, Displaced { connection, waiting });
        None
    }

    /// A displaced process has answered this. Gives the message that it has
    /// let go, if that was the last answer.
    pub(super) fn farewell_answered(
        &mut self,
        registration: RegistrationId,
        number: i32,
        fx: &mut Effects,
    ) -> Option<Message> {
        cancel_timers(number, fx);
        let waiting = &mut self.displaced.get_mut(&registration)?.waiting;
        waiting.retain(|waiting| *waiting != number);
        if !waiting.is_empty() {
            return None;
        }
        self.displaced.remove(&registration);
        Some(Message::LetGo { registration })
    }

    /// A displaced process is not waited for any longer.
    pub(super) fn give_displaced_up(
        &mut self,
        registration: RegistrationId,
        fx: &mut Effects,
    ) -> Option<Message> {
        let Displaced { waiting, .. } = self.displaced.remove(&registration)?;
        waiting.into_iter().for_each(|invocation| self.retire(invocation, fx));
        Some(Message::LetGo { registration })
    }

    /// A handle is gone. Gives the registrations of displaced processes that
    /// were made through it.
    pub(super) fn lose_displaced(
        &mut self,
        connection: ConnectionId,
        fx: &mut Effects,
    ) -> Vec<RegistrationId> {
        let mut lost = Vec::new();
        self.displaced.retain(|registration, displaced| {
            if displaced.connection != connection {
                return true;
            }
            for number in &displaced.waiting {
                cancel_timers(*number, fx);
                self.invocations.remove(number);
            }
            lost.push(*registration);
            false
        });
        lost
    }
}
