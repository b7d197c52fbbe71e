//! The node: takes what clients bring (`inbound`) and what the group delivers
//! (`delivery`), hands it to the services, and does what they want done (`apply`). It has
//! them wait while the members of a view bring their states together (`joining`).

mod apply;
mod delivery;
mod drain;
mod events;
mod inbound;
mod joining;
mod outbox;
mod tasks;

use crate::admin::{Admin, Sights};
use crate::effects::Effects;
use crate::group::Group;
use crate::handles::Handles;
use crate::holds::Holds;
use crate::ledger::{self, Bound};
use crate::service::Service;
use crate::services::{SERVICES, Services};
use crate::sync::{Exchange, Sync, SyncStatus};
use crate::timers::Timers;
use crate::{Config, ConnectionId, Event, Holder, Ledger, Now, Timer};
use ais_group::{External, View};
use ais_proto::{AisError, Code, ServiceId};
use ais_totem::{Command, Ring};
use apply::{Held, HeldOutput};
use drain::Drain;
use events::{Outputs, TURNS};
use outbox::Outbox;
use std::collections::VecDeque;
use tasks::Task;

/// Timers of services that are followed in one step. Each of them once: what one
/// leads to at once is for the next step.
const TIMERS: usize = 64;

/// What the driver of the node has to do: the daemon, or the simulator.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a reply.
    Reply {
        /// Where to.
        connection: ConnectionId,
        /// The id of the request.
        id: u32,
        /// The result.
        result: Result<(), AisError>,
        /// What else it says.
        body: Vec<u8>,
    },
    /// Send an event packet to a library handle.
    Event {
        /// The connection of the handle.
        connection: ConnectionId,
        /// The code.
        code: Code,
        /// The body.
        body: Vec<u8>,
    },
    /// Tell people that the members have changed.
    View(View),
    /// Do something for the ring, such as sending a datagram to other nodes.
    Ring(Command),
    /// This node has the state of the cluster: clients may come from now on.
    Serving,
    /// A program recommends to stop this node at once (`NODE_FAILFAST`,
    /// `CLUSTER_RESET`): its AMF programs and its executive. Its units are
    /// failed over whether or not that is done.
    Reset,
    /// The wait that [`Node::prepare_leave`] began is over.
    MayLeave {
        /// Nothing works here any more that others take over; else some
        /// component did not let go in time.
        is_clean: bool,
    },
}

/// A node.
#[doc = include_str!("driving.md")]
#[derive(Debug)]
pub struct Node {
    config: Config,
    group: Group,
    services: Services,
    admin: Admin,
    fx: Effects,
    handles: Handles,
    holds: Holds,
    timers: Timers,
    sync: Sync,
    /// Messages of state synchronisation that wait for the group; they go
    /// before those of the services.
    sync_outbox: VecDeque<Vec<u8>>,
    outbox: Outbox,
    /// Everything up to this delivery is stable.
    stable: u64,
    held: VecDeque<Held>,
    /// What was still held when the last view ended: members of this one may
    /// not have entered it.
    held_over: Vec<Held>,
    /// What is applied was held for a plan or a merge that did not come, and not all that
    /// come along do the same with it.
    is_cut_short: bool,
    /// Replies and events that tell of a change made then: nobody can tell whether
    /// it lasts.
    in_doubt: Vec<HeldOutput>,
    /// The message with which it was agreed in this view what becomes of the
    /// states, and with it of what was held; 0 before.
    agreed_at: u64,
    /// The message that is being delivered counts only with quorum.
    delivers_change: bool,
    /// How many members the log was told of as more than are expected.
    count_told: Option<usize>,
    /// Events that did not reach their program.
    undelivered: Vec<Event>,
    /// The services that propose here what time brings.
    leads: Vec<ServiceId>,
    drain: Drain,
    has_served: bool,
    /// What the group has brought, as far as it is not done.
    tasks: VecDeque<Task>,
    /// What comes before that, as what is done now leads to it.
    following: Vec<Task>,
    /// What of that came as it was and waits, in messages.
    behind: usize,
    /// How much this step may still do of it.
    work_left: usize,
    outputs: Outputs,
    /// Events that this step may still make for handles that are told in turn: large
    /// ones count for several.
    turns_left: usize,
    /// When the node was called last.
    called_at: u64,
}

