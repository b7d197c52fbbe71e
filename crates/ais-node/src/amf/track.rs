//! Protection group tracking: what programs of this node are told of the
//! members of a group.

use super::model::{MemberState, Model};
use super::topology::{ComponentId, CsiId, InOrder};
use crate::ledger::Kind;
use crate::{ConnectionId, Effects, Event, Holder, Ledger, SessionId};
use ais_proto::AisError;
use ais_proto::amf::{self, Member, ProtectionGroupChange as Change};
use ais_proto::track::TrackFlags;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Bytes that a subscription counts for.
const SUBSCRIPTION: u64 = 256;

/// The members of a group, in the order of groups.conf.
type Members = Rc<[MemberState]>;

/// The subscriptions of this node, and what there is to tell.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    subscriptions: BTreeMap<(CsiId, ConnectionId), Subscription>,
    /// The groups that each library handle tracks.
    handles: BTreeMap<ConnectionId, BTreeSet<CsiId>>,
    /// The members as of the last change. Programs that have not been told since
    /// share them.
    groups: BTreeMap<CsiId, Members>,
}

#[derive(Debug)]
struct Subscription {
    /// The process of the handle.
    holder: Holder,
    number: u32,
    /// `CHANGES` or `CHANGES_ONLY`.
    flags: TrackFlags,
    /// The members as the program was told them last, or as they were when it
    /// asked.
    told: Members,
    /// The handle has asked for all members and was not told them yet.
    wants_all: bool,
}

/// What a library handle is to be told of a group, as it is by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    csi: CsiId,
    /// All members once, for a subscription of this number that does not last;
    /// `None`: what has changed for the one that does, or all members if it
    /// wants those.
    current: Option<u32>,
}

impl Due {
    /// Whether it was asked for once.
    pub(crate) fn is_asked_for(self) -> bool {
        self.current.is_some()
    }
}

/// What a program asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) session: SessionId,
    pub(super) connection: ConnectionId,
    pub(super) flags: TrackFlags,
    pub(super) capacity: u64,
    pub(super) subscription: u32,
}

impl Tracking {
    /// Begins to track, or tells the members once, or both.
    ///
    /// # Errors
    /// `NO_SPACE` if the members are wanted and are more than the program has
    /// room for, `TRY_AGAIN` if its user tracks as much as he may.
    pub(super) fn start(
        &mut self,
        csi: CsiId,
        start: Start,
        model: &Model,
        fx: &mut Effects,
    ) -> Result<(), AisError> {
        let Start { session, connection, flags, capacity, subscription: number } = start;
        let current = flags.contains(TrackFlags::CURRENT);
        if current && model.members(csi).len() as u64 > capacity {
            return Err(AisError::NoSpace);
        }
        // A request for the current members alone neither begins nor ends the
        // tracking of changes.
        if flags.subscribes() {
            let told = self.groups.entry(csi).or_insert_with(|| members(model, csi));
            let (flags, told) = (flags - TrackFlags::CURRENT, Rc::clone(told));
            let holder = fx.ledger.holder(session);
            if !self.subscriptions.contains_key(&(csi, connection)) {
                if !fx.ledger.may_take(Kind::Events, holder, SUBSCRIPTION) {
                    return Err(AisError::TryAgain);
                }
                fx.ledger.charge(Kind::Events, holder, SUBSCRIPTION);
            }
            let subscription = Subscription { holder, number, flags, told, wants_all: current };
            self.subscriptions.insert((csi, connection), subscription);
            self.handles.entry(connection).or_default().insert(csi);
        }
        if current {
            let current = (!flags.subscribes()).then_some(number);
            fx.tell_now(connection, Due { csi, current });
        }
        Ok(())
    }

    /// Ends the tracking.
    ///
    /// # Errors
    /// `NOT_EXIST` if the group is not tracked.
    pub(super) fn stop(
        &mut self,
        connection: ConnectionId,
        csi: CsiId,
        ledger: &mut Ledger,
    ) -> Result<(), AisError> {
        let stopped = self.subscriptions.remove(&(csi, connection)).ok_or(AisError::NotExist)?;
        ledger.release(Kind::Events, stopped.holder, SUBSCRIPTION);
        if let Some(groups) = self.handles.get_mut(&connection) {
            groups.remove(&csi);
        }
        Ok(())
    }

