//! CKPT, Checkpoint: named, sectioned state in memory, the same on all nodes
//! (A.01.01 section CKPT).
//!
//! Replicated are the checkpoints with their sections, and how many times each
//! node has each of them open; `state` has all of that. What a program has
//! open is known to its own node alone (`opens`). Changes are multicast and
//! made on delivery, reads are served from the replica of this node. All
//! replicas being identical, a write of any update option is applied whole or
//! not at all, and the options differ in when the call returns.
//!
//! A node that joins gets the state as a `snapshot`; sides that meet put
//! theirs together (`merge`).

mod awaited;
mod bytes;
mod checkpoint;
mod chunk;
mod duties;
mod ends;
mod failure;
mod fill;
mod graves;
mod inspect;
mod limits;
mod merge;
mod message;
mod near;
mod opens;
mod reached;
mod replica;
mod request;
mod room;
mod section;
mod sections;
mod shards;
mod snapshot;
mod spare;
mod state;
mod taken;
#[cfg(test)]
mod tests;

pub(crate) use inspect::Taken;
pub use limits::Limits;

use crate::service::{Replica, Service};
use crate::{
    Asker, Caller, Config, ConnectionId, Delivery, Digest, Effects, Event, Malformed, Now, Pace,
    Promise, SessionId, Timer,
};
use ais_group::View;
use ais_proto::ckpt::{self, MAX_SECTION_ID, MAX_SECTION_SIZE, UpdateOption};
use ais_wire::{MAX_NODES, NodeId, Wire as _, Writer};
use checkpoint::Checkpoint;
use duties::Duties;
use failure::Failure;
use limits::Limit;
use merge::Merging;
use message::{Change, CheckpointId, Message, Opener, Stamp};
use opens::Opens;
use reached::Reached;
use sections::Sections;
use snapshot::Freezing;
use spare::Spare;
use state::{Changed, State};

/// Open checkpoints of a process; one more is `NO_RESOURCES`.
const MAX_OPENS: usize = 1 << 16;
/// The timer for closing what is left.
const CLOSING: Timer = Timer { kind: 5, object: 0 };
/// Nanoseconds between two steps of what is done bit by bit.
const PAUSE: u64 = 1_000_000;
/// Elements in a vector; one more is `NO_SPACE`. Each may cost a whole chunk
/// of zeros however short it is, and the ring waits meanwhile.
const MAX_ELEMENTS: usize = 1 << 12;
/// Bytes in a generated section id.
const GENERATED_ID: usize = 8;
/// Members of a view at most, as the ring has it.
const MAX_MEMBERS: usize = MAX_NODES;
/// Numbers that only count up from 0 are not believed to have got so far.
const MAX_COUNT: u64 = u64::MAX / 2;
/// Bytes that a checkpoint counts for beside its sections.
const CHECKPOINT_OVERHEAD: u64 = 1024;
/// Bytes that a section counts for beside its id and what it holds.
const SECTION_OVERHEAD: u64 = 320;

/// The service.
#[derive(Debug)]
pub struct Ckpt {
    me: NodeId,
    limits: Limits,
    pace: Pace,
    state: State,
    opens: Opens,
    /// How many opens may still be closed before the timer comes, which is set if
    /// that is less than in each step.
    closes_left: usize,
    duties: Duties,
    reached: Reached,
    spare: Spare,
    /// States that are being put together, and whether one of them is that which
    /// this node had.
    merging: Option<Merging>,
    is_mine: bool,
    /// The state on its way to another node, as long as it is being frozen.
    freezing: Option<Freezing>,
}

impl Ckpt {
    /// The service of a node that is not in a view yet.
    #[must_use]
    pub fn new(me: NodeId, limits: Limits, pace: Pace) -> Self {
        Self {
            me,
            limits,
            pace,
            state: State::default(),
            opens: Opens::default(),
            closes_left: pace.checkpoints,
            duties: Duties::default(),
            reached: Reached::default(),
            spare: Spare::default(),
            merging: None,
            is_mine: false,
            freezing: None,
        }
    }

    /// The body of a reply was sent, and nobody needs it any more.
    pub(crate) fn take_back(&mut self, body: Vec<u8>) {
        self.spare.give(body);
    }

    /// A checkpoint was opened for a program that is no longer there to take
    /// it.
    fn on_unclaimed(&mut self, checkpoint: u32, fx: &mut Effects) {
        if let Some(open) = self.opens.remove(checkpoint, &mut fx.ledger) {
            close(open.checkpoint, 1, fx);
        }
    }

    /// A call of a program of this node was too long to be sent here.
    pub fn on_too_long(&mut self, now: Now) {
        self.reached.now = now.monotonic;
        self.reached.tell(&Limit::Message.failure(), None, &self.limits);
    }

    /// States were put together: what is open here means what it has become.
    /// Has so many of the opens, at most, follow their checkpoints through a merge.
    /// How many there were.
    fn follow_merge(&mut self, most: usize, fx: &mut Effects) -> usize {
        let (state, is_mine) = (&self.state, self.is_mine);
        let count = self.opens.follow_some(most, |id| if is_mine { state.find(id) } else { None });
        if !self.opens.follow_more() {
            self.duties.watch_all();
            self.close_some(fx);
        }
        count
    }

