//! Bringing the states of the members of a view together, as `sync` decides.

use super::Node;
use super::tasks::{How, Task};
use crate::Now;
use crate::group::Config as GroupConfig;
use crate::service::{Part, Side};
use crate::services::{Place, SERVICES, Services};
use crate::sync::{Change, Exchange, Incoming, Message, Phase, Plan, PlannedSide, Progress, Stage};
use ais_group::{View, ViewId};
use ais_proto::ServiceId;
use ais_wire::NodeId;

/// For so many nanoseconds, and until a member that is gone is out of the view, a node
/// waits for the next message that brings states together. Members have compared
/// what they were given by then, so that a member that differs has asked for a new view.
const PATIENCE: u64 = 25_000_000_000;

impl Node {
    /// A message of state synchronisation was delivered.
    #[cold]
    pub(super) fn on_sync(
        &mut self,
        now: Now,
        number: u64,
        from: NodeId,
        view: ViewId,
        bytes: &[u8],
    ) {
        let message = match self.sync.decode(bytes) {
            Ok(message) if self.sync.view_id() == Some(view) => message,
            Ok(_) => return,
            Err(error) => {
                log::warn!("a message from {from} about its state was dropped: {error}");
                return;
            }
        };
        if !matches!(message, Message::Compare { .. }) {
            self.sync.came_at = now.monotonic;
        }
        match message {
            Message::Announce(bytes) => {
                let announce = self.sync.decode_announce(bytes);
                if !self.sync.announces.contains_key(&from) {
                    self.each_service(now, |_, service, fx| {
                        service.on_announced(from, &announce.record, fx);
                    });
                }
                if let Some(plan) = self.sync.announced(from, announce) {
                    self.agreed_at = number;
                    self.follow(now, plan, None);
                }
            }
            Message::Chunk { attempt, sent, service, bytes } => {
                let Some(exchange) = &mut self.sync.exchange else { return };
                self.sync.bytes_moved += bytes.len() as u64;
                let progress = exchange.on_chunk(number, from, (attempt, sent), service, bytes);
                self.after(now, from, progress);
                self.send_chunks(now);
            }
            Message::End { attempt, sent } => {
                let Some(exchange) = &mut self.sync.exchange else { return };
                let progress = exchange.on_end(from, attempt, sent);
                self.after(now, from, progress);
                if self.sync.exchange.as_ref().is_some_and(Exchange::is_complete) {
                    self.complete(now, number);
                }
            }
            Message::Fill { attempt, sent, next, bytes } => {
                self.on_fill((now, number), from, (attempt, sent), next, bytes);
            }
            Message::Unable { attempt } if attempt == self.sync.attempt => {
                self.agreed_at = number;
                self.on_unable(now, from);
            }
            Message::Unable { .. } => {}
            Message::Compare { delivered } => self.on_compare(now, from, delivered),
        }
    }

    /// Has all members compare what was delivered to them, if it is time for that
    /// and this node is the one to do so: the lowest member, whatever it has of the
    /// state, as a member that differs may take itself or others for synchronised when
    /// they are not. While it has not done all that the group has brought, a comparison may be
    /// part of that, which would count for others and not here.
    pub(super) fn compare(&mut self, now: Now) {
        if !self.tasks.is_empty() || !self.sync.delivered.is_due(now.monotonic) {
            return;
        }
        if let Some(view) = &self.sync.view
            && view.members.len() > 1
            && view.members.first() == Some(&self.config.node)
        {
            let delivered = self.sync.delivered.compared();
            self.sync_outbox.push_back(Message::Compare { delivered }.encode(view.id));
            self.run_group(now);
        }
    }

    /// If another member was given something else than this node, a new view shows
    /// who has what, and brings all into line.
    fn on_compare(&mut self, now: Now, from: NodeId, delivered: Option<u32>) {
        if !self.sync.delivered.compare(now.monotonic, delivered) {
            let why = format!("{from} and this node were not given the same messages");
            self.group.engine_mut().form_anew(now.monotonic, why);
        }
    }

    /// Ends a wait of this node for others: in a new view all begin anew. Not as long
    /// as there is something to do here, which may be what it waits for.
    pub(super) fn limit_wait(&mut self, now: Now) {
        let is_over = self.wait_timeout().is_some_and(|at| at <= now.monotonic);
        if is_over && self.tasks.is_empty() {
            self.sync.came_at = now.monotonic;
            let phase = self.sync.status().phase;
            let why = format!("nothing more comes of the state that this node waits for ({phase})");
            self.group.engine_mut().form_anew(now.monotonic, why);
            self.run_group(now);
        }
    }

