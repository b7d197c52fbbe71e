//! The end of connections and sessions.

use super::Server;
use super::connection::{Connection, Fault, Greeting, State};
use ais_node::{Caller, ConnectionId, Now, SessionId};

impl Server {
    /// Closes a connection when this step is over.
    pub(super) fn close(&mut self, now: Now, id: u64, fault: Fault) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.is_closing {
            return;
        }
        connection.is_closing = true;
        self.closing.push(id);
        if fault != Fault::End {
            let (peer, user) = (&connection.peer, Some(connection.peer.uid.as_raw()));
            let text = format_args!("a connection of {peer} was closed: {fault}");
            self.complaints.log(now.monotonic, user, text);
        }
    }

    /// Closes what is to be closed. What that makes the node say may add to
    /// it.
    pub(super) fn close_all(&mut self, now: Now) {
        while let Some(id) = self.closing.pop() {
            let Some(connection) = self.forget(id) else { continue };
            match connection.state {
                State::Greeting(greeting) => self.take_back(id, greeting),
                State::Anchor(session) => self.end_session(now, session),
                State::Calls(caller) => self.leave(now, caller, 0),
                State::Handle(caller, _) => self.leave(now, caller, 1),
            }
        }
    }

    /// A process is gone, and all that it had.
    pub(super) fn end_session(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.remove(id) else { return };
        self.forget(session.anchor);
        for given in session.given {
            self.forget(given);
        }
        for member in session.members {
            self.forget(member);
            self.node.connection_closed(now, ConnectionId(member));
        }
        self.node.session_closed(now, id);
        self.deliver(now);
    }

    /// Closes the connection that has not moved for the longest time, of those
    /// that make the daemon hold memory. False if there is none.
    pub(super) fn close_stalled(&mut self, now: Now) -> bool {
        let holding = self.connections.iter().filter(|(_, connection)| connection.counted > 0);
        let Some((id, _)) = holding.min_by_key(|(_, connection)| connection.moved) else {
            return false;
        };
        let id = *id;
        self.close(now, id, Fault::Stalled);
        true
    }

    fn leave(&mut self, now: Now, caller: Caller, handles: usize) {
        if let Some(session) = self.sessions.get_mut(caller.session) {
            session.members.remove(&caller.connection.0);
            session.handles = session.handles.saturating_sub(handles);
        }
        self.node.connection_closed(now, caller.connection);
        self.deliver(now);
    }

    /// A connection that a session was given is no longer a new one.
    pub(super) fn take_back(&mut self, id: u64, greeting: Greeting) {
        let session = greeting.given_to.and_then(|session| self.sessions.get_mut(session));
        if let Some(session) = session {
            session.given.remove(&id);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Connection> {
        let connection = self.connections.remove(&id)?;
        self.quota.remove(connection.peer.uid, connection.descriptors);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(connection.counted);
        Some(connection)
    }
}
