//! Heartbeats: one healthcheck at a time, as long as a component works.

use super::{
    HEARTBEAT_ANSWER_TIMER, HEARTBEAT_TIMER, Local, Subject, component_timer, nanoseconds,
};
use crate::amf::config;
use crate::amf::model::Model;
use crate::amf::topology::ComponentId;
use crate::{Effects, Event};
use ais_proto::amf::{self, Healthcheck};

impl Local {
    /// Begins or ends the heartbeats of a component.
    pub(super) fn monitor(
        &mut self,
        id: ComponentId,
        config: Option<&config::Component>,
        fx: &mut Effects,
    ) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.is_monitored == config.is_some() {
            return;
        }
        client.is_monitored = config.is_some();
        if let Some(config) = config {
            return set_heartbeat_timer(id, config, fx);
        }
        let outstanding = client.heartbeat.take();
        fx.cancel_timer(component_timer(HEARTBEAT_TIMER, id));
        fx.cancel_timer(component_timer(HEARTBEAT_ANSWER_TIMER, id));
        if let Some(invocation) = outstanding {
            self.retire(invocation, fx);
        }
    }

    /// Sends a heartbeat, unless one is unanswered.
    pub(super) fn beat(&mut self, id: ComponentId, model: &Model, fx: &mut Effects) {
        let Some(client) = self.clients.get(&id).filter(|client| client.is_monitored) else {
            return;
        };
        let config = model.config(id);
        set_heartbeat_timer(id, config, fx);
        let session = client.session;
        let Some(connection) = client.connection.filter(|_| client.heartbeat.is_none()) else {
            return;
        };
        let subject = Subject::Heartbeat;
        let invocation = self.invoke(session, id, subject);
        if let Some(client) = self.clients.get_mut(&id) {
            client.heartbeat = Some(invocation);
        }
        let (component, kind) = (config.name.clone(), Healthcheck::Heartbeat);
        let event = amf::Event::Healthcheck { invocation, component, kind };
        fx.event(connection, Event::Amf(event));
        let timeout = nanoseconds(config.healthcheck_timeout);
        fx.set_timer_for(session, component_timer(HEARTBEAT_ANSWER_TIMER, id), timeout);
    }
}

fn set_heartbeat_timer(id: ComponentId, config: &config::Component, fx: &mut Effects) {
    let interval = nanoseconds(config.healthcheck_interval.max(1));
    fx.set_timer(component_timer(HEARTBEAT_TIMER, id), interval);
}
