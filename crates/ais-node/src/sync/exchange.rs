//! The states that are under way in a view. All members follow it alike; some
//! send, some take.

use super::pace::Pace;
use super::plan::Plan;
use super::transfer::{Incoming, Sender, Sent};
use crate::service::Part;
use crate::services::{Place, Services};
use ais_group::ViewId;
use ais_proto::ServiceId;
use ais_wire::NodeId;

/// What became of a part of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The part was taken, or is of no use here.
    Readable,
    /// This node cannot read what it was sent, for this reason.
    Unreadable(&'static str),
    /// Together with what came before, it is not what its sender has sent. Nothing of
    /// it was taken, and nothing will be of what comes after it.
    Changed,
}

/// What is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The states of all sides, to everybody.
    Merge,
    /// To members without state: all but contents, frozen in a moment.
    Heads,
    /// To members that have the heads: contents.
    Bytes,
}

impl Stage {
    /// The one that a plan begins with.
    pub(crate) fn of(plan: &Plan) -> Self {
        match plan.filling.is_empty() {
            _ if plan.is_merge() => Self::Merge,
            true => Self::Heads,
            false => Self::Bytes,
        }
    }
}

/// The states that are under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    me: NodeId,
    pub(crate) plan: Plan,
    pub(crate) stage: Stage,
    attempt: u32,
    /// Per side, what this node has of its state; `None` if it needs none.
    incoming: Vec<Option<Incoming>>,
    /// Per side, what its sender has sent.
    sent: Vec<Sent>,
    /// Per side, whether all of its state was sent.
    ended: Vec<bool>,
    sender: Option<Sender>,
    pace: Pace,
    /// Bytes of service messages since the states were frozen.
    logged: usize,
    has_failed: bool,
}

impl Exchange {
    /// Freezes the state of this node if it is to send it.
    pub(crate) fn new(plan: Plan, me: NodeId, attempt: u32, services: &mut Services) -> Self {
        let stage = Stage::of(&plan);
        let needs = stage != Stage::Bytes && plan.receivers().contains(&me);
        let own = plan.side_of(me);
        let incoming = plan.sides.iter().enumerate().map(|(number, side)| {
            let takes = |service| side.brings(service) && plan.takes_part(service, me);
            (needs && own != Some(number)).then(|| Incoming::new(services, takes))
        });
        let incoming = incoming.collect();
        let sender = plan.side_of_sender(me).map(|_| match stage {
            Stage::Merge => Sender::of(services.snapshot(Part::Whole)),
            Stage::Heads => Sender::of(services.snapshot(Part::Heads)),
            Stage::Bytes => Sender::from(plan.fill_from),
        });
        Self {
            me,
            stage,
            attempt,
            incoming,
            sent: plan.sides.iter().map(|_| Sent::default()).collect(),
            ended: vec![false; plan.sides.len()],
            sender,
            pace: Pace::new(stage == Stage::Merge),
            logged: 0,
            has_failed: false,
            plan,
        }
    }

    /// The next message of this node, if one is to be sent now.
    pub(crate) fn next(
        &mut self,
        now: u64,
        view: ViewId,
        services: &mut Services,
    ) -> Option<Vec<u8>> {
        if now < self.pace.next() {
            return None;
        }
        let limit = self.pace.limit();
        let next = self.sender.as_mut()?.next(view, self.attempt, limit, services);
        self.pace.sends(now);
        next
    }

