//! The end of connections and sessions. What belongs to a process may be much,
//! so it ends bit by bit, in rounds of the loop.

use super::bounds::{CLOSES_PER_ROUND, CLOSING_TIME};
use super::connection::{Fault, State};
use crate::clock;
use crate::daemon::Server;
use ais_node::{Caller, Now, SessionId};

/// What is to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    Connection(u64),
    /// A session, when all its connections have ended.
    Session(SessionId),
}

impl Server {
    /// Closes a connection soon. Nothing is served on it any more, and what it
    /// holds does not count any more.
    #[cold]
    pub(super) fn close(&mut self, now: Now, id: u64, fault: Fault) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.begin_closing() {
            return;
        }
        if fault != Fault::End {
            let (peer, user) = (&connection.peer, Some(connection.peer.uid.as_raw()));
            let text = format_args!("a connection of {peer} was closed: {fault}");
            self.complaints.log(now.monotonic, user, text);
        }
        self.endings.push_back(Ending::Connection(id));
        self.recount(id);
    }

    /// Closes some of what is to be closed. What that makes the node say may add
    /// to it.
    pub(super) fn close_some(&mut self, now: Now) {
        if self.endings.is_empty() {
            return;
        }
        let until = clock::monotonic().saturating_add(CLOSING_TIME);
        for _ in 0..CLOSES_PER_ROUND {
            match self.endings.pop_front() {
                Some(Ending::Connection(id)) => self.end_connection(now, id),
                Some(Ending::Session(id)) => self.node.session_closed(now, id),
                None => return,
            }
            self.deliver(now);
            if clock::monotonic() >= until {
                return;
            }
        }
    }

    fn end_connection(&mut self, now: Now, id: u64) {
        let Some(connection) = self.forget(id) else { return };
        match connection.state {
            State::Greeting(greeting) => self.end_greeting(id, greeting),
            State::Anchor(session) => self.end_session(now, session),
            State::Calls(caller) => self.leave(now, caller, 0),
            State::Handle(caller, _) => self.leave(now, caller, 1),
        }
    }

    /// A process is gone, and all that it had.
    #[cold]
    pub(in crate::daemon) fn end_session(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.remove(id) else { return };
        self.close(now, session.anchor, Fault::End);
        for connection in session.given.into_iter().chain(session.members) {
            self.close(now, connection, Fault::End);
        }
        self.endings.push_back(Ending::Session(id));
    }

    fn leave(&mut self, now: Now, caller: Caller, handles: usize) {
        if let Some(session) = self.sessions.get_mut(caller.session) {
            session.members.remove(&caller.connection.0);
            session.handles = session.handles.saturating_sub(handles);
        }
        self.node.connection_closed(now, caller.connection);
    }
}
