//! What the group brings: views, and messages in agreed order.

use super::tasks::Task;
use super::{Node, Output};
use crate::effects::Outgoing;
use crate::envelope::{Envelope, ToService};
use crate::group::Config;
use crate::record::Record;
use crate::sync::{Exchange, Logged, Phase};
use crate::{Delivery, Now};
use ais_group::{Output as FromGroup, QueueFull, View};
use ais_proto::{AisError, ServiceId};
use ais_wire::{NodeId, Reader};

/// Bytes of messages of services that the group has of a lane at a time, at least; see
/// [`in_group_limit`]. While this node sends its state there are no more: about as
/// many as it sends of that, so that its programs and its state have one half
/// each.
const IN_GROUP: usize = 256 << 10;
/// Datagrams that the ring sends in two of its rotations.
const TWO_ROTATIONS: usize = 128;

impl Node {
    /// Gives the group what waits for it and takes what it brings, until
    /// neither has more.
    pub(crate) fn run_group(&mut self, now: Now) {
        loop {
            self.take_group_outputs();
            self.work(now);
            while let Some(event) = self.undelivered.pop() {
                self.with_service(now, event.service(), |service, fx| {
                    service.on_undelivered(&event, fx);
                });
            }
            for taken in self.admin.take_unwanted() {
                self.fx.service = ServiceId::Ckpt;
                self.services.ckpt.bury(taken, &mut self.fx);
                self.apply(now);
            }
            if !self.send_next(now) {
                break;
            }
        }
        let replies_wait =
            [self.held.is_empty(), self.held_over.is_empty(), self.in_doubt.is_empty()];
        let waits = replies_wait.contains(&false);
        self.holds.await_group(waits || self.fx.askers.wait());
    }

    /// Gives the group the next message, if there is one and it is taken.
    fn send_next(&mut self, now: Now) -> bool {
        let (is_sync, sends) = (
            !self.sync_outbox.is_empty(),
            self.sync.exchange.as_ref().is_some_and(Exchange::sends),
        );
        // The next chunks are not to queue up behind all that programs send.
        let limit = if sends { IN_GROUP } else { in_group_limit(&self.config.group) };
        let next = match self.sync.phase {
            _ if is_sync => self.sync_outbox.pop_front().map(Outgoing::of_sync),
            Phase::Serving if self.tasks.is_empty() => self.outbox.pop(limit, &mut self.fx.ledger),
            // What the programs want waits while it is not known which state it
            // will meet.
            _ => None,
        };
        let Some(Outgoing { holder, guarantee, lane, bytes }) = next else { return false };
        let length = bytes.len();
        match self.group.engine_mut().multicast(now.monotonic, bytes, guarantee, lane) {
            Ok(()) if is_sync => true,
            Ok(()) => {
                self.outbox.taken(lane, length);
                true
            }
            Err(QueueFull(bytes)) if is_sync => {
                self.sync_outbox.push_front(bytes);
                false
            }
            Err(QueueFull(bytes)) => {
                self.outbox.put_back(Outgoing { holder, guarantee, lane, bytes });
                false
            }
        }
    }

    fn take_group_outputs(&mut self) {
        while let Some(command) = self.group.poll_command() {
            self.outputs.push_back(Output::Ring(command).into());
        }
        while let Some(output) = self.group.engine_mut().poll_output() {
            self.take(output);
        }
    }

    #[cold]
    pub(super) fn on_view(&mut self, now: Now, view: View) {
        if !self.end_sync(now, &view) {
            return self.following.push(Task::Take(FromGroup::View(view)));
        }
        self.outbox.forget_taken();
        self.settle_held(now, self.sync.is_quorum(view.came_with_me.len()));
        let has_quorum = self.sync.is_quorum(view.members.len());
        let excluded = self.sync.excluded();
        self.each_service(now, |id, service, fx| {
            service.on_view(&view, has_quorum && !excluded.contains(&id), fx);
        });
        self.complain_of_count(&view);
        let record = Record::of(&self.config);
        let announce = self.sync.install(now.monotonic, &view, record);
        self.sync_outbox.clear();
        self.sync_outbox.push_back(announce);
        self.renew_drain(now);
        self.update_lead(now);
        self.go_on_later();
        self.fx.service = ServiceId::Admin;
        self.admin.on_view(&view, &mut self.fx);
        self.apply(now);
        self.outputs.push_back(Output::View(view).into());
    }

