//! Bringing the states of the members of a view together, as `sync` decides.

use super::{Node, Output};
use crate::services::Each;
use crate::services::Services;
use crate::sync::{
    Change, Exchange, Incoming, Logged, Message, Phase, Plan, PlannedSide, Progress,
};
use crate::{Now, Service as _, Side};
use ais_totem::View;
use ais_wire::NodeId;

impl Node {
    /// A message of state synchronisation was delivered.
    pub(super) fn on_sync(&mut self, now: Now, from: NodeId, bytes: &[u8]) {
        let message = match Message::decode(bytes) {
            Ok((view, message)) if self.sync.view_id() == Some(view) => message,
            Ok(_) => return,
            Err(error) => {
                log::warn!("a message from {from} about its state was dropped: {error}");
                return;
            }
        };
        match message {
            Message::Announce(announce) => {
                self.services.clm.learn(from, announce.record.clone(), &mut self.fx);
                self.apply(now);
                if let Some(plan) = self.sync.announced(from, announce) {
                    self.follow(now, plan);
                }
            }
            Message::Chunk { attempt, service, bytes } => {
                let Some(exchange) = &mut self.sync.exchange else { return };
                self.sync.bytes_moved += bytes.len() as u64;
                let progress = exchange.on_chunk(from, attempt, service, bytes);
                self.after(from, progress);
                self.send_chunks();
            }
            Message::End { attempt, chunks } => {
                let Some(exchange) = &mut self.sync.exchange else { return };
                let progress = exchange.on_end(from, attempt, chunks);
                self.after(from, progress);
                if self.sync.exchange.as_ref().is_some_and(Exchange::is_complete) {
                    self.complete(now);
                }
            }
            Message::Unable { attempt } if attempt == self.sync.attempt => {
                self.on_unable(now, from);
            }
            Message::Unable { .. } => {}
        }
    }

    /// Does what the announcements have led to.
    fn follow(&mut self, now: Now, plan: Plan) {
        log::info!("{}", plan.describe());
        if plan.is_merge() {
            self.sync.phase = Phase::Merging;
        } else {
            self.adopt_groups(now, &plan);
            self.sync.synced = plan.holders().iter().copied().collect();
            if self.sync.synced.contains(&self.config.node) {
                self.serve(now, self.sync.lineage);
            } else {
                self.forget_state(now, Phase::Receiving);
            }
        }
        self.exchange(plan);
        self.update_lead(now);
    }

    /// Freezes what this node is to send, and begins to.
    fn exchange(&mut self, plan: Plan) {
        if plan.receivers().is_empty() {
            return;
        }
        self.sync.attempt = self.sync.attempt.saturating_add(1);
        let exchange = Exchange::new(plan, self.config.node, self.sync.attempt, &self.services);
        self.sync.exchange = Some(exchange);
        self.send_chunks();
    }

    fn send_chunks(&mut self) {
        if let (Some(view), Some(exchange)) = (self.sync.view_id(), &mut self.sync.exchange) {
            self.sync_outbox.extend(std::iter::from_fn(|| exchange.next(view)));
        }
    }

    /// The log of what is delivered beside a state has got too long.
    pub(super) fn begin_transfer_anew(&mut self, _now: Now) {
        let Some(Exchange { plan, .. }) = self.sync.exchange.take() else { return };
        log::info!(
            "the state of the cluster is sent anew: more changes were made meanwhile than a node \
             that joins can log"
        );
        if self.sync.phase == Phase::Receiving {
            self.sync.log.clear();
        }
        self.exchange(plan);
    }