    /// When this node has waited long enough for the next message that brings states
    /// together. A member that is gone is out of the view before.
    pub(super) fn wait_timeout(&self) -> Option<u64> {
        let bound = match &self.config.group {
            GroupConfig::Ring(ring) => ring.timing.bound(),
            _ => 0,
        };
        let since = self.sync.waits().then_some(self.sync.came_at)?;
        Some(since.saturating_add(PATIENCE).saturating_add(bound))
    }

    /// Does what the announcements have led to. `after`: the number of the message that has
    /// led to another plan since.
    fn follow(&mut self, now: Now, plan: Plan, after: Option<u64>) {
        log::info!("{}", plan.describe());
        if plan.is_merge() {
            self.sync.phase = Phase::Merging;
        } else {
            self.settle_held_over(now, plan.stands(self.config.node), after);
            self.adopt_configurations(now, &plan);
            self.sync.synced = plan.holders().iter().copied().collect();
            self.take_part(now, &plan);
        }
        self.following.push(Task::Exchange(plan));
    }

    /// What this node has is what it needs, a part of that, or nothing.
    fn take_part(&mut self, now: Now, plan: &Plan) {
        let me = self.config.node;
        let (lineage, missing) = (self.sync.lineage, self.sync.missing);
        let goes_on = plan.filling.contains(&me);
        if !goes_on && !self.sync.synced.contains(&me) {
            self.forget_state(now, Phase::Receiving);
        } else if !goes_on && missing.is_some() {
            // No member is left that has the rest.
            self.sync.forget_state(Phase::Gathering);
            self.take_empty_state(now);
            for service in self.sync.configured() {
                self.tell_quorum(now, service);
            }
        }
        self.sync.synchronised();
        match (lineage, missing) {
            (Some(lineage), Some(missing)) if goes_on => {
                self.sync.fill(lineage, missing);
                self.follow_log(How::Now);
            }
            _ if self.sync.synced.contains(&me) => self.serve(self.sync.lineage),
            _ => {}
        }
    }

    /// Freezes a part of the state that this node is to send. Whether all of it
    /// is, or there is none.
    #[cold]
    pub(super) fn freeze(&mut self, plan: &Plan) -> bool {
        let stage = Stage::of(plan);
        let is_sender = plan.side_of_sender(self.config.node).is_some();
        if !is_sender || plan.receivers().is_empty() || stage == Stage::Bytes {
            return true;
        }
        self.services.freeze(if stage == Stage::Merge { Part::Whole } else { Part::Heads })
    }

    /// Begins to send what is to be sent next.
    #[cold]
    pub(super) fn exchange(&mut self, now: Now, plan: Plan) {
        if plan.receivers().is_empty() {
            return;
        }
        self.sync.attempt = self.sync.attempt.saturating_add(1);
        self.begin_stage(now, plan);
    }

    /// Begins to send the heads of a state, or contents.
    fn begin_stage(&mut self, now: Now, plan: Plan) {
        let exchange = Exchange::new(plan, self.config.node, self.sync.attempt, &mut self.services);
        if exchange.stage != Stage::Merge && exchange.plan.fresh.contains(&self.config.node) {
            let is_next = exchange.stage == Stage::Heads;
            self.sync.phase = if is_next { Phase::Receiving } else { Phase::Waiting };
        }
        self.sync.exchange = Some(exchange);
        self.send_chunks(now);
    }

    pub(super) fn send_chunks(&mut self, now: Now) {
        if let (Some(view), Some(exchange)) = (self.sync.view_id(), &mut self.sync.exchange) {
            let services = &mut self.services;
            self.sync_outbox
                .extend(std::iter::from_fn(|| exchange.next(now.monotonic, view, services)));
        }
    }

    /// All members have what was delivered up to `number`.
    pub(super) fn on_stable_chunks(&mut self, now: Now, number: u64) {
        let round_trip = self.group.engine().round_trip();
        if let Some(exchange) = &mut self.sync.exchange {
            exchange.on_stable(now.monotonic, number, round_trip);
            self.send_chunks(now);
        }
    }

    /// The log of what is delivered beside a state has got too long.
    #[cold]
    pub(super) fn begin_transfer_anew(&mut self, now: Now) {
        let Some(exchange) = self.sync.exchange.take() else { return };
        let plan = exchange.plan.clone();
        self.give_up(now, exchange);
        log::info!(
            "the state of the cluster is sent anew: more changes were made meanwhile than a node \
             that joins can log"
        );
        if self.sync.phase == Phase::Receiving {
            self.follow_log(How::Lost);
        }
        self.following.push(Task::Exchange(plan));
    }

