//! Protection group tracking: what programs of this node are told of the
//! members of a group.

use super::model::{ComponentId, CsiId, MemberState, Model};
use crate::{ConnectionId, Effects, Event};
use ais_proto::AisError;
use ais_proto::amf::{self, Member, ProtectionGroupChange as Change};
use ais_proto::track::TrackFlags;
use std::collections::{BTreeMap, BTreeSet};

/// The subscriptions of this node, and what was told last.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    subscriptions: BTreeMap<(ConnectionId, CsiId), Subscription>,
    /// The members as of the last change.
    told: BTreeMap<(CsiId, ComponentId), MemberState>,
}

#[derive(Debug)]
struct Subscription {
    number: u32,
    /// `CHANGES` or `CHANGES_ONLY`.
    flags: TrackFlags,
}

/// What a program asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) connection: ConnectionId,
    pub(super) flags: TrackFlags,
    pub(super) capacity: u64,
    pub(super) subscription: u32,
}

impl Tracking {
    /// Begins to track, or tells the members once, or both. Gives the callback
    /// with the current members if they are wanted.
    ///
    /// # Errors
    /// `NO_SPACE` if the members are wanted and are more than the program has
    /// room for.
    pub(super) fn start(
        &mut self,
        csi: CsiId,
        start: Start,
        model: &Model,
    ) -> Result<Option<Event>, AisError> {
        let Start { connection, flags, capacity, subscription: number } = start;
        let current = flags.contains(TrackFlags::CURRENT);
        if current && model.members(csi).len() as u64 > capacity {
            return Err(AisError::NoSpace);
        }
        let key = (connection, csi);
        // A request for the current members alone neither begins nor ends the
        // tracking of changes.
        if flags.subscribes() {
            let flags = flags - TrackFlags::CURRENT;
            self.subscriptions.insert(key, Subscription { number, flags });
        }
        let items = current.then(|| members(model, csi, &BTreeMap::new()));
        Ok(items.map(|items| callback(model, csi, number, items)))
    }

    /// Ends the tracking.
    ///
    /// # Errors
    /// `NOT_EXIST` if the group is not tracked.
    pub(super) fn stop(&mut self, connection: ConnectionId, csi: CsiId) -> Result<(), AisError> {
        self.subscriptions.remove(&(connection, csi)).map(|_| ()).ok_or(AisError::NotExist)
    }

    /// A library handle is gone.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.subscriptions.retain(|(of, _), _| *of != connection);
    }

    /// Tells what is new of the touched components.
    pub(super) fn tell(
        &mut self,
        touched: &BTreeSet<ComponentId>,
        model: &Model,
        fx: &mut Effects,
    ) {
        let changes = self.changes(touched, model);
        if changes.is_empty() {
            return;
        }
        for ((connection, csi), subscription) in &self.subscriptions {
            let Some(changed) = changes.get(csi) else { continue };
            let mut items = members(model, *csi, changed);
            if subscription.flags.contains(TrackFlags::CHANGES_ONLY) {
                items.retain(|member| member.change != Change::NoChange);
            }
            fx.event(*connection, callback(model, *csi, subscription.number, items));
        }
    }

    fn changes(
        &mut self,
        touched: &BTreeSet<ComponentId>,
        model: &Model,
    ) -> BTreeMap<CsiId, BTreeMap<ComponentId, Change>> {
        let mut changes = BTreeMap::<_, BTreeMap<_, _>>::new();
        for id in touched {
            for csi in model.instances_with(*id) {
                let now = model.member_state(*id, csi);
                let before = self.told.insert((csi, *id), now);
                if let Some(change) = change(before, now) {
                    changes.entry(csi).or_default().insert(*id, change);
                }
            }
        }
        changes
    }
}

/// What happened to a member; one never told of was not registered.
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

/// All members of a group, in the order of groups.conf.
fn members(model: &Model, csi: CsiId, changed: &BTreeMap<ComponentId, Change>) -> Vec<Member> {
    let member = |id: &ComponentId| {
        let MemberState { readiness, ha_state, .. } = model.member_state(*id, csi);
        let component = model.config(*id).name.clone();
        let change = changed.get(id).copied().unwrap_or(Change::NoChange);
        Member { component, readiness, ha_state, change }
    };
    model.members(csi).iter().map(member).collect()
}

fn callback(model: &Model, csi: CsiId, subscription: u32, items: Vec<Member>) -> Event {
    // A file does not name more members than an u32 counts.
    let members = u32::try_from(model.members(csi).len()).unwrap_or(u32::MAX);
    let csi = model.instance_name(csi).clone();
    Event::Amf(amf::Event::ProtectionGroupTrack { subscription, csi, members, items })
}