    fn after(&mut self, from: NodeId, progress: Progress) {
        if let (Progress::Unreadable(why), Some(view)) = (progress, self.sync.view_id()) {
            log::error!(
                "the state that {from} sends cannot be read: {why}; run the same version with the \
                 same limits on all nodes"
            );
            let message = Message::Unable { attempt: self.sync.attempt };
            self.sync_outbox.push_back(message.encode(view));
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
                self.follow(now, plan.without_merge());
            }
            Some(mut exchange) => {
                exchange.leave_out(member);
                if member == self.config.node && self.sync.phase == Phase::Receiving {
                    self.forget_state(now, Phase::Out);
                }
                self.sync.exchange = exchange.is_needed().then_some(exchange);
            }
            None => {}
        }
        self.update_lead(now);
    }

    /// All states are there.
    fn complete(&mut self, now: Now) {
        let Some(exchange) = self.sync.exchange.take() else { return };
        let receivers = exchange.plan.receivers();
        self.sync.synced.extend(&receivers);
        if exchange.plan.is_merge() {
            self.adopt_groups(now, &exchange.plan);
        }
        if receivers.contains(&self.config.node) {
            match exchange.into_incoming() {
                Some((plan, incoming)) => {
                    let lineage = plan.common_lineage();
                    self.merge(now, plan.sides, incoming);
                    self.serve(now, lineage);
                }
                None => self.forget_state(now, Phase::Out),
            }
        }
        self.update_lead(now);
    }

    fn merge(&mut self, now: Now, sides: Vec<PlannedSide>, incoming: Vec<Option<Incoming>>) {
        let Some(view) = self.sync.view.clone() else { return };
        let (mut amf, mut ckpt) = (Vec::new(), Vec::new());
        for (side, incoming) in sides.into_iter().zip(incoming) {
            let members = side.members;
            let (of_amf, of_ckpt) = incoming.map(|of| (of.amf, of.ckpt)).unzip();
            if side.has_amf {
                amf.push(Side { members: members.clone(), state: of_amf });
            }
            ckpt.push(Side { members, state: of_ckpt });
        }
        if !self.sync.groups.is_ours() {
            amf.clear();
        }
        self.each_service(now, |service, fx| match service {
            Each::Amf(service) if !amf.is_empty() => {
                service.merge(std::mem::take(&mut amf), &view, fx);
            }
            Each::Clm(_) | Each::Amf(_) => {}
            Each::Ckpt(service) => service.merge(std::mem::take(&mut ckpt), &view, fx),
        });
    }

    /// This node has the state of all synchronised members: it applies what it
    /// held, and what comes from now on.
    fn serve(&mut self, now: Now, lineage: Option<u64>) {
        self.sync.serve(lineage);
        self.replay(now);
        if !self.has_served {
            self.has_served = true;
            self.outputs.push_back(Output::Serving);
        }
    }

    fn replay(&mut self, now: Now) {
        for Logged { number, from, bytes } in std::mem::take(&mut self.sync.log) {
            self.deliver(now, number, from, &bytes);
        }
    }

    /// This node has no state, or not one that the others can take in.
    fn forget_state(&mut self, now: Now, phase: Phase) {
        let had_state = self.sync.has_state();
        self.sync.forget_state(phase);
        for Logged { from, bytes, .. } in std::mem::take(&mut self.sync.log) {
            self.lose(now, from, &bytes);
        }
        if had_state {
            log::error!("the state of this node is given up; its programs have to begin anew");
            self.take_empty_state(now);
        }
    }

    /// What a node that starts has, which is what others without a state have.
    fn take_empty_state(&mut self, now: Now) {
        let mut empty = Incoming::new(&self.services, true);
        for (service, chunk) in Services::new(&self.config).snapshot() {
            if let Err(error) = empty.take(service, &chunk) {
                log::error!("an empty state cannot be read: {error}");
            }
        }
        let side = PlannedSide {
            lineage: 0,
            members: Vec::new(),
            sender: self.config.node,
            has_amf: true,
        };
        self.merge(now, vec![side], vec![Some(empty)]);
    }

    /// A view is over, whatever was under way in it.
    pub(super) fn end_sync(&mut self, now: Now) {
        self.sync.exchange = None;
        if self.sync.has_state() {
            self.replay(now);
        } else {
            self.forget_state(now, Phase::Gathering);
        }
    }

    /// AMF goes on with the groups.conf that was agreed on.
    fn adopt_groups(&mut self, now: Now, plan: &Plan) {
        let change = self.sync.groups.adopt(plan);
        let is_ours = self.sync.groups.is_ours();
        match change {
            Change::Same => {}
            Change::Included => {
                log::info!("AMF runs with the groups.conf of this node from now on");
            }
            Change::Excluded => log::error!(
                "this node takes no part in AMF: its groups.conf is {}; give all nodes the same \
                 file and start this one anew",
                self.sync.groups.difference(&self.sync.announces)
            ),
        }
        let starts = is_ours && plan.starts_amf();
        if starts {
            self.services.amf = crate::services::amf(&self.config);
            self.leads.1 = false;
        }
        if starts || change != Change::Same {
            self.tell_amf_quorum(now, is_ours);
        }
    }

    /// AMF takes its components out of service where it has no part, as it
    /// does without quorum.
    fn tell_amf_quorum(&mut self, now: Now, has_part: bool) {
        let Some(view) = self.sync.view.clone() else { return };
        let has_quorum = has_part && self.sync.is_quorum(view.members.len());
        let view = View { joined: Vec::new(), left: Vec::new(), ..view };
        self.each_service(now, |service, fx| {
            if let Each::Amf(amf) = service {
                amf.on_view(&view, has_quorum, fx);
            }
        });
    }

    /// Tells the services whether this node proposes what time brings. Who
    /// does so goes on until a side with quorum has agreed on another.
    pub(super) fn update_lead(&mut self, now: Now) {
        let groups = &self.sync.groups;
        let leads = match self.sync.phase {
            Phase::Serving => (
                self.sync.lead_among(|_| true) == Some(self.config.node),
                self.sync.lead_among(|node| groups.takes_from(node)) == Some(self.config.node),
            ),
            Phase::Gathering | Phase::Merging if self.sync.may_change() => self.leads,
            _ => (false, false),
        };
        let old = std::mem::replace(&mut self.leads, leads);
        if old.0 != leads.0 {
            self.each_service(now, |service, fx| match service {
                Each::Clm(clm) => clm.on_lead(leads.0, fx),
                Each::Amf(_) => {}
                Each::Ckpt(ckpt) => ckpt.on_lead(leads.0, fx),
            });
        }
        if old.1 != leads.1 {
            self.each_service(now, |service, fx| {
                if let Each::Amf(amf) = service {
                    amf.on_lead(leads.1, fx);
                }
            });
        }
    }
}
