//! The clients of this node, as far as the node has to know them.

use ais_proto::{MAX_ASYNC_PER_HANDLE, Service};
use std::collections::{BTreeMap, VecDeque};

use crate::Event;

/// A process that uses the node, from its first connection to its end. Never
/// used twice in the life of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A connection of a process. Never used twice in the life of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The process.
    pub session: SessionId,
    /// The connection.
    pub connection: ConnectionId,
    /// Of the connection of a library handle: its service, and which
    /// callbacks the program gave (bit n: member n of its structure).
    pub handle: Option<(Service, u32)>,
}

impl Caller {
    /// The callbacks, if the caller is a library handle of `service`.
    #[must_use]
    pub fn callbacks(&self, service: Service) -> Option<u32> {
        self.handle.filter(|(of, _)| *of == service).map(|(_, callbacks)| callbacks)
    }
}

/// What the node keeps per library handle: the events its program has not
/// room for, and how many asynchronous requests are under way.
#[derive(Debug, Default)]
struct Handle {
    blocked: bool,
    waiting: VecDeque<Event>,
    asynchronous: usize,
}

/// The library handles.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    handles: BTreeMap<ConnectionId, Handle>,
}

impl Handles {
    pub(crate) fn open(&mut self, connection: ConnectionId) {
        self.handles.insert(connection, Handle::default());
    }

    pub(crate) fn contains(&self, connection: ConnectionId) -> bool {
        self.handles.contains_key(&connection)
    }

    /// Forgets a handle; the events that waited for it come back.
    pub(crate) fn close(&mut self, connection: ConnectionId) -> VecDeque<Event> {
        self.handles.remove(&connection).unwrap_or_default().waiting
    }

    /// Counts one more asynchronous request, unless there are too many.
    pub(crate) fn begin_asynchronous(&mut self, connection: ConnectionId) -> bool {
        match self.handles.get_mut(&connection) {
            Some(handle) if handle.asynchronous < MAX_ASYNC_PER_HANDLE => {
                handle.asynchronous += 1;
                true
            }
            _ => false,
        }
    }

    /// So many asynchronous requests end without an event: they were refused,
    /// or nobody waits any more.
    pub(crate) fn end_asynchronous(&mut self, connection: ConnectionId, requests: usize) {
        if let Some(handle) = self.handles.get_mut(&connection) {
            handle.asynchronous = handle.asynchronous.saturating_sub(requests);
        }
    }

    /// Takes an event for a handle. It comes back if it can go out now; else
    /// it waits, in place of one that it makes obsolete if there is such.
    pub(crate) fn event(&mut self, connection: ConnectionId, event: Event) -> Option<Event> {
        let handle = self.handles.get_mut(&connection)?;
        if !handle.blocked {
            return Some(handle.emit(event));
        }
        let mut event = Some(event);
        for earlier in &mut handle.waiting {
            event = event.and_then(|event| earlier.absorb(event));
        }
        handle.waiting.extend(event);
        None
    }

    pub(crate) fn block(&mut self, connection: ConnectionId) {
        if let Some(handle) = self.handles.get_mut(&connection) {
            handle.blocked = true;
        }
    }

    /// The program has made room: the next event that waited for it. When
    /// there is none the handle is no longer blocked.
    pub(crate) fn next_event(&mut self, connection: ConnectionId) -> Option<Event> {
        let handle = self.handles.get_mut(&connection)?;
        match handle.waiting.pop_front() {
            Some(mut event) => {
                if let Some(rest) = event.split() {
                    handle.waiting.push_front(rest);
                }
                Some(handle.emit(event))
            }
            None => {
                handle.blocked = false;
                None
            }
        }
    }
}

impl Handle {
    fn emit(&mut self, event: Event) -> Event {
        if event.ends_asynchronous() {
            self.asynchronous = self.asynchronous.saturating_sub(1);
        }
        event
    }
}