impl Node {
    /// A node that starts. Clients may come once it is [`Output::Serving`].
    #[must_use]
    pub fn new(config: Config, now: Now) -> Self {
        let mut services = Services::new(&config);
        let mut node = Self {
            sync: Sync::new(config.node, config.expected_nodes, &mut services),
            group: Group::new(config.node, config.group.clone(), now.monotonic),
            services,
            admin: Admin::new(&config, now),
            work_left: config.pace.messages,
            config,
            fx: Effects::new(),
            handles: Handles::default(),
            holds: Holds::new(now.monotonic),
            timers: Timers::default(),
            sync_outbox: VecDeque::new(),
            outbox: Outbox::default(),
            stable: 0,
            held: VecDeque::new(),
            is_cut_short: false,
            held_over: Vec::new(),
            in_doubt: Vec::new(),
            agreed_at: 0,
            delivers_change: false,
            count_told: None,
            undelivered: Vec::new(),
            leads: Vec::new(),
            drain: Drain::No,
            has_served: false,
            tasks: VecDeque::new(),
            following: Vec::new(),
            behind: 0,
            outputs: Outputs::default(),
            turns_left: TURNS,
            called_at: now.monotonic,
        };
        let looks = Bound::of(node.config.ckpt.memory);
        node.fx.ledger.set_bound(ledger::Kind::Inspections, looks);
        node.run_group(now);
        node
    }

    /// The ring behind this node, if that is its engine.
    #[must_use]
    pub fn ring(&self) -> Option<&Ring> {
        self.group.ring()
    }

    /// Hands something to the ring, such as a datagram that has arrived, and does what
    /// comes of it. A node with another engine does what there is to do, and that is all.
    /// What is handed over at one time is one step.
    pub fn with_ring(&mut self, now: Now, act: impl FnOnce(&mut Ring)) {
        self.drive(now, |group| group.ring_mut().map(act));
    }

    /// Brings bytes that were just drawn at random to a ring that seals its datagrams.
    /// To be called before the next ones are sent.
    pub fn refresh(&mut self, random: [u8; 32]) {
        if let Some(ring) = self.group.ring_mut() {
            ring.refresh(random);
        }
    }

    /// Has the engine outside take messages of this node and bring outputs, and does what
    /// comes of it: the result of `act`, or `None` if the node has another engine. What is
    /// brought at one time is one step.
    ///
    /// ```
    /// use ais_group::{External, Output, View, ViewId};
    /// use ais_node::{Config, Node, Now, Pace, amf, ckpt, group};
    /// use ais_wire::{Name, NodeId};
    ///
    /// let me = NodeId::new([10, 0, 0, 1].into());
    /// let config = Config {
    ///     node: me,
    ///     group: group::Config::External,
    ///     expected_nodes: None,
    ///     configured: Vec::new(),
    ///     node_name: Name::try_from("one").unwrap(),
    ///     cluster_name: Name::try_from("example").unwrap(),
    ///     boot_timestamp: 0,
    ///     ckpt: ckpt::Limits::default(),
    ///     groups: amf::config::Groups::default(),
    ///     pace: Pace::default(),
    /// };
    /// let now = Now { monotonic: 0, wall: 0 };
    /// let mut node = Node::new(config, now);
    ///
    /// // The engine outside has formed a view.
    /// let view = View {
    ///     id: ViewId { number: 1, representative: me },
    ///     members: vec![me],
    ///     joined: vec![me],
    ///     left: Vec::new(),
    ///     came_with_me: vec![me],
    ///     why: "the node starts".into(),
    /// };
    /// node.with_external(now, |engine| engine.bring(Output::View(view)));
    /// assert!(!node.is_serving());
    ///
    /// // It gives the announcement of the node its place in the order.
    /// let announcement = node.with_external(now, External::take_sent).flatten().unwrap();
    /// node.with_external(now, |engine| {
    ///     engine.bring(Output::Deliver { number: 1, from: me, bytes: announcement.bytes });
    ///     engine.bring(Output::Stable(1));
    /// });
    /// assert!(node.is_serving());
    /// ```
    pub fn with_external<R>(
        &mut self,
        now: Now,
        act: impl FnOnce(&mut External) -> R,
    ) -> Option<R> {
        self.drive(now, |group| group.external_mut().map(act))
    }

