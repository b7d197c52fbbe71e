//! How many events of a handle are taken at a time: one, all that are pending,
//! or all that come.
//!
//! A [`Turn`] is one dispatch. Each step of it (`step` of a handle) receives an
//! event and says what to do next.

use crate::link::client::Client;
use ais_proto::AisError;

/// How many events to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// At most one, without waiting for it.
    One,
    /// All that are pending when it begins.
    All,
    /// All that come, until the handle is finalized.
    Blocking,
}

/// What a dispatching thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<C> {
    /// It does what the event calls for.
    Call(C),
    /// It waits until the selection object is readable, and takes another step.
    Wait,
    /// It goes back to the program.
    Done,
}

impl<C> Step<C> {
    /// The same with another form of the event.
    ///
    /// # Errors
    /// What `form` returns.
    pub fn try_map<D>(
        self,
        form: impl FnOnce(C) -> Result<D, AisError>,
    ) -> Result<Step<D>, AisError> {
        Ok(match self {
            Self::Call(event) => Step::Call(form(event)?),
            Self::Wait => Step::Wait,
            Self::Done => Step::Done,
        })
    }
}

/// How far a dispatch has come. It is plain data: a frame that a callback never
/// comes back to may hold it.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    flags: Flags,
    /// What will have been received once everything is that was pending when
    /// it began: what a callback causes is for the next time, or a program
    /// that answers its callbacks would not come back.
    all: Option<usize>,
    has_called: bool,
}

impl Turn {
    /// One that has not begun.
    #[must_use]
    pub fn new(flags: Flags) -> Self {
        Self { flags, all: None, has_called: false }
    }

    /// The next step; `next` receives an event that is pending.
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
            Ok(Some(event)) => {
                self.has_called = true;
                Ok(Step::Call(event))
            }
            Ok(None) if self.flags == Flags::Blocking => Ok(Step::Wait),
            Ok(None) => Ok(Step::Done),
            Err(_) if client.is_closed() => Ok(Step::Done),
            Err(error) => Err(error),
        }
    }
}
