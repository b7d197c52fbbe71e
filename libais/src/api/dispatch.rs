//! The three ways to dispatch.
//!
//! One packet is one callback. A packet is received under a lock and decoded;
//! `ffi` makes the callback with no lock held.

use crate::link::client::Client;
use ais_proto::AisError;

/// How many callbacks to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    /// At most one, without waiting for it.
    One,
    /// All that are pending when it begins.
    All,
    /// All that come, until the handle is finalized.
    Blocking,
}

/// What a dispatching thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<C> {
    /// It makes this callback.
    Call(C),
    /// It waits until the selection object is readable.
    Wait,
    /// It goes back to the program.
    Done,
}

impl<C> Step<C> {
    /// The same with another form of the callback.
    ///
    /// # Errors
    /// What `form` returns.
    pub(crate) fn try_map<D>(
        self,
        form: impl FnOnce(C) -> Result<D, AisError>,
    ) -> Result<Step<D>, AisError> {
        Ok(match self {
            Self::Call(callback) => Step::Call(form(callback)?),
            Self::Wait => Step::Wait,
            Self::Done => Step::Done,
        })
    }
}

/// How far a dispatch has come. Nothing of it must be dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    flags: Flags,
    /// What will have been received once everything is that was pending when
    /// it began: what a callback causes is for the next time, or a program
    /// that answers its callbacks would not come back.
    all: Option<usize>,
    has_called: bool,
}

impl Turn {
    pub(crate) fn new(flags: Flags) -> Self {
        Self { flags, all: None, has_called: false }
    }

    /// The next step; `next` receives a callback that is pending.
    ///
    /// # Errors
    /// `Library` if aisexec is gone; `BadHandle` in a child.
    pub(crate) fn step<C>(
        &mut self,
        client: &Client,
        next: impl FnOnce() -> Result<Option<C>, AisError>,
    ) -> Result<Step<C>, AisError> {
        let events = client.events();
        let all = *self.all.get_or_insert_with(|| events.all_pending());
        let is_enough = match self.flags {
            Flags::One => self.has_called,
            Flags::All => self.has_called && events.received() >= all,
            Flags::Blocking => false,
        };
        if is_enough || client.is_closed() {
            return Ok(Step::Done);
        }
        match next() {
            Ok(Some(callback)) => {
                self.has_called = true;
                Ok(Step::Call(callback))
            }
            Ok(None) if self.flags == Flags::Blocking => Ok(Step::Wait),
            Ok(None) => Ok(Step::Done),
            Err(_) if client.is_closed() => Ok(Step::Done),
            Err(error) => Err(error),
        }
    }
}
