//! State synchronisation: how the members of a new view come to have the same
//! state, whatever each of them brings.
//!
//! A view begins with an announcement of every member. When all of them are
//! delivered, everybody makes the same [`Plan`]; till then the messages of
//! services are held. If one side at most has state it serves on, and sends it
//! to those that have none: first the heads, which are all but the contents of
//! replicas that have such, frozen in a moment, while they log what is delivered,
//! and apply that after it. From then on they apply all changes as the others do,
//! and are sent the contents.
//! If several sides have state nobody applies anything until all their
//! snapshots are there; then everybody merges them. A view in the middle of
//! this ends it: a member that had state has it as if the sides had not met, one
//! that had all but a part of the contents lacks that part still, one that had
//! less has nothing.
//!
//! Here is what is known and decided; the node (`node/joining.rs`) moves it.

mod configured;
mod exchange;
mod lineage;
pub(crate) mod message;
mod pace;
mod plan;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;

pub(crate) use configured::Change;
pub(crate) use exchange::{Exchange, Progress, Stage};
pub(crate) use message::Message;
pub(crate) use plan::{Plan, Side as PlannedSide};
pub use status::SyncStatus;
pub(crate) use transfer::Incoming;

use crate::by_service::ByService;
use crate::envelope::ToService;
use crate::record::Record;
use crate::services::{Place, SERVICES, Services};
use ais_group::{View, ViewId};
use ais_proto::ServiceId;
use ais_wire::{DecodeError, NodeId, Reader, Wire};
use configured::InUse;
use lineage::{Delivered, lineage_of, lineage_through};
use message::{Announce, Configuration, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of messages that a node logs while it is sent the heads of a state.
/// One more, and that begins anew with the state as it is then.
const LOG_BYTES: usize = 256 << 20;

/// Bytes that a message in a log counts for beside what it holds; the same on
/// all nodes.
const LOG_OVERHEAD: usize = 64;

/// What a node does with the messages of services that are delivered to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Members have yet to announce themselves: it holds them.
    Gathering,
    /// The node has the state: it applies them.
    Serving,
    /// The node is to be sent the state when others have theirs: it drops them.
    Waiting,
    /// The node is sent the heads of the state: it logs them.
    Receiving,
    /// The node is sent contents: it applies them.
    Filling,
    /// States are being brought together: it holds them.
    Merging,
    /// The node cannot read the state: it drops them, and waits for the next view.
    Out,
}

/// A message that is held or logged.
#[derive(Debug)]
pub(crate) struct Logged {
    /// Whether there was quorum when it was delivered.
    pub(crate) has_quorum: bool,
    pub(crate) number: u64,
    pub(crate) from: NodeId,
    pub(crate) to: ToService,
    /// The message with its envelope.
    pub(crate) bytes: Vec<u8>,
}

/// What a node knows of its state and that of the others.
#[derive(Debug)]
pub(crate) struct Sync {
    /// `expected-nodes`, if quorum is asked for.
    expected: Option<u32>,
    pub(crate) view: Option<View>,
    pub(crate) phase: Phase,
    /// Which state this node has; `None` if it has none.
    pub(crate) lineage: Option<u64>,
    /// What was delivered in this view.
    pub(crate) delivered: Delivered,
    /// From where on it lacks contents; `None` if it lacks nothing.
    pub(crate) missing: Option<Place>,
    /// Whether the members that are there now have quorum.
    has_quorum: bool,
    /// The view is over; what is still delivered in it may be with others too.
    pub(crate) is_over: bool,
    /// Whether the members that this node synchronised with last had quorum, and a quorum
    /// of them has come along with it since.
    had_quorum: bool,
    /// The number of the last view in which this node synchronised with a quorum; 0 if
    /// none is asked for.
    last_quorum: u64,
    pub(crate) announces: BTreeMap<NodeId, Announce>,
    /// The members that came into this view with this node and had its state, with it.
    companions: BTreeSet<NodeId>,
    /// How many of them, in all views, were found to have another one.
    pub(crate) divergences: u64,
    /// The members that have the state.
    pub(crate) synced: BTreeSet<NodeId>,
    pub(crate) exchange: Option<Exchange>,
    /// When the last message came that brings states together, or the view began;
    /// in nanoseconds, on the monotonic clock.
    pub(crate) came_at: u64,
    /// How often states have been sent in this view; what is left of an
    /// earlier time is void.
    pub(crate) attempt: u32,
    /// Messages that are held or logged, as they came.
    pub(crate) log: Vec<Logged>,
    log_limit: usize,
    /// The services that need the same configuration on all nodes.
    configured: ByService<InUse>,
    shape: Shape,
    /// Bytes of snapshots sent and taken, since the start.
    pub(crate) bytes_moved: u64,
}

