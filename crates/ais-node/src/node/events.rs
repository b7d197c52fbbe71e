//! Events: from what there is to tell to packets, one handle after the other.
//!
//! What is told to many handles at once is told in turn, some in each step, so
//! that a view change takes no longer for the programs that track it; and an
//! event is only made when its program has room for it.

use super::{Node, Output};
use crate::event::Due;
use crate::{ConnectionId, Event};
use ais_proto::{Code, admin};
use ais_totem::Command;
use std::collections::VecDeque;

/// Events that are made for handles that are told in turn, by all that is done at
/// one time, and then in each step.
pub(super) const TURNS: usize = 64;
/// An event counts once more for each so many bytes that it has.
const EVENT: usize = 4096;

/// What is to be put out.
#[derive(Debug)]
pub(super) enum ToPutOut {
    Output(Output),
    /// All that waits for a handle, as long as its program reads.
    Told(ConnectionId),
}

/// What is to be put out, in order; datagrams before all else, as other nodes wait
/// for them.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    datagrams: VecDeque<Output>,
    others: VecDeque<ToPutOut>,
}

impl Outputs {
    pub(super) fn push_back(&mut self, thing: ToPutOut) {
        match thing {
            ToPutOut::Output(send @ Output::Ring(Command::Send { .. })) => {
                self.datagrams.push_back(send);
            }
            thing => self.others.push_back(thing),
        }
    }

    fn push_front(&mut self, thing: ToPutOut) {
        self.others.push_front(thing);
    }

    fn pop_front(&mut self) -> Option<ToPutOut> {
        self.datagrams.pop_front().map(ToPutOut::from).or_else(|| self.others.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.datagrams.is_empty() && self.others.is_empty()
    }
}

impl From<Output> for ToPutOut {
    fn from(output: Output) -> Self {
        Self::Output(output)
    }
}

impl Node {
    /// A handle is told something before whatever is put out after this.
    pub(super) fn event(&mut self, connection: ConnectionId, event: Event) {
        if self.handles.contains(connection) {
            self.tell_now(connection, Due::Event(event));
        } else {
            self.undelivered.push(event);
        }
    }

    pub(super) fn tell_now(&mut self, connection: ConnectionId, due: Due) {
        self.handles.add(connection, due, &mut self.fx.ledger);
        self.outputs.push_back(ToPutOut::Told(connection));
    }

    /// One of many handles is told something: now, if it is among the first and
    /// reads, or in turn.
    pub(super) fn tell(&mut self, connection: ConnectionId, due: Due) {
        if self.turns_left == 0 || !self.handles.reads(connection) {
            self.add_in_turn(connection, due);
        } else if let Some(event) = self.compose(connection, due) {
            self.turns_left -= 1;
            self.event(connection, event);
        }
    }

    fn add_in_turn(&mut self, connection: ConnectionId, due: Due) {
        self.handles.add_in_turn(connection, due, &mut self.fx.ledger);
    }

    /// The next thing to do. To be called until it returns `None` after every
    /// call that takes the time.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            if self.outputs.is_empty() {
                // As late as can be, so that much goes into one event.
                self.tell_probes();
                self.follow_drain();
            }
            match self.outputs.pop_front() {
                Some(ToPutOut::Output(output)) => return Some(output),
                Some(ToPutOut::Told(connection)) => {
                    let Some(due) = self.handles.take(connection, &mut self.fx.ledger) else {
                        continue;
                    };
                    self.outputs.push_front(ToPutOut::Told(connection));
                    if let Some(event) = self.compose(connection, due) {
                        return Some(put_out(connection, &event));
                    }
                }
                None if self.turns_left == 0 => return None,
                None => {
                    let (connection, due) = self.handles.take_turn(&mut self.fx.ledger)?;
                    self.turns_left -= 1;
                    if let Some(event) = self.compose(connection, due) {
                        let (code, body) = (event.code(), event.encode());
                        self.turns_left = self.turns_left.saturating_sub(body.len() / EVENT);
                        return Some(Output::Event { connection, code, body });
                    }
                }
            }
        }
    }

    /// The body of a reply was sent, and nobody needs it any more.
    pub fn take_back(&mut self, body: Vec<u8>) {
        self.services.ckpt.take_back(body);
    }

    /// The event socket of a handle is full: its events wait from now on. The
    /// last one that was output is still with the driver.
    pub fn events_blocked(&mut self, connection: ConnectionId) {
        self.handles.block(connection);
    }

    /// The event socket has room: the next event that waited, or `None` when
    /// they are output as they come again.
    pub fn next_event(&mut self, connection: ConnectionId) -> Option<(Code, Vec<u8>)> {
        loop {
            let due = self.handles.next(connection, &mut self.fx.ledger)?;
            if let Some(event) = self.compose(connection, due) {
                return Some((event.code(), event.encode()));
            }
        }
    }

    /// The event that a handle is told now, if there is still something to tell.
    fn compose(&mut self, connection: ConnectionId, due: Due) -> Option<Event> {
        match due {
            Due::Event(event) => Some(event),
            Due::Clm(due) => self.services.clm.tell(connection, due),
            Due::Group(due) => self.services.amf.tell(connection, due),
            Due::View => self.admin.tell_view(connection),
            Due::Deliveries => {
                let (deliveries, is_all) = self.admin.tell_deliveries(connection)?;
                if !is_all {
                    self.add_in_turn(connection, Due::Deliveries);
                }
                Some(Event::Admin(admin::Event::Deliveries(deliveries)))
            }
        }
    }

    /// Has probes told what was delivered, and answers who waited for it: each
    /// has heard of its own messages by then.
    fn tell_probes(&mut self) {
        for probe in self.admin.take_behind() {
            self.add_in_turn(probe, Due::Deliveries);
        }
        for asker in self.admin.take_answers() {
            self.outputs.push_back(ToPutOut::Told(asker.connection));
            self.reply(asker, Ok(()), Vec::new());
        }
    }
}

fn put_out(connection: ConnectionId, event: &Event) -> Output {
    Output::Event { connection, code: event.code(), body: event.encode() }
}