    /// Says that there are more members than `expected-nodes`, each time that
    /// there are others of them.
    fn complain_of_count(&mut self, view: &View) {
        let exceeded = self.sync.exceeded(view);
        let count = exceeded.map(|_| view.members.len());
        if let (Some(expected), Some(count)) = (exceeded, count)
            && self.count_told != Some(count)
        {
            log::error!(
                "expected-nodes:{expected} is less than the {count} nodes that are there, so that \
                 two parts of the cluster may both have quorum and change the same state apart; \
                 give `expected-nodes:{count}` in network.conf on all nodes and restart aisexec"
            );
        }
        self.count_told = count;
    }

    pub(super) fn on_deliver(&mut self, now: Now, number: u64, from: NodeId, bytes: Vec<u8>) {
        self.sync.delivered.add(now.monotonic, number, from, &bytes);
        let mut input = Reader::new(&bytes);
        let to = match Envelope::take(&mut input) {
            Ok(Envelope::Sync { view }) => {
                return self.on_sync(now, number, from, view, input.rest());
            }
            Ok(Envelope::Service(to)) => to,
            Err(_) => return log::warn!("a message from {from} was dropped: it is for no service"),
        };
        let length = bytes.len();
        if from == self.config.node {
            self.outbox.delivered(to.lane(length), length);
        }
        if to.service == ServiceId::Admin {
            // No state is changed by what a probe sends.
            return self.deliver(now, number, from, to, input.rest());
        }
        match self.sync.phase {
            Phase::Serving | Phase::Filling => self.deliver(now, number, from, to, input.rest()),
            Phase::Out | Phase::Waiting => self.refuse(now, from, to, AisError::Timeout),
            _ => self.sync.hold(number, from, to, bytes),
        }
        if self.sync.overflows(length) {
            self.begin_transfer_anew(now);
        }
    }

    /// Applies a message that was held or logged.
    pub(super) fn deliver_logged(&mut self, now: Now, logged: &Logged) {
        let message = logged.bytes.get(ToService::LENGTH..).unwrap_or_default();
        self.deliver(now, logged.number, logged.from, logged.to, message);
    }

    /// Applies a message to the state of this node.
    fn deliver(&mut self, now: Now, number: u64, from: NodeId, to: ToService, message: &[u8]) {
        let ToService { service, needs_quorum, origin } = to;
        // The node that sent the message had quorum, and the nodes that deliver it have
        // lost it. Others may have applied the message, if it was sent before.
        if needs_quorum && !self.sync.may_apply() {
            let error = if self.sync.is_over { AisError::Timeout } else { AisError::TryAgain };
            return self.refuse(now, from, to, error);
        }
        if !self.sync.takes_from(service, from) {
            let error = if needs_quorum { AisError::TryAgain } else { AisError::NotExist };
            return self.refuse(now, from, to, error);
        }
        let asker = if from == self.config.node { self.fx.askers.take(origin) } else { None };
        let held = self.held.len();
        self.fx.service = service;
        // What was held is everywhere when all have what it was held for.
        self.fx.delivery = number.max(self.agreed_at);
        self.delivers_change = needs_quorum;
        let delivery = Delivery { from, number, asker, message };
        match self.services.get_mut(service) {
            Some(service) => service.on_deliver(delivery, &mut self.fx),
            None => self.admin.on_deliver(delivery, &self.services.ckpt, &mut self.fx),
        }
        self.apply(now);
        if asker.is_some() && self.held.len() == held {
            self.holds.get_on();
        }
        self.delivers_change = false;
    }

    /// Tells the asker that waits for a message that nothing comes of it: with a timeout if
    /// others may have applied it.
    pub(super) fn refuse(&mut self, now: Now, from: NodeId, to: ToService, error: AisError) {
        if from == self.config.node
            && let Some((asker, outcome)) = self.fx.askers.take_with_outcome(to.origin)
        {
            self.holds.get_on();
            match outcome.failure(error) {
                Some(event) => self.fx.event(asker.connection, event),
                None => self.fx.reply(asker, Err(error), Vec::new()),
            }
            self.apply(now);
        }
    }
}

/// How many bytes of messages of services the group has at a time: enough to be
/// busy with. What waits beyond that waits where processes take turns.
fn in_group_limit(group: &Config) -> usize {
    match group {
        Config::Ring(ring) => IN_GROUP.max(ring.mtu * TWO_ROTATIONS),
        _ => IN_GROUP,
    }
}
