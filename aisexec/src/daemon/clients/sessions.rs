//! Sessions: which connections belong to one process.

use crate::sys;
use ais_node::SessionId;
use ais_proto::Cookie;
use nix::errno::Errno;
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

/// A process that uses the executive.
#[derive(Debug)]
pub(crate) struct Session {
    cookie: Cookie,
    pid: Pid,
    /// The connection that opened it.
    pub(crate) anchor: u64,
    /// Becomes readable when the process ends; epoll watches it as long as it
    /// is open.
    process: Option<OwnedFd>,
    /// Its other connections.
    pub(crate) members: BTreeSet<u64>,
    /// The connections that it was given and that have not said yet what they are for.
    pub(crate) given: BTreeSet<u64>,
    /// How many of its members are library handles.
    pub(crate) handles: usize,
}

impl Session {
    /// How many connections for calls it has.
    pub(crate) fn calls(&self) -> usize {
        self.members.len().saturating_sub(self.handles)
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    last: u64,
    sessions: BTreeMap<SessionId, Session>,
    cookies: BTreeMap<Cookie, SessionId>,
}

impl Sessions {
    /// The number that the next session will have.
    pub(crate) fn next(&self) -> SessionId {
        SessionId(self.last + 1)
    }

    /// Opens a session with a new cookie.
    ///
    /// # Errors
    /// If there is no randomness for a cookie.
    pub(crate) fn open(
        &mut self,
        anchor: u64,
        pid: Pid,
        process: Option<OwnedFd>,
    ) -> io::Result<(SessionId, Cookie)> {
        let mut cookie = Cookie::default();
        sys::random(&mut cookie)?;
        let id = self.next();
        self.last = id.0;
        let (members, given) = (BTreeSet::new(), BTreeSet::new());
        let session = Session { cookie, pid, anchor, process, members, given, handles: 0 };
        self.sessions.insert(id, session);
        self.cookies.insert(cookie, id);
        Ok((id, cookie))
    }

    /// The session with this cookie, if this process opened it. The user does
    /// not have to be the same: a process may drop its privileges, and every
    /// connection is checked for itself.
    pub(crate) fn find(&self, cookie: &Cookie, pid: Pid) -> Option<SessionId> {
        let id = *self.cookies.get(cookie)?;
        self.sessions.get(&id).filter(|session| session.pid == pid).map(|_| id)
    }

    /// Whether this is the cookie of this session.
    pub(crate) fn is_of(&self, id: SessionId, cookie: &Cookie) -> bool {
        self.cookies.get(cookie) == Some(&id)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// Kills the process of a session.
    pub(crate) fn kill(&self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let killed = match &session.process {
            Some(process) => sys::pidfd_kill(process),
            None => Err(Errno::ESRCH.into()),
        };
        match killed {
            Ok(()) => log::warn!("process {} is killed", session.pid),
            Err(error) => log::error!("process {} cannot be killed ({error})", session.pid),
        }
    }

    /// Forgets a session.
    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.cookies.remove(&session.cookie);
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_serves_only_the_process_it_was_given_to() {
        let mut sessions = Sessions::default();
        let (one, two) = (Pid::from_raw(1), Pid::from_raw(2));
        let (first, cookie) = sessions.open(10, one, None).unwrap();
        let (second, other) = sessions.open(11, two, None).unwrap();
        assert_ne!(first, second);
        assert_ne!(cookie, other);
        assert_eq!(sessions.find(&cookie, one), Some(first));
        assert_eq!(sessions.find(&cookie, two), None);
        assert_eq!(sessions.find(&[0; 16], one), None);
        assert!(sessions.remove(first).is_some());
        assert_eq!(sessions.find(&cookie, one), None);
        assert!(sessions.next() > second);
    }
}
