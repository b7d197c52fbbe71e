//! The states that are under way in a view. All members follow it alike; some
//! send, some take.

use super::plan::Plan;
use super::transfer::{Incoming, Sender};
use crate::services::Services;
use ais_proto::Service;
use ais_totem::ViewId;
use ais_wire::NodeId;

/// What became of a part of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was taken, or is of no use here.
    Readable,
    /// This node cannot read what it was sent, for this reason.
    Unreadable(&'static str),
}

/// The states that are under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    me: NodeId,
    pub(crate) plan: Plan,
    attempt: u32,
    /// Per side, what this node has of its state; `None` if it needs none.
    incoming: Vec<Option<Incoming>>,
    /// Per side, whether all of its state was sent.
    ended: Vec<bool>,
    sender: Option<Sender>,
    /// Bytes of service messages since the states were frozen.
    logged: usize,
    has_failed: bool,
}

impl Exchange {
    /// Freezes the state of this node if it is to send it.
    pub(crate) fn new(plan: Plan, me: NodeId, attempt: u32, services: &Services) -> Self {
        let needs = plan.receivers().contains(&me);
        let own = plan.side_of(me);
        let has_file = plan.amf.contains(&me);
        let incoming = plan.sides.iter().enumerate().map(|(number, side)| {
            let takes_amf = side.has_amf && has_file;
            (needs && own != Some(number)).then(|| Incoming::new(services, takes_amf))
        });
        Self {
            me,
            attempt,
            incoming: incoming.collect(),
            ended: vec![false; plan.sides.len()],
            sender: plan.side_of_sender(me).map(|_| Sender::new(services)),
            logged: 0,
            has_failed: false,
            plan,
        }
    }

    /// The next message of this node, if one is to be sent now.
    pub(crate) fn next(&mut self, view: ViewId) -> Option<Vec<u8>> {
        self.sender.as_mut()?.next(view, self.attempt)
    }

    /// A part of a state was delivered.
    pub(crate) fn on_chunk(
        &mut self,
        from: NodeId,
        attempt: u32,
        service: Service,
        chunk: &[u8],
    ) -> Progress {
        let Some(side) = self.side_under_way(from, attempt) else {
            return Progress::Readable;
        };
        if from == self.me
            && let Some(sender) = &mut self.sender
        {
            sender.landed();
        }
        let incoming = self.incoming.get_mut(side).and_then(Option::as_mut);
        match incoming.map(|incoming| incoming.take(service, chunk)) {
            Some(Err(_)) => self.fail("a part of it does not decode, or is more than fits here"),
            Some(Ok(())) | None => Progress::Readable,
        }
    }

    /// A state was sent to its end.
    pub(crate) fn on_end(&mut self, from: NodeId, attempt: u32, chunks: u64) -> Progress {
        let Some(side) = self.side_under_way(from, attempt) else {
            return Progress::Readable;
        };
        if let Some(ended) = self.ended.get_mut(side) {
            *ended = true;
        }
        match self.incoming.get(side) {
            Some(Some(incoming)) if incoming.chunks != chunks => {
                self.fail("parts of it are missing")
            }
            _ => Progress::Readable,
        }
    }

    /// Whether all states are there.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended.iter().all(|ended| *ended)
    }

    /// A member is not to have the state any more.
    pub(crate) fn leave_out(&mut self, member: NodeId) {
        self.plan.fresh.retain(|node| *node != member);
    }

    /// Whether anybody is still to have it.
    pub(crate) fn is_needed(&self) -> bool {
        !self.plan.receivers().is_empty()
    }

    /// Counts a message of a service; how many bytes of them a log has since
    /// the state was frozen. A merge needs no bound of its own: while it lasts
    /// only that comes which was under way before.
    pub(crate) fn logged(&mut self, bytes: usize) -> usize {
        if !self.plan.is_merge() {
            self.logged = self.logged.saturating_add(bytes);
        }
        self.logged
    }

    /// The states that this node was sent, by side; `None` if it could not
    /// read one.
    pub(crate) fn into_incoming(self) -> Option<(Plan, Vec<Option<Incoming>>)> {
        (!self.has_failed).then_some((self.plan, self.incoming))
    }

    fn side_under_way(&self, from: NodeId, attempt: u32) -> Option<usize> {
        let side = self.plan.side_of_sender(from)?;
        let is_over = self.ended.get(side).copied().unwrap_or(true);
        (attempt == self.attempt && !is_over).then_some(side)
    }

    /// Lets go of what came so far; what still comes is not looked at.
    fn fail(&mut self, why: &'static str) -> Progress {
        self.has_failed = true;
        self.incoming.fill_with(|| None);
        Progress::Unreadable(why)
    }
}
