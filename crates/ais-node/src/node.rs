//! The node: takes what clients and the group bring, hands it to the services,
//! and does what they want done.

use crate::admin::{Admin, Sights};
use crate::amf::{Amf, config::Groups};
use crate::clients::Handles;
use crate::effects::{Effect, Effects};
use crate::group::{self, Group};
use crate::timers::Timers;
use crate::{
    Asker, Caller, ConnectionId, Delivery, Digest, Event, Now, Service as _, SessionId, Timer,
    ckpt, ckpt::Ckpt, clm::Clm,
};
use ais_proto::{AisError, Code, Request, Service, admin};
use ais_totem::{Bytes, Destination, Output as FromGroup, QueueFull, Ring, Status, View};
use ais_wire::{Name, NodeId, Reader};
use std::collections::VecDeque;

/// Bytes that may wait for the group before no more requests are taken.
const OUTBOX_BYTES: usize = 64 << 20;

/// What a node has to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its identity.
    pub node: NodeId,
    /// The group it is in.
    pub group: group::Config,
    /// `expected-nodes`, if there is `quorum:majority`: a view has quorum if
    /// more than half of so many are in it. `None`: every view has.
    pub expected_nodes: Option<u32>,
    /// `nodename`, or the dotted quad.
    pub node_name: Name,
    /// `clustername`.
    pub cluster_name: Name,
    /// When it started, in nanoseconds since the epoch.
    pub boot_timestamp: i64,
    /// The bounds and rules of CKPT.
    pub ckpt: ckpt::Limits,
    /// What groups.conf says.
    pub groups: Groups,
}

/// A connection that brings what no library would bring; it is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What whoever drives the node has to do.
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
    /// Send a datagram to other nodes.
    Send {
        /// Where to.
        to: Destination,
        /// The datagram.
        bytes: Bytes,
    },
    /// See [`ais_totem::Output::Reserve`]; then [`Node::reserved`].
    Reserve(u64),
    /// This node has the state of the cluster: clients may come from now on.
    Serving,
}

/// A reply or event that waits until the group is stable.
#[derive(Debug)]
struct Held {
    after: u64,
    output: HeldOutput,
}

#[derive(Debug)]
enum HeldOutput {
    Reply { asker: Asker, result: Result<(), AisError>, body: Vec<u8> },
    Event { connection: ConnectionId, event: Event },
}

/// A node.
#[derive(Debug)]
pub struct Node {
    me: NodeId,
    group: Group,
    clm: Clm,
    amf: Amf,
    ckpt: Ckpt,
    admin: Admin,
    fx: Effects,
    handles: Handles,
    timers: Timers,
    outbox: VecDeque<Vec<u8>>,
    outbox_bytes: usize,
    held: VecDeque<Held>,
    /// Checkpoints that were opened for a program that is no longer there.
    unclaimed: Vec<u32>,
    outputs: VecDeque<Output>,
}

impl Node {
    /// A node that starts. Clients may come once it is [`Output::Serving`].
    #[must_use]
    pub fn new(config: Config, now: Now) -> Self {
        let mut node = Self {
            me: config.node,
            group: Group::new(config.node, config.group.clone(), now.monotonic),
            clm: Clm::new(&config),
            admin: Admin::new(&config, now),
            amf: Amf::new(config.node, config.groups),
            ckpt: Ckpt::new(config.node, config.ckpt),
            fx: Effects::new(),
            handles: Handles::default(),
            timers: Timers::default(),
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            held: VecDeque::new(),
            unclaimed: Vec::new(),
            outputs: VecDeque::new(),
        };
        node.run_group(now);
        node
    }

    /// A library handle was opened; `caller` says which.
    pub fn handle_opened(&mut self, caller: &Caller) {
        self.handles.open(caller.connection);
        self.admin.on_handle_opened(caller);
    }