    /// A library handle is gone.
    pub(super) fn forget(&mut self, connection: ConnectionId, ledger: &mut Ledger) {
        for csi in self.handles.remove(&connection).unwrap_or_default() {
            if let Some(stopped) = self.subscriptions.remove(&(csi, connection)) {
                ledger.release(Kind::Events, stopped.holder, SUBSCRIPTION);
            }
        }
    }

    /// Nobody tracks anything any more.
    pub(super) fn end(&mut self, ledger: &mut Ledger) {
        self.handles.clear();
        for (_, stopped) in std::mem::take(&mut self.subscriptions) {
            ledger.release(Kind::Events, stopped.holder, SUBSCRIPTION);
        }
    }

    /// Has the handles told that track a group in which something is new of the touched
    /// components.
    pub(super) fn touch(&mut self, touched: &[ComponentId], model: &Model, fx: &mut Effects) {
        let groups = touched.iter().flat_map(|id| model.instances_of(*id));
        let place = |csi| model.topology().instances.place(csi);
        let groups: InOrder<_> = groups.map(|csi| (place(*csi), *csi)).collect();
        for csi in groups.into_values() {
            let now = members(model, csi);
            let before = self.groups.insert(csi, Rc::clone(&now));
            if changes(before.as_ref(), &now).any(|change| change != Change::NoChange) {
                let all = (csi, ConnectionId(0))..=(csi, ConnectionId(u64::MAX));
                for (_, connection) in self.subscriptions.range(all).map(|(key, _)| key) {
                    fx.tell(*connection, Due { csi, current: None });
                }
            }
        }
    }

    /// What a library handle is told now, if there is anything.
    pub(super) fn tell(
        &mut self,
        connection: ConnectionId,
        Due { csi, current }: Due,
        model: &Model,
    ) -> Option<Event> {
        let now = self.groups.entry(csi).or_insert_with(|| members(model, csi));
        if let Some(number) = current {
            return Some(callback(model, csi, number, items(model, csi, now, now)));
        }
        let subscription = self.subscriptions.get_mut(&(csi, connection))?;
        let told = std::mem::replace(&mut subscription.told, Rc::clone(now));
        if std::mem::take(&mut subscription.wants_all) {
            let all = items(model, csi, now, now);
            return Some(callback(model, csi, subscription.number, all));
        }
        let mut items = items(model, csi, &told, now);
        let is_new = |member: &Member| member.change != Change::NoChange;
        if !items.iter().any(is_new) {
            return None;
        }
        if subscription.flags.contains(TrackFlags::CHANGES_ONLY) {
            items.retain(is_new);
        }
        Some(callback(model, csi, subscription.number, items))
    }
}

/// All members of a group as they are.
fn members(model: &Model, csi: CsiId) -> Members {
    model.members(csi).iter().map(|id| model.member_state(*id, csi)).collect()
}

/// What happened to each member; those never told of were not registered.
fn changes(told: Option<&Members>, now: &Members) -> impl Iterator<Item = Change> {
    now.iter().enumerate().map(move |(place, now)| {
        let before = told.and_then(|told| told.get(place));
        change(before.copied(), *now).unwrap_or(Change::NoChange)
    })
}

/// What happened to a member.
fn change(before: Option<MemberState>, now: MemberState) -> Option<Change> {
    let was_registered = before.and_then(|before| before.registration);
    match (was_registered, now.registration) {
        (None, None) => None,
        (Some(_), None) => Some(Change::Removed),
        (Some(earlier), Some(number)) if earlier == number => {
            (before != Some(now)).then_some(Change::StateChange)
        }
        _ => Some(Change::Added),
    }
}

/// All members of a group, in the order of groups.conf, and what happened to
/// them since they were told.
fn items(model: &Model, csi: CsiId, told: &Members, now: &Members) -> Vec<Member> {
    let members = model.members(csi).iter().zip(now.iter()).zip(changes(Some(told), now));
    let member = |((id, state), change): ((&ComponentId, &MemberState), Change)| {
        let MemberState { readiness, ha_state, .. } = *state;
        Member { component: model.config(*id).name.clone(), readiness, ha_state, change }
    };
    members.map(member).collect()
}

fn callback(model: &Model, csi: CsiId, subscription: u32, items: Vec<Member>) -> Event {
    // A file does not name more members than an u32 counts.
    let members = u32::try_from(model.members(csi).len()).unwrap_or(u32::MAX);
    let csi = model.instance_name(csi).clone();
    Event::Amf(amf::Event::ProtectionGroupTrack { subscription, csi, members, items })
}