    /// Leaves the cluster, whatever works here ([`Node::prepare_leave`] comes first);
    /// what it puts out then is to be sent, and nothing more to be done with it.
    pub fn leave(&mut self, now: Now) {
        self.drive(now, |group| group.engine_mut().leave(now.monotonic));
    }

    /// Has operators told of what the driver of the node counts of its own work,
    /// by name, beside what the ring counts.
    pub fn tell_counters(&mut self, counters: Vec<(&'static str, u64)>) {
        self.admin.tell_counters(counters);
    }

    /// How many processes are known to have a session here.
    #[cfg(test)]
    pub(crate) fn known_processes(&self) -> usize {
        self.admin.known_processes()
    }

    /// What [`Node::tell_counters`] was told last.
    #[must_use]
    pub fn counters(&self) -> &[(&'static str, u64)] {
        self.admin.counters()
    }

    /// Called first whenever the node is: notices that it did not run in time,
    /// and begins a step.
    pub(crate) fn wake(&mut self, now: Now) {
        if self.holds.run(now.monotonic)
            && let Some(due) = self.poll_timeout()
        {
            self.holds.overslept(due);
        }
        // A driver does much at one time, and all of that is one step to others.
        if now.monotonic > self.called_at {
            self.turns_left = TURNS;
        }
        self.called_at = now.monotonic;
        // What waits has its turn when time has passed, not with each datagram.
        self.work_left = if self.tasks.is_empty() { self.config.pace.messages } else { 0 };
    }

    /// Has the engine do something, and does what comes of it. A call at the time of the
    /// last one goes on with the step of that, and with what is left of it.
    fn drive<R>(&mut self, now: Now, act: impl FnOnce(&mut Group) -> R) -> R {
        let (is_same_step, left) = (self.called_at >= now.monotonic, self.work_left);
        self.wake(now);
        if is_same_step {
            self.work_left = self.work_left.min(left);
        }
        let result = act(&mut self.group);
        self.run_group(now);
        result
    }

    /// Time has passed. Does nothing if it is called too early.
    pub fn handle_timeout(&mut self, now: Now) {
        self.turns_left = TURNS;
        self.wake(now);
        self.group.engine_mut().handle_timeout(now.monotonic);
        self.run_group(now);
        if !self.tasks.is_empty() {
            self.work_left = self.config.pace.messages;
            self.run_group(now);
        }
        for (service, timer) in self.timers.due(now.monotonic, TIMERS, &self.holds) {
            // What another one has led to may have moved it.
            if self.timers.take(now.monotonic, service, timer) {
                self.on_timer(now, service, timer);
            }
        }
        let resumes = self.sync.exchange.as_ref().and_then(Exchange::poll_timeout);
        if resumes.is_some_and(|at| at <= now.monotonic) {
            self.send_chunks(now);
            self.run_group(now);
        }
        self.compare(now);
        self.limit_wait(now);
        self.limit_drain(now);
    }

    /// When [`Node::handle_timeout`] has to be called, on the monotonic clock.
    /// May change with every call to the node.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let resumes = self.sync.exchange.as_ref().and_then(Exchange::poll_timeout);
        let compares = self.sync.delivered.poll_timeout();
        let waits = self.wait_timeout();
        let has_more = self.handles.have_turns() || !self.tasks.is_empty();
        let at_once = has_more.then_some(self.called_at);
        let drains = self.drain_timeout();
        let others =
            [self.group.engine().poll_timeout(), resumes, compares, waits, drains, at_once];
        self.timers.next().into_iter().chain(others.into_iter().flatten()).min()
    }

    /// Whether the driver should take no more requests of a process until
    /// messages have gone out, and what was held is done.
    #[must_use]
    pub fn is_congested(&self, holder: Holder) -> bool {
        !self.tasks.is_empty() || !self.fx.ledger.may_take(ledger::Kind::Outbox, holder, 1)
    }

    /// What clients hold, with its bounds. The driver of the node counts there what it
    /// keeps for them.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.fx.ledger
    }

