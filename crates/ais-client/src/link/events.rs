//! The event socket of a handle.

use crate::sys::calls::pending_bytes;
use crate::sys::deadline::Deadline;
use crate::sys::socket::Socket;
use ais_proto::{AisError, Code, HEADER_LENGTH, Header, MAX_EVENT};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::Shutdown;
use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The end of a socket pair on which callbacks arrive: the selection object.
#[derive(Debug)]
pub(crate) struct Events {
    socket: Socket,
    /// Room for one packet, once one was expected.
    buffer: Mutex<Vec<u8>>,
    /// A packet made no sense, so no later one is believed.
    broken: AtomicBool,
    /// Bytes of all packets that were received.
    received: AtomicUsize,
}

impl Events {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            buffer: Mutex::default(),
            broken: AtomicBool::new(false),
            received: AtomicUsize::new(0),
        }
    }

    /// The selection object.
    ///
    /// # Errors
    /// `BadHandle` in the child of the process that opened it, `Library` if the
    /// program has closed it.
    pub(crate) fn descriptor(&self) -> Result<BorrowedFd<'_>, AisError> {
        self.socket.descriptor().map_err(|error| match error {
            Errno::EBADF => AisError::BadHandle,
            _ => AisError::Library,
        })
    }

    /// Wakes whoever waits for events; what has arrived can still be received.
    pub(crate) fn wake(&self) {
        self.socket.shutdown(Shutdown::Both);
    }

    /// The next packet, decoded by `decode` with the lock held; `None` if there
    /// is none now.
    ///
    /// # Errors
    /// `Library` if aisexec is gone or talks nonsense, `BadHandle` in a child,
    /// `NoMemory` if there is none to receive it.
    pub(crate) fn next<T>(
        &self,
        decode: impl FnOnce(Code, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, AisError> {
        // First of all: in a child the lock may be nobody's and locked.
        self.socket.last_number().map_err(|_| AisError::BadHandle)?;
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.broken.load(Ordering::Relaxed) {
            return Err(AisError::Library);
        }
        if buffer.is_empty() {
            buffer.try_reserve_exact(MAX_EVENT).map_err(|_| AisError::NoMemory)?;
            buffer.resize(MAX_EVENT, 0);
        }
        match self.socket.receive(&mut buffer) {
            Ok(count) if count > 0 => {
                self.received.fetch_add(count, Ordering::Relaxed);
                match decode_packet(&buffer[..count], decode) {
                    Some(event) => Ok(Some(event)),
                    None => {
                        self.broken.store(true, Ordering::Relaxed);
                        Err(AisError::Library)
                    }
                }
            }
            Err(Errno::EAGAIN) => Ok(None),
            Err(Errno::EBADF) => Err(AisError::BadHandle),
            _ => Err(AisError::Library),
        }
    }

    /// How much will have been received once all is that is pending now.
    pub(crate) fn all_pending(&self) -> usize {
        let pending = self.socket.last_number().map_or(0, pending_bytes);
        self.received().wrapping_add(pending)
    }

    /// How many bytes have been received.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Waits for a packet, or for the end.
    ///
    /// # Errors
    /// `Timeout` if none came in time.
    pub(crate) fn wait(&self, deadline: Deadline) -> Result<(), AisError> {
        match self.socket.wait(PollFlags::POLLIN, deadline) {
            Ok(true) => Ok(()),
            Ok(false) => Err(AisError::Timeout),
            Err(Errno::EBADF) => Err(AisError::BadHandle),
            Err(_) => Err(AisError::Library),
        }
    }

    /// Tells aisexec that the callback with this invocation is handed to the
    /// program now. If there is no room aisexec counts from when it sent it.
    pub(crate) fn tell_dispatched(&self, invocation: i32) {
        let header = Header::new(Code::DISPATCHED, invocation as u32, 0).encode();
        let _ = self.socket.send(&[IoSlice::new(&header)]);
    }
}

fn decode_packet<T>(packet: &[u8], decode: impl FnOnce(Code, &[u8]) -> Option<T>) -> Option<T> {
    let (header, body) = packet.split_first_chunk::<HEADER_LENGTH>()?;
    let header = Header::decode(header, MAX_EVENT).ok()?;
    (header.length as usize == body.len()).then(|| decode(header.code, body))?
}
