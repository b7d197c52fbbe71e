//! Checkpoint (A.01.01 section CKPT): sections of bytes that all nodes of the
//! cluster share.
//!
//! [`open`] gives a [`Checkpoint`], of which sections are written, read and
//! listed. The calls that end later, and tell by an event, are made on a handle
//! ([`Ckpt`]).

// As in AMF, aisexec checks whether a callback is missing.

mod checkpoint;
mod sections;

pub use ais_proto::ckpt::{
    Attributes, MAX_SECTION_ID, MAX_SECTION_SIZE, NO_LIMIT, Open, OpenFlags, ReadElement,
    ReadReply, Section, SectionState, SectionsChosen, Status, UpdateOption, WriteElement, deadline,
};
pub use checkpoint::{Checkpoint, VectorError, open, tell_misfit, unlink};
pub use sections::Sections;

use super::asking::Asked;
use super::dispatch::{Step, Turn};
use crate::link::client::Client;
use crate::link::connection::done;
use ais_proto::ckpt::{Event as Packet, Request};
use ais_proto::{AisError, ServiceId};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

bitflags::bitflags! {
    /// Which events a handle is opened for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Callbacks: u32 {
        /// The end of [`Ckpt::open_async`].
        const OPEN = 1;
        /// The end of [`Ckpt::synchronize_async`].
        const SYNCHRONIZE = 1 << 1;
    }
}

/// What a handle is told.
#[derive(Debug)]
pub enum Event<I> {
    /// The end of an asynchronous open; the program owns what was opened.
    Opened(I, Result<Arc<Checkpoint>, AisError>),
    /// The end of an asynchronous synchronize.
    Synchronized(I, Result<(), AisError>),
}

/// A handle of CKPT, of which requests are known as an `I`. It ends when it is
/// closed or dropped.
#[derive(Debug)]
pub struct Ckpt<I> {
    client: Client,
    opens: Asked<I>,
    synchronizes: Asked<I>,
}

impl<I> Ckpt<I> {
    /// Opens a handle (`saCkptInitialize`).
    ///
    /// # Errors
    /// `TryAgain` if there is no aisexec.
    pub fn new(callbacks: Callbacks) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Ckpt, callbacks.bits())?;
        Ok(Self { client, opens: Asked::new(), synchronizes: Asked::new() })
    }

    /// The descriptor that is readable when an event is pending
    /// (`saCkptSelectionObjectGet`).
    ///
    /// # Errors
    /// `BadHandle` in a child; `Library` if the program has closed it.
    pub fn selection_object(&self) -> Result<BorrowedFd<'_>, AisError> {
        self.client.events().descriptor()
    }

    /// Waits until an event is pending or the handle is closed, so long at
    /// most, or for ever.
    ///
    /// # Errors
    /// `Timeout` if none came in time; `BadHandle` in a child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), AisError> {
        self.client.wait(timeout)
    }

    /// Opens a checkpoint (`saCkptCheckpointOpenAsync`); an event tells the end.
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn open_async(&self, invocation: I, open: &Open) -> Result<(), AisError> {
        self.opens.ask(invocation, |tag| self.call(Request::OpenAsync { tag, open: open.clone() }))
    }

    /// Has all replicas take what was written before
    /// (`saCkptCheckpointSynchronizeAsync`); an event tells the end.
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn synchronize_async(
        &self,
        invocation: I,
        checkpoint: &Checkpoint,
    ) -> Result<(), AisError> {
        if !Arc::ptr_eq(checkpoint.session(), self.client.session()) {
            // One of the two is left over from an aisexec that is gone.
            return Err(AisError::Library);
        }
        let checkpoint = checkpoint.number();
        self.synchronizes
            .ask(invocation, |tag| self.call(Request::SynchronizeAsync { checkpoint, tag }))
    }

    /// The next step of a dispatch (`saCkptDispatch`).
    ///
    /// # Errors
    /// `Library` if aisexec is gone; `BadHandle` in a child.
    pub fn step(&self, turn: &mut Turn) -> Result<Step<Event<I>>, AisError> {
        turn.step(&self.client, || self.next())
    }

    /// Ends the handle (`saCkptFinalize`). Checkpoints stay open, but those that
    /// the program never heard of are closed.
    pub fn close(&self) {
        self.client.close();
        self.opens.forget();
        self.synchronizes.forget();
        while let Ok(Some(_)) = self.next() {}
    }

    /// The next event that somebody waits for. A checkpoint that was
    /// opened for nobody is closed.
    fn next(&self) -> Result<Option<Event<I>>, AisError> {
        let decode = |code, body: &[u8]| Packet::decode(code, body).ok();
        while let Some(event) = self.client.events().next(decode)? {
            let told = match event {
                Packet::Open { tag, result } => {
                    let opened = result.map(|number| {
                        Arc::new(Checkpoint::new(Arc::clone(self.client.session()), number))
                    });
                    let invocation = self.opens.end(tag, |invocation| invocation);
                    if let (None, Ok(checkpoint)) = (&invocation, &opened) {
                        checkpoint.close()?;
                    }
                    invocation.map(|invocation| Event::Opened(invocation, opened))
                }
                Packet::Synchronize { tag, result } => {
                    self.synchronizes.end(tag, |invocation| Event::Synchronized(invocation, result))
                }
            };
            if told.is_some() {
                return Ok(told);
            }
        }
        Ok(None)
    }

    fn call(&self, request: Request<'_>) -> Result<(), AisError> {
        self.client.call(&ais_proto::Request::Ckpt(request), done)
    }
}