    /// When [`Exchange::next`] is to be asked, if nothing comes before.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        let limit = self.pace.limit();
        let sender = self.sender.as_ref().filter(|sender| sender.waits(limit));
        sender.map(|_| self.pace.next()).filter(|next| *next < u64::MAX)
    }

    /// All members have what was delivered up to `number`. A message goes round
    /// all of them in `round_trip`.
    pub(crate) fn on_stable(&mut self, now: u64, number: u64, round_trip: u64) {
        self.pace.stable(now, number, round_trip);
    }

    /// Whether this node sends a state.
    pub(crate) fn sends(&self) -> bool {
        self.sender.is_some()
    }

    /// A part of a state was delivered, with this number.
    pub(crate) fn on_chunk(
        &mut self,
        number: u64,
        from: NodeId,
        (attempt, sent): (u32, u32),
        service: ServiceId,
        chunk: &[u8],
    ) -> Progress {
        let Some(side) = self.side_under_way(from, attempt) else {
            return Progress::Readable;
        };
        self.landed(number, from);
        if self.sent.get_mut(side).is_none_or(|all| all.chunk(service, chunk) != sent) {
            return Progress::Changed;
        }
        let incoming = self.incoming.get_mut(side).and_then(Option::as_mut);
        match incoming.map(|incoming| incoming.take(service, chunk)) {
            Some(Err(_)) => self.fail("a part of it does not decode, or is more than fits here"),
            Some(Ok(())) | None => Progress::Readable,
        }
    }

    /// A state was sent to its end.
    pub(crate) fn on_end(&mut self, from: NodeId, attempt: u32, sent: u32) -> Progress {
        let Some(side) = self.side_under_way(from, attempt) else {
            return Progress::Readable;
        };
        if self.sent.get(side).is_none_or(|all| all.all() != sent) {
            return Progress::Changed;
        }
        if let Some(ended) = self.ended.get_mut(side) {
            *ended = true;
        }
        Progress::Readable
    }

    /// Contents up to `next` were delivered, with this number. `None`: they are of no use
    /// in this stage.
    pub(crate) fn on_fill(
        &mut self,
        number: u64,
        from: NodeId,
        (attempt, sent): (u32, u32),
        next: Option<Place>,
        bytes: &[u8],
    ) -> Option<Progress> {
        let side = self.plan.side_of_sender(from)?;
        if self.stage != Stage::Bytes || attempt != self.attempt {
            return None;
        }
        self.landed(number, from);
        if self.sent.get_mut(side)?.fill(next, bytes) != sent {
            return Some(Progress::Changed);
        }
        self.plan.fill_from = next.unwrap_or(self.plan.fill_from);
        Some(Progress::Readable)
    }

    /// Whether all states are there.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended.iter().all(|ended| *ended)
    }

    /// A member is not to have the state any more. Whether anybody still is
    /// whom this is for.
    pub(crate) fn leave_out(&mut self, member: NodeId) -> bool {
        self.plan.fresh.retain(|node| *node != member);
        self.plan.filling.retain(|node| *node != member);
        match self.stage {
            Stage::Bytes => !self.plan.filling.is_empty(),
            Stage::Merge | Stage::Heads => !self.plan.receivers().is_empty(),
        }
    }

    /// Counts a message of a service; how many bytes of them a log has since
    /// the state was frozen. A merge needs no bound of its own: while it lasts
    /// only that comes which was under way before; contents are sent without a log.
    pub(crate) fn logged(&mut self, bytes: usize) -> usize {
        self.pace.message(bytes);
        if self.stage == Stage::Heads {
            self.logged = self.logged.saturating_add(bytes);
        }
        self.logged
    }

    /// The states that this node was sent, by side; `None` if it could not
    /// read one.
    pub(crate) fn into_incoming(self) -> Option<Vec<Option<Incoming>>> {
        (!self.has_failed).then_some(self.incoming)
    }

    fn landed(&mut self, number: u64, from: NodeId) {
        if from == self.me
            && let Some(sender) = &mut self.sender
        {
            sender.landed();
            self.pace.landed(number);
        }
    }

    fn side_under_way(&self, from: NodeId, attempt: u32) -> Option<usize> {
        let side = self.plan.side_of_sender(from)?;
        let is_over = self.ended.get(side).copied().unwrap_or(true);
        (attempt == self.attempt && !is_over && self.stage != Stage::Bytes).then_some(side)
    }

    /// Lets go of what came so far; what still comes is not looked at.
    fn fail(&mut self, why: &'static str) -> Progress {
        self.has_failed = true;
        self.incoming.fill_with(|| None);
        Progress::Unreadable(why)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Side;
    use super::super::tests::bus::{Bus, Number, node};
    use super::*;

    #[test]
    fn a_member_that_is_left_out_leaves_the_others_in() {
        let nodes = |numbers: &[Number]| numbers.iter().copied().map(node).collect::<Vec<_>>();
        let members = nodes(&[1]);
        let plan = Plan {
            sides: vec![Side { lineage: 7, members, sender: node(1), foreign: Vec::new() }],
            fresh: nodes(&[4, 5]),
            filling: nodes(&[2, 3]),
            fill_from: Place::START,
            running: Default::default(),
        };
        let mut services = Services::new(&Bus::default().config(1));
        let mut exchange = Exchange::new(plan, node(1), 1, &mut services);
        assert_eq!(exchange.stage, Stage::Bytes);
        assert!(exchange.leave_out(node(2)) && exchange.leave_out(node(4)));
        assert_eq!((&exchange.plan.filling, &exchange.plan.fresh), (&nodes(&[3]), &nodes(&[5])));
        assert!(!exchange.leave_out(node(3)), "it is for nobody any more");
    }
}
