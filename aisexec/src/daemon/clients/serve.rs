//! Requests: from the stream to the node.

use super::bounds::{PARKED_LOOKS, REQUESTS_PER_TURN, UNPARKS_PER_ROUND};
use super::connection::{Fault, State};
use super::greet::request_id;
use super::input::{Received, first_frame};
use crate::daemon::Server;
use crate::holder::Holder;
use ais_node::{Body, ConnectionId, Now};
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
    /// Epoll has told something of a connection: it gets a turn.
    pub(in crate::daemon) fn await_turn(
        &mut self,
        id: u64,
        told: EpollFlags,
        told_of_events: EpollFlags,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.told |= told;
        connection.told_of_events |= told_of_events;
        if !connection.is_ready {
            connection.is_ready = true;
            self.ready.push(connection.peer.holder(), 1, id);
        }
    }

    /// Gives the next one in line a turn. Which connection that was.
    pub(crate) fn serve_ready(&mut self, now: Now) -> Option<u64> {
        let id = self.ready.pop()?;
        self.take_turn(now, id);
        self.collect(now);
        Some(id)
    }

    /// Ends and resumes some of what is to be ended and resumed, and puts out what
    /// steps before left. To be called in every round. Whether there was anything of that.
    pub(crate) fn tidy(&mut self, now: Now) -> bool {
        let is_idle = self.endings.is_empty() && self.parked.is_empty() && !self.has_outputs;
        self.close_some(now);
        if self.has_outputs {
            self.deliver(now);
        }
        self.unpark_some(now);
        self.collect(now);
        self.look_at_crowd();
        !is_idle
    }

    fn take_turn(&mut self, now: Now, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.is_ready = false;
        let told = std::mem::replace(&mut connection.told, EpollFlags::empty());
        let of_events = std::mem::replace(&mut connection.told_of_events, EpollFlags::empty());
        if connection.is_closing {
            return;
        }
        if told.contains(EpollFlags::EPOLLOUT) {
            self.flush(now, id);
        }
        let has_request = self
            .connections
            .get(&id)
            .is_some_and(|connection| connection.may_serve() && connection.input.has_whole_frame());
        if told.contains(EpollFlags::EPOLLIN) || has_request {
            // What came before the end of the stream is served.
            self.serve(now, id);
        } else if told.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.close(now, id, Fault::End);
        }
        if !of_events.is_empty() {
            self.on_event_socket(now, id, of_events);
        }
    }

    /// The turn of a connection: receives once and serves some requests.
    pub(in crate::daemon) fn serve(&mut self, now: Now, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if self.node.is_congested(connection.peer.holder()) {
            return self.park(now, id);
        }
        if !connection.may_serve() {
            return self.refresh(now, id);
        }
        if std::mem::take(&mut connection.is_held_up) {
            self.node.request_is_read(now, ConnectionId(id));
        }
        let mut shared = std::mem::take(&mut self.shared);
        match connection.input.receive(&connection.socket, &mut shared) {
            Ok(Some(mut received)) => {
                connection.output.hear(&connection.socket);
                let Turn { used, result } = self.serve_frames(now, id, &mut received, &shared);
                match (result, self.connections.get_mut(&id)) {
                    (Ok(whole), Some(connection)) if !connection.is_closing => {
                        connection.input.keep(received, &shared, used, whole);
                        self.answers_at_once = connection.outstanding.is_empty();
                        self.refresh(now, id);
                    }
                    (Err(fault), Some(_)) => self.close(now, id, fault),
                    (Ok(_), Some(_)) | (_, None) => {}
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

    fn serve_frames(&mut self, now: Now, id: u64, received: &mut Received, shared: &[u8]) -> Turn {
        let length = received.bytes(shared).len();
        let mut used = 0;
        let mut served = 0;
        let result = loop {
            let rest = &received.bytes(shared)[used..];
            let Some(connection) = self.connections.get(&id) else { break Ok(false) };
            let longest = connection.longest_body(self.longest_call());
            let (header, end) = match first_frame(rest, longest) {
                Ok(Some((header, body))) => (header, used + HEADER_LENGTH + body.len()),
                Ok(None) => break Ok(false),
                Err(FrameError::Version(_)) if matches!(connection.state, State::Greeting(_)) => {
                    break Err(self.refuse(id, request_id(rest), AisError::Version));
                }
                Err(error) => break Err(Fault::Frame(error)),
            };
            if served == REQUESTS_PER_TURN
                || !connection.may_serve()
                || self.node.is_congested(connection.peer.holder())
            {
                break Ok(true);
            }
            let body = received.take_body(shared, used + HEADER_LENGTH..end);
            if let Err(fault) = self.serve_frame(now, id, header, body) {
                break Err(fault);
            }
            served += 1;
            used = end;
            if used == length {
                break Ok(false);
            }
        };
        Turn { used, result }
    }

    fn serve_frame(
        &mut self,
        now: Now,
        id: u64,
        header: Header,
        body: Body<'_>,
    ) -> Result<(), Fault> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let Some(caller) = connection.state.caller() else {
            return match (&connection.state, header.code) {
                (State::Anchor(_), Code::CONNECT) => self.give(now, id, header.id),
                _ => self.greet(id, header, body.bytes()),
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

    /// Does not read a connection until the group takes messages of its process
    /// again.
    fn park(&mut self, now: Now, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !connection.is_parked
        {
            connection.is_parked = true;
            self.parked.push_back(id);
            connection.is_held_up = true;
            if let Some(caller) = connection.state.caller() {
                self.node.request_waits(now, &caller);
            }
            self.refresh(now, id);
        }
    }

    /// Lets some of those go on that had to wait for the group. Who goes on has
    /// rounds follow, in which the next ones do.
    fn unpark_some(&mut self, now: Now) {
        for _ in 0..self.parked.len().min(UNPARKS_PER_ROUND) {
            let Some(id) = self.parked.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            if self.node.is_congested(connection.peer.holder()) {
                self.parked.push_back(id);
            } else {
                connection.is_parked = false;
                self.refresh(now, id);
            }
        }
        let is_over = self.parked.is_empty();
        self.unpark_at = (!is_over).then_some(now.monotonic.saturating_add(PARKED_LOOKS));
    }
}