    /// Closes some of what is over, however many processes that is of, and goes on
    /// with the rest a little later: behind what its processes still wanted done,
    /// and with the room that there is for them.
    fn close_some(&mut self, fx: &mut Effects) {
        let is_first = self.closes_left == self.pace.checkpoints;
        let before = self.opens.len();
        let closed = self.opens.take_some(self.closes_left, &mut fx.ledger);
        self.closes_left = self.closes_left.saturating_sub(before - self.opens.len());
        for ((holder, checkpoint), count) in closed {
            let message = Message::Close { checkpoint, count };
            fx.multicast_for(holder, message.length(), |out| message.put(out));
        }
        if is_first && (self.closes_left < self.pace.checkpoints || self.opens.have_more()) {
            fx.set_timer(CLOSING, PAUSE);
        }
    }

    fn delivered_open(
        &mut self,
        delivery: &Delivery<'_>,
        open: &ckpt::Open,
        opener: Opener,
        tag: Option<u32>,
        fx: &mut Effects,
    ) {
        let result = self.state.open(delivery.number, delivery.from, open, opener);
        if let Ok(id) = result {
            self.duties.watch_retention(id, &self.state, fx);
        }
        let Some(asker) = delivery.asker else {
            // The program that asked here has given up, so nobody else will close it.
            if let Ok(id) = result
                && delivery.from == self.me
            {
                close(id, 1, fx);
            }
            return;
        };
        if let Err(failure) = &result {
            self.reached.tell(failure, Some(&open.name), &self.limits);
        }
        let result = result.map(|id| self.opens.add(asker, id, open.flags, &mut fx.ledger));
        let result = result.map_err(|failure| failure.error);
        if let Some(tag) = tag {
            let event = Event::Ckpt(ckpt::Event::Open { tag, result });
            fx.event_when(asker.connection, Promise::Stable, event);
            return;
        }
        let mut body = Writer::new();
        if let Ok(number) = result {
            body.u32(number);
        }
        fx.answer(asker, Promise::Stable, result.map(|_| ()), body.into_bytes());
    }

    fn delivered_change(
        &mut self,
        delivery: &Delivery<'_>,
        id: CheckpointId,
        stamp: Stamp,
        change: &Change<'_>,
        fx: &mut Effects,
    ) {
        let result = self.state.change(id, delivery.from, stamp, change);
        if let Ok(Changed { timed: Some(section), .. }) = result {
            self.duties.watch_near(id, section, &self.state, fx);
        }
        self.duties.watch_expiry(&self.state, fx);
        self.duties.watch_graves(&self.state, fx);
        let result = result.map(|changed| changed.body);
        let Some(asker) = delivery.asker else {
            return;
        };
        if let Err(failure) = &result {
            self.tell(failure, id);
        }
        if let Change::Synchronize { tag: Some(tag) } = *change {
            let result = result.map(|_| ()).map_err(|failure| failure.error);
            let event = Event::Ckpt(ckpt::Event::Synchronize { tag, result });
            return fx.event_when(asker.connection, Promise::Stable, event);
        }
        answer(asker, self.promise(id, change), result, fx);
    }

    /// Says in the log which bound a call on this checkpoint has reached, if
    /// it failed for one.
    fn tell(&mut self, failure: &Failure, id: CheckpointId) {
        let name = self.state.checkpoint(id).map(Checkpoint::name).ok();
        self.reached.tell(failure, name, &self.limits);
    }

    /// When a change may be answered. Changes of data: with all replicas updated, or with
    /// this one, as the checkpoint was made. All other changes: with all replicas updated.
    fn promise(&self, id: CheckpointId, change: &Change<'_>) -> Promise {
        let is_data = matches!(
            change,
            Change::CreateSection { .. }
                | Change::DeleteSection { .. }
                | Change::Write(_)
                | Change::Overwrite { .. }
        );
        let option = self.state.checkpoint(id).map(|checkpoint| checkpoint.option());
        if is_data && option != Ok(UpdateOption::AllReplicas) {
            Promise::Delivered
        } else {
            Promise::Stable
        }
    }
}

impl Service for Ckpt {
    fn start(config: &Config) -> Self {
        Self::new(config.node, config.ckpt, config.pace)
    }

    fn on_request(
        &mut self,
        now: Now,
        caller: &Caller,
        asker: Asker,
        request: ais_proto::Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        let ais_proto::Request::Ckpt(request) = request else { return Err(Malformed) };
        match self.ask(now, caller, asker, request, fx) {
            Ok(()) => Ok(()),
            Err(request::Refusal::Malformed) => Err(Malformed),
            Err(request::Refusal::Failed(failure)) => {
                fx.reply(asker, Err(failure.error), failure.body());
                Ok(())
            }
        }
    }