    /// A client asks.
    ///
    /// # Errors
    /// [`Malformed`] if the connection has to be closed; nothing was done.
    pub fn request(
        &mut self,
        now: Now,
        caller: &Caller,
        id: u32,
        code: Code,
        body: &[u8],
    ) -> Result<(), Malformed> {
        let request = Request::decode(code, body).map_err(|_| Malformed)?;
        let asker = Asker { session: caller.session, connection: caller.connection, id };
        let asynchronous = is_asynchronous(&request);
        if asynchronous && !self.handles.begin_asynchronous(caller.connection) {
            self.fx.reply(asker, Err(AisError::TryAgain), Vec::new());
            self.apply(now);
            return Ok(());
        }
        let fx = &mut self.fx;
        fx.asynchronous = asynchronous;
        let result = match request {
            Request::Clm(request) => {
                fx.service = Service::Clm;
                self.clm.on_request(now, caller, asker, request, fx)
            }
            Request::Amf(request) => {
                fx.service = Service::Amf;
                self.amf.on_request(now, caller, asker, request, fx)
            }
            Request::Ckpt(request) => {
                fx.service = Service::Ckpt;
                self.ckpt.on_request(now, caller, asker, request, fx)
            }
            Request::Admin(request) => {
                fx.service = Service::Admin;
                let (amf, ckpt, group) = (&self.amf, &self.ckpt, &self.group);
                let sights = Sights { amf, ckpt, group, standing: self.admin.standing() };
                self.admin.on_request(now, &sights, caller, asker, request, fx)
            }
        };
        self.fx.asynchronous = false;
        if asynchronous && self.fx.has_refused(asker) {
            self.handles.end_asynchronous(caller.connection, 1);
        }
        self.apply(now);
        self.run_group(now);
        result
    }

    /// The program has been handed the callback with this invocation.
    pub fn dispatched(&mut self, now: Now, caller: &Caller, invocation: i32) {
        self.fx.service = Service::Amf;
        self.amf.on_dispatched(caller, invocation, &mut self.fx);
        self.apply(now);
        self.run_group(now);
    }

    /// Whoever asked with this id no longer waits.
    pub fn cancel(&mut self, now: Now, connection: ConnectionId, id: u32) {
        let is_gone = |asker: &Asker| asker.connection == connection && asker.id == id;
        let events = self.fx.askers.forget(is_gone);
        self.handles.end_asynchronous(connection, events);
        self.each_service(now, |service, fx| match service {
            Each::Clm(clm) => clm.on_cancel(connection, id, fx),
            Each::Amf(amf) => amf.on_cancel(connection, id, fx),
            Each::Ckpt(ckpt) => ckpt.on_cancel(connection, id, fx),
        });
        self.run_group(now);
    }

    /// A connection is gone.
    pub fn connection_closed(&mut self, now: Now, connection: ConnectionId) {
        self.fx.askers.forget(|asker| asker.connection == connection);
        for event in self.handles.close(connection) {
            self.undelivered(&event);
        }
        self.admin.on_handle_gone(connection);
        self.each_service(now, |service, fx| match service {
            Each::Clm(clm) => clm.on_handle_gone(connection, fx),
            Each::Amf(amf) => amf.on_handle_gone(connection, fx),
            Each::Ckpt(ckpt) => ckpt.on_handle_gone(connection, fx),
        });
        self.run_group(now);
    }

    /// A process is gone; all its connections were closed before.
    pub fn session_closed(&mut self, now: Now, session: SessionId) {
        self.fx.askers.forget(|asker| asker.session == session);
        self.each_service(now, |service, fx| match service {
            Each::Clm(clm) => clm.on_session_gone(session, fx),
            Each::Amf(amf) => amf.on_session_gone(session, fx),
            Each::Ckpt(ckpt) => ckpt.on_session_gone(session, fx),
        });
        self.run_group(now);
    }

    /// The event socket of a handle is full: its events wait from now on. The
    /// last one that was output is still with the driver.
    pub fn events_blocked(&mut self, connection: ConnectionId) {
        self.handles.block(connection);
    }

    /// The event socket has room: the next event that waited, or `None` when
    /// they are output as they come again.
    pub fn next_event(&mut self, connection: ConnectionId) -> Option<(Code, Vec<u8>)> {
        self.handles.next_event(connection).map(|event| (event.code(), event.encode()))
    }

    /// A datagram has arrived from the address of `from`.
    pub fn handle_packet(&mut self, now: Now, from: NodeId, bytes: &[u8]) {
        self.with_ring(now, |ring| ring.handle_packet(now.monotonic, from, bytes));
    }

    /// All datagrams that had arrived have been handed over. To be called after
    /// every look at the sockets, whether or not there was one.
    pub fn drained(&mut self, now: Now) {
        self.with_ring(now, |ring| ring.drained(now.monotonic));
    }

    /// The host of `node` has answered that nobody listens there.
    pub fn refused(&mut self, now: Now, node: NodeId) {
        self.with_ring(now, |ring| ring.refused(now.monotonic, node));
    }