    fn after(&mut self, now: Now, from: NodeId, progress: Progress) {
        match (progress, self.sync.view_id()) {
            (Progress::Unreadable(why), Some(view)) => {
                log::error!(
                    "the state that {from} sends cannot be read: {why}; run the same version with \
                     the same limits on all nodes"
                );
                let message = Message::Unable { attempt: self.sync.attempt };
                self.sync_outbox.push_back(message.encode(view));
            }
            (Progress::Changed, _) => {
                let why = format!("what came of the state of {from} is not what it has sent");
                self.group.engine_mut().form_anew(now.monotonic, why);
            }
            _ => {}
        }
    }

    /// A member cannot read a state. One that joins is left out; a merge is
    /// given up for the state of the first side.
    fn on_unable(&mut self, now: Now, member: NodeId) {
        self.sync.synced.remove(&member);
        match self.sync.exchange.take() {
            Some(Exchange { plan, .. }) if plan.is_merge() => {
                log::error!(
                    "{member} cannot read the states that meet; that of the first side stands"
                );
                self.follow(now, plan.without_merge(), Some(self.agreed_at));
            }
            Some(mut exchange) => {
                let is_needed = exchange.leave_out(member);
                let takes =
                    matches!(self.sync.phase, Phase::Receiving | Phase::Waiting | Phase::Filling);
                if member == self.config.node && takes {
                    self.forget_state(now, Phase::Out);
                }
                if is_needed {
                    self.sync.exchange = Some(exchange);
                } else {
                    self.following.push(Task::Exchange(exchange.plan));
                }
            }
            None => {}
        }
        self.update_lead(now);
    }

    /// All states are there, or all heads of one, with the message of this
    /// number.
    fn complete(&mut self, now: Now, number: u64) {
        let Some(exchange) = self.sync.exchange.take() else { return };
        let mut plan = exchange.plan.clone();
        let is_merge = exchange.stage == Stage::Merge;
        let lineage = plan.common_lineage();
        let incoming = exchange.into_incoming();
        if is_merge {
            self.agreed_at = number;
            self.sync.synced.extend(plan.receivers());
            self.adopt_configurations(now, &plan);
            let stands = plan.stands(self.config.node) && incoming.is_some();
            self.settle_held_over(now, stands, Some(number));
        }
        if plan.receivers().contains(&self.config.node) {
            match (incoming, lineage) {
                (None, _) => self.forget_state(now, Phase::Out),
                (Some(incoming), Some(lineage)) if !is_merge => {
                    self.merge(now, plan.sides.clone(), incoming);
                    self.sync.fill(lineage, Place::START);
                    self.follow_log(How::AsLogged { is_cut_short: false });
                }
                (Some(incoming), lineage) => {
                    self.merge(now, plan.sides.clone(), incoming);
                    self.sync.synchronised();
                    self.serve(lineage);
                }
            }
        }
        if !is_merge {
            plan.filling = std::mem::take(&mut plan.fresh);
            plan.fill_from = Place::START;
            self.begin_stage(now, plan);
        }
        self.update_lead(now);
    }

    /// A part of the contents was delivered.
    fn on_fill(
        &mut self,
        (now, number): (Now, u64),
        from: NodeId,
        part: (u32, u32),
        next: Option<Place>,
        bytes: &[u8],
    ) {
        let Some(exchange) = &mut self.sync.exchange else { return };
        let place = exchange.plan.fill_from;
        match exchange.on_fill(number, from, part, next, bytes) {
            Some(Progress::Readable) => {}
            Some(progress) => return self.after(now, from, progress),
            None => return,
        }
        self.sync.bytes_moved += bytes.len() as u64;
        if self.sync.phase == Phase::Filling {
            let contents = self.services.contents(place.replica);
            if contents.is_none_or(|contents| contents.fill(bytes).is_ok()) {
                self.sync.filled_to(next);
            } else {
                self.forget_state(now, Phase::Out);
                let why = "what a section holds does not fit it";
                self.after(now, from, Progress::Unreadable(why));
            }
        }
        if next.is_some() {
            return self.send_chunks(now);
        }
        let Some(Exchange { mut plan, .. }) = self.sync.exchange.take() else { return };
        self.sync.synced.extend(std::mem::take(&mut plan.filling));
        if self.sync.phase == Phase::Filling {
            self.serve(self.sync.lineage);
        }
        self.following.push(Task::Exchange(plan));
    }

    fn merge(&mut self, now: Now, sides: Vec<PlannedSide>, mut incoming: Vec<Option<Incoming>>) {
        let Some(view) = self.sync.view.clone() else { return };
        for id in SERVICES.iter().copied() {
            if !self.sync.takes_part(id) {
                continue;
            }
            let states = sides.iter().zip(&mut incoming).filter(|(side, _)| side.brings(id));
            let states = states.filter_map(|(side, incoming)| {
                let state = match incoming {
                    Some(incoming) => Some(incoming.take_state(id)?),
                    None => None,
                };
                Some(Side { members: side.members.clone(), state })
            });
            let states: Vec<_> = states.collect();
            self.with_service(now, id, |service, fx| {
                if let Some(replica) = service.replica().filter(|_| !states.is_empty()) {
                    replica.merge(states, &view, fx);
                }
            });
        }
        self.go_on_later();
    }