    fn on_deliver(&mut self, delivery: Delivery<'_>, fx: &mut Effects) {
        let Ok(message) = Message::take_all(delivery.message) else {
            return;
        };
        let result = match message {
            Message::Change { checkpoint, stamp, request } => {
                let Some((_, change)) = Change::of(request) else { return };
                let checkpoint = self.state.resolve(checkpoint);
                return self.delivered_change(&delivery, checkpoint, stamp, &change, fx);
            }
            Message::Open { open, opener, tag } => {
                return self.delivered_open(&delivery, &open, opener, tag, fx);
            }
            Message::Close { checkpoint, count } => {
                let checkpoint = self.state.resolve(checkpoint);
                self.state.close(checkpoint, delivery.from, count);
                self.duties.watch_retention(checkpoint, &self.state, fx);
                Ok(())
            }
            Message::Unlink { name } => self.state.unlink(&name).map(|id| {
                self.duties.watch_retention(id, &self.state, fx);
            }),
            Message::Expire { sections } => {
                self.state.expire(&sections);
                Ok(())
            }
            Message::Retire { checkpoint, version } => {
                self.state.retire(checkpoint, version);
                self.duties.watch_retention(checkpoint, &self.state, fx);
                Ok(())
            }
            Message::Retain { checkpoint, version, remaining } => {
                self.state.retain(checkpoint, version, remaining);
                Ok(())
            }
        };
        // Sections may be gone with their checkpoint.
        self.duties.watch_expiry(&self.state, fx);
        self.duties.watch_graves(&self.state, fx);
        if let Some(asker) = delivery.asker {
            fx.answer(asker, Promise::Stable, result, Vec::new());
        }
    }

    fn on_view(&mut self, view: &View, _has_quorum: bool, fx: &mut Effects) {
        self.freezing = None;
        self.state.install(view);
        self.duties.watch_all();
        self.go_on(fx);
    }

    fn on_lead(&mut self, leads: bool, fx: &mut Effects) {
        self.duties.lead(leads, fx);
        self.go_on(fx);
    }

    fn go_on(&mut self, fx: &mut Effects) {
        let mut left = self.pace.checkpoints;
        if let Some(mut merging) = self.merging.take() {
            left -= self.state.go_on_with(&mut merging, left);
            if left == 0 {
                self.merging = Some(merging);
            } else {
                self.opens.begin_to_follow();
            }
        }
        if left > 0 && self.opens.follow_more() {
            left -= self.follow_merge(left, fx);
        }
        if left > 0 {
            left -= self.state.keep_some(left);
        }
        if left > 0 {
            self.duties.go_on(left, &self.state, fx);
        }
        self.duties.watch_graves(&self.state, fx);
    }

    fn has_more(&self) -> bool {
        self.merging.is_some()
            || self.opens.follow_more()
            || self.state.forgets_nodes()
            || self.duties.have_more()
    }

    /// Timers propose what expires.
    fn timers_need_quorum(&self) -> bool {
        true
    }

    fn on_timer(&mut self, now: Now, timer: Timer, fx: &mut Effects) {
        if timer == CLOSING {
            self.closes_left = self.pace.checkpoints;
            return self.close_some(fx);
        }
        self.duties.on_timer(now, timer, &mut self.state, fx);
    }

    fn on_cancel(&mut self, connection: ConnectionId, id: u32, fx: &mut Effects) {
        if let Some(number) = self.opens.answer_to(connection, id) {
            self.on_unclaimed(number, fx);
        }
    }

    /// What was opened is closed again.
    fn on_undelivered(&mut self, event: &Event, fx: &mut Effects) {
        if let Event::Ckpt(ckpt::Event::Open { result: Ok(checkpoint), .. }) = event {
            self.on_unclaimed(*checkpoint, fx);
        }
    }

    fn on_handle_gone(&mut self, connection: ConnectionId, _fx: &mut Effects) {
        self.opens.forget_connection(connection);
    }

    fn on_session_gone(&mut self, session: SessionId, fx: &mut Effects) {
        self.opens.end_session(session);
        self.close_some(fx);
    }

    fn digest(&self, digest: &mut Digest) {
        self.state.digest(digest);
    }

    fn replica(&mut self) -> Option<&mut dyn Replica> {
        Some(self)
    }
}

/// Multicasts a message; `asker` waits for its delivery here.
fn send(message: &Message<'_>, asker: Option<Asker>, fx: &mut Effects) {
    let awaited = asker.map(|asker| (asker, Promise::Stable));
    fx.multicast(awaited, message.length(), |out| message.put(out));
}

/// Takes opens back for which nobody waits.
fn close(checkpoint: CheckpointId, count: u32, fx: &mut Effects) {
    send(&Message::Close { checkpoint, count }, None, fx);
}

fn answer(asker: Asker, promise: Promise, result: Result<Vec<u8>, Failure>, fx: &mut Effects) {
    match result {
        Ok(body) => fx.answer(asker, promise, Ok(()), body),
        Err(failure) => fx.answer(asker, promise, Err(failure.error), failure.body()),
    }
}