impl Sync {
    pub(crate) fn new(me: NodeId, expected: Option<u32>, services: &mut Services) -> Self {
        let configured = SERVICES.iter().filter_map(|id| {
            let service = services.configured(*id)?;
            Some((*id, InUse::new(me, *id, service.words(), service.fingerprint())))
        });
        Self {
            configured: configured.collect(),
            shape: Shape::of(services),
            expected,
            view: None,
            phase: Phase::Gathering,
            lineage: None,
            delivered: Delivered::default(),
            missing: None,
            has_quorum: false,
            is_over: false,
            had_quorum: false,
            last_quorum: 0,
            announces: BTreeMap::new(),
            companions: BTreeSet::new(),
            divergences: 0,
            synced: BTreeSet::new(),
            exchange: None,
            came_at: 0,
            attempt: 0,
            log: Vec::new(),
            log_limit: LOG_BYTES,
            bytes_moved: 0,
        }
    }

    /// How many nodes are expected, if this view has more: halves of it could
    /// both have quorum.
    pub(crate) fn exceeded(&self, view: &View) -> Option<u32> {
        self.expected.filter(|expected| view.members.len() as u64 > u64::from(*expected))
    }

    /// Whether so many members have quorum.
    pub(crate) fn is_quorum(&self, members: usize) -> bool {
        self.expected.is_none_or(|expected| members as u64 * 2 > u64::from(expected))
    }

    /// Whether this node has a state of its own, all of it.
    pub(crate) fn has_state(&self) -> bool {
        self.lineage.is_some() && self.missing.is_none()
    }

    /// Whether it has at least the heads of one, so that it can apply what is delivered.
    pub(crate) fn has_heads(&self) -> bool {
        self.lineage.is_some()
    }

    /// Whether the state of this node may change: quorum is there, and this
    /// node has synchronised with the nodes that make it up.
    pub(crate) fn may_change(&self) -> bool {
        self.has_state() && self.may_apply()
    }

    /// Whether a change that is delivered is made, here and at all that do
    /// what this node does.
    pub(crate) fn may_apply(&self) -> bool {
        self.has_heads() && self.has_quorum && self.had_quorum
    }

    /// Whether what was held in this view, which is over, is done alike by all that come
    /// along into the next one, and they have quorum: they brought the state that this node
    /// has, all of it or a part, or are known to have brought none. Where a member brought
    /// another state, that may be the one that stands when they meet again.
    pub(crate) fn is_done_alike(&self, came_along: &[NodeId]) -> bool {
        let (with_me, others): (Vec<_>, Vec<_>) =
            came_along.iter().partition(|node| self.companions.contains(node));
        let is_alike = |of: &Announce| of.lineage.is_none() || of.lineage == self.lineage;
        self.is_quorum(with_me.len())
            && others.iter().all(|node| self.announces.get(node).is_some_and(is_alike))
    }

    /// The view is over; what is still delivered in it is agreed among so many
    /// members.
    pub(crate) fn on_transitional(&mut self, members: usize) {
        self.is_over = true;
        self.has_quorum = self.has_quorum && self.is_quorum(members);
    }

    /// Enters a view. The announcement that this node makes in it.
    pub(crate) fn install(&mut self, now: u64, view: &View, record: Record) -> Vec<u8> {
        let delivered = self.delivered.take();
        self.lineage = self.lineage.map(|lineage| lineage_through(lineage, delivered, view));
        self.is_over = false;
        self.has_quorum = self.is_quorum(view.members.len());
        // What others have done with quorum, those that come along may lack.
        self.had_quorum = self.had_quorum && self.is_quorum(view.came_with_me.len());
        self.view = Some(view.clone());
        self.phase = Phase::Gathering;
        self.announces.clear();
        let came: BTreeSet<NodeId> = view.came_with_me.iter().copied().collect();
        // Where nothing was agreed on in the last view they are those of before.
        let synced = match std::mem::take(&mut self.synced) {
            none if none.is_empty() => std::mem::take(&mut self.companions),
            synced => synced,
        };
        self.companions = if self.has_state() { &synced & &came } else { BTreeSet::new() };
        self.exchange = None;
        self.came_at = now;
        self.attempt = 0;
        let announce = Announce {
            lineage: self.lineage,
            missing: self.missing,
            quorum: self.last_quorum,
            configurations: self.configurations(),
            record,
        };
        Message::Announce(&announce.encode()).encode(view.id)
    }

    fn configurations(&self) -> ByService<Configuration> {
        let announced = |of: &InUse| Configuration { in_use: of.in_use, own: of.own.clone() };
        self.configured.iter().map(|(service, of)| (service, announced(of))).collect()
    }

    /// The message of another member.
    ///
    /// # Errors
    /// A [`DecodeError`] if the bytes are none, or name contents that no replica of this
    /// version has.
    pub(crate) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, DecodeError> {
        let message = Message::take(&mut Reader::new(bytes))?;
        match message {
            Message::Fill { next, .. } if !self.shape.has(next) => Err(DecodeError::Invalid),
            message => Ok(message),
        }
    }

    /// What another member announces. An announcement that cannot be read is one of a member
    /// that brings nothing: all must come to the same plan, and nobody may wait for it for
    /// ever.
    pub(crate) fn decode_announce(&self, bytes: &[u8]) -> Announce {
        Announce::decode(bytes, &self.shape).unwrap_or_default()
    }

