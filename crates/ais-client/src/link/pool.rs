//! Connections that are used by one caller at a time. Who finds all of them
//! busy waits, but not longer than its own deadline.

use crate::sys::deadline::Deadline;
use crate::sys::fork;
use crate::sys::socket::SOON;
use crate::sys::thread::{Holding, let_handlers_run};
use ais_proto::AisError;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a pool lends.
pub(crate) trait Lent {
    /// Whether it is of no further use.
    fn is_dead(&self) -> bool;
}

/// A set of connections, at most `most`.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    most: usize,
    connections: Mutex<Connections<C>>,
    freed: Condvar,
}

#[derive(Debug)]
struct Connections<C> {
    idle: Vec<C>,
    /// Idle, borrowed, or about to be opened.
    open: usize,
    /// Callers that wait for one; to wake nobody costs a system call too.
    waiting: usize,
}

impl<C: Lent> Pool<C> {
    /// An empty pool, which opens connections as they are needed.
    pub(crate) fn new(most: usize) -> Self {
        let connections = Connections { idle: Vec::new(), open: 0, waiting: 0 };
        Self { most, connections: Mutex::new(connections), freed: Condvar::new() }
    }

    /// A pool of this one connection.
    pub(crate) fn of(connection: C) -> Self {
        let connections = Connections { idle: vec![connection], open: 1, waiting: 0 };
        Self { most: 1, connections: Mutex::new(connections), freed: Condvar::new() }
    }

    /// Lends `work` the connection that was given back last, or a new one
    /// that `open` makes.
    ///
    /// # Errors
    /// `Timeout` if all were busy until the deadline; `Library` in the child of
    /// a handler that forked meanwhile; what `open` and `work` return.
    pub(crate) fn with<T, E: From<AisError>>(
        &self,
        deadline: Deadline,
        open: impl FnOnce() -> Result<C, E>,
        work: impl FnOnce(&mut C) -> Result<T, E>,
    ) -> Result<T, E> {
        let _only_one = (self.most == 1).then(Holding::begin);
        let generation = fork::generation();
        let mut place = Place { pool: self, generation, connection: self.take(deadline)? };
        let connection = match &mut place.connection {
            Some(connection) => connection,
            empty => empty.insert(open()?),
        };
        work(connection)
    }

    /// An idle connection, or the right to open one.
    fn take(&self, deadline: Deadline) -> Result<Option<C>, AisError> {
        let mut connections = self.lock();
        loop {
            if let Some(connection) = connections.idle.pop() {
                return Ok(Some(connection));
            }
            if connections.open < self.most {
                connections.open += 1;
                return Ok(None);
            }
            if deadline.is_over() {
                return Err(AisError::Timeout);
            }
            connections.waiting += 1;
            connections = wait_a_little(&self.freed, connections, deadline);
            connections.waiting -= 1;
            if connections.idle.is_empty() {
                drop(connections);
                between_waits()?;
                connections = self.lock();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections<C>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a condition variable, at most until the deadline and not longer
/// than a signal handler may have to.
pub(crate) fn wait_a_little<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Deadline,
) -> MutexGuard<'a, T> {
    let left = deadline.remaining().map_or(SOON, |left| left.min(SOON));
    condition.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
}

/// Lets signal handlers run between two waits, with no lock held.
///
/// # Errors
/// `Library` in the child of one that forked, which must lock nothing.
pub(crate) fn between_waits() -> Result<(), AisError> {
    let generation = fork::generation();
    let_handlers_run();
    if generation == fork::generation() { Ok(()) } else { Err(AisError::Library) }
}

/// A place in the pool, which is given back however the work ends: with its
/// connection, unless that has died.
struct Place<'a, C: Lent> {
    pool: &'a Pool<C>,
    /// The process that took it, counted in forks.
    generation: u32,
    connection: Option<C>,
}

impl<C: Lent> Drop for Place<'_, C> {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            // The child of a handler that forked: the pool may be locked for
            // ever, and the connection is the parent's.
            mem::forget(self.connection.take());
            return;
        }
        let connection = self.connection.take().filter(|connection| !connection.is_dead());
        let mut connections = self.pool.lock();
        match connection {
            Some(connection) => connections.idle.push(connection),
            None => connections.open -= 1,
        }
        let is_wanted = connections.waiting > 0;
        drop(connections);
        if is_wanted {
            self.pool.freed.notify_one();
        }
    }
}
