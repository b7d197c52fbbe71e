//! All that the library has in a process: the session and the handles.

use crate::amf::Amf;
use crate::ckpt::{Checkpoint, Ckpt, Sections};
use crate::clm::Clm;
use crate::connection::{Outgoing, Reply};
use crate::ffi::amf::SaAmfCallbacksT;
use crate::ffi::clm::SaClmCallbacksT;
use crate::ffi::types::SaCkptCallbacksT;
use crate::handle::{Numbers, Table};
use crate::session::Current;
use ais_proto::{AisError, Request};
use std::sync::atomic::AtomicPtr;
use std::time::Duration;

static CLM: Numbers = Numbers::new();
static AMF: Numbers = Numbers::new();
static CKPT: Numbers = Numbers::new();
static CHECKPOINTS: Numbers = Numbers::new();
static SECTIONS: Numbers = Numbers::new();

/// What belongs to this process and to no child of it.
#[derive(Debug)]
pub(crate) struct Process {
    /// What the parent had.
    #[expect(dead_code, reason = "leak checkers shall see that it was not lost by mistake")]
    inherited: AtomicPtr<Self>,
    pub(crate) session: Current,
    pub(crate) clm: Table<Clm<SaClmCallbacksT>>,
    pub(crate) amf: Table<Amf<SaAmfCallbacksT>>,
    pub(crate) ckpt: Table<Ckpt<SaCkptCallbacksT>>,
    pub(crate) checkpoints: Table<Checkpoint>,
    pub(crate) sections: Table<Sections>,
}

impl Process {
    pub(crate) fn new(inherited: *mut Self) -> Self {
        Self {
            inherited: AtomicPtr::new(inherited),
            session: Current::default(),
            clm: Table::new(&CLM),
            amf: Table::new(&AMF),
            ckpt: Table::new(&CKPT),
            checkpoints: Table::new(&CHECKPOINTS),
            sections: Table::new(&SECTIONS),
        }
    }

    /// Makes a call that needs no library handle. Without a timeout it lasts
    /// at most as long as aisexec says.
    ///
    /// # Errors
    /// That of the call; `TryAgain` if there is no aisexec.
    pub(crate) fn call<T>(
        &self,
        request: &Request<'_>,
        timeout: Option<Duration>,
        answer: impl Fn(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        let request = Outgoing::new(request)?;
        self.session.with(timeout, |session, deadline| session.call(&request, deadline, &answer))
    }
}