    /// Whether this node takes part in a service: the cluster runs it with the
    /// configuration that this node has, if it needs one.
    pub(crate) fn takes_part(&self, service: ServiceId) -> bool {
        self.configured.get(service).is_none_or(InUse::is_ours)
    }

    /// Whether messages of a service from this member count here.
    pub(crate) fn takes_from(&self, service: ServiceId, member: NodeId) -> bool {
        self.configured.get(service).is_none_or(|of| of.takes_from(member))
    }

    /// The services that need the same configuration on all nodes.
    pub(crate) fn configured(&self) -> Vec<ServiceId> {
        self.shape.configured.clone()
    }

    /// The services that this node takes no part in.
    pub(crate) fn excluded(&self) -> Vec<ServiceId> {
        let excluded = self.configured.iter().filter(|(_, of)| !of.is_ours());
        excluded.map(|(service, _)| service).collect()
    }

    /// Goes on with the configurations that were agreed on. What that means for each of
    /// the services that need one.
    pub(crate) fn adopt(&mut self, plan: &Plan) -> Vec<(ServiceId, Change)> {
        let announces = &self.announces;
        let configured = self.configured.iter_mut();
        configured.map(|(service, of)| (service, of.follow(plan, announces))).collect()
    }

    pub(crate) fn view_id(&self) -> Option<ViewId> {
        self.view.as_ref().map(|view| view.id)
    }

    /// Whether this node waits for messages of others that bring states together.
    pub(crate) fn waits(&self) -> bool {
        self.view.is_some() && !matches!(self.phase, Phase::Serving | Phase::Out)
    }

    /// Takes the first announcement of a member. The plan, when it was the
    /// last one that was missing.
    pub(crate) fn announced(&mut self, from: NodeId, announce: Announce) -> Option<Plan> {
        let members = self.view.as_ref().map(|view| view.members.as_slice()).unwrap_or_default();
        if self.phase != Phase::Gathering || !members.contains(&from) {
            return None;
        }
        let is_other = announce.lineage != self.lineage;
        if is_other && self.companions.remove(&from) && announce.lineage.is_some() {
            self.divergences += 1;
            log::error!(
                "{from} was not given the same messages as this node in the last view: somebody \
                 forges packets, or two machines have one address; their states are brought \
                 together as those of two parts of a cluster that meet"
            );
        }
        self.announces.entry(from).or_insert(announce);
        (self.announces.len() == members.len())
            .then(|| Plan::new(&self.announces, &self.shape.configured))
    }

    /// Holds or logs a message.
    pub(crate) fn hold(&mut self, number: u64, from: NodeId, to: ToService, bytes: Vec<u8>) {
        let has_quorum = self.has_quorum;
        self.log.push(Logged { has_quorum, number, from, to, bytes });
    }

    /// Takes quorum to be there, or not, as it was; how it is.
    pub(crate) fn replace_quorum(&mut self, has_quorum: bool) -> bool {
        std::mem::replace(&mut self.has_quorum, has_quorum)
    }

    /// The members of this view have agreed on what becomes of their states.
    pub(crate) fn synchronised(&mut self) {
        self.had_quorum = self.has_quorum;
        if let (true, Some(_), Some(view)) = (self.had_quorum, self.expected, &self.view) {
            self.last_quorum = view.id.number;
        }
    }

    /// This node has the state that all synchronised members of the view have.
    /// `lineage`: which one, if the view does not say.
    pub(crate) fn serve(&mut self, lineage: Option<u64>) {
        let Some(view) = self.view_id() else { return };
        self.phase = Phase::Serving;
        self.lineage = lineage.or_else(|| Some(lineage_of(view)));
        self.missing = None;
    }

    /// This node has the state of this lineage, but for contents from a place on.
    pub(crate) fn fill(&mut self, lineage: u64, missing: Place) {
        self.phase = Phase::Filling;
        self.lineage = Some(lineage);
        self.missing = Some(missing);
    }

    /// Contents have come up to here, which may be less than what this node has.
    pub(crate) fn filled_to(&mut self, next: Option<Place>) {
        if let (Some(missing), Some(next)) = (self.missing, next)
            && missing.progress() < next.progress()
        {
            self.missing = Some(next);
        }
    }

    /// This node has no state any more, and is in this phase.
    pub(crate) fn forget_state(&mut self, phase: Phase) {
        self.phase = phase;
        self.lineage = None;
        self.missing = None;
        self.had_quorum = false;
        self.last_quorum = 0;
    }

    /// The lowest of these members that has the state, if it may change.
    pub(crate) fn lead_among(&self, takes_part: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        let may_change = self.has_quorum && self.phase == Phase::Serving;
        self.synced.iter().copied().find(|node| may_change && takes_part(*node))
    }

    /// Counts a message that was delivered while a state is under way, alike
    /// at all members. Whether a log of them has got too long.
    pub(crate) fn overflows(&mut self, bytes: usize) -> bool {
        let limit = self.log_limit;
        self.exchange
            .as_mut()
            .is_some_and(|exchange| exchange.logged(bytes.saturating_add(LOG_OVERHEAD)) > limit)
    }
}
