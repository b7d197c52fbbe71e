//! What a program asks: what only this node can know is judged here, the rest
//! on delivery.

use super::checkpoint::{Checkpoint, limit};
use super::failure::Failure;
use super::limits::Limit;
use super::message::{Change, HEAD, Message, Opener, Stamp, put_head};
use super::opens::Open;
use super::room::Room;
use super::spare::Spare;
use super::{Ckpt, MAX_ELEMENTS, MAX_OPENS, send};
use crate::ledger::Kind;
use crate::{Asker, Caller, Effects, Ledger, Now, Promise};
use ais_proto::ckpt::{self, Attributes, OpenFlags, ReadElement, Request, UpdateOption};
use ais_proto::{AisError, ServiceId};
use ais_wire::Writer;

/// `saCkptCheckpointOpenCallback` among the callbacks of a handle.
const OPEN_CALLBACK: u32 = 1;
/// `saCkptCheckpointSynchronizeCallback` among the callbacks of a handle.
const SYNCHRONIZE_CALLBACK: u32 = 2;

/// Why a request is not taken; nothing was done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No library asks this.
    Malformed,
    /// The reply says why.
    Failed(Failure),
}

/// What an asynchronous open has beside the open.
#[derive(Clone, Copy)]
struct Later {
    tag: u32,
    /// The callbacks of the library handle.
    callbacks: u32,
}

