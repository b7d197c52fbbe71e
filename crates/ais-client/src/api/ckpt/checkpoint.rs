//! An open checkpoint and the calls on it.

use super::Sections;
use crate::link::connection::{Outgoing, Reply, done};
use crate::link::session::{self, Session};
use ais_proto::ckpt::{
    Open, ReadElement, ReadReply, Request, SectionsChosen, Status, WriteElement,
};
use ais_proto::{AisError, DecodeError, Name, Reader};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An open checkpoint: a number that means something in its session.
#[derive(Debug)]
pub struct Checkpoint {
    session: Arc<Session>,
    number: u32,
    closing: AtomicBool,
}

/// Why a vector call failed, and which element is to blame, if one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorError {
    /// What is wrong.
    pub error: AisError,
    /// The element.
    pub index: Option<u32>,
}

impl From<AisError> for VectorError {
    fn from(error: AisError) -> Self {
        Self { error, index: None }
    }
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "element {index}: {}", self.error),
            None => write!(f, "{}", self.error),
        }
    }
}

impl std::error::Error for VectorError {}

/// Opens a checkpoint (`saCkptCheckpointOpen`). It stays open until it is
/// closed or the process ends.
///
/// # Errors
/// The errors of the C function.
pub fn open(open: Open, timeout: Option<Duration>) -> Result<Arc<Checkpoint>, AisError> {
    let request = ais_proto::Request::Ckpt(Request::Open(open));
    let request = Outgoing::new(&request)?;
    session::current().with(timeout, |session, deadline| {
        let number = session.call(&request, deadline, |reply| reply.read(Reader::u32))?;
        Ok(Arc::new(Checkpoint::new(Arc::clone(session), number)))
    })
}

/// Has the log of aisexec name this program, once, as one that was compiled
/// with other headers than those of the C library.
pub fn tell_misfit() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if TOLD.swap(true, Ordering::Relaxed) {
        return;
    }
    // What the program is answered does not depend on it.
    let _ = session::current().with(None, |session, deadline| {
        session.tell_misfit(deadline);
        Ok(())
    });
}

/// Removes a name (`saCkptCheckpointUnlink`).
///
/// # Errors
/// The errors of the C function.
pub fn unlink(name: Name) -> Result<(), AisError> {
    let request = ais_proto::Request::Ckpt(Request::Unlink { name });
    session::current().call(&request, None, done)
}

impl Checkpoint {
    pub(crate) fn new(session: Arc<Session>, number: u32) -> Self {
        Self { session, number, closing: AtomicBool::new(false) }
    }

    /// The session that it belongs to.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Its number in the session.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Closes it. Only a close that came to no end can be repeated.
    ///
    /// # Errors
    /// The errors of `saCkptCheckpointClose`.
    pub fn close(&self) -> Result<(), AisError> {
        if self.closing.swap(true, Ordering::AcqRel) {
            return Err(AisError::BadHandle);
        }
        let request = Request::Close { checkpoint: self.number };
        match self.call(request, done) {
            // No connection, no memory for one: it is still open.
            Err(AisError::Timeout | AisError::TryAgain) => {
                self.closing.store(false, Ordering::Release);
                Err(AisError::Timeout)
            }
            Err(error @ (AisError::NoResources | AisError::NoMemory | AisError::System)) => {
                self.closing.store(false, Ordering::Release);
                Err(error)
            }
            // The rest means that aisexec has no such open checkpoint.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Sets for how long it outlives its last close, in nanoseconds
    /// (`saCkptCheckpointRetentionDurationSet`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn set_retention_duration(&self, duration: i64) -> Result<(), AisError> {
        self.call(Request::RetentionDurationSet { checkpoint: self.number, duration }, done)
    }

    /// Makes the replica of this node the active one
    /// (`saCkptActiveCheckpointSet`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn set_active(&self) -> Result<(), AisError> {
        self.call(Request::ActiveSet { checkpoint: self.number }, done)
    }

