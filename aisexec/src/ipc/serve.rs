//! Requests: from the stream to the node.

use super::Server;
use super::bounds::REQUESTS_PER_TURN;
use super::connection::{Fault, State};
use super::greet::request_id;
use super::input::first_frame;
use crate::holder::Holder;
use ais_node::{ConnectionId, Now};
use ais_proto::{AisError, Code, FrameError, HEADER_LENGTH, Header};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::unistd::Pid;
use std::fmt;

/// What a piece of work on the bytes of a connection has come to.
struct Turn {
    /// How many bytes were served.
    used: usize,
    /// Whether a whole frame is left, or why the connection is closed.
    result: Result<bool, Fault>,
}

/// Names a program that was compiled with other headers than ours; who it is,
/// is looked up when that is printed.
struct Misfit(Pid);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Holder::named(self.0.as_raw().unsigned_abs()) {
            Some(program) => write!(f, "{program}")?,
            None => f.write_str("a process that cannot be seen from here")?,
        }
        f.write_str(
            " opens a checkpoint with creation attributes as of headers after 2004-10-27, in which \
             SaUint32T has 32 bits: it gets SA_ERR_INVALID_PARAM; compile it with the headers of \
             this version",
        )
    }
}

impl Server {
    /// Something is up with the stream of a connection.
    pub(super) fn on_stream(&mut self, now: Now, id: u64, flags: EpollFlags) {
        if flags.contains(EpollFlags::EPOLLOUT) {
            self.flush(now, id);
        }
        if flags.contains(EpollFlags::EPOLLIN) {
            // What came before the end of the stream is served.
            self.serve(now, id);
        } else if flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.close(now, id, Fault::End);
        }
    }

    /// The turn of a connection: receives once and serves some requests.
    pub(super) fn serve(&mut self, now: Now, id: u64) {
        if self.node.is_congested() {
            return self.park(now, id);
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.may_serve() {
            return self.refresh(now, id);
        }
        if std::mem::take(&mut connection.is_held_up) {
            self.node.request_is_read(now, ConnectionId(id));
        }
        let mut shared = std::mem::take(&mut self.shared);
        match connection.input.receive(&connection.socket, &mut shared) {
            Ok(Some(received)) => {
                connection.moved = now.monotonic;
                let Turn { used, result } = self.serve_frames(now, id, received.bytes(&shared));
                match (result, self.connections.get_mut(&id)) {
                    (Ok(whole), Some(connection)) => {
                        connection.input.keep(received, &shared, used, whole);
                        self.answers_at_once = connection.outstanding.is_empty();
                        self.refresh(now, id);
                    }
                    (Err(fault), Some(_)) => self.close(now, id, fault),
                    (_, None) => {}
                }
                self.has_served = true;
                self.last_served = id;
            }
            Ok(None) | Err(Errno::ECONNRESET) => self.close(now, id, Fault::End),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => self.close(now, id, Fault::System(error)),
        }
        self.shared = shared;
    }

    fn serve_frames(&mut self, now: Now, id: u64, bytes: &[u8]) -> Turn {
        let mut used = 0;
        let mut served = 0;
        let result = loop {
            let rest = &bytes[used..];
            let Some(connection) = self.connections.get(&id) else { break Ok(false) };
            let longest = connection.longest_body(self.longest_call());
            let (header, body) = match first_frame(rest, longest) {
                Ok(Some(frame)) => frame,
                Ok(None) => break Ok(false),
                Err(FrameError::Version(_)) if matches!(connection.state, State::Greeting(_)) => {
                    break Err(self.refuse(id, request_id(rest), AisError::Version));
                }
                Err(error) => break Err(Fault::Frame(error)),
            };
            if served == REQUESTS_PER_TURN || !connection.may_serve() || self.node.is_congested() {
                break Ok(true);
            }
            if let Err(fault) = self.serve_frame(now, id, header, body) {
                break Err(fault);
            }
            served += 1;
            used += HEADER_LENGTH + body.len();
            if used == bytes.len() {
                break Ok(false);
            }
        };
        Turn { used, result }
    }

    fn serve_frame(&mut self, now: Now, id: u64, header: Header, body: &[u8]) -> Result<(), Fault> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let Some(caller) = connection.state.caller() else {
            return match (&connection.state, header.code) {
                (State::Anchor(_), Code::CONNECT) => self.give(now, id, header.id),
                _ => self.greet(id, header, body),
            };
        };
        if header.code == Code::CANCEL {
            connection.settle(header.id);
            self.node.cancel(now, ConnectionId(id), header.id);
        } else if header.code == Code::TOO_LONG {
            self.node.too_long(now);
        } else if header.code == Code::MISFIT {
            let (user, process) = (connection.peer.uid.as_raw(), connection.peer.pid);
            self.misfits.log(now.monotonic, user, Misfit(process));
        } else {
            connection.outstanding.push(header.id);
            let result = self.node.request(now, &caller, header.id, header.code, body);
            result.map_err(|_| Fault::Malformed)?;
        }
        self.deliver(now);
        Ok(())
    }

    /// The longest body of a call: its data, and what describes it.
    fn longest_call(&self) -> usize {
        let describes = ais_proto::MAX_CALL_BODY - ais_proto::MAX_MESSAGE;
        self.settings.welcome.max_message as usize + describes
    }

    /// Does not read a connection until the group takes messages again.
    fn park(&mut self, now: Now, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !connection.is_parked
        {
            connection.is_parked = true;
            self.parked.push(id);
            connection.is_held_up = true;
            if let Some(caller) = connection.state.caller() {
                self.node.request_waits(now, &caller);
            }
            self.refresh(now, id);
        }
    }
}
