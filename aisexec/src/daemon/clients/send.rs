//! Replies and events: to the streams and event sockets of the clients.

use super::connection::{Fault, State};
use super::events::{Notice, Sent};
use crate::daemon::{Server, Token};
use ais_node::{ConnectionId, Now};
use ais_proto::{AisError, Code, Header, OK};
use nix::sys::epoll::{EpollEvent, EpollFlags};

impl Server {
    /// Replies to one connection go out together: a call of the system for each
    /// would be most of the work for a small request.
    pub(in crate::daemon) fn reply(
        &mut self,
        id: u64,
        request: u32,
        result: Result<(), AisError>,
        body: Vec<u8>,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.is_closing {
            return;
        }
        connection.settle(request);
        // Numbers of errors are small.
        let code = result.map_or_else(|error| error.number() as u16, |()| OK);
        let header = Header::new(Code(code), request, body.len()).encode();
        if connection.output.put(header, body) {
            self.replied.push(id);
        }
    }

    /// Sends replies as far as there is room in a stream.
    pub(in crate::daemon) fn flush(&mut self, now: Now, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let flushed = connection.output.flush(&connection.socket);
        if let Some(body) = connection.output.take_spent() {
            self.node.take_back(body);
        }
        match flushed {
            Ok(()) => self.refresh(now, id),
            Err(_) => self.close(now, id, Fault::End),
        }
    }

    pub(in crate::daemon) fn send_event(&mut self, now: Now, id: u64, code: Code, body: Vec<u8>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let State::Handle(_, events) = &mut connection.state else { return };
        match events.send(code, body) {
            Ok(Sent::Yes) => {}
            Ok(Sent::Waits) => {
                self.node.events_blocked(ConnectionId(id));
                self.watch_events(now, id, EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT);
            }
            Err(error) => self.close(now, id, Fault::System(error)),
        }
        self.recount(id);
    }

    /// Something is up with the event socket of a library handle.
    pub(super) fn on_event_socket(&mut self, now: Now, id: u64, flags: EpollFlags) {
        let has_hung_up = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let State::Handle(caller, events) = &mut connection.state else { return };
        let notice =
            if flags.contains(EpollFlags::EPOLLIN) { events.receive() } else { Notice::Nothing };
        match notice {
            Notice::Dispatched(invocation) => {
                let caller = *caller;
                self.node.dispatched(now, &caller, invocation);
                self.has_served = true;
                self.deliver(now);
            }
            Notice::Nothing | Notice::Nonsense if has_hung_up => {
                events.hang_up();
                // It would be reported for ever; the handle lives on.
                if let Err(error) = self.epoll.delete(events.fd()) {
                    self.close(now, id, Fault::System(error));
                }
            }
            Notice::Nonsense => self.close(now, id, Fault::Malformed),
            Notice::Nothing => {}
        }
        self.recount(id);
        if flags.contains(EpollFlags::EPOLLOUT) && !has_hung_up {
            self.flush_events(now, id);
        }
    }

    /// There is room in an event socket: sends what waited, as far as it goes.
    fn flush_events(&mut self, now: Now, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let State::Handle(_, events) = &mut connection.state else { return };
        let mut sent = events.flush();
        while sent == Ok(Sent::Yes) {
            match self.node.next_event(ConnectionId(id)) {
                Some((code, body)) => sent = events.send(code, body),
                None => {
                    self.watch_events(now, id, EpollFlags::EPOLLIN);
                    break;
                }
            }
        }
        if let Err(error) = sent {
            self.close(now, id, Fault::System(error));
        }
        self.recount(id);
    }

    fn watch_events(&mut self, now: Now, id: u64, flags: EpollFlags) {
        let Some(connection) = self.connections.get(&id) else { return };
        let State::Handle(_, events) = &connection.state else { return };
        let mut event = EpollEvent::new(flags, Token::Events(id).encode());
        if let Err(error) = self.epoll.modify(events.fd(), &mut event) {
            self.close(now, id, Fault::System(error));
        }
    }

    /// Watches a stream for what is possible now, and counts what waits.
    pub(super) fn refresh(&mut self, now: Now, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.may_serve() && connection.input.has_whole_frame() && !connection.is_ready {
            connection.is_ready = true;
            self.ready.push(connection.peer.holder(), 1, id);
        }
        let wanted = connection.wanted();
        if wanted != connection.interest {
            connection.interest = wanted;
            let mut event = EpollEvent::new(wanted, Token::Stream(id).encode());
            if let Err(error) = self.epoll.modify(&connection.socket, &mut event) {
                self.close(now, id, Fault::System(error));
            }
        }
        self.recount(id);
    }
}