    /// What it is like (`saCkptCheckpointStatusGet`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn status(&self) -> Result<Status, AisError> {
        self.call(Request::StatusGet { checkpoint: self.number }, |reply| {
            reply.read(|input| Status::decode(input.rest()))
        })
    }

    /// Creates a section with its first data, and tells its id: without one an
    /// id is generated. The section expires at a time in nanoseconds since the
    /// epoch, and never at `i64::MAX`.
    ///
    /// # Errors
    /// The errors of `saCkptSectionCreate`.
    pub fn create_section(
        &self,
        id: Option<&[u8]>,
        expiration: i64,
        data: &[u8],
    ) -> Result<Vec<u8>, AisError> {
        let checkpoint = self.number;
        let request = Request::SectionCreate { checkpoint, id, expiration, data };
        self.call(request, |reply| reply.read(|input| Ok(input.bytes()?.to_vec())))
    }

    /// Deletes a section (`saCkptSectionDelete`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn delete_section(&self, id: &[u8]) -> Result<(), AisError> {
        self.call(Request::SectionDelete { checkpoint: self.number, id }, done)
    }

    /// Sets when a section expires, in nanoseconds since the epoch
    /// (`saCkptSectionExpirationTimeSet`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn set_expiration_time(&self, id: &[u8], expiration: i64) -> Result<(), AisError> {
        let checkpoint = self.number;
        self.call(Request::ExpirationTimeSet { checkpoint, id, expiration }, done)
    }

    /// Writes all elements or none (`saCkptCheckpointWrite`).
    ///
    /// # Errors
    /// The errors of the C function, with the element that is to blame.
    pub fn write(&self, elements: Vec<WriteElement<'_>>) -> Result<(), VectorError> {
        let checkpoint = self.number;
        self.call(Request::Write { checkpoint, elements }, |reply| Ok(blame(reply)))?
    }

    /// Replaces all that a section holds (`saCkptSectionOverwrite`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn overwrite(&self, id: &[u8], data: &[u8]) -> Result<(), AisError> {
        self.call(Request::Overwrite { checkpoint: self.number, id, data }, done)
    }

    /// Reads all elements (`saCkptCheckpointRead`). The reply that `place` gets
    /// has one piece for each, none longer than was asked for; they lie where
    /// they were received.
    ///
    /// # Errors
    /// The errors of the C function, with the element that is to blame; what `place`
    /// returns.
    pub fn read(
        &self,
        elements: Vec<ReadElement<'_>>,
        place: impl FnOnce(ReadReply<'_>) -> Result<(), AisError>,
    ) -> Result<(), VectorError> {
        let checkpoint = self.number;
        let request = ais_proto::Request::Ckpt(Request::Read { checkpoint, elements });
        let outgoing = Outgoing::new(&request)?;
        let ais_proto::Request::Ckpt(Request::Read { elements, .. }) = &request else {
            return Err(VectorError::from(AisError::Library));
        };
        self.session.call_here(&outgoing, None, |reply| {
            if let Err(error) = blame(reply) {
                return Ok(Err(error));
            }
            place(reply.read(|input| decode_read(input.rest(), elements))?)?;
            Ok(Ok(()))
        })?
    }

    /// Waits until all replicas have all that was written before
    /// (`saCkptCheckpointSynchronize`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn synchronize(&self, timeout: Option<Duration>) -> Result<(), AisError> {
        let request = ais_proto::Request::Ckpt(Request::Synchronize { checkpoint: self.number });
        self.session.call_here(&Outgoing::new(&request)?, timeout, done)
    }

    /// Lists the sections, the newest first (`saCkptSectionIteratorInitialize`):
    /// those that are `chosen`, by the time `expiration` where that matters.
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn sections(
        self: &Arc<Self>,
        chosen: SectionsChosen,
        expiration: i64,
    ) -> Result<Sections, AisError> {
        let request = Request::IteratorStart { checkpoint: self.number };
        let cursor = self.call(request, |reply| reply.read(Reader::u64))?;
        Ok(Sections::new(Arc::clone(self), chosen, expiration, cursor))
    }

    /// Makes a call on this checkpoint.
    pub(super) fn call<T>(
        &self,
        request: Request<'_>,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        let request = ais_proto::Request::Ckpt(request);
        self.session.call_here(&Outgoing::new(&request)?, None, answer)
    }
}

/// The result of a vector call: with an error comes the index of the element
/// that is to blame, if one is.
fn blame(reply: Reply<'_>) -> Result<(), VectorError> {
    reply.result.map_err(|error| VectorError { error, index: Reader::new(reply.body).u32().ok() })
}

fn decode_read<'a>(
    body: &'a [u8],
    elements: &[ReadElement<'_>],
) -> Result<ReadReply<'a>, DecodeError> {
    let reply = ReadReply::decode(body)?;
    let fits = |(piece, element): (&[u8], &ReadElement<'_>)| {
        let length = u32::try_from(piece.len());
        element.size.is_none_or(|size| length.is_ok_and(|length| length <= size))
    };
    if reply.pieces().count() != elements.len() || !reply.pieces().zip(elements).all(fits) {
        return Err(DecodeError::Invalid);
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_error_names_the_element_that_is_to_blame() {
        let error = VectorError { error: AisError::NoSpace, index: Some(2) };
        assert_eq!(error.to_string(), "element 2: SA_ERR_NO_SPACE");
        assert_eq!(VectorError::from(AisError::Timeout).to_string(), "SA_ERR_TIMEOUT");
    }
}