    /// This node has the state of all synchronised members: it applies what it
    /// held, and what comes from now on.
    fn serve(&mut self, lineage: Option<u64>) {
        self.sync.serve(lineage);
        self.follow_log(How::Now);
        self.following.push(Task::Serve);
    }

    /// This node has no state, or not one that the others can take in.
    fn forget_state(&mut self, now: Now, phase: Phase) {
        let (had_state, had_heads) = (self.sync.has_state(), self.sync.has_heads());
        self.sync.forget_state(phase);
        self.follow_log(How::Lost);
        if had_state {
            log::error!("the state of this node is given up; its programs have to begin anew");
        }
        if had_heads {
            self.take_empty_state(now);
        }
    }

    /// What a node that starts has, which is what others without a state have.
    fn take_empty_state(&mut self, now: Now) {
        let mut empty = Incoming::new(&mut self.services, |_| true);
        for (service, chunk) in Services::new(&self.config).snapshot(Part::Whole) {
            if let Err(error) = empty.take(service, &chunk) {
                log::error!("an empty state cannot be read: {error}");
            }
        }
        let side = PlannedSide {
            lineage: 0,
            members: Vec::new(),
            sender: self.config.node,
            foreign: Vec::new(),
        };
        self.merge(now, vec![side], vec![Some(empty)]);
    }

    /// A view is over, whatever was under way in it, and `next` comes. Whether that is all;
    /// else what was held comes first, and then this again.
    pub(super) fn end_sync(&mut self, now: Now, next: &View) -> bool {
        if let Some(exchange) = self.sync.exchange.take() {
            self.give_up(now, exchange);
        }
        self.agreed_at = 0;
        if self.sync.log.is_empty() {
            if !self.sync.has_heads() {
                self.forget_state(now, Phase::Gathering);
            }
            return true;
        }
        let is_cut_short = !self.sync.is_done_alike(&next.came_with_me);
        let is_applied = self.sync.has_heads();
        self.follow_log(if is_applied { How::AsLogged { is_cut_short } } else { How::Lost });
        false
    }

    /// What has come of the states of others is of no use any more.
    fn give_up(&mut self, now: Now, exchange: Exchange) {
        for mut incoming in exchange.into_incoming().into_iter().flatten().flatten() {
            self.each_service(now, |id, service, fx| {
                if let (Some(replica), Some(state)) = (service.replica(), incoming.take_state(id)) {
                    replica.give_up(state, fx);
                }
            });
        }
    }

    /// Services go on with the configurations that were agreed on.
    fn adopt_configurations(&mut self, now: Now, plan: &Plan) {
        for (id, change) in self.sync.adopt(plan) {
            let begins_anew = self.sync.takes_part(id) && plan.begins_anew(id);
            self.fx.service = id;
            if begins_anew && let Some(service) = self.services.configured(id) {
                service.begin_anew(&self.config, &mut self.fx);
                self.leads.retain(|of| *of != id);
            }
            if begins_anew || change != Change::Same {
                self.tell_quorum(now, id);
            }
        }
    }

    /// Tells a service whether it has quorum. Where it has no part it does as it does
    /// without quorum: AMF takes its components out of service.
    fn tell_quorum(&mut self, now: Now, id: ServiceId) {
        let Some(view) = self.sync.view.clone() else { return };
        let has_quorum = self.sync.takes_part(id) && self.sync.is_quorum(view.members.len());
        let view = View { joined: Vec::new(), left: Vec::new(), ..view };
        self.with_service(now, id, |service, fx| service.on_view(&view, has_quorum, fx));
    }

    /// Tells the services whether this node proposes what time brings. The member that
    /// does so goes on until a side with quorum has agreed on another.
    pub(super) fn update_lead(&mut self, now: Now) {
        let me = self.config.node;
        let leads = |id: &ServiceId| {
            self.sync.lead_among(|node| self.sync.takes_from(*id, node)) == Some(me)
        };
        let leads: Vec<ServiceId> = match self.sync.phase {
            Phase::Serving => SERVICES.iter().copied().filter(leads).collect(),
            Phase::Gathering | Phase::Merging if self.sync.may_change() => return,
            _ => Vec::new(),
        };
        let old = std::mem::replace(&mut self.leads, leads.clone());
        if old == leads {
            return;
        }
        self.each_service(now, |id, service, fx| {
            if old.contains(&id) != leads.contains(&id) {
                service.on_lead(leads.contains(&id), fx);
            }
        });
        self.go_on_later();
    }
}
