//! Doing what the services want done.

use super::{Node, Output};
use crate::effects::Effect;
use crate::{Asker, ConnectionId, Event, Now};
use ais_proto::AisError;

/// A reply or event that waits until the group is stable.
#[derive(Debug)]
pub(super) struct Held {
    after: u64,
    /// What it tells was to be done only with quorum.
    needs_quorum: bool,
    output: HeldOutput,
}

#[derive(Debug)]
pub(super) enum HeldOutput {
    Reply { asker: Asker, result: Result<(), AisError>, body: Vec<u8> },
    Event { connection: ConnectionId, event: Event },
}

impl Node {
    /// Does what the service wanted done.
    pub(super) fn apply(&mut self, now: Now) {
        let service = self.fx.service;
        let mut list = std::mem::take(&mut self.fx.list);
        for effect in list.drain(..) {
            match effect {
                Effect::Reply { asker, after, result, body } => {
                    self.hold_or_put_out(after, HeldOutput::Reply { asker, result, body });
                }
                Effect::Event { connection, after, event } => {
                    self.hold_or_put_out(after, HeldOutput::Event { connection, event });
                }
                Effect::Tell { connection, due, at_once: true } => self.tell_now(connection, due),
                Effect::Tell { connection, due, at_once: false } => self.tell(connection, due),
                Effect::Multicast(message) => {
                    self.outbox.push(message, &mut self.fx.ledger);
                }
                Effect::SetTimer(timer, after) => {
                    self.timers.set(service, timer, now.monotonic.saturating_add(after));
                }
                Effect::SetTimerFor(session, timer, after) => {
                    let now = now.monotonic;
                    let whose = (session, self.holds.mark(session, now));
                    self.timers.set_for(service, timer, now.saturating_add(after), whose);
                }
                Effect::Reset => self.outputs.push_back(Output::Reset.into()),
                Effect::CancelTimer(timer) => self.timers.cancel(service, timer),
            }
        }
        // The list keeps its memory: there is one for every request.
        self.fx.list = list;
    }

    fn hold_or_put_out(&mut self, after: Option<u64>, output: HeldOutput) {
        match after {
            // Members that came another way have not done it, or have done what
            // failed here.
            Some(_) if self.is_cut_short && self.delivers_change => {
                self.in_doubt.push(output);
            }
            // What was held while states were brought together may be stable
            // by the time it is applied.
            Some(after) if after > self.stable => {
                let needs_quorum = self.delivers_change;
                self.held.push_back(Held { after, needs_quorum, output });
            }
            _ => self.put_out(output),
        }
    }

    fn put_out(&mut self, output: HeldOutput) {
        match output {
            HeldOutput::Reply { asker, result, body } => self.reply(asker, result, body),
            HeldOutput::Event { connection, event } => self.event(connection, event),
        }
    }

    /// Every member of the view has received everything up to here.
    pub(super) fn on_stable(&mut self, number: u64) {
        self.stable = self.stable.max(number);
        if self.held.front().is_some_and(|held| held.after <= number) {
            self.holds.get_on();
        }
        while self.held.front().is_some_and(|held| held.after <= number)
            && let Some(held) = self.held.pop_front()
        {
            self.put_out(held.output);
        }
    }

    /// The view is over: all that came with this node have what was delivered
    /// in it, or will when they enter the next one. If they had no quorum
    /// together those that have may not know of it, or may have got another
    /// result with less before it, so nobody can tell whether a change will
    /// last, nor whether one that failed is made.
    pub(super) fn settle_held(&mut self, now: Now, has_quorum: bool) {
        self.stable = 0;
        for output in std::mem::take(&mut self.in_doubt) {
            self.put_out_unknown(now, output);
        }
        let held_over = std::mem::take(&mut self.held_over);
        for held in held_over.into_iter().chain(std::mem::take(&mut self.held)) {
            if has_quorum || !held.needs_quorum {
                self.held_over.push(held);
            } else {
                self.put_out_unknown(now, held.output);
            }
        }
    }

    /// A change that was held when the last view ended is known to last if the state of this
    /// node does, as `stands` says. All members have entered this view, with all that came
    /// before it; if states were brought together they have that when they have received
    /// everything up to `after`.
    pub(super) fn settle_held_over(&mut self, now: Now, stands: bool, after: Option<u64>) {
        if !self.held_over.is_empty() {
            self.holds.get_on();
        }
        for held in std::mem::take(&mut self.held_over) {
            match after {
                _ if !stands && held.needs_quorum => self.put_out_unknown(now, held.output),
                Some(after) if after > self.stable => self.held.push_back(Held { after, ..held }),
                _ => self.put_out(held.output),
            }
        }
    }

    fn put_out_unknown(&mut self, now: Now, output: HeldOutput) {
        match output {
            HeldOutput::Reply { asker, .. } => {
                let Asker { connection, id, .. } = asker;
                self.reply(asker, Err(AisError::Timeout), Vec::new());
                self.each_service(now, |_, service, fx| service.on_cancel(connection, id, fx));
            }
            HeldOutput::Event { connection, event } => match event.unsettled() {
                Some(told) => {
                    self.undelivered.push(event);
                    self.event(connection, told);
                }
                None => self.event(connection, event),
            },
        }
    }

    pub(super) fn reply(&mut self, asker: Asker, result: Result<(), AisError>, body: Vec<u8>) {
        let Asker { connection, id, .. } = asker;
        self.holds.end(connection, Some(id));
        self.outputs.push_back(Output::Reply { connection, id, result, body }.into());
    }
}
