//! The anchor: the connection that stands for the process. When its aisexec
//! is not too old, it is also where further connections come from, so that a
//! process needs no path to the socket, nor the rights of its beginning, once
//! it has a session.

use crate::link::connect;
use crate::link::connection::{Failure, iovec};
use crate::link::pool::Lent;
use crate::sys::deadline::Deadline;
use crate::sys::socket::Socket;
use ais_proto::{AisError, Code, HEADER_LENGTH, Header};
use nix::sys::socket::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// The first minor version of an aisexec that gives connections out.
pub(crate) const FIRST_MINOR: u8 = 3;

/// The anchor as one thread at a time uses it. What has arrived when a thread
/// gives up stays for the next.
#[derive(Debug)]
pub(crate) struct Anchor {
    socket: Arc<Socket>,
    last_id: u32,
    /// A request is not answered yet.
    is_asked: bool,
    /// A reply, as far as it is there.
    header: [u8; HEADER_LENGTH],
    end: usize,
    brought: Option<Socket>,
    lost: Option<AisError>,
    dead: bool,
}

impl Anchor {
    pub(crate) fn new(socket: Arc<Socket>) -> Self {
        let header = [0; HEADER_LENGTH];
        Self {
            socket,
            last_id: 0,
            is_asked: false,
            header,
            end: 0,
            brought: None,
            lost: None,
            dead: false,
        }
    }

    /// Asks for a connection, on which nothing has been said yet. A request
    /// that somebody gave up is not repeated but waited for: an aisexec that
    /// stands still is not left with more requests than it can answer.
    ///
    /// # Errors
    /// `NoResources` if here or there is no descriptor for it, `Timeout` if
    /// aisexec does not answer; `Unsent` if it is gone.
    pub(crate) fn connect(&mut self, deadline: Deadline) -> Result<Socket, Failure> {
        if self.is_asked {
            self.drop_late_reply()?;
        }
        if !self.is_asked {
            self.ask(deadline)?;
        }
        let (header, brought) = self.receive(deadline)?;
        header.result()?;
        Ok(brought?)
    }

    /// A reply that is there already may be old, and what it brought closed
    /// by aisexec for its silence.
    fn drop_late_reply(&mut self) -> Result<(), Failure> {
        match self.receive(Deadline::after(Duration::ZERO)) {
            Ok(_) | Err(Failure::Error(AisError::Timeout)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn ask(&mut self, deadline: Deadline) -> Result<(), Failure> {
        self.last_id = self.last_id.wrapping_add(1);
        let request = Header::new(Code::CONNECT, self.last_id, 0).encode();
        match iovec::send_all(&self.socket, &[&request], deadline, || true) {
            Ok(()) => {
                self.is_asked = true;
                Ok(())
            }
            Err(Failure::Error(AisError::TryAgain)) => Err(Failure::Error(AisError::Timeout)),
            Err(failure) => {
                self.end_session();
                Err(failure)
            }
        }
    }

    /// The reply to the request, and what it brought.
    fn receive(
        &mut self,
        deadline: Deadline,
    ) -> Result<(Header, Result<Socket, AisError>), Failure> {
        while self.end < HEADER_LENGTH {
            let rest = &mut self.header[self.end..];
            match connect::receive(&self.socket, rest, deadline) {
                Ok(received) => {
                    self.end += received.count;
                    self.lost = self.lost.or(received.lost);
                    self.brought = received.socket.or(self.brought.take());
                }
                Err(error @ (AisError::Timeout | AisError::NoMemory)) => {
                    return Err(Failure::Error(error));
                }
                Err(_) => {
                    self.end_session();
                    return Err(Failure::Unsent);
                }
            }
        }
        self.end = 0;
        self.is_asked = false;
        let lost = self.lost.take().unwrap_or(AisError::Library);
        let brought = self.brought.take().ok_or(lost);
        match Header::decode(&self.header, 0) {
            Ok(header) if header.id == self.last_id => Ok((header, brought)),
            _ => {
                self.end_session();
                Err(Failure::Unsent)
            }
        }
    }

    /// Without a way to make connections the session is of no use.
    fn end_session(&mut self) {
        self.dead = true;
        self.socket.shutdown(Shutdown::Both);
    }
}

impl Lent for Anchor {
    fn is_dead(&self) -> bool {
        self.dead
    }
}