    /// The same, to change it.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.fx.ledger
    }

    #[cfg(test)]
    pub(crate) fn external(&mut self) -> &mut External {
        self.group.external_mut().expect("an engine that the test plays")
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self, connection: ConnectionId) -> usize {
        self.handles.waiting(connection)
    }

    #[cfg(test)]
    pub(crate) fn has_tasks(&self) -> bool {
        !self.tasks.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn behind(&self) -> usize {
        self.behind
    }

    #[cfg(test)]
    pub(crate) fn admin(&self) -> &Admin {
        &self.admin
    }

    #[cfg(test)]
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// Whether a service of this node waits for some time to come.
    #[cfg(test)]
    pub(crate) fn has_timers(&self) -> bool {
        self.timers.next().is_some()
    }

    #[cfg(test)]
    pub(crate) fn sync(&mut self) -> &mut Sync {
        &mut self.sync
    }

    /// Whether this node has the state of the cluster. Without it all that
    /// clients ask is to be tried again.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.sync.has_state()
    }

    /// The node in short, as an operator may ask for it.
    #[must_use]
    pub fn status(&self, now: Now) -> ais_proto::admin::Status {
        let (amf, ckpt) = (&self.services.amf, &self.services.ckpt);
        let sights = Sights { amf, ckpt, group: &self.group, sync: self.sync.status() };
        self.admin.status(now, &sights)
    }

    /// Where the state of this node stands, for people.
    #[must_use]
    pub fn sync_status(&self) -> SyncStatus {
        self.sync.status()
    }

    /// A digest of all replicated state, but for that of services which this node takes no
    /// part in: of AMF where it has another groups.conf.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.services.digest(|service| self.sync.takes_part(service))
    }

    /// How many service units AMF has looked at since this node started, as a
    /// measure of the work that its model takes. Other nodes may have another
    /// number.
    #[must_use]
    pub fn amf_work(&self) -> u64 {
        self.services.amf.work()
    }

    fn on_timer(&mut self, now: Now, service: ServiceId, timer: Timer) {
        self.fx.service = service;
        match self.services.get_mut(service) {
            Some(service) => {
                self.fx.needs_quorum = service.timers_need_quorum();
                service.on_timer(now, timer, &mut self.fx);
            }
            None => self.admin.on_timer(now, timer, &self.services.ckpt, &mut self.fx),
        }
        self.fx.needs_quorum = false;
        self.apply(now);
        self.run_group(now);
    }

    /// Has a service do something, and does what it wants done then.
    fn with_service(
        &mut self,
        now: Now,
        id: ServiceId,
        act: impl FnOnce(&mut dyn Service, &mut Effects),
    ) {
        self.fx.service = id;
        if let Some(service) = self.services.get_mut(id) {
            act(service, &mut self.fx);
            self.apply(now);
        }
    }

    /// Has all services do something, in their order.
    fn each_service(
        &mut self,
        now: Now,
        mut act: impl FnMut(ServiceId, &mut dyn Service, &mut Effects),
    ) {
        for id in SERVICES.iter().copied() {
            self.with_service(now, id, |service, fx| act(id, service, fx));
        }
    }
}
