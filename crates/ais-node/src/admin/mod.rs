//! Admin: shows an operator what this node knows, tells those who watch of
//! every view, and carries the messages of probes that measure the group.
//!
//! None of it is replicated state, and no service depends on it.

mod inspections;
mod openers;
mod probes;
#[cfg(test)]
mod tests;

use crate::amf::Amf;
use crate::ckpt::Ckpt;
use crate::group::Group;
use crate::sync::SyncStatus;
use crate::{
    Asker, Caller, Config, ConnectionId, Delivery, Effects, Event, Malformed, Now, SessionId,
};
use ais_proto::admin::{
    self, Clients, MAX_PAGE, Page, Problem, Request, Ring, Severity, Started, State, Status, ViewId,
};
use ais_proto::{Name, Service, Writer};
use ais_totem::View;
use ais_wire::NodeId;
use inspections::Inspections;
use openers::Openers;
use probes::Probes;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use probes::News;

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
    /// The library handles that are open.
    handles: BTreeMap<ConnectionId, (SessionId, Service)>,
    watchers: BTreeSet<ConnectionId>,
    probes: Probes,
    inspections: Inspections,
    openers: Openers,
    /// What whoever drives the node counts of its own work.
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
            handles: BTreeMap::new(),
            watchers: BTreeSet::new(),
            probes: Probes::default(),
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
        }
    }

    pub(crate) fn on_session_opened(&mut self, session: SessionId, process: u32) {
        self.openers.session_opened(session, process);
    }

    pub(crate) fn on_session_gone(&mut self, session: SessionId) {
        self.openers.session_closed(session);
    }

    pub(crate) fn on_handle_gone(&mut self, connection: ConnectionId) {
        self.handles.remove(&connection);
        self.watchers.remove(&connection);
        self.probes.stop(connection);
        self.inspections.stop(connection);
    }

    pub(crate) fn on_view(&mut self, view: &View, fx: &mut Effects) {
        self.view = Some(view.clone());
        for watcher in &self.watchers {
            fx.event(*watcher, view_event(view));
        }
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
                self.watchers.insert(handle_of(caller)?);
                // Before the reply, so that it is pending when the call returns.
                if let Some(view) = &self.view {
                    fx.event(caller.connection, view_event(view));
                }
            }
            Request::ProbeStart => {
                let connection = handle_of(caller)?;
                self.probes.start(connection);
                Started { node: self.me, probe: connection.0 }.encode(&mut body);
            }
            Request::Inspect { name } => {
                match self.inspections.take(handle_of(caller)?, &name, sights) {
                    Ok(inspected) => inspected.encode(&mut body),
                    Err(error) => {
                        fx.reply(asker, Err(error), Vec::new());
                        return Ok(());
                    }
                }
            }
            Request::InspectSections { first } => {
                let page = self.inspections.sections(handle_of(caller)?, first);
                page.ok_or(Malformed)?.encode(&mut body, |out, section| {
                    out.bytes(&section.encode());
                });
            }
            Request::InspectBytes { section, offset } => {
                let piece = self.inspections.bytes(handle_of(caller)?, section, offset);
                body.option(piece.ok_or(Malformed)?.as_ref(), |out, piece| piece.encode(out));
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
        if !self.openers.deliver(&delivery, self.me, ckpt, fx) {
            self.probes.deliver(delivery);
        }
    }

    /// What probes are to be told, if anything.
    pub(crate) fn take_news(&mut self) -> Option<News> {
        self.probes.take_news(self.me)
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
            view: self.view.as_ref().map(view_id),
            // Views have at most 128 members, checkpoints their own bound.
            members: members.len() as u32,
            synced: sync.synced.len() as u32,
            expected_nodes: self.expected_nodes,
            has_quorum: sync.has_quorum,
            lead: sync.lead,
            has_amf: sync.has_amf,
            checkpoints: checkpoints as u32,
            checkpoint_memory,
            checkpoint_memory_limit,
            clients: self.clients(),
            configured: configured.collect(),
            problems: problems(sights.group),
        }
    }

    fn ring(&self, group: &Group) -> Option<Ring> {
        let status = group.status()?;
        let counters = status.counters.iter().chain(&self.counters);
        Some(Ring {
            state: status.state.into(),
            view: status
                .view
                .map(|view| ViewId { number: view.number, representative: view.representative }),
            members: status.members,
            why: status.why,
            counters: counters.map(|(name, value)| ((*name).into(), *value)).collect(),
        })
    }

    fn clients(&self) -> Clients {
        let count = |service| self.handles.values().filter(|(_, of)| *of == service).count() as u32;
        let programs = self.handles.values().filter(|(_, of)| *of != Service::Admin);
        let processes: BTreeSet<_> = programs.map(|(session, _)| *session).collect();
        Clients {
            processes: processes.len() as u32,
            clm: count(Service::Clm),
            amf: count(Service::Amf),
            ckpt: count(Service::Ckpt),
        }
    }
}

/// How many entries to show when `limit` are wanted.
fn page_size(limit: u32) -> usize {
    limit.clamp(1, MAX_PAGE) as usize
}

/// The connection, if it is a handle of Admin.
fn handle_of(caller: &Caller) -> Result<ConnectionId, Malformed> {
    caller.callbacks(Service::Admin).map(|_| caller.connection).ok_or(Malformed)
}

fn view_id(view: &View) -> ViewId {
    ViewId { number: view.id.number, representative: view.id.representative }
}

fn view_event(view: &View) -> Event {
    Event::Admin(admin::Event::View(admin::View {
        id: view_id(view),
        members: view.members.clone(),
        joined: view.joined.clone(),
        left: view.left.clone(),
        why: view.why.clone(),
        skipped: 0,
    }))
}

/// What is wrong with the group.
fn problems(group: &Group) -> Vec<Problem> {
    let severity = |severity| match severity {
        ais_totem::Severity::Blocking => Severity::Blocking,
        ais_totem::Severity::Degraded => Severity::Degraded,
        ais_totem::Severity::Notice => Severity::Notice,
    };
    let of_ring = group.status().map(|status| status.problems).unwrap_or_default();
    let problem = |ais_totem::Problem { node, severity: hurts, what, advice }| Problem {
        severity: severity(hurts),
        node,
        what,
        advice,
    };
    of_ring.into_iter().map(problem).collect()
}