    /// View numbers up to this one are reserved.
    pub fn reserved(&mut self, now: Now, number: u64) {
        self.with_ring(now, |ring| ring.reserved(now.monotonic, number));
    }

    /// Leaves the cluster; what it puts out then is to be sent, and nothing
    /// more to be done with it.
    pub fn leave(&mut self, now: Now) {
        self.with_ring(now, |ring| ring.leave(now.monotonic));
    }

    /// What the ring knows of itself; `None` without a network.
    #[must_use]
    pub fn ring_status(&self) -> Option<Status> {
        self.group.status()
    }

    fn with_ring(&mut self, now: Now, act: impl FnOnce(&mut Ring)) {
        if let Some(ring) = self.group.ring() {
            act(ring);
            self.run_group(now);
        }
    }

    /// Time has passed. Does nothing if it is called too early.
    pub fn handle_timeout(&mut self, now: Now) {
        self.with_ring(now, |ring| ring.handle_timeout(now.monotonic));
        while let Some((service, timer)) = self.timers.take(now.monotonic) {
            self.on_timer(now, service, timer);
        }
    }

    /// When [`Node::handle_timeout`] has to be called, on the monotonic clock.
    /// May change with every call to the node.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        self.timers.next().into_iter().chain(self.group.poll_timeout()).min()
    }

    /// The next thing to do. To be called until it returns `None` after every
    /// call that takes the time.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            // As late as can be, so that much goes into one event.
            self.tell_probes();
        }
        self.outputs.pop_front()
    }

    /// Whether the driver should take no more requests until messages have
    /// gone out.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.outbox_bytes >= OUTBOX_BYTES
    }

    /// A digest of all replicated state.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        self.clm.digest(&mut digest);
        self.amf.digest(&mut digest);
        self.ckpt.digest(&mut digest);
        digest.value()
    }

    fn on_timer(&mut self, now: Now, service: Service, timer: Timer) {
        self.fx.service = service;
        match service {
            Service::Clm => self.clm.on_timer(now, timer, &mut self.fx),
            Service::Amf => self.amf.on_timer(now, timer, &mut self.fx),
            Service::Ckpt => self.ckpt.on_timer(now, timer, &mut self.fx),
            Service::Admin => {}
        }
        self.apply(now);
        self.run_group(now);
    }

    fn each_service(&mut self, now: Now, mut each: impl FnMut(Each<'_>, &mut Effects)) {
        self.fx.service = Service::Clm;
        each(Each::Clm(&mut self.clm), &mut self.fx);
        self.apply(now);
        self.fx.service = Service::Amf;
        each(Each::Amf(&mut self.amf), &mut self.fx);
        self.apply(now);
        self.fx.service = Service::Ckpt;
        each(Each::Ckpt(&mut self.ckpt), &mut self.fx);
        self.apply(now);
    }

    /// Gives the group what waits for it and takes what it brings, until
    /// neither has more.
    fn run_group(&mut self, now: Now) {
        loop {
            let mut is_full = false;
            while !is_full && let Some(bytes) = self.outbox.pop_front() {
                let length = bytes.len();
                match self.group.multicast(now.monotonic, bytes) {
                    Ok(()) => self.outbox_bytes -= length,
                    Err(QueueFull(bytes)) => {
                        self.outbox.push_front(bytes);
                        is_full = true;
                    }
                }
                self.take_group_outputs(now);
            }
            self.take_group_outputs(now);
            while let Some(checkpoint) = self.unclaimed.pop() {
                self.fx.service = Service::Ckpt;
                self.ckpt.on_unclaimed(checkpoint, &mut self.fx);
                self.apply(now);
            }
            if is_full || self.outbox.is_empty() {
                return;
            }
        }
    }

    fn take_group_outputs(&mut self, now: Now) {
        while let Some(output) = self.group.poll_output() {
            match output {
                FromGroup::Send { to, bytes } => self.outputs.push_back(Output::Send { to, bytes }),
                FromGroup::Reserve(number) => self.outputs.push_back(Output::Reserve(number)),
                // What survives of the old view is delivered alike in both.
                FromGroup::Transitional(_) => {}
                FromGroup::View(view) => self.on_view(now, view),
                FromGroup::Deliver { number, from, bytes } => {
                    self.on_deliver(now, number, from, &bytes);
                }
                FromGroup::Stable(number) => self.on_stable(number),
            }
        }
    }

    fn on_view(&mut self, now: Now, view: View) {
        self.each_service(now, |service, fx| match service {
            Each::Clm(clm) => clm.on_view(&view, true, fx),
            Each::Amf(amf) => amf.on_view(&view, true, fx),
            Each::Ckpt(ckpt) => ckpt.on_view(&view, true, fx),
        });
        self.admin.on_view(&view, true, &mut self.fx);
        self.apply(now);
        self.outputs.push_back(Output::View(view));
        self.outputs.push_back(Output::Serving);
    }

    fn on_deliver(&mut self, now: Now, number: u64, from: NodeId, bytes: &[u8]) {
        let mut input = Reader::new(bytes);
        let (Ok(service), Ok(origin)) = (Service::decode(&mut input), input.u64()) else {
            log::warn!("a message from {from} was dropped: it is for no service");
            return;
        };
        let asker = if from == self.me { self.fx.askers.take(origin) } else { None };
        let delivery = Delivery { from, number, asker, message: input.rest() };
        self.fx.service = service;
        self.fx.delivery = number;
        match service {
            Service::Clm => self.clm.on_deliver(delivery, &mut self.fx),
            Service::Amf => self.amf.on_deliver(delivery, &mut self.fx),
            Service::Ckpt => self.ckpt.on_deliver(delivery, &mut self.fx),
            Service::Admin => self.admin.on_deliver(delivery),
        }
        self.apply(now);
    }

    fn tell_probes(&mut self) {
        let Some(news) = self.admin.take_news() else { return };
        for (connection, deliveries) in news.events {
            self.event(connection, Event::Admin(admin::Event::Deliveries(deliveries)));
        }
        for asker in news.answers {
            self.reply(asker, Ok(()), Vec::new());
        }
    }

    fn on_stable(&mut self, number: u64) {
        while self.held.front().is_some_and(|held| held.after <= number)
            && let Some(held) = self.held.pop_front()
        {
            match held.output {
                HeldOutput::Reply { asker, result, body } => self.reply(asker, result, body),
                HeldOutput::Event { connection, event } => self.event(connection, event),
            }
        }
    }

    /// Does what the service wanted done.
    fn apply(&mut self, now: Now) {
        let service = self.fx.service;
        let mut list = std::mem::take(&mut self.fx.list);
        for effect in list.drain(..) {
            match effect {
                Effect::Reply { asker, after: None, result, body } => {
                    self.reply(asker, result, body);
                }
                Effect::Reply { asker, after: Some(after), result, body } => {
                    let output = HeldOutput::Reply { asker, result, body };
                    self.held.push_back(Held { after, output });
                }
                Effect::Event { connection, after: None, event } => self.event(connection, event),
                Effect::Event { connection, after: Some(after), event } => {
                    let output = HeldOutput::Event { connection, event };
                    self.held.push_back(Held { after, output });
                }
                Effect::Multicast(bytes) => {
                    self.outbox_bytes += bytes.len();
                    self.outbox.push_back(bytes);
                }
                Effect::SetTimer(timer, after) => {
                    self.timers.set(service, timer, now.monotonic.saturating_add(after));
                }
                Effect::CancelTimer(timer) => self.timers.cancel(service, timer),
            }
        }
        // The list keeps its memory: there is one for every request.
        self.fx.list = list;
    }

    fn reply(&mut self, asker: Asker, result: Result<(), AisError>, body: Vec<u8>) {
        let Asker { connection, id, .. } = asker;
        self.outputs.push_back(Output::Reply { connection, id, result, body });
    }

    fn event(&mut self, connection: ConnectionId, event: Event) {
        if !self.handles.contains(connection) {
            self.undelivered(&event);
        } else if let Some(event) = self.handles.event(connection, event) {
            let (code, body) = (event.code(), event.encode());
            self.outputs.push_back(Output::Event { connection, code, body });
        }
    }

    fn undelivered(&mut self, event: &Event) {
        if let Event::Ckpt(ais_proto::ckpt::Event::Open { result: Ok(checkpoint), .. }) = event {
            self.unclaimed.push(*checkpoint);
        }
    }
}

enum Each<'a> {
    Clm(&'a mut Clm),
    Amf(&'a mut Amf),
    Ckpt(&'a mut Ckpt),
}

/// Whether the outcome comes as an event.
fn is_asynchronous(request: &Request<'_>) -> bool {
    use ais_proto::{ckpt, clm};
    matches!(
        request,
        Request::Clm(clm::Request::NodeGetAsync { .. })
            | Request::Ckpt(
                ckpt::Request::OpenAsync { .. } | ckpt::Request::SynchronizeAsync { .. }
            )
    )
}
