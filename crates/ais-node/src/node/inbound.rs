//! What clients bring: requests, and their end.

use super::Node;
use crate::admin::Sights;
use crate::effects::NODE;
use crate::{Asker, Body, Caller, ConnectionId, Holder, Malformed, Now, SessionId};
use ais_proto::{AisError, Code, Outcome, Request, RequestKind, ServiceId, admin};

impl Node {
    /// A process has come: its session, and who it is.
    pub fn session_opened(&mut self, session: SessionId, holder: Holder) {
        self.fx.ledger.open(session, holder);
        self.admin.on_session_opened(session, holder.process);
    }

    /// A library handle was opened; `caller` says which.
    pub fn handle_opened(&mut self, caller: &Caller) {
        self.handles.open(caller.connection, self.fx.ledger.holder(caller.session));
        self.holds.open(caller);
        self.admin.on_handle_opened(caller);
    }

    /// A client asks.
    ///
    /// # Errors
    /// [`Malformed`] if the connection has to be closed; nothing was done.
    pub fn request(
        &mut self,
        now: Now,
        caller: &Caller,
        id: u32,
        code: Code,
        body: Body<'_>,
    ) -> Result<(), Malformed> {
        self.wake(now);
        let request = Request::decode(code, body.bytes()).map_err(|_| Malformed)?;
        let asker = Asker { session: caller.session, connection: caller.connection, id };
        if let Some(error) = self.refusal(&request) {
            self.fx.reply(asker, Err(error), Vec::new());
            self.apply(now);
            return Ok(());
        }
        let outcome = request.outcome();
        let has_event = outcome.has_event() && self.handles.contains(caller.connection);
        if has_event && !self.handles.begin_asynchronous(caller.connection, &mut self.fx.ledger) {
            self.fx.reply(asker, Err(AisError::TryAgain), Vec::new());
            self.apply(now);
            return Ok(());
        }
        self.holds.begin(caller, Some(id));
        self.fx.outcome = outcome;
        self.fx.needs_quorum = request.kind() == RequestKind::Change;
        self.fx.holder = self.fx.ledger.holder(caller.session);
        let result = self.hand_over(now, caller, asker, request);
        self.fx.send_forwarded(body);
        self.fx.outcome = Outcome::Reply;
        self.fx.needs_quorum = false;
        if has_event && self.fx.has_refused(asker) {
            self.handles.end_asynchronous(caller.connection, 1, &mut self.fx.ledger);
        }
        self.apply(now);
        self.fx.holder = NODE;
        self.run_group(now);
        result
    }

    fn hand_over(
        &mut self,
        now: Now,
        caller: &Caller,
        asker: Asker,
        request: Request<'_>,
    ) -> Result<(), Malformed> {
        let id = server(&request);
        self.fx.service = id;
        if let Some(service) = self.services.get_mut(id) {
            return service.on_request(now, caller, asker, request, &mut self.fx);
        }
        let Request::Admin(request) = request else { return Err(Malformed) };
        let (amf, ckpt) = (&self.services.amf, &self.services.ckpt);
        let (group, sync) = (&self.group, self.sync.status());
        let sights = Sights { amf, ckpt, group, sync };
        self.admin.on_request(now, &sights, caller, asker, request, &mut self.fx)
    }

    /// Why the node itself refuses a request, if it does.
    fn refusal(&mut self, request: &Request<'_>) -> Option<AisError> {
        let service = server(request);
        if !self.sync.takes_part(service) {
            return self.services.configured(service)?.refusal(request);
        }
        let is_refused = match request.kind() {
            RequestKind::Change => !self.sync.may_change(),
            RequestKind::Other => !self.is_serving(),
            RequestKind::Release | RequestKind::Inspect => false,
        };
        is_refused.then_some(AisError::TryAgain)
    }

    /// The program has been handed the callback with this invocation.
    pub fn dispatched(&mut self, now: Now, caller: &Caller, invocation: i32) {
        self.wake(now);
        self.fx.service = ServiceId::Amf;
        self.services.amf.on_dispatched(caller, invocation, &mut self.fx);
        self.apply(now);
        self.run_group(now);
    }

    /// The driver does not read the next request of this connection, as the node
    /// [`is_congested`](Node::is_congested) for its process.
    pub fn request_waits(&mut self, now: Now, caller: &Caller) {
        self.wake(now);
        self.holds.begin(caller, None);
    }

    /// The program reads the event now.
    pub fn request_is_read(&mut self, now: Now, connection: ConnectionId) {
        self.wake(now);
        self.holds.end(connection, None);
    }

    /// A library did not send a call because its data is too long.
    pub fn too_long(&mut self, now: Now) {
        self.services.ckpt.on_too_long(now);
    }

    /// The program that asked with this id no longer waits.
    pub fn cancel(&mut self, now: Now, connection: ConnectionId, id: u32) {
        self.wake(now);
        self.holds.end(connection, Some(id));
        let events = self.fx.askers.forget_call(connection, id);
        self.handles.end_asynchronous(connection, events, &mut self.fx.ledger);
        self.each_service(now, |_, service, fx| service.on_cancel(connection, id, fx));
        self.run_group(now);
    }

    /// A connection is gone.
    pub fn connection_closed(&mut self, now: Now, connection: ConnectionId) {
        self.wake(now);
        self.holds.disconnect(connection);
        self.fx.askers.forget_connection(connection);
        self.admin.on_handle_gone(connection, &mut self.fx.ledger);
        // What is said of its end does not overtake what it said itself.
        if let Some(holder) = self.handles.holder(connection) {
            self.fx.holder = holder;
        }
        self.undelivered.extend(self.handles.close(connection, &mut self.fx.ledger));
        self.each_service(now, |_, service, fx| service.on_handle_gone(connection, fx));
        self.fx.holder = NODE;
        self.run_group(now);
    }

    /// A process is gone; all its connections were closed before.
    pub fn session_closed(&mut self, now: Now, session: SessionId) {
        self.wake(now);
        self.holds.close(session);
        self.admin.on_session_gone(session);
        // What it gives back does not overtake what it still wanted done.
        self.fx.holder = self.fx.ledger.holder(session);
        self.each_service(now, |_, service, fx| service.on_session_gone(session, fx));
        self.fx.holder = NODE;
        self.fx.ledger.close(session);
        self.run_group(now);
    }
}

/// The service that does what is asked: operations of AMF are asked of Admin.
fn server(request: &Request<'_>) -> ServiceId {
    match request {
        Request::Admin(admin::Request::Operate { .. }) => ServiceId::Amf,
        request => request.service(),
    }
}
