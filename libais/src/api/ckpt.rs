//! Checkpoint (A.01.01 section CKPT): library handles. What is open stands in
//! `checkpoint`, and `sections` lists. As in AMF, aisexec checks whether a
//! callback is missing.

mod checkpoint;
mod sections;

pub use ais_proto::ckpt::{
    Attributes, MAX_SECTION_ID, MAX_SECTION_SIZE, Open, OpenFlags, Section, SectionState,
    UpdateOption, WriteElement, deadline,
};
pub(crate) use checkpoint::tell_misfit;
pub use checkpoint::{Checkpoint, VectorError, open, unlink};
pub(crate) use sections::Sections;

use crate::api::asking::Asked;
use crate::api::dispatch::{Step, Turn};
use crate::link::client::Client;
use crate::link::connection::done;
use ais_proto::ckpt::{Event, Request};
use ais_proto::{AisError, ServiceId};
use std::fmt;
use std::os::fd::RawFd;
use std::sync::Arc;

/// The program's callbacks.
pub(crate) trait Program: Send + Sync {
    /// Which there are; bit n is member n of `SaCkptCallbacksT`.
    fn callbacks(&self) -> u32;
}

/// A handle of CKPT.
pub(crate) struct Ckpt<P> {
    client: Client,
    program: P,
    opens: Asked<i32>,
    synchronizes: Asked<i32>,
}

/// A callback that is due.
#[derive(Debug)]
pub(crate) enum Callback {
    /// The end of an asynchronous open; the program owns what was opened.
    Opened(i32, Result<Arc<Checkpoint>, AisError>),
    /// The end of an asynchronous synchronize.
    Synchronized(i32, Result<(), AisError>),
}

impl<P: Program> Ckpt<P> {
    pub(crate) fn new(program: P) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Ckpt, program.callbacks())?;
        Ok(Self { client, program, opens: Asked::new(), synchronizes: Asked::new() })
    }

    /// The descriptor that is readable when a callback is pending.
    pub(crate) fn selection_object(&self) -> Result<RawFd, AisError> {
        self.client.events().number()
    }

    /// `saCkptCheckpointOpenAsync`.
    pub(crate) fn open_async(&self, invocation: i32, open: &Open) -> Result<(), AisError> {
        self.opens.ask(invocation, |tag| self.call(Request::OpenAsync { tag, open: open.clone() }))
    }

    /// `saCkptCheckpointSynchronizeAsync`.
    pub(crate) fn synchronize_async(
        &self,
        invocation: i32,
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

    /// The program's callbacks.
    pub(crate) fn program(&self) -> &P {
        &self.program
    }

    /// The next step of `saCkptDispatch`.
    pub(crate) fn step(&self, turn: &mut Turn) -> Result<Step<Callback>, AisError> {
        turn.step(&self.client, || self.next())
    }

    /// `saCkptFinalize`. Checkpoints stay open, but those that the program
    /// never heard of are closed.
    pub(crate) fn close(&self) {
        self.client.close();
        self.opens.forget();
        self.synchronizes.forget();
        while let Ok(Some(_)) = self.next() {}
    }

    /// The next callback that somebody waits for. A checkpoint that was
    /// opened for nobody is closed.
    fn next(&self) -> Result<Option<Callback>, AisError> {
        let decode = |code, body: &[u8]| Event::decode(code, body).ok();
        while let Some(event) = self.client.events().next(decode)? {
            let callback = match event {
                Event::Open { tag, result } => {
                    let opened = result.map(|number| {
                        Arc::new(Checkpoint::new(Arc::clone(self.client.session()), number))
                    });
                    let invocation = self.opens.end(tag, |invocation| invocation);
                    if let (None, Ok(checkpoint)) = (invocation, &opened) {
                        checkpoint.close()?;
                    }
                    invocation.map(|invocation| Callback::Opened(invocation, opened))
                }
                Event::Synchronize { tag, result } => self
                    .synchronizes
                    .end(tag, |invocation| Callback::Synchronized(invocation, result)),
            };
            if callback.is_some() {
                return Ok(callback);
            }
        }
        Ok(None)
    }

    fn call(&self, request: Request<'_>) -> Result<(), AisError> {
        self.client.call(&ais_proto::Request::Ckpt(request), done)
    }
}

impl<P> fmt::Debug for Ckpt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ckpt").field("client", &self.client).finish_non_exhaustive()
    }
}