impl From<AisError> for Refusal {
    fn from(error: AisError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Ckpt {
    /// Serves a request.
    pub(super) fn ask(
        &mut self,
        now: Now,
        caller: &Caller,
        asker: Asker,
        request: Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Refusal> {
        self.reached.now = now.monotonic;
        let code = request.code();
        let (open, change) = match request {
            Request::Open(open) => return self.open(asker, open, None, fx),
            Request::OpenAsync { tag, open } => {
                let later = Later { tag, callbacks: callbacks(caller)? };
                return self.open(asker, open, Some(later), fx);
            }
            Request::Close { checkpoint } => return self.close(asker, checkpoint, fx),
            Request::Unlink { name } => {
                send(&Message::Unlink { name }, Some(asker), fx);
                return Ok(());
            }
            Request::StatusGet { .. }
            | Request::IteratorStart { .. }
            | Request::IteratorNext { .. }
            | Request::Read { .. } => {
                let body = self.look(asker, request)?;
                fx.reply(asker, Ok(()), body);
                return Ok(());
            }
            Request::SynchronizeAsync { .. } => {
                let callbacks = callbacks(caller)?;
                let open = self.change(asker, request)?;
                check_callback(callbacks, SYNCHRONIZE_CALLBACK)?;
                fx.reply(asker, Ok(()), Vec::new());
                open
            }
            request => self.change(asker, request)?,
        };
        let room = Room::of(&self.limits, fx.ledger.holder(asker.session).user);
        let stamp = Stamp { strict: self.limits.strict, now: now.wall, room };
        let checkpoint = self.state.checkpoint(open.checkpoint)?;
        self.check_bounds(&change)
            .and_then(|()| self.state.check_growth(checkpoint, &change, stamp))
            .inspect_err(|failure| self.tell(failure, open.checkpoint))?;
        fx.forward(Some((asker, Promise::Stable)), HEAD, |out| {
            put_head(open.checkpoint, stamp, code, out);
        });
        Ok(())
    }

    /// Opens, at once or `later`.
    fn open(
        &mut self,
        asker: Asker,
        open: ckpt::Open,
        later: Option<Later>,
        fx: &mut Effects,
    ) -> Result<(), Refusal> {
        let owner = fx.ledger.holder(asker.session).user;
        let room = Room::of(&self.limits, owner);
        let opener = Opener { strict: self.limits.strict, owner, room };
        self.check_open(asker, &open, opener, &fx.ledger).inspect_err(|refusal| {
            if let Refusal::Failed(failure) = refusal {
                self.reached.tell(failure, Some(&open.name), &self.limits);
            }
        })?;
        if let Some(later) = later {
            check_callback(later.callbacks, OPEN_CALLBACK)?;
            fx.reply(asker, Ok(()), Vec::new());
        }
        let tag = later.map(|later| later.tag);
        send(&Message::Open { open, opener, tag }, Some(asker), fx);
        Ok(())
    }

    fn check_open(
        &self,
        asker: Asker,
        open: &ckpt::Open,
        opener: Opener,
        ledger: &Ledger,
    ) -> Result<(), Refusal> {
        self.check_flags(open.flags)?;
        if let Some(attributes) = &open.attributes {
            self.check_attributes(open, attributes)?;
            if !self.state.has_name(&open.name) {
                self.state.check_new(opener.owner, opener.room)?;
            }
        }
        let holder = ledger.holder(asker.session);
        if self.opens.count(asker.session) >= MAX_OPENS || !ledger.may_take(Kind::Opens, holder, 1)
        {
            return Err(Limit::Opens.failure().into());
        }
        Ok(())
    }

    /// `COLOCATED` alone keeps a replica here, which no spec has.
    fn check_flags(&self, flags: OpenFlags) -> Result<(), Refusal> {
        if flags.intersects(OpenFlags::READ | OpenFlags::WRITE) {
            Ok(())
        } else if !flags.contains(OpenFlags::COLOCATED) {
            Err(AisError::BadFlags.into())
        } else if self.limits.strict {
            Err(Limit::Specification.failure_with(AisError::BadFlags).into())
        } else {
            Ok(())
        }
    }

    fn check_attributes(&self, open: &ckpt::Open, attributes: &Attributes) -> Result<(), Refusal> {
        if attributes.retention_duration < 0 {
            return Err(Refusal::Malformed);
        }
        if self.limits.strict && open.flags.contains(OpenFlags::AMENDED) {
            return Err(Limit::Specification.failure_with(AisError::InvalidParam).into());
        }
        let largest = attributes.max_sections.saturating_mul(limit(attributes.max_section_size));
        if self.limits.strict && limit(attributes.checkpoint_size) > largest {
            return Err(Limit::Attributes.failure_with(AisError::InvalidParam).into());
        }
        Ok(())
    }

    /// Closes. The number is of no use from now on, whenever the others hear
    /// of it.
    fn close(&mut self, asker: Asker, number: u32, fx: &mut Effects) -> Result<(), Refusal> {
        let open = self.opens.find(number, asker.session)?;
        self.opens.remove(number, &mut fx.ledger);
        let message = Message::Close { checkpoint: open.checkpoint, count: 1 };
        send(&message, Some(asker), fx);
        Ok(())
    }

    /// What is answered from the replica of this node. The body of the reply.
    fn look(&mut self, asker: Asker, request: Request<'_>) -> Result<Vec<u8>, Refusal> {
        Ok(match request {
            Request::StatusGet { checkpoint } => {
                self.find_active(asker, checkpoint)?.status().encode()
            }
            Request::IteratorStart { checkpoint } => {
                let checkpoint = self.find_active(asker, checkpoint)?;
                let mut body = Writer::new();
                body.u64(checkpoint.sections.next_number());
                body.into_bytes()
            }
            Request::IteratorNext { checkpoint, chosen, expiration, cursor } => {
                let checkpoint = self.find_active(asker, checkpoint)?;
                let section = checkpoint.sections.before(cursor, chosen, expiration);
                section.ok_or(AisError::NotExist)?.encode()
            }
            Request::Read { checkpoint, elements } => {
                let mut spare = std::mem::take(&mut self.spare);
                let read = self.read(asker, checkpoint, &elements, &mut spare);
                self.spare = spare;
                read?
            }
            _ => return Err(Refusal::Malformed),
        })
    }

    fn read(
        &mut self,
        asker: Asker,
        number: u32,
        elements: &[ReadElement<'_>],
        spare: &mut Spare,
    ) -> Result<Vec<u8>, Refusal> {
        let (open, checkpoint) = self.find(asker, number)?;
        open.check(OpenFlags::READ)?;
        let read = check_elements(elements.len())
            .and_then(|()| Ok(checkpoint.check_active(self.limits.strict)?))
            .and_then(|()| checkpoint.read(elements, self.limits.max_message, spare));
        Ok(read.inspect_err(|failure| self.tell(failure, open.checkpoint))?)
    }

    fn find(&self, asker: Asker, number: u32) -> Result<(Open, &Checkpoint), AisError> {
        let open = self.opens.find(number, asker.session)?;
        Ok((open, self.state.checkpoint(open.checkpoint)?))
    }

    fn find_active(&self, asker: Asker, number: u32) -> Result<&Checkpoint, AisError> {
        let (_, checkpoint) = self.find(asker, number)?;
        checkpoint.check_active(self.limits.strict)?;
        Ok(checkpoint)
    }

    /// The change that a request asks for, and on which open.
    fn change<'a>(
        &self,
        asker: Asker,
        request: Request<'a>,
    ) -> Result<(Open, Change<'a>), Refusal> {
        let (number, change) = Change::of(request).ok_or(Refusal::Malformed)?;
        let open = self.opens.find(number, asker.session)?;
        match &change {
            // Anybody may do it who has the checkpoint open, as in the original.
            Change::SetRetention(_) => {}
            Change::Synchronize { .. } => self.check_synchronize(open)?,
            Change::SetActive => {
                open.check(OpenFlags::WRITE)?;
                // In A.01.01 an open asks for the local replica, so one that
                // did not ask has none to make active.
                open.check(OpenFlags::COLOCATED).map_err(|_| AisError::BadOperation)?;
            }
            _ => open.check(OpenFlags::WRITE)?,
        }
        Ok((open, change))
    }

    /// `ALL_REPLICAS` never has anything to synchronize.
    fn check_synchronize(&self, open: Open) -> Result<(), AisError> {
        open.check(OpenFlags::WRITE)?;
        if self.state.checkpoint(open.checkpoint)?.option() == UpdateOption::AllReplicas {
            return Err(AisError::BadOperation);
        }
        Ok(())
    }

    /// The bounds of a single call.
    fn check_bounds(&self, change: &Change<'_>) -> Result<(), Failure> {
        if let Change::Write(elements) = change {
            check_elements(elements.len())?;
        }
        if change.data_length() as u64 > u64::from(self.limits.max_message) {
            return Err(Limit::Message.failure());
        }
        Ok(())
    }
}

/// The callbacks of the library handle that asks; only one of CKPT asks for
/// something that comes later.
fn callbacks(caller: &Caller) -> Result<u32, Refusal> {
    caller.callbacks(ServiceId::Ckpt).ok_or(Refusal::Malformed)
}

/// The last check of all, as everywhere in the API.
fn check_callback(callbacks: u32, callback: u32) -> Result<(), AisError> {
    if callbacks & callback == 0 { Err(AisError::Init) } else { Ok(()) }
}

fn check_elements(count: usize) -> Result<(), Failure> {
    match count {
        0 => Err(AisError::InvalidParam.into()),
        1..=MAX_ELEMENTS => Ok(()),
        _ => Err(Limit::Elements.failure()),
    }
}
