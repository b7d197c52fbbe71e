//! Admin: shows an operator what this node knows, tells handles that watch of
//! every view, and carries the messages of probes that measure the group.
//!
//! None of it is replicated state, and no service depends on it.

mod inspections;
mod message;
mod openers;
mod probes;
#[cfg(test)]
mod tests;

use crate::amf::Amf;
use crate::ckpt::{Ckpt, Taken};
use crate::event::Due;
use crate::group::Group;
use crate::sync::SyncStatus;
use crate::{
    Asker, Caller, Config, ConnectionId, Delivery, Effects, Event, Ledger, Malformed, Now,
    SessionId, Timer,
};
use ais_group::View;
use ais_proto::admin::{
    self, Clients, Deliveries, KeyHolder, Keys, MAX_PAGE, Page, Problem, Request, Ring, Severity,
    Started, State, Status,
};
use ais_proto::{AisError, Name, ServiceId, Writer};
use ais_wire::{NodeId, Reader, Wire as _};
use inspections::{Inspections, Nothing};
use message::{Answer, Message};
use openers::Openers;
use probes::Probes;
use std::collections::{BTreeMap, BTreeSet};

/// What the node has beside the services that an operator may see.
#[derive(Debug)]
pub(crate) struct Sights<'a> {
    pub(crate) amf: &'a Amf,
    pub(crate) ckpt: &'a Ckpt,
    pub(crate) group: &'a Group,
    pub(crate) sync: SyncStatus,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Admin {
    me: NodeId,
    name: Name,
    cluster: Name,
    expected_nodes: Option<u32>,
    configured: Vec<NodeId>,
    /// When the node started, on the monotonic clock.
    started: u64,
    view: Option<View>,
    /// How many views there were.
    views: u64,
    /// The library handles that are open.
    handles: BTreeMap<ConnectionId, (SessionId, ServiceId)>,
    /// How many of each service.
    counts: BTreeMap<ServiceId, u32>,
    /// How many each process has, but for those of Admin: a process that only looks is
    /// no client.
    processes: BTreeMap<SessionId, u32>,
    /// How many of the views each handle that watches was told, or had passed before.
    watchers: BTreeMap<ConnectionId, u64>,
    probes: Probes,
    inspections: Inspections,
    openers: Openers,
    /// What the driver of the node counts of its own work.
    counters: Vec<(&'static str, u64)>,
}

impl Admin {
    pub(crate) fn new(config: &Config, now: Now) -> Self {
        Self {
            me: config.node,
            name: config.node_name.clone(),
            cluster: config.cluster_name.clone(),
            expected_nodes: config.expected_nodes,
            configured: config.configured.clone(),
            started: now.monotonic,
            view: None,
            views: 0,
            handles: BTreeMap::new(),
            counts: BTreeMap::new(),
            processes: BTreeMap::new(),
            watchers: BTreeMap::new(),
            probes: Probes::new(config.node),
            inspections: Inspections::default(),
            openers: Openers::default(),
            counters: Vec::new(),
        }
    }

    pub(crate) fn tell_counters(&mut self, counters: Vec<(&'static str, u64)>) {
        self.counters = counters;
    }

    pub(crate) fn counters(&self) -> &[(&'static str, u64)] {
        &self.counters
    }

    pub(crate) fn on_handle_opened(&mut self, caller: &Caller) {
        if let Some((service, _)) = caller.handle {
            self.handles.insert(caller.connection, (caller.session, service));
            *self.counts.entry(service).or_default() += 1;
            if service != ServiceId::Admin {
                *self.processes.entry(caller.session).or_default() += 1;
            }
        }
    }

    pub(crate) fn on_session_opened(&mut self, session: SessionId, process: u32) {
        self.openers.session_opened(session, process);
    }

    pub(crate) fn on_session_gone(&mut self, session: SessionId) {
        self.openers.session_closed(session);
    }

    /// How many processes it knows.
    #[cfg(test)]
    pub(crate) fn known_processes(&self) -> usize {
        self.openers.processes()
    }

    pub(crate) fn on_handle_gone(&mut self, connection: ConnectionId, ledger: &mut Ledger) {
        if let Some((session, service)) = self.handles.remove(&connection) {
            count_down(&mut self.counts, service);
            if service != ServiceId::Admin {
                count_down(&mut self.processes, session);
            }
        }
        self.watchers.remove(&connection);
        self.probes.stop(connection);
        self.inspections.stop(connection, ledger);
    }

    /// A timer that a request has set has come.
    pub(crate) fn on_timer(&mut self, now: Now, timer: Timer, ckpt: &Ckpt, fx: &mut Effects) {
        if timer == openers::TIMER {
            self.openers.on_timer(ckpt, fx);
        } else {
            self.inspections.on_timer(now.monotonic, fx);
        }
    }

    /// Checkpoints that were taken for operators and are of no use any more.
    pub(crate) fn take_unwanted(&mut self) -> Vec<Taken> {
        self.inspections.take_unwanted()
    }

    pub(crate) fn on_view(&mut self, view: &View, fx: &mut Effects) {
        self.view = Some(view.clone());
        self.views += 1;
        for watcher in self.watchers.keys() {
            fx.tell(*watcher, Due::View);
        }
    }

    /// The view, for a handle that watches and was not told it yet.
    pub(crate) fn tell_view(&mut self, watcher: ConnectionId) -> Option<Event> {
        let (view, told) = (self.view.as_ref()?, self.watchers.get_mut(&watcher)?);
        let skipped = self.views.checked_sub(*told + 1)?;
        *told = self.views;
        Some(view_event(view, skipped))
    }

    /// A client asks. Everything is answered, now or later.
    ///
    /// # Errors
    /// [`Malformed`] if this is not asked on a connection of that kind.
    pub(crate) fn on_request(
        &mut self,
        now: Now,
        sights: &Sights<'_>,
        caller: &Caller,
        asker: Asker,
        request: Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        let mut body = Writer::new();
        match request {
            Request::Status => self.status(now, sights).encode(&mut body),
            Request::Ring => {
                body.option(self.ring(sights.group).as_ref(), |out, ring| ring.encode(out));
            }
            Request::Keys => {
                body.option(self.keys(sights.group).as_ref(), |out, keys| keys.encode(out));
            }
            Request::Checkpoints { after, limit } => {
                let page = sights.ckpt.show(after.as_ref(), page_size(limit));
                page.encode(&mut body, |out, checkpoint| checkpoint.encode(out));
            }
            Request::Components { first, limit } => {
                let page: Page<_> = sights.amf.show(first as usize, page_size(limit));
                page.encode(&mut body, |out, component| component.encode(out));
            }
            Request::AmfNodes => {
                body.list(&sights.amf.show_nodes(), |out, node| node.encode(out));
            }
            // It is AMF's to do; the node hands it over to that.
            Request::Operate { .. } => return Err(Malformed),
            Request::Watch => {
                self.watchers.insert(handle_of(caller)?, self.views.saturating_sub(1));
                // Before the reply, so that it is pending when the call returns.
                fx.tell_now(caller.connection, Due::View);
            }
            Request::ProbeStart => {
                let connection = handle_of(caller)?;
                self.probes.start(connection);
                Started { node: self.me, probe: connection.0 }.encode(&mut body);
            }
            Request::Inspect { name } => {
                let who = (handle_of(caller)?, fx.ledger.holder(caller.session));
                match self.inspections.take(now.monotonic, who, &name, sights, fx) {
                    Ok(inspected) => inspected.encode(&mut body),
                    Err(error) => {
                        fx.reply(asker, Err(error), Vec::new());
                        return Ok(());
                    }
                }
            }
            Request::InspectSections { first } => {
                let handle = handle_of(caller)?;
                let page = match self.inspections.sections(now.monotonic, handle, first) {
                    Ok(page) => page,
                    Err(nothing) => return refuse(asker, &nothing, fx),
                };
                page.encode(&mut body, |out, section| {
                    out.bytes(&section.encode());
                });
            }
            Request::InspectBytes { section, offset } => {
                let handle = handle_of(caller)?;
                let piece = match self.inspections.bytes(now.monotonic, handle, section, offset) {
                    Ok(piece) => piece,
                    Err(nothing) => return refuse(asker, &nothing, fx),
                };
                body.option(piece.as_ref(), |out, piece| piece.encode(out));
            }
            Request::AskOpeners { name } => {
                Openers::ask(handle_of(caller)?, asker, &name, fx);
                return Ok(());
            }
            Request::ProbeSend { messages } => {
                return self.probes.send(handle_of(caller)?, asker, &messages, fx);
            }
        }
        fx.reply(asker, Ok(()), body.into_bytes());
        Ok(())
    }

    /// A message arrives in agreed order.
    pub(crate) fn on_deliver(&mut self, delivery: Delivery<'_>, ckpt: &Ckpt, fx: &mut Effects) {
        let Delivery { from, asker, message, .. } = delivery;
        match Message::take(&mut Reader::new(message)) {
            Ok(Message::Probed(probed)) => self.probes.deliver(from, asker, probed),
            Ok(Message::Question(question)) => {
                self.openers.asked(from, asker, question, ckpt, fx);
            }
            Ok(Message::Answer(Answer { to, handle, openers })) if to == self.me => {
                let event = admin::Event::Openers { node: from, openers };
                fx.event(ConnectionId(handle), Event::Admin(event));
            }
            Ok(Message::Answer(_)) => {}
            Err(_) => log::warn!("a message from {from} to operators was dropped: it is none"),
        }
    }

    /// The probes that have something new to be told.
    pub(crate) fn take_behind(&mut self) -> BTreeSet<ConnectionId> {
        self.probes.take_behind()
    }

    /// The askers whose messages to probes were delivered.
    pub(crate) fn take_answers(&mut self) -> Vec<Asker> {
        self.probes.take_answers()
    }

    /// What a probe is told next, and whether that is all.
    pub(crate) fn tell_deliveries(&mut self, probe: ConnectionId) -> Option<(Deliveries, bool)> {
        self.probes.tell(probe)
    }

    #[cfg(test)]
    pub(crate) fn kept_for_probes(&self) -> usize {
        self.probes.kept()
    }

    /// The node in short.
    pub(crate) fn status(&self, now: Now, sights: &Sights<'_>) -> Status {
        let sync = &sights.sync;
        let state = match (&self.view, sync.phase) {
            (None, _) => State::Starting,
            (Some(_), "serving") => State::Serving,
            (Some(_), "out") => State::Unable,
            (Some(_), _) => State::Synchronising,
        };
        let (checkpoints, checkpoint_memory, checkpoint_memory_limit) = sights.ckpt.usage();
        let members = self.view.as_ref().map_or(&[][..], |view| &view.members);
        let configured = self.configured.iter().map(|node| (*node, members.contains(node)));
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            node: self.me,
            name: self.name.clone(),
            cluster: self.cluster.clone(),
            uptime: now.monotonic.saturating_sub(self.started),
            state,
            synchronised: sync.bytes_moved,
            view: self.view.as_ref().map(|view| view.id),
            // Views have at most MAX_NODES members, checkpoints their own bound.
            members: members.len() as u32,
            synced: sync.synced.len() as u32,
            expected_nodes: self.expected_nodes,
            has_quorum: sync.may_change,
            lead: sync.lead,
            has_amf: sync.takes_part(ServiceId::Amf),
            checkpoints: checkpoints as u32,
            checkpoint_memory,
            checkpoint_memory_limit,
            clients: self.clients(),
            configured: configured.collect(),
            problems: problems(sights.group),
            other_handles: self.other_handles(),
        }
    }

    fn ring(&self, group: &Group) -> Option<Ring> {
        let status = group.ring()?.status();
        let counters = status.counters.iter().chain(&self.counters);
        Some(Ring {
            state: status.state.into(),
            view: status.view,
            members: status.members,
            why: status.why,
            counters: counters.map(|(name, value)| ((*name).into(), *value)).collect(),
        })
    }

    fn keys(&self, group: &Group) -> Option<Keys> {
        let status = group.ring()?.keys().unwrap_or_default();
        let members = self.view.as_ref().map_or(&[][..], |view| &view.members);
        let others = members.iter().filter(|member| **member != self.me).map(|member| {
            let peer = status.others.iter().find(|peer| peer.node == *member);
            let accepts = peer.map_or(&[][..], |peer| &peer.accepts);
            KeyHolder {
                node: *member,
                uses: peer.map(|peer| peer.uses.0),
                accepts: accepts.iter().map(|id| id.0).collect(),
            }
        });
        Some(Keys { own: status.own.iter().map(|id| id.0).collect(), others: others.collect() })
    }

    fn clients(&self) -> Clients {
        let count = |service| self.counts.get(&service).copied().unwrap_or(0);
        Clients {
            processes: self.processes.len() as u32,
            clm: count(ServiceId::Clm),
            amf: count(ServiceId::Amf),
            ckpt: count(ServiceId::Ckpt),
        }
    }

    fn other_handles(&self) -> Vec<(u8, u32)> {
        let counted = [ServiceId::Clm, ServiceId::Amf, ServiceId::Ckpt, ServiceId::Admin];
        let others = self.counts.iter().filter(|(service, _)| !counted.contains(service));
        others.map(|(service, count)| (*service as u8, *count)).collect()
    }
}

fn count_down<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

/// How many entries to show when `limit` are wanted.
fn page_size(limit: u32) -> usize {
    limit.clamp(1, MAX_PAGE) as usize
}

/// The answer to a handle that has taken nothing to look into.
///
/// # Errors
/// [`Malformed`] if that is no fault of this node.
fn refuse(asker: Asker, nothing: &Nothing, fx: &mut Effects) -> Result<(), Malformed> {
    if *nothing == Nothing::Taken {
        return Err(Malformed);
    }
    fx.reply(asker, Err(AisError::TryAgain), Vec::new());
    Ok(())
}

/// The connection, if it is a handle of Admin.
fn handle_of(caller: &Caller) -> Result<ConnectionId, Malformed> {
    caller.callbacks(ServiceId::Admin).map(|_| caller.connection).ok_or(Malformed)
}

fn view_event(view: &View, skipped: u64) -> Event {
    Event::Admin(admin::Event::View(admin::View {
        id: view.id,
        members: view.members.clone(),
        joined: view.joined.clone(),
        left: view.left.clone(),
        why: view.why.clone(),
        skipped,
    }))
}

/// What is wrong with the group.
fn problems(group: &Group) -> Vec<Problem> {
    let severity = |severity| match severity {
        ais_totem::Severity::Blocking => Severity::Blocking,
        ais_totem::Severity::Degraded => Severity::Degraded,
        ais_totem::Severity::Notice => Severity::Notice,
    };
    let of_ring = group.ring().map(|ring| ring.status().problems).unwrap_or_default();
    let problem = |ais_totem::Problem { node, severity: hurts, what, advice }| Problem {
        severity: severity(hurts),
        node,
        what,
        advice,
    };
    of_ring.into_iter().map(problem).collect()
}
